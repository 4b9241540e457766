// Package rtmidi reads and writes the MIDI ports of this machine through
// RtMidi, whose thread sleeps until a message comes. It needs cgo, a C++
// compiler and libasound; without cgo every function returns an error that
// wraps errors.ErrUnsupported.
//
// The package uses the binding inside gomidi's rtmididrv, v2.2.19, without
// the driver around it. What that binding does, and what we do about it:
//
//   - Its callback runs on RtMidi's thread. Here it copies the message into a
//     ring, and In.Run delivers it on the goroutine that called Run. What the
//     ring has no room for is lost and counted in Lost.Overflows.
//   - A message that comes while a port is closed makes it call a function
//     that is nil. Here RtMidi's thread is ended first.
//   - An error has a text that was freed already. Here no text of an error is
//     used, and what can be checked is checked before.
//   - After one failed call it does not free what it allocated. Here that is
//     done in its place.
//   - A message with a clock in the middle is cut in two. midi.Parser puts
//     it together again.
//   - A system exclusive message of more than 16 KiB is not sent, without an
//     error. Here it is sent in parts of 256 bytes.
//
// What remains of RtMidi's own limits:
//
//   - It keeps a system exclusive message until its end, however long; a port
//     that never ends one takes memory.
//   - It writes some complaints to standard error: that ALSA had no room for
//     a message, or that a port went while it was opened.
//   - Where there is no ALSA sequencer, a port that is unplugged reports
//     nothing.
package rtmidi
