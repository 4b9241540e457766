package attack

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Installed is what booths run and what runs them: this process's program,
// jailer, worker. None of their bytes may change.
func Installed(p *probe) (trap, error) {
	programs := p.slot.suite.o.Programs
	t := installed{"/proc/self/exe": "", programs.Jailer: "", programs.Worker: ""}
	for path := range t {
		sum, err := digest(path)
		if err != nil {
			return nil, err
		}
		t[path] = sum
	}
	return t, nil
}

type installed map[string]string // digest by path

func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

func (t installed) sprung() (string, error) {
	for path, was := range t {
		now, err := digest(path)
		if errors.Is(err, fs.ErrNotExist) {
			return path + " was removed", nil
		}
		if err != nil {
			return "", err
		}
		if now != was {
			return path + " was changed", nil
		}
	}
	return "", nil
}

func (t installed) reset() error { return nil }
func (t installed) close() error { return nil }

// Skeleton is the folder of mount points that every booth's root is made of:
// folders and empty files, of root or whoever runs the self-test, and nothing
// that a booth has put there. A link in it would be followed at the next
// start.
func Skeleton(p *probe) (trap, error) {
	s := &skeleton{dir: filepath.Join(p.slot.suite.dir, "host", "jail", "root")}
	var err error
	if s.before, err = s.list(); err != nil {
		return nil, err
	}
	return s, nil
}

type skeleton struct{ dir, before string }

func (*skeleton) inside() {}

var errNoMountPoint = errors.New("is neither a folder nor an empty file")

func (s *skeleton) list() (string, error) {
	all := ""
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.IsDir() && (!info.Mode().IsRegular() || info.Size() != 0) {
			return fmt.Errorf("%s %w", path, errNoMountPoint)
		}
		all += fmt.Sprintf("%s %v\n", path, info.Mode())
		return nil
	})
	return all, err
}

func (s *skeleton) sprung() (string, error) {
	now, err := s.list()
	if errors.Is(err, errNoMountPoint) {
		return err.Error(), nil
	}
	if err == nil && now != s.before {
		return fmt.Sprintf("the mount points were %q and are %q", s.before, now), nil
	}
	return "", err
}

func (s *skeleton) reset() error { return nil }
func (s *skeleton) close() error { return nil }

// other is a user without rights, the owner of SetUID's program.
const other = 65534

// SetUID is a copy of touch(1), p.text, that runs as its owner, who is another
// user without rights. A canary of that owner shows that it did; only root can
// make it.
func SetUID(p *probe) (trap, error) {
	data, err := os.ReadFile("/usr/bin/touch")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(p.folder, "setuid")
	// The owner first: changing it takes the bit away, chown(2).
	if err := errors.Join(os.WriteFile(path, data, 0o755), os.Chown(path, other, other), os.Chmod(path, 0o755|fs.ModeSetuid)); err != nil {
		return nil, err
	}
	made := filepath.Join(p.folder, "canary-"+p.nonce)
	return owned(made), errors.Join(put(p.parameters.Canary[:], made), put(p.parameters.Text[:], path))
}

type owned string

func (o owned) sprung() (string, error) {
	var st unix.Stat_t
	switch err := unix.Lstat(string(o), &st); {
	case err == unix.ENOENT:
		return "", nil
	case err != nil:
		return "", os.NewSyscallError("lstat", err)
	}
	if st.Uid != other { // executed, but as whoever it was before
		return "", nil
	}
	return "a program ran as its owner", nil
}

func (o owned) reset() error { return canary(o).reset() }
func (o owned) close() error { return canary(o).close() }
