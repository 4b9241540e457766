package runner

import (
	"io"
	"sync"
)

// logKeep is how much of what a plugin prints is kept, in bytes.
const logKeep = 8 << 10

// logRing keeps the end of what a worker writes to stdout and stderr, and
// counts the rest. It never makes the worker wait for long: the pipe is
// always being read.
type logRing struct {
	mu      sync.Mutex
	buf     []byte
	dropped uint64
	end     chan struct{} // closed when all has been read
}

// drain reads until the pipe ends, and closes it.
func (l *logRing) drain(r io.ReadCloser) {
	defer r.Close()
	defer close(l.end)
	chunk := make([]byte, 4096)
	for {
		n, err := r.Read(chunk)
		l.add(chunk[:n])
		if err != nil {
			return
		}
	}
}

func (l *logRing) add(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, b...)
	if over := len(l.buf) - logKeep; over > 0 {
		l.dropped += uint64(over)
		l.buf = append(l.buf[:0], l.buf[over:]...)
	}
}

// tail returns what was kept and how many bytes before it were not. It is
// hostile text: print it with %q.
func (l *logRing) tail() (text string, dropped uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.buf), l.dropped
}
