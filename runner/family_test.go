//go:build linux

package runner_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// process is one line of the process table.
type process struct {
	pid, parent int
	state       rune // as in proc_pid_stat(5); Z has ended and waits for its parent
	name        string
}

func (p process) String() string {
	return p.name + " " + strconv.Itoa(p.pid) + " (" + string(p.state) + ")"
}

// offspring lists all processes that descend from pid.
func offspring(t *testing.T, pid int) []process {
	t.Helper()
	all, err := offspringOf(pid)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func offspringOf(pid int) (all []process, err error) {
	children := map[int][]process{}
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("internal error: no process in /proc: %w", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		p, err := parseStat(string(data))
		if err != nil {
			return nil, err
		}
		children[p.parent] = append(children[p.parent], p)
	}
	for next := children[pid]; len(next) > 0; next = next[1:] {
		all = append(all, next[0])
		next = append(next, children[next[0].pid]...)
	}
	return all, nil
}

// parseStat reads the beginning of proc_pid_stat(5). The name may hold
// anything, brackets too.
func parseStat(text string) (p process, err error) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if _, err := fmt.Sscanf(text[:open], "%d", &p.pid); err != nil {
		return p, err
	}
	p.name = text[open+1 : end]
	_, err = fmt.Sscanf(text[end+1:], " %c %d", &p.state, &p.parent)
	return p, err
}

// adopt makes this process the parent of every descendant that loses its own,
// PR_SET_CHILD_SUBREAPER in prctl(2), so that none escapes the count.
func adopt(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); err != nil {
			t.Error(err)
		}
	})
}

// orphans collects adopted processes that have ended and lists the
// descendants that live, without those that are to be spared: children with
// somebody else to wait for them.
func orphans(t *testing.T, spared ...int) (live []process) {
	t.Helper()
	for _, p := range offspring(t, os.Getpid()) {
		switch {
		case slices.Contains(spared, p.pid):
		case p.state == 'Z' && p.parent == os.Getpid():
			_, _ = unix.Wait4(p.pid, nil, unix.WNOHANG, nil)
		default:
			live = append(live, p)
		}
	}
	return live
}

// lifetime waits until no descendant but the spared ones lives, and returns
// how long after since that was, and how late the latest of the looks in
// between came: that is the machine's fault, nobody else's.
func lifetime(t *testing.T, since time.Time, spared ...int) (took, late time.Duration) {
	t.Helper()
	const beat = time.Millisecond
	for last := time.Now(); ; {
		live := orphans(t, spared...)
		took = time.Since(since)
		if len(live) == 0 {
			return took, late
		}
		if took > patience {
			t.Fatalf("still there: %v", live)
		}
		time.Sleep(beat)
		late = max(late, time.Since(last)-beat)
		last = time.Now()
	}
}

// TestOrphansAreSeen is the control of those who look for none.
func TestOrphansAreSeen(t *testing.T) {
	adopt(t)
	out, err := exec.Command("sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!").Output()
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Kill(pid, unix.SIGKILL)
	if live := orphans(t); len(live) != 1 || live[0].pid != pid {
		t.Errorf("descendants %v, want %d", live, pid)
	}
	if live := orphans(t, pid); len(live) != 0 {
		t.Errorf("descendants %v, want none but the spared one", live)
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	lifetime(t, time.Now())
}
