//go:build linux

package runner_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/isobooth/isobooth/cgroups"
	"golang.org/x/sys/unix"
)

// moment is when a daemon or its jailer is killed.
type moment struct {
	name string
	task string // what the helper is doing
	// now tells, with both stopped by a signal, whether this is the moment;
	// nil is any.
	now func(t *testing.T, d daemon) bool
}

// moments are all states of a booth, and the steps of building one. Helpers
// that churn build and remove booths all the time.
var moments = []moment{
	{"any", "churn", nil},
	{"before the group", "churn one", func(t *testing.T, d daemon) bool {
		return len(boothGroups(t, d)) == 1 // the idle one's
	}},
	{"group without a process", "churn", func(t *testing.T, d daemon) bool {
		return slices.ContainsFunc(boothGroups(t, d), func(dir string) bool {
			procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
			return err == nil && len(procs) == 0
		})
	}},
	{"container half made", "churn", func(t *testing.T, d daemon) bool { return len(inits(t, d)) > 0 }},
	{"container waiting to run", "churn", waitsToRun},
	{"standby", "churn", func(t *testing.T, _ daemon) bool {
		return slices.ContainsFunc(workers(t), func(pid string) bool {
			_, err := os.Lstat("/proc/" + pid + "/fd/5") // its control socket, until it has a plugin
			return err == nil
		})
	}},
	{"loading", "load", nil},
	{"ready", "idle", nil},
	{"sixteen ready", "crowd", nil},
	{"in a trigger", "trigger", nil},
	{"draining", "drain", nil},
	{"backing off", "back-off", nil},
	{"replacing", "replace", nil},
	{"replacing with grants", "replace with grants", nil},
}

