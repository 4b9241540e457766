package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// memory compares what idle plugins take: a booth's worker, and for each peer
// everything that was started for it alone.
func (b *bench) memory(told func(int), s size) ([]Row, error) {
	cages, err := b.cages()
	if err != nil {
		return nil, err
	}
	subjects := []subject{{name: "booth", sample: func(n int) ([]float64, error) { return b.idleBooths(n, pss) }}}
	for _, c := range cages {
		subjects = append(subjects, subject{
			name: c.name, missing: c.missing,
			sample: func(n int) ([]float64, error) { return b.idlePeers(n, c) },
		})
	}
	return compare(b.ctx, subjects, s, told)
}

// charged reads what the kernel counts for a booth.
func (b *bench) charged(told func(int), s size) ([]Row, error) {
	booths := func(n int) ([]float64, error) {
		return b.idleBooths(n, func(pid int) (float64, error) {
			bytes, err := b.chargedTo(pid)
			return float64(bytes) / 1024, err
		})
	}
	return compare(b.ctx, []subject{{name: "booth", sample: booths}}, s, told)
}

// idleBooths keeps n booths and asks about each one's worker.
func (b *bench) idleBooths(n int, ask func(pid int) (float64, error)) (samples []float64, err error) {
	var all []*running
	defer func() {
		for _, r := range all {
			err = errors.Join(err, r.stop())
		}
	}()
	for range n {
		r, _, err := b.start()
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	for _, r := range all {
		v, err := ask(r.About().PID)
		if err != nil {
			return nil, err
		}
		samples = append(samples, v)
	}
	return samples, nil
}

// idlePeers keeps n peers and adds up the processes of each.
func (b *bench) idlePeers(n int, c cage) ([]float64, error) {
	var all []*held
	defer func() {
		for _, h := range all {
			h.close()
		}
	}()
	for i := range n {
		h, err := b.hold(c.command(i))
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	children, err := processes()
	if err != nil {
		return nil, err
	}
	var samples []float64
	for _, h := range all {
		total := 0.0
		for todo := []int{h.cmd.Process.Pid}; len(todo) > 0; todo = todo[1:] {
			v, err := pss(todo[0])
			if err != nil {
				return nil, err
			}
			total += v
			todo = append(todo, children[todo[0]]...)
		}
		samples = append(samples, total)
	}
	return samples, nil
}

// pss is the memory of a process in KiB, each shared page divided by the
// number of those who share it; proc_pid_smaps_rollup(5).
func pss(pid int) (float64, error) {
	path := fmt.Sprintf("/proc/%d/smaps_rollup", pid)
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
			return strconv.ParseFloat(f[1], 64)
		}
	}
	return 0, fmt.Errorf("%s: no Pss", path)
}

// processes lists the children of every process.
func processes() (map[int][]int, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // it has ended
		}
		if err != nil {
			return nil, err
		}
		// The name, in parentheses, can hold anything.
		fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil || len(fields) < 2 {
			return nil, fmt.Errorf("%s: %q", path, data)
		}
		parent, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		children[parent] = append(children[parent], pid)
	}
	return children, nil
}
