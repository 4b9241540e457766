package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/isobooth/isobooth/runner"
)

// topLook is how text looks.
type topLook int

const (
	lookPlain topLook = iota
	lookTitle
	lookSelected
	lookBad // a booth that is down, or trouble
)

// topText is text at its place in a line; painting cuts it at its width.
type topText struct {
	x, width int
	text     string
	look     topLook
}

// topLine is a line of the screen.
type topLine []topText

// view is what the terminal shows: at most height lines, none wider than width.
func (m topModel) view() []topLine {
	var lines []topLine
	whole := func(look topLook, text string) { lines = append(lines, topLine{{0, m.width, text, look}}) }
	whole(lookTitle, m.headline())
	switch at := m.index(); {
	case m.failed != nil && len(m.rows) == 0:
		whole(lookBad, printable(m.failed.Error()))
	case !m.asked:
		whole(lookPlain, "asking ...")
	case len(m.rows) == 0:
		whole(lookPlain, "no daemon is running; isobooth run starts one, and it will show up here")
	case m.details && at >= 0:
		whole(lookTitle, "details of "+printable(m.rows[at].id.name))
		all := m.rows[at].details()
		from := min(m.scroll, max(0, len(all)-m.body()))
		for _, text := range all[from:min(len(all), from+m.body())] {
			whole(lookPlain, text)
		}
	default:
		lines = append(lines, m.list()...)
	}
	var last []topLine
	if m.failed != nil && len(m.rows) > 0 {
		last = append(last, topLine{{0, m.width, printable(m.failed.Error()), lookBad}})
	}
	last = append(last, topLine{{0, m.width, m.footline(), lookTitle}})
	above := max(0, m.height-len(last))
	for len(lines) < above {
		lines = append(lines, nil)
	}
	lines = append(lines[:above], last...)
	return lines[:min(m.height, len(lines))]
}

// headline is the first line.
func (m topModel) headline() string {
	ready := 0
	for i := range m.rows {
		if m.rows[i].stats.State == runner.StateReady {
			ready++
		}
	}
	text := fmt.Sprintf("isobooth top  %d of %d booths ready", ready, len(m.rows))
	if m.machine != nil {
		text += "  machine held up: " + heldUp(m.machine)
	}
	return text
}

// footline is the last one: the keys.
func (m topModel) footline() string {
	if m.details {
		return "q quit, up/down, enter back"
	}
	text := fmt.Sprintf("q quit, up/down, enter details, s sort (%s)", topSorts[m.sort.index()].key)
	grouped := slices.ContainsFunc(m.rows, func(r topRow) bool { return r.stats.Usage != nil })
	if m.machine != nil && grouped && !m.pressured() { // the kernel keeps it, so it is v1 that does not
		text += "  no booth pressure on cgroups v1"
	}
	return text
}

// pressured reports whether the kernel keeps any booth's pressure.
func (m topModel) pressured() bool {
	return slices.ContainsFunc(m.rows, func(r topRow) bool { return groupPressure(r.stats.Usage) != nil })
}

// list is the titles and as many booths as there is room for, the selected one
// among them.
func (m topModel) list() []topLine {
	columns := m.columns()
	var titles topLine
	x := 0
	for _, c := range columns {
		titles = append(titles, topText{x, c.width, c.align(c.title), lookTitle})
		x += c.width + 1
	}
	lines := []topLine{titles}
	from := min(max(0, m.index()-m.body()+1), max(0, len(m.rows)-m.body()))
	for i := from; i < min(len(m.rows), from+m.body()); i++ {
		lines = append(lines, m.line(&m.rows[i], columns))
	}
	return lines
}

func (m topModel) line(r *topRow, columns []topColumn) topLine {
	look := lookPlain
	switch {
	case r.id == m.selected:
		look = lookSelected
	case r.stats.State == runner.StateQuarantined || r.stats.State == runner.StateBackingOff:
		look = lookBad
	}
	line := topLine{{0, m.width, "", look}} // the look of what is between
	x := 0
	for _, c := range columns {
		line = append(line, topText{x, c.width, c.align(c.cell(r)), look})
		x += c.width + 1
	}
	return line
}

// topColumn is a column of the list.
type topColumn struct {
	title string
	width int
	left  bool // aligned
	rank  int  // the higher, the earlier it gives way on a narrow terminal
	cell  func(r *topRow) string
}

func (c *topColumn) align(text string) string {
	if pad := c.width - utf8.RuneCountInString(text); pad > 0 && !c.left {
		return strings.Repeat(" ", pad) + text
	}
	return text
}

