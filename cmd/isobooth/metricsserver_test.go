package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serving runs a metrics server until the test ends.
func serving(t *testing.T, at metricsAddress) *metricsServer {
	t.Helper()
	m, err := listenMetrics(at)
	if err != nil {
		t.Fatal(err)
	}
	m.serve(someStats)
	t.Cleanup(func() {
		if err := m.close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func loopback() metricsAddress {
	return metricsAddress{tcp: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)}
}

// asked sends a request with that Host header and returns the answer.
func asked(t *testing.T, m *metricsServer, method, path, host string) (code int, body string) {
	t.Helper()
	addr := m.listener.Addr()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, addr.Network(), addr.String())
		},
	}}
	r, err := http.NewRequest(method, "http://placeholder"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

const someMetric = `isobooth_triggers_total{plugin="transpose"} 1204`

// TestMetricsHost: a web page whose own name leads to this machine reads
// nothing.
func TestMetricsHost(t *testing.T) {
	tcp := serving(t, loopback())
	socket := serving(t, metricsAddress{path: filepath.Join(socketDir(t), "m")})
	for host, local := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:9464": true, "localhost": true, "localhost:9464": true, "[::1]": true, "[::1]:9464": true,
		"attacker.example": false, "attacker.example:9464": false, "192.168.1.2": false, "localhost.attacker.example": false,
		"0.0.0.0": false, "127.0.0.1.nip.example": false, "[::]:9464": false,
	} {
		code, body := asked(t, tcp, "GET", "/metrics", host)
		if local && (code != http.StatusOK || !strings.Contains(body, someMetric)) {
			t.Errorf("Host %q: %d %s", host, code, body)
		}
		if !local && (code != http.StatusMisdirectedRequest || strings.Contains(body, "isobooth_")) {
			t.Errorf("Host %q: %d %s", host, code, body)
		}
		// No web page reaches a socket.
		if code, body := asked(t, socket, "GET", "/metrics", host); code != http.StatusOK || !strings.Contains(body, someMetric) {
			t.Errorf("Host %q at the socket: %d %s", host, code, body)
		}
	}
}

func TestMetricsOnly(t *testing.T) {
	m := serving(t, loopback())
	for _, test := range []struct {
		method, path string
		code         int
	}{
		{"GET", "/metrics", http.StatusOK},
		{"GET", "/", http.StatusNotFound},
		{"GET", "/metrics/", http.StatusNotFound},
		{"GET", "/debug/pprof/", http.StatusNotFound},
		{"POST", "/metrics", http.StatusMethodNotAllowed},
		{"DELETE", "/metrics", http.StatusMethodNotAllowed},
	} {
		if code, _ := asked(t, m, test.method, test.path, "localhost"); code != test.code {
			t.Errorf("%s %s: %d, want %d", test.method, test.path, code, test.code)
		}
	}
}

// TestMetricsClients: those that say nothing, or far too much, keep nobody
// else out for good, and end with the server.
func TestMetricsClients(t *testing.T) {
	m, err := listenMetrics(loopback())
	if err != nil {
		t.Fatal(err)
	}
	m.serve(someStats)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", m.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for range metricsClients { // as many as are let in
		dial()
	}
	if code, body := asked(t, m, "GET", "/metrics", "localhost"); code != http.StatusOK || !strings.Contains(body, someMetric) {
		t.Errorf("behind silent clients: %d %s", code, body)
	}
	c := dial()
	go func() {
		_, _ = fmt.Fprintf(c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n", strings.Repeat("x", 1<<20))
	}()
	answer, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && !strings.Contains(answer, "431") {
		t.Errorf("a long header: %q", answer)
	}
	c = dial()
	if err := m.close(); err != nil {
		t.Error(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("a client after the end: %d, %v", n, err)
	}
	if c, err := net.Dial("tcp", m.listener.Addr().String()); err == nil {
		c.Close()
		t.Error("it still listens")
	}
}

// TestMetricsOff: nothing is opened unless the config says so, and closing it
// is no error.
func TestMetricsOff(t *testing.T) {
	a := &app{settings: &settings{}}
	m, err := a.openMetrics()
	if m != nil || err != nil {
		t.Errorf("%v, %v", m, err)
	}
	m.serve(someStats)
	if err := m.close(); err != nil {
		t.Error(err)
	}
}
