package attack

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// snapshot is what the kernel says about a worker, seen from outside, by
// name: all that an attack on its sandbox would change.
type snapshot map[string]string

// statusFields of proc_pid_status(5).
var statusFields = []string{"Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp", "Seccomp_filters", "Threads", "TracerPid",
	"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}

// take looks at process pid.
func take(pid int) (snapshot, error) {
	s := snapshot{}
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	for _, step := range []func(string) error{s.status, s.sched, s.files, s.links, s.tasks, s.maps} {
		if err := step(dir); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s snapshot) status(dir string) error {
	data, err := os.ReadFile(dir + "/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		if k, v, ok := strings.Cut(line, ":"); ok && slices.Contains(statusFields, k) {
			s["status "+k] = strings.TrimSpace(v)
		}
	}
	if err := s.stacked(); err != nil {
		return err
	}
	if ids := strings.Fields(s["status Uid"]); len(ids) > 0 {
		s["status user"] = ids[0]
	}
	// Root's as long as the worker is not dumpable; proc(5).
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	s["owner"] = strconv.Itoa(int(st.Uid))
	for _, name := range []string{"mountinfo", "limits", "cgroup", "oom_score_adj", "personality", "environ"} {
		data, err := os.ReadFile(dir + "/" + name)
		if err != nil {
			return err
		}
		s[name] = string(data)
	}
	return nil
}

// stacked leaves out the filters that we have, too: from a container or a unit
// around us, every process below has inherited them.
func (s snapshot) stacked() error {
	all, err := strconv.Atoi(s["status Seccomp_filters"])
	if err != nil {
		return fmt.Errorf("count filters: %w", err)
	}
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		if n, ok := strings.CutPrefix(line, "Seccomp_filters:"); ok {
			own, err := strconv.Atoi(strings.TrimSpace(n))
			if err != nil {
				return fmt.Errorf("count our own filters: %w", err)
			}
			s["status Seccomp_filters"] = strconv.Itoa(all - own)
		}
	}
	return nil
}

// sched takes how it is scheduled; proc_pid_stat(5) counts fields from 1, and
// the name in field 2 may hold anything.
func (s snapshot) sched(dir string) error {
	data, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return err
	}
	text := string(data)
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(f) < 39 {
		return fmt.Errorf("unreadable %s/stat", dir)
	}
	s["sched"] = fmt.Sprintf("nice %s, rt_priority %s, policy %s", f[19-3], f[40-3], f[41-3])
	s["session"] = fmt.Sprintf("pgrp %s, session %s, tty %s", f[5-3], f[6-3], f[7-3])
	return nil
}

// files are the descriptors, where each leads and with which flags.
func (s snapshot) files(dir string) error {
	entries, err := os.ReadDir(dir + "/fd")
	if err != nil {
		return err
	}
	for _, e := range entries {
		link, err := os.Readlink(dir + "/fd/" + e.Name())
		if err != nil {
			return err
		}
		info, err := os.ReadFile(dir + "/fdinfo/" + e.Name())
		if err != nil {
			return err
		}
		_, flags, _ := strings.Cut(string(info), "flags:\t")
		flags, _, _ = strings.Cut(flags, "\n")
		s["fd "+e.Name()] = link + " flags " + flags
	}
	return nil
}

func (s snapshot) links(dir string) error {
	spaces, err := os.ReadDir(dir + "/ns")
	if err != nil {
		return err
	}
	names := []string{"exe", "cwd", "root"}
	for _, e := range spaces {
		names = append(names, "ns/"+e.Name())
	}
	for _, name := range names {
		link, err := os.Readlink(dir + "/" + name)
		if err != nil {
			return err
		}
		s[name] = link
	}
	return nil
}

func (s snapshot) tasks(dir string) error {
	entries, err := os.ReadDir(dir + "/task")
	if err != nil {
		return err
	}
	for _, e := range entries {
		// Needs CONFIG_PROC_CHILDREN, which distributions have.
		children, err := os.ReadFile(dir + "/task/" + e.Name() + "/children")
		if err != nil {
			return err
		}
		s["children"] += string(children)
	}
	return nil
}

