package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/runner"
)

// frame is a view as text, without the spaces at the ends of lines.
func frame(t *testing.T, m topModel) string {
	t.Helper()
	lines := m.view()
	if len(lines) > m.height {
		t.Errorf("%d lines on a terminal of %d", len(lines), m.height)
	}
	var b strings.Builder
	for _, line := range lines {
		row := []rune(strings.Repeat(" ", m.width))
		for _, text := range line {
			if text.x < 0 || text.x+text.width > max(m.width, text.width) {
				t.Errorf("%+v is not on a terminal of %d", text, m.width)
			}
			for i, r := range []rune(text.text) {
				if i < text.width && text.x+i < m.width {
					row[text.x+i] = r
				}
			}
		}
		b.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return b.String()
}

// readings are two answers, a second apart, of a daemon with four booths.
func readings() (first, second topAnswer) {
	one := daemonStats{PID: 100, At: 10 * time.Second, Booths: []boothStats{
		measured("transpose"), measured("arp"), {boothStatus: boothStatus{Name: hostileText, State: runner.StateQuarantined, Profile: "strict"}},
		{boothStatus: boothStatus{Name: "bass", State: runner.StateBackingOff, Profile: "strict"}},
	}}
	two := one
	two.At += time.Second
	two.Booths = slices.Clone(one.Booths)
	busy := measured("arp")
	busy.Stats.Triggers += 250
	busy.Latency.Direct.Count += 250
	busy.Latency.Direct.Buckets = []runner.Bucket{{UpTo: 16384, Count: 900}, {UpTo: 32768, Count: 335}, {UpTo: 196608, Count: 15}}
	usage := *busy.Usage
	usage.CPU += 123 * time.Millisecond
	usage.ThrottledTime += 50 * time.Millisecond
	usage.Memory = 40 << 20
	busy.Usage = &usage
	two.Booths[1] = busy
	return topAnswer{daemons: []daemonStats{one}}, topAnswer{daemons: []daemonStats{two}, machine: &pressure{CPU: stall{Some10: 3.21}}}
}

// after is a model that was told all that.
func after(messages ...any) topModel {
	m := topModel{interval: time.Second, sort: "name"}
	for _, message := range messages {
		m = m.update(message)
	}
	return m
}

func TestTopFrames(t *testing.T) {
	first, second := readings()
	for name, m := range map[string]topModel{
		"wide":    after(topSize{200, 12}, first, second),
		"80":      after(topSize{80, 24}, first, second),
		"asking":  after(topSize{80, 6}),
		"nobody":  after(topSize{80, 6}, topAnswer{}),
		"ended":   after(topSize{80, 6}, first, topAnswer{}),
		"trouble": after(topSize{80, 8}, first, topAnswer{daemons: second.daemons, err: errors.New("ask daemon: " + hostileText)}),
		"silent":  after(topSize{80, 6}, topAnswer{err: errors.New("ask daemon: " + hostileText)}),
		"short":   after(topSize{60, 5}, first, second, keyDown, keyDown),
		"tiny":    after(topSize{12, 4}, first, second),
		"details": after(topSize{100, 30}, first, second, keyDown, keyEnter),
		"scroll":  after(topSize{60, 8}, first, second, keyDown, keyEnter, keyDown, keyDown),
		"memory":  after(topSize{120, 10}, first, second, keySort, keySort, keySort, keySort, keySort, keySort, keySort),
	} {
		got := frame(t, m)
		if !harmless(got) {
			t.Errorf("%s: %q", name, got)
		}
		golden(t, "top-"+name+".txt", got)
	}
}

// TestTopPressure: with control groups v2 there is a column of it, and no
// remark that there is none.
func TestTopPressure(t *testing.T) {
	first, second := readings()
	const remark = "no booth pressure on cgroups v1"
	if text := frame(t, after(topSize{250, 8}, first, second)); strings.Contains(text, "HELD UP") || strings.Count(text, remark) != 1 {
		t.Errorf("without:\n%s", text)
	}
	if text := frame(t, after(topSize{250, 8}, first)); strings.Contains(text, remark) {
		t.Errorf("on a kernel that keeps none:\n%s", text)
	}
	second.daemons = []daemonStats{{PID: 1, Booths: []boothStats{pressed("a"), measured("b")}}}
	if text := frame(t, after(topSize{250, 8}, second)); !strings.Contains(text, "HELD UP %") || !strings.Contains(text, "32/2/0") || strings.Contains(text, remark) {
		t.Errorf("with:\n%s", text)
	}
	second.daemons = []daemonStats{{PID: 1, Booths: []boothStats{{boothStatus: boothStatus{Name: "a"}}}}}
	if text := frame(t, after(topSize{250, 8}, second)); strings.Contains(text, remark) {
		t.Errorf("without control groups:\n%s", text)
	}
}

// TestTopAnySize: every size there is, in every part of top.
func TestTopAnySize(t *testing.T) {
	first, second := readings()
	for _, messages := range [][]any{nil, {topAnswer{}}, {first}, {first, second}, {first, second, keyEnter}, {first, second, keyEnter, keyEnd}, {topAnswer{err: errors.New("x")}}} {
		for width := range 220 {
			for _, height := range []int{0, 1, 2, 3, 4, 5, 24} {
				frame(t, after(append(slices.Clone(messages), topSize{width, height})...))
			}
		}
	}
	frame(t, after(first, topSize{-1, -1}))
}

// TestTopRates: what happened between two answers, whatever began anew.
func TestTopRates(t *testing.T) {
	id := boothID{1, "a"}
	b := func(triggers uint64, pid int, cpu time.Duration) boothStats {
		return boothStats{boothStatus: boothStatus{PID: pid, Stats: runner.Stats{Triggers: triggers}, Usage: &cgroups.Stats{CPU: cpu}}}
	}
	first := newTopRow(id, time.Second, b(100, 7, time.Second), nil)
	if first.rated {
		t.Errorf("the first: %+v", first)
	}
	for name, test := range map[string]struct {
		at            time.Duration
		now           boothStats
		triggers, cpu float64
		rated         bool
	}{
		"two seconds later":       {3 * time.Second, b(110, 7, 1500*time.Millisecond), 5, 0.25, true},
		"another worker":          {3 * time.Second, b(110, 8, 500*time.Millisecond), 5, 0.25, true},
		"another, that used more": {2 * time.Second, b(110, 8, 2*time.Second), 10, 2, true},
		"at the same time":        {time.Second, b(110, 7, 2*time.Second), 0, 0, false},
		"by another clock":        {time.Millisecond, b(110, 7, 2*time.Second), 0, 0, false},
		"without a worker":        {2 * time.Second, boothStats{boothStatus: boothStatus{Stats: runner.Stats{Triggers: 100}}}, 0, 0, true},
	} {
		r := newTopRow(id, test.at, test.now, &first)
		if r.rated != test.rated || r.triggers != test.triggers || r.cpu != test.cpu {
			t.Errorf("%s: %v, %v triggers/s, cpu %v; want %+v", name, r.rated, r.triggers, r.cpu, test)
		}
	}
}

// TestTopSelection: the selection stays with its booth, over new orders,
// restarts of the daemon and times without one.
func TestTopSelection(t *testing.T) {
	first, second := readings()
	m := after(topSize{80, 24}, first, keyDown)
	selected := m.selected.name
	if selected == m.rows[0].id.name {
		t.Fatal("down does not move")
	}
	check := func(what string) {
		t.Helper()
		if at := m.index(); at < 0 || m.rows[at].id.name != selected {
			t.Errorf("%s: selected is %v, want %q", what, m.selected, selected)
		}
	}
	m = m.update(second)
	check("the next answer")
	for range topSorts {
		m = m.update(keySort)
		check(string(m.sort))
	}
	m = m.update(topAnswer{})
	if m.index() >= 0 || m.update(keyEnter).details || m.update(keyDown).index() >= 0 {
		t.Error("something is selected and nothing there")
	}
	restarted := second
	restarted.daemons = slices.Clone(second.daemons)
	restarted.daemons[0].PID = 200
	m = m.update(restarted)
	check("another daemon")
	if m.selected.daemon != 200 {
		t.Errorf("selected is %v", m.selected)
	}
	for _, step := range []struct {
		key  topKey
		want int
	}{{keyEnd, 3}, {keyDown, 3}, {keyUp, 2}, {keyHome, 0}, {keyUp, 0}, {keyPageDown, 3}, {keyPageUp, 0}, {keyOther, 0}} {
		if m = m.update(step.key); m.index() != step.want {
			t.Errorf("key %d: at %d, want %d", step.key, m.index(), step.want)
		}
	}
	// A booth that is gone leaves the selection where it was.
	m = m.update(keyEnd)
	fewer := restarted
	fewer.daemons = slices.Clone(restarted.daemons)
	fewer.daemons[0].Booths = fewer.daemons[0].Booths[:2]
	if m = m.update(fewer); m.index() != 1 {
		t.Errorf("with fewer booths: at %d", m.index())
	}
	if m = m.update(keyQuit); !m.quit {
		t.Error("it does not quit")
	}
}

func TestTopDetails(t *testing.T) {
	first, second := readings()
	m := after(topSize{80, 8}, first, keyDown, keyEnter)
	if !m.details {
		t.Fatal("no details")
	}
	for range 100 {
		m = m.update(keyDown)
	}
	at := m.scroll
	if at == 0 || at > len(m.rows[m.index()].details()) {
		t.Errorf("scrolled to %d", at)
	}
	if m = m.update(keyUp); m.scroll != at-1 {
		t.Errorf("back to %d", m.scroll)
	}
	if m = m.update(second); !m.details || m.scroll != at-1 {
		t.Errorf("after an answer: %v, %d", m.details, m.scroll)
	}
	if m = m.update(keyBack); m.details {
		t.Error("still details")
	}
	if m = m.update(keyEnter).update(keyEnter); m.details {
		t.Error("enter does not lead back")
	}
	if m = m.update(keyEnter).update(topAnswer{}); m.details {
		t.Error("details of nothing")
	}
}

// TestTopSorts: each key sorts, the largest first, and none loses a booth.
func TestTopSorts(t *testing.T) {
	first, second := readings()
	names := func(m topModel) (all []string) {
		for _, r := range m.rows {
			all = append(all, r.id.name)
		}
		return all
	}
	byName := []string{hostileText, "arp", "bass", "transpose"}
	for key, want := range map[topSort][]string{
		"name": byName, "triggers": {"arp"}, "p99": {"arp"}, "errors": {"arp", "transpose"}, "restarts": {"arp", "transpose"},
		"denials": {"arp", "transpose"}, "cpu": {"arp"}, "memory": {"arp", "transpose"},
	} {
		m := topModel{sort: key}.update(first).update(second)
		for _, name := range byName {
			if !slices.Contains(want, name) {
				want = append(want, name)
			}
		}
		if got := names(m); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	if keys := topSortKeys(); len(keys) != 8 {
		t.Errorf("keys %q", keys)
	}
}

func TestMemoryBar(t *testing.T) {
	for _, test := range []struct {
		now, peak, limit uint64
		want             string
	}{
		{0, 0, 64, ""}, {1, 1, 0, ""}, {32, 32, 64, "[#####.....]"}, {32, 64, 64, "[#####....|]"}, {32, 0, 64, "[#####.....]"},
		{64, 64, 64, "[##########]"}, {100, 200, 64, "[##########]"}, {1, 16, 64, "[..|.......]"},
	} {
		if got := memoryBar(test.now, test.peak, test.limit, 10); got != test.want {
			t.Errorf("%d, %d of %d: %s, want %s", test.now, test.peak, test.limit, got, test.want)
		}
	}
}

// TestTopColumns: ranks are all different, and each column is there once there
// is room.
func TestTopColumns(t *testing.T) {
	seen := map[int]string{}
	for _, c := range append(slices.Clone(topColumns), pressureColumn) {
		if other, ok := seen[c.rank]; ok {
			t.Errorf("%s and %s have the same rank", other, c.title)
		}
		seen[c.rank] = c.title
		if utf8.RuneCountInString(c.title) > c.width {
			t.Errorf("%s is wider than its column", c.title)
		}
	}
	last := 0
	for width := range 250 {
		n := len(topModel{width: width}.columns())
		if n < last {
			t.Errorf("%d columns in %d, and %d in less", n, width, last)
		}
		last = n
	}
	if last != len(topColumns) {
		t.Errorf("%d columns, want %d", last, len(topColumns))
	}
	if got := fmt.Sprint(len(topModel{width: 1}.columns())); got != "1" {
		t.Errorf("%s columns on the narrowest terminal", got)
	}
}
