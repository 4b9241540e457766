// Package sequencer asks ALSA's sequencer, the Linux kernel's switchboard of
// MIDI ports, for what PortMidi and RtMidi do not tell: which ports there
// are, that one has gone, when there is something to read, and whether
// messages were lost on the way. It talks to /dev/snd/seq itself, in plain
// Go, after sound/asequencer.h. It moves no MIDI.
//
// On other systems, and on processors whose ioctl numbers are put together
// in another way, every function returns an error that wraps
// errors.ErrUnsupported.
package sequencer
