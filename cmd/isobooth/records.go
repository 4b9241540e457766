package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/isobooth/isobooth/runner"
)

// recordsMax bounds the file that is read, in bytes; a plugin takes about 500.
const recordsMax = 4 << 20

// records is the file in which daemons keep what they know of plugins beyond
// their own end. Several may share it: each access takes a lock.
type records struct{ path string }

// known is what is known of plugins: by name in the config, then by the
// library's SHA-256, since one build says nothing of another.
type known map[string]map[string]runner.History

// openRecords finds the file, plugins.json in stateDir.
func openRecords() (*records, error) {
	dir, err := stateDir()
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	var st fs.FileInfo
	if err == nil {
		st, err = os.Stat(dir) // of what a link leads to: some keep such folders elsewhere
	}
	if err == nil {
		err = checkOurs(dir, st) // who writes there lifts quarantines, or has us write elsewhere
	}
	if err != nil {
		return nil, fmt.Errorf("records of plugins: %w", err)
	}
	return &records{filepath.Join(dir, "plugins.json")}, nil
}

// get returns what is known of one build of a plugin.
func (r *records) get(name, sha256 string) (h runner.History, err error) {
	err = r.locked(func(all known) bool {
		h = all[name][sha256]
		return false
	})
	return h, err
}

// put replaces what is known of one build of a plugin, which was before when
// the caller last knew. A quarantine stays that another daemon wrote meanwhile,
// and so does that of another build; of that, nothing else does.
func (r *records) put(name, sha256 string, before, now runner.History) error {
	return r.locked(func(all known) bool {
		if before.Quarantine == nil && now.Quarantine == nil {
			now.Quarantine = all[name][sha256].Quarantine
		}
		builds := map[string]runner.History{sha256: now}
		for other, h := range all[name] {
			if other != sha256 && h.Quarantine != nil {
				builds[other] = h
			}
		}
		all[name] = builds
		return true
	})
}

// release forgets the history of all builds of a plugin; false when none was
// in quarantine.
func (r *records) release(name string) (held bool, err error) {
	err = r.locked(func(all known) bool {
		for _, h := range all[name] {
			held = held || h.Quarantine != nil
		}
		if held {
			delete(all, name)
		}
		return held
	})
	return held, err
}

// locked has change look at the records, and writes them when it returns true.
func (r *records) locked(change func(known) bool) (err error) {
	lock, err := os.OpenFile(r.path+".lock", os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("records of plugins: %w", err)
	}
	defer lock.Close() // and with it the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("records of plugins: lock %s: %w", lock.Name(), err)
	}
	all, err := r.read()
	if err != nil {
		return err
	}
	if !change(all) {
		return nil
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("records of plugins: %w", err)
	}
	if err := replaceFile(r.path, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("records of plugins: %w", err)
	}
	return nil
}

func (r *records) read() (known, error) {
	st, err := os.Stat(r.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return known{}, nil
	case err != nil:
		return nil, fmt.Errorf("records of plugins: %w", err)
	case st.Size() > recordsMax:
		return nil, &recordsError{r.path, fmt.Errorf("%d bytes are too many", st.Size())}
	}
	data, err := os.ReadFile(r.path)
	if err != nil {
		return nil, fmt.Errorf("records of plugins: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	all := known{}
	if err := d.Decode(&all); err != nil {
		return nil, &recordsError{r.path, err}
	}
	if all == nil { // "null" is JSON, too
		return nil, &recordsError{r.path, errors.New("no object")}
	}
	return all, nil
}

// recordsError is a file that cannot be understood. Without it nobody knows
// what is in quarantine, so nothing starts.
type recordsError struct {
	path string
	err  error
}

func (e *recordsError) Error() string { return fmt.Sprintf("records of plugins %s: %v", e.path, e.err) }
func (e *recordsError) Unwrap() error { return e.err }
