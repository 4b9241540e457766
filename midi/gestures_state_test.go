package midi_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
)

func TestTimeOfDay(t *testing.T) {
	for at, want := range map[string]string{
		"17:59": "day", "18:00": "night", "23:59": "night", "00:00": "night", "01:59": "night", "02:00": "day", "12:00": "day",
	} {
		b := newBand()
		b.use(t, "night note=60,time='18:00-02:00'\nday note=60,time='2:00-18:00'")
		clock, err := time.Parse("15:04", at)
		if err != nil {
			t.Fatal(err)
		}
		b.wall = clock
		b.play(t, "0 90 3c 40")
		if !slices.Equal(b.got, []string{want}) {
			t.Errorf("%s: %q, want %s", at, b.got, want)
		}
	}
}

// TestReleaseAfterTheHour: the release belongs to the press, also when by then
// the mapping would not have been in force.
func TestReleaseAfterTheHour(t *testing.T) {
	b := newBand()
	b.use(t, "n note=60,time='11:00-12:01'\nr note=60,release=true,time='11:00-12:01'")
	b.play(t, "0 90 3c 40")
	b.wall = b.wall.Add(time.Hour)
	b.play(t, "9 80 3c 00; 10 90 3c 40; 19 80 3c 00")
	if want := []string{"n", "r/9ms"}; !slices.Equal(b.got, want) {
		t.Errorf("%q, want %q", b.got, want)
	}
}

// TestTapsOverTheMinute: a gesture does not end because a minute does.
func TestTapsOverTheMinute(t *testing.T) {
	b := newBand()
	b.use(t, "d note=60,taps=2,time='11:00-13:00'")
	b.play(t, "0 90 3c 40")
	b.wall = b.wall.Add(time.Minute)
	b.play(t, "9 90 3c 40")
	if want := []string{"d/2/9ms"}; !slices.Equal(b.got, want) {
		t.Errorf("%q, want %q", b.got, want)
	}
}

