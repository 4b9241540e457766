package seqtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"golang.org/x/sys/unix"
)

// through is ALSA's port that returns what it is sent; snd_seq_dummy gives it
// to every machine with a sequencer.
const through = "Midi Through Port-0"

// patience is how long a test waits for what must come.
const patience = time.Minute

// TestDriver runs the tests that every driver of the sequencer's ports must
// pass. They need a sequencer.
func TestDriver(t *testing.T, d midi.Driver) {
	if _, _, err := d.Ports(); errors.Is(err, midi.ErrNoPorts) {
		Missing(t, err)
	}
	for _, tc := range []struct {
		name string
		run  func(*testing.T, midi.Driver)
	}{
		{"through", testThrough},
		{"sysex", testSysEx},
		{"first message", testFirst},
		{"burst", testBurst},
		{"long sysex", testLongSysEx},
		{"hotplug", testHotplug},
		{"vanish", testVanish},
		{"vanish out", testVanishOut},
		{"close", testClose},
		{"close in a flood", testCloseFlood},
		{"idle", testIdle},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, d) })
	}
}

// find returns the port of that name.
func find(t *testing.T, d midi.Driver, name string, out bool) midi.Port {
	t.Helper()
	ports, outs, err := d.Ports()
	if out {
		ports = outs
	}
	for _, p := range ports {
		if p.Name == name {
			return p
		}
	}
	if name == through {
		Missing(t, fmt.Sprintf("ALSA port %q, %v", name, err))
	}
	t.Fatalf("no port %q in %v, %v", name, ports, err)
	return midi.Port{}
}

// listener is an open in port whose events a test reads.
type listener struct {
	t    *testing.T
	in   midi.In
	got  chan []byte
	done chan error

	marks int
}

func listen(t *testing.T, d midi.Driver, name string) *listener {
	t.Helper()
	in, err := d.OpenIn(find(t, d, name, false))
	if err != nil {
		t.Fatal(err)
	}
	return run(t, in)
}

func run(t *testing.T, in midi.In) *listener {
	l := &listener{t: t, in: in, got: make(chan []byte, 1<<16), done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	go func() {
		l.done <- in.Run(ctx, func(e *midi.Event) {
			if e.Device != in.Name() {
				t.Errorf("Device %q of port %q", e.Device, in.Name())
			}
			l.got <- e.AppendRaw(nil)
		})
	}()
	return l
}

func (l *listener) next() []byte {
	l.t.Helper()
	select {
	case msg := <-l.got:
		return msg
	case err := <-l.done:
		l.t.Fatalf("Run = %v, lost %+v", err, l.in.Lost())
	case <-time.After(patience):
		l.t.Fatalf("nothing came; lost %+v", l.in.Lost())
	}
	return nil
}

func (l *listener) want(msgs ...[]byte) {
	l.t.Helper()
	for _, want := range msgs {
		if got := l.next(); !bytes.Equal(got, want) {
			l.t.Fatalf("got %d bytes % x, want %d, % x; lost %+v",
				len(got), got[:min(len(got), 16)], len(want), want[:min(len(want), 16)], l.in.Lost())
		}
	}
}

// recover sends a message until it comes back, and returns what came before
// it. It may be lost itself while there is too much on the way.
func (l *listener) recover(p *Peer) (before [][]byte) {
	l.t.Helper()
	l.marks++
	mark := []byte{0xb0, byte(l.marks), 1}
	for range int(patience / time.Second) {
		p.Send(1, mark)
		again := time.After(time.Second)
		for waiting := true; waiting; {
			select {
			case msg := <-l.got:
				if bytes.Equal(msg, mark) {
					return before
				}
				if msg[0] != 0xb0 {
					before = append(before, msg)
				}
			case <-again:
				waiting = false
			}
		}
	}
	l.t.Fatalf("the port did not recover; lost %+v", l.in.Lost())
	return nil
}

func (l *listener) end() error {
	l.t.Helper()
	select {
	case err := <-l.done:
		return err
	case <-time.After(patience):
		l.t.Fatal("Run did not end")
	}
	return nil
}

func openOut(t *testing.T, d midi.Driver, name string) midi.Out {
	t.Helper()
	out, err := d.OpenOut(find(t, d, name, true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := out.Close(); err != nil {
			t.Error(err)
		}
	})
	return out
}

func sysex(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>4^i) & 0x7f
	}
	b[0], b[n-1] = 0xf0, 0xf7
	return b
}

