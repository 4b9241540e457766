package runner

// State is where a booth is in its life. life.go has the table of how it
// moves from one to the next.
type State string

const (
	StateStopped     State = "stopped"
	StateStandby     State = "standby"     // its next worker is confined and empty, or being made so
	StateLoading     State = "loading"     // the plugin's code runs for the first time
	StateReady       State = "ready"       // takes triggers
	StateDraining    State = "draining"    // finishes its trigger, is asked to stop
	StateBackingOff  State = "backing off" // pausing before the next start
	StateQuarantined State = "quarantined" // not started again until it is released
)

// States lists all of them.
func States() []State {
	return []State{StateStopped, StateStandby, StateLoading, StateReady, StateDraining, StateBackingOff, StateQuarantined}
}

// takesTriggers reports whether a booth in this state is ready, or will be
// soon if all goes well, so that triggers may wait.
func (s State) takesTriggers() bool {
	return s == StateStandby || s == StateLoading || s == StateReady || s == StateBackingOff
}
