package main

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/isobooth/isobooth/"

// arrows is which of our packages may import which; docs/decisions/0006 says
// why. A package that is not here may import none of ours.
var arrows = map[string][]string{
	"cmd/isobooth":           {"cgroups", "cmd/isobooth/internal/audit", "midi", "midi/portmidi", "midi/ports", "midi/rawmidi", "midi/recognize", "midi/rtmidi", "profiles", "runner", "runner/attack", "runner/control", "runner/wire", "verify"},
	"cmd/isobooth-jail":      {"runner/control", "runner/jail"},
	"runner":                 {"cgroups", "midi", "profiles", "runner/control", "runner/wire", "verify"},
	"runner/attack":          {"cgroups", "midi", "profiles", "runner", "runner/control", "runner/wire", "verify"},
	"runner/jail":            {"runner/control"},
	"midi/portmidi":          {"midi", "midi/sequencer", "midi/sequencer/quiet"},
	"midi/rtmidi":            {"midi", "midi/sequencer", "midi/sequencer/quiet"},
	"midi/rawmidi":           {"midi"},
	"midi/sequencer":         {"midi"},
	"midi/ports":             {"midi"},
	"midi/recognize":         {"midi"},
	"midi/miditest":          {"midi"},
	"midi/sequencer/seqtest": {"midi"},
	"bench":                  {"cgroups", "midi", "profiles", "runner", "runner/control", "runner/wire", "verify"},
}

// homes is where an outside module may be imported, and nowhere else.
var homes = map[string][]string{
	"github.com/opencontainers/runc/libcontainer":              {"runner/jail", "cmd/isobooth-jail"},
	"github.com/seccomp/libseccomp-golang":                     {"profiles"},
	"github.com/containerd/cgroups/v3":                         {"cgroups"},
	"github.com/opencontainers/runtime-spec":                   {"cgroups", "profiles"},
	"github.com/jedisct1/go-minisign":                          {"verify"},
	"github.com/spf13/viper":                                   {"cmd/isobooth"},
	"github.com/fsnotify/fsnotify":                             {"cmd/isobooth"},
	"github.com/spf13/cobra":                                   {"cmd/isobooth"},
	"github.com/prometheus/client_golang":                      {"cmd/isobooth"},
	"github.com/coreos/go-systemd/v22/daemon":                  {"cmd/isobooth"},
	"github.com/gdamore/tcell/v3":                              {"cmd/isobooth"},
	"gitlab.com/gomidi/midi/v2/drivers":                        {"midi/portmidi", "midi/rtmidi"},
	"github.com/cyphar/filepath-securejoin/pathrs-lite/procfs": {"cmd/isobooth-jail"},
}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		ours := strings.TrimPrefix(p.ImportPath, module)
		for _, i := range p.Imports {
			if to, ok := strings.CutPrefix(i, module); ok && !slices.Contains(arrows[ours], to) {
				t.Errorf("%s imports %s: a new arrow is a decision, see docs/decisions", ours, to)
			}
			for outside, where := range homes {
				if (i == outside || strings.HasPrefix(i, outside+"/")) && !slices.Contains(where, ours) {
					t.Errorf("%s imports %s, which belongs to %v", ours, i, where)
				}
			}
		}
	}
	if seen < len(arrows) {
		t.Errorf("only %d packages were looked at", seen)
	}
}

// TestJailerStaysSlim: the jailer's size and package inits are paid at every
// start of a booth.
func TestJailerStaysSlim(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", module+"cmd/isobooth-jail").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(string(out)) {
		for _, heavy := range []string{"net/http", "github.com/spf13/", "github.com/seccomp/", "gitlab.com/gomidi/", "github.com/prometheus/", "github.com/gdamore/", "github.com/containerd/cgroups"} {
			if strings.HasPrefix(p, heavy) {
				t.Errorf("isobooth-jail depends on %s", p)
			}
		}
	}
}
