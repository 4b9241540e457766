package attack

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Terminal is a pseudo terminal of the host that anyone may open, p.text.
// Nobody must type into it, write to it or give it another discipline.
func Terminal(p *probe) (trap, error) {
	t := &terminal{}
	err := t.open()
	if err == nil {
		err = put(p.parameters.Text[:], t.slave.Name())
	}
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

type terminal struct{ master, slave *os.File }

func (t *terminal) open() (err error) {
	if t.master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		return err
	}
	fd := int(t.master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return os.NewSyscallError("TIOCGPTN", err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return os.NewSyscallError("TIOCSPTLCK", err)
	}
	if t.slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		return err
	}
	if err := t.slave.Chmod(0o666); err != nil {
		return err
	}
	// Without lines and echo, so that one byte counts as one, on one side.
	settings, err := unix.IoctlGetTermios(int(t.slave.Fd()), unix.TCGETS)
	if err != nil {
		return os.NewSyscallError("TCGETS", err)
	}
	settings.Lflag &^= unix.ICANON | unix.ECHO
	return os.NewSyscallError("TCSETS", unix.IoctlSetTermios(int(t.slave.Fd()), unix.TCSETS, settings))
}

func (t *terminal) sprung() (string, error) {
	typed, err1 := unix.IoctlGetInt(int(t.slave.Fd()), unix.TIOCINQ)
	written, err2 := unix.IoctlGetInt(int(t.master.Fd()), unix.TIOCINQ)
	discipline, err3 := unix.IoctlGetInt(int(t.slave.Fd()), unix.TIOCGETD)
	if typed+written+discipline == 0 {
		return "", errors.Join(err1, err2, err3)
	}
	return fmt.Sprintf("into a terminal %d bytes were typed, %d written; its line discipline is %d", typed, written, discipline), nil
}

func (t *terminal) reset() error {
	return os.NewSyscallError("TCFLSH", errors.Join(
		unix.IoctlSetInt(int(t.slave.Fd()), unix.TCFLSH, unix.TCIOFLUSH),
		unix.IoctlSetInt(int(t.master.Fd()), unix.TCFLSH, unix.TCIOFLUSH)))
}

func (t *terminal) close() error {
	var errs []error
	for _, f := range []*os.File{t.slave, t.master} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
