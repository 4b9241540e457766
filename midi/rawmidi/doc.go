// Package rawmidi reads and writes the character devices of MIDI hardware,
// /dev/snd/midiC*D*, without ALSA's library and its sequencer, in plain Go.
// Nothing stands between the device and midi.Parser, so latency is lowest and
// a system exclusive message has no parts that could be lost apart. A device
// is for one program at a time, and other programs' ports are not there.
//
// It needs Linux; on other systems every function returns an error that wraps
// errors.ErrUnsupported.
package rawmidi
