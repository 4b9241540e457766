package runner

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner/wire"
	"golang.org/x/sys/unix"
)

// FuzzReplyPipe has a worker write anything, in pieces, and takes it as what
// comes while loading and as the reply to a trigger.
func FuzzReplyPipe(f *testing.F) {
	reply := []byte("\x18\x00\x00\x00\x83\x00\x01\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	loaded := []byte("\x21\x00\x00\x00\x81\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x04\x00\x01\x00\x1b\x01\x00\x00\x00")
	failed := []byte("\x16\x00\x00\x00\x8f\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x1b[")
	for _, frame := range [][]byte{reply, loaded, failed, append(reply, reply...), reply[:9], {}} {
		f.Add(frame, uint16(1), true)
		f.Add(frame, uint16(100), false)
	}
	f.Fuzz(func(t *testing.T, written []byte, size uint16, hangUp bool) {
		if size == 0 || len(written) > wire.Max {
			return
		}
		p, theirs, err := newPipes()
		if err != nil {
			t.Fatal(err)
		}
		defer p.close()
		defer theirs[0].Close()
		defer theirs[1].Close()
		have, sent := 0, 0
		var head wire.Head
		var frame []byte
		for err == nil || err == ErrTimeout {
			n := min(int(size), len(written)-sent)
			if _, err := theirs[1].Write(written[sent : sent+n]); err != nil {
				t.Fatal(err)
			}
			sent += n
			if sent == len(written) && hangUp {
				theirs[1].Close()
			}
			if head, frame, have, err = p.receive(have, time.Time{}); frame != nil && err == nil {
				break
			}
			if err == ErrTimeout && sent == len(written) && n == 0 {
				break
			}
		}
		switch {
		case err == ErrTimeout && !hangUp, err == io.EOF && hangUp:
			return // a part of a frame
		case errors.Is(err, wire.ErrFrame):
		case err != nil:
			t.Fatal(err)
		case head.Size != len(frame) || string(frame) != string(written[:len(frame)]):
			t.Fatalf("frame %x of %x", frame, written)
		}
		if err == nil {
			in := new(instance)
			err = in.loaded(head, frame)
			if len(in.about.Name) > 63 || len(in.about.Version) > 63 || len(in.about.StartLog) > wire.Max {
				t.Errorf("about %+v", in.about)
			}
			if err == nil && head.Type != wire.Loaded {
				t.Errorf("loaded by a frame of type %d", head.Type)
			}
			replyOf(t, head, frame)
		}
		if err == nil {
			return
		}
		if saw := sawOf(err, "a trigger"); saw == nil || strings.ContainsFunc(saw.Text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q gives cause %+v", err, saw)
		}
	})
}

// replyOf takes the frame as the reply to trigger 7.
func replyOf(t *testing.T, head wire.Head, frame []byte) {
	t.Helper()
	sink := new(countingSink)
	b := &Booth{sink: sink}
	b.reply.Event = midi.Event{}
	err := b.accept(&exchange{id: 7}, head, frame)
	if taken := err == nil; taken != (sink.n == 1) || taken && (head.Type != wire.Reply || head.ID != 7) {
		t.Errorf("frame of type %d, id %d: %v, %d replies", head.Type, head.ID, err, sink.n)
	}
	if err != nil && !errors.Is(err, wire.ErrFrame) {
		t.Errorf("%v is no protocol violation", err)
	}
}

type countingSink struct{ n int }

func (c *countingSink) Reply(*Reply) { c.n++ }

// TestShrunkPipe: a write into a pipe that its reader made smaller neither
// waits nor passes for one that was read.
func TestShrunkPipe(t *testing.T) {
	p, theirs, err := newPipes()
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	defer theirs[0].Close()
	defer theirs[1].Close()
	frame := make([]byte, 30000)
	if err := p.sendNow(frame); err != nil {
		t.Errorf("control: %v", err)
	}
	if _, err := io.ReadFull(theirs[0], frame); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(theirs[0].Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	if err := p.sendNow(frame); !errors.Is(err, wire.ErrFrame) {
		t.Errorf("into 4,096 bytes: %v", err)
	}
}

// TestLaneTakesNoPieces: a frame of which a part is there does not hold up a
// lane; the rest is for the booth's own goroutine.
func TestLaneTakesNoPieces(t *testing.T) {
	p, theirs, err := newPipes()
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	defer theirs[0].Close()
	defer theirs[1].Close()
	// Who waits for the rest fails here, and does not hang.
	if err := unix.SetNonblock(p.r, true); err != nil {
		t.Fatal(err)
	}
	frame := wire.AppendStop(nil, 7)
	for _, cut := range []int{1, wire.Header - 1, len(frame)} {
		if _, err := theirs[1].Write(frame[:cut]); err != nil {
			t.Fatal(err)
		}
		_, got, have, err := p.receiveNow()
		if cut == len(frame) {
			if err != nil || string(got) != string(frame) {
				t.Errorf("control: %x, %v", got, err)
			}
			continue
		}
		if err != ErrTimeout || got != nil || have != cut {
			t.Errorf("with %d bytes: %d, %v", cut, have, err)
		}
		if _, err := theirs[1].Write(frame[cut:]); err != nil {
			t.Fatal(err)
		}
		if _, got, _, err := p.receive(have, time.Now().Add(time.Minute)); err != nil || string(got) != string(frame) {
			t.Errorf("the rest: %x, %v", got, err)
		}
	}
}
