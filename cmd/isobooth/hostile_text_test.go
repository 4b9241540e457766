package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/isobooth/isobooth/runner/wire"
)

// harmless reports whether a terminal shows every line as it is.
func harmless(lines string) bool {
	return utf8.ValidString(lines) && !strings.ContainsFunc(lines, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) })
}

// answer is a checked reply frame with these items.
func answer(t *testing.T, result, log, out []byte) wire.Answer {
	t.Helper()
	frame := make([]byte, wire.Header+8)
	item := func(kind wire.ItemKind, data []byte) {
		frame = append(frame, byte(kind), 1)
		frame = binary.LittleEndian.AppendUint16(frame, uint16(len(data)))
		frame = append(frame, data...)
	}
	item(wire.ItemResult, result[:min(len(result), wire.MaxResult)])
	for range 3 {
		item(wire.ItemLog, log[:min(len(log), wire.MaxLog)])
	}
	if len(out) > 0 {
		item(wire.ItemMIDI, out[:min(len(out), 1000)])
	}
	a, err := wire.ParseAnswer(frame)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// FuzzReport has a plugin answer, print and end with any bytes at all. What
// is shown of them is text of the expected number of lines, and no more.
func FuzzReport(f *testing.F) {
	f.Add([]byte("60 -> 67"), []byte("all is well\n"), []byte{0x90, 60, 100})
	f.Add([]byte("\x1b[2J\x1b]0;owned\a"), []byte("\r\nisobooth: all is well\n%s%n"), []byte{0xf0, 1, 0xf7})
	f.Add([]byte("\x7f\u009b31m\u202e\U000e0001\u2028"), []byte{0xff, 0xfe, 0xc2}, []byte{0xff})
	f.Fuzz(func(t *testing.T, result, log, out []byte) {
		event, err := midi.FromMessage([]byte{0x90, 60, 100}, 0, "test")
		if err != nil {
			t.Fatal(err)
		}
		for _, asJSON := range []bool{false, true} {
			var stdout, stderr bytes.Buffer
			outs := newOutputs(func([]byte) error { return nil }, testLimits)
			outs.add("b")
			r := (&app{stdout: &stdout, stderr: &stderr}).newReporter(asJSON, false, outs)
			r.Reply(&runner.Reply{Booth: "b", Mapping: &midi.Mapping{Name: "m"}, Event: event, Latency: time.Millisecond, Answer: answer(t, result, log, out)})
			// As the runner makes causes: the plugin's words quoted.
			cause := runner.Cause{Kind: runner.CauseLoad, Text: (&wire.WorkerError{Code: wire.CodeDlopen, Text: string(log)}).Error()}
			r.State("b", runner.StateBackingOff, &cause)
			r.Denied("b", control.Denial{Call: "socket", Phase: "run", Count: 1})
			r.close()
			if !harmless(stdout.String()) || strings.Count(stdout.String(), "\n") != 1 {
				t.Errorf("stdout %q", stdout.String())
			}
			if !harmless(stderr.String()) || strings.Count(stderr.String(), "\n") != 2 {
				t.Errorf("stderr %q", stderr.String())
			}
			if !asJSON {
				continue
			}
			var got line
			if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
				t.Fatalf("%v: %s", err, stdout.Bytes())
			}
			if want := clean(result[:min(len(result), reportText)]); got.Result != want {
				t.Errorf("result %q, want %q", got.Result, want)
			}
		}
	})
}

// TestPrintableJSON: the text stays what it was to whoever decodes it.
func TestPrintableJSON(t *testing.T) {
	for _, text := range []string{"", "plain", "é → 日本", "<&>", "\x1b[0m\n\t\"\\", "\x7f", "\u009b31m", "\u202eabc", "\ufeff", "\U000e0001"} {
		var b bytes.Buffer
		writeJSON(&b, text)
		var back string
		if err := json.Unmarshal(b.Bytes(), &back); err != nil || back != text {
			t.Errorf("%q became %s, and %q again: %v", text, b.Bytes(), back, err)
		}
		if !harmless(b.String()) || strings.Count(b.String(), "\n") != 1 {
			t.Errorf("%q is shown as %q", text, b.String())
		}
	}
}
