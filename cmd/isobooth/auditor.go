package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/isobooth/isobooth/cmd/isobooth/internal/audit"
	"github.com/isobooth/isobooth/runner"
)

const (
	// auditQueue is how many records may wait to be written; a booth makes few,
	// and more than these are counted.
	auditQueue = 1024
	// auditRetry is the time between two attempts to write to a log that fails.
	auditRetry = time.Second
)

// auditLog is what an auditor writes to.
type auditLog interface {
	Append(entries ...audit.Entry) (written int, err error)
}

// auditor writes the audit log of a daemon, on a goroutine of its own: nothing
// waits for the disk but, where the config requires the log, a launch. A nil
// one keeps none.
type auditor struct {
	runner.Observer // the next one
	log             auditLog
	required        bool
	say             func(format string, args ...any)
	retry           time.Duration

	queue chan auditItem
	lost  atomic.Uint64 // records that found the queue full
	end   chan struct{}
	done  sync.WaitGroup

	connections connections

	// Only the writing goroutine touches these.
	held    []auditItem // not yet in the log
	failing error
}

// auditItem is a record on its way.
type auditItem struct {
	entry audit.Entry
	done  chan error // where somebody waits for it to be written, or nil
}

func newAuditor(log auditLog, required bool, say func(string, ...any)) *auditor {
	l := &auditor{
		log: log, required: required, say: say, retry: auditRetry,
		queue: make(chan auditItem, auditQueue), end: make(chan struct{}),
	}
	l.done.Go(l.run)
	return l
}

// openAudit begins the log that the config wants. Without one, which only a
// config that does not require it allows, it returns nil.
func (a *app) openAudit() (*auditor, error) {
	c := &a.settings.Audit
	log, err := c.open()
	switch {
	case errors.Is(err, errNoAudit) && !c.Required:
		return nil, nil
	case err != nil && c.Required:
		return nil, fmt.Errorf("audit log, which the config requires: %w", err)
	case err != nil:
		a.say("warning: NO AUDIT LOG is kept: %v", err)
		a.hint("audit.file in the config names another file, or \"off\"")
		return nil, nil
	}
	log.Notice = func(format string, args ...any) { a.say("warning: audit log "+format, args...) }
	l := newAuditor(log, c.Required, a.say)
	if err := l.put("daemon_start", "", a.daemonFacts()); err != nil {
		l.close(err)
		return nil, err
	}
	return l, nil
}

// observe has booths tell next what they tell l.
func (l *auditor) observe(next runner.Observer) runner.Observer {
	if l == nil {
		return next
	}
	l.Observer = next
	return l
}

// add records something that has happened, and returns at once.
func (l *auditor) add(kind, booth string, data any) {
	if l == nil {
		return
	}
	select {
	case l.queue <- auditItem{entry: audit.Entry{Time: time.Now(), Type: kind, Booth: booth, Data: data}}:
	default:
		l.lost.Add(1)
	}
}

// put records what is about to happen. Where the log is required it returns
// when the record is on the disk, or why it is not: then it must not happen.
func (l *auditor) put(kind, booth string, data any) error {
	if l == nil {
		return nil
	}
	if !l.required {
		l.add(kind, booth, data)
		return nil
	}
	item := auditItem{audit.Entry{Time: time.Now(), Type: kind, Booth: booth, Data: data}, make(chan error, 1)}
	l.queue <- item
	return <-item.done
}

// close writes what is left, and that the daemon ends; err is why, or nil.
// Nothing may be recorded after.
func (l *auditor) close(err error) {
	if l == nil {
		return
	}
	reason := "it was asked to"
	if err != nil {
		reason = err.Error()
	}
	// There is always room soon: run takes what waits, whatever the disk does.
	l.queue <- auditItem{entry: audit.Entry{Time: time.Now(), Type: "daemon_stop", Data: map[string]string{"reason": reason}}}
	close(l.end)
	l.done.Wait()
	if n := l.unwritten(); n > 0 {
		l.say("warning: audit log: %d records are LOST: %v", n, l.failing)
	}
}

func (l *auditor) run() {
	for {
		var again <-chan time.Time
		if len(l.held) > 0 {
			again = time.After(l.retry)
		}
		select {
		case i := <-l.queue:
			l.hold(i)
		case <-again:
		case <-l.end:
			for l.take(); l.unwritten() > 0; l.take() {
				if l.write(); l.failing != nil {
					return
				}
			}
			return
		}
		l.take()
		l.write()
	}
}

// unwritten is how many records are in no log yet.
func (l *auditor) unwritten() uint64 { return uint64(len(l.held)) + l.lost.Load() }

// take gets what waits, as much as is written at once. While the disk fails it
// gets all, so that who waits for a launch is told.
func (l *auditor) take() {
	for len(l.held) < auditQueue || l.failing != nil {
		select {
		case i := <-l.queue:
			l.hold(i)
		default:
			return
		}
	}
}

// hold keeps a record until the log has it. While the disk fails, those that
// come later are only counted, but for one that somebody waits for.
func (l *auditor) hold(i auditItem) {
	if len(l.held) >= auditQueue && i.done == nil {
		l.lost.Add(1)
		return
	}
	l.held = append(l.held, i)
}

func (l *auditor) write() {
	if l.unwritten() == 0 {
		return
	}
	entries := make([]audit.Entry, 0, len(l.held)+1)
	for _, i := range l.held {
		entries = append(entries, i.entry)
	}
	lost := l.lost.Load()
	if lost > 0 {
		entries = append(entries, audit.Entry{Time: time.Now(), Type: "lost", Data: map[string]uint64{"records": lost}})
	}
	n, err := l.log.Append(entries...)
	if n > len(l.held) {
		l.lost.Add(-lost) // what came meanwhile stays
		n = len(l.held)
	}
	for _, i := range l.held[:n] {
		if i.done != nil {
			i.done <- err
		}
	}
	left := l.held[n:]
	l.held = nil
	for _, i := range left {
		if i.done != nil {
			i.done <- err // and is not tried again: it does not happen
			continue
		}
		l.held = append(l.held, i)
	}
	l.tell(err)
}

// tell says when the log begins to fail, and when that is over.
func (l *auditor) tell(err error) {
	switch {
	case err != nil && l.failing == nil && l.required:
		l.say("warning: %v; NOTHING IS LAUNCHED until it can be written, as the config requires it", err)
	case err != nil && l.failing == nil:
		l.say("warning: %v; records are kept in memory, and those beyond %d only counted", err, auditQueue)
	case err == nil && l.failing != nil:
		l.say("the audit log is written to again")
	}
	l.failing = err
}
