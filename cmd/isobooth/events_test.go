package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
)

func newTestEvents(t *testing.T) *events {
	t.Helper()
	p, err := profiles.Named("strict")
	if err != nil {
		t.Fatal(err)
	}
	h := newEvents(func() time.Time { return time.Unix(1, 0) }, func(string) *profiles.Profile { return p })
	t.Cleanup(h.close)
	return h
}

func everything(*event) bool { return true }

func receive[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s: did not happen", what)
	}
	return v
}

// TestSlowReaderLosesAndKnows: every event is read or counted as lost, and
// who publishes does not wait.
func TestSlowReaderLosesAndKnows(t *testing.T) {
	h := newTestEvents(t)
	_, slow := h.subscribe(0, everything)
	const n = 5000
	for i := range n {
		h.publish(event{Type: eventTrouble, Text: fmt.Sprint(i)})
	}
	h.close()
	var seen, lost uint64
	for e := range slow.events {
		if e.Type == eventLost {
			lost += e.Lost
		} else {
			seen++
		}
	}
	// What came last was lost with nobody to tell any more.
	if lost += slow.lost; seen < eventsUnread/2 || seen+lost < n {
		t.Errorf("%d seen, %d lost of %d", seen, lost, n)
	}
	// Control: one who reads has it all.
	h = newTestEvents(t)
	_, quick := h.subscribe(0, everything)
	for i := range n {
		h.publish(event{Type: eventTrouble, Text: fmt.Sprint(i)})
		if e := receive(t, quick.events, "an event"); e.Text != fmt.Sprint(i) {
			t.Fatalf("event %d is %+v", i, e)
		}
	}
}

// TestEventsOfThePast: the last ones that are wanted, and no more than are kept.
func TestEventsOfThePast(t *testing.T) {
	h := newTestEvents(t)
	_, r := h.subscribe(0, everything)
	for i := range eventsKept + 100 {
		h.publish(event{Type: eventTrouble, Booth: []string{"a", "b"}[i%2], Text: fmt.Sprint(i)})
		receive(t, r.events, "an event")
	}
	past, _ := h.subscribe(eventsKept*2, everything)
	if len(past) != eventsKept || past[0].Text != "100" {
		t.Errorf("%d kept, from %q", len(past), past[0].Text)
	}
	past, _ = h.subscribe(3, (&eventsRequest{Booth: "b"}).want)
	if len(past) != 3 || past[0].Text != fmt.Sprint(eventsKept+95) || past[2].Text != fmt.Sprint(eventsKept+99) {
		t.Errorf("of booth b: %+v", past)
	}
}

// TestDenialEvent: the line that decides, and the change for one's own
// profile or for one that is built in.
func TestDenialEvent(t *testing.T) {
	h := newTestEvents(t)
	_, r := h.subscribe(0, everything)
	h.publish(event{Type: eventDenial, Booth: "clip", refused: &control.Denial{
		Call: "openat", Phase: "run", Count: 4, Errno: 1, Args: [6]uint64{3, 0x1000},
		Decoded: []control.Argument{{Name: "path", Value: `"\x1b[2J"`}},
	}})
	e := receive(t, r.events, "the denial")
	d := e.Denial
	if d == nil || d.Profile != "strict" || d.Edit == nil || !d.Edit.New || !filepath.IsAbs(d.Edit.File) || len(d.Edit.Lines) == 0 {
		t.Fatalf("event %+v, denial %+v", e, d)
	}
	if text := e.text(); !strings.HasPrefix(text, `refused openat(path "\x1b[2J") in the run phase, 4 times: `) {
		t.Errorf("text %q", text)
	}
	own := newEdit(profiles.Edit{File: "/home/me/mine.toml", After: 12, Lines: []string{"", "[[rules]]"}, Text: "append this"})
	if text := strings.Join(own.text(), "|"); text != "to allow it: /home/me/mine.toml, after line 12: append this|  [[rules]]" {
		t.Errorf("text %q", text)
	}
	if got := shellQuote("/a b/it's"); got != `'/a b/it'\''s'` {
		t.Errorf("quoted %s", got)
	}
}

// TestHostileClients: with the socket full of clients that say nothing, that
// say nonsense, and that read nothing, the next one has its answer.
func TestHostileClients(t *testing.T) {
	h := newTestEvents(t)
	s := &session{app: &app{settings: &settings{}}, dir: t.TempDir(), events: h}
	l, err := s.serveStatus()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	path := filepath.Join(s.dir, statusFile)
	dial := func() net.Conn {
		t.Helper()
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	for i := range 3 * maxClients {
		switch c := dial(); i % 3 {
		case 0: // silence
		case 1:
			fmt.Fprint(c, strings.Repeat("[", 5000))
		case 2: // a reader of events that reads nothing
			writeJSON(c, request{Op: opEvents, Events: &eventsRequest{Follow: true}})
		}
	}
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			var d daemonStatus
			var err error
			for range 20 { // each waits two seconds
				if err = ask(path, request{Op: opStatus}, &d); err == nil {
					break
				}
			}
			if err != nil || d.PID == 0 {
				t.Errorf("status %+v, %v", d, err)
			}
		})
	}
	for i := range 10_000 {
		h.publish(event{Type: eventTrouble, Text: fmt.Sprint(i) + strings.Repeat("x", 1000)})
	}
	done.Wait()

	// There is room for so many readers, and the next is told.
	c := dial()
	writeJSON(c, request{Op: opEvents, Events: &eventsRequest{Follow: true}})
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	line, err := bufio.NewReader(c).ReadString('\n')
	var e event
	if err != nil || json.Unmarshal([]byte(line), &e) != nil || e.Type != eventError {
		t.Errorf("one reader too many is told %q, %v", line, err)
	}
}

