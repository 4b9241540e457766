package ports

import "time"

// pollInterval is how often the ports are looked at where nothing tells of
// changes.
const pollInterval = 2 * time.Second

// poll tells changes at each tick until stop is called.
func poll(changes *Changes, ticks *time.Ticker) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				changes.Tell()
			case <-end:
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}
