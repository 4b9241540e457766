package verify

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jedisct1/go-minisign"
)

// maxKeyText bounds a key or signature file, in bytes. minisign's own limit
// for the longest line is 8 KiB.
const maxKeyText = 16 << 10

// Key is one trusted public key, for listings.
type Key struct {
	ID   string `json:"id"`   // 16 capital hex digits, as minisign prints it
	File string `json:"file"` // path of the .pub file
}

// Keys is the set of public keys the user trusts. The zero value trusts none.
type Keys struct {
	byID map[[8]byte]trusted
}

type trusted struct {
	key  minisign.PublicKey
	file string
}

// LoadKeys reads every *.pub file of folder dir; a folder that does not exist
// holds no keys. Folder, parents and key files must belong to root or to us
// and be writable by nobody else, since whoever can write there decides what
// is trusted. All errors wrap ErrKeys and name the file.
func LoadKeys(dir string) (Keys, error) {
	real, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Keys{}, nil
	}
	if err != nil {
		return Keys{}, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	if real, err = filepath.Abs(real); err != nil {
		return Keys{}, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	if err := checkFolders(real, os.Geteuid()); err != nil {
		return Keys{}, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	list, err := os.ReadDir(real)
	if err != nil {
		return Keys{}, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	keys := Keys{byID: map[[8]byte]trusted{}}
	for _, e := range list {
		if filepath.Ext(e.Name()) != ".pub" {
			continue
		}
		file := filepath.Join(real, e.Name())
		key, err := loadKey(file)
		if err != nil {
			return Keys{}, fmt.Errorf("%w: key file %q: %w", ErrKeys, file, err)
		}
		// Two keys under one ID would make the verdict depend on which
		// file is read first. The same key twice is harmless.
		if old, ok := keys.byID[key.KeyId]; ok {
			if old.key != key {
				return Keys{}, fmt.Errorf("%w: key file %q: key ID %s is also that of another key, in %q",
					ErrKeys, file, keyID(key.KeyId), old.file)
			}
			continue
		}
		keys.byID[key.KeyId] = trusted{key: key, file: file}
	}
	return keys, nil
}

func loadKey(file string) (minisign.PublicKey, error) {
	f, err := openPlain(file)
	if err != nil {
		return minisign.PublicKey{}, err
	}
	defer f.Close()
	if err := checkOwner(f, os.Geteuid()); err != nil {
		return minisign.PublicKey{}, err
	}
	text, err := readPlain(f, maxKeyText)
	if err != nil {
		return minisign.PublicKey{}, err
	}
	return parseKey(text)
}

// List returns the keys sorted by ID.
func (k Keys) List() []Key {
	list := make([]Key, 0, len(k.byID))
	for id, t := range k.byID {
		list = append(list, Key{ID: keyID(id), File: t.file})
	}
	slices.SortFunc(list, func(a, b Key) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// keyID prints an ID as minisign does: the eight bytes as one little-endian
// number.
func keyID(id [8]byte) string {
	return fmt.Sprintf("%016X", binary.LittleEndian.Uint64(id[:]))
}

// parseKey reads the text of a minisign public key file: a comment line and
// one base64 line.
func parseKey(text []byte) (minisign.PublicKey, error) {
	lines, err := splitText(text, 2)
	if err != nil {
		return minisign.PublicKey{}, err
	}
	if _, err := comment(lines[0], untrustedPrefix); err != nil {
		return minisign.PublicKey{}, err
	}
	if _, err := payload(lines[1], 42); err != nil {
		return minisign.PublicKey{}, fmt.Errorf("public key: %w", err)
	}
	key, err := minisign.NewPublicKey(lines[1])
	if err != nil {
		return minisign.PublicKey{}, fmt.Errorf("public key: %w", err)
	}
	if key.SignatureAlgorithm != [2]byte{'E', 'd'} {
		return minisign.PublicKey{}, fmt.Errorf("public key: unknown algorithm %q", key.SignatureAlgorithm[:])
	}
	return key, nil
}
