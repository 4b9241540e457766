package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/isobooth/isobooth/cmd/isobooth/internal/audit"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
)

// fakeLog is a disk that can be full, or slow.
type fakeLog struct {
	mu      sync.Mutex
	err     error
	part    int // with err: entries that are written all the same
	entries []audit.Entry
	slow    chan struct{} // unless nil, Append waits for it
}

func (f *fakeLog) Append(entries ...audit.Entry) (int, error) {
	if f.slow != nil {
		<-f.slow
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(entries)
	if f.err != nil {
		n = min(f.part, n)
	}
	f.entries = append(f.entries, entries[:n]...)
	return n, f.err
}

func (f *fakeLog) fail(err error, part int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.part = err, part
}

func (f *fakeLog) types() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, e := range f.entries {
		list = append(list, e.Type)
	}
	return list
}

type said struct {
	mu   sync.Mutex
	text []string
}

func (s *said) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, fmt.Sprintf(format, args...))
}

func (s *said) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.text, "\n")
}

// until waits for what another goroutine does, with patience.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s", what)
		}
	}
}

var errFull = errors.New("no space left on device")

// TestAuditDiskFull: records wait for a disk that is full, and it is said once
// when that begins and once when it ends.
func TestAuditDiskFull(t *testing.T) {
	log, told := &fakeLog{}, &said{}
	l := newAuditor(log, false, told.say)
	l.retry = time.Millisecond
	l.add("one", "b", nil)
	until(t, "the first record", func() bool { return len(log.types()) == 1 })
	log.fail(errFull, 1)
	l.add("two", "b", nil)
	l.add("three", "b", nil)
	until(t, "a warning", func() bool { return strings.Contains(told.all(), "no space left") })
	if err := l.put("launch", "b", nil); err != nil {
		t.Errorf("a launch waits for a log that is not required: %v", err)
	}
	log.fail(nil, 0)
	until(t, "the rest", func() bool { return len(log.types()) == 4 })
	l.close(nil)
	if got, want := log.types(), []string{"one", "two", "three", "launch", "daemon_stop"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if n := strings.Count(told.all(), "no space left"); n != 1 || !strings.Contains(told.all(), "written to again") {
		t.Errorf("said %q", told.all())
	}
}

// TestAuditRequired: what cannot be written down is not launched, and when it
// can be again, it is.
func TestAuditRequired(t *testing.T) {
	log, told := &fakeLog{}, &said{}
	l := newAuditor(log, true, told.say)
	l.retry = time.Millisecond
	if err := l.put("launch", "control", nil); err != nil {
		t.Fatal(err)
	}
	if got := log.types(); len(got) != 1 {
		t.Errorf("put returned before it was written: %q", got)
	}
	log.fail(errFull, 0)
	if err := l.put("launch", "b", nil); !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
	l.add("end", "b", nil)
	log.fail(nil, 0)
	if err := l.put("launch", "b", nil); err != nil {
		t.Error(err)
	}
	l.close(errors.New("why"))
	if got, want := log.types(), []string{"launch", "end", "launch", "daemon_stop"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q: a launch that did not happen is not recorded", got, want)
	}
	if !strings.Contains(told.all(), "NOTHING IS LAUNCHED") {
		t.Errorf("said %q", told.all())
	}
}

// TestAuditOverflow: nobody waits for a slow disk, and what had no room is
// counted in the log.
func TestAuditOverflow(t *testing.T) {
	log, told := &fakeLog{slow: make(chan struct{})}, &said{}
	l := newAuditor(log, false, told.say)
	const many = 3 * auditQueue
	for range many {
		l.add("denial", "b", nil)
	}
	close(log.slow)
	l.close(nil)
	var lost uint64
	kept := 0
	for _, e := range log.entries {
		switch e.Type {
		case "lost":
			lost += e.Data.(map[string]uint64)["records"]
		case "denial", "daemon_stop":
			kept++
		}
	}
	if lost == 0 || kept+int(lost) != many+1 {
		t.Errorf("%d kept, %d lost, of %d", kept, lost, many+1)
	}
}

// TestAuditLost: a daemon that ends while the disk is full says what is lost.
func TestAuditLost(t *testing.T) {
	log, told := &fakeLog{err: errFull}, &said{}
	l := newAuditor(log, false, told.say)
	l.close(nil)
	if !strings.Contains(told.all(), "1 records are LOST: no space left") {
		t.Errorf("said %q", told.all())
	}
}

// TestNoAudit: without a log nothing is recorded, and nothing fails.
func TestNoAudit(t *testing.T) {
	var l *auditor
	l.add("x", "", nil)
	l.released("b", "us")
	if err := l.put("launch", "b", nil); err != nil {
		t.Error(err)
	}
	next := &silent{}
	if l.observe(next) != runner.Observer(next) {
		t.Error("another observer")
	}
	l.close(nil)
}

// silent is an Observer that counts.
type silent struct{ calls int }

func (s *silent) State(string, runner.State, *runner.Cause) { s.calls++ }
func (s *silent) Denied(string, control.Denial)             { s.calls++ }
func (s *silent) Trouble(string, string)                    { s.calls++ }
func (s *silent) Limited(string, runner.Limit)              { s.calls++ }

// TestAuditRecords: what booths tell becomes records, bounded, and goes on to
// who else wants to know.
func TestAuditRecords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.Chmod(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	c := auditConfig{File: path, Rotate: "1MiB"}
	log, err := c.open()
	if err != nil {
		t.Fatal(err)
	}
	told, next := &said{}, &silent{}
	l := newAuditor(log, false, told.say)
	o := l.observe(next)
	o.State("b", runner.StateReady, nil)
	o.Denied("b", control.Denial{Call: "openat", Phase: "run", Count: 4, Errno: 1, Decoded: slices.Repeat([]control.Argument{{Name: "path", Value: strings.Repeat("\x1b[2J\u202e", 3000)}}, 20)})
	o.Limited("b", runner.Limit{Name: "memory", Value: 1 << 20, Count: 2})
	o.Trouble("b", "not \xff\r\nremoved")
	o.State("b", runner.StateQuarantined, &runner.Cause{Kind: runner.CauseSignal, Signal: 31, Text: "SIGSYS"})
	o.State("b", runner.StateStandby, nil)
	o.State("b", runner.StateStopped, nil)
	l.limitsChanged("b", "user 0, process 1", []limitChange{{"memory", "64MiB", "128MiB"}}, true)
	l.reloaded("b", "x.toml", "old", "new", errors.New("x.toml:3: bad"))
	l.released("b", "user 0, process 1")
	l.refused(&pluginConfig{Name: "evil", Path: "/x"}, "", errors.New("unsigned"))
	l.close(nil)
	var kinds []string
	v := audit.NewVerifier()
	v.Each = func(r *audit.Record) {
		kinds = append(kinds, r.Type)
		line, err := r.Line()
		if err != nil || !harmless(string(line)) || !json.Valid(line) || len(line) > 64<<10 {
			t.Errorf("%s, %v", line, err)
		}
		if r.Type == "denial" {
			var d denialFacts
			if err := json.Unmarshal(r.Data, &d); err != nil || d.Call != "openat" || len(d.Decoded) != auditArguments || !d.Shortened || d.Count != 4 || d.Errno != 1 {
				t.Errorf("%s, %v", r.Data, err)
			}
		}
	}
	a := &app{settings: &settings{config: config{Audit: c}}}
	if err := a.readOwnAudit(v); err != nil {
		t.Fatal(err)
	}
	want := []string{"ready", "denial", "limit_reached", "trouble", "end", "quarantine", "stop", "limit_change", "reload", "release", "refused", "daemon_stop"}
	if r := v.Report(); !r.OK || !slices.Equal(kinds, want) {
		t.Errorf("%q, want %q; %+v", kinds, want, r)
	}
	page, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range append(kinds, "daemon_start", "launch", "connection", "lost", "recovered", "cut") {
		if !strings.Contains(string(page), "| `"+kind+"` |") {
			t.Errorf("docs/audit.md does not name %q", kind)
		}
	}
	if next.calls != 7 {
		t.Errorf("%d calls went on, want 7", next.calls)
	}
}

// TestPeer: who asks is what the kernel says.
func TestPeer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, want := peer(s), fmt.Sprintf("user %d, process %d", os.Geteuid(), os.Getpid()); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSince(t *testing.T) {
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.Local)
	for text, want := range map[string]time.Time{
		"": {}, "90m": now.Add(-90 * time.Minute), "2026-03-13": time.Date(2026, 3, 13, 0, 0, 0, 0, time.Local),
		"2026-03-13 10:00:00": time.Date(2026, 3, 13, 10, 0, 0, 0, time.Local), "2026-03-13T10:00:00Z": time.Date(2026, 3, 13, 10, 0, 0, 0, time.UTC),
	} {
		if got, err := sinceWhen(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, bad := range []string{"-2h", "yesterday", "2"} {
		if got, err := sinceWhen(bad, now); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}
