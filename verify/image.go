package verify

import (
	"encoding/hex"
	"os"
)

// maxImage bounds one library, in bytes.
const maxImage = 256 << 20

// Image is a library's bytes in sealed memory: they can no longer change, and
// they are the ones that were checked. The owner closes it.
type Image struct {
	Name   string   // file name of the plugin's binary, DT_SONAME of a library
	Path   string   // where the bytes came from; for messages, never to be opened again
	SHA256 [32]byte // of the sealed bytes
	Size   int64    // in bytes

	file *os.File
	data []byte // read-only mapping, while checks run
}

// File returns the memfd, sealed against writing, shrinking and growing. It
// belongs to the Image and is closed with it. Its file offset is shared with
// whoever it is sent to; mapping and pread do not care.
func (m *Image) File() *os.File { return m.file }

// Digest is SHA256 in lower-case hex.
func (m *Image) Digest() string { return hex.EncodeToString(m.SHA256[:]) }

// Close gives the memory back, unless a worker still holds the descriptor.
func (m *Image) Close() error {
	m.unmap()
	return m.file.Close()
}
