package midi

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxPattern is the longest pattern, in bytes of the message. What tells
// messages apart is in their first few bytes.
const maxPattern = 1024

// anyByte is a byte of a pattern that matches all.
const anyByte = 0x100

// pattern is what a system exclusive message must look like: the bytes between
// F0 and F7, and whether more may follow.
type pattern struct {
	bytes []uint16 // 0 to 0x7f, or anyByte
	rest  bool
}

// parsePattern reads "F0 7E ?? 06 02 *": bytes in hexadecimal, ?? for any one,
// and at the end * for any number of them. F7 ends every message and may be
// left out.
func parsePattern(text string) (*pattern, error) {
	p, err := patternOf(strings.Fields(text))
	if err != nil {
		return nil, fmt.Errorf("sysex %.64q: %w", text, err)
	}
	return p, nil
}

func patternOf(words []string) (*pattern, error) {
	if len(words) == 0 || !strings.EqualFold(words[0], "f0") {
		return nil, errors.New("does not begin with F0")
	}
	words = words[1:]
	if n := len(words); n > 0 && strings.EqualFold(words[n-1], "f7") {
		words = words[:n-1]
	}
	if len(words) > maxPattern {
		return nil, fmt.Errorf("more than %d bytes", maxPattern)
	}
	p := new(pattern)
	for i, word := range words {
		switch {
		case word == "*":
			if i != len(words)-1 {
				return nil, errors.New("* stands at the end only")
			}
			p.rest = true
			continue
		case word == "??":
			p.bytes = append(p.bytes, anyByte)
			continue
		case len(word) != 2:
			return nil, fmt.Errorf("%.16q is not two hexadecimal digits, ?? or *", word)
		}
		b, err := strconv.ParseUint(word, 16, 8)
		if err != nil {
			return nil, fmt.Errorf("%.16q is not two hexadecimal digits, ?? or *", word)
		}
		if b >= 0x80 {
			return nil, fmt.Errorf("%s is no data byte, 00 to 7F", strings.ToUpper(word))
		}
		p.bytes = append(p.bytes, uint16(b))
	}
	return p, nil
}

// match reports whether msg, F0 to F7, looks like p. It does not allocate.
func (p *pattern) match(msg []byte) bool {
	if len(msg) < 2 {
		return false
	}
	body := msg[1 : len(msg)-1]
	if len(body) < len(p.bytes) || len(body) > len(p.bytes) && !p.rest {
		return false
	}
	for i, want := range p.bytes {
		if want != anyByte && want != uint16(body[i]) {
			return false
		}
	}
	return true
}
