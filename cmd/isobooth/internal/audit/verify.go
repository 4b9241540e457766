package audit

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
)

// maxFindings bounds the lists of a Report: a file of another kind has as many
// faults as lines.
const maxFindings = 100

// Finding is something about one line.
type Finding struct {
	File string `json:"file"`
	Line int    `json:"line"`          // from 1
	Seq  uint64 `json:"seq,omitempty"` // of the record there, or of the last one before
	Text string `json:"text"`
}

func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: seq %d: %s", f.File, f.Line, f.Seq, f.Text)
}

// Report is what was found in a chain.
type Report struct {
	OK       bool      `json:"ok"`
	Records  uint64    `json:"records"`
	First    Head      `json:"first"`
	Last     Head      `json:"last"`
	Torn     []Finding `json:"torn"` // half-written lines that a record names: no fault
	Problems []Finding `json:"problems"`
	More     int       `json:"more,omitempty"` // problems that were left out
}

// Verifier checks one chain, over as many files as it has.
type Verifier struct {
	// Each is called with every sound record, in order, if not nil.
	Each func(*Record)

	report  Report
	expect  []Head
	met     []bool
	last    Head
	began   bool
	file    string
	line    int
	unknown region
}

// region is what lies between two records and is none.
type region struct {
	line   int // its first
	lines  int
	bytes  int64
	digest hash.Hash
	forged []Finding // lines in it that no interrupted write leaves
}

// NewVerifier makes one that also wants these records in the chain, or just
// before its beginning: where older files are kept elsewhere, that is what
// says that the chain may begin there.
func NewVerifier(expect ...Head) *Verifier {
	return &Verifier{expect: expect, met: make([]bool, len(expect)), report: Report{Torn: []Finding{}, Problems: []Finding{}}}
}

// File reads the next file of the chain; name is for the report. Only what
// fails to be read is an error.
func (v *Verifier) File(name string, r io.Reader) error {
	v.file, v.line = name, 0
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			v.line++
		}
		switch {
		case err == nil:
			v.take(line[:len(line)-1])
		case errors.Is(err, bufio.ErrBufferFull):
			if err := v.long(line, in); err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
		case err == io.EOF:
			if len(line) > 0 {
				v.stray(line)
			}
			v.endRegion()
			return nil
		default:
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
}

// long passes over a line that is longer than any record.
func (v *Verifier) long(first []byte, in *bufio.Reader) error {
	v.stray(first)
	for {
		part, err := in.ReadSlice('\n')
		if err == nil {
			part = part[:len(part)-1]
		}
		v.unknown.bytes += int64(len(part))
		_, _ = v.unknown.digest.Write(part) // never fails: package hash
		if err == nil || err == io.EOF {
			return nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// stray is a line that is no record.
func (v *Verifier) stray(line []byte) {
	u := &v.unknown
	if u.lines == 0 {
		*u = region{line: v.line, digest: sha256.New()}
	} else {
		u.bytes++
		_, _ = u.digest.Write([]byte{'\n'})
	}
	u.lines++
	u.bytes += int64(len(line))
	_, _ = u.digest.Write(line)
}

func (v *Verifier) take(line []byte) {
	r, err := Parse(line)
	if errors.Is(err, ErrHash) {
		v.stray(line)
		v.unknown.forged = append(v.unknown.forged, Finding{v.file, v.line, r.Seq, "changed: " + err.Error()})
		return
	}
	if err != nil {
		v.stray(line)
		return
	}
	v.settle(&r)
	v.link(&r)
	v.report.Records++
	for i, h := range v.expect {
		if h.Seq == r.Seq {
			v.met[i] = true
			if h.Hash != r.Hash {
				v.problem(r.Seq, fmt.Sprintf("it has the hash %s, not the expected %s", r.Hash, h.Hash))
			}
		}
	}
	v.last, v.began = r.head(), true
	if v.Each != nil {
		v.Each(&r)
	}
}

// recovered is the data of a record of that type.
type recovered struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// settle judges what lies before r and is no record.
func (v *Verifier) settle(r *Record) {
	u := v.unknown
	v.unknown = region{}
	if r.Type != typeRecovered {
		v.faults(u)
		return
	}
	var says recovered
	err := json.Unmarshal(r.Data, &says)
	switch {
	case u.lines == 0:
		v.problem(r.Seq, "it names a half-written line that is not there")
	case err != nil || says.Bytes != u.bytes || says.SHA256 != hex.EncodeToString(u.digest.Sum(nil)):
		v.problem(r.Seq, "it names a half-written line of other bytes than those before it")
	case len(u.forged) > 0:
		v.faults(u)
	case len(v.report.Torn) < maxFindings:
		v.report.Torn = append(v.report.Torn, Finding{v.file, u.line, v.last.Seq,
			fmt.Sprintf("%d bytes of a line that was not written whole; record %d names them", u.bytes, r.Seq)})
	}
}

// faults reports a region that no record accounts for.
func (v *Verifier) faults(u region) {
	if u.lines == 0 {
		return
	}
	for _, f := range u.forged {
		v.add(f)
	}
	if u.lines > len(u.forged) {
		v.add(Finding{v.file, u.line, v.last.Seq, fmt.Sprintf("%d lines from here are no records, and no record accounts for them", u.lines-len(u.forged))})
	}
}

// endRegion is called at the end of a file.
func (v *Verifier) endRegion() {
	v.faults(v.unknown)
	v.unknown = region{}
}

// link compares r with the record before it.
func (v *Verifier) link(r *Record) {
	switch {
	case !v.began:
		v.report.First = r.head()
		before := Head{r.Seq - 1, r.Prev}
		if i := slices.Index(v.expect, before); i >= 0 {
			v.met[i] = true
		} else if before != (Head{0, genesis}) {
			v.problem(r.Seq, fmt.Sprintf("the chain begins here, and record %d is missing; where that is known, expect %s", r.Seq-1, before))
		}
	case r.Seq == v.last.Seq && r.Hash == v.last.Hash:
		v.problem(r.Seq, "it is there twice")
	case r.Seq != v.last.Seq+1:
		v.problem(r.Seq, fmt.Sprintf("it follows record %d: records are missing, moved or put in", v.last.Seq))
	case r.Prev != v.last.Hash:
		v.problem(r.Seq, "it is chained to another record than the one before it")
	}
	if r.Type == typeCut {
		v.problem(r.Seq, "the daemon found its log shorter than it had written it; this record says from where")
	}
}

func (v *Verifier) problem(seq uint64, text string) { v.add(Finding{v.file, v.line, seq, text}) }

func (v *Verifier) add(f Finding) {
	if len(v.report.Problems) == maxFindings {
		v.report.More++
		return
	}
	v.report.Problems = append(v.report.Problems, f)
}

// Report ends the check.
func (v *Verifier) Report() Report {
	if !v.began {
		v.problem(0, "no records")
	}
	for i, h := range v.expect {
		if !v.met[i] {
			v.problem(v.last.Seq, fmt.Sprintf("record %d, which is expected, is not there: the chain ends with %d", h.Seq, v.last.Seq))
		}
	}
	v.report.Last = v.last
	v.report.OK = len(v.report.Problems) == 0
	return v.report
}
