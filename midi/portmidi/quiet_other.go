//go:build cgo && !linux

package portmidi

// quiet has nothing to silence where MIDI is not ALSA's.
func quiet() {}
