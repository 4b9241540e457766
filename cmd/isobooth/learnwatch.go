package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// watcher notes what a plugin does: the Sink and Observer of a run of learn.
type watcher struct {
	app *app

	mu      sync.Mutex
	denials []control.Denial
	busy    []span // when the plugin answered triggers, ascending
	ends    int
	peaks   peaks
}

// span is in nanoseconds of CLOCK_MONOTONIC, as control.Denial.At.
type span struct{ from, to int64 }

// watched is what a watcher saw, sorted out.
type watched struct {
	seen  []profiles.Seen
	ends  int
	peaks peaks
}

func newWatcher(a *app) *watcher { return &watcher{app: a} }

// Reply is on the event path; what is played here is a MIDI file.
func (w *watcher) Reply(r *runner.Reply) {
	now := monotonic()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = append(w.busy, span{now - int64(r.Latency), now})
}

// State counts the ends.
func (w *watcher) State(booth string, s runner.State, cause *runner.Cause) {
	if cause == nil || cause.Kind == runner.CauseStopped {
		return
	}
	w.app.say("booth %q: %v", booth, cause)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends++
}

// Denied notes a call, whether it was refused or let through.
func (w *watcher) Denied(_ string, d control.Denial) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.denials = append(w.denials, d)
}

// Trouble is printed as it comes.
func (w *watcher) Trouble(booth, text string) { w.app.say("warning: booth %q: %s", booth, text) }

// Limited is told of limits that were raised for the run; measure knows more.
func (w *watcher) Limited(booth string, l runner.Limit) {
	w.app.say("booth %q: reached its %v", booth, l)
}

// measureEvery is how often what a booth uses is looked at. Peaks between two
// looks are the kernel's where it counts them, which is for memory.
const measureEvery = 10 * time.Millisecond

// measure looks at what the booth uses until stop is called, which looks once
// more.
func (w *watcher) measure(b *runner.Booth) (stop func()) {
	end := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(measureEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				w.look(b)
			case <-end:
				w.look(b)
				return
			}
		}
	})
	return func() { close(end); done.Wait() }
}

func (w *watcher) look(b *runner.Booth) {
	u, p := b.Usage(), peaksOf(b.About().PID)
	p.memory = max(u.Memory, u.MemoryPeak)
	p.tasks = max(p.tasks, u.Pids)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peaks.raise(p)
}

// done sorts out what was seen.
func (w *watcher) done() *watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := &watched{ends: w.ends, peaks: w.peaks}
	type key struct{ call, phase, detail string }
	counted := map[key]uint64{}
	for _, d := range w.denials {
		k := key{d.Call, d.Phase, argumentText(d.Decoded)}
		s := profiles.Seen{
			Call: d.Call, Moment: w.moment(&d), Args: d.Args, Detail: k.detail, Granted: d.Learned,
			Count: d.Count - min(d.Count, counted[k]),
		}
		if to, ok := destinationOf(&d); ok {
			s.To = to.String()
		}
		s.Path, s.Write = wantedFile(&d)
		counted[k] = d.Count
		i := slices.IndexFunc(out.seen, func(h profiles.Seen) bool {
			return h.Call == s.Call && h.Moment == s.Moment && h.Detail == s.Detail && h.Granted == s.Granted
		})
		if i < 0 {
			out.seen = append(out.seen, s)
		} else {
			out.seen[i].Count += s.Count
		}
	}
	return out
}

// wantedFile is the file of the host that a call was about, and whether it
// would have changed it; "" for what every booth has or none is granted.
func wantedFile(d *control.Denial) (path string, write bool) {
	for _, a := range d.Decoded {
		switch a.Name {
		case "path":
			text, err := strconv.Unquote(a.Value)
			if err != nil || text != filepath.Clean(text) || !filepath.IsAbs(text) {
				return "", false
			}
			for _, none := range []string{"/proc", "/sys", "/dev", "/"} {
				if text == none || none != "/" && strings.HasPrefix(text, none+"/") {
					return "", false
				}
			}
			path = text
		case "flags":
			write = write || strings.Contains(a.Value, "O_WRONLY") || strings.Contains(a.Value, "O_RDWR") || strings.Contains(a.Value, "O_CREAT")
		}
	}
	return path, write
}

// moment is when a call was made. One in a trigger that never had its reply
// counts as idle.
func (w *watcher) moment(d *control.Denial) profiles.Moment {
	if d.Phase == string(profiles.PhaseLoad) {
		return profiles.MomentLoad
	}
	i, _ := slices.BinarySearchFunc(w.busy, d.At, func(s span, at int64) int {
		if s.to < at {
			return -1
		}
		return 1
	})
	if i < len(w.busy) && w.busy[i].from <= d.At {
		return profiles.MomentTrigger
	}
	return profiles.MomentIdle
}

