//go:build linux

package runner_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestNetworkAddressChanges has another thread write a second address over the
// first while the call is held.
func TestNetworkAddressChanges(t *testing.T) {
	granted, other := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	d := dial(t, newHost(t), fmt.Sprintf("tcp://127.0.0.1:%d", granted.port))
	d.expect(0, "ends 127.0.0.1 %d 127.0.0.1 %d", granted.port, other.port)
	won := 0
	// Until both were seen: else nothing was raced for.
	eventually(t, "connects win and lose", func() bool {
		n, _ := d.say("flip 150")
		won += n
		return won > 0 && d.denied("run connect") > 0
	})
	if n := other.reached(t); n != 0 {
		t.Errorf("the other address was reached %d times", n)
	}
	if n := granted.reached(t); n != won {
		t.Errorf("the granted address was reached %d times, %d connects returned 0", n, won)
	}
}

// TestNetworkDescriptorChanges has another thread close the descriptor and
// make other files of it while the call is held. The booth goes on.
func TestNetworkDescriptorChanges(t *testing.T) {
	granted := listen(t, "127.0.0.1:0")
	h := newHost(t)
	d := dial(t, h, fmt.Sprintf("tcp://127.0.0.1:%d", granted.port))
	d.expect(0, "ends 127.0.0.1 %d 127.0.0.1 1", granted.port)
	before := sockets(t, h.JailerPID())
	won := 0
	eventually(t, "connects win", func() bool {
		n, _ := d.say("swap 50 150")
		won += n
		return won > 0
	})
	if n := granted.reached(t); n < won {
		t.Errorf("reached %d times, %d connects returned 0", n, won)
	}
	eventually(t, "the jailer keeps no socket", func() bool { return sockets(t, h.JailerPID()) <= before })
	// Its pipes are where they were. The connects above may have used up the
	// rate that a booth has of them.
	fd := d.socket(unix.AF_INET, unix.SOCK_STREAM)
	eventually(t, "it connects again", func() bool {
		n, _ := d.say("connect %d 127.0.0.1 %d", fd, granted.port)
		return n == 0
	})
}

// sockets is how many a process holds.
func sockets(t *testing.T, pid int) (n int) {
	t.Helper()
	dir := procFile(pid, "fd")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		// It may have been closed since.
		if link, _ := os.Readlink(dir + "/" + e.Name()); strings.HasPrefix(link, "socket:") {
			n++
		}
	}
	return n
}