// What is sent through ALSA comes back as it was.
func testThrough(t *testing.T, d midi.Driver) {
	l, out := listen(t, d, through), openOut(t, d, through)
	for _, msg := range [][]byte{
		{0x90, 60, 1}, {0x80, 60, 64}, {0xb3, 7, 127}, {0xc0, 5}, {0xd0, 9}, {0xe0, 1, 64}, {0xa0, 1, 2},
		{0xf8}, {0xfa}, {0xfb}, {0xfc}, {0xf2, 1, 2}, {0xf1, 5}, sysex(3), sysex(6), sysex(200), sysex(1500), {0x9f, 127, 127},
	} {
		if err := out.Send(msg); err != nil {
			t.Fatalf("% x: %v", msg, err)
		}
		l.want(msg)
	}
	for _, msg := range [][]byte{nil, {0x90, 60}, {0xf0, 1, 2}, {60, 1}} {
		if err := out.Send(msg); !errors.Is(err, midi.ErrMessage) {
			t.Errorf("% x: %v, want ErrMessage", msg, err)
		}
	}
	if got := l.in.Lost(); got != (midi.Lost{}) {
		t.Errorf("lost %+v", got)
	}
}

// System exclusive messages of any length come whole; with a clock in the
// middle they do, too, or are counted.
func testSysEx(t *testing.T, d midi.Driver) {
	p := Start(t, "isobooth sysex")
	l := listen(t, d, p.Name)
	for _, n := range []int{2, 3, 4, 5, 255, 256, 257, 1023, 1024, 1025, 4096, 20_000} {
		p.Send(1, sysex(n))
		l.want(sysex(n))
	}
	long := sysex(600)
	p.part(long[:256])
	p.Send(1, []byte{0xf8})
	p.part(long[256:512])
	p.part(long[512:])
	l.want([]byte{0xf8})
	came := l.recover(p)
	lost := l.in.Lost()
	t.Logf("with a clock in the middle: %d came, lost %+v", len(came), lost)
	if len(came) == 0 && lost.SysExDropped == 1 {
		return
	}
	if len(came) != 1 || !bytes.Equal(came[0], long) {
		t.Errorf("%d messages came, not one of %d bytes, nor was it counted", len(came), len(long))
	}
}

// The first message after a port was opened is not missed, whether Run came
// before it or after.
func testFirst(t *testing.T, d midi.Driver) {
	p := Start(t, "isobooth first")
	for i := range 20 {
		in, err := d.OpenIn(find(t, d, p.Name, false))
		if err != nil {
			t.Fatal(err)
		}
		msg := []byte{0x90, byte(i), 1}
		p.Send(1, msg)
		l := run(t, in)
		l.want(msg)
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
		if err := l.end(); !errors.Is(err, midi.ErrClosed) {
			t.Fatalf("Run = %v", err)
		}
	}
}

// Of 10,000 messages at once each arrives, or their loss is known: to the
// sender, or by the count.
func testBurst(t *testing.T, d midi.Driver) {
	p := Start(t, "isobooth burst")
	l := listen(t, d, p.Name)
	const burst = 10_000
	refused := p.Send(burst, []byte{0x90, 60, 1})
	n := len(l.recover(p))
	lost := l.in.Lost()
	t.Logf("%d of %d came, %d were refused to the sender, lost %+v", n, burst, refused, lost)
	if n < burst && lost.Overflows == 0 {
		t.Error("messages were lost and not counted")
	}
	if n > burst {
		t.Error("messages came twice")
	}
}

// Messages up to the limit come whole; one over it is dropped and counted,
// and does not harm the next.
func testLongSysEx(t *testing.T, d midi.Driver) {
	p := Start(t, "isobooth long")
	l := listen(t, d, p.Name)
	for _, n := range []int{midi.MaxSysEx, midi.MaxSysEx + 1, 200_000, 10} {
		msg := sysex(n)
		refused := p.Send(1, msg)
		came := 0
		for _, got := range l.recover(p) {
			came++
			if !bytes.Equal(got, msg) {
				t.Errorf("%d bytes came of %d", len(got), n)
			}
		}
		lost := l.in.Lost()
		t.Logf("%d bytes: came %d times, refused %d times, lost %+v", n, came, refused, lost)
		if n > midi.MaxSysEx && came > 0 {
			t.Errorf("%d bytes came", n)
		}
		if came == 0 && lost.SysExDropped+lost.Overflows+lost.Skipped == 0 {
			t.Errorf("%d bytes were lost and not counted", n)
		}
		if n == 10 && came != 1 {
			t.Error("a short one did not come")
		}
	}
}