// TestNewMappings: what has begun under other mappings ends there.
func TestNewMappings(t *testing.T) {
	for name, tc := range map[string]struct{ before, stream, after, rest, want string }{
		"release":         {"n note=60\nr note=60,release=true", "0 90 3c 40", "x note=60\nxr note=60,release=true", "5 80 3c 00; 6 90 3c 40; 8 80 3c 00", "[n r/5ms x xr/2ms]"},
		"release is gone": {"n note=60\nr note=60,release=true", "0 90 3c 40", "x cc=7", "5 80 3c 00; 6 80 3c 00", "[n r/5ms]"},
		"hold":            {"h note=60,hold='100ms'", "0 90 3c 40", "x note=60,hold='50ms'", "100; 200 80 3c 00; 210 90 3c 40; 300", "[h/100ms x/50ms]"},
		"double tap":      {"d note=60,taps=2\nn note=60", "0 90 3c 40; 5 80 3c 00", "x note=60,taps=2", "10 90 3c 40; 20 90 3c 40", "[n/10ms x/2/10ms]"},
		"chord":           {"c chord=[60,64]", "0 90 3c 40", "x chord=[60,64]", "10 90 40 40; 100", "[]"},
		"chord complete":  {"c chord=[60,64]", "0 90 3c 40; 1 90 40 40", "x chord=[60,64]", "100", "[c/[60/64]/1ms]"},
		"last value":      {"v cc=7,every='50ms'", "0 b0 07 01; 1 b0 07 02", "x cc=7,every='50ms'", "20 b0 07 03; 21 b0 07 04; 100", "[v v x x]"},
		"previous value":  {"v cc=7", "0 b0 07 01", "x cc=7,crosses=64", "20 b0 07 40", "[v x]"},
		"same again":      {"n note=60\nr note=60,release=true", "0 90 3c 40; 1 80 3c 00", "n note=60", "5 80 3c 00; 6 90 3c 40", "[n r/1ms n]"},
	} {
		b := newBand()
		b.use(t, tc.before)
		b.play(t, tc.stream)
		b.use(t, tc.after)
		b.play(t, tc.rest)
		if got := fmt.Sprint(b.got); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// TestEnd: what waits at the end of a source is not lost, and holds no mode.
func TestEnd(t *testing.T) {
	for name, tc := range map[string]struct{ mappings, stream, want string }{
		"note that may be a hold": {"n note=60\nh note=60,hold='1s'", "0 90 3c 40", "[n/2ms]"},
		"note that may be a tap":  {"n note=60\nd note=60,taps=2", "0 90 3c 40", "[n/300ms]"},
		"chord":                   {"c chord=[60,64]", "0 90 3c 40; 1 90 40 40", "[c/[60/64]/1ms]"},
		"chord, hold":             {"c chord=[60,64]\nn note=60\nh note=60,hold='10ms'", "0 90 3c 40", "[n/50ms]"},
		"last value":              {"v cc=7,every='50ms'", "0 b0 07 01; 1 b0 07 02; 2 b0 07 03", "[v v]"},
		"nothing":                 {"n note=60\nr note=60,release=true", "0 90 3c 40", "[n]"},
	} {
		b := newBand()
		b.use(t, tc.mappings+"\nm note=1->edit!")
		b.play(t, tc.stream+"; 2 91 01 40")
		if b.modes.Current() != "edit" {
			t.Errorf("%s: mode %q", name, b.modes.Current())
		}
		b.End()
		if got := fmt.Sprint(b.got); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
		if due, ok := b.Next(); ok || b.modes.Current() != "default" {
			t.Errorf("%s: something is due at %v, mode %q", name, due, b.modes.Current())
		}
	}
}

// TestLift: a port that vanishes leaves no key and no pedal down.
func TestLift(t *testing.T) {
	b := newBand()
	b.use(t, "n note=60\nr note=60,release=true\np cc=64\nm note=1->edit!")
	b.play(t, "0 90 3c 40; 1 90 3d 40; 2 b0 40 7f; 3 90 01 40")
	b.Lift()
	if want := []string{"n", "p", "r/3ms", "p"}; !slices.Equal(b.got, want) || b.modes.Current() != "default" {
		t.Errorf("%q, want %q; mode %q", b.got, want, b.modes.Current())
	}
	b.Lift()
	if len(b.got) != 4 {
		t.Errorf("lifted twice: %q", b.got)
	}
}

// TestModesAreShared: a key of one source changes what another's keys do.
func TestModesAreShared(t *testing.T) {
	b, other := newBand(), newBand()
	other.Gestures = midi.NewGestures(b.modes, func(*midi.Mapping, *midi.Event, *midi.Gesture) {})
	var seen []string
	b.modes.Changed = func(mode string) { seen = append(seen, mode) }
	const mappings = "m note=1->edit!\ns note=2->live\nd note=60,mode='default'\ne note=60,mode='edit'"
	b.use(t, mappings)
	other.use(t, mappings)
	other.play(t, "0 90 01 40")
	b.play(t, "1 90 3c 40; 2 80 01 00; 3 90 3c 40")
	other.End()
	b.play(t, "4 90 3c 40; 5 90 02 40; 6 90 3c 40")
	if want := []string{"e", "e", "d"}; !slices.Equal(b.got, want) {
		t.Errorf("%q, want %q", b.got, want)
	}
	if want := []string{"edit", "default", "live"}; !slices.Equal(seen, want) {
		t.Errorf("modes %q, want %q", seen, want)
	}
}

func TestModesAdopt(t *testing.T) {
	asks := compileTrigger(t, "note=1,mode='edit'")
	for name, tc := range map[string]struct {
		mappings []midi.Mapping
		want     string
	}{
		"set":     {[]midi.Mapping{{SetMode: "edit"}}, "edit"},
		"asked":   {[]midi.Mapping{{Trigger: asks}}, "edit"},
		"unknown": {[]midi.Mapping{{Plugin: "edit"}}, "start"},
	} {
		m := midi.NewModes("edit")
		m.Adopt(tc.mappings, "start")
		if m.Current() != tc.want {
			t.Errorf("%s: %q, want %q", name, m.Current(), tc.want)
		}
	}
}

// TestManyKeysWait: beyond the keys that can wait, keys are notes at once, and
// each still gets its release.
func TestManyKeysWait(t *testing.T) {
	b := newBand()
	b.use(t, "n note='0-127'\nd note='0-127',taps=2\nr note='0-127',release=true")
	count := map[string]int{}
	for ch := range 16 {
		for key := range 128 {
			e := event(t, "pad", 0x90|byte(ch), byte(key), 1)
			b.Feed(&e)
		}
	}
	if len(b.got) != 16*128-64 {
		t.Errorf("%d notes at once, want all but 64", len(b.got))
	}
	for ch := range 16 {
		for key := range 128 {
			e := event(t, "pad", 0x80|byte(ch), byte(key), 0)
			b.Feed(&e)
		}
	}
	b.End()
	for _, g := range b.got {
		count[g[:1]]++
	}
	if count["n"] != 16*128 || count["r"] != 16*128 || len(count) != 2 {
		t.Errorf("%v, want all notes and their releases", count)
	}
}

func TestVelocities(t *testing.T) {
	v, err := midi.ParseVelocities(map[string]any{"soft": "1-10", "ghost": int64(5)})
	if err != nil {
		t.Fatal(err)
	}
	specs, err := decode("[[mappings]]\nname='a'\ntrigger={note=1,velocity='soft'}\n[[mappings]]\nname='b'\ntrigger={note=1,velocity='ghost'}\n[[mappings]]\nname='c'\ntrigger={note=1,velocity='hard'}\n[[mappings]]\nname='d'\ntrigger={note=1,velocity=7}")
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Resolve(specs); err != nil {
		t.Fatal(err)
	}
	var got []any
	for _, s := range specs {
		got = append(got, s.Trigger.Velocity)
	}
	if fmt.Sprint(got) != "[1-10 5-5 85-127 7]" {
		t.Errorf("%v", got)
	}
	specs[0].Trigger.Velocity = "loud"
	if err := v.Resolve(specs); err == nil || err.Error() != `mapping "a": trigger: velocity "loud": no such name; there are ghost, hard, medium, soft` {
		t.Errorf("%v", err)
	}
	for text, spec := range map[string]map[string]any{
		`velocities: "1x": a name has 1 to 64 bytes and begins with no digit, dash or space`: {"1x": 1},
		`velocities: "a" 128: above 127`:                           {"a": 128},
		`velocities: "a": 0 is a release`:                          {"a": "0-5"},
		`velocities: "a" "C4": not a number or a range of numbers`: {"a": "C4"},
	} {
		if _, err := midi.ParseVelocities(spec); err == nil || err.Error() != text {
			t.Errorf("%v, want %s", err, text)
		}
	}
}

func TestGesturesDoNotAllocate(t *testing.T) {
	b := newBand()
	n := 0
	b.Gestures = midi.NewGestures(b.modes, func(*midi.Mapping, *midi.Event, *midi.Gesture) { n++ })
	b.use(t, `n note='0-127'
		r note='0-127',release=true
		h note=60,hold='100ms'
		d note=61,taps=2
		c chord=[62,64]
		m note=1->edit!
		s note=2->live
		q note=3,mode='edit'
		e cc=20,encoder='signed_bit'
		v cc=7,every='50ms',previous='0-127'
		x pitch_bend='0-16383',crosses=8192
		k clock=2
		p cc=64,mode='edit'
		a poly_aftertouch='0-127',every='50ms'`)
	var events []midi.Event
	for _, raw := range [][]byte{
		{0x90, 60, 1}, {0x90, 5, 1}, {0x90, 61, 1}, {0x80, 61, 1}, {0x90, 61, 1}, {0x80, 61, 1}, {0x90, 62, 1}, {0x90, 64, 1},
		{0x80, 62, 1}, {0x80, 64, 0}, {0x90, 1, 1}, {0x90, 3, 1}, {0xb0, 64, 127}, {0x80, 1, 0}, {0x90, 3, 1}, {0x80, 3, 1}, {0xb0, 64, 0}, {0xb0, 64, 127},
		{0x90, 2, 1}, {0xb0, 20, 1}, {0xb0, 7, 1}, {0xb0, 7, 2}, {0xe0, 0, 0}, {0xe0, 0, 65}, {0xf8}, {0xf8}, {0xa0, 1, 2}, {0xa0, 1, 3}, {0x80, 60, 0},
	} {
		events = append(events, event(t, "pad", raw...))
	}
	at := time.Duration(0)
	if allocs := testing.AllocsPerRun(100, func() {
		for i := range events {
			at += 5 * time.Millisecond
			events[i].Time = at
			b.Feed(&events[i])
		}
		at += time.Second
		b.Advance(at)
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if n < 101*20 {
		t.Errorf("only %d triggers", n)
	}
}

func BenchmarkGestures(b *testing.B) {
	for name, more := range map[string]string{"plain": "", "with taps of another key": "\nd note=61,taps=2"} {
		b.Run(name, func(b *testing.B) {
			g := midi.NewGestures(midi.NewModes("default"), func(*midi.Mapping, *midi.Event, *midi.Gesture) {})
			s := &band{Gestures: g}
			lines := ""
			for i := range 100 {
				lines += fmt.Sprintf("n%d note=%d,device='*Launchpad*'\n", i, i)
			}
			s.use(b, lines+more)
			e := event(b, "Launchpad Mini", 0x90, 60, 100)
			b.ReportAllocs()
			for b.Loop() {
				g.Feed(&e)
			}
		})
	}
}

// TestStruckAgain: what goes down again without having come up is in force as
// its release has left things, not as they were before.
func TestStruckAgain(t *testing.T) {
	const shift = "shift note=36,mode='default'->edit!\nd note=60,mode='default'\ne note=60,mode='edit'"
	const pedal = "down cc=64,value='64-127',mode='default'->edit\nup cc=64,value='0-63'->default\nd note=60,mode='default'\ne note=60,mode='edit'"
	for name, tc := range map[string]struct{ mappings, stream, want string }{
		"key":                {shift, "0 90 24 40; 10 90 24 40; 20 90 3c 40; 25 80 3c 00; 30 80 24 00; 40 90 3c 40", "[e d]"},
		"key, came up":       {shift, "0 90 24 40; 5 80 24 00; 10 90 24 40; 20 90 3c 40; 25 80 3c 00; 30 80 24 00; 40 90 3c 40", "[e d]"},
		"pedal":              {pedal, "0 b0 40 7f; 10 b0 40 7f; 20 90 3c 40; 25 80 3c 00; 30 b0 40 00; 40 90 3c 40", "[e d]"},
		"pedal, came up":     {pedal, "0 b0 40 7f; 5 b0 40 00; 10 b0 40 7f; 20 90 3c 40; 25 80 3c 00; 30 b0 40 00; 40 90 3c 40", "[e d]"},
		"another mode's key": {"shift note=36->edit!\nd note=60,mode='default'\ne note=60,mode='edit'", "0 90 24 40; 10 90 24 40; 20 90 3c 40; 25 80 3c 00; 30 80 24 00; 40 90 3c 40", "[e d]"},
	} {
		b := newBand()
		b.use(t, tc.mappings)
		b.play(t, tc.stream)
		if got := fmt.Sprint(b.got); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
