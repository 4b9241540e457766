package audit

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
)

// maxTail is how much of the end of a log is searched for its last record.
const maxTail = 1 << 20

// tail is the end of a log.
type tail struct {
	head  Head // of the last record; zero when there is none
	size  int64
	stray []byte // what follows the last record, without a final line end
	torn  bool   // something follows
	open  bool   // the file does not end with a line end
}

// readTail finds the last record of a file of size bytes. The error wraps
// ErrTail when something else fills the end of it.
func readTail(f io.ReaderAt, size int64) (tail, error) {
	t := tail{size: size}
	n := min(size, maxTail)
	buf := make([]byte, n)
	if _, err := f.ReadAt(buf, size-n); err != nil {
		return t, err
	}
	rest := buf // ends with the line that is looked at
	for {
		line := bytes.TrimSuffix(rest, []byte{'\n'})
		start := bytes.LastIndexByte(line, '\n') + 1
		// A record that lacks nothing but its line end gets that with the next.
		if r, err := Parse(line[start:]); err == nil {
			t.head = r.head()
			break
		}
		if rest = rest[:start]; start == 0 {
			if n < size {
				return t, fmt.Errorf("%w: none in its last %d bytes", ErrTail, n)
			}
			break
		}
	}
	after := buf[len(rest):]
	t.torn = len(after) > 0
	t.stray = bytes.TrimSuffix(after, []byte{'\n'})
	t.open = n > 0 && buf[n-1] != '\n'
	return t, nil
}

// recovery names what follows the last record.
func (t *tail) recovery() recovered {
	return recovered{int64(len(t.stray)), fmt.Sprintf("%x", sha256.Sum256(t.stray))}
}
