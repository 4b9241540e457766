package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/isobooth/isobooth/profiles"
)

// midiLimits bound what one plugin may do at the MIDI output. See docs/config.md.
type midiLimits struct {
	rate   int // bytes a second
	burst  int // bytes
	hops   uint8
	window time.Duration
}

// Bounds of the values. A burst is sent on the event path, and a window is how
// long a player's own playing can be taken for an echo.
const (
	maxOutRate    = 1 << 20
	maxOutBurst   = 1 << 20
	maxHops       = 100
	maxEchoWindow = 10 * time.Second
)

// limits checks the keys of [midi] that are limits.
func (m *midiConfig) limits() (l midiLimits, err error) {
	size, ok := strings.CutSuffix(m.OutRate, "/s")
	if !ok {
		return l, fmt.Errorf("config: midi.out_rate: %q: want a size and /s, such as 3125B/s", m.OutRate)
	}
	if l.rate, err = outSize("out_rate", size, maxOutRate); err != nil {
		return l, err
	}
	if l.burst, err = outSize("out_burst", m.OutBurst, maxOutBurst); err != nil {
		return l, err
	}
	if m.MaxHops < 0 || m.MaxHops > maxHops {
		return l, fmt.Errorf("config: midi.max_hops: want 0 to %d, have %d", maxHops, m.MaxHops)
	}
	l.hops = uint8(m.MaxHops)
	if l.window, err = time.ParseDuration(m.EchoWindow); err != nil {
		return l, fmt.Errorf("config: midi.echo_window: %q: want a number and ms or s", m.EchoWindow)
	}
	if l.window < 0 || l.window > maxEchoWindow {
		return l, fmt.Errorf("config: midi.echo_window: %q: want 0s to %v", m.EchoWindow, maxEchoWindow)
	}
	return l, nil
}

func outSize(key, text string, most uint64) (int, error) {
	n, err := profiles.ParseSize(text)
	if err != nil {
		return 0, fmt.Errorf("config: midi.%s: %w", key, err)
	}
	if n < 1 || n > most {
		return 0, fmt.Errorf("config: midi.%s: want 1B to %dB, have %q", key, most, text)
	}
	return int(n), nil
}
