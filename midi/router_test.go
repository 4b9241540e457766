package midi_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/isobooth/isobooth/midi"
)

func TestRouterOrder(t *testing.T) {
	specs := []midi.MappingSpec{
		{Name: "all", Trigger: midi.TriggerSpec{Note: "0-127"}},
		{Name: "wheel", Trigger: midi.TriggerSpec{PitchBend: "0-16383"}},
		{Name: "low", Trigger: midi.TriggerSpec{Note: "0-59"}},
		{Name: "release", Trigger: midi.TriggerSpec{Note: "0-127", Release: true}},
		{Name: "all again", Trigger: midi.TriggerSpec{Note: "0-127"}},
	}
	for i := range specs {
		specs[i].Plugin = "p"
	}
	mappings, err := midi.CompileAll(specs)
	if err != nil {
		t.Fatal(err)
	}
	router := midi.NewRouter(mappings)
	clear(mappings) // the router has its own
	for _, tc := range []struct {
		raw  []byte
		want []string
	}{
		{[]byte{0x90, 10, 1}, []string{"all", "low", "all again"}},
		{[]byte{0x90, 60, 1}, []string{"all", "all again"}},
		{[]byte{0x90, 60, 0}, []string{"release"}},
		{[]byte{0xe0, 0, 0}, []string{"wheel"}},
		{[]byte{0xb0, 0, 0}, nil},
		{[]byte{0xff}, nil},
		{[]byte{0xf0, 0xf7}, nil},
	} {
		var got []string
		e := event(t, "", tc.raw...)
		router.Match(&e, func(m *midi.Mapping) { got = append(got, m.Name) })
		if !slices.Equal(got, tc.want) {
			t.Errorf("% x: got %q, want %q", tc.raw, got, tc.want)
		}
	}
	var none midi.Event
	router.Match(&none, func(m *midi.Mapping) { t.Errorf("the zero Event matches %q", m.Name) })
}

func TestMatchDoesNotAllocate(t *testing.T) {
	var mappings []midi.Mapping
	for i, trigger := range []midi.TriggerSpec{
		{Note: "C1-C3", Velocity: "1-127", Channel: 10, Device: "*Lau[a-z]ch?ad*é*"},
		{Note: "C1-C3", Device: "nothing*"},
		{CC: 7, Value: "64-127", Device: "*"},
		{Program: 5},
		{PitchBend: "0-16383"},
		{Aftertouch: "1-127"},
		{PolyAftertouch: "C3", Value: "1-127"},
		{Note: 36, Release: true},
	} {
		m, err := midi.MappingSpec{Name: fmt.Sprint(i), Plugin: "p", Trigger: trigger}.Compile()
		if err != nil {
			t.Fatal(err)
		}
		mappings = append(mappings, m)
	}
	router := midi.NewRouter(mappings)
	const device = "Novation Launchpad café port"
	events := []midi.Event{
		event(t, device, 0x99, 36, 1), event(t, device, 0x89, 36, 1),
		event(t, device, 0xb0, 7, 64), event(t, device, 0xc0, 5),
		event(t, device, 0xe0, 0, 64), event(t, device, 0xd0, 1),
		event(t, device, 0xa0, 48, 1), event(t, device, 0xf8),
		event(t, device, 0xf0, 1, 0xf7),
	}
	matched := 0
	count := func(*midi.Mapping) { matched++ }
	if n := testing.AllocsPerRun(100, func() {
		for i := range events {
			router.Match(&events[i], count)
			for j := range mappings {
				mappings[j].Trigger.Match(&events[i])
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if matched != 101*7 { // AllocsPerRun has one run to warm up
		t.Errorf("%d matches, want %d", matched, 101*7)
	}
}

func BenchmarkRouter(b *testing.B) {
	var mappings []midi.Mapping
	for i := range 100 {
		m, err := midi.MappingSpec{Name: fmt.Sprint(i), Plugin: "p", Trigger: midi.TriggerSpec{Note: i, Device: "*Launchpad*"}}.Compile()
		if err != nil {
			b.Fatal(err)
		}
		mappings = append(mappings, m)
	}
	router := midi.NewRouter(mappings)
	e := event(b, "Launchpad Mini", 0x90, 60, 100)
	count := func(*midi.Mapping) {}
	for b.Loop() {
		router.Match(&e, count)
	}
}
