//go:build cgo

package rtmidi

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/sequencer"
	"github.com/isobooth/isobooth/midi/sequencer/seqtest"
)

// addrOf returns the address of a port of that name, if the sequencer has it.
func addrOf(t *testing.T, name string) string {
	t.Helper()
	ports, err := sequencer.Ports()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ports {
		if p.Name == name {
			return p.Addr.String()
		}
	}
	return ""
}

// Virtual ports are there for others to connect, are not listed as if they
// were another's, also if the thread that made them has gone, and go with
// Close.
func TestVirtual(t *testing.T) {
	var d Driver
	if _, _, err := d.Ports(); errors.Is(err, midi.ErrNoPorts) {
		seqtest.Missing(t, err)
	}
	const inName, outName = "isobooth virtual in", "isobooth virtual out"
	in, err := d.OpenVirtualIn(inName)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out midi.Out
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // and end with the goroutine
		var err error
		out, err = d.OpenVirtualOut(outName)
		made <- err
	}()
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for range 2 {
		ins, outs, err := d.Ports()
		if err != nil {
			t.Fatal(err)
		}
		ours := func(p midi.Port) bool { return p.Name == inName || p.Name == outName }
		if slices.ContainsFunc(ins, ours) || slices.ContainsFunc(outs, ours) {
			t.Errorf("our own ports are listed: %v, %v", ins, outs)
		}
		time.Sleep(100 * time.Millisecond) // the thread ends
	}
	seqtest.Connect(t, addrOf(t, outName), addrOf(t, inName))
	got := make(chan []byte, 1)
	go in.Run(t.Context(), func(e *midi.Event) { got <- e.AppendRaw(nil) })
	if err := out.Send([]byte{0x90, 60, 1}); err != nil {
		t.Fatal(err)
	}
	select {
	case b := <-got:
		if !bytes.Equal(b, []byte{0x90, 60, 1}) {
			t.Errorf("got % x", b)
		}
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
	}
	if err := errors.Join(in.Close(), out.Close()); err != nil {
		t.Error(err)
	}
	if a, b := addrOf(t, inName), addrOf(t, outName); a+b != "" {
		t.Errorf("ports are left: %s %s", a, b)
	}
}