// TestSlowReaderOfTheSocket: one who leaves a stream unread for a while finds
// every event of it, or how many are missing.
func TestSlowReaderOfTheSocket(t *testing.T) {
	h := newTestEvents(t)
	s := &session{app: &app{settings: &settings{}}, dir: t.TempDir(), events: h}
	l, err := s.serveStatus()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h.publish(event{Type: eventTrouble, Text: "first"})
	c, err := net.Dial("unix", filepath.Join(s.dir, statusFile))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	writeJSON(c, request{Op: opEvents, Events: &eventsRequest{Past: 1, Follow: true}})
	lines := json.NewDecoder(c)
	read := func() (e event) {
		t.Helper()
		if err := lines.Decode(&e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := read(); e.Text != "first" {
		t.Fatalf("first read %+v", e)
	}
	const n = 5000
	for i := range n {
		h.publish(event{Type: eventTrouble, Text: fmt.Sprint(i) + strings.Repeat("x", 1000)})
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for { // until there is room for it
			h.publish(event{Type: eventTrouble, Text: "last"})
			select {
			case <-ended:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	var seen, lost uint64
	for e := read(); e.Text != "last"; e = read() {
		if e.Type == eventLost {
			lost += e.Lost
		} else {
			seen++
		}
	}
	if seen == 0 || lost == 0 || seen+lost < n {
		t.Errorf("%d seen, %d lost of %d", seen, lost, n)
	}
}

// TestReadersEndWithTheHub: neither side waits for the other.
func TestReadersEndWithTheHub(t *testing.T) {
	h := newTestEvents(t)
	ours, theirs := net.Pipe()
	defer ours.Close()
	ended := make(chan bool)
	go func() { h.stream(theirs, &eventsRequest{Past: 1, Follow: true}); theirs.Close(); ended <- true }()
	h.publish(event{Type: eventTrouble})
	if _, err := bufio.NewReader(ours).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	h.close()
	receive(t, ended, "the end of the stream")
	h.publish(event{Type: eventTrouble}) // nobody is there
	if _, r := h.subscribe(0, everything); r != nil {
		if _, open := <-r.events; open {
			t.Error("a reader of a hub that has ended reads")
		}
	}
}

// TestDenialsInTheLog: the first of each, so many a minute for each booth, and
// how many more.
func TestDenialsInTheLog(t *testing.T) {
	l := newDenialLog("elsewhere")
	now := time.Unix(0, 0)
	add := func(booth string, i int, count uint64) []string {
		return l.add(now, booth, control.Denial{Call: "openat", Phase: "run", Count: count, Decoded: []control.Argument{{Name: "fd", Value: fmt.Sprint(i)}}})
	}
	lines := 0
	for i := range 1000 {
		lines += len(add("a", i, 1)) + len(add("a", i, 2))
	}
	if lines != loggedDenials+1 { // and that there are more
		t.Errorf("%d lines, want %d", lines, loggedDenials+1)
	}
	if got := add("b", 0, 1); len(got) != 1 || got[0] != `booth "b": refused openat(fd 0) in the run phase` {
		t.Errorf("another booth's: %q", got)
	}
	now = now.Add(time.Minute)
	if got := add("a", 5000, 1); len(got) != 2 || got[0] != `booth "a": and 990 more; elsewhere` {
		t.Errorf("a minute later: %q", got)
	}
	if got := l.rest(); len(got) != 0 {
		t.Errorf("rest %q", got)
	}
	if len(l.kept) != keptDenials || l.kept[0].Count != 2 || l.more == 0 {
		t.Errorf("%d kept, first %d times, %d more", len(l.kept), l.kept[0].Count, l.more)
	}
}

// TestFollowInterrupted: Ctrl-C ends it as it ends the others.
func TestFollowInterrupted(t *testing.T) {
	h := newTestEvents(t)
	dir := t.TempDir()
	s := &session{app: &app{settings: &settings{}}, dir: dir, events: h}
	l, err := s.serveStatus()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, interrupt := context.WithCancel(context.Background())
	seen := make(chan string, 1)
	ended := make(chan error)
	go func() {
		ended <- readEvents(ctx, filepath.Join(dir, statusFile), &eventsRequest{Past: 1, Follow: true}, func(e *event, _ json.RawMessage) { seen <- e.Text })
	}()
	h.publish(event{Type: eventTrouble, Text: "hello"})
	if text := receive(t, seen, "an event"); text != "hello" {
		t.Errorf("read %q", text)
	}
	interrupt()
	if err := receive(t, ended, "the end"); err != nil {
		t.Errorf("interrupted: %v", err)
	}
	if code := exitCode(&shownError{ctx.Err()}); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
}

// TestUnnamedKill: who is killed for a call is told which it may have been.
func TestUnnamedKill(t *testing.T) {
	h := newTestEvents(t)
	_, r := h.subscribe(0, everything)
	h.publish(event{Type: eventState, Booth: "clip", State: runner.StateStandby, Cause: &runner.Cause{Kind: runner.CauseSignal, Signal: syscall.SIGSYS, Text: "killed"}})
	h.publish(event{Type: eventState, Booth: "clip", State: runner.StateStandby, Cause: &runner.Cause{Kind: runner.CauseSignal, Signal: syscall.SIGSEGV, Text: "crashed"}})
	e := receive(t, r.events, "the kill")
	if text := e.text(); !strings.HasPrefix(text, "killed; now standby; ") || !strings.Contains(text, " bpf,") {
		t.Errorf("told %q", text)
	}
	e = receive(t, r.events, "the crash")
	if text := e.text(); text != "crashed; now standby" {
		t.Errorf("told %q", text)
	}
}
