package portmidi

import "time"

// ticker is the waiter for systems where PortMidi must be asked.
type ticker struct {
	t    *time.Ticker
	wake chan struct{}
}

func newTicker(d time.Duration) *ticker {
	return &ticker{time.NewTicker(d), make(chan struct{}, 1)}
}

func (t *ticker) Wait() error {
	select {
	case <-t.t.C:
	case <-t.wake:
	}
	return nil
}

func (t *ticker) Wake() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *ticker) Close() { t.t.Stop() }
