// Package portmidi reads and writes the MIDI ports of this machine through
// PortMidi. It needs cgo, libportmidi and libporttime; without cgo every
// function returns an error that wraps errors.ErrUnsupported.
//
// The package uses the binding inside gomidi's portmididrv, v2.2.19, without
// the driver around it. That driver opens the sequencer in its init, in
// every run of the program, prints ALSA's complaints on standard error and
// panics where that fails; its listener races over a shared buffer for
// system exclusive messages, dies of one that is too long, and crashes when
// a port is closed too early. Here PortMidi is started at the first call
// that needs it, In.Run polls the port itself and midi.Parser puts messages
// together.
//
// What remains of PortMidi's own limits:
//
//   - A port that is unplugged reports nothing: In.Run waits on.
//   - A port that is plugged in later is seen by the next Ports, OpenIn or
//     OpenOut, but only while no port of this process is open.
//   - PortMidi buffers 1024 short messages, or 4096 bytes of system
//     exclusive, between two polls. What does not fit is lost and counted in
//     Stats.Overflows.
//   - ALSA keeps a few hundred messages for PortMidi to fetch. When they are
//     too many, because deliver blocks or Run is not called, it drops all of
//     them, and PortMidi reports nothing. A system exclusive message of many
//     kilobytes can be lost in the same way, never in part.
//   - A burst of more than about a hundred messages to an out port can
//     overflow its buffer, sometimes without an error. Callers with more to
//     send must pace it.
package portmidi
