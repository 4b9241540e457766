package wire

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden frames")

var nonce = [Nonce]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// item makes one item; lengths that are wrong on purpose are given as such.
func item(kind ItemKind, level uint8, length int, data string) []byte {
	b := []byte{byte(kind), level, byte(length), byte(length >> 8)}
	return append(b, data...)
}

func answer(t Type, id uint64, status int32, dropped uint32, items ...[]byte) []byte {
	b := appendHead(nil, t, id)
	b = le.AppendUint32(b, uint32(status))
	b = le.AppendUint32(b, dropped)
	for _, i := range items {
		b = append(b, i...)
	}
	return finish(b, 0)
}

func workerError(code Code, text string) []byte {
	return finish(append(le.AppendUint32(appendHead(nil, Error, 0), uint32(code)), text...), 0)
}

func trigger(id uint64, e Event) []byte {
	b, err := AppendTrigger(nil, id, &e)
	if err != nil {
		panic(err)
	}
	return b
}

// golden are the frames in testdata, by file name.
var golden = map[string][]byte{
	"hello": AppendHello(nil, 7, nonce),
	"stop":  AppendStop(nil, 1<<63),
	"trigger-note": trigger(2, Event{
		Kind: 2, Channel: 9, Key: 36, Velocity: 100, Value: 0, TimeUS: 1234567,
		Raw: []byte{0x99, 36, 100}, Action: "kick", Device: "Pad é", Params: []byte(`{"semitones":7}`),
	}),
	"trigger-bend": trigger(3, Event{
		Kind: 7, Channel: 0, Value: 16383, TimeUS: 1 << 40, Raw: []byte{0xe0, 0x7f, 0x7f},
		Params: []byte("{}"), JSON: []byte(`{"action":""}`),
	}),
	"trigger-sysex": trigger(4, Event{
		Kind: 8, Channel: NoChannel, Raw: []byte{0xf0, 0, 1, 2, 0xf7}, Params: []byte("{}"),
	}),
	"trigger-chord": trigger(6, Event{
		Kind: 2, Key: 67, Velocity: 1, Gesture: 3, Duration: 20000, Previous: -1, Raw: []byte{0x90, 67, 1},
		Keys: []byte{60, 64, 67}, Mode: "edit", Action: "a", Params: []byte("{}"),
	}),
	"trigger-turn": trigger(7, Event{
		Kind: 4, Key: 20, Value: 65, Gesture: 4, Taps: 2, Steps: -3, Previous: 127, Duration: 1 << 40, Raw: []byte{0xb0, 20, 65}, Params: []byte("{}"),
	}),
	"trigger-negative": trigger(5, Event{Kind: 7, Value: -1, Params: []byte("{}")}),
	"loaded":           answer(Loaded, 0, 1, 0, item(ItemName, 0, 9, "transpose"), item(ItemVersion, 0, 5, "1.0.0"), item(ItemLog, 1, 5, "ready")),
	"reply":            answer(Reply, 2, 0, 0, item(ItemMIDI, 0, 3, "\x99\x2b\x64"), item(ItemResult, 0, 2, "ok")),
	"reply-failed":     answer(Reply, 3, -5, 3),
	"ready":            finish(append(appendHead(nil, Ready, 7), nonce[:]...), 0),
	"stopped":          finish(appendHead(nil, Stopped, 9), 0),
	"error":            workerError(CodeStart, "the plugin's start returned 12"),
}

func goldenPath(name string) string { return filepath.Join("testdata", name+".frame") }