// columns are those that there is room for, in order.
func (m topModel) columns() []topColumn {
	all := topColumns
	if m.pressured() {
		all = append(slices.Clone(all), pressureColumn)
	}
	byRank := slices.Clone(all)
	slices.SortStableFunc(byRank, func(a, b topColumn) int { return a.rank - b.rank })
	room, least := m.width, -1
	for _, c := range byRank {
		if room -= c.width + 1; room < -1 && least >= 0 {
			break
		}
		least = c.rank
	}
	return slices.DeleteFunc(slices.Clone(all), func(c topColumn) bool { return c.rank > least })
}

// topColumns are all that there is. Ranks are all different.
var topColumns = []topColumn{
	{"BOOTH", 16, true, 0, func(r *topRow) string { return printable(r.id.name) }},
	{"STATE", 11, true, 1, func(r *topRow) string { return string(r.stats.State) }},
	{"PROFILE", 10, true, 14, func(r *topRow) string { return printable(r.stats.Profile) }},
	{"TRIG/S", 7, false, 2, func(r *topRow) string { return r.rate(r.triggers) }},
	{"P50", 8, false, 6, func(r *topRow) string { return shortTime(r.latency.Quantile(0.5)) }},
	{"P99", 8, false, 3, func(r *topRow) string { return shortTime(r.latency.Quantile(0.99)) }},
	{"P50 ALL", 8, false, 12, func(r *topRow) string { return shortTime(r.all.Quantile(0.5)) }},
	{"P99 ALL", 8, false, 11, func(r *topRow) string { return shortTime(r.all.Quantile(0.99)) }},
	{"ERRORS", 7, false, 5, func(r *topRow) string { return fmt.Sprint(r.errors()) }},
	{"RESTARTS", 8, false, 8, func(r *topRow) string { return fmt.Sprint(r.stats.Stats.Restarts) }},
	{"DENIALS", 8, false, 9, func(r *topRow) string { return atLeast(r.stats.denied()) }},
	{"CPU %", 6, false, 4, func(r *topRow) string { return r.rate(r.cpu * 100) }},
	{"THR %", 6, false, 13, func(r *topRow) string { return r.rate(r.throttled * 100) }},
	{"MEMORY", 9, false, 7, func(r *topRow) string { return r.size(r.memory()) }},
	{"PEAK", 9, false, 15, func(r *topRow) string { return r.size(r.peak()) }},
	{"LIMIT", 9, false, 16, func(r *topRow) string { return r.size(uint64(r.stats.Limits.Memory)) }},
	{"MEM/LIMIT", 12, true, 10, func(r *topRow) string { return memoryBar(r.memory(), r.peak(), uint64(r.stats.Limits.Memory), 10) }},
	{"TASKS", 5, false, 17, func(r *topRow) string { return r.tasks() }},
}

// pressureColumn is the share of the last ten seconds in which a task waited
// for a processor, for memory and for a disk.
var pressureColumn = topColumn{"HELD UP %", 14, false, 18, func(r *topRow) string {
	p := groupPressure(r.stats.Usage)
	if p == nil {
		return "-"
	}
	return fmt.Sprintf("%.0f/%.0f/%.0f", p.CPU.Some10, p.Memory.Some10, p.IO.Some10)
}}

func (r *topRow) rate(v float64) string {
	if !r.rated {
		return "-"
	}
	return fmt.Sprintf("%.1f", v)
}

func (r *topRow) size(bytes uint64) string {
	if r.stats.Usage == nil || bytes == 0 {
		return "-"
	}
	return shortSize(bytes)
}

func (r *topRow) peak() uint64 {
	if r.stats.Usage == nil {
		return 0
	}
	return r.stats.Usage.MemoryPeak
}

func (r *topRow) tasks() string {
	if r.stats.Usage == nil {
		return "-"
	}
	return fmt.Sprint(r.stats.Usage.Pids)
}

// memoryBar shows what is used of a limit, and a mark at the most that was.
func memoryBar(now, peak, limit uint64, width int) string {
	if now == 0 || limit == 0 {
		return ""
	}
	at := func(v uint64) int { return min(width, int(float64(v)/float64(limit)*float64(width)+0.5)) }
	bar := []byte(strings.Repeat("#", at(now)) + strings.Repeat(".", width-at(now)))
	if p := at(peak); p > at(now) {
		bar[p-1] = '|'
	}
	return "[" + string(bar) + "]"
}
