// Package portmidi reads and writes the MIDI ports of this machine through
// PortMidi. It needs cgo, libportmidi and libporttime; without cgo every
// function returns an error that wraps errors.ErrUnsupported.
//
// The package uses the binding inside gomidi's portmididrv, v2.2.19, without
// the driver around it. That driver opens the sequencer in its init, in
// every run of the program, prints ALSA's complaints on standard error and
// panics where that fails; its listener races over a shared buffer for
// system exclusive messages, dies of one that is too long, and crashes when
// a port is closed too early. Here PortMidi is started when the first port is
// opened, In.Run polls the port itself and midi.Parser puts messages
// together.
//
// PortMidi does not tell when there is something to poll for, that a port was
// unplugged, or that one was plugged in. On Linux package sequencer does: Run
// sleeps until the port has sent something, and ends when it has gone; Ports
// lists what there is. PortMidi finds new ports only when it is started, which
// closes all others. To open one, this package does that: what the open ports
// have sent so far is kept, and they are opened again. If one of them sends
// something while it is closed, for some milliseconds, that is lost and
// counted in Lost.Overflows. On other systems In.Run polls, 2500 times a
// second, an unplugged port reports nothing, and one that is plugged in later
// is seen once no port of this process is open.
//
// What remains of PortMidi's own limits:
//
//   - ALSA keeps 2000 messages for PortMidi to fetch, or 56,000 bytes of
//     system exclusive, for all ports together. When they are too many,
//     because deliver blocks or Run is not called, it drops all of them.
//     PortMidi passes over that; it is counted from /proc/asound, and a
//     system exclusive message that may lack a part of it is dropped.
//   - With ALSA, PortMidi loses three bytes of a system exclusive message of
//     more than 256 bytes behind a clock or another real-time message in its
//     middle. Such a message is dropped and counted in Lost.SysExDropped.
//   - A burst of more than about a hundred messages to an out port can
//     overflow its buffer, sometimes without an error. Callers with more to
//     send must pace it.
//   - A process opens a port once.
package portmidi
