package main

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
)

// held is a caged peer that stays ready.
type held struct {
	cmd *exec.Cmd
	in  io.Closer
	err bytes.Buffer
}

// hold starts a command and waits until its peer is ready.
func (b *bench) hold(command []string) (*held, error) {
	h := &held{cmd: b.command(command[0], command[1:]...)}
	h.cmd.Stderr = &h.err
	in, err := h.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := h.cmd.Start(); err != nil {
		return nil, err
	}
	h.in = in
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		h.close()
		return nil, fmt.Errorf("%s: %w: it says %q", command[0], err, h.err.Bytes())
	}
	return h, nil
}

// close ends the peer and with it its cage.
func (h *held) close() {
	h.in.Close()
	// Its status says nothing that was not seen.
	_ = h.cmd.Wait()
}
