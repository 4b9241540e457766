package profiles

import "fmt"

// maxNear is how many letters a name may be off for it to be proposed.
const maxNear = 2

// meant is the words "; is it NAME?" with the one of names that is nearest to
// what was written, or "" when none is near.
func meant(word string, names []string) string {
	best, least := "", maxNear+1
	for _, name := range names {
		if d := distance(word, name); d < least && 2*d < len(name) {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; is it %q?", best)
}

// distance is how many letters have to be changed, put in or left out to make
// b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := above
			if a[i] != b[j] {
				change++
			}
			above = row[j+1]
			row[j+1] = min(change, row[j]+1, above+1)
		}
	}
	return row[len(b)]
}
