package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// scrape fetches the metrics at a socket, or says why not.
func scrape(path string) (string, error) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
	resp, err := client.Get("http://localhost/metrics")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// TestMetricsOfADaemon scrapes a daemon that plays, kills it, and scrapes the
// next one at the same place. A daemon that was not told to serves nothing.
func TestMetricsOfADaemon(t *testing.T) {
	requireBooths(t)
	h := newHome(t)
	path := filepath.Join(socketDir(t), "metrics.sock")
	quiet := h.start(t)
	if _, err := scrape(path); err == nil {
		t.Error("metrics are served without being asked for")
	}
	quiet.ends()
	h.env = append(h.env, "ISOBOOTH_METRICS_LISTEN=unix:"+path)
	d := h.start(t)
	for range 3 {
		d.plays()
	}
	plays := func() {
		t.Helper()
		text, err := scrape(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			`isobooth_triggers_total{plugin="transpose"} `, `isobooth_trigger_latency_seconds_count{path="direct",plugin="transpose"} `,
			`isobooth_booth_state{plugin="transpose",state="ready"} 1`, `isobooth_memory_limit_bytes{plugin="transpose"} `,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
	}
	plays()
	if text, err := scrape(path); err != nil || !strings.Contains(text, `isobooth_triggers_total{plugin="transpose"} 3`) {
		t.Errorf("after three triggers: %v\n%s", err, text)
	}
	if code, _, messages := h.asks(t, "-c", h.config(), "run", "--input", "-"); code != exitFailed || !strings.Contains(messages, "somebody listens there") {
		t.Errorf("a second daemon: exit code %d\n%s", code, messages)
	}
	d.cmd.Process.Kill()
	_ = d.cmd.Wait()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err) // control: it was left behind
	}
	next := h.start(t)
	plays()
	next.ends()
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is left behind")
	}
}
