package cgroups

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// v1 is the backend of a group where this machine has v1.
func v1(t *testing.T, g *Group) *legacy {
	t.Helper()
	b, ok := g.tree.backend.(*legacy)
	if !ok {
		t.Skip("control groups v2: the tests of v2 are for it")
	}
	return b
}

// oneCPU is a processor this process may use.
func oneCPU(t *testing.T) int {
	t.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	for cpu := range 1024 {
		if set.IsSet(cpu) {
			return cpu
		}
	}
	t.Fatal("no processor")
	return 0
}

// TestEveryLimit changes each limit of a group in use, and looks at what the
// kernel then has.
func TestEveryLimit(t *testing.T) {
	g := newGroup(t, openTree(t), roomy)
	b := v1(t, g)
	start(t, g, shell("read y"))
	file := func(controller, name string) string {
		data, err := os.ReadFile(b.dir(controller, g.Path(), name))
		if err != nil {
			t.Error(err)
		}
		return strings.TrimSpace(string(data))
	}
	all := file("cpuset", "cpuset.cpus")
	cpu := oneCPU(t)
	full := Limits{Memory: 64 << 20, Swap: 32 << 20, CPU: 0.05, CPUWeight: 300, CPUs: []int{cpu}, IOWeight: 250, Pids: 9}
	if !b.memsw {
		full.Swap = 0
	}
	if _, err := os.Stat(b.dir("blkio", g.Path(), "blkio.bfq.weight")); err != nil {
		t.Log("no bfq here")
		full.IOWeight = 0
	}
	if err := g.Update(full); err != nil {
		t.Fatal(err)
	}
	if got := g.Limits(); !got.Equal(full) {
		t.Errorf("limits %+v", got)
	}
	want := map[string]string{
		"memory memory.limit_in_bytes": number(full.Memory), "cpu cpu.shares": "3072",
		"cpu cpu.cfs_quota_us": "1000", "cpu cpu.cfs_period_us": "20000", "cpuset cpuset.cpus": fmt.Sprint(cpu), "pids pids.max": "9",
	}
	if b.memsw {
		want["memory memory.memsw.limit_in_bytes"] = number(full.Memory + full.Swap)
	}
	if full.IOWeight != 0 {
		want["blkio blkio.bfq.weight"] = "250"
	}
	for key, value := range want {
		controller, name, _ := strings.Cut(key, " ")
		if got := file(controller, name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	// And back: the defaults are in force again, not just unmentioned.
	if err := g.Update(roomy); err != nil {
		t.Fatal(err)
	}
	if got := file("cpuset", "cpuset.cpus"); got != all {
		t.Errorf("all processors: %q, want %q", got, all)
	}
	if got := file("memory", "memory.swappiness"); got != "0" {
		t.Errorf("without swap swappiness is %s", got)
	}
	if full.IOWeight != 0 && file("blkio", "blkio.bfq.weight") != "100" {
		t.Errorf("weight for disks %s", file("blkio", "blkio.bfq.weight"))
	}
}

// TestNeverLooser takes every step of a change by itself: after none may the
// group have more than the limits before and after both allow.
func TestNeverLooser(t *testing.T) {
	g := newGroup(t, openTree(t), roomy)
	b := v1(t, g)
	group, err := b.load(g.Path())
	if err != nil {
		t.Fatal(err)
	}
	read := func(controller, name string) float64 {
		n, err := readNumber(b.dir(controller, g.Path(), name))
		if err != nil {
			t.Fatal(err)
		}
		return float64(n)
	}
	a := Limits{Memory: 64 << 20, Swap: 0, CPU: 0.5, Pids: 8}
	for _, c := range []Limits{
		{Memory: 16 << 20, CPU: 0.02, Pids: 4},
		{Memory: 256 << 20, CPU: 3, Pids: 40},
		{Memory: 96 << 20, CPU: 0.05, Pids: 40},
	} {
		if b.memsw {
			c.Swap = 48 << 20
		}
		for _, change := range [][2]Limits{{a, c}, {c, a}} {
			old, l := change[0], change[1]
			if err := g.Update(old); err != nil {
				t.Fatal(err)
			}
			memory, err := b.memorySteps(g.Path(), true, l)
			if err != nil {
				t.Fatal(err)
			}
			cpu, err := b.cpuSteps(g.Path(), true, l)
			if err != nil {
				t.Fatal(err)
			}
			for i, step := range append(memory, cpu...) {
				if err := group.Update(step); err != nil {
					t.Fatal(err)
				}
				if share, most := read("cpu", "cpu.cfs_quota_us")/read("cpu", "cpu.cfs_period_us"), max(old.CPU, l.CPU); share > most*1.001 {
					t.Errorf("%v to %v, step %d: %v cores", old.CPU, l.CPU, i, share)
				}
				limit := read("memory", "memory.limit_in_bytes")
				if most := max(old.Memory, l.Memory); limit > float64(most) {
					t.Errorf("%+v to %+v, step %d: memory %v", old, l, i, limit)
				}
				if !b.memsw {
					continue
				}
				both := read("memory", "memory.memsw.limit_in_bytes")
				if most := max(old.Memory+old.Swap, l.Memory+l.Swap); both > float64(most) {
					t.Errorf("%+v to %+v, step %d: memory and swap %v", old, l, i, both)
				}
				if room := both - limit; room > float64(max(old.Swap, l.Swap)) && read("memory", "memory.swappiness") != 0 {
					t.Errorf("%+v to %+v, step %d: %v of swap can be had", old, l, i, room)
				}
			}
			if err := g.tree.backend.limit(g.Path(), &old, l); err != nil {
				t.Fatal(err)
			}
			g.limits = l
		}
	}
}

// TestMemoryInUse: a limit below what a group holds and cannot give back is
// refused, and nothing has changed; with less in it the same limit is taken.
func TestMemoryInUse(t *testing.T) {
	for size, refused := range map[int]bool{96 << 20: true, 4 << 20: false} {
		g := newGroup(t, openTree(t), roomy)
		v1(t, g)
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", balloonEnv, size))
		c := start(t, g, cmd)
		if _, err := c.out.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		small := roomy
		small.Memory, small.Pids = 48<<20, 17
		err := g.Update(small)
		if !refused {
			if err != nil {
				t.Errorf("control: %d bytes: %v", size, err)
			}
			continue
		}
		if !errors.Is(err, ErrInUse) || !errors.Is(err, ErrLimit) || errors.Is(err, ErrMixed) {
			t.Errorf("%d bytes: error %v, want ErrInUse", size, err)
		}
		if got := g.Limits(); !got.Equal(roomy) {
			t.Errorf("limits afterwards %+v", got)
		}
		if s := stats(t, g); s.OOMKills != 0 || s.Memory < uint64(size) {
			t.Errorf("afterwards %+v", s)
		}
		c.line(t)
		if sig := c.signal(); sig != 0 {
			t.Errorf("ended with %v", sig)
		}
	}
}

// TestUpdateRollsBack: a change that fails at its last step leaves the old
// limits in force.
func TestUpdateRollsBack(t *testing.T) {
	g := newGroup(t, openTree(t), roomy)
	b := v1(t, g)
	l := roomy
	l.Memory, l.CPU, l.Pids, l.CPUs = 32<<20, 0.1, 3, []int{1 << 12} // no such processor
	if err := g.Update(l); !errors.Is(err, ErrLimit) || errors.Is(err, ErrMixed) || !strings.Contains(err.Error(), "cpuset.cpus") {
		t.Errorf("error %v, want ErrLimit that names cpuset.cpus", err)
	}
	if !g.Limits().Equal(roomy) {
		t.Errorf("limits %+v", g.Limits())
	}
	if n, err := readNumber(b.dir("memory", g.Path(), "memory.limit_in_bytes")); err != nil || n != uint64(roomy.Memory) {
		t.Errorf("memory %d, %v", n, err)
	}
}

// TestV1WithoutControllers: a limit whose controller is not there is an error
// that names it; the value that needs none is not.
func TestV1WithoutControllers(t *testing.T) {
	g := newGroup(t, openTree(t), roomy)
	have := v1(t, g)
	bare := *have
	bare.all, bare.memsw = nil, false
	for _, h := range have.all {
		if !slices.Contains(h.controllers, "cpuset") && !slices.Contains(h.controllers, "blkio") {
			bare.all = append(bare.all, h)
		}
	}
	lacks(t, func(l Limits) error { return bare.limit(g.Path(), nil, l) }, map[string]string{"cpus": "cpuset", "io": "blkio", "swap": "memory.memsw"})
}

func lacks(t *testing.T, limit func(Limits) error, names map[string]string) {
	t.Helper()
	if err := limit(roomy); err != nil {
		t.Errorf("control: limits that need none of them: %v", err)
	}
	l := roomy
	l.IOWeight, l.CPUWeight = 100, 100
	if err := limit(l); err != nil {
		t.Errorf("control: the default weights by name: %v", err)
	}
	for what, name := range names {
		l := roomy
		switch what {
		case "cpus":
			l.CPUs = []int{0}
		case "io":
			l.IOWeight = 50
		case "swap":
			l.Swap = 1 << 20
		}
		if err := limit(l); !errors.Is(err, ErrController) || !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v, want ErrController that names %s", what, err, name)
		}
	}
}

func TestV2WithoutControllers(t *testing.T) {
	b, path := fakeGroup(t, nil)
	lacks(t, func(l Limits) error { return b.limit(path, nil, l) }, map[string]string{"cpus": "cpuset.cpus", "io": "io.weight", "swap": "memory.swap.max"})
}

func TestV2EveryLimit(t *testing.T) {
	b, path := fakeGroup(t, map[string]string{"memory.swap.max": "max\n", "cpuset.cpus": "\n", "cpuset.cpus.effective": "1,3-4\n", "io.weight": "default 100\n"})
	full := Limits{Memory: 64 << 20, Swap: 32 << 20, CPU: 0.5, CPUWeight: 300, CPUs: []int{1, 3, 4}, IOWeight: 5000, Pids: 9}
	if err := b.limit(path, &roomy, full); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"memory.max": "67108864", "memory.swap.max": "33554432", "cpu.weight": "300", "cpuset.cpus": "1,3-4", "io.weight": "default 5000",
	} {
		data, err := os.ReadFile(b.dir(path, file))
		if err != nil || strings.TrimSpace(string(data)) != want {
			t.Errorf("%s is %q, %v; want %q", file, data, err, want)
		}
	}
	// v2 takes processors that are not there, and uses others.
	write(t, b.dir(path, "cpuset.cpus.effective"), "0-1\n")
	if err := b.limit(path, &full, full); !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), "cpuset.cpus.effective") {
		t.Errorf("processors that are not there: %v", err)
	}
}

