// Package miditest has MIDI ports and a clock that live in memory, for tests
// of whatever stands between ports.
package miditest
