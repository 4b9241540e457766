package portmidi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/isobooth/isobooth/midi"
)

// fakeStream is an in port whose reads give the steps, one each, and then
// nothing.
type fakeStream struct {
	t     *testing.T
	drain func() // called by each poll that finds nothing

	mu     sync.Mutex
	steps  []any // []word or error
	closed int
	inside int // calls going on
}

func (f *fakeStream) enter() func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed > 0 {
		f.t.Error("call of a closed stream")
	}
	f.inside++
	return func() {
		f.mu.Lock()
		f.inside--
		f.mu.Unlock()
	}
}

func (f *fakeStream) poll() (bool, error) {
	defer f.enter()()
	if len(f.steps) == 0 && f.drain != nil {
		f.drain()
	}
	return len(f.steps) > 0, nil
}

func (f *fakeStream) read(buf []word) (int, error) {
	defer f.enter()()
	if len(f.steps) == 0 {
		return 0, nil
	}
	step := f.steps[0]
	f.steps = f.steps[1:]
	switch step := step.(type) {
	case error:
		return 0, step
	case []word:
		return copy(buf, step), nil
	}
	panic("bad step")
}

func (f *fakeStream) lost() uint64 { return 0 }

func (f *fakeStream) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed++
	if f.inside > 0 {
		f.t.Error("closed during a call")
	}
	return nil
}

// spin is a waiter that does not wait.
type spin struct{}

func (spin) Wait() error { return nil }
func (spin) Wake()       {}
func (spin) Close()      {}

// runSteps runs an In over steps until they are used up.
func runSteps(t *testing.T, steps ...any) (events []string, stats midi.Lost, err error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in := newIn("pad", &fakeStream{t: t, steps: steps, drain: cancel}, spin{})
	err = in.Run(ctx, func(e *midi.Event) {
		if e.Device != "pad" {
			t.Errorf("Device %q", e.Device)
		}
		events = append(events, fmt.Sprintf("% x", e.AppendRaw(nil)))
	})
	if cerr := in.Close(); cerr != nil {
		t.Error(cerr)
	}
	return events, in.Lost(), err
}

func TestInMessages(t *testing.T) {
	for name, tc := range map[string]struct {
		words   []word
		want    []string
		skipped uint64
	}{
		"short, padded": {
			[]word{{0x90, 60, 1}, {0xc0, 5, 0}, {0xf8}, {0xd0, 1}, {0xf1, 2}, {0xf6}},
			[]string{"90 3c 01", "c0 05", "f8", "d0 01", "f1 02", "f6"}, 0,
		},
		"sysex in one word": {
			[]word{{0xf0, 1, 0xf7, 0}, {0xf0, 0xf7, 9, 9}, {0x80, 60, 0}},
			[]string{"f0 01 f7", "f0 f7", "80 3c 00"}, 0,
		},
		"sysex ends at each place": {
			[]word{
				{0xf0, 1, 2, 3}, {0xf7, 0, 0, 0},
				{0xf0, 1, 2, 3}, {4, 0xf7, 0, 0},
				{0xf0, 1, 2, 3}, {4, 5, 0xf7, 0},
				{0xf0, 1, 2, 3}, {4, 5, 6, 0xf7},
				{0xf0, 1, 2, 0xf7},
			},
			[]string{
				"f0 01 02 03 f7", "f0 01 02 03 04 f7", "f0 01 02 03 04 05 f7",
				"f0 01 02 03 04 05 06 f7", "f0 01 02 f7",
			}, 0,
		},
		"clock inside sysex": {
			[]word{{0xf0, 1, 2, 3}, {0xf8}, {4, 5, 0xf7}},
			[]string{"f8", "f0 01 02 03 04 05 f7"}, 0,
		},
		"sysex cut off": {
			[]word{{0xf0, 1, 2, 3}, {0x90, 60, 1}, {0x90, 62, 1}},
			[]string{"90 3c 01", "90 3e 01"}, 4,
		},
		"sysex cut off by a sysex": {
			[]word{{0xf0, 1, 2, 3}, {0xf0, 4, 0xf7}},
			[]string{"f0 04 f7"}, 4,
		},
		"word without status, end without start": {
			[]word{{1, 2, 3, 4}, {0xf7}, {0x90, 60, 1}},
			[]string{"90 3c 01"}, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			// All in one read, then each word in a read of its own.
			var single []any
			for _, w := range tc.words {
				single = append(single, []word{w})
			}
			for _, steps := range [][]any{{tc.words}, single} {
				got, stats, err := runSteps(t, steps...)
				if err != context.Canceled || !slices.Equal(got, tc.want) {
					t.Errorf("got %q, %v, want %q", got, err, tc.want)
				}
				if stats.Skipped != tc.skipped || stats.Overflows != 0 {
					t.Errorf("stats %+v, want %d skipped", stats, tc.skipped)
				}
			}
		})
	}
}

