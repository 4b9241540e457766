package jail

import (
	"encoding/binary"
	"os"
	"testing"

	"github.com/isobooth/isobooth/runner/control"
	"time"

	"golang.org/x/sys/unix"
)

// FuzzReceiveConfined sends the jailer anything in place of a worker's word
// that it has confined itself. Only that one message may be taken.
func FuzzReceiveConfined(f *testing.F) {
	confined := binary.NativeEndian.AppendUint32(nil, control.Magic)
	confined = binary.NativeEndian.AppendUint32(confined, 7)
	confined = binary.NativeEndian.AppendUint32(confined, 6)
	confined = binary.NativeEndian.AppendUint32(confined, 0)
	for _, b := range [][]byte{confined, confined[:15], append(confined, 0), make([]byte, 16), {}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		if len(message) > 64<<10 {
			return
		}
		ours, theirs, err := socketPair()
		if err != nil {
			t.Fatal(err)
		}
		defer ours.Close()
		if err := unix.Send(int(theirs.Fd()), message, unix.MSG_NOSIGNAL); err != nil {
			t.Fatal(err)
		}
		theirs.Close()
		if err := ours.SetDeadline(time.Now().Add(bootTime)); err != nil {
			t.Fatal(err)
		}
		abi, listener, err := receiveConfined(ours)
		if os.IsTimeout(err) {
			t.Fatal("a message that is there is waited for")
		}
		valid := len(message) == 16 && binary.NativeEndian.Uint32(message) == control.Magic
		if valid != (err == nil) {
			t.Fatalf("%x: %v", message, err)
		}
		if valid && (abi != binary.NativeEndian.Uint32(message[4:]) || listener != int(int32(binary.NativeEndian.Uint32(message[8:])))) {
			t.Errorf("%x: ABI %d, listener %d", message, abi, listener)
		}
	})
}
