package main

import (
	"strings"
	"testing"

	"github.com/gdamore/tcell/v3"
	"github.com/gdamore/tcell/v3/vt"
)

// TestPaint: text stays in its column, however wide its characters are, and
// no order to the terminal gets through, even one that view has overlooked.
func TestPaint(t *testing.T) {
	t.Setenv("LC_ALL", "C.UTF-8")
	t.Setenv("TERM", "xterm")
	term := vt.NewMockTerm(vt.MockOptSize{X: 20, Y: 6})
	screen, err := tcell.NewTerminfoScreenFromTty(term, topOptions...)
	if err != nil {
		t.Fatal(err)
	}
	if err := screen.Init(); err != nil {
		t.Fatal(err)
	}
	defer screen.Fini()
	paint(screen, []topLine{
		{{0, 20, strings.Repeat("x", 30), lookPlain}},
		{{0, 20, "", lookSelected}, {0, 5, "abcdefgh", lookSelected}, {6, 3, "ijk", lookSelected}},
		{{0, 5, "漢字漢字", lookPlain}, {5, 3, "ijk", lookPlain}},
		{{0, 18, "\x1b[2J\x1b]0;owned\a\x9b31m\u009b31m", lookBad}},
		{{18, 9, "end", lookTitle}}, // a cell that was never written is empty
	})
	if err := term.Drain(); err != nil {
		t.Fatal(err)
	}
	row := func(y int) (text string) {
		for x := range 20 {
			text += term.GetCell(vt.Coord{X: vt.Col(x), Y: vt.Row(y)}).C
		}
		return strings.TrimRight(text, " ")
	}
	for y, want := range []string{strings.Repeat("x", 20), "abcde ijk", "漢字 ijk", "[2J]0;owned31m31m", "en", ""} {
		if y == 3 { // what is left of it differs; it must be text
			if got := row(y); !strings.Contains(got, "[2J") || strings.ContainsAny(got, "\x1b\a\u009b") {
				t.Errorf("line %d: %q", y, got)
			}
			continue
		}
		if got := row(y); got != want {
			t.Errorf("line %d: %q, want %q", y, got, want)
		}
	}
	if term.GetTitle() == "owned" || term.Bells() > 0 {
		t.Errorf("title %q, %d bells", term.GetTitle(), term.Bells())
	}
}

func TestKeys(t *testing.T) {
	for _, test := range []struct {
		event *tcell.EventKey
		want  topKey
	}{
		{tcell.NewEventKey(tcell.KeyRune, "q", 0), keyQuit},
		{tcell.NewEventKey(tcell.KeyCtrlC, "c", tcell.ModCtrl), keyQuit},
		{tcell.NewEventKey(tcell.KeyRune, "q", tcell.ModAlt), keyOther},
		{tcell.NewEventKey(tcell.KeyRune, "s", 0), keySort},
		{tcell.NewEventKey(tcell.KeyRune, "é", 0), keyOther},
		{tcell.NewEventKey(tcell.KeyDown, "", 0), keyDown},
		{tcell.NewEventKey(tcell.KeyEnter, "", 0), keyEnter},
		{tcell.NewEventKey(tcell.KeyEscape, "", 0), keyBack},
		{tcell.NewEventKey(tcell.KeyF1, "", 0), keyOther},
	} {
		if got := keyOf(test.event); got != test.want {
			t.Errorf("%s: %d, want %d", test.event.Name(), got, test.want)
		}
	}
}
