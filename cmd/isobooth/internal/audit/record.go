package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

const (
	// maxLine bounds one line, in bytes, with its end.
	maxLine = 64 << 10
	// maxData bounds Data in it. What is longer is replaced by its size and
	// digest: a record is never left out.
	maxData = 56 << 10
	// maxBooth bounds the name of a booth, in bytes before they are escaped.
	maxBooth = 256

	// timeForm is RFC 3339 in UTC, always with nine digits.
	timeForm = "2006-01-02T15:04:05.000000000Z"
)

// genesis is what the first record has for the hash before it.
var genesis = strings.Repeat("0", hashLen)

const hashLen = 2 * sha256.Size // as hex digits

// Types of records that this package writes itself. typeRecovered follows
// bytes that are no record: what was being written when the machine or the
// daemon stopped. typeCut says that a log was found shorter than it was.
const (
	typeRecovered = "recovered"
	typeCut       = "cut"
)

var typeName = regexp.MustCompile(`^[a-z][a-z_]{0,31}$`)

// Entry is what is to be recorded.
type Entry struct {
	Time  time.Time // when it happened; zero is now
	Type  string    // lower-case letters and "_"
	Booth string    // or "" when it is about none
	Data  any       // becomes a JSON object
}

// Record is one line of a log.
type Record struct {
	Seq   uint64          `json:"seq"` // from 1, without gaps
	Time  time.Time       `json:"time"`
	PID   int             `json:"pid"` // of the process that wrote it
	Type  string          `json:"type"`
	Booth string          `json:"booth,omitempty"`
	Data  json.RawMessage `json:"data"`
	Prev  string          `json:"prev"` // the hash of the record before
	Hash  string          `json:"hash"`
}

// Head names a record: whoever knows it knows that all before it is as it was.
type Head struct {
	Seq  uint64 `json:"seq"` // 0 before the first record
	Hash string `json:"hash"`
}

// String is SEQ:HASH, as ParseHead reads it.
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.Seq, h.Hash) }

// ParseHead reads SEQ:HASH.
func ParseHead(text string) (Head, error) {
	seq, hash, ok := strings.Cut(text, ":")
	n, err := strconv.ParseUint(seq, 10, 64)
	if !ok || err != nil || !isHash(hash) {
		return Head{}, fmt.Errorf("%q: want SEQ:HASH, a number and %d lower-case hex digits", text, hashLen)
	}
	return Head{n, hash}, nil
}

// next makes the line, with its end, that follows the record at h.
func (h Head) next(e Entry) (line []byte, head Head, err error) {
	if !typeName.MatchString(e.Type) {
		return nil, Head{}, fmt.Errorf("internal error: audit record of type %q", e.Type)
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	data, err := ascii(e.Data)
	if err != nil || data[0] != '{' {
		// One record that cannot be written must not keep back all others.
		if data, err = ascii(map[string]string{"unwritable": fmt.Sprintf("%T: %v", e.Data, err)}); err != nil {
			return nil, Head{}, fmt.Errorf("internal error: audit record %q: %w", e.Type, err)
		}
	}
	if len(data) > maxData {
		sum := sha256.Sum256(data)
		data = fmt.Appendf(nil, `{"too_long":%d,"sha256":"%x"}`, len(data), sum)
	}
	if len(e.Booth) > maxBooth {
		e.Booth = e.Booth[:maxBooth]
	}
	body, err := body(h.Seq+1, e.Time, os.Getpid(), e.Type, e.Booth, data, h.Hash)
	if err != nil {
		return nil, Head{}, fmt.Errorf("internal error: audit record %q: %w", e.Type, err)
	}
	sum := sha256.Sum256(body)
	head = Head{h.Seq + 1, hex.EncodeToString(sum[:])}
	return append(append(body, hashKey+head.Hash...), lineEnd...), head, nil
}

const (
	prevKey = `,"prev":"`
	hashKey = `,"hash":"`
	lineEnd = "\"}\n"
)

// body is a line up to its hash: the bytes that are digested.
func body(seq uint64, at time.Time, pid int, kind, booth string, data []byte, prev string) ([]byte, error) {
	b := fmt.Appendf(nil, `{"seq":%d,"time":"%s","pid":%d,"type":"%s"`, seq, at.UTC().Format(timeForm), pid, kind)
	if booth != "" {
		name, err := ascii(booth)
		if err != nil {
			return nil, err
		}
		b = append(append(b, `,"booth":`...), name...)
	}
	b = append(append(b, `,"data":`...), data...)
	b = append(append(b, prevKey...), prev...)
	return append(b, '"'), nil
}

// ascii is v as JSON of printable ASCII without spaces between values: no
// terminal, locale or editor changes what it shows or what its digest is.
func ascii(v any) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	var out []byte
	// All that is not ASCII is inside of strings; the encoder has replaced
	// what is no UTF-8.
	for _, r := range strings.TrimSuffix(text.String(), "\n") {
		switch {
		case r >= ' ' && r <= '~':
			out = append(out, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out, nil
}

// Parse reads one line, without its end. The line must be exactly what this
// package writes, and the hash its own; the error wraps ErrRecord or ErrHash.
func Parse(line []byte) (Record, error) {
	var r Record
	cut := len(line) - len(hashKey) - hashLen - len(lineEnd) + 1
	if cut < 0 || len(line) >= maxLine {
		return r, fmt.Errorf("%w: %d bytes", ErrRecord, len(line))
	}
	text := line[:cut]
	hash, ok := strings.CutPrefix(string(line[cut:]), hashKey)
	if hash, ok2 := strings.CutSuffix(hash, lineEnd[:2]); !ok || !ok2 || !isHash(hash) {
		return r, fmt.Errorf("%w: no hash at its end", ErrRecord)
	}
	d := json.NewDecoder(bytes.NewReader(append(bytes.Clone(text), '}')))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Record{}, fmt.Errorf("%w: %v", ErrRecord, err)
	}
	r.Hash = hash[:hashLen]
	if len(r.Data) == 0 || r.Data[0] != '{' || !isHash(r.Prev) || r.Seq == 0 || !typeName.MatchString(r.Type) {
		return Record{}, fmt.Errorf("%w: a field is missing", ErrRecord)
	}
	// Nothing hides behind a second key of the same name, and the line has
	// one meaning only.
	var data bytes.Buffer
	if err := json.Compact(&data, r.Data); err != nil {
		return Record{}, fmt.Errorf("%w: %v", ErrRecord, err)
	}
	again, err := body(r.Seq, r.Time, r.PID, r.Type, r.Booth, data.Bytes(), r.Prev)
	if err != nil || !bytes.Equal(again, text) || !printable(text) {
		return Record{}, fmt.Errorf("%w: not in the form of this log", ErrRecord)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != r.Hash {
		return r, ErrHash
	}
	return r, nil
}

// Line is the record as it is in the log, without the end of the line.
func (r *Record) Line() ([]byte, error) {
	b, err := body(r.Seq, r.Time, r.PID, r.Type, r.Booth, r.Data, r.Prev)
	return append(b, hashKey+r.Hash+lineEnd[:2]...), err
}

func (r *Record) head() Head { return Head{r.Seq, r.Hash} }

func isHash(s string) bool {
	return len(s) == hashLen && !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

func printable(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' || r > '~' })
}
