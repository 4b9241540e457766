package profiles

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWarnings(t *testing.T) {
	tests := []struct {
		name   string
		change func(p *Profile)
		want   []string // start of each warning
	}{
		{"strict itself", func(*Profile) {}, nil},
		{"tighter limits", func(p *Profile) { p.Limits.Memory, p.Limits.Pids, p.Limits.AddressSpace = 1<<20, 1, 1<<20 }, nil},
		{"higher limits", func(p *Profile) {
			p.Limits.Memory, p.Limits.CPU, p.Limits.AddressSpace = 65<<20, 1.25, Unlimited
			p.Limits.StopTimeout = 90 * time.Second
		}, []string{
			"limit memory is 65MiB; strict has 64MiB",
			"limit cpu is 125%; strict has 50%",
			"limit address_space is unlimited; strict has 1GiB",
			"limit stop_timeout is 1m30s; strict has 1s",
		}},
		{"new limits", func(p *Profile) {
			p.Limits.Swap, p.Limits.CPUWeight, p.Limits.IOWeight, p.Limits.TmpSize, p.Limits.CPUs = 1<<20, 101, 200, 4096, []int{1}
		}, []string{
			"limit swap is 1MiB; strict has 0B",
			"limit cpu_weight is 101; strict has 100",
			"limit io_weight is 200; strict has 100",
			"limit tmp_size is 4KiB; strict has 0B",
		}},
		{"longer pauses", func(p *Profile) { p.Limits.RestartPause, p.Limits.RestartReset = time.Second, time.Minute }, nil},
		{"shorter pauses", func(p *Profile) { p.Limits.RestartPause, p.Limits.RestartReset = time.Millisecond, time.Second }, []string{
			"limit restart_pause is 1ms; strict has 100ms",
			"limit restart_reset is 1s; strict has 10s",
		}},
		{"grants", func(p *Profile) {
			p.Files = []FileGrant{{Path: "~/clips", Inside: "/clips", Access: AccessRead, Why: "clips"}}
			p.Devices = []DeviceGrant{{Path: "/dev/snd/pcm*", Access: AccessWrite, Why: "sound"}}
			p.Network = []NetworkGrant{{To: []Destination{{TCP, "::1", 80}, {UDP, "obs.lan", 1}}, Why: "OBS"}}
			p.Environment = []EnvironmentGrant{{Name: "TZ", Why: "times"}}
		}, []string{
			"file ~/clips is there as /clips to read (clips); strict has no files",
			"device /dev/snd/pcm* is there to write (sound); strict has none",
			"network tcp://[::1]:80 may be reached (OBS); strict has no network",
			"network udp://obs.lan:1 may be reached (OBS)",
			"variable TZ is handed over (times); strict has none",
		}},
		{"one call more", func(p *Profile) {
			p.Rules = append(p.Rules, Rule{Calls: []string{"getpid"}, Phase: PhaseRun, Action: Allow, Why: "logs"})
		}, []string{"call getpid is allowed (logs); strict refuses it"}},
		{"one call more, with conditions", func(p *Profile) {
			p.Rules = append(p.Rules, Rule{Calls: []string{"prctl"}, Phase: PhaseRun, Action: Allow, When: []Compare{{0, 0xf, 1}}, Why: "names"})
		}, []string{"call prctl is allowed under conditions (names); strict refuses it"}},
		{"one call more while loading", func(p *Profile) {
			p.Rules = append(p.Rules, Rule{Calls: []string{"readlink"}, Phase: PhaseLoad, Action: Allow, Why: "origin"})
		}, []string{"call readlink is allowed while loading (origin); strict refuses it"}},
		{"load becomes run", func(p *Profile) {
			p.Rules = append(p.Rules, Rule{Calls: []string{"openat"}, Phase: PhaseRun, Action: Allow, Why: "files"})
		}, []string{"call openat is allowed at any time (dlopen of sealed memory; Landlock denies every path but the four devices; files); strict allows it only while loading"}},
		{"weaker condition", func(p *Profile) {
			p.Rules = append(p.Rules, Rule{Calls: []string{"mprotect"}, Phase: PhaseRun, Action: Allow, Why: "compiler"})
		}, []string{"call mprotect is allowed under weaker conditions"}},
		{"weaker condition while loading", func(p *Profile) {
			p.Rules = append(p.Rules, Rule{Calls: []string{"mmap"}, Phase: PhaseLoad, Action: Allow, When: []Compare{{3, 0x20, 0}}, Why: "text relocations"})
		}, []string{"call mmap is allowed while loading under weaker conditions"}},
		{"stronger condition", func(p *Profile) {
			p.Rules = append(p.Rules, Rule{Calls: []string{"mprotect"}, Phase: PhaseRun, Action: Allow, When: []Compare{{2, 7, 1}}, Why: "read"})
		}, nil},
		{"kill becomes errno", func(p *Profile) {
			without(p, "ptrace")
			p.Rules = append(p.Rules, Rule{Calls: []string{"ptrace"}, Action: Errno, Errno: 1, Why: "debuggers"})
		}, []string{"call ptrace is refused (debuggers); strict kills for it"}},
		{"kill becomes allow", func(p *Profile) {
			without(p, "bpf")
			p.Rules = append(p.Rules, Rule{Calls: []string{"bpf"}, Phase: PhaseRun, Action: Allow, Why: "no reason"})
		}, []string{"call bpf is allowed (no reason); strict kills for it"}},
		{"kill is gone", func(p *Profile) { without(p, "keyctl") }, []string{"call keyctl is refused; strict kills for it"}},
		{"allow is gone", func(p *Profile) { without(p, "madvise") }, nil},
		{"errno becomes allow", func(p *Profile) {
			without(p, "clone3")
			p.Rules = append(p.Rules, Rule{Calls: []string{"clone3"}, Phase: PhaseRun, Action: Allow, Why: "threads"})
		}, []string{"call clone3 is allowed (threads); strict refuses it"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := Named(Default)
			if err != nil {
				t.Fatal(err)
			}
			test.change(p)
			got := p.Warnings()
			if !slices.EqualFunc(got, test.want, strings.HasPrefix) {
				t.Errorf("warnings are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// without takes a call out of every rule.
func without(p *Profile, call string) {
	for i := range p.Rules {
		p.Rules[i].Calls = slices.DeleteFunc(p.Rules[i].Calls, func(c string) bool { return c == call })
	}
}

// TestThreadsWarns makes sure that a user of the looser profile is told.
func TestThreadsWarns(t *testing.T) {
	p, err := Named("threads")
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(p.Warnings(), "\n")
	for _, want := range []string{"limit pids", "limit threads", "limit address_space", "call clone is", "call tgkill is", "call close is allowed at any time", "call pipe2 is"} {
		if !strings.Contains(got, want) {
			t.Errorf("no warning about %q in\n%s", want, got)
		}
	}
	if text := p.Warning("address_space"); !strings.HasPrefix(text, "limit address_space is unlimited") {
		t.Errorf("warning about address_space is %q", text)
	}
	if text := p.Warning("mmap"); text != "" {
		t.Errorf("warning about mmap is %q", text)
	}
	for _, never := range []string{"mmap", "mprotect", "openat", "socket", "kills"} {
		if strings.Contains(got, "call "+never) {
			t.Errorf("warning about %q in\n%s", never, got)
		}
	}
}
