package rawmidi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/isobooth/isobooth/midi"
	"golang.org/x/sys/unix"
)

// ErrRunning: In.Run was called while it runs already.
var ErrRunning = errors.New("MIDI port is being read already")

// OpenIn opens a port that Ports has listed.
func (Driver) OpenIn(p midi.Port) (midi.In, error) {
	in, err := openIn(p)
	if err != nil {
		return nil, fmt.Errorf("open MIDI in port %q: %w", p.Name, err)
	}
	return in, nil
}

func openIn(p midi.Port) (*In, error) {
	f, err := open(p, false)
	if err != nil {
		return nil, err
	}
	if err := prepare(f, streamIn); err != nil {
		f.Close()
		return nil, err
	}
	return newIn(p.Name, f, losses), nil
}

// In is an open device, a midi.In.
type In struct {
	name   string
	file   *os.File
	losses func(*os.File) (lost, left uint64, err error)
	parser *midi.Parser

	overflows atomic.Uint64
	// gap is how many bytes come before the place where some are missing.
	gap int64

	mu      sync.Mutex
	running bool
	closed  bool
	cancel  context.CancelCauseFunc // ends Run
	idle    sync.WaitGroup
}

// newIn makes an In of f, which it closes.
func newIn(name string, f *os.File, losses func(*os.File) (lost, left uint64, err error)) *In {
	return &In{name: name, file: f, losses: losses, parser: midi.NewParser(name), gap: -1}
}

// losses returns how many bytes were lost since the last call because the
// buffer was full, and how many it holds, which all came before them.
func losses(f *os.File) (lost, left uint64, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	s := status{stream: streamIn}
	cerr := conn.Control(func(fd uintptr) {
		err = ioctl(fd, callStatus, "SNDRV_RAWMIDI_IOCTL_STATUS", &s)
	})
	return uint64(s.xruns), uint64(s.avail), errors.Join(cerr, err)
}

// Name returns the name of the port, which is the Device of its events.
func (in *In) Name() string { return in.name }

// Lost returns the counts so far. Any goroutine may call it.
func (in *In) Lost() midi.Lost {
	return midi.Lost{ParserStats: in.parser.Stats(), Overflows: in.overflows.Load()}
}

// Run delivers events on this goroutine until ctx is done (its cause), Close
// is called (midi.ErrClosed) or the device goes (midi.ErrGone). Event.Time is
// since Run was called. What arrived before Run is delivered first. It may be
// called again afterwards, and goes on where it was: in a running status, too.
func (in *In) Run(ctx context.Context, deliver func(*midi.Event)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := in.begin(cancel); err != nil {
		return err
	}
	defer in.end()
	r, stop, err := newReader(ctx, in.file)
	if err != nil {
		return fmt.Errorf("read MIDI port %q: %w", in.name, err)
	}
	defer stop()
	start := time.Now()
	var buf [1024]byte
	for {
		n, err := r.Read(buf[:])
		switch {
		case ctx.Err() != nil && n == 0:
			return context.Cause(ctx)
		case err == nil:
			err = in.feed(buf[:n], time.Since(start), deliver)
		}
		if errors.Is(err, unix.ENODEV) {
			err = midi.ErrGone
		}
		if err != nil {
			return fmt.Errorf("read MIDI port %q: %w", in.name, err)
		}
	}
}

// feed parses b, and begins anew where bytes are missing.
func (in *In) feed(b []byte, at time.Duration, deliver func(*midi.Event)) error {
	lost, left, err := in.losses(in.file)
	if err != nil {
		return err
	}
	if lost > 0 {
		in.overflows.Add(1)
		in.gap = int64(len(b)) + int64(left)
	}
	if in.gap >= 0 && in.gap <= int64(len(b)) {
		in.parser.Feed(b[:in.gap], at, deliver)
		in.parser.Reset()
		b, in.gap = b[in.gap:], -1
	} else if in.gap >= 0 {
		in.gap -= int64(len(b))
	}
	in.parser.Feed(b, at, deliver)
	return nil
}

func (in *In) begin(cancel context.CancelCauseFunc) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.closed:
		return midi.ErrClosed
	case in.running:
		return ErrRunning
	}
	in.running, in.cancel = true, cancel
	in.idle.Add(1)
	return nil
}

func (in *In) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.running = false
	in.idle.Done()
}

// Close ends Run, waits for it and closes the device. Only the first call has
// an effect. It must not be called from within deliver.
func (in *In) Close() error {
	in.mu.Lock()
	if in.closed {
		in.mu.Unlock()
		return nil
	}
	in.closed = true
	if in.running {
		in.cancel(midi.ErrClosed)
	}
	in.mu.Unlock()
	in.idle.Wait()
	in.parser.Reset() // counts what is unfinished
	if err := in.file.Close(); err != nil {
		return fmt.Errorf("close MIDI port %q: %w", in.name, err)
	}
	return nil
}
