package runner

// State is where a booth is in its life.
type State string

const (
	StateStopped    State = "stopped"
	StateLoading    State = "loading" // being built, loading its plugin
	StateReady      State = "ready"   // takes triggers
	StateDraining   State = "draining"
	StateBackingOff State = "backing off" // pausing before the next start
)
