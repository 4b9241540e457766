package main

import (
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// answering is a plugin that answers each trigger with one controller message:
// its gesture as the number, the key as the value.
const answering = `
#include <isobooth/plugin.h>
static const struct isobooth_host *host;
static int32_t start(const struct isobooth_host *h, void **self) { host = h; *self = 0; return 0; }
static int32_t trigger(void *self, const struct isobooth_event *ev)
{
	uint8_t out[3] = {0xb0, ev->kind == ISOBOOTH_NOTE_OFF ? 100 : ev->gesture, ev->key};
	(void)self;
	return host->midi_out(out, 3);
}
static const struct isobooth_table table = {.size = sizeof(table), .abi = ISOBOOTH_ABI, .name = "a", .version = "1", .start = start, .trigger = trigger};
const struct isobooth_table *isobooth_plugin(uint32_t abi) { return abi == ISOBOOTH_ABI ? &table : 0; }
`

// compileMappings compiles specs for the plugin "a".
func compileMappings(t *testing.T, specs ...midi.MappingSpec) []midi.Mapping {
	t.Helper()
	for i := range specs {
		specs[i].Name = string(rune('a' + i))
		if specs[i].SetMode == "" {
			specs[i].Plugin = "a"
		}
	}
	mappings, err := midi.CompileAll(specs)
	if err != nil {
		t.Fatal(err)
	}
	return mappings
}

// TestDueWithoutAnEvent: a long press, and the last value of a rate limit, are
// served while the source delivers nothing; a press that came up is none. What
// begins after the mappings changed is for the new ones, and a release goes
// where its press went.
func TestDueWithoutAnEvent(t *testing.T) {
	requireBooths(t)
	root, programs := buildPrograms(t)
	plugin := buildPlugin(t, root, "a", answering)
	sent := make(chan [3]byte, 64)
	outs := newOutputs(func(msg []byte) error { sent <- [3]byte(msg); return nil }, midiLimits{rate: 1 << 20, burst: 1 << 20})
	r := newRig(t, programs, outs, plugin)
	next := func(what string, number, value byte) {
		t.Helper()
		select {
		case got := <-sent:
			if got != [3]byte{0xb0, number, value} {
				t.Fatalf("%s: % x, want b0 %02x %02x", what, got, number, value)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: did not happen\n%s", what, r.said())
		}
	}
	const hold, release = byte(midi.GestureHold), 100

	r.s.route(compileMappings(t,
		midi.MappingSpec{Trigger: midi.TriggerSpec{Note: "0-63", Hold: "200ms"}},
		midi.MappingSpec{Trigger: midi.TriggerSpec{Note: "60-61"}},
		midi.MappingSpec{Trigger: midi.TriggerSpec{Note: "0-127", Release: true}},
		midi.MappingSpec{Trigger: midi.TriggerSpec{CC: 7, Every: "100ms"}},
		midi.MappingSpec{SetMode: "edit", Trigger: midi.TriggerSpec{Note: 100}},
		midi.MappingSpec{Trigger: midi.TriggerSpec{Note: 70, Mode: "edit"}},
	), "default", r.s.boothOf())
	start := time.Now()
	push := func(raw ...byte) { r.cable.Push(time.Since(start), raw...) }
	push(0x90, 60, 1)
	next("a long press", hold, 60)
	push(0x80, 60, 0)
	next("its release", release, 60)
	push(0xb0, 7, 1)
	push(0xb0, 7, 2)
	next("a value", byte(midi.GestureMessage), 7)
	next("the last value", byte(midi.GestureMessage), 7)
	// Both come with the same time: the press is as short as can be.
	at := time.Since(start)
	r.cable.Push(at, 0x90, 61, 1)
	r.cable.Push(at, 0x80, 61, 0)
	next("a short press", byte(midi.GestureMessage), 61)
	next("its release", release, 61)
	push(0x90, 70, 1) // no mapping in this mode
	push(0x90, 100, 1)
	push(0x90, 70, 1)
	next("a key in another mode", byte(midi.GestureMessage), 70)

	push(0x90, 62, 1)
	next("a long press", hold, 62)
	r.s.route(compileMappings(t, midi.MappingSpec{Trigger: midi.TriggerSpec{Note: 62}}), "default", r.s.boothOf())
	push(0x80, 62, 0)
	next("a release under other mappings", release, 62)
	push(0x90, 62, 1)
	push(0x80, 62, 0)
	push(0x90, 62, 1)
	next("a press under other mappings", byte(midi.GestureMessage), 62)
	next("and another", byte(midi.GestureMessage), 62)
	r.stop()
	if len(sent) != 0 {
		t.Errorf("%d more triggers", len(sent))
	}
}
