package portmidi

import (
	"os"

	"golang.org/x/sys/unix"
)

// sequencerPath is the device through which ALSA gives access to all ports.
const sequencerPath = "/dev/snd/seq"

// checkSequencer returns why this process cannot open the ALSA sequencer.
func checkSequencer() error {
	if err := unix.Faccessat(unix.AT_FDCWD, sequencerPath, unix.R_OK|unix.W_OK, unix.AT_EACCESS); err != nil {
		return &os.PathError{Op: "access", Path: sequencerPath, Err: err}
	}
	return nil
}