func TestGolden(t *testing.T) {
	for name, frame := range golden {
		if *update {
			if err := os.WriteFile(goldenPath(name), frame, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(goldenPath(name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(frame, want) {
			t.Errorf("%s: got %x, want %x", name, frame, want)
		}
	}
	files, err := filepath.Glob(goldenPath("*"))
	if err != nil || len(files) != len(golden) {
		t.Errorf("%d golden files for %d frames (%v)", len(files), len(golden), err)
	}
}

// buildGolden builds the C side, with the sanitizers.
func buildGolden(t *testing.T, dir string) string {
	t.Helper()
	program := filepath.Join(dir, "golden")
	worker := filepath.Join("..", "worker")
	build := exec.Command("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
		"-I", worker, "-o", program, filepath.Join(worker, "test", "golden.c"), filepath.Join(worker, "wire.c"))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

// TestGoldenInC has a C program, made of the worker's own wire.c, decode the
// frames it would receive and build the ones it would send.
func TestGoldenInC(t *testing.T) {
	dir := t.TempDir()
	program := buildGolden(t, dir)
	for name, frame := range golden {
		var want string
		switch head, err := ParseHead(frame); {
		case err != nil:
			t.Fatal(err)
		case head.Type == Trigger:
			want = describeTrigger(frame)
		case head.Type == Hello || head.Type == Stop:
			want = fmt.Sprintf("type %d id %d size %d\n", head.Type, head.ID, head.Size)
		default:
			out := filepath.Join(dir, name)
			if msg, err := exec.Command(program, "build", name, out).CombinedOutput(); err != nil {
				t.Errorf("%s: %v %s", name, err, msg)
				continue
			}
			got, err := os.ReadFile(out)
			if err != nil || !bytes.Equal(got, frame) {
				t.Errorf("%s: C built %x, want %x (%v)", name, got, frame, err)
			}
			continue
		}
		got, err := exec.Command(program, "read", goldenPath(name)).CombinedOutput()
		if err != nil || string(got) != want {
			t.Errorf("%s: C read %q, want %q (%v)", name, got, want, err)
		}
	}
}

// TestShortTriggerInC cuts a trigger at every byte: C must refuse each.
func TestShortTriggerInC(t *testing.T) {
	dir := t.TempDir()
	program := buildGolden(t, dir)
	frame := golden["trigger-chord"]
	for n := Header; n < len(frame); n++ {
		cut := bytes.Clone(frame[:n])
		le.PutUint32(cut, uint32(n))
		path := filepath.Join(dir, "cut")
		if err := os.WriteFile(path, cut, 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(program, "read", path).CombinedOutput()
		if err == nil || !strings.HasPrefix(string(out), "refused") {
			t.Errorf("cut to %d of %d bytes: %q (%v)", n, len(frame), out, err)
		}
	}
}

// describeTrigger writes what test/golden.c writes, from the frame's layout.
func describeTrigger(f []byte) string {
	b := f[Header:]
	raw, keys := int(le.Uint32(b[16:])), int(b[34])
	parts := bytes.SplitN(b[triggerFixed+raw+keys:], []byte{0}, 6)
	return fmt.Sprintf("type %d id %d size %d\nkind %d channel %d key %d velocity %d value %d time %d\ngesture %d taps %d steps %d previous %d duration %d\nkeys %x\nmode %s\nraw %x\naction %s\ndevice %s\nparams %s\njson %s\n",
		le.Uint16(f[4:]), le.Uint64(f[8:]), len(f), b[0], b[1], b[2], b[3], int32(le.Uint32(b[4:])), le.Uint64(b[8:]),
		b[32], b[33], int32(le.Uint32(b[36:])), int32(le.Uint32(b[40:])), le.Uint64(b[48:]), b[triggerFixed+raw:triggerFixed+raw+keys], parts[0],
		b[triggerFixed:triggerFixed+raw], parts[1], parts[2], parts[3], parts[4])
}

func TestParseHead(t *testing.T) {
	good := golden["reply"]
	change := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	for name, c := range map[string]struct {
		frame []byte
		ok    bool
	}{
		"good":           {good, true},
		"short":          {good[:15], false},
		"size 0":         {append([]byte{0, 0, 0, 0}, good[4:]...), false},
		"size 15":        {append([]byte{15, 0, 0, 0}, good[4:]...), false},
		"size 65537":     {append([]byte{1, 0, 1, 0}, good[4:]...), false},
		"size 2^32-1":    {append([]byte{255, 255, 255, 255}, good[4:]...), false},
		"lower version":  {change(6, 0), false},
		"higher version": {change(6, 2), false},
	} {
		_, err := ParseHead(c.frame)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseAnswer(t *testing.T) {
	long := strings.Repeat("x", MaxLog+1)
	for name, c := range map[string]struct {
		frame []byte
		ok    bool
	}{
		"empty":                 {answer(Reply, 1, 0, 0), true},
		"too short":             {answer(Reply, 1, 0, 0)[:Header+7], false},
		"item beyond the frame": {answer(Reply, 1, 0, 0, item(ItemLog, 0, 3, "ab")), false},
		"half an item":          {answer(Reply, 1, 0, 0, []byte{1, 0, 0}), false},
		"unknown item":          {answer(Reply, 1, 0, 0, item(6, 0, 1, "x")), false},
		"item 0":                {answer(Reply, 1, 0, 0, item(0, 0, 1, "x")), false},
		"log at its limit":      {answer(Reply, 1, 0, 0, item(ItemLog, 0, MaxLog, long[:MaxLog])), true},
		"log beyond its limit":  {answer(Reply, 1, 0, 0, item(ItemLog, 0, MaxLog+1, long)), false},
		"empty midi":            {answer(Reply, 1, 0, 0, item(ItemMIDI, 0, 0, "")), false},
		"name in a reply":       {answer(Reply, 1, 0, 0, item(ItemName, 0, 1, "x")), false},
		"name when loaded":      {answer(Loaded, 0, 1, 0, item(ItemName, 0, 1, "x")), true},
		"result at its limit":   {answer(Reply, 1, 0, 0, item(ItemResult, 0, MaxResult, strings.Repeat("r", MaxResult))), true},
		"result over its limit": {answer(Reply, 1, 0, 0, item(ItemResult, 0, MaxResult+1, strings.Repeat("r", MaxResult+1))), false},
	} {
		_, err := ParseAnswer(c.frame)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a, err := ParseAnswer(golden["reply"])
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range a.Items {
		got = append(got, fmt.Sprintf("%d %x", i.Kind, i.Data))
	}
	if want := "2 992b64,3 6f6b"; strings.Join(got, ",") != want {
		t.Errorf("items %v, want %s", got, want)
	}
}

func TestParseError(t *testing.T) {
	err := ParseError(golden["error"])
	if !errors.Is(err, CodeStart) || errors.Is(err, CodeABI) || errors.Is(err, ErrFrame) {
		t.Errorf("error frame: %v", err)
	}
	for name, frame := range map[string][]byte{
		"short":        workerError(CodeStart, "")[:Header+3],
		"code 0":       workerError(0, "x"),
		"code unknown": workerError(CodeProtocol+1, "x"),
		"long":         workerError(CodeStart, strings.Repeat("x", MaxLog+1)),
	} {
		if err := ParseError(frame); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAppendTriggerRefuses(t *testing.T) {
	for name, e := range map[string]Event{
		"NUL in action": {Action: "a\x00b"},
		"NUL in device": {Device: "\x00"},
		"NUL in params": {Params: []byte("{\x00}")},
		"NUL in json":   {JSON: []byte{0}},
		"NUL in mode":   {Mode: "\x00"},
		"long mode":     {Mode: strings.Repeat("m", 256)},
		"many keys":     {Keys: make([]byte, 256)},
		"too long":      {Raw: make([]byte, Max)},
	} {
		if _, err := AppendTrigger(nil, 1, &e); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := AppendTrigger(nil, 1, &Event{Raw: make([]byte, Max-Header-triggerFixed-5)}); err != nil {
		t.Errorf("the longest sysex: %v", err)
	}
}

func TestNoAllocation(t *testing.T) {
	buf := make([]byte, 0, Max)
	e := Event{Kind: 2, Raw: []byte{0x90, 60, 1}, Action: "a", Device: "d", Params: []byte("{}")}
	frame := golden["reply"]
	n := testing.AllocsPerRun(1000, func() {
		if _, err := AppendTrigger(buf, 1, &e); err != nil {
			t.Fatal(err)
		}
		if _, err := ParseHead(frame); err != nil {
			t.Fatal(err)
		}
		a, err := ParseAnswer(frame)
		if err != nil {
			t.Fatal(err)
		}
		for i := range a.Items {
			if len(i.Data) == 0 {
				t.Fatal("empty item")
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations per trigger and reply", n)
	}
}

// FuzzFrames feeds the decoders what a hostile worker could write.
func FuzzFrames(f *testing.F) {
	for _, frame := range golden {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		head, err := ParseHead(b)
		if err != nil || head.Size != len(b) {
			return
		}
		switch head.Type {
		case Reply, Loaded:
			a, err := ParseAnswer(b)
			if err != nil {
				return
			}
			total := 0
			for i := range a.Items {
				total += len(i.Data) + itemFixed
			}
			if total != len(b)-Header-replyFixed {
				t.Errorf("items cover %d of %d bytes", total, len(b)-Header-replyFixed)
			}
		case Ready:
			if _, err := ParseReady(b); err != nil && !errors.Is(err, ErrFrame) {
				t.Error(err)
			}
		case Error:
			if err := ParseError(b); err == nil {
				t.Error("an error frame that is none")
			}
		}
	})
}
