package profiles

import "testing"

func TestLineOf(t *testing.T) {
	text := []byte(`top = 1
[[maps]]
name = "a"
trigger = { note = 1,
} 
`)
	if got := LineOf(text, "top"); got != 1 {
		t.Errorf("a text that does not parse: line %d, want 1", got)
	}
	text = []byte(`top = 1
[[maps]]
name = "a"
trigger = { note = 1 }
[[maps]]
name = "b"
[maps.trigger]
note = 2
[alone]
key = 3
`)
	for path, want := range map[string]int{
		"top": 1, "maps[0]": 2, "maps[0].name": 3, "maps[0].trigger.note": 4, "maps[1].name": 6,
		"maps[1].trigger": 7, "maps[1].trigger.note": 8, "alone.key": 10,
		"maps[1].trigger.velocity": 7, "maps[0].plugin": 2, "none": 1,
	} {
		if got := LineOf(text, path); got != want {
			t.Errorf("%s: line %d, want %d", path, got, want)
		}
	}
}
