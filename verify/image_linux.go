package verify

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

const seals = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// seal copies f, an open regular file of at most max bytes, into a sealed
// memfd. f stays the caller's. Whatever happens to the file meanwhile, the
// digest and all later checks are of the copy.
func seal(f *os.File, name, path string, max int64) (*Image, error) {
	if err := checkRegular(f); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	// A first look only, so that no memory is spent on what is plainly too
	// large; the copy below counts.
	if info.Size() > max {
		return nil, fmt.Errorf("%w: larger than %d bytes", ErrBadFile, max)
	}
	mem, err := createMemfd()
	if err != nil {
		return nil, err
	}
	m := &Image{Name: name, Path: path, file: mem}
	if err := m.fill(f, max); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// createMemfd asks for memory that can never be executed as a program.
// Kernels before 6.3 do not know the flag; loading a library needs no such
// permission on any kernel.
func createMemfd() (*os.File, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	const name = "isobooth-plugin"
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (m *Image) fill(f *os.File, max int64) error {
	// Plain reads: copy_file_range, which io.Copy would pick, ends early
	// without an error on some file systems.
	n, err := io.CopyBuffer(struct{ io.Writer }{m.file}, struct{ io.Reader }{io.LimitReader(f, max+1)}, make([]byte, 1<<18))
	if err != nil {
		return err
	}
	if n > max {
		return fmt.Errorf("%w: larger than %d bytes", ErrBadFile, max)
	}
	if n == 0 {
		return fmt.Errorf("%w: is empty", ErrBadFile)
	}
	fd := m.file.Fd()
	if _, err := unix.FcntlInt(fd, unix.F_ADD_SEALS, seals); err != nil {
		return os.NewSyscallError("fcntl F_ADD_SEALS", err)
	}
	got, err := unix.FcntlInt(fd, unix.F_GET_SEALS, 0)
	if err != nil {
		return os.NewSyscallError("fcntl F_GET_SEALS", err)
	}
	if got&seals != seals {
		return fmt.Errorf("internal error: seals %#x where %#x were set", got, seals)
	}
	// Private, because before 6.7 the kernel took any shared mapping of a
	// writable descriptor for a future writer and refused it.
	data, err := unix.Mmap(int(fd), 0, int(n), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	m.data = data
	m.Size = n
	m.SHA256 = sha256.Sum256(data)
	return nil
}

// unmap ends the checks: m.data must not be used any more.
func (m *Image) unmap() {
	if m.data != nil {
		// Cannot fail for a mapping that is ours and is unmapped once.
		_ = unix.Munmap(m.data)
		m.data = nil
	}
}
