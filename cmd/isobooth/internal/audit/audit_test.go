package audit

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var day = time.Date(2026, 3, 14, 15, 9, 26, 535897932, time.UTC)

// entries are n records to write.
func entries(n int) []Entry {
	var list []Entry
	for i := range n {
		list = append(list, Entry{day.Add(time.Duration(i) * time.Second), "launch", "arp", map[string]any{"n": i, "text": "\x1b[2J\u202e\U0001f3b9ä"}})
	}
	return list
}

// small is the text of a log of n records.
func small(t testing.TB, n int) []byte {
	t.Helper()
	head, text := Head{0, genesis}, []byte(nil)
	for _, e := range entries(n) {
		line, next, err := head.next(e)
		if err != nil {
			t.Fatal(err)
		}
		head, text = next, append(text, line...)
	}
	return text
}

func check(t testing.TB, text []byte, expect ...Head) Report {
	t.Helper()
	v := NewVerifier(expect...)
	if err := v.File("log", bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return v.Report()
}

func lines(text []byte) [][]byte {
	return bytes.SplitAfter(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
}

func TestEveryByteCounts(t *testing.T) {
	text := small(t, 4)
	if r := check(t, text); !r.OK || r.Records != 4 || r.Last.Seq != 4 {
		t.Fatalf("control: %+v", r)
	}
	for i := range text {
		for _, flip := range []byte{1, 0x20, 0x80, text[i] ^ '\n', text[i]} {
			if flip == 0 {
				continue
			}
			bad := bytes.Clone(text)
			bad[i] ^= flip
			if r := check(t, bad); r.OK {
				t.Errorf("byte %d changed from %q to %q: verified", i, text[i], bad[i])
			}
		}
	}
}

// TestWhatIsDoneToALog: each change is seen, and named by its line and record.
func TestWhatIsDoneToALog(t *testing.T) {
	text := small(t, 5)
	l := lines(append(bytes.Clone(text), '\n'))
	l = l[:5]
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	other, head := []byte(nil), Head{0, genesis}
	for range 5 {
		line, next, err := head.next(Entry{day, "other", "", struct{}{}})
		if err != nil {
			t.Fatal(err)
		}
		other, head = append(other, line...), next
	}
	o := lines(append(bytes.Clone(other), '\n'))
	ends, err := Parse(bytes.TrimSuffix(l[4], []byte("\n")))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		text   []byte
		expect []Head
		want   string // "" is sound
	}{
		{"control", text, []Head{ends.head()}, ""},
		{"first removed", join(l[1:]...), nil, "log:1: seq 2: the chain begins here"},
		{"one removed", join(l[0], l[1], l[3], l[4]), nil, "log:3: seq 4: it follows record 2"},
		{"two swapped", join(l[0], l[2], l[1], l[3], l[4]), nil, "log:2: seq 3: it follows record 1"},
		{"one twice", join(l[0], l[1], l[1], l[2]), nil, "log:3: seq 2: it is there twice"},
		{"spliced", join(l[0], l[1], o[2], o[3]), nil, "log:3: seq 3: it is chained to another record"},
		{"one after the other", join(text, other), nil, "log:6: seq 1: it follows record 5"},
		{"a line put in", join(l[0], []byte("{}\n"), l[1]), nil, "log:2: seq 1: 1 lines from here are no records"},
		{"an empty line put in", join(l[0], []byte("\n"), l[1]), nil, "log:2: seq 1: 1 lines from here"},
		{"a long line put in", join(l[0], bytes.Repeat([]byte("x"), 3*maxLine), []byte("\n"), l[1]), nil, "log:2: seq 1: 1 lines from here"},
		{"end torn off", text[:len(text)-7], nil, "log:5: seq 4: 1 lines from here are no records"},
		{"no end of line", text[:len(text)-1], nil, "log:5: seq 4: 1 lines from here are no records"},
		{"empty", nil, nil, "no records"},
		{"end removed, which only a head shows", join(l[:4]...), []Head{ends.head()}, "record 5, which is expected, is not there"},
		{"control: end removed, without a head", join(l[:4]...), nil, ""},
		{"written anew", other, []Head{ends.head()}, "it has the hash"},
		{"changed to another record", bytes.Replace(text, []byte(`"n":2`), []byte(`"n":7`), 1), nil, "log:3: seq 3: changed"},
	} {
		r := check(t, test.text, test.expect...)
		var got strings.Builder
		for _, p := range r.Problems {
			fmt.Fprintln(&got, p)
		}
		if r.OK != (test.want == "") || !strings.Contains(got.String(), test.want) {
			t.Errorf("%s: %v, %s, want %q", test.name, r.OK, &got, test.want)
		}
	}
	// Older files may be kept elsewhere, where it is known how they ended.
	first, err := Parse(bytes.TrimSuffix(l[1], []byte("\n")))
	if err != nil {
		t.Fatal(err)
	}
	if r := check(t, join(l[2:]...), first.head()); !r.OK || r.First.Seq != 3 {
		t.Errorf("the second half: %+v", r)
	}
}

// TestOneMeaning: a line that a reader could take for another is no record,
// even with a hash that fits.
func TestOneMeaning(t *testing.T) {
	for _, change := range []struct{ name, old, new string }{
		{"control", "", ""},
		{"a second key", `{"seq":1,`, `{"seq":1,"seq":1,`},
		{"another case", `"seq"`, `"Seq"`},
		{"a space", `"data":{`, `"data": {`},
		{"a key of no record", `"data":`, `"x":1,"data":`},
		{"raw text", `ä`, `ä`},
		{"no object", `"data":{"a":"\u00e4"}`, `"data":[1]`},
		{"nothing", `"data":{"a":"\u00e4"}`, `"data":null`},
		{"sequence 0", `"seq":1`, `"seq":0`},
		{"local time", `Z","pid"`, `+00:00","pid"`},
		{"fewer digits", `.535897932Z`, `.5358Z`},
		{"another way to write it", `\u00e4`, `\u00E4`},
		{"a quoted letter", `\u00e4`, "\u00e4"},
	} {
		line, _, err := Head{0, genesis}.next(Entry{day, "launch", "arp", map[string]string{"a": "ä"}})
		if err != nil {
			t.Fatal(err)
		}
		text, _, _ := bytes.Cut(line, []byte(hashKey))
		text = bytes.Replace(text, []byte(change.old), []byte(change.new), 1)
		line = fmt.Appendf(bytes.Clone(text), `%s%x"}`, hashKey, sha256.Sum256(text))
		_, err = Parse(line)
		// Two ways to write one letter are one meaning: the digest holds it.
		sound := change.name == "control" || change.name == "raw text" || change.name == "another way to write it"
		if (err == nil) != sound {
			t.Errorf("%s: %v: %s", change.name, err, line)
		}
	}
}

func openLog(t testing.TB, rotate int64) *Log {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := Open(filepath.Join(dir, "audit.jsonl"), rotate)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func verifyLog(t testing.TB, l *Log, expect ...Head) Report {
	t.Helper()
	files, err := l.Files()
	if err != nil {
		t.Fatal(err)
	}
	v := NewVerifier(expect...)
	for _, f := range files {
		err := v.File(filepath.Base(f.Name()), f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	return v.Report()
}

func put(t testing.TB, l *Log, list ...Entry) {
	t.Helper()
	if n, err := l.Append(list...); err != nil || n != len(list) {
		t.Fatalf("%d written, %v", n, err)
	}
}

// TestTorn: whatever an interrupted write leaves stays, is named by the next
// record, and is no fault; what is not interrupted but changed is one.
func TestTorn(t *testing.T) {
	third := lines(small(t, 3))[2]
	changed := bytes.Replace(third, []byte(`"n":2`), []byte(`"n":3`), 1)
	for _, test := range []struct {
		name  string
		after []byte
		torn  int
		ok    bool
	}{
		{"control", nil, 0, true},
		{"one byte", third[:1], 1, true},
		{"half a line", third[:len(third)/2], 1, true},
		{"all but the end of the line, which the next record brings", bytes.TrimSuffix(third, []byte("\n")), 0, true},
		{"zeros: the size was on the disk and the text not", make([]byte, 4096), 1, true},
		{"twice", append(append(bytes.Clone(third[:20]), '\n'), third[:30]...), 1, true},
		{"an empty line", []byte("\n"), 1, true},
		{"a whole record that was changed", append(bytes.Clone(changed), '\n'), 0, false},
	} {
		l := openLog(t, 1<<20)
		put(t, l, entries(2)...)
		f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(test.after); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if test.torn > 0 {
			if r := verifyLog(t, l); r.OK {
				t.Errorf("%s: no fault before a record names it", test.name)
			}
		}
		again, err := Open(l.path, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		put(t, again, entries(2)...)
		r := verifyLog(t, again)
		if r.OK != test.ok || len(r.Torn) != test.torn {
			t.Errorf("%s: %+v", test.name, r)
		}
		text, err := os.ReadFile(l.path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, test.after) {
			t.Errorf("%s: what was torn is gone", test.name)
		}
		if test.torn == 0 {
			continue
		}
		// What is torn is held to its digest, too.
		i := bytes.Index(text, test.after)
		for j := range test.after {
			bad := bytes.Clone(text)
			bad[i+j] ^= 1
			if r := check(t, bad); r.OK {
				t.Errorf("%s: byte %d of it changed: verified", test.name, j)
			}
		}
	}
}

func TestRotation(t *testing.T) {
	l := openLog(t, 1000)
	for _, e := range entries(20) {
		put(t, l, e)
	}
	aside, err := l.aside()
	if err != nil || len(aside) < 3 {
		t.Fatalf("%q, %v", aside, err)
	}
	head, err := l.Head()
	if err != nil || head.Seq != 20 {
		t.Fatalf("%v, %v", head, err)
	}
	if r := verifyLog(t, l, head); !r.OK || r.Records != 20 {
		t.Errorf("%+v", r)
	}
	// A daemon that died between the renaming and the next record.
	if err := l.putAside(head); err != nil {
		t.Fatal(err)
	}
	if again, err := l.Head(); err != nil || again != head {
		t.Errorf("%v, %v", again, err)
	}
	put(t, l, entries(1)...)
	if r := verifyLog(t, l, head); !r.OK || r.Records != 21 {
		t.Errorf("%+v", r)
	}
	// One file of the middle is missing.
	if err := os.Remove(aside[1]); err != nil {
		t.Fatal(err)
	}
	if r := verifyLog(t, l); r.OK {
		t.Error("a file is missing: verified")
	}
}

// TestShared: several daemons, one chain.
func TestShared(t *testing.T) {
	first := openLog(t, 4000)
	const daemons, each = 4, 25
	var all sync.WaitGroup
	for range daemons {
		l, err := Open(first.path, 4000)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			for _, e := range entries(each) {
				if _, err := l.Append(e); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if r := verifyLog(t, first); !r.OK || r.Records != daemons*each {
		t.Errorf("%+v", r)
	}
}

// TestCut: a log that is made shorter while a daemon writes to it.
func TestCut(t *testing.T) {
	for _, how := range []string{"control", "last record removed", "removed", "replaced"} {
		l := openLog(t, 1<<20)
		put(t, l, entries(3)...)
		text, err := os.ReadFile(l.path)
		if err != nil {
			t.Fatal(err)
		}
		switch how {
		case "last record removed":
			err = os.WriteFile(l.path, bytes.Join(lines(text)[:2], nil), 0o600)
		case "removed":
			err = os.Remove(l.path)
		case "replaced":
			err = os.WriteFile(l.path, slices.Concat(lines(small(t, 3))[:2]...), 0o600)
			if err == nil {
				var other *Log
				if other, err = Open(l.path, 1<<20); err == nil {
					put(t, other, Entry{day, "launch", "another", struct{}{}})
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		var told string
		l.Notice = func(format string, args ...any) { told += fmt.Sprintf(format, args...) }
		put(t, l, entries(1)...)
		r := verifyLog(t, l)
		if r.OK != (how == "control") || strings.Contains(told, "GONE") == r.OK {
			t.Errorf("%s: told %q, %+v", how, told, r)
		}
	}
}

// TestUnsafeFiles: what others could write to, or lead elsewhere, is refused.
func TestUnsafeFiles(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(dir, path string) error
		ok   bool
	}{
		{"control", func(dir, path string) error { return os.WriteFile(path, nil, 0o600) }, true},
		{"readable by others", func(dir, path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o644))
		}, false},
		{"a link", func(dir, path string) error {
			return errors.Join(os.WriteFile(path+".real", nil, 0o600), os.Symlink(path+".real", path))
		}, false},
		{"a folder", func(dir, path string) error { return os.Mkdir(path, 0o700) }, false},
		{"a folder that others write to", func(dir, path string) error { return os.Chmod(dir, 0o777) }, false},
		{"a lock that is a link", func(dir, path string) error { return os.Symlink(path, path+".lock") }, false},
		{"no folder", func(dir, path string) error { return os.Remove(dir) }, false},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "audit.jsonl")
		if err := errors.Join(os.Chmod(dir, 0o700), test.make(dir, path)); err != nil {
			t.Fatal(err)
		}
		l, err := Open(path, 1<<20)
		if err == nil {
			_, err = l.Append(entries(1)...)
		}
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// TestTooLong: a record is shortened, never left out.
func TestTooLong(t *testing.T) {
	l := openLog(t, 1<<20)
	put(t, l, Entry{day, "launch", strings.Repeat("ä", 1000), map[string]string{"a": strings.Repeat("\x00", maxLine)}}, entries(1)[0])
	if r := verifyLog(t, l); !r.OK || r.Records != 2 {
		t.Errorf("%+v", r)
	}
	text, err := os.ReadFile(l.path)
	if err != nil || !bytes.Contains(text, []byte(`"too_long":393224`)) {
		t.Errorf("%s, %v", text, err)
	}
}

// TestUnwritable: data without a form in JSON is named in its record.
func TestUnwritable(t *testing.T) {
	l := openLog(t, 1<<20)
	put(t, l, Entry{Type: "launch", Data: math.NaN()}, Entry{Type: "launch", Data: nil}, Entry{Type: "launch", Data: []int{1}}, entries(1)[0])
	if r := verifyLog(t, l); !r.OK || r.Records != 4 {
		t.Errorf("%+v", r)
	}
	text, err := os.ReadFile(l.path)
	if err != nil || bytes.Count(text, []byte(`"data":{"unwritable":`)) != 3 {
		t.Errorf("%s, %v", text, err)
	}
}

// TestNotOurEnd: nothing is chained to a file of another kind.
func TestNotOurEnd(t *testing.T) {
	l := openLog(t, 1<<30)
	if err := os.WriteFile(l.path, bytes.Repeat([]byte("not a record\n"), 1+maxTail/10), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(entries(1)...); !errors.Is(err, ErrTail) {
		t.Errorf("%v", err)
	}
}

func TestParseHead(t *testing.T) {
	h := Head{7, strings.Repeat("0af9", 16)}
	if got, err := ParseHead(h.String()); err != nil || got != h {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "7", ":", "7:", "7:" + h.Hash + "0", "-1:" + h.Hash, "7:" + strings.ToUpper(h.Hash), " 7:" + h.Hash} {
		if got, err := ParseHead(bad); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}
