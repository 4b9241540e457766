package midi

import "context"

// Driver is one way to the MIDI ports of this machine. Any goroutine may use
// it.
type Driver interface {
	// Name returns the name that the config has for it, such as "portmidi".
	Name() string

	// Ports lists what there is now. With none at all the lists are empty and
	// the error, if the reason is known, wraps ErrNoPorts.
	Ports() (ins, outs []Port, err error)

	// OpenIn and OpenOut open a port that Ports has listed. One that has gone
	// meanwhile is an error that wraps ErrNoSuchPort.
	OpenIn(Port) (In, error)
	OpenOut(Port) (Out, error)
}

// Port is a MIDI port of this machine, seen from us: an in port is one we
// read.
type Port struct {
	Name string // as the system reports it; not always unique
	// ID tells ports of one name apart, and stays the same for as long as the
	// port is there. It means something to its driver only.
	ID string
}

// In is an open in port, a source of events.
type In interface {
	Name() string // of the port; the Device of its events

	// Run delivers events on this goroutine until ctx is done (its cause),
	// Close is called (ErrClosed), or the port fails; the error of one that
	// has been unplugged wraps ErrGone. It may be called once.
	Run(ctx context.Context, deliver func(*Event)) error

	// Lost returns what has been lost so far between the wire and deliver.
	Lost() Lost

	// Close ends Run, waits for it and closes the port. Only the first call
	// has an effect. It must not be called from within deliver.
	Close() error
}

// Lost counts what did not become an event.
type Lost struct {
	ParserStats
	Overflows uint64 // times that a buffer between the port and us was full
}

// Out is an open out port. Any goroutine may use it.
type Out interface {
	Name() string

	// Send sends one complete message, status byte included; msg is the
	// caller's again when it returns. Anything else is refused with an error
	// that wraps ErrMessage. After Close it returns ErrClosed, and once the
	// port was unplugged an error that wraps ErrGone.
	Send(msg []byte) error

	Close() error // waits for Send; only the first call has an effect
}
