package verify

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// go-minisign reads the text forms liberally: it skips line breaks inside
// base64, ignores what base64's last bits say, drops carriage returns and does
// not look at the first line. These helpers leave one spelling for each value,
// so that nothing can be changed or appended unnoticed; only the words of the
// untrusted comment are free, as in minisign.

// splitText cuts text into exactly n lines, each ended by a newline.
func splitText(text []byte, n int) ([]string, error) {
	if len(text) > maxKeyText {
		return nil, fmt.Errorf("larger than %d bytes", maxKeyText)
	}
	body, ended := strings.CutSuffix(string(text), "\n")
	lines := strings.Split(body, "\n")
	switch {
	case !ended:
		return nil, errors.New("last line has no end")
	case len(lines) != n:
		return nil, fmt.Errorf("%d lines where minisign writes %d", len(lines), n)
	}
	return lines, nil
}

// comment returns what follows prefix in line.
func comment(line, prefix string) (string, error) {
	words, ok := strings.CutPrefix(line, prefix)
	if !ok {
		return "", fmt.Errorf("no %q line", strings.TrimSuffix(prefix, ": "))
	}
	if !utf8.ValidString(words) {
		return "", errors.New("comment is not UTF-8")
	}
	for _, r := range words {
		// A carriage return is one of these: a file that went through a
		// text conversion is refused, not guessed at.
		if r != '\t' && unicode.IsControl(r) {
			return "", fmt.Errorf("control character %q in a comment", r)
		}
	}
	return words, nil
}

// payload decodes a base64 line of exactly size bytes in its one canonical
// spelling.
func payload(line string, size int) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(line)
	if err != nil {
		return nil, errors.New("not base64")
	}
	if len(data) != size {
		return nil, fmt.Errorf("%d bytes, not %d", len(data), size)
	}
	if base64.StdEncoding.EncodeToString(data) != line {
		return nil, errors.New("base64 is not in canonical form")
	}
	return data, nil
}
