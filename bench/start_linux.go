package main

import "time"

// isolation is the pause before an isolated start: longer than the kernel's
// grace periods and the time until an idle processor sleeps deeply.
const isolation = 60 * time.Millisecond

func (b *bench) tightStarts(told func(int), s size) ([]Row, error) { return b.starts(told, s, 0) }
func (b *bench) isolatedStarts(told func(int), s size) ([]Row, error) {
	return b.starts(told, s, isolation)
}

// starts compares a booth's start with other ways to start a program that
// loads the same plugin.
func (b *bench) starts(told func(int), s size, pause time.Duration) ([]Row, error) {
	return b.besideStarts(told, s, pause, func(n int) ([]float64, error) { return b.boothStarts(n, pause) })
}

// besideStarts compares samples of a booth, in milliseconds, with other ways
// to start a program that loads the same plugin.
func (b *bench) besideStarts(told func(int), s size, pause time.Duration, booth func(n int) ([]float64, error)) ([]Row, error) {
	cages, err := b.cages()
	if err != nil {
		return nil, err
	}
	subjects := []subject{{name: "booth", sample: booth}}
	for _, c := range cages {
		sub := subject{name: c.name, missing: c.missing}
		if c.missing == "" {
			peer, err := b.newPeer(b.tools.launch, c.command(0)...)
			if err != nil {
				return nil, err
			}
			defer peer.close()
			sub.sample = func(n int) ([]float64, error) {
				got, err := peer.sample(n, pause)
				return scaled(got, time.Millisecond), err
			}
		}
		subjects = append(subjects, sub)
	}
	return compare(b.ctx, subjects, s, told)
}

// boothStarts starts and stops n booths, one after the other.
func (b *bench) boothStarts(n int, pause time.Duration) ([]float64, error) {
	samples := make([]float64, n)
	for i := range samples {
		time.Sleep(pause)
		r, took, err := b.start()
		if err != nil {
			return nil, err
		}
		if err := r.stop(); err != nil {
			return nil, err
		}
		samples[i] = float64(took) / float64(time.Millisecond)
	}
	return samples, nil
}
