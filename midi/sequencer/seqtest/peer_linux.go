// Package seqtest is the other side for tests of drivers: a process with a
// port in ALSA's sequencer.
package seqtest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const env = "ISOBOOTH_TEST_SEQUENCER_PEER"

// Peer is a port of another process, for a test to read and write.
type Peer struct {
	Name string

	t   testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// Missing ends a test for which this machine lacks what. ISOBOOTH_MUST_MIDI
// makes that a failure.
func Missing(t testing.TB, what any) {
	t.Helper()
	if os.Getenv("ISOBOOTH_MUST_MIDI") != "" {
		t.Fatalf("missing: %v", what)
	}
	t.Skipf("missing: %v", what)
}

// Start starts a peer, whose port has the given name. The test program's
// TestMain calls Serve first.
func Start(t testing.TB, name string) *Peer {
	t.Helper()
	p := &Peer{Name: name, t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), env+"="+name)
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewScanner(out)
	t.Cleanup(p.Stop)
	p.reply()
	return p
}

// Stop ends the process, and with it the port.
func (p *Peer) Stop() {
	if p.in != nil {
		p.in.Close()
		p.cmd.Wait()
		p.in = nil
	}
}

func (p *Peer) reply() string {
	p.t.Helper()
	if !p.out.Scan() {
		p.t.Fatalf("peer %q ended: %v", p.Name, p.out.Err())
	}
	return p.out.Text()
}

// Send sends one message n times, as fast as it can, and returns how many of
// them the sequencer refused, because a reader has no room for more.
func (p *Peer) Send(n int, msg []byte) (refused int) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.in, "%d %x\n", n, msg); err != nil {
		p.t.Fatal(err)
	}
	reply := p.reply()
	if _, err := fmt.Sscan(reply, &refused); err != nil {
		p.t.Fatalf("peer %q: %s", p.Name, reply)
	}
	return refused
}

// part sends a part of a system exclusive message.
func (p *Peer) part(b []byte) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.in, "part %x\n", b); err != nil {
		p.t.Fatal(err)
	}
	p.reply()
}

// Serve is the peer, in its own process; elsewhere it returns at once.
func Serve() {
	name := os.Getenv(env)
	if name == "" {
		return
	}
	if err := serve(name); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(name string) error {
	fd, err := unix.Open("/dev/snd/seq", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	// struct snd_seq_port_info of a 64-bit system
	var port [168]byte
	copy(port[2:66], name)
	binary.NativeEndian.PutUint32(port[68:], 0x63)       // READ, WRITE, SUBS_READ, SUBS_WRITE
	binary.NativeEndian.PutUint32(port[72:], 1<<1|1<<20) // MIDI_GENERIC, APPLICATION
	var client int32
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), 0x80045301, uintptr(unsafe.Pointer(&client))); errno != 0 {
		return errno
	}
	port[0] = byte(client)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), 0xc0a85320, uintptr(unsafe.Pointer(&port))); errno != 0 {
		return errno
	}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		count, text, _ := strings.Cut(lines.Text(), " ")
		var n, refused int
		if count == "part" {
			part, err := hex.DecodeString(text)
			fmt.Println(err == nil && writeEvent(fd, sysexEvent, part))
			continue
		}
		msg, err := hex.DecodeString(text)
		if _, serr := fmt.Sscan(count, &n); err != nil || serr != nil {
			return fmt.Errorf("%q: %v, %v", lines.Text(), err, serr)
		}
		for range n {
			if !write(fd, msg) {
				refused++
			}
		}
		fmt.Println(refused)
	}
	return lines.Err()
}

// sysexEvent is SYSEX, with data of variable length.
var sysexEvent = [28]byte{0: 130, 1: 1 << 2}

// pace is between two parts of a message. It makes 256 kB/s, eighty times what
// a MIDI cable carries.
const pace = time.Millisecond

// write sends a message in parts of 256 bytes, as ports of hardware do.
func write(fd int, msg []byte) bool {
	if msg[0] != 0xf0 {
		return writeEvent(fd, short(msg), nil)
	}
	for len(msg) > 0 {
		part := msg[:min(256, len(msg))]
		msg = msg[len(part):]
		if !writeEvent(fd, sysexEvent, part) {
			return false
		}
		time.Sleep(pace)
	}
	return true
}

// short is the sequencer's event for a short message.
func short(msg []byte) (e [28]byte) {
	data := e[16:]
	data[0] = msg[0] & 15
	var kind byte
	switch msg[0] & 0xf0 {
	case 0x90, 0x80:
		kind = 6 + (0x90-msg[0]&0xf0)>>4 // NOTEON, NOTEOFF
		data[1], data[2] = msg[1], msg[2]
	case 0xb0:
		kind = 10 // CONTROLLER
		data[4], data[8] = msg[1], msg[2]
	default:
		kind = 36 // CLOCK
	}
	e[0] = kind
	return e
}

func writeEvent(fd int, e [28]byte, data []byte) bool {
	e[3] = 253              // SNDRV_SEQ_QUEUE_DIRECT
	e[14], e[15] = 254, 253 // to subscribers
	if data != nil {
		binary.NativeEndian.PutUint32(e[16:], uint32(len(data)))
	}
	whole := bytes.Join([][]byte{e[:], data}, nil)
	for range 1000 {
		_, err := unix.Write(fd, whole)
		switch {
		case err == nil:
			return true
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ENOMEM):
			return false
		case !errors.Is(err, unix.EINTR):
			fmt.Fprintln(os.Stderr, "peer:", err)
			return false
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// Connect makes the sequencer pass on what port from sends to port to, both
// CLIENT:PORT.
func Connect(t testing.TB, from, to string) {
	t.Helper()
	fd, err := unix.Open("/dev/snd/seq", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var s [80]byte // struct snd_seq_port_subscribe
	if _, err := fmt.Sscanf(from+" "+to, "%d:%d %d:%d", &s[0], &s[1], &s[2], &s[3]); err != nil {
		t.Fatal(err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), 0x40505330, uintptr(unsafe.Pointer(&s))); errno != 0 && errno != unix.EBUSY {
		t.Fatalf("connect %s to %s: %v", from, to, errno)
	}
}