// A system exclusive message that PortMidi could not buffer costs itself,
// not the port.
func TestInSurvivesOverflow(t *testing.T) {
	got, stats, err := runSteps(t,
		[]word{{0xf0, 1, 2, 3}, {4, 5, 6, 7}},
		errOverflow,
		[]word{{8, 9, 0xf7}, {0x90, 60, 1}},
		[]word{{0xf0, 1, 0xf7}},
	)
	if err != context.Canceled || !slices.Equal(got, []string{"90 3c 01", "f0 01 f7"}) {
		t.Errorf("got %q, %v", got, err)
	}
	if stats.Overflows != 1 || stats.Skipped != 9 {
		t.Errorf("stats %+v", stats)
	}
}

// PortMidi's full queue: an overflow that no poll shows and that holds back
// what comes after it.
func TestInFindsHiddenOverflow(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := &fullQueue{words: []word{{0xf8}, {0xf8}}}
	in := newIn("pad", f, spin{})
	n := 0
	err := in.Run(ctx, func(*midi.Event) {
		if n++; n == 3 {
			cancel()
		}
	})
	if err != context.Canceled || in.Lost().Overflows != 1 {
		t.Errorf("Run = %v, stats %+v", err, in.Lost())
	}
}

// fullQueue is an in port that lost messages behind words.
type fullQueue struct {
	words    []word
	reported bool
}

func (f *fullQueue) poll() (bool, error) { return len(f.words) > 0, nil }

func (f *fullQueue) read(buf []word) (int, error) {
	if len(f.words) == 0 && !f.reported {
		f.reported = true
		f.words = []word{{0xf8}} // there is room again
		return 0, errOverflow
	}
	n := copy(buf[:1], f.words)
	f.words = f.words[n:]
	return n, nil
}

func (f *fullQueue) lost() uint64 { return 0 }

func (f *fullQueue) close() error { return nil }

func TestInPortFails(t *testing.T) {
	broken := errors.New("host error")
	got, _, err := runSteps(t, []word{{0xf8}}, broken, []word{{0xf8}})
	if !errors.Is(err, broken) || err.Error() != `read MIDI port "pad": host error` || len(got) != 1 {
		t.Errorf("Run = %v after %q", err, got)
	}
}

