package rawmidi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/midi"
	"golang.org/x/sys/unix"
)

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want description
		bad  bool
	}{
		"both":     {"Launchpad Mini\n\nOutput 0\n  Tx bytes     : 0\nInput 0\n  Rx bytes     : 12\n  Buffer size  : 4096\n", description{"Launchpad Mini", true, true}, false},
		"in":       {"Input 1\n\nInput 0\n", description{"Input 1", true, false}, false},
		"out":      {"x\n\nOutput 0\n", description{"x", false, true}, false},
		"none":     {"x\n", description{"x", false, false}, false},
		"empty":    {"", description{}, false},
		"binary":   {"a\xffb\n\nInput 0\n", description{}, true},
		"too long": {strings.Repeat("x", maxName+1) + "\n\nInput 0\n", description{}, true},
	} {
		got, err := parse(strings.NewReader(tc.text))
		if tc.bad != (err != nil) || err == nil && got != tc.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Virtual Raw MIDI\n\nOutput 0\n  Tx bytes     : 0\nInput 0\n  Rx bytes     : 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parse(strings.NewReader(text))
		if err == nil && len(d.name) > maxName {
			t.Errorf("a name of %d bytes", len(d.name))
		}
	})
}

func TestPorts(t *testing.T) {
	var d Driver
	if ins, outs, err := d.Ports(); err != nil && (!errors.Is(err, midi.ErrNoPorts) || len(ins)+len(outs) > 0) {
		t.Errorf("%v, %v, %v", ins, outs, err)
	}
	for _, p := range []midi.Port{{Name: "x", ID: "midiC250D250"}, {Name: "x", ID: "../null"}, {}} {
		if in, err := d.OpenIn(p); in != nil || !errors.Is(err, midi.ErrNoPorts) && !errors.Is(err, midi.ErrNoSuchPort) {
			t.Errorf("OpenIn(%v) = %v", p, err)
		}
		if out, err := d.OpenOut(p); out != nil || !errors.Is(err, midi.ErrNoPorts) && !errors.Is(err, midi.ErrNoSuchPort) {
			t.Errorf("OpenOut(%v) = %v", p, err)
		}
	}
}

// pair is an In that reads a pipe.
func pair(t *testing.T, losses func(*os.File) (uint64, uint64, error)) (*In, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	in := newIn("pad", r, losses)
	t.Cleanup(func() { in.Close() })
	return in, w
}

func lossless(*os.File) (uint64, uint64, error) { return 0, 0, nil }

// Running status, a clock in the middle of a message, and system exclusive at
// its limit and over it.
func TestInMessages(t *testing.T) {
	in, w := pair(t, lossless)
	long := func(n int) []byte { return slices.Concat([]byte{0xf0}, make([]byte, n-2), []byte{0xf7}) }
	go func() {
		w.Write([]byte{0x90, 60, 1, 62, 0xf8, 2, 0xf0, 1, 0xfe, 2, 0xf7})
		w.Write(long(midi.MaxSysEx))
		w.Write(long(midi.MaxSysEx + 1))
		w.Write([]byte{0xc0, 5})
	}()
	ctx, cancel := context.WithCancel(t.Context())
	var got []string
	err := in.Run(ctx, func(e *midi.Event) {
		if e.Device != "pad" {
			t.Errorf("Device %q", e.Device)
		}
		if e.Len() > 100 {
			got = append(got, fmt.Sprint(e.Len()))
			return
		}
		got = append(got, fmt.Sprintf("% x", e.AppendRaw(nil)))
		if e.Kind() == midi.ProgramChange {
			cancel()
		}
	})
	if err != context.Canceled || !slices.Equal(got, []string{"90 3c 01", "f8", "90 3e 02", "fe", "f0 01 02 f7", "65536", "c0 05"}) {
		t.Errorf("Run = %v, got %q", err, got)
	}
	if lost := in.Lost(); lost.SysExDropped != 1 || lost.Overflows != 0 {
		t.Errorf("lost %+v", lost)
	}
}

