package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// peer is a C program that measures on request.
type peer struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out io.Reader
	err bytes.Buffer
}

// newPeer starts a program; close ends it.
func (b *bench) newPeer(path string, args ...string) (*peer, error) {
	p := &peer{cmd: b.command(path, args...)}
	p.cmd.Stderr = &p.err
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

// command is one in a process group of its own, so that Ctrl-C reaches only
// us. What it is doing then it may finish, as it does in a second or two: runc
// leaves control groups behind when it is killed half-way.
func (b *bench) command(path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(b.ctx, path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return nil }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// sample asks for n measurements with every between them, in nanoseconds.
func (p *peer) sample(n int, every time.Duration) ([]float64, error) {
	request := binary.NativeEndian.AppendUint32(nil, uint32(n))
	request = binary.NativeEndian.AppendUint32(request, uint32(every.Microseconds()))
	if _, err := p.in.Write(request); err != nil {
		return nil, p.explain(err)
	}
	took := make([]uint64, n)
	if err := binary.Read(p.out, binary.NativeEndian, took); err != nil {
		return nil, p.explain(err)
	}
	samples := make([]float64, n)
	for i, ns := range took {
		samples[i] = float64(ns)
	}
	return samples, nil
}

// explain adds what the program said.
func (p *peer) explain(err error) error {
	_ = p.close()
	if text := strings.TrimSpace(p.err.String()); text != "" {
		return fmt.Errorf("%w: it says %q", err, text)
	}
	return err
}

// close ends the program. Its status says nothing that its samples did not.
func (p *peer) close() error {
	p.in.Close()
	_ = p.cmd.Wait()
	return nil
}

// scaled turns nanoseconds into another unit.
func scaled(samples []float64, unit time.Duration) []float64 {
	for i := range samples {
		samples[i] /= float64(unit)
	}
	return samples
}
