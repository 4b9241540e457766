package main

import (
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager is a service manager's end of sd_notify(3).
type manager struct {
	t    *testing.T
	conn *net.UnixConn
	path string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(socketDir(t), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{t, conn, path}
}

// hears waits for the next message, which must be this one.
func (m *manager) hears(want string) {
	m.t.Helper()
	var buf [4096]byte
	if err := m.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		m.t.Fatal(err)
	}
	n, err := m.conn.Read(buf[:])
	if err != nil {
		m.t.Fatalf("waiting for %q: %v", want, err)
	}
	if got := string(buf[:n]); got != want {
		m.t.Fatalf("the manager was told %q, want %q", got, want)
	}
}

// TestServiceManager: a daemon in a unit says when it is ready, that it reads
// its files again and is done, and that it stops; in this order, and nothing
// else.
func TestServiceManager(t *testing.T) {
	requireBooths(t)
	h, m := newHome(t), newManager(t)
	h.env = append(h.env, "NOTIFY_SOCKET="+m.path)
	d := h.start(t)
	m.hears("READY=1\nSTATUS=1 booths")
	d.plays()
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	m.hears("RELOADING=1")
	m.hears("READY=1")
	d.plays()
	d.ends()
	m.hears("STOPPING=1")
	d.gone()
	if strings.Contains(d.messages(), "service manager") {
		t.Errorf("it complains:\n%s", d.messages())
	}
}

// TestServiceManagerGone: one that cannot be told is warned about, and the
// daemon goes on.
func TestServiceManagerGone(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	var said strings.Builder
	a := &app{stderr: &said}
	a.readyForManager("1 booths")
	if !strings.Contains(said.String(), `warning: tell the service manager "READY=1\nSTATUS=1 booths": `) {
		t.Errorf("it said %q", said.String())
	}
	said.Reset()
	t.Setenv("NOTIFY_SOCKET", "")
	a.readyForManager("1 booths")
	if said.String() != "" {
		t.Errorf("without a manager it said %q", said.String())
	}
}
