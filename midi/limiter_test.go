package midi_test

import (
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
)

func TestLimiter(t *testing.T) {
	type take struct {
		at   time.Duration
		n    int
		want bool
	}
	const s, ms = time.Second, time.Millisecond
	for name, tc := range map[string]struct {
		rate, burst int
		takes       []take
	}{
		"burst, then nothing": {1000, 9, []take{{0, 3, true}, {0, 3, true}, {0, 3, true}, {0, 3, false}, {0, 1, false}}},
		"comes back at the rate": {1000, 3, []take{
			{0, 3, true}, {0, 3, false}, {1 * ms, 3, true}, // 1 byte is there, 2 are owed
			{3 * ms, 1, false}, {4 * ms, 1, true},
		}},
		"never more than the burst": {1000, 6, []take{{3600 * s, 3, true}, {3600 * s, 3, true}, {3600 * s, 3, false}}},
		"a long message passes and is paid for": {1000, 10, []take{
			{0, 5000, true}, {0, 1, false}, {4990 * ms, 1, false}, {4991 * ms, 1, true},
		}},
		"but not without credit": {1000, 10, []take{{0, 10, true}, {0, 5000, false}, {1 * ms, 5000, true}}},
		"a cable":                {3125, 4096, []take{{0, 4096, true}, {0, 3, false}, {s, 3125, true}, {s, 3, false}}},
		"largest rate and burst": {1 << 30, 1 << 30, []take{{0, 1 << 30, true}, {0, 1, false}, {s, 1, true}}},
		"smallest":               {1, 1, []take{{0, 65536, true}, {65535 * s, 1, false}, {65536 * s, 1, true}}},
	} {
		t.Run(name, func(t *testing.T) {
			l := midi.NewLimiter(tc.rate, tc.burst)
			for i, x := range tc.takes {
				if got := l.Take(x.n, x.at); got != x.want {
					t.Fatalf("take %d, %d bytes at %v: %v, want %v", i+1, x.n, x.at, got, x.want)
				}
			}
		})
	}
}

func TestLimiterChargesWhatPassesAnyway(t *testing.T) {
	l := midi.NewLimiter(1000, 3)
	l.Charge(3, 0)
	l.Charge(3, 0)
	if l.Take(3, 3*time.Millisecond) {
		t.Error("the debt is forgotten")
	}
	if !l.Take(3, 4*time.Millisecond) {
		t.Error("the debt is not paid off by the rate")
	}
}

func TestLimiterDoesNotAllocate(t *testing.T) {
	l := midi.NewLimiter(1000, 3)
	var at time.Duration
	if n := testing.AllocsPerRun(100, func() { at += time.Millisecond; l.Take(3, at); l.Charge(1, at) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzLimiter: in no span of time do more bytes pass than the burst, what the
// rate gives meanwhile, and one message.
func FuzzLimiter(f *testing.F) {
	f.Add(uint16(3125), uint16(4096), []byte{0, 3, 0, 3, 200, 255, 1, 1})
	f.Add(uint16(1), uint16(1), []byte{0, 255, 255, 255, 0, 1})
	f.Fuzz(func(t *testing.T, r, b uint16, steps []byte) {
		rate, burst := int(r)+1, int(b)+1
		l := midi.NewLimiter(rate, burst)
		type passed struct {
			at time.Duration
			n  int
		}
		var all []passed
		at := time.Duration(0)
		for ; len(steps) >= 2 && len(all) < 200; steps = steps[2:] {
			at += time.Duration(steps[0]) * 100 * time.Microsecond
			n := 1 + int(steps[1])*int(steps[1]) // to MaxSysEx or so
			if l.Take(n, at) {
				all = append(all, passed{at, n})
			}
		}
		for i := range all {
			sum, longest := 0, 0
			for _, p := range all[i:] {
				sum, longest = sum+p.n, max(longest, p.n)
				// Rounding is below a nanosecond, so one byte, for each.
				given := float64(rate)*(p.at-all[i].at).Seconds() + float64(len(all))
				if float64(sum) > float64(burst)+given+float64(longest) {
					t.Fatalf("%d bytes from %v to %v, rate %d, burst %d, longest %d", sum, all[i].at, p.at, rate, burst, longest)
				}
			}
		}
	})
}