// maps takes what can be executed; "code" is where from, "rwx" what can also
// be written.
func (s snapshot) maps(dir string) error {
	data, err := os.ReadFile(dir + "/maps")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 5 || !strings.Contains(f[1], "x") {
			continue
		}
		if strings.Contains(f[1], "w") {
			s["rwx"] += line
		}
		if len(f) < 6 {
			s["anonymous code"] += line
		}
		s["code"] += line
	}
	return nil
}

// blocking is s without O_NONBLOCK in the flags of descriptors.
func (s snapshot) blocking() snapshot {
	out := maps.Clone(s)
	for name, text := range s {
		link, octal, ok := strings.Cut(text, " flags ")
		if flags, err := strconv.ParseUint(octal, 8, 32); ok && err == nil && strings.HasPrefix(name, "fd ") {
			out[name] = fmt.Sprintf("%s flags 0%o", link, flags&^unix.O_NONBLOCK)
		}
	}
	return out
}

// differences lists what changed from s to after, but for names in except.
func (s snapshot) differences(after snapshot, except ...string) string {
	var out []string
	both := maps.Clone(s)
	maps.Copy(both, after)
	for _, k := range slices.Sorted(maps.Keys(both)) {
		if s[k] != after[k] && !slices.Contains(except, k) {
			out = append(out, fmt.Sprintf("%s was %q and is %q", k, s[k], after[k]))
		}
	}
	return strings.Join(out, "; ")
}

// Worker is the worker as the kernel shows it: descriptors, namespaces,
// mounts, user, capabilities, filters, limits, scheduling, code, tasks,
// children, groups. The attack must leave all of it as it was, but for threads
// that its profile allows.
func Worker(p *probe) (trap, error) { return &worker{p: p}, nil }

// Unblocked is Worker for a row whose AllowedBy lets a plugin say whether its
// descriptors block: of the worker's ends of the pipes, which are file
// descriptions of their own, that is no change then.
func Unblocked(p *probe) (trap, error) {
	return &worker{p: p, unblocked: p.slot.suite.o.looser(p.row) != ""}, nil
}

type worker struct {
	p         *probe
	unblocked bool // O_NONBLOCK may have changed
}

func (*worker) inside() {}

func (w *worker) sprung() (string, error) {
	before, ready, after := w.p.before, w.p.ready, w.p.after
	switch {
	case ready == nil:
		return "", nil // it ended while it loaded
	case after == nil:
		after = ready
	}
	if after["rwx"]+after["anonymous code"] != "" {
		return fmt.Sprintf("code that no file holds: %q", after["rwx"]+after["anonymous code"]), nil
	}
	for _, s := range []snapshot{ready, after} {
		n, err := strconv.Atoi(s["status Threads"])
		if err != nil {
			return "", err
		}
		if most := w.p.slot.suite.o.Profile.Limits.Threads; n > most {
			return fmt.Sprintf("the worker has %d threads, the profile allows %d", n, most), nil
		}
	}
	if w.unblocked {
		before, ready, after = before.blocking(), ready.blocking(), after.blocking()
	}
	// The control socket is closed, and the library mapped, while it loads.
	if d := before.differences(after, "fd 5", "code", "status Threads"); d != "" {
		return d, nil
	}
	return ready.differences(after, "status Threads"), nil
}

func (w *worker) reset() error { return nil }
func (w *worker) close() error { return nil }

// Posture is one field of the worker's /proc/PID/status and what it must be
// before, while and after the library is in it.
func Posture(field, want string) Evidence {
	return func(p *probe) (trap, error) { return &posture{p, field, want}, nil }
}

type posture struct {
	p           *probe
	field, want string
}

func (*posture) inside() {}

func (o *posture) sprung() (string, error) {
	for _, s := range []snapshot{o.p.before, o.p.ready, o.p.after} {
		if s != nil && s["status "+o.field] != o.want {
			return fmt.Sprintf("%s is %q, want %q", o.field, s["status "+o.field], o.want), nil
		}
	}
	return "", nil
}

func (o *posture) reset() error { return nil }
func (o *posture) close() error { return nil }
