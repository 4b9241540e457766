package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestQuantile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[len(hundred)-1-i] = float64(i + 1) // 100 down to 1
	}
	for _, c := range []struct {
		name    string
		samples []float64
		q, want float64
	}{
		{"none", nil, 0.5, 0},
		{"one", []float64{7}, 0.99, 7},
		{"median of three", []float64{3, 1, 2}, 0.5, 2},
		{"median of a hundred", hundred, 0.5, 51},
		{"p99 of a hundred", hundred, 0.99, 100},
		{"all", hundred, 1, 100},
	} {
		if got := quantile(c.samples, c.q); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if hundred[0] != 100 {
		t.Error("quantile sorted its caller's samples")
	}
}

func TestCompare(t *testing.T) {
	var order []string
	round := 0
	fake := func(name string, values ...float64) subject {
		calls := 0
		return subject{name: name, sample: func(n int) ([]float64, error) {
			order = append(order, name)
			calls++
			return slices.Repeat([]float64{values[calls-1]}, n), nil
		}}
	}
	rows, err := compare(context.Background(), []subject{
		fake("booth", 1000, 6, 8, 6), // the first round warms up
		fake("peer", 1, 4, 4, 2),
		{name: "absent", missing: "not installed"},
	}, size{rounds: 3, n: 2}, func(r int) { round = r })
	if err != nil {
		t.Fatal(err)
	}
	want := []Row{
		{Subject: "booth", Median: 6, P99: 8, Ratio: 1, Least: 1, Most: 1},
		{Subject: "peer", Median: 4, P99: 4, Ratio: 1.5, Least: 1.5, Most: 3},
		{Subject: "absent", Missing: "not installed"},
	}
	if !slices.Equal(rows, want) {
		t.Errorf("rows\n%+v, want\n%+v", rows, want)
	}
	if got := strings.Join(order, " "); got != strings.TrimSpace(strings.Repeat("booth peer ", 4)) {
		t.Errorf("order %q", got)
	}
	if round != 3 {
		t.Errorf("told of %d rounds", round)
	}
}

func TestCompareStops(t *testing.T) {
	broken := errors.New("broken")
	_, err := compare(context.Background(), []subject{{name: "x", sample: func(int) ([]float64, error) { return nil, broken }}}, size{1, 1}, func(int) {})
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "x: ") {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = compare(ctx, []subject{{name: "x", sample: func(int) ([]float64, error) { t.Error("sampled"); return nil, nil }}}, size{1, 1}, func(int) {})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestWrite(t *testing.T) {
	r := Report{Machine: Machine{System: "Linux 6.1", Arch: "amd64", CPUs: 2, Cgroups: "v2", Go: "go1"}, Figures: []Figure{{
		Name: "start", Title: "a start", Unit: "ms",
		Rows: []Row{
			{Subject: "booth", Median: 12.34, P99: 123.4, Ratio: 1, Least: 1, Most: 1},
			{Subject: "peer", Median: 0.5, P99: 1.25, Ratio: 24.68, Least: 20, Most: 30},
			{Subject: "other", Missing: "not installed"},
		},
	}}}
	var b strings.Builder
	if err := r.write(&b); err != nil {
		t.Fatal(err)
	}
	want := `Linux 6.1, amd64, 2 CPUs, cgroups v2, go1

start: a start
  ms     median  p99   booth beside it (of rounds)
  booth  12.3    123   1.00 (1.00 to 1.00)
  peer   0.50    1.25  24.68 (20.00 to 30.00)
  other  -       -     missing: not installed
`
	if b.String() != want {
		t.Errorf("wrote\n%s", b.String())
	}
}
