package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// period is the time from one paced trigger to the next.
const period = 2 * time.Millisecond

func (b *bench) tightTrips(told func(int), s size) ([]Row, error) { return b.trips(told, s, 0) }
func (b *bench) pacedTrips(told func(int), s size) ([]Row, error) { return b.trips(told, s, period) }

// trips compares a booth with two C programs and a pipe, bare and with the
// layers of a booth that the kernel charges for at every switch.
func (b *bench) trips(told func(int), s size, every time.Duration) (rows []Row, err error) {
	booth, _, err := b.start()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, booth.stop()) }()
	group, dirs, err := b.peerGroup(booth.About().PID)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, group.Delete()) }()
	filter := filepath.Join(b.tools.dir, "filter")
	if err := os.WriteFile(filter, b.plan.Policy.BPF, 0o600); err != nil {
		return nil, err
	}
	subjects := []subject{{name: "booth"}}
	// Started here, not on the lane: they would inherit how it is scheduled.
	for _, p := range []struct {
		name   string
		filter string
		dirs   []string
	}{
		{"C pipe", "-", nil},
		{"C pipe, control group of a booth", "-", dirs},
		{"C pipe, control group and filter of a booth", filter, dirs},
	} {
		peer, err := b.newPeer(b.tools.pingpong, append([]string{fmt.Sprint(b.cpu), p.filter}, p.dirs...)...)
		if err != nil {
			return nil, err
		}
		defer peer.close()
		subjects = append(subjects, subject{name: p.name, sample: func(n int) ([]float64, error) {
			got, err := peer.sample(n, every)
			return scaled(got, time.Microsecond), err
		}})
	}
	err = b.onLane(booth, func(l *lane) error {
		subjects[0].sample = func(n int) ([]float64, error) { return l.trips(n, every) }
		rows, err = compare(b.ctx, subjects, s, told)
		return err
	})
	return rows, err
}

// allocations counts what Send allocates.
func (b *bench) allocations(told func(int), s size) (rows []Row, err error) {
	booth, _, err := b.start()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, booth.stop()) }()
	err = b.onLane(booth, func(l *lane) error {
		rows, err = compare(b.ctx, []subject{{name: "booth", sample: l.allocations}}, s, told)
		return err
	})
	return rows, err
}
