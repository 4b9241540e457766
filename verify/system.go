package verify

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// system is where the machine keeps its own libraries.
type system struct {
	dirs  []string // in the loader's order
	owner int      // user besides root who may own them
}

// hostSystem reads /etc/ld.so.conf and adds the loader's built-in folders.
// The cache ld.so.cache is left alone: it is one more format to get wrong and
// lists no other folders.
func hostSystem() (system, error) {
	host, err := hostMachine()
	if err != nil {
		return system{}, err
	}
	conf := confReader{seen: map[string]bool{}}
	if err := conf.read("/etc/ld.so.conf"); err != nil {
		return system{}, err
	}
	for _, dir := range []string{
		"/lib/" + host.triplet, "/usr/lib/" + host.triplet,
		"/lib64", "/usr/lib64", "/lib", "/usr/lib",
	} {
		conf.add(dir)
	}
	return system{dirs: conf.dirs, owner: 0}, nil
}

func readConf(file string) ([]byte, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readPlain(f, maxConf)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", file, err)
	}
	return data, nil
}

// find seals the first library called name that is for this machine. Nothing
// found is fs.ErrNotExist. A library that someone else could have put there is
// an error, not a reason to look further: the loader would not look further.
func (s system) find(name string, max int64) (*Image, error) {
	for _, dir := range s.dirs {
		m, err := s.findIn(dir, name, max)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errOtherMachine) {
			continue
		}
		return m, err
	}
	return nil, fs.ErrNotExist
}

// errOtherMachine makes find go on, as the loader does.
var errOtherMachine = errors.New("built for another machine")

func (s system) findIn(dir, name string, max int64) (*Image, error) {
	// The name is usually a link to the file with the full version; both
	// ends must be out of others' reach.
	real, err := filepath.EvalSymlinks(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	for _, d := range []string{dir, filepath.Dir(real)} {
		if err := checkFolders(d, s.owner); err != nil {
			return nil, err
		}
	}
	f, err := openPlain(real)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := checkRegular(f); err != nil {
		return nil, fmt.Errorf("%q: %w", real, err)
	}
	if err := checkOwner(f, s.owner); err != nil {
		return nil, fmt.Errorf("%q: %w", real, err)
	}
	if !forThisMachine(f) {
		return nil, errOtherMachine
	}
	return seal(f, name, real, max)
}

// forThisMachine looks at class and machine only. It decides where to look,
// nothing else; the sealed copy is checked in full.
func forThisMachine(f *os.File) bool {
	host, err := hostMachine()
	if err != nil {
		return false
	}
	head := make([]byte, 20)
	if _, err := f.ReadAt(head, 0); err != nil && err != io.EOF {
		return false
	}
	return bytes.HasPrefix(head, []byte(elf.ELFMAG)) &&
		elf.Class(head[elf.EI_CLASS]) == elf.ELFCLASS64 &&
		elf.Machine(binary.LittleEndian.Uint16(head[18:])) == host.elf
}