// boothGroups lists the directories of all booths in one hierarchy.
func boothGroups(t *testing.T, d daemon) []string {
	t.Helper()
	trees := groups(t, d.Tree)
	if len(trees) == 0 {
		return nil
	}
	dirs, err := filepath.Glob(trees[0] + "/b[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// inits lists libcontainer's processes of booths that are being made: the
// jailer's program, run again as "init".
func inits(t *testing.T, d daemon) (pids []int) {
	t.Helper()
	for _, p := range offspring(t, d.Jailer) {
		args, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/cmdline")
		if err == nil && strings.HasSuffix(string(args), "\x00init\x00") {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// waitsToRun tells whether some container has been made and waits for the
// jailer to let it run: its init sleeps in the open of libcontainer's fifo,
// where no closed socket wakes it.
func waitsToRun(t *testing.T, d daemon) bool {
	t.Helper()
	for _, pid := range inits(t, d) {
		tasks, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/syscall")
		for _, task := range tasks {
			// "running", or the number of the call that the task sleeps in.
			text, err := os.ReadFile(task)
			if errors.Is(err, fs.ErrPermission) {
				missing(t, err.Error())
			}
			nr, _, _ := strings.Cut(string(text), " ")
			if nr == strconv.Itoa(unix.SYS_OPENAT) || nr == strconv.Itoa(unix.SYS_OPENAT2) {
				return true
			}
		}
	}
	return false
}

// await stops daemon and jailer in the middle of things, over and over, until
// it is the moment, and leaves them stopped.
func (m *moment) await(t *testing.T, d daemon, pid int) {
	t.Helper()
	// Every run is to be killed at another moment.
	time.Sleep(rand.N(20 * time.Millisecond))
	for deadline := time.Now().Add(patience); ; {
		sendSignal(t, pid, syscall.SIGSTOP)
		sendSignal(t, d.Jailer, syscall.SIGSTOP)
		if m.now == nil {
			return
		}
		time.Sleep(5 * time.Millisecond) // what they have begun goes as far as it gets
		if m.now(t, d) {
			return
		}
		sendSignal(t, d.Jailer, syscall.SIGCONT)
		sendSignal(t, pid, syscall.SIGCONT)
		if time.Now().After(deadline) {
			t.Fatalf("%s: did not happen", m.name)
		}
		time.Sleep(rand.N(3 * time.Millisecond))
	}
}

func sendSignal(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatalf("kill %d: %v", pid, err)
	}
}

// TestKilled kills the daemon, its jailer, or both with SIGKILL in the middle
// of things. No process may live for more than a second after that. Whoever
// is left of the two removes everything; with nobody left, the next start's
// sweep does.
func TestKilled(t *testing.T) {
	plugins := helperPlugins(t)
	adopt(t)
	longest := map[string]time.Duration{}
	for _, m := range moments {
		for _, victim := range []string{"daemon", "jailer", "both"} {
			t.Run(m.name+"/"+victim, func(t *testing.T) {
				d, cmd := startHelper(t, m.task, plugins, nil)
				took := kill(t, &m, victim, d, cmd)
				longest[victim] = max(longest[victim], took)
				if victim == "both" {
					if len(leftovers(t, d.Dir, d.Tree)) == 0 {
						t.Error("control: nothing was left for the sweep; was the jailer alive?")
					}
					removed, err := cgroups.Sweep(d.Tree, func(string) bool { return false })
					if err != nil || !slices.Equal(removed, []string{d.Tree}) {
						t.Errorf("swept %q, %v", removed, err)
					}
					if err := os.RemoveAll(d.Dir); err != nil {
						t.Error(err)
					}
				}
				if left := leftovers(t, d.Dir, d.Tree); len(left) > 0 {
					t.Errorf("left behind: %q", left)
				}
			})
		}
	}
	t.Logf("longest life after the kill: %v", longest)
}

// kill kills at the moment and returns how long the last process lived.
func kill(t *testing.T, m *moment, victim string, d daemon, cmd *exec.Cmd) time.Duration {
	t.Helper()
	if len(workers(t)) == 0 {
		t.Error("control: no worker runs")
	}
	m.await(t, d, cmd.Process.Pid)
	since := time.Now()
	var spared []int
	if victim == "jailer" {
		spared = append(spared, cmd.Process.Pid)
		sendSignal(t, cmd.Process.Pid, syscall.SIGCONT)
	} else {
		sendSignal(t, cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	}
	if victim == "daemon" {
		sendSignal(t, d.Jailer, syscall.SIGCONT)
	} else {
		sendSignal(t, d.Jailer, syscall.SIGKILL)
	}
	took, late := lifetime(t, since, spared...)
	t.Logf("the last process lived for %v; looked at most %v late", took, late)
	// It takes milliseconds, and on a busy machine seconds; what is looked for
	// is one that is never ended.
	if took > max(10*time.Second, 20*late) {
		t.Errorf("a process outlived the %s by %v", victim, took)
	}
	if victim == "jailer" {
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if err := next(t, ended, "end of the daemon"); err != nil {
			t.Errorf("the daemon: %v", err)
		}
	}
	return took
}

// TestKilledWithoutGroups is TestKilled for an ordinary user without groups,
// where no sweep would find a process that is left.
func TestKilledWithoutGroups(t *testing.T) {
	requireNobody(t)
	plugins := helperPlugins(t)
	for _, folder := range plugins {
		if err := os.Chown(folder, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	adopt(t)
	for _, m := range moments {
		if strings.Contains(m.name, "group") {
			continue
		}
		for _, victim := range []string{"daemon", "jailer", "both"} {
			t.Run(m.name+"/"+victim, func(t *testing.T) {
				d, cmd := startHelper(t, m.task, plugins, asNobody)
				kill(t, &m, victim, d, cmd)
				if victim == "both" {
					if _, err := os.Stat(d.Dir); err != nil {
						t.Errorf("control: nothing was left for the next start: %v", err)
					}
					if err := os.RemoveAll(d.Dir); err != nil {
						t.Error(err)
					}
				}
				if left := leftovers(t, d.Dir, ""); len(left) > 0 {
					t.Errorf("left behind: %q", left)
				}
			})
		}
	}
}
