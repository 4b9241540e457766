package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// FuzzVerify reads any bytes as a log. What verifies is a chain by the rules
// that docs/audit.md gives to a shell: each line digests as it says, and holds
// the digest of the one before.
func FuzzVerify(f *testing.F) {
	text := small(f, 3)
	f.Add(text)
	f.Add(text[:len(text)-9])
	f.Add(append(bytes.Clone(text), text...))
	f.Add([]byte("\n\n{}\n"))
	l := openLog(f, 1<<20)
	put(f, l, entries(1)...)
	torn := append(bytes.Clone(text), `{"seq":4,"ti`...)
	end, err := readTail(bytes.NewReader(torn), int64(len(torn)))
	if err != nil {
		f.Fatal(err)
	}
	line, _, err := end.head.next(Entry{day, typeRecovered, "", end.recovery()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(append(torn, '\n'), line...))
	f.Fuzz(func(t *testing.T, text []byte) {
		v := NewVerifier()
		var records []Record
		v.Each = func(r *Record) { records = append(records, *r) }
		if err := v.File("log", bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		report := v.Report()
		if report.OK != (len(report.Problems) == 0) || len(report.Problems) > maxFindings {
			t.Fatalf("%+v", report)
		}
		if end, err := readTail(bytes.NewReader(text), int64(len(text))); err == nil && report.OK && (end.head != report.Last || end.torn) {
			t.Fatalf("the chain ends with %v, its file with %+v", report.Last, end)
		}
		if !report.OK {
			return
		}
		prev, whole := genesis, 0
		for line := range bytes.Lines(text) {
			body, rest, ok := bytes.Cut(line, []byte(`,"hash":"`))
			sum := sha256.Sum256(body)
			if !ok || string(rest) != hex.EncodeToString(sum[:])+"\"}\n" {
				continue // torn: no record, and counted below
			}
			if !strings.HasSuffix(string(body), `,"prev":"`+prev+`"`) {
				t.Fatalf("line %q does not follow %s", line, prev)
			}
			prev = hex.EncodeToString(sum[:])
			whole++
		}
		if whole != len(records) || uint64(whole) != report.Records {
			t.Fatalf("%d lines, %d records, %+v", whole, len(records), report)
		}
	})
}
