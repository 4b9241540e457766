package midi_test

import (
	"io"
	"os"
	"syscall"
	"testing"
)

func init() {
	// Standard input is such a file: Go's poller does not know it.
	streamKinds["blocking file"] = func(t *testing.T) (io.Reader, io.WriteCloser) {
		var fds [2]int
		if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		r, w := os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
		t.Cleanup(func() { r.Close(); w.Close() })
		return r, w
	}
}
