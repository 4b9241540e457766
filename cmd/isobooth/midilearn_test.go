package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/recognize"
	"github.com/rogpeppe/go-internal/testscript"
)

// bytesCmd writes a file of bytes: bytes FILE HEX...
func bytesCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: bytes FILE HEX...")
	}
	data, err := hex.DecodeString(strings.Join(args[1:], ""))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

// learner is midi learn with somebody at its input.
type learner struct {
	play   io.WriteCloser
	said   chan string // messages; closed at the end
	code   chan int
	stdout bytes.Buffer // once code was received
	stop   context.CancelFunc
}

func startLearner(t *testing.T, args ...string) *learner {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	stdin, play, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	messages, stderr := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	l := &learner{play: play, said: make(chan string, 100), code: make(chan int, 1), stop: stop}
	go func() {
		l.code <- run(ctx, append([]string{"midi", "learn", "--input", "-"}, args...), stdin, &l.stdout, stderr)
		stdin.Close()
		stderr.Close()
	}()
	go func() {
		for lines := bufio.NewScanner(messages); lines.Scan(); {
			l.said <- lines.Text()
		}
		close(l.said)
	}()
	t.Cleanup(func() {
		stop()
		play.Close()
	})
	return l
}

// until reads messages up to one that has the text.
func (l *learner) until(t *testing.T, text string) {
	t.Helper()
	for line := range l.said {
		if strings.Contains(line, text) {
			return
		}
	}
	t.Fatalf("nothing was said of %q", text)
}

func (l *learner) write(t *testing.T, data ...byte) {
	t.Helper()
	if _, err := l.play.Write(data); err != nil {
		t.Fatal(err)
	}
}

// TestLearnAsks: an encoder that one turn does not tell is turned the other
// way, when learn has asked, and the input stays open all the time.
func TestLearnAsks(t *testing.T) {
	l := startLearner(t)
	l.until(t, "play the gesture")
	l.write(t, 0xb0, 20, 65, 20, 65)
	l.until(t, "controller 20 may be an encoder (signed bit: 1 up, 65 down), or an encoder (binary offset")
	l.until(t, "hint: turn it a little both ways")
	l.write(t, 0xb0, 20, 63)
	l.until(t, "heard an encoder (binary offset: 65 up, 63 down) on controller 20, turned up")
	if code := <-l.code; code != exitDone || l.stdout.String() != `trigger = { cc = 20, encoder = "binary_offset", direction = "up", channel = 1 }`+"\n" {
		t.Errorf("exit code %d, %q", code, l.stdout.String())
	}
}

// TestLearnOnceMore: what is not the gesture that was asked for does not end
// the wait.
func TestLearnOnceMore(t *testing.T) {
	l := startLearner(t, "--kind", "taps")
	l.write(t, 0x90, 36, 100, 36, 0)
	l.until(t, "key 36 was pressed once within 500ms; taps are 2 to 4; once more")
	l.write(t, 0x90, 36, 100, 36, 0, 36, 100, 36, 0)
	l.until(t, "heard a double tap of key 36 (C2)")
	if code := <-l.code; code != exitDone || !strings.Contains(l.stdout.String(), "taps = 2") {
		t.Errorf("exit code %d, %q", code, l.stdout.String())
	}
}

func TestLearnInterrupted(t *testing.T) {
	l := startLearner(t)
	l.until(t, "Ctrl-C ends")
	l.write(t, 0x90, 36, 100)
	l.stop()
	if code := <-l.code; code != exitInterrupted || l.stdout.Len() > 0 {
		t.Errorf("exit code %d, %q", code, l.stdout.String())
	}
}

func TestDeviceGlob(t *testing.T) {
	for name, want := range map[string]string{
		"Launchpad Mini":                  "Launchpad Mini",
		"Launchpad:Launchpad MIDI 1 20:0": "Launchpad:Launchpad MIDI 1 *",
		`a*b?c[d]e\f`:                     `a\*b\?c\[d]e\\f`,
		"half\xffway":                     "half?way",
		"":                                "",
	} {
		if got := deviceGlob(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
		if g, err := midi.ParseGlob(want); err != nil || !g.Match(name) {
			t.Errorf("%q does not match %q: %v", want, name, err)
		}
	}
}

// TestLearnedTriggers: what is written for each kind of gesture is a trigger.
func TestLearnedTriggers(t *testing.T) {
	for _, g := range []recognize.Gesture{
		{Kind: recognize.Note, Keys: []uint8{36}},
		{Kind: recognize.Release, Keys: []uint8{36}},
		{Kind: recognize.Hold, Keys: []uint8{36}},
		{Kind: recognize.Taps, Keys: []uint8{36}, Taps: 2, Window: 480 * time.Millisecond},
		{Kind: recognize.Taps, Keys: []uint8{36}, Taps: 4, Window: time.Millisecond},
		{Kind: recognize.Chord, Keys: []uint8{60, 64}, Window: 149 * time.Millisecond},
		{Kind: recognize.Encoder, Number: 20, Encoding: recognize.Absolute, Direction: recognize.Up},
		{Kind: recognize.Encoder, Number: 20, Encoding: recognize.TwosComplement, Direction: recognize.Down},
		{Kind: recognize.Encoder, Number: 20, Encoding: recognize.SignedBit, Direction: recognize.Any},
		{Kind: recognize.Encoder, Number: 20, Encoding: recognize.BinaryOffset, Direction: recognize.Up},
		{Kind: recognize.CC, Number: 7, Encoding: recognize.Absolute},
		{Kind: recognize.CC, Number: 64, Encoding: recognize.Switch},
		{Kind: recognize.PitchBend, Values: []uint16{8192, 9000}},
		{Kind: recognize.PitchBend, Values: []uint16{8192, 100}},
		{Kind: recognize.Aftertouch},
		{Kind: recognize.PolyAftertouch, Keys: []uint8{36}},
		{Kind: recognize.Program, Number: 5},
		{Kind: recognize.SysEx, Channel: -1, SysEx: []byte{0xf0, 0x7e, 0, 6, 2, 0xf7}},
		{Kind: recognize.SysEx, Channel: -1, SysEx: append(append([]byte{0xf0}, make([]byte, 100)...), 0xf7)},
		{Kind: recognize.Transport, Channel: -1, Transport: "start"},
		{Kind: recognize.Transport, Channel: -1, Transport: "stop"},
		{Kind: recognize.Transport, Channel: -1, Transport: "continue"},
		{Kind: recognize.SongPosition, Channel: -1, Values: []uint16{132}},
	} {
		line, err := tomlTable(triggerOf(&g, "Launchpad*"))
		if err == nil {
			err = compiles("[[mappings]]\nname = \"x\"\nplugin = \"p\"\ntrigger = " + line + "\n")
		}
		if err != nil {
			t.Errorf("%s: %s: %v", g.Kind, line, err)
		}
	}
}
