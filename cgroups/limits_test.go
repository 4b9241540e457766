package cgroups

import (
	"errors"
	"math"
	"os"
	"testing"
)

func TestQuota(t *testing.T) {
	tests := []struct {
		cpu    float64
		quota  int64
		period uint64
	}{
		{0.5, 5_000, 10_000},
		{1, 10_000, 10_000},
		{2.5, 25_000, 10_000},
		{0.1, 1_000, 10_000},
		{0.05, 1_000, 20_000},
		{0.01, 1_000, 100_000},
		{0.001, 1_000, 1_000_000},
	}
	for _, test := range tests {
		quota, period := Limits{CPU: test.cpu}.quota()
		if quota != test.quota || period != test.period {
			t.Errorf("%v cores: %d in %d, want %d in %d", test.cpu, quota, period, test.quota, test.period)
		}
	}
}

func TestCheckLimits(t *testing.T) {
	good := Limits{Memory: 1 << 20, CPU: 0.5, Pids: 8}
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Limits){
		"no memory":      func(l *Limits) { l.Memory = 0 },
		"less than page": func(l *Limits) { l.Memory = int64(os.Getpagesize()) - 1 },
		"no cpu":         func(l *Limits) { l.CPU = 0 },
		"tiny cpu":       func(l *Limits) { l.CPU = 0.0001 },
		"cpu not number": func(l *Limits) { l.CPU = math.NaN() },
		"endless cpu":    func(l *Limits) { l.CPU = math.Inf(1) },
		"weight":         func(l *Limits) { l.CPUWeight = 10001 },
		"negative swap":  func(l *Limits) { l.Swap = -1 },
		"endless swap":   func(l *Limits) { l.Swap = math.MaxInt64 },
		"io weight":      func(l *Limits) { l.IOWeight = 10001 },
		"processors":     func(l *Limits) { l.CPUs = []int{1, 0} },
		"processor -1":   func(l *Limits) { l.CPUs = []int{-1} },
		"no pids":        func(l *Limits) { l.Pids = 0 },
		"negative pids":  func(l *Limits) { l.Pids = -1 },
	} {
		l := good
		change(&l)
		if err := l.check(); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v, want ErrLimit", name, err)
		}
	}
}

func TestRounding(t *testing.T) {
	page := int64(os.Getpagesize())
	if got := (Limits{Memory: 3*page + 1}).memory(); got != 3*page {
		t.Errorf("memory %d, want %d", got, 3*page)
	}
	for weight, want := range map[uint64]uint64{0: 1024, 100: 1024, 50: 512, 1: 10, 10000: 102400} {
		if got := (Limits{CPUWeight: weight}).shares(); got != want {
			t.Errorf("weight %d: %d shares, want %d", weight, got, want)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"isobooth-12-345", "a", "Arp_2"} {
		if err := checkName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "a/b", "/a", "cgroup.procs", "-a", "a b", "a\n", string(make([]byte, 200))} {
		if err := checkName(name); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v, want ErrName", name, err)
		}
	}
}