// TestV2TightensFirst: where the tighter limit cannot be written, the looser
// one has not been.
func TestV2TightensFirst(t *testing.T) {
	b, path := fakeGroup(t, map[string]string{"memory.swap.max": "max\n"})
	old := Limits{Memory: 64 << 20, Swap: 64 << 20, CPU: 1, Pids: 8}
	if err := b.limit(path, nil, old); err != nil {
		t.Fatal(err)
	}
	deaf := b.dir(path, "memory.swap.max")
	if err := errors.Join(os.Remove(deaf), os.Symlink("/dev/null", deaf)); err != nil {
		t.Fatal(err)
	}
	l := old
	l.Memory, l.Swap = 128<<20, 0
	if err := b.limit(path, &old, l); !errors.Is(err, ErrLimit) {
		t.Fatalf("control: swap that cannot be limited: %v", err)
	}
	data, err := os.ReadFile(b.dir(path, "memory.max"))
	if err != nil || strings.TrimSpace(string(data)) != number(old.Memory) {
		t.Errorf("memory.max is %q, %v", data, err)
	}
}

func TestV2Pressure(t *testing.T) {
	some := "some avg10=1.50 avg60=0.25 avg300=0.00 total=1234\n"
	full := "full avg10=0.50 avg60=0.00 avg300=0.75 total=99\n"
	b, path := fakeGroup(t, map[string]string{
		"cpu.pressure": some, "memory.pressure": some + full, "io.pressure": some + full,
		"memory.current": "1\n", "memory.swap.current": "77\n", "memory.events": "oom_kill 0\n", "pids.current": "1\n", "cpu.stat": "usage_usec 1\n",
	})
	s, err := b.stats(path)
	want := Stall{Some10: 1.5, Some60: 0.25, SomeTotalUS: 1234, Full10: 0.5, Full300: 0.75, FullTotalUS: 99}
	if err != nil || s.Pressure == nil || s.Pressure.Memory != want || s.Pressure.IO != want || s.Pressure.CPU.Some10 != 1.5 || s.Swap != 77 {
		t.Errorf("%+v, %+v, %v", s, s.Pressure, err)
	}
	if err := os.Remove(filepath.Join(b.dir(path), "io.pressure")); err != nil {
		t.Fatal(err)
	}
	if s, err := b.stats(path); err != nil || s.Pressure != nil {
		t.Errorf("without: %+v, %v", s.Pressure, err)
	}
}

func TestCPUList(t *testing.T) {
	for want, list := range map[string][]int{"": nil, "0": {0}, "0-1,3": {0, 1, 3}, "2,4,6-9": {2, 4, 6, 7, 8, 9}} {
		if got := cpuList(list); got != want {
			t.Errorf("%v: %q, want %q", list, got, want)
		}
	}
}

// TestNewGroupPeriodFirst: the kernel's own period never has a quota, or a
// group stands still until that ends.
func TestNewGroupPeriodFirst(t *testing.T) {
	g := newGroup(t, openTree(t), roomy)
	b := v1(t, g) // v2 has both in one file
	for _, inUse := range []bool{false, true} {
		if err := os.WriteFile(b.dir("cpu", g.Path(), "cpu.cfs_quota_us"), []byte("-1"), 0); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(b.dir("cpu", g.Path(), "cpu.cfs_period_us"), []byte("100000"), 0); err != nil {
			t.Fatal(err)
		}
		steps, err := b.cpuSteps(g.Path(), inUse, Limits{CPU: 0.5})
		if err != nil {
			t.Fatal(err)
		}
		if first := steps[0].CPU.Period != nil; first == inUse {
			t.Errorf("in use: %v, the period comes first: %v", inUse, first)
		}
	}
}
