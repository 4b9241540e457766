package ports

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func (c *Changes) isTold(t *testing.T, what string) {
	t.Helper()
	select {
	case <-c.news:
	case <-time.After(patience):
		t.Fatalf("%s: not told", what)
	}
}

// Device files are seen to come, go and become ours, in a folder that comes and
// goes.
func TestWatchDeviceFiles(t *testing.T) {
	before := runtime.NumGoroutine()
	dir := filepath.Join(t.TempDir(), "snd")
	c := NewChanges()
	w, err := newWatch(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.Mkdir(dir, 0o755))
	c.isTold(t, "the folder")
	raw := filepath.Join(dir, "midiC1D0")
	check(os.WriteFile(raw, nil, 0o600))
	c.isTold(t, "a port")
	check(os.Chmod(raw, 0o660))
	c.isTold(t, "a change of its mode")
	check(os.Remove(raw))
	c.isTold(t, "the end of a port")
	check(os.RemoveAll(dir))
	c.isTold(t, "the end of the folder")
	check(os.Mkdir(dir, 0o755))
	c.isTold(t, "the folder again")
	check(os.WriteFile(raw, nil, 0o600))
	c.isTold(t, "a port in the new folder")
	w.stop()
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("goroutines are left")
		}
	}
}

// notification is what inotify(7) delivers for one file.
func notification(mask uint32, name string) []byte {
	b := make([]byte, unix.SizeofInotifyEvent+(len(name)+16)/16*16)
	binary.NativeEndian.PutUint32(b[4:], mask)
	binary.NativeEndian.PutUint32(b[12:], uint32(len(b)-unix.SizeofInotifyEvent))
	copy(b[unix.SizeofInotifyEvent:], name)
	return b
}

// Only MIDI devices and the folder itself are worth a look.
func TestNotifies(t *testing.T) {
	for name, want := range map[string]bool{
		"midiC1D0": true, "seq": true, "snd": true,
		"pcmC1D0p": false, "controlC1": false, "timer": false, "": false,
	} {
		b := notification(unix.IN_CREATE, name)
		if notifies(b, "snd") != want {
			t.Errorf("%q: %v", name, !want)
		}
		if !notifies(append(b, notification(unix.IN_DELETE, "midiC0D0")...), "snd") {
			t.Errorf("after %q a port is not seen", name)
		}
	}
	for _, mask := range []uint32{unix.IN_Q_OVERFLOW, unix.IN_IGNORED} {
		if !notifies(notification(mask, ""), "snd") {
			t.Errorf("mask %#x is not told", mask)
		}
	}
}

// The fallback tells at each tick, until it is stopped.
func TestPoll(t *testing.T) {
	c := NewChanges()
	stop := poll(c, time.NewTicker(time.Millisecond))
	c.isTold(t, "a tick")
	c.isTold(t, "another one")
	stop()
}

// A real sequencer announces the port that another client makes, and its end,
// with its address.
func TestWatchSequencer(t *testing.T) {
	f, err := os.OpenFile(filepath.Join(soundDir, "seq"), os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		missing(t, "an ALSA sequencer: "+err.Error())
	}
	defer f.Close()
	var id int32
	if err := seqIoctl(f, "SNDRV_SEQ_IOCTL_CLIENT_ID", seqClientID, unsafe.Pointer(&id)); err != nil {
		t.Fatal(err)
	}
	if !ownClient(f, uint8(id)) || ownClient(f, 0) {
		t.Error("our own client is not told from the system's")
	}
	events := make(chan [3]byte, 100)
	seq, err := openSequencer(filepath.Join(soundDir, "seq"))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, seqEventSize)
		for {
			if n, err := seq.Read(b); err != nil || n < seqEventSize {
				close(events)
				return
			}
			if b[seqEventData] == uint8(id) {
				events <- [3]byte{b[0], b[seqEventData], b[seqEventData+1]}
			}
		}
	}()
	port := seqPortInfo{addr: seqAddress{client: uint8(id)}, capability: 1 | capWrite | 1<<5 | 1<<6, kind: typeApplication}
	copy(port.name[:], "isobooth test")
	if err := seqIoctl(f, "SNDRV_SEQ_IOCTL_CREATE_PORT", seqCreatePort, unsafe.Pointer(&port)); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, want := range []byte{portStart, clientExit} {
		select {
		case got := <-events:
			if got[0] != want || got[1] != uint8(id) {
				t.Errorf("got %v, want %d of client %d", got, want, id)
			}
		case <-time.After(patience):
			t.Fatalf("announcement %d does not come", want)
		}
	}
	seq.Close()
	for range events { // a Read ends with Close
	}

	// All of it together: a watch takes this process's ports for its own, so
	// there is nothing to tell; that it ends is the point.
	c := NewChanges()
	stop, err := Watch(c)
	if err != nil {
		t.Fatal(err)
	}
	stop()
}
