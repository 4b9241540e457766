package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// asks runs a command beside the daemon and returns its exit code and output.
func (h *home) asks(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := h.command(append([]string{"isobooth"}, args...)...)
	var out, messages strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), messages.String()
}

// says runs a command and checks what it says. A daemon beside ours that does
// not answer is no failure of ours.
func (h *home) says(t *testing.T, args []string, want int, wantOut, wantMessages string) {
	t.Helper()
	code, out, messages := h.asks(t, args...)
	if code == exitFailed && want == exitDone && strings.Contains(messages, "isobooth: ask daemon ") {
		code = exitDone
	}
	if code != want || !strings.Contains(out, wantOut) || !strings.Contains(messages, wantMessages) {
		t.Errorf("%q: exit code %d\n%s%s", args, code, out, messages)
	}
}

// booth is what stats --json says of the daemon's one booth. Other daemons of
// this user may fail to answer.
func (d *daemon) booth(h *home) boothReport {
	d.t.Helper()
	_, out, messages := h.asks(d.t, "stats", "transpose", "--json")
	var r statsReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		d.t.Fatalf("%v: %s%s", err, out, messages)
	}
	for _, one := range r.Daemons {
		if one.PID == d.cmd.Process.Pid && len(one.Booths) == 1 {
			return one.Booths[0]
		}
	}
	d.t.Fatalf("the daemon is not among %+v", r.Daemons)
	return boothReport{}
}

// TestStatsOfADaemon asks a daemon that plays.
func TestStatsOfADaemon(t *testing.T) {
	requireBooths(t)
	h := newHome(t)
	d := h.start(t)
	if b := d.booth(h); b.Latency.All.Count != 0 || b.Stats.Triggers != 0 || b.Limits.Memory == 0 {
		t.Errorf("before any trigger: %+v", b)
	}
	for range 3 {
		d.plays()
	}
	b := d.booth(h)
	if b.Latency.All.Count != 3 || b.Latency.All.P50 <= 0 || b.Latency.All.P50 > b.Latency.All.Max || b.Stats.Replies != 3 {
		t.Errorf("after three triggers: %+v, %+v", b.Latency.All, b.Stats)
	}
	if b.Usage != nil && (b.Usage.Memory == 0 || b.Usage.Pids != 1) {
		t.Errorf("usage %+v", b.Usage)
	}
	for _, args := range [][]string{{"stats"}, {"stats", "transpose"}} {
		h.says(t, args, exitDone, "transpose", "")
	}
	h.says(t, []string{"stats", "nobody"}, exitNotFound, "", `no daemon of this user has a plugin called "nobody"`)
	d.ends()
	d.gone()
}
