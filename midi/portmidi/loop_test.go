//go:build cgo && linux

package portmidi

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// requireThrough returns an in and an out port that are two ends of the same
// thing: ALSA's "Midi Through", which snd_seq_dummy gives to every machine
// with a sequencer.
func requireThrough(t *testing.T) (*In, *Out) {
	t.Helper()
	const name = "Midi Through*"
	in, err := OpenIn(name)
	if errors.Is(err, ErrNoPorts) || errors.Is(err, ErrNoSuchPort) {
		t.Skipf("needs the ALSA port %q: %v", name, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	out, err := OpenOut(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	return in, out
}

// runThrough runs in until the test ends and returns its events. The timeout
// of the context ends only a test that has failed.
func runThrough(t *testing.T, in *In) (context.Context, <-chan midi.Event, <-chan error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	got := make(chan midi.Event, 1)
	done := make(chan error, 1)
	go func() {
		done <- in.Run(ctx, func(e *midi.Event) {
			select {
			case got <- *e:
			case <-in.closing:
			case <-ctx.Done():
			}
		})
	}()
	return ctx, got, done
}

func sysex(n int) []byte {
	b := bytes.Repeat([]byte{0x55}, n)
	b[0], b[n-1] = 0xf0, 0xf7
	return b
}

// What is sent through ALSA comes back as it was.
func TestThroughPort(t *testing.T) {
	in, out := requireThrough(t)
	ctx, got, done := runThrough(t, in)
	for _, msg := range [][]byte{
		{0x90, 60, 1}, {0x80, 60, 64}, {0xb3, 7, 127}, {0xc0, 5}, {0xd0, 9}, {0xe0, 1, 64}, {0xa0, 1, 2},
		{0xf8}, {0xf2, 1, 2}, sysex(3), sysex(6), sysex(200), sysex(1500), {0x9f, 127, 127},
	} {
		if err := out.Send(msg); err != nil {
			t.Fatalf("% x: %v", msg, err)
		}
		select {
		case e := <-got:
			if raw := e.AppendRaw(nil); !bytes.Equal(raw, msg) {
				t.Errorf("sent % x, got % x", msg, raw)
			}
			if e.Device != in.Name() {
				t.Errorf("Device %q, port %q", e.Device, in.Name())
			}
		case <-ctx.Done():
			t.Fatalf("% x did not come back; stats %+v", msg, in.Stats())
		}
	}
	if got := in.Stats(); got != (Stats{}) {
		t.Errorf("stats %+v", got)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != ErrClosed {
		t.Errorf("Run = %v", err)
	}
}

// recovers sends a note that was not sent before until it comes back, and
// returns the events before it.
func recovers(t *testing.T, in *In, out *Out) (before []midi.Event) {
	t.Helper()
	ctx, got, _ := runThrough(t, in)
	note := []byte{0x9f, 1, 1}
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case e := <-got:
			if bytes.Equal(e.AppendRaw(nil), note) {
				return before
			}
			before = append(before, e)
		case <-again.C:
			if err := out.Send(note); err != nil {
				t.Fatal(err)
			}
		case <-ctx.Done():
			t.Fatalf("the port did not recover; stats %+v", in.Stats())
		}
	}
}

// More than PortMidi can queue is lost and counted, and the port goes on.
func TestThroughPortOverflow(t *testing.T) {
	in, out := requireThrough(t)
	for range 2 * bufferWords {
		if err := out.Send([]byte{0x90, 60, 1}); err != nil {
			t.Fatal(err)
		}
		// This makes PortMidi fetch it, so that it waits there, not in
		// the kernel.
		if _, err := in.stream.poll(); err != nil {
			t.Fatal(err)
		}
	}
	before := len(recovers(t, in, out))
	if before < bufferWords/2 || before > bufferWords || in.Stats().Overflows != 1 {
		t.Errorf("%d events of %d, stats %+v", before, 2*bufferWords, in.Stats())
	}
}

// One system exclusive message too long for most of what is on its way may
// be lost, but does not arrive in part, and the port goes on.
func TestThroughPortLongSysEx(t *testing.T) {
	in, out := requireThrough(t)
	long := sysex(20_000)
	if err := out.Send(long); err != nil {
		t.Log(err)
	}
	for _, e := range recovers(t, in, out) {
		if !bytes.Equal(e.AppendRaw(nil), long) {
			t.Errorf("got %d bytes of %d", e.Len(), len(long))
		}
	}
}

// A port that was closed is free to be opened again, and PortMidi looks for
// ports anew.
func TestThroughPortReopened(t *testing.T) {
	for range 3 {
		in, out := requireThrough(t)
		recovers(t, in, out)
		if err := errors.Join(in.Close(), out.Close()); err != nil {
			t.Fatal(err)
		}
		if ins, outs, err := Ports(); err != nil || len(ins) == 0 || len(outs) == 0 {
			t.Fatalf("Ports = %v, %v, %v", ins, outs, err)
		}
	}
}
