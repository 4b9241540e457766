package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// runc makes a bundle with the same files.
func (b *bench) runc(files map[string]string) (cage, error) {
	c := cage{name: "runc run"}
	path, err := exec.LookPath("runc")
	if err != nil {
		c.missing = "not installed"
		return c, nil
	}
	mounts := []object{{"destination": "/proc", "type": "proc", "source": "proc"}}
	for inside, host := range files {
		mounts = append(mounts, object{"destination": inside, "type": "bind", "source": host, "options": []string{"bind", "ro", "nosuid", "nodev"}})
	}
	var namespaces []object
	for _, n := range []string{"pid", "network", "ipc", "uts", "mount", "cgroup"} {
		namespaces = append(namespaces, object{"type": n})
	}
	config, err := json.Marshal(object{
		"ociVersion": "1.0.2",
		"process": object{
			"user": object{"uid": 65534, "gid": 65534}, "args": []string{readyInside, pluginInside},
			"env": []string{"HOME=/"}, "cwd": "/", "noNewPrivileges": true,
		},
		"root":   object{"path": "rootfs"},
		"mounts": mounts,
		"linux":  object{"namespaces": namespaces},
	})
	if err != nil {
		return c, err
	}
	bundle, err := os.MkdirTemp(b.tools.dir, "bundle-")
	if err != nil {
		return c, err
	}
	if err := os.Mkdir(filepath.Join(bundle, "rootfs"), 0o755); err != nil {
		return c, err
	}
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), config, 0o600); err != nil {
		return c, err
	}
	state := filepath.Join(bundle, "state")
	b.undo = append(b.undo, func() error { return sweepRunc(path, state) })
	c.command = func(i int) []string {
		return []string{path, "--root", state, "run", "--bundle", bundle, fmt.Sprintf("isobooth-bench-%d-%d", os.Getpid(), i)}
	}
	return c, nil
}

// sweepRunc removes the containers whose runc was killed.
func sweepRunc(runc, state string) error {
	out, err := exec.Command(runc, "--root", state, "list", "--quiet").Output()
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	var errs []error
	for _, id := range strings.Fields(string(out)) {
		if text, err := exec.Command(runc, "--root", state, "delete", "--force", id).CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("delete container %q: %w: %q", id, err, text))
		}
	}
	return errors.Join(errs...)
}