// Where bytes are missing nothing is joined, wherever that is.
func TestInGap(t *testing.T) {
	for _, tc := range []struct {
		left uint64 // in the buffer, at the first read
		want []string
	}{
		{0, []string{"90 3c 01"}},                         // behind it
		{2, []string{"90 3c 01", "90 40 02"}},             // in the middle of the second
		{3, []string{"90 3c 01", "90 40 02", "90 41 42"}}, // at its end
		{4, []string{"90 3c 01", "90 40 02", "90 41 03"}}, // in the third
	} {
		calls := 0
		in, _ := pair(t, func(*os.File) (uint64, uint64, error) {
			if calls++; calls == 1 {
				return 5, tc.left, nil
			}
			return 0, 0, nil
		})
		var got []string
		for _, b := range [][]byte{{0x90, 60, 1, 64}, {2, 65, 66}, {3, 67}} {
			b := b
			if tc.left == 4 {
				b = map[byte][]byte{0x90: {0x90, 60, 1, 64}, 2: {2, 65, 3}, 3: {68, 69, 70}}[b[0]]
			}
			if err := in.feed(b, 0, func(e *midi.Event) { got = append(got, fmt.Sprintf("% x", e.AppendRaw(nil))) }); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%d left: got %q, want %q", tc.left, got, tc.want)
		}
		if in.Lost().Overflows != 1 {
			t.Errorf("lost %+v", in.Lost())
		}
	}
}

func TestInCloses(t *testing.T) {
	in, w := pair(t, lossless)
	done := make(chan error, 1)
	first := make(chan bool)
	go func() { done <- in.Run(t.Context(), func(*midi.Event) { close(first) }) }()
	w.Write([]byte{0xf8})
	<-first
	if err := in.Run(t.Context(), nil); err != ErrRunning {
		t.Errorf("second Run = %v", err)
	}
	if err := errors.Join(in.Close(), in.Close()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != midi.ErrClosed {
		t.Errorf("Run = %v", err)
	}
	if err := in.Run(t.Context(), nil); err != midi.ErrClosed {
		t.Errorf("Run after Close = %v", err)
	}
}

func TestInEnds(t *testing.T) {
	in, w := pair(t, lossless)
	w.Close()
	if err := in.Run(t.Context(), nil); err == nil || err.Error() != `read MIDI port "pad": EOF` {
		t.Errorf("Run = %v", err)
	}
	in, w = pair(t, func(*os.File) (uint64, uint64, error) { return 0, 0, os.NewSyscallError("ioctl", unix.ENODEV) })
	w.Write([]byte{0xf8})
	if err := in.Run(t.Context(), func(*midi.Event) {}); !errors.Is(err, midi.ErrGone) {
		t.Errorf("Run = %v", err)
	}
}

func TestOut(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	o := &Out{name: "synth", file: w}
	if err := o.Send([]byte{0x90, 60, 1}); err != nil {
		t.Error(err)
	}
	buf := make([]byte, 10)
	if n, _ := r.Read(buf); !slices.Equal(buf[:n], []byte{0x90, 60, 1}) {
		t.Errorf("got % x", buf[:n])
	}
	for _, msg := range [][]byte{nil, {0x90, 60}, {0xf0, 1, 2}, {0x90, 60, 1, 62, 1}} {
		if err := o.Send(msg); !errors.Is(err, midi.ErrMessage) {
			t.Errorf("% x: %v, want ErrMessage", msg, err)
		}
	}
	if err := errors.Join(o.Close(), o.Close()); err != nil {
		t.Error(err)
	}
	if err := o.Send([]byte{0xf8}); err != midi.ErrClosed {
		t.Errorf("Send = %v", err)
	}
}

// The second Run goes on in the running status of the first.
func TestInRunsAgain(t *testing.T) {
	in, w := pair(t, lossless)
	for _, b := range [][]byte{{0x90, 60, 1}, {61, 2}} {
		ctx, cancel := context.WithCancel(t.Context())
		w.Write(b)
		n := 0
		err := in.Run(ctx, func(e *midi.Event) {
			if n++; e.Kind() != midi.NoteOn {
				t.Errorf("got % x", e.AppendRaw(nil))
			}
			cancel()
		})
		if err != context.Canceled || n != 1 {
			t.Errorf("Run = %v after %d events", err, n)
		}
	}
}
