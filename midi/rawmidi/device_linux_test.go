package rawmidi

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/sequencer"
	"github.com/isobooth/isobooth/midi/sequencer/seqtest"
	"golang.org/x/sys/unix"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// requireVirtual returns snd_virmidi's first two devices, with the first
// connected to the second.
func requireVirtual(t *testing.T) (first, second midi.Port) {
	t.Helper()
	_, ins, err := Driver{}.Ports()
	var found []midi.Port
	for _, p := range ins {
		if strings.HasPrefix(p.Name, "Virtual Raw MIDI") {
			found = append(found, p)
		}
	}
	if len(found) < 2 {
		seqtest.Missing(t, fmt.Sprintf("two devices of snd_virmidi, %v", err))
	}
	ports, err := sequencer.Ports()
	if err != nil {
		t.Fatal(err)
	}
	var addrs []string
	for _, p := range ports {
		if strings.HasPrefix(p.Name, "VirMIDI") {
			addrs = append(addrs, p.Addr.String())
		}
	}
	if len(addrs) < 2 {
		t.Fatalf("ports of two devices: %v", addrs)
	}
	seqtest.Connect(t, addrs[0], addrs[1])
	return found[0], found[1]
}

func openPair(t *testing.T) (midi.Out, midi.In) {
	t.Helper()
	first, second := requireVirtual(t)
	in, err := Driver{}.OpenIn(second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	out, err := Driver{}.OpenOut(first)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	return out, in
}

func sysex(n int) []byte {
	b := bytes.Repeat([]byte{0x55}, n)
	b[0], b[n-1] = 0xf0, 0xf7
	return b
}

func TestDevice(t *testing.T) {
	out, in := openPair(t)
	got, done := make(chan []byte, 100), make(chan error, 1)
	go func() {
		done <- in.Run(t.Context(), func(e *midi.Event) { got <- e.AppendRaw(nil) })
	}()
	for _, msg := range [][]byte{{0x90, 60, 1}, {0x90, 61, 2}, {0xf8}, {0xc0, 5}, sysex(3), sysex(300), sysex(5000), {0x80, 60, 0}} {
		if err := out.Send(msg); err != nil {
			t.Fatal(err)
		}
		select {
		case b := <-got:
			if !bytes.Equal(b, msg) {
				t.Errorf("sent %d bytes, got %d", len(msg), len(b))
			}
		case <-time.After(patience):
			t.Fatalf("nothing came; lost %+v", in.Lost())
		}
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, midi.ErrClosed) {
		t.Errorf("Run = %v", err)
	}
}

// Of 10,000 messages at once each arrives, or the loss is known.
func TestDeviceBurst(t *testing.T) {
	out, in := openPair(t)
	const burst = 10_000
	came := make(chan int, 1)
	go func() {
		n := 0
		in.Run(t.Context(), func(e *midi.Event) {
			if e.Kind() == midi.ProgramChange {
				came <- n
				return
			}
			n++
		})
	}()
	for range burst {
		if err := out.Send([]byte{0x90, 60, 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Send([]byte{0xc0, 1}); err != nil {
		t.Fatal(err)
	}
	select {
	case n := <-came:
		t.Logf("%d of %d came, lost %+v", n, burst, in.Lost())
		if n != burst && in.Lost().Overflows == 0 {
			t.Error("messages were lost and not counted")
		}
	case <-time.After(patience):
		t.Fatalf("the last one did not come; lost %+v", in.Lost())
	}
}

// Nobody reads, and the kernel's buffer is full: the loss is counted, and a
// message that lacks a part is not joined. On Linux 6.12 it is the virtual card's
// sequencer that drops messages, whole and untold, before that buffer is full.
func TestDeviceOverflow(t *testing.T) {
	out, in := openPair(t)
	const dumps = 5
	var came atomic.Int64
	for range dumps {
		if err := out.Send(sysex(midi.MaxSysEx)); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(2 * time.Second) // the kernel passes them on by itself
	done := make(chan bool)
	go in.Run(t.Context(), func(e *midi.Event) {
		if e.Kind() == midi.SysEx {
			came.Add(1)
			if e.Len() != midi.MaxSysEx {
				t.Errorf("%d bytes came", e.Len())
			}
		}
		if e.Kind() == midi.ProgramChange {
			close(done)
		}
	})
	end := time.Now().Add(5 * time.Second)
	for in.Lost().Overflows == 0 && came.Load() < dumps && time.Now().Before(end) {
		time.Sleep(time.Millisecond)
	}
	if err := out.Send([]byte{0xc0, 1}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the port did not recover")
	}
	lost := in.Lost()
	t.Logf("%d of %d came, lost %+v", came.Load(), dumps, lost)
	if lost.Skipped > 0 && lost.Overflows == 0 {
		t.Error("a part of a message was lost and not counted")
	}
}

func TestDeviceBusy(t *testing.T) {
	first, _ := requireVirtual(t)
	// snd_virmidi has 16 ways in a device; hardware has one.
	for range 17 {
		in, err := Driver{}.OpenIn(first)
		if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EAGAIN) {
			t.Logf("%v", err)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
	}
	t.Error("a device was opened 17 times")
}

// The card goes and returns.
func TestDeviceUnplugged(t *testing.T) {
	const driver = "/sys/bus/platform/drivers/snd_virmidi"
	if _, err := os.Stat(driver + "/snd_virmidi.0"); err != nil || os.Getuid() != 0 {
		seqtest.Missing(t, fmt.Sprintf("root and a device of snd_virmidi: %v", err))
	}
	first, second := requireVirtual(t)
	out, in := openPair(t)
	done := make(chan error, 1)
	go func() { done <- in.Run(t.Context(), func(*midi.Event) {}) }()
	unbound := make(chan error, 1)
	// The kernel waits for us to close the devices.
	go func() { unbound <- os.WriteFile(driver+"/unbind", []byte("snd_virmidi.0"), 0) }()
	select {
	case err := <-done:
		if !errors.Is(err, midi.ErrGone) {
			t.Errorf("Run = %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Run did not end")
	}
	if err := out.Send([]byte{0x90, 60, 1}); !errors.Is(err, midi.ErrGone) {
		t.Errorf("Send = %v", err)
	}
	if err := errors.Join(in.Close(), out.Close()); err != nil {
		t.Error(err)
	}
	if err := <-unbound; err != nil {
		t.Fatal(err)
	}
	if _, err := (Driver{}).OpenIn(second); !errors.Is(err, midi.ErrNoPorts) && !errors.Is(err, midi.ErrNoSuchPort) {
		t.Errorf("OpenIn = %v", err)
	}
	if err := os.WriteFile(driver+"/bind", []byte("snd_virmidi.0"), 0); err != nil {
		t.Fatal(err)
	}
	again, err := Driver{}.OpenIn(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// What comes between OpenIn and Run is not missed.
func TestDeviceFirst(t *testing.T) {
	out, in := openPair(t)
	if err := out.Send([]byte{0x90, 60, 1}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // the kernel passes it on by itself
	got := make(chan []byte, 10)
	go in.Run(t.Context(), func(e *midi.Event) { got <- e.AppendRaw(nil) })
	select {
	case b := <-got:
		if !bytes.Equal(b, []byte{0x90, 60, 1}) {
			t.Errorf("got % x", b)
		}
	case <-time.After(patience):
		t.Fatal("it did not come")
	}
}
