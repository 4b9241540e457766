// Generate writes demo.mid, the piece that the examples and the first steps
// in the documentation play: eight seconds on channel 1 that contain one of
// everything a trigger can wait for. Run it from the root of the repository:
//
//	go run ./examples/midi/generate [FILE]
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"

	"gitlab.com/gomidi/midi/v2"
	"gitlab.com/gomidi/midi/v2/smf"
)

func main() {
	path := "examples/midi/demo.mid"
	switch {
	case len(os.Args) == 2:
		path = os.Args[1]
	case len(os.Args) > 2:
		fmt.Fprintln(os.Stderr, "usage: generate [FILE]")
		os.Exit(2)
	}
	b, err := demo()
	if err == nil {
		err = os.WriteFile(path, b, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// Time is counted in ticks: 480 in a quarter, which lasts half a second.
const (
	quarter = 480
	eighth  = quarter / 2
	bar     = 4 * quarter
)

const (
	channel  = 0 // channel 1
	velocity = 88
)

// note is one key from at, in ticks since the start, for length ticks.
type note struct {
	key        uint8
	at, length uint32
}

// melody is four bars: C, A minor, F, G, each a held root under five notes
// of the right hand, and C again to end on.
func melody() []note {
	chords := []struct {
		root uint8
		hand [5]uint8
	}{
		{48, [5]uint8{64, 67, 72, 76, 74}},
		{45, [5]uint8{64, 69, 72, 76, 72}},
		{41, [5]uint8{65, 69, 72, 77, 76}},
		{43, [5]uint8{67, 71, 74, 71, 67}},
	}
	var notes []note
	for i, c := range chords {
		start := uint32(i) * bar
		notes = append(notes, note{c.root, start, bar - eighth})
		for j, key := range c.hand {
			notes = append(notes, note{key, start + uint32(j)*eighth, eighth - 20})
		}
	}
	end := 3*bar + 5*uint32(eighth)
	return append(notes,
		note{60, end, 3*eighth - 20},
		note{64, end, 3*eighth - 20},
		note{72, end, 3*eighth - 20},
	)
}

// event is a message at a tick since the start.
type event struct {
	at  uint32
	msg midi.Message
}

func events() []event {
	es := []event{
		{0, midi.ProgramChange(channel, 11)}, // vibraphone
		{0, midi.ControlChange(channel, midi.VolumeMSB, 100)},
		{0, midi.ControlChange(channel, midi.PanPositionMSB, 64)},
		// A swell on the last bar, and a scoop into the last chord.
		{3 * bar, midi.ControlChange(channel, midi.ExpressionMSB, 96)},
		{3*bar + quarter, midi.ControlChange(channel, midi.ExpressionMSB, 112)},
		{3*bar + 2*quarter, midi.ControlChange(channel, midi.ExpressionMSB, 127)},
		{3*bar + 5*eighth, midi.Pitchbend(channel, -2048)},
		{3*bar + 5*eighth + 40, midi.Pitchbend(channel, -1024)},
		{3*bar + 5*eighth + 80, midi.Pitchbend(channel, 0)},
	}
	for _, n := range melody() {
		es = append(es,
			event{n.at, midi.NoteOn(channel, n.key, velocity)},
			event{n.at + n.length, midi.NoteOff(channel, n.key)},
		)
	}
	// Stable: settings come before the notes they are for.
	slices.SortStableFunc(es, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return es
}

// demo returns the file.
func demo() ([]byte, error) {
	var track smf.Track
	track.Add(0, smf.MetaTrackSequenceName("isobooth demo"))
	track.Add(0, smf.MetaTempo(120))
	at := uint32(0)
	for _, e := range events() {
		track.Add(e.at-at, e.msg)
		at = e.at
	}
	track.Close(4*bar - at)

	file := smf.New()
	file.TimeFormat = smf.MetricTicks(quarter)
	if err := file.Add(track); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	_, err := file.WriteTo(&buf)
	return buf.Bytes(), err
}
