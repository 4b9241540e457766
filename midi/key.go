package midi

import "strings"

// Key names count octaves so that middle C, key 60, is C4: C-1 is key 0 and
// G9 is key 127. Makers disagree by an octave (Yamaha prints C3 on the same
// key); a config that must not depend on it uses numbers.

// cutKey takes a key name off the front of s: a letter in either case, at
// most one # or b, and the octave. n may lie outside 0 to 127 ("Cb-1").
func cutKey(s string) (n int, rest string, ok bool) {
	if s == "" {
		return 0, s, false
	}
	// Semitones above C, by letter from A.
	above := [...]int{9, 11, 0, 2, 4, 5, 7}
	letter := s[0] | 0x20 // lower case, for letters
	if letter < 'a' || letter > 'g' {
		return 0, s, false
	}
	n = above[letter-'a']
	rest = s[1:]
	if after, sharp := strings.CutPrefix(rest, "#"); sharp {
		n, rest = n+1, after
	} else if after, flat := strings.CutPrefix(rest, "b"); flat {
		n, rest = n-1, after
	}
	rest, below := strings.CutPrefix(rest, "-")
	octave, rest, ok := cutDigits(rest)
	if !ok {
		return 0, s, false
	}
	if below {
		octave = -octave
	}
	return n + 12*(octave+1), rest, true
}
