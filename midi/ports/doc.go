// Package ports keeps the MIDI ports open that a config asks for by name: those
// there are, and those that are plugged in later.
//
// A Manager works through any midi.Driver. It lists the driver's ports when
// Changes tells that some may have come or gone, opens every in port that one
// of its patterns matches, and has each served by a goroutine of its own. It
// closes what has been unplugged, whether or not the driver noticed, and tries
// again, ever more slowly, what could not be opened or has failed. Nothing in
// it polls where the system tells of changes.
//
// A driver does not list ports that it has made itself, so nothing here is ever
// connected to itself.
package ports