// beyond lists the calls that were refused and that learn could grant.
func (w *watched) beyond(known []profiles.Seen, permissive *profiles.Profile) []profiles.Seen {
	var out []profiles.Seen
	for _, s := range w.seen {
		if slices.ContainsFunc(known, func(k profiles.Seen) bool { return k.Call == s.Call }) {
			continue
		}
		s.Granted = permissive.Allows(s.Call, s.Args)
		out = append(out, s)
	}
	return out
}

func argumentText(args []control.Argument) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a.Name + " " + a.Value
	}
	return strings.Join(words, ", ")
}

func monotonic() int64 {
	var t unix.Timespec
	// It fails for a clock that does not exist; clock_gettime(2).
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}

// peaks are the most that a plugin used.
type peaks struct {
	tasks        uint64
	memory       uint64 // bytes
	addressSpace uint64 // bytes
	files        uint64 // descriptors
}

func (p *peaks) raise(o peaks) {
	p.tasks, p.memory = max(p.tasks, o.tasks), max(p.memory, o.memory)
	p.addressSpace, p.files = max(p.addressSpace, o.addressSpace), max(p.files, o.files)
}

// peaksOf reads what /proc tells of a worker; what it does not is 0.
func peaksOf(pid int) peaks {
	var p peaks
	if pid == 0 {
		return p
	}
	dir := "/proc/" + strconv.Itoa(pid)
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return p // it has ended
	}
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		n, err := strconv.ParseUint(fields[0], 10, 64)
		switch {
		case err != nil:
		case key == "VmPeak":
			p.addressSpace = n << 10
		case key == "Threads":
			p.tasks = n
		}
	}
	// Root only: the worker's files are another user's.
	if open, err := os.ReadDir(dir + "/fd"); err == nil {
		p.files = uint64(len(open))
	}
	return p
}

// withRoom is the profile with limits that a plugin reaches only in a loop,
// as far as its ceilings allow.
func withRoom(p *profiles.Profile) *profiles.Profile {
	roomy := *p
	l := &roomy.Limits
	l.Pids, l.Threads = max(l.Pids, 256), max(l.Threads, 256)
	l.Memory = max(l.Memory, 512<<20)
	l.OpenFiles = max(l.OpenFiles, 256)
	l.AddressSpace = profiles.Unlimited
	l.LoadTimeout, l.TriggerTimeout = max(l.LoadTimeout, time.Minute), max(l.TriggerTimeout, time.Minute)
	l.Denials = 1 << 30
	roomy.Limits = p.Capped(*l)
	return &roomy
}

// needs are the limits of base that these peaks exceed, with room to the next
// power of two: the same plugin does not use the same every time.
func (p *peaks) needs(base *profiles.Profile) []profiles.NeededLimit {
	l := &base.Limits
	var out []profiles.NeededLimit
	add := func(key, value, why string) {
		out = append(out, profiles.NeededLimit{Key: key, Value: value, Why: why})
	}
	// A runtime starts threads when it likes, the next time perhaps while
	// loading, and does not survive one that is refused.
	tasks := roundUp(p.tasks)
	if p.tasks > 1 {
		tasks = roundUp(2 * p.tasks)
	}
	if tasks > uint64(l.Pids) {
		add("pids", strconv.FormatUint(tasks, 10), fmt.Sprintf("%d tasks seen", p.tasks))
	}
	if tasks > uint64(l.Threads) {
		add("threads", strconv.FormatUint(tasks, 10), fmt.Sprintf("%d tasks seen", p.tasks))
	}
	if p.memory > uint64(l.Memory)/4*3 {
		add("memory", fmt.Sprintf("%dMiB", roundUp(p.memory/3*4)>>20), fmt.Sprintf("%d MiB seen", p.memory>>20))
	}
	if p.files > l.OpenFiles {
		add("open_files", strconv.FormatUint(roundUp(p.files), 10), fmt.Sprintf("%d open descriptors seen", p.files))
	}
	if p.addressSpace > l.AddressSpace {
		add("address_space", "unlimited", fmt.Sprintf("%d MiB seen", p.addressSpace>>20))
	}
	return underCeilings(base, out)
}

// underCeilings lowers what is needed to the ceilings of base. What base has
// already is left out.
func underCeilings(base *profiles.Profile, needed []profiles.NeededLimit) (out []profiles.NeededLimit) {
	for _, n := range needed {
		if under := base.UnderCeiling(n.Key, n.Value); under != n.Value {
			if under == base.Limits.Text(n.Key) {
				continue
			}
			n.Value, n.Why = under, n.Why+", the ceiling"
		}
		out = append(out, n)
	}
	return out
}

func roundUp(n uint64) uint64 {
	p := uint64(1)
	for p < n {
		p <<= 1
	}
	return p
}
