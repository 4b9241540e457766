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
)

// TestRefusedOnceSealed makes system calls from a trigger. Each must be
// refused by name and leave no trace; without a booth each must work.
func TestRefusedOnceSealed(t *testing.T) {
	h := newHost(t)
	c := newCanary(t)
	dir := t.TempDir()
	compile(t, dir, "run", c.flags()...)
	b := h.must(open(t, dir, "run"), nil)
	const eperm, enosys = "-1", "-38"
	for _, test := range []struct {
		call    string
		want    string
		canary  bool // without a booth it leaves a trace
		control bool // without a booth it returns no error
	}{
		{"openat", eperm, true, true},
		{"socket", eperm, true, true},
		{"clone", eperm, true, true},
		{"clone3", enosys, true, true}, // refused in the kernel, so that libc takes clone
		{"execve", eperm, true, false}, // the control does not come back to tell
		{"mmap", eperm, false, true},
		{"mprotect", eperm, false, true},
		{"seccomp", eperm, false, true},
		{"memfd_create", eperm, false, true},
		{"kill", eperm, false, true},
		{"prctl", eperm, false, true},
		{"unshare", eperm, false, true},
		{"io_uring_setup", eperm, false, true},
		{"close", eperm, false, true},
		{"dup3", eperm, false, true},
		{"rt_sigaction", eperm, false, true},
		{"prlimit64", eperm, false, true},
		{"recvmsg", eperm, false, true}, // of the load phase only
	} {
		t.Run(test.call, func(t *testing.T) {
			c.reset(t)
			lane := newLane(t, h)
			pid := b.About().PID
			before := seen(t, pid)
			send(t, lane, b, do(test.call, 1))
			if r := b.reply(); r.result != test.want {
				t.Errorf("returned %q, want %q", r.result, test.want)
			}
			if test.want == eperm {
				named := "run " + test.call
				eventually(t, named+" is named", func() bool { return b.denied(named) == 1 })
			} else if n := b.denied("run " + test.call); n != 0 {
				t.Errorf("handed over %d times; the kernel itself should refuse it", n)
			}
			if after := seen(t, pid); after != before || b.About().PID != pid {
				t.Errorf("BREACH: outside it looked like\n%s\nand now like\n%s", before, after)
			}
			if c.touched() {
				t.Error("BREACH: the call left its trace outside the booth")
			}

			out, err := exec.Command(filepath.Join(bin, "unconfined"), filepath.Join(dir, "p.so"), test.call).Output()
			if n, convErr := strconv.ParseInt(string(out), 10, 64); test.control && (err != nil || convErr != nil || n < 0) {
				missing(t, fmt.Sprintf("%s without a booth: %q, %v", test.call, out, err))
			}
			if test.canary {
				eventually(t, "control: the call leaves its trace without a booth", c.touched)
			}
		})
	}
	for _, call := range []string{"malloc", "clock_gettime", "map data", "write"} {
		t.Run("allowed "+call, func(t *testing.T) {
			before := b.refused("run")
			send(t, newLane(t, h), b, do(call, 2))
			if r := b.reply(); strings.HasPrefix(r.result, "-") || r.result == "" {
				t.Errorf("returned %q", r.result)
			}
			if after := b.refused("run"); len(after) != len(before) {
				t.Errorf("refused %q, before %q", after, before)
			}
		})
	}
	if s := b.Stats(); s.Restarts != 0 {
		t.Errorf("stats %+v", s)
	}
}

// seen is what the kernel says about a worker that an attack would change:
// executable mappings, threads, children, filters, descriptors.
func seen(t *testing.T, pid int) string {
	t.Helper()
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(proc, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	var all []string
	for line := range strings.Lines(read("maps")) {
		if f := strings.Fields(line); strings.Contains(f[1], "x") {
			all = append(all, line)
		}
	}
	for line := range strings.Lines(read("status")) {
		if key, _, _ := strings.Cut(line, ":"); slices.Contains([]string{"Threads", "NoNewPrivs", "Seccomp", "Seccomp_filters", "CapEff", "Uid"}, key) {
			all = append(all, line)
		}
	}
	all = append(all, "children "+read("task/"+strconv.Itoa(pid)+"/children")+"\n")
	fds, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		link, err := os.Readlink(filepath.Join(proc, "fd", fd.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fd.Name()+" "+link+"\n")
	}
	for _, ns := range []string{"user", "pid", "mnt", "net"} {
		link, err := os.Readlink(filepath.Join(proc, "ns", ns))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, link+"\n")
	}
	return strings.Join(all, "")
}