// Close comes while Run polls; the stream is closed once, after Run's last
// call.
func TestInCloseEndsRun(t *testing.T) {
	polled := make(chan struct{}, 1)
	f := &fakeStream{t: t, drain: func() {
		select {
		case polled <- struct{}{}:
		default:
		}
	}}
	in := newIn("pad", f, spin{})
	done := make(chan error)
	go func() { done <- in.Run(t.Context(), func(*midi.Event) {}) }()
	<-polled
	if err := in.Run(t.Context(), nil); err != ErrRunning {
		t.Errorf("second Run = %v", err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != midi.ErrClosed {
		t.Errorf("Run = %v", err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := in.Run(t.Context(), nil); err != midi.ErrClosed {
		t.Errorf("Run after Close = %v", err)
	}
	if f.closed != 1 {
		t.Errorf("closed %d times", f.closed)
	}
}

// A port that never runs dry can still be left.
func TestInCloseDuringFlood(t *testing.T) {
	in := newIn("pad", flood{}, spin{})
	first := make(chan struct{})
	var once sync.Once
	done := make(chan error)
	go func() {
		done <- in.Run(t.Context(), func(*midi.Event) { once.Do(func() { close(first) }) })
	}()
	<-first
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != midi.ErrClosed {
		t.Errorf("Run = %v", err)
	}
}

// flood is an in port that always has another clock message.
type flood struct{}

func (flood) poll() (bool, error) { return true, nil }

func (flood) read(buf []word) (int, error) {
	for i := range buf {
		buf[i] = word{0xf8}
	}
	return len(buf), nil
}

func (flood) lost() uint64 { return 0 }

func (flood) close() error { return nil }

func TestInDoesNotAllocate(t *testing.T) {
	allocs := func(events int) float64 {
		return testing.AllocsPerRun(5, func() {
			in := newIn("pad", flood{}, spin{})
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			n := 0
			in.Run(ctx, func(*midi.Event) {
				if n++; n == events {
					cancel()
				}
			})
		})
	}
	if few, many := allocs(1), allocs(10_000); many-few > 10 {
		t.Errorf("%v allocations for 1 event, %v for 10000", few, many)
	}
}

func TestInRunsAgain(t *testing.T) {
	cause := errors.New("enough")
	f := &fakeStream{t: t}
	in := newIn("pad", f, spin{})
	for range 2 {
		ctx, cancel := context.WithCancelCause(t.Context())
		f.steps = []any{[]word{{0x90, 60, 1}}}
		f.drain = func() { cancel(cause) }
		n := 0
		if err := in.Run(ctx, func(*midi.Event) { n++ }); err != cause || n != 1 {
			t.Errorf("Run = %v after %d events", err, n)
		}
	}
}

// What arrived before the port went is delivered, then Run ends.
func TestInGone(t *testing.T) {
	f := &fakeStream{t: t, steps: []any{[]word{}, []word{{0xf8}}, []word{{0xf8}}}}
	in := newIn("pad", f, ending{})
	n := 0
	err := in.Run(t.Context(), func(*midi.Event) { n++ })
	if !errors.Is(err, midi.ErrGone) || err.Error() != `read MIDI port "pad": MIDI port is gone` || n != 2 {
		t.Errorf("Run = %v after %d events", err, n)
	}
}

// ending is a waiter whose port has gone.
type ending struct{ spin }

func (ending) Wait() error { return midi.ErrGone }

// leaky is an in port to which something is lost with each word.
type leaky struct {
	*fakeStream
	n uint64
}

func (l *leaky) read(buf []word) (int, error) {
	l.n++
	return l.fakeStream.read(buf)
}

func (l *leaky) lost() uint64 { return l.n }

// A system exclusive message in several parts is not delivered if something
// was lost meanwhile; short ones and other messages are.
func TestInLeaky(t *testing.T) {
	for _, tc := range []struct {
		name    string
		stream  func(*fakeStream) inStream
		want    int
		dropped uint64
	}{
		{"leaky", func(f *fakeStream) inStream { return &leaky{fakeStream: f} }, 2, 1},
		{"tight", func(f *fakeStream) inStream { return f }, 3, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f := &fakeStream{t: t, drain: cancel, steps: []any{
				[]word{{0xf0, 1, 2, 3}}, []word{{4, 5, 0xf7}}, []word{{0xf0, 1, 0xf7}}, []word{{0x90, 1, 1}},
			}}
			in := newIn("pad", tc.stream(f), spin{})
			n := 0
			in.Run(ctx, func(*midi.Event) { n++ })
			if got := in.Lost(); n != tc.want || got.SysExDropped != tc.dropped {
				t.Errorf("%d events, lost %+v", n, got)
			}
		})
	}
}

func FuzzWords(f *testing.F) {
	f.Add([]byte{0xf0, 1, 2, 3, 0xf8, 0, 0, 0, 4, 0xf7, 0, 0, 0x90, 60, 1, 0})
	f.Add([]byte{1, 2, 3, 4, 0xf7, 0, 0, 0, 0xf4, 1, 2, 3})
	f.Fuzz(func(t *testing.T, in []byte) {
		p := midi.NewParser("")
		inSysEx := false
		for len(in) >= 4 {
			w := word(in)
			in = in[4:]
			p.Feed(w.bytes(&inSysEx), 0, func(e *midi.Event) {
				if _, err := midi.FromMessage(e.AppendRaw(nil), 0, ""); err != nil {
					t.Fatal(err)
				}
			})
		}
	})
}
