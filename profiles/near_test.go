package profiles

import "testing"

func TestMeant(t *testing.T) {
	names := []string{"strict", "threads", "files", "read"}
	for _, test := range []struct{ word, want string }{
		{"strikt", `; is it "strict"?`},
		{"thread", `; is it "threads"?`},
		{"flies", `; is it "files"?`},
		{"raed", ""}, // half of it would be another word
		{"rea", `; is it "read"?`},
		{"", ""},
		{"something", ""},
	} {
		if got := meant(test.word, names); got != test.want {
			t.Errorf("%q: %q, want %q", test.word, got, test.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "ab", 2}, {"ab", "", 2}, {"ab", "ab", 0},
		{"openat", "opnat", 1}, {"openat", "poenat", 2}, {"kitten", "sitting", 3},
	} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%q, %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
