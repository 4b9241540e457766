package attack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// parameters are struct parameters in plugins/attack.h: what a library that
// gets no arguments is told, by writing it into a copy of the file.
type parameters struct {
	Magic                 [16]byte
	Size                  uint32
	Phase                 Phase
	Arg                   int64
	Sentinel, Host, Shm   int32
	TCP4, TCP6, UDP, Zero uint16
	Attack                [32]byte
	Nonce                 [40]byte
	Canary                [128]byte
	Secret                [128]byte
	Folder                [128]byte
	UnixPath              [108]byte
	Abstract              [108]byte
	Text                  [128]byte
	One                   uint32
}

var errParameters = errors.New("internal error: the library's parameters are not where or what they must be")

// put writes text and its NUL; what does not fit is an error.
func put(to []byte, text string) error {
	if len(text) >= len(to) {
		return fmt.Errorf("internal error: %q is too long for a parameter of %d bytes", text, len(to))
	}
	clear(to[copy(to, text):])
	return nil
}

// patch returns a copy of a library with other parameters. The magic and the
// size are the file's own and must fit ours.
func patch(library []byte, p parameters) ([]byte, error) {
	if err := put(p.Magic[:], "isobooth attack"); err != nil {
		return nil, err
	}
	p.Size, p.One = uint32(binary.Size(p)), 1
	block, err := binary.Append(nil, binary.NativeEndian, &p)
	if err != nil {
		return nil, err
	}
	at := bytes.Index(library, p.Magic[:])
	if at < 0 || bytes.Contains(library[at+1:], p.Magic[:]) || at+len(block) > len(library) {
		return nil, errParameters
	}
	var have parameters
	if _, err := binary.Decode(library[at:], binary.NativeEndian, &have); err != nil {
		return nil, err
	}
	if have.Size != p.Size || have.One != 1 {
		return nil, errParameters
	}
	out := bytes.Clone(library)
	copy(out[at:], block)
	return out, nil
}
