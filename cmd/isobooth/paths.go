package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// libexecDir is where packages put the two programs that users do not run.
const libexecDir = "/usr/lib/isobooth"

// findProgram returns the path of isobooth-jail or isobooth-worker: in the
// config's libexec, beside this program, or in libexecDir; never by $PATH.
// Nobody but root and us may be able to change it.
func findProgram(name, libexec string) (string, error) {
	dirs := []string{libexec}
	if libexec == "" {
		self, err := os.Executable()
		if err != nil {
			return "", err
		}
		if self, err = filepath.EvalSymlinks(self); err != nil {
			return "", err
		}
		dirs = []string{filepath.Dir(self), libexecDir}
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		st, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if !onlyOurs(st) || !st.Mode().IsRegular() {
			return "", fmt.Errorf("%s can be written by others than root and us, or is no file", path)
		}
		return path, nil
	}
	return "", fmt.Errorf("find %s: not in %s: %w", name, strings.Join(dirs, " or "), fs.ErrNotExist)
}

// runtimeDir is where daemons of this user keep what must not outlive them:
// /run/isobooth for root, else $XDG_RUNTIME_DIR/isobooth, else a folder of
// our own in /tmp. It is made, and checked to be ours.
func runtimeDir() (string, error) {
	dir := "/run/isobooth"
	if os.Geteuid() != 0 {
		if x := os.Getenv("XDG_RUNTIME_DIR"); x != "" {
			dir = filepath.Join(x, "isobooth")
		} else {
			dir = filepath.Join(os.TempDir(), "isobooth-"+strconv.Itoa(os.Geteuid()))
		}
	}
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	return dir, checkOurs(dir, st)
}

// checkOurs returns an error unless it is a folder of ours that others cannot
// write to.
func checkOurs(dir string, st fs.FileInfo) error {
	if int(st.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() || !st.IsDir() || st.Mode()&0o022 != 0 {
		return fmt.Errorf("%s is not a folder of ours that others cannot write to", dir)
	}
	return nil
}

// onlyOurs reports whether nobody but root and us can write it.
func onlyOurs(st fs.FileInfo) bool {
	owner := int(st.Sys().(*syscall.Stat_t).Uid)
	return (owner == 0 || owner == os.Geteuid()) && st.Mode()&0o022 == 0
}

// stateDir is where daemons of this user keep what outlives them:
// $XDG_STATE_HOME/isobooth, else ~/.local/state/isobooth. It need not exist.
func stateDir() (string, error) {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // the XDG specification has others ignored
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "isobooth"), nil
}

const daemonPrefix = "isobooth-"

// daemonName names this process for as long as the machine runs: process ids
// come again, with another start time.
func daemonName() (string, error) {
	start, err := startTime(os.Getpid())
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s%d-%s", daemonPrefix, os.Getpid(), start), nil
}

// daemonAlive reports whether the process of such a name still runs. A name
// of another form is none of ours, and left alone.
func daemonAlive(name string) bool {
	rest, ok := strings.CutPrefix(name, daemonPrefix)
	pidText, start, ok2 := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(pidText)
	if !ok || !ok2 || err != nil {
		return true
	}
	if _, err := strconv.ParseUint(start, 10, 64); err != nil {
		return true
	}
	now, err := startTime(pid)
	return err == nil && now == start
}

// startTime is field 22 of /proc/PID/stat, proc_pid_stat(5); the name in
// field 2 may hold anything, so count from its closing bracket. A process
// that has ended and waits for its parent is gone: fs.ErrNotExist.
func startTime(pid int) (string, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	text := string(data)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return "", fmt.Errorf("unreadable /proc/%d/stat", pid)
	}
	if fields[0] == "Z" {
		return "", fmt.Errorf("process %d has ended: %w", pid, fs.ErrNotExist)
	}
	return fields[19], nil
}

// sweepRuntime removes the folders of daemons that are gone and returns their
// names.
func sweepRuntime(dir string) (removed []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, e := range entries {
		if daemonAlive(e.Name()) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			errs = append(errs, err)
			continue
		}
		removed = append(removed, e.Name())
	}
	return removed, errors.Join(errs...)
}