// TestNetworkHangs has a booth fill its places with connects that nobody
// answers. They time out, more of them fail at once, and another booth's
// connects do not wait.
func TestNetworkHangs(t *testing.T) {
	port := deaf(t)
	granted := listen(t, "127.0.0.1:0")
	h := newHost(t)
	p := build(t, "network", "-pthread")
	var booths []*booth
	for i, to := range []string{fmt.Sprintf("tcp://127.0.0.1:%d", port), fmt.Sprintf("tcp://127.0.0.1:%d", granted.port)} {
		b, stop, err := h.run(newPlan(t, fmt.Sprintf("booth%d", i), p, client(t, to)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
		booths = append(booths, b)
	}
	crowd := make(chan int)
	errs := make(chan error, 1)
	go func() {
		lane, err := h.NewLane(-1)
		if err != nil {
			errs <- err
			return
		}
		defer lane.Close()
		hung := &dialer{booths[0], lane}
		say := func(action string) int {
			if err := lane.Send(hung.Booth, do(action, 60)); err != nil {
				errs <- err
				return -1
			}
			var n int
			fmt.Sscan((<-hung.replies).result, &n)
			return n
		}
		say(fmt.Sprintf("ends 127.0.0.1 %d 127.0.0.1 1", port))
		crowd <- 0
		crowd <- say(fmt.Sprintf("crowd 20 %d", unix.EAGAIN))
		crowd <- say(fmt.Sprintf("crowd 8 %d", unix.ETIMEDOUT))
	}()
	wait := func() int {
		t.Helper()
		select {
		case err := <-errs:
			t.Fatal(err)
		case n := <-crowd:
			return n
		case <-time.After(patience):
			t.Fatal("the crowd does not come back")
		}
		return 0
	}
	wait()
	d := &dialer{booths[1], newLane(t, h)}
	for range 20 {
		fd := d.socket(unix.AF_INET, unix.SOCK_STREAM)
		d.expect(0, "connect %d 127.0.0.1 %d", fd, granted.port)
		d.expect(0, "close %d", fd)
	}
	if n := wait(); n != 12 {
		t.Errorf("%d of 20 failed with EAGAIN, want 12", n)
	}
	if n := wait(); n != 8 {
		t.Errorf("%d of 8 failed with ETIMEDOUT", n)
	}
}

// deaf is a port of this machine where connections neither succeed nor fail:
// its queue is full, and nobody takes from it.
func deaf(t *testing.T) uint16 {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := sa.(*unix.SockaddrInet4).Port
	// Until one hangs: then the queue is full.
	for range 16 {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 500*time.Millisecond)
		if err != nil {
			return uint16(port)
		}
		t.Cleanup(func() { c.Close() })
	}
	missing(t, "a full queue that lets connections hang")
	return 0
}

// TestNetworkFlood: no more connections than the rate has.
func TestNetworkFlood(t *testing.T) {
	granted := listen(t, "127.0.0.1:0")
	d := dial(t, newHost(t), fmt.Sprintf("tcp://127.0.0.1:%d", granted.port))
	d.expect(0, "ends 127.0.0.1 %d 127.0.0.1 %d", granted.port, granted.port)
	began := time.Now()
	for range 8 {
		d.say("flip 200")
	}
	most := 200 + int(100*time.Since(began).Seconds()) + 1
	if n := granted.reached(t); n > most || n < 200 {
		t.Errorf("reached %d times, want 200 to %d", n, most)
	} else if n < 8*200 {
		eventually(t, "refused connects are reported", func() bool { return d.denied("run connect") > 0 })
	}
}

// TestNetworkEndsWithTheBooth: the host's sockets are gone with the worker.
func TestNetworkEndsWithTheBooth(t *testing.T) {
	granted := listen(t, "127.0.0.1:0")
	h := newHost(t)
	b, stop, err := h.run(newPlan(t, "network", build(t, "network", "-pthread"), client(t, fmt.Sprintf("tcp://127.0.0.1:%d", granted.port))))
	if err != nil {
		t.Fatal(err)
	}
	d := &dialer{b, newLane(t, h)}
	fd := d.socket(unix.AF_INET, unix.SOCK_STREAM)
	d.expect(0, "connect %d 127.0.0.1 %d", fd, granted.port)
	conn := next(t, granted.conns, "the connection")
	d.expect(1, "write %d x", fd)
	buf := make([]byte, 4)
	if n, err := conn.Read(buf); n != 1 || err != nil {
		t.Fatalf("read %d, %v", n, err)
	}
	// Where nobody reads, writing fails, and no signal ends the worker.
	closed := d.socket(unix.AF_INET, unix.SOCK_STREAM)
	d.expect(0, "connect %d 127.0.0.1 %d", closed, granted.port)
	next(t, granted.conns, "the second connection").Close()
	eventually(t, "writing fails", func() bool {
		n, _ := d.say("write %d x", closed)
		return n == -int(unix.EPIPE)
	})
	if err := unix.Kill(b.About().PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(buf); err != io.EOF {
		t.Errorf("read %d, %v, want the end", n, err)
	}
	b.again()
	// Its successor has no sockets and the same grants.
	fd = d.socket(unix.AF_INET, unix.SOCK_STREAM)
	d.expect(0, "connect %d 127.0.0.1 %d", fd, granted.port)
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestNetworkWhileLoading: no grant holds before the seal.
func TestNetworkWhileLoading(t *testing.T) {
	granted := listen(t, "127.0.0.1:0")
	p := build(t, "network", "-pthread", fmt.Sprintf(`-DWHILE_LOADING="%d"`, granted.port))
	h := newHost(t)
	_, err := h.start(p, client(t, fmt.Sprintf("tcp://127.0.0.1:%d", granted.port)))
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("start returned %d", unix.EPERM)) {
		t.Errorf("%v, want a start that returns EPERM", err)
	}
	if n := granted.reached(t); n != 0 {
		t.Errorf("reached %d times", n)
	}
}

// TestNetworkSocketAtSeal: a plugin brings no socket along.
func TestNetworkSocketAtSeal(t *testing.T) {
	h := newHost(t)
	_, err := h.start(build(t, "network", "-pthread", "-DSOCKET_AT_SEAL"), client(t, "tcp://127.0.0.1:1"))
	if err == nil || !strings.Contains(err.Error(), "descriptors") {
		t.Errorf("%v, want a booth that is not sealed", err)
	}
}
