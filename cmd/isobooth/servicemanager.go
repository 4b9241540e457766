package main

import (
	"fmt"

	sd "github.com/coreos/go-systemd/v22/daemon"
)

// tellManager tells the service manager how this daemon stands, sd_notify(3).
// Outside of a unit with Type=notify there is nobody to tell, and nothing is
// done. A manager that cannot be told is no reason to stop the show: it acts
// on what it does not hear, by its own time limits.
func (a *app) tellManager(state string) {
	if _, err := sd.SdNotify(false, state); err != nil {
		a.say("warning: tell the service manager %q: %v", state, err)
	}
}

// readyForManager says that booths are up, and how many.
func (a *app) readyForManager(readiness string) {
	a.tellManager(fmt.Sprintf("%s\nSTATUS=%s", sd.SdNotifyReady, readiness))
}

// reloadingForManager says that files are being read again; calling what it
// returns, that it is done. In between systemctl reload waits.
func (a *app) reloadingForManager() (done func()) {
	a.tellManager(sd.SdNotifyReloading)
	return func() { a.tellManager(sd.SdNotifyReady) }
}

func (a *app) stoppingForManager() { a.tellManager(sd.SdNotifyStopping) }
