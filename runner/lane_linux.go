package runner

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// InlineWait is how long Lane.Send waits for a reply itself, within a factor
// of two. A plugin that needs longer is waited for by its booth's goroutine.
const InlineWait = 2 * time.Millisecond

// clockStart is the zero of now.
var clockStart = time.Now()

// now is the monotonic clock, at half the price of time.Now.
func now() time.Duration { return time.Since(clockStart) }

// Lane is the event path of one goroutine: the one that gets MIDI events and
// sends triggers. A Lane belongs to the goroutine that made it: on another the
// watchdog would interrupt the wrong thread, and a slow plugin hold up Send.
//
// Send sleeps in read(2). Waiting in ppoll first, to bound the sleep, would be
// one more system call for each trigger (docs/decisions/0004). Instead a watchdog
// interrupts a thread that sleeps too long, by a signal.
type Lane struct {
	tid  int
	dog  *watchdog
	busy atomic.Int64 // when the sleep began, in nanoseconds of now; 0 is awake
}

// NewLane locks the calling goroutine to its thread and, unless cpu is -1,
// the thread to that processor; the workers it sends to belong on the same
// one. Close it on the same goroutine.
func (h *Host) NewLane(cpu int) (*Lane, error) {
	runtime.LockOSThread()
	l := &Lane{tid: unix.Gettid(), dog: h.dog}
	if cpu >= 0 {
		var set unix.CPUSet
		set.Set(cpu)
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			runtime.UnlockOSThread()
			return nil, fmt.Errorf("pin to cpu %d: %w", cpu, os.NewSyscallError("sched_setaffinity", err))
		}
	}
	preferThread() // a lane works without, only slower
	h.dog.add(l)
	return l, nil
}

// LaneUrgency is how the thread of a lane made now would be scheduled:
// "realtime", "short slice" or "default"; each is slower than the one before.
func LaneUrgency() string {
	urgent := make(chan string)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with us
		urgent <- preferThread()
	}()
	return <-urgent
}

// preferThread has the scheduler prefer the calling thread, as far as this
// user may. What it buys: a reply wakes the lane at once, instead of when the
// worker goes to sleep.
func preferThread() string {
	// RLIMIT_RTPRIO or CAP_SYS_NICE; sched(7). The lowest real-time priority
	// does, and children start without it.
	rt := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1, Flags: unix.SCHED_FLAG_RESET_ON_FORK}
	if unix.SchedSetAttr(0, &rt, 0) == nil {
		return "realtime"
	}
	// A time slice of one's own choice, Linux 6.12; older kernels ignore it. As
	// runner/jail does for workers: policy and nice value stay.
	slice, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return "default"
	}
	slice.Runtime = uint64(100 * time.Microsecond)
	if unix.SchedSetAttr(0, slice, 0) == nil {
		return "short slice"
	}
	return "default"
}

// Close ends the lane. The thread stays locked, so that it ends with its
// goroutine: it is pinned, and no other goroutine should inherit that.
func (l *Lane) Close() { l.dog.remove(l) }

func (l *Lane) enter(at time.Duration) {
	l.busy.Store(int64(at) | 1) // never 0
	if l.dog.asleep.Load() {
		l.dog.rouse()
	}
}

func (l *Lane) leave() { l.busy.Store(0) }

// LastCPU returns the highest processor this process might run on when it was
// first asked: the one for lanes and workers. A pipe round trip between two
// processors takes several times as long as one on the same.
var LastCPU = sync.OnceValues(func() (int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return 0, os.NewSyscallError("sched_getaffinity", err)
	}
	for cpu := len(set)*64 - 1; cpu >= 0; cpu-- {
		if set.IsSet(cpu) {
			return cpu, nil
		}
	}
	return 0, os.NewSyscallError("sched_getaffinity", unix.EINVAL)
})

// wakeSignal interrupts a lane's read. It is a real-time signal that neither
// Go nor libc uses.
const wakeSignal = unix.Signal(45)

// watchIdle is how long after the last trigger the watchdog goes to sleep.
const watchIdle = time.Second

// watchdog interrupts lanes that wait too long. While triggers come it looks
// every half InlineWait; otherwise it sleeps.
type watchdog struct {
	mu     sync.Mutex
	lanes  []*Lane
	asleep atomic.Bool
	wake   chan struct{}
	stop   chan struct{}
}

func newWatchdog() (*watchdog, error) {
	if err := interruptReads(); err != nil {
		return nil, err
	}
	d := &watchdog{wake: make(chan struct{}, 1), stop: make(chan struct{})}
	go d.run()
	return d, nil
}

func (d *watchdog) close() { close(d.stop) }

func (d *watchdog) add(l *Lane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lanes = append(d.lanes, l)
}

func (d *watchdog) remove(l *Lane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.lanes {
		if d.lanes[i] == l {
			d.lanes = append(d.lanes[:i], d.lanes[i+1:]...)
			return
		}
	}
}

func (d *watchdog) rouse() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *watchdog) run() {
	tick := time.NewTicker(InlineWait / 2)
	defer tick.Stop()
	last := now()
	for {
		select {
		case <-d.stop:
			return
		case <-tick.C:
		case <-d.wake:
			tick.Reset(InlineWait / 2)
			d.asleep.Store(false)
			last = now()
		}
		if d.look() {
			last = now()
		}
		if now()-last > watchIdle {
			tick.Stop()
			d.asleep.Store(true)
			// A lane that began just before that did not see it.
			if d.look() {
				d.rouse()
			}
		}
	}
}

// look interrupts whoever waits too long, and reports whether anyone waits.
// A signal that comes just before the read is lost; the next look sends
// another.
func (d *watchdog) look() (waiting bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lanes {
		since := time.Duration(l.busy.Load())
		if since == 0 {
			continue
		}
		waiting = true
		if now()-since > InlineWait {
			_ = unix.Tgkill(os.Getpid(), l.tid, wakeSignal)
		}
	}
	return waiting
}

// interruptReads takes SA_RESTART from wakeSignal, so that it ends a read
// with EINTR, signal(7). The handler stays the Go runtime's own, which
// ignores a signal that nobody has asked for.
func interruptReads() error {
	var a struct { // rt_sigaction(2), the kernel's structure on amd64 and arm64
		handler  uintptr
		flags    uint64
		restorer uintptr
		mask     uint64
	}
	const restart = 0x10000000 // SA_RESTART
	p := uintptr(unsafe.Pointer(&a))
	if _, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(wakeSignal), 0, p, 8, 0, 0); e != 0 {
		return os.NewSyscallError("rt_sigaction", e)
	}
	if a.handler <= 1 { // SIG_DFL would kill us, SIG_IGN would not interrupt
		return fmt.Errorf("internal error: signal %d has no handler", wakeSignal)
	}
	a.flags &^= restart
	_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(wakeSignal), p, 0, 8, 0, 0)
	return os.NewSyscallError("rt_sigaction", errnoOrNil(e))
}

func errnoOrNil(e unix.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}
