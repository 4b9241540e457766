package verify

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func sealAt(t testing.TB, dir, name string, max int64) (*Image, error) {
	t.Helper()
	d, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	return d.seal(name, max)
}

func TestImageIsSealed(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "a.so"), []byte("some bytes"))
	m, err := sealAt(t, filepath.Dir(file), "a.so", 10)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Name != "a.so" || m.Path != file || m.Size != 10 || m.SHA256 != sha256.Sum256([]byte("some bytes")) {
		t.Errorf("got %+v", m)
	}
	// The neighbour that must work: reading, and mapping as a loader does.
	buf := make([]byte, 10)
	if _, err := m.File().ReadAt(buf, 0); err != nil || string(buf) != "some bytes" {
		t.Errorf("read: %q, %v", buf, err)
	}
	fd := int(m.File().Fd())
	code, err := unix.Mmap(fd, 0, 10, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
	if err != nil {
		t.Errorf("map as code: %v", err)
	} else {
		unix.Munmap(code)
	}
	for name, f := range map[string]func() error{
		"write":  func() error { _, err := unix.Pwrite(fd, []byte("x"), 0); return err },
		"grow":   func() error { return unix.Ftruncate(fd, 11) },
		"shrink": func() error { return unix.Ftruncate(fd, 9) },
		"map for writing": func() error {
			_, err := unix.Mmap(fd, 0, 10, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			return err
		},
		"seal": func() error { _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); return err },
		"write through a new descriptor": func() error {
			f, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_RDWR, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt([]byte("x"), 0)
			return err
		},
	} {
		if err := f(); !errors.Is(err, unix.EPERM) {
			t.Errorf("%s: got %v, want EPERM", name, err)
		}
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor flags %#x, %v: a child would inherit it", flags, err)
	}
}

func TestSealRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "ok"), []byte("0123456789"))
	write(t, filepath.Join(dir, "large"), []byte("0123456789x"))
	write(t, filepath.Join(dir, "empty"), nil)
	for _, err := range []error{
		os.Symlink("ok", filepath.Join(dir, "link")),
		os.Mkdir(filepath.Join(dir, "folder"), 0o755),
		unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"large":  "larger than 10 bytes",
		"empty":  "is empty",
		"link":   "symbolic link",
		"folder": "no regular file",
		"fifo":   "no regular file",
	} {
		if m, err := sealAt(t, dir, name, 10); !errors.Is(err, ErrBadFile) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v, want %s", name, m, err, want)
		}
	}
	if _, err := sealAt(t, dir, "none", 10); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	m, err := sealAt(t, dir, "ok", 10)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
}

// While one goroutine opens the plugin again and again, others write into the
// binary, cut it, exchange it and put links in its place. Whatever Open lets
// through must be the signed bytes, and the descriptor must hold what the
// digest says, also when the outcome is a refusal.
func TestSwapWhileOpening(t *testing.T) {
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	s := newSigner(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "plugin.toml"), []byte(manifestWith()))
	good := tiny{symbols: []tinySymbol{function("execute")}}.build()
	evil := tiny{symbols: []tinySymbol{function("execute"), function("evil")}}.build()
	bin := write(t, filepath.Join(dir, "arp.so"), good)
	s.sign(t, bin)
	signed := sha256.Sum256(good)
	spare := filepath.Join(t.TempDir(), "spare")
	write(t, spare+".good", good)

	stop := make(chan struct{})
	var attackers sync.WaitGroup
	attack := func(f func(r *rand.Rand)) {
		attackers.Go(func() {
			r := rand.New(rand.NewPCG(1, 2))
			for {
				select {
				case <-stop:
					return
				default:
					f(r)
				}
			}
		})
	}
	attack(func(r *rand.Rand) { // through a descriptor that stays
		f, err := os.OpenFile(bin, os.O_WRONLY, 0)
		if err != nil {
			return
		}
		defer f.Close()
		for range 4 {
			at := r.IntN(len(good))
			f.WriteAt(evil[at:], int64(at))
			f.Truncate(int64(r.IntN(len(good))))
			f.WriteAt(good, 0)
		}
	})
	attack(func(r *rand.Rand) { // by name
		next := spare + ".next"
		switch r.IntN(4) {
		case 0:
			os.WriteFile(next, evil, 0o644)
		case 1:
			os.Symlink(spare+".good", next)
		default:
			os.WriteFile(next, good, 0o644)
		}
		os.Rename(next, bin)
	})

	opened := 0
	for range rounds {
		// What Open does, but the image of a refusal stays within reach.
		e := examination{options: Options{Keys: s.keys}}
		e.run(dir)
		if m := e.plugin.Image; m != nil {
			got, err := io.ReadAll(io.NewSectionReader(m.File(), 0, m.Size+1))
			if err != nil || sha256.Sum256(got) != m.SHA256 {
				t.Errorf("the descriptor does not hold what was digested: %x, %v", m.SHA256, err)
			}
		}
		if e.err == nil {
			opened++
			if e.plugin.Image.SHA256 != signed {
				t.Errorf("opened other bytes than were signed: %x", e.plugin.Image.SHA256)
			}
		} else if !errors.Is(e.err, ErrRefused) && !errors.Is(e.err, ErrBadFile) {
			t.Errorf("error of another kind: %v", e.err)
		}
		e.plugin.Close()
	}
	close(stop)
	attackers.Wait()
	t.Logf("%d of %d opened", opened, rounds)
	if opened == 0 || opened == rounds {
		t.Errorf("%d of %d opened: the race was not one", opened, rounds)
	}
}
