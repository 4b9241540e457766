package main

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// cage is a way to start the C peer, ready.c, which loads the same plugin.
type cage struct {
	name    string
	missing string
	// command is that of the i-th peer that runs at the same time.
	command func(i int) []string
}

// Where the peer is inside the cages that have a root of their own.
const (
	readyInside  = "/ready"
	pluginInside = "/plugin.so"
)

// cages lists all, those that this machine lacks with the reason why.
func (b *bench) cages() ([]cage, error) {
	bare := []string{b.tools.ready, b.tools.library()}
	files, err := b.peerFiles(bare)
	if err != nil {
		return nil, err
	}
	all := []cage{{name: "C peer, posix_spawn", command: func(int) []string { return bare }}, bubblewrap(files)}
	runc, err := b.runc(files)
	if err != nil {
		return nil, err
	}
	all = append(all, runc)
	for i := range all {
		if all[i].missing != "" {
			continue
		}
		if err := b.try(all[i].command(0)); err != nil {
			if i == 0 || b.ctx.Err() != nil {
				return nil, fmt.Errorf("%s: %w", all[i].name, err)
			}
			all[i].missing = "cannot start: " + err.Error()
		}
	}
	return all, nil
}

// try starts a command once.
func (b *bench) try(command []string) error {
	p, err := b.newPeer(b.tools.launch, command...)
	if err != nil {
		return err
	}
	defer p.close()
	_, err = p.sample(1, 0)
	return err
}

// peerFiles lists what the peer needs, path inside to path on this machine:
// itself, the plugin, the loader and the libraries that it has mapped when it
// runs.
func (b *bench) peerFiles(bare []string) (map[string]string, error) {
	files := map[string]string{readyInside: b.tools.ready, pluginInside: b.tools.library()}
	file, err := elf.Open(b.tools.ready)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	loader := ""
	if s := file.Section(".interp"); s != nil {
		data, err := s.Data()
		if err != nil {
			return nil, err
		}
		loader = strings.TrimRight(string(data), "\x00")
		files[loader] = loader
	}
	h, err := b.hold(bare)
	if err != nil {
		return nil, err
	}
	defer h.close()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", h.cmd.Process.Pid))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(maps)) {
		fields := strings.Fields(line)
		if len(fields) == 6 && strings.Contains(filepath.Base(fields[5]), ".so") && fields[5] != b.tools.library() {
			files[fields[5]] = fields[5]
		}
	}
	return files, nil
}

func bubblewrap(files map[string]string) cage {
	c := cage{name: "bwrap --unshare-all"}
	path, err := exec.LookPath("bwrap")
	if err != nil {
		c.missing = "not installed"
		return c
	}
	command := []string{path, "--unshare-all", "--die-with-parent"}
	for inside, host := range files {
		command = append(command, "--ro-bind", host, inside)
	}
	command = append(command, readyInside, pluginInside)
	c.command = func(int) []string { return command }
	return c
}
