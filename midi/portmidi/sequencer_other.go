//go:build !linux

package portmidi

// checkSequencer has nothing to check where MIDI is not a device file.
func checkSequencer() error { return nil }
