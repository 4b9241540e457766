package main

import (
	"github.com/gdamore/tcell/v3"
	"github.com/gdamore/tcell/v3/color"
)

// newTopScreen opens the terminal. Nothing is asked of it that it might answer
// late, when another program reads, and control characters cannot pass even
// if view let one through.
func newTopScreen() (tcell.Screen, error) {
	screen, err := tcell.NewTerminfoScreen(tcell.OptNegotiation(false), tcell.OptSanitizeContent(true))
	if err != nil {
		return nil, err
	}
	return screen, screen.Init()
}

var topStyles = map[topLook]tcell.Style{
	lookPlain:    tcell.StyleDefault,
	lookTitle:    tcell.StyleDefault.Bold(true),
	lookSelected: tcell.StyleDefault.Reverse(true),
	lookBad:      tcell.StyleDefault.Foreground(color.Red),
}

// paint shows a view.
func paint(screen tcell.Screen, lines []topLine) {
	screen.Clear()
	for y, line := range lines {
		for _, t := range line {
			paintText(screen, y, t)
		}
	}
	screen.Show()
}

// paintText fills the width of a text, cut or padded.
func paintText(screen tcell.Screen, y int, t topText) {
	style := topStyles[t.look]
	x, end, rest := t.x, t.x+t.width, t.text
	for x < end && rest != "" {
		more, width := screen.Put(x, y, rest, style)
		if width == 0 || x+width > end {
			screen.Put(x, y, " ", style) // half a character would reach into the next column
			width, more = 1, ""
		}
		x, rest = x+width, more
	}
	for ; x < end; x++ {
		screen.Put(x, y, " ", style)
	}
}

var topKeys = map[tcell.Key]topKey{
	tcell.KeyCtrlC: keyQuit, tcell.KeyUp: keyUp, tcell.KeyDown: keyDown, tcell.KeyPgUp: keyPageUp, tcell.KeyPgDn: keyPageDown,
	tcell.KeyHome: keyHome, tcell.KeyEnd: keyEnd, tcell.KeyEnter: keyEnter, tcell.KeyEscape: keyBack, tcell.KeyLeft: keyBack, tcell.KeyRight: keyEnter,
}

var topLetters = map[string]topKey{
	"q": keyQuit, "k": keyUp, "j": keyDown, "s": keySort, " ": keyPageDown,
}

// keyOf is what a key means.
func keyOf(e *tcell.EventKey) topKey {
	if e.Key() == tcell.KeyRune {
		if e.Modifiers()&(tcell.ModCtrl|tcell.ModAlt|tcell.ModMeta) != 0 {
			return keyOther
		}
		return topLetters[e.Str()]
	}
	return topKeys[e.Key()]
}
