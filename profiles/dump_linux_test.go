package profiles

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "rewrite the dumps in testdata")

// dump writes one line per call: what happens to it and why.
func dump(p *Profile, f *Filter) string {
	var b strings.Builder
	l := p.Limits
	fmt.Fprintf(&b, "# %s: %s\n", p.Name, p.Description)
	fmt.Fprintf(&b, "# memory %s, cpu %s, pids %d, open_files %d, file_size %s, address_space %s, threads %d\n",
		size(uint64(l.Memory)), share(l.CPU), l.Pids, l.OpenFiles, size(l.FileSize), size(l.AddressSpace), l.Threads)
	fmt.Fprintf(&b, "# swap %s, cpu_weight %d, cpus %s, io_weight %d, tmp_size %s\n",
		size(uint64(l.Swap)), l.CPUWeight, textCPUs(l.CPUs), l.IOWeight, size(l.TmpSize))
	fmt.Fprintf(&b, "# load %s, trigger %s, stop %s\n", l.LoadTimeout, l.TriggerTimeout, l.StopTimeout)
	fmt.Fprintf(&b, "# restart: %d at once, pause %s to %s, reset %s; queue age %s; quarantine: %d denials, %d violations\n",
		l.RestartFree, l.RestartPause, l.RestartPauseMax, l.RestartReset, l.QueueAge, l.Denials, l.Violations)
	for _, g := range p.Files {
		fmt.Fprintf(&b, "# file %s at %s: %s (%s)\n", g.Path, g.Inside, g.Access, g.Why)
	}
	for _, g := range p.Devices {
		fmt.Fprintf(&b, "# device %s: %s (%s)\n", g.Path, g.Access, g.Why)
	}
	for _, g := range p.Network {
		fmt.Fprintf(&b, "# network %v (%s)\n", g.To, g.Why)
	}
	for _, g := range p.Environment {
		fmt.Fprintf(&b, "# environment %s (%s)\n", g.Name, g.Why)
	}
	if len(p.Require) > 0 {
		fmt.Fprintf(&b, "# require %s\n", strings.Join(p.Require, ", "))
	}
	for i := range f.Calls {
		b.WriteString(dumpCall(&f.Calls[i]))
	}
	return b.String()
}

func dumpCall(c *Call) string {
	var text string
	switch c.Kernel {
	case VerdictAllow:
		text = "allow"
		if len(c.Run) > 0 {
			text = fmt.Sprintf("%-8s when %s, else notify", "allow", dumpAlternatives(c.Run))
			if len(c.Load) > 0 {
				text += "; load: continue" + dumpWhen(c.Load) + ", else EPERM; run: EPERM"
			} else {
				text += ": EPERM"
			}
		}
	case VerdictNotify:
		text = fmt.Sprintf("%-8s EPERM", "notify")
		if len(c.Load) > 0 {
			text = fmt.Sprintf("%-8s load: continue%s; run: EPERM", "notify", dumpWhen(c.Load))
		}
	case VerdictErrno:
		text = fmt.Sprintf("%-8s %s", "errno", unix.ErrnoName(unix.Errno(c.Errno)))
	case VerdictKill:
		text = "kill"
	}
	line := fmt.Sprintf("%-24s %s", c.Name, text)
	if c.Why != "" {
		line = fmt.Sprintf("%-72s # %s", line, c.Why)
	}
	return line + "\n"
}

func dumpWhen(alternatives [][]Compare) string {
	if len(alternatives[0]) == 0 {
		return ""
	}
	return " when " + dumpAlternatives(alternatives)
}

func dumpAlternatives(alternatives [][]Compare) string {
	var out []string
	for _, all := range alternatives {
		var parts []string
		for _, c := range all {
			parts = append(parts, fmt.Sprintf("arg%d & %#x == %#x", c.Arg, c.Mask, c.Value))
		}
		out = append(out, strings.Join(parts, " and "))
	}
	return strings.Join(out, " or ")
}

// TestDump compares each profile with a text a person can read and review. A
// newer libseccomp knows more calls; those may only be refused ones.
func TestDump(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the dumps hold the call table of amd64")
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			p, err := Named(name)
			if err != nil {
				t.Fatal(err)
			}
			f := compile(t, p)
			golden := filepath.Join("testdata", name+".amd64.txt")
			got := dump(p, f)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			compareDumps(t, string(want), got)
		})
	}
	dumps, err := filepath.Glob(filepath.Join("testdata", "*.amd64.txt"))
	if err != nil || len(dumps) != len(Names()) {
		t.Errorf("dumps are %q, %v; profiles are %q", dumps, err, Names())
	}
}

func compareDumps(t *testing.T, want, got string) {
	t.Helper()
	expected := map[string]bool{}
	for s := bufio.NewScanner(strings.NewReader(want)); s.Scan(); {
		expected[s.Text()] = true
	}
	for s := bufio.NewScanner(strings.NewReader(got)); s.Scan(); {
		line := s.Text()
		newer := strings.HasSuffix(line, " EPERM") && strings.Contains(line, " notify   EPERM")
		if !expected[line] && (!newer || strings.Contains(want, "\n"+strings.Fields(line)[0]+" ")) {
			t.Errorf("not in the dump: %s", line)
		}
		delete(expected, line)
	}
	for line := range expected {
		t.Errorf("only in the dump: %s", line)
	}
}
