package main

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner"
	"golang.org/x/sys/unix"
)

// lane is the event path to one booth.
type lane struct {
	*runner.Lane
	booth   *running
	trigger runner.Trigger
}

// onLane runs f on a goroutine of its own, which is pinned like the booths.
func (b *bench) onLane(booth *running, f func(l *lane) error) error {
	// A note of three bytes: a frame of 64.
	event, err := midi.FromMessage([]byte{0x90, 60, 100}, 0, "bench0")
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		l, err := b.host.NewLane(b.cpu)
		if err != nil {
			done <- err
			return
		}
		defer l.Close()
		done <- f(&lane{
			Lane: l, booth: booth,
			trigger: runner.Trigger{Event: &event, Mapping: &midi.Mapping{Name: "bench", Action: "a", Params: []byte("{}")}},
		})
	}()
	return <-done
}

// trips takes n round trips, in microseconds.
func (l *lane) trips(n int, every time.Duration) ([]float64, error) {
	samples := make([]float64, n)
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &at); err != nil {
		return nil, os.NewSyscallError("clock_gettime", err)
	}
	for i := range samples {
		if every > 0 {
			at = unix.NsecToTimespec(at.Nano() + int64(every))
			for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &at, nil) == unix.EINTR {
			}
		}
		took, err := l.trip()
		if err != nil {
			return nil, err
		}
		samples[i] = float64(took) / float64(time.Microsecond)
	}
	if failed := l.booth.sink.failed.Load(); failed > 0 {
		return nil, fmt.Errorf("the plugin failed %d times", failed)
	}
	return samples, nil
}

func (l *lane) trip() (time.Duration, error) {
	before := l.booth.sink.replies.Load()
	begin := time.Now()
	if err := l.Send(l.booth.Booth, l.trigger); err != nil {
		return 0, err
	}
	took := time.Since(begin)
	if l.booth.sink.replies.Load() != before {
		return took, nil
	}
	// It was slow: the booth's own goroutine waits for the reply.
	for l.booth.sink.replies.Load() == before {
		if s := l.booth.State(); s != runner.StateReady {
			return 0, fmt.Errorf("the booth is %s", s)
		}
		time.Sleep(100 * time.Microsecond)
	}
	return time.Duration(l.booth.sink.latency.Load()), nil
}

// crash sends a trigger that crashes the plugin.
func (l *lane) crash() error {
	t := l.trigger
	m := *t.Mapping
	m.Action, t.Mapping = "crash", &m
	return l.Send(l.booth.Booth, t)
}

// allocations counts those of n triggers and returns how many come to one.
func (l *lane) allocations(n int) ([]float64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		if _, err := l.trip(); err != nil {
			return nil, err
		}
	}
	runtime.ReadMemStats(&after)
	// Whole ones: the runtime's own goroutines allocate now and then.
	return []float64{float64((after.Mallocs - before.Mallocs) / uint64(n))}, nil
}
