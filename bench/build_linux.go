package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/verify"
)

// tools are the programs that take part.
type tools struct {
	dir            string // holds what was built; the caller removes it
	jailer, worker string
	plugin         string // folder with plugin.so and its manifest
	pingpong       string
	launch         string
	ready          string
}

// library is the plugin's file.
func (t *tools) library() string { return filepath.Join(t.plugin, "plugin.so") }

// build makes what is needed in dir: all of it, or all but isobooth's own
// programs when bin is where they are. It must run inside the repository.
func build(ctx context.Context, dir, bin string) (tools, error) {
	t := tools{
		dir: dir, plugin: filepath.Join(dir, "plugin"), pingpong: filepath.Join(dir, "pingpong"),
		launch: filepath.Join(dir, "launch"), ready: filepath.Join(dir, "ready"),
	}
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return t, fmt.Errorf("find the repository: %w", err)
	}
	root := strings.TrimSpace(string(out))
	c := compiler{ctx, root}
	if bin == "" {
		bin = dir
		sources, err := filepath.Glob(filepath.Join(root, "runner/worker/*.c"))
		if err != nil {
			return t, err
		}
		if err := c.cc(filepath.Join(bin, "isobooth-worker"), sources...); err != nil {
			return t, err
		}
		if err := c.run("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, "./cmd/isobooth-jail"); err != nil {
			return t, err
		}
	}
	if bin, err = filepath.Abs(bin); err != nil {
		return t, err
	}
	t.jailer, t.worker = filepath.Join(bin, "isobooth-jail"), filepath.Join(bin, "isobooth-worker")
	if err := os.Mkdir(t.plugin, 0o755); err != nil {
		return t, err
	}
	manifest := "[plugin]\nname = \"bench\"\nversion = \"1.0.0\"\nbinary = \"plugin.so\"\n"
	if err := os.WriteFile(filepath.Join(t.plugin, "plugin.toml"), []byte(manifest), 0o644); err != nil {
		return t, err
	}
	if err := c.cc(t.library(), "-shared", "-fPIC", "bench/peers/plugin.c"); err != nil {
		return t, err
	}
	for _, p := range []string{t.pingpong, t.launch, t.ready} {
		if err := c.cc(p, filepath.Join("bench/peers", filepath.Base(p)+".c")); err != nil {
			return t, err
		}
	}
	return t, nil
}

// compiler runs commands in the root of the repository.
type compiler struct {
	ctx  context.Context
	root string
}

func (c compiler) cc(out string, args ...string) error {
	return c.run("cc", append([]string{"-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-Irunner/worker/include", "-o", out}, args...)...)
}

func (c compiler) run(name string, args ...string) error {
	cmd := exec.CommandContext(c.ctx, name, args...)
	cmd.Dir = c.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// openPlugin verifies the plugin in folder dir, which is unsigned.
func openPlugin(dir string) (*verify.Plugin, error) {
	data, err := os.ReadFile(filepath.Join(dir, "plugin.so"))
	if err != nil {
		return nil, err
	}
	return verify.Open(dir, verify.Options{
		Provided:      runner.Provided(),
		AllowUnsigned: map[[32]byte]bool{sha256.Sum256(data): true},
	})
}