// A port that comes while another is open is listed and can be opened, and
// the other goes on.
func testHotplug(t *testing.T, d midi.Driver) {
	a := Start(t, "isobooth first plugged")
	la := listen(t, d, a.Name)
	out := openOut(t, d, through)
	lt := listen(t, d, through)
	note := func(i int) []byte { return []byte{0x90, byte(i), 1} }
	for i := range 3 {
		b := Start(t, fmt.Sprintf("isobooth plugged later %d", i))
		lb := listen(t, d, b.Name)
		b.Send(1, note(i))
		lb.want(note(i))
		a.Send(1, note(i))
		la.want(note(i))
		if err := out.Send(note(i)); err != nil {
			t.Error(err)
		}
		lt.want(note(i))
		b.Stop()
		if err := lb.end(); !errors.Is(err, midi.ErrGone) {
			t.Errorf("Run = %v", err)
		}
	}
	t.Logf("lost %+v, %+v", la.in.Lost(), lt.in.Lost())
}

// A port that goes ends Run after what it sent; it is not listed, opening it
// fails, and its return is a new port.
func testVanish(t *testing.T, d midi.Driver) {
	for range 3 {
		p := Start(t, "isobooth vanishing")
		port := find(t, d, p.Name, false)
		l := listen(t, d, p.Name)
		p.Send(5, []byte{0x90, 60, 1})
		p.Stop()
		if err := l.end(); !errors.Is(err, midi.ErrGone) {
			t.Errorf("Run = %v", err)
		}
		if len(l.got) != 5 {
			t.Errorf("%d of 5 messages came", len(l.got))
		}
		ins, _, err := d.Ports()
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range ins {
			if q.Name == p.Name {
				t.Errorf("still there: %v", q)
			}
		}
		if _, err := d.OpenIn(port); !errors.Is(err, midi.ErrNoSuchPort) {
			t.Errorf("OpenIn = %v", err)
		}
		if err := l.in.Close(); err != nil {
			t.Error(err)
		}
	}
}

func testVanishOut(t *testing.T, d midi.Driver) {
	p := Start(t, "isobooth vanishing out")
	out := openOut(t, d, p.Name)
	if err := out.Send([]byte{0x90, 60, 1}); err != nil {
		t.Fatal(err)
	}
	p.Stop()
	if err := out.Send([]byte{0x90, 60, 1}); !errors.Is(err, midi.ErrGone) {
		t.Errorf("Send = %v", err)
	}
	if err := out.Close(); err != nil {
		t.Error(err)
	}
	if err := out.Send([]byte{0x90, 60, 1}); !errors.Is(err, midi.ErrClosed) {
		t.Errorf("Send = %v", err)
	}
}

// Close ends Run, twice is once, and both orders of a context and Close end.
func testClose(t *testing.T, d midi.Driver) {
	for range 5 {
		l := listen(t, d, through)
		if err := errors.Join(l.in.Close(), l.in.Close()); err != nil {
			t.Error(err)
		}
		if err := l.end(); !errors.Is(err, midi.ErrClosed) {
			t.Errorf("Run = %v", err)
		}
		in, err := d.OpenIn(find(t, d, through, false))
		if err != nil {
			t.Fatal(err)
		}
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { done <- in.Run(ctx, func(*midi.Event) {}) }()
		cancel(cause)
		if err := <-done; err != cause {
			t.Errorf("Run = %v", err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		// One that never ran.
		if in, err = d.OpenIn(find(t, d, through, false)); err != nil {
			t.Fatal(err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if err := in.Run(t.Context(), nil); !errors.Is(err, midi.ErrClosed) {
			t.Errorf("Run after Close = %v", err)
		}
	}
}

// Close comes while messages do.
func testCloseFlood(t *testing.T, d midi.Driver) {
	p := Start(t, "isobooth flood")
	for range 20 {
		l := listen(t, d, p.Name)
		sent := make(chan bool)
		go func() {
			p.Send(500, []byte{0x90, 60, 1})
			close(sent)
		}()
		l.next()
		if err := l.in.Close(); err != nil {
			t.Error(err)
		}
		<-sent
		if err := l.end(); !errors.Is(err, midi.ErrClosed) {
			t.Errorf("Run = %v", err)
		}
	}
}

// testIdle reports what three open ports cost while nothing comes.
func testIdle(t *testing.T, d midi.Driver) {
	t.Log("nothing open:", idle(t))
	for i := range 3 {
		p := Start(t, fmt.Sprintf("isobooth idle %d", i))
		listen(t, d, p.Name)
	}
	t.Log("three open ports:", idle(t))
}

func idle(t *testing.T) string {
	before, start := usage(t), time.Now()
	time.Sleep(3 * time.Second)
	cpu, took := usage(t)-before, time.Since(start)
	return fmt.Sprintf("%v of processor time in %v, %.2f %%", cpu, took.Round(time.Millisecond), 100*float64(cpu)/float64(took))
}

func usage(t *testing.T) time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
