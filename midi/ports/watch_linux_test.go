package ports

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
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

// sequencerClient becomes a client of the sequencer with a port that anybody
// may use, or ends the test where there is no sequencer.
func sequencerClient(t *testing.T) (f *os.File, id uint8) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(soundDir, "seq"), os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		missing(t, "an ALSA sequencer: "+err.Error())
	}
	t.Cleanup(func() { f.Close() })
	var client int32
	if err := seqIoctl(f, "SNDRV_SEQ_IOCTL_CLIENT_ID", seqClientID, unsafe.Pointer(&client)); err != nil {
		t.Fatal(err)
	}
	// SNDRV_SEQ_PORT_CAP_READ, _WRITE, _SUBS_READ and _SUBS_WRITE.
	port := seqPortInfo{addr: seqAddress{client: uint8(client)}, capability: 1<<0 | capWrite | 1<<5 | 1<<6, kind: typeApplication}
	copy(port.name[:], "isobooth test")
	if err := seqIoctl(f, "SNDRV_SEQ_IOCTL_CREATE_PORT", seqCreatePort, unsafe.Pointer(&port)); err != nil {
		t.Fatal(err)
	}
	return f, uint8(client)
}

// TestClientProcess is what TestWatchSequencer starts: a program with a port,
// until its standard input ends.
func TestClientProcess(t *testing.T) {
	if os.Getenv("ISOBOOTH_TEST_CLIENT") == "" {
		return
	}
	_, id := sequencerClient(t)
	fmt.Printf("client %d\n", id)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// otherProgram starts a program with a port called "isobooth test" and returns
// its client's number; end has it end.
func otherProgram(t *testing.T) (client uint8, end func()) {
	t.Helper()
	program := exec.Command(os.Args[0], "-test.run=^TestClientProcess$")
	program.Env = append(os.Environ(), "ISOBOOTH_TEST_CLIENT=1")
	in, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscanf(out, "client %d\n", &client); err != nil {
		t.Fatal(err)
	}
	return client, func() {
		t.Helper()
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := program.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

// The kernel's sequencer tells of the port of another program, and of its end
// with its address; of our own it tells nothing.
func TestWatchSequencer(t *testing.T) {
	f, own := sequencerClient(t)
	if !ownClient(f, own) || ownClient(f, 0) {
		t.Error("our own client is not told from the system's")
	}
	c := NewChanges()
	stop, err := Watch(c)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()

	id, end := otherProgram(t)
	c.isTold(t, "a port of a program")
	if gone := c.take(); len(gone) != 0 {
		t.Errorf("%q is told to have gone", gone)
	}

	// Ours comes before the program's end, and is not told.
	_, mine := sequencerClient(t)
	end()
	var gone departed
	for whole := fmt.Sprintf("%d:any", id); !gone.has(whole); {
		c.isTold(t, "the end of a program")
		gone = append(gone, c.take()...)
	}
	for _, g := range gone {
		if !strings.HasPrefix(g, fmt.Sprintf("%d:", id)) {
			t.Errorf("%q is told to have gone; clients %d and %d are ours", g, own, mine)
		}
	}
}
