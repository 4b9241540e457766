// Package quiet keeps ALSA's library, which PortMidi and RtMidi link, from
// writing to standard error.
package quiet
