package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// lockTime is how long another process may hold the log before an append
// fails. Appending takes milliseconds.
const lockTime = 5 * time.Second

// Log is a file, and those it was before, that several processes may append
// to. It is not safe for concurrent use within one.
type Log struct {
	// Notice, unless nil, is told when an append finds the log not as it was
	// left.
	Notice func(format string, args ...any)

	path   string
	rotate int64
	last   Head // the last record that we wrote, or zero
}

// Open checks that the log at path can be written by nobody else. A file
// larger than rotate bytes is renamed before the next record. Nothing is
// written; the folder must be there.
func Open(path string, rotate int64) (*Log, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	l := &Log{path: path, rotate: rotate}
	err = l.locked(func() error {
		_, err := l.end()
		return err
	})
	return l, err
}

// Path is the file that is written to.
func (l *Log) Path() string { return l.path }

// Head returns the last record of the log; zero when there is none yet.
func (l *Log) Head() (Head, error) {
	var head Head
	err := l.locked(func() error {
		t, err := l.end()
		head = t.head
		return err
	})
	return head, err
}

// Append writes the entries as one write(2), and returns when the disk has
// them. With an error, written is how many of them are in the log all the
// same.
func (l *Log) Append(entries ...Entry) (written int, err error) {
	err = l.locked(func() error {
		written, err = l.append(entries)
		return err
	})
	if err != nil {
		return written, fmt.Errorf("audit log: %w", err)
	}
	return written, nil
}

func (l *Log) append(entries []Entry) (int, error) {
	t, err := l.end()
	if err != nil {
		return 0, err
	}
	if t.size >= l.rotate && !t.torn && t.size > 0 {
		if err := l.putAside(t.head); err != nil {
			return 0, err
		}
	}
	f, err := openOurs(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var own []Entry
	if t.torn {
		own = append(own, Entry{Type: typeRecovered, Data: t.recovery()})
		l.notice("%s: %d bytes after record %d are no record; the next record names them", l.path, len(t.stray), t.head.Seq)
	}
	if l.last.Seq > t.head.Seq || l.last.Seq == t.head.Seq && l.last != t.head && l.last.Seq > 0 {
		own = append(own, Entry{Type: typeCut, Data: l.last})
		l.notice("%s ENDS with record %d: record %d, which this process wrote, is GONE", l.path, t.head.Seq, l.last.Seq)
	}
	if t.head.Seq == 0 {
		t.head.Hash = genesis
	}
	var text []byte
	if t.open {
		text = append(text, '\n')
	}
	var heads []Head
	var ends []int // of each line in text
	for _, e := range slices.Concat(own, entries) {
		line, head, err := t.head.next(e)
		if err != nil {
			return 0, err
		}
		text, t.head = append(text, line...), head
		ends, heads = append(ends, len(text)), append(heads, head)
	}
	n, err := f.Write(text)
	whole := len(ends)
	for whole > 0 && ends[whole-1] > n {
		whole--
	}
	if whole > 0 {
		l.last = heads[whole-1]
	}
	if err == nil {
		// Not all metadata: the size is what reading the lines back needs.
		if err = os.NewSyscallError("fdatasync", unix.Fdatasync(int(f.Fd()))); err == nil && t.size == 0 {
			err = syncFolder(l.path)
		}
	}
	return max(0, whole-len(own)), err
}

func (l *Log) notice(format string, args ...any) {
	if l.Notice != nil {
		l.Notice(format, args...)
	}
}

// end finds the end of the chain: in the file, or while that is empty in the
// last one put aside.
func (l *Log) end() (tail, error) {
	t, err := tailOf(l.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) || t.head.Seq > 0 {
		return t, err
	}
	aside, err := l.aside()
	if err != nil || len(aside) == 0 {
		return t, err
	}
	before, err := tailOf(aside[len(aside)-1])
	if err == nil && before.torn {
		err = fmt.Errorf("%s: %w", aside[len(aside)-1], ErrTail)
	}
	t.head = before.head
	return t, err
}

func tailOf(path string) (tail, error) {
	f, err := openOurs(path, os.O_RDONLY)
	if err != nil {
		return tail{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return tail{}, err
	}
	t, err := readTail(f, st.Size())
	if err != nil {
		return t, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// locked runs f while no other process appends. The lock is a file of its
// own: the log's is renamed.
func (l *Log) locked(f func() error) error {
	lock, err := openOurs(l.path+".lock", os.O_RDWR|os.O_CREATE)
	if err != nil {
		return err
	}
	defer lock.Close() // and with it the lock
	for end := time.Now().Add(lockTime); ; time.Sleep(time.Millisecond) {
		err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f()
		}
		if err != unix.EWOULDBLOCK && err != unix.EINTR || time.Now().After(end) {
			return fmt.Errorf("lock %s: %w", lock.Name(), os.NewSyscallError("flock", err))
		}
	}
}
