package main

import (
	"fmt"
	"slices"

	"github.com/isobooth/isobooth/midi"
)

// patterns checks those of the ports.
func (m *midiConfig) patterns() error {
	for _, p := range portPatterns(m.Inputs) {
		if _, err := midi.ParseGlob(p); err != nil {
			return fmt.Errorf("config: midi.inputs: %w", err)
		}
	}
	if _, err := midi.ParseGlob(m.Output); err != nil {
		return fmt.Errorf("config: midi.output: %w", err)
	}
	return nil
}

// inputsChanged is told of the ports in a config that is now in force. Those
// that no pattern matches any more are closed, after what they hold has been
// released; those that match still are not touched.
func (s *session) inputsChanged(old, next midiConfig) {
	if err := s.ports.SetGlobs(portPatterns(next.Inputs), next.Output); err != nil {
		s.announce("MIDI ports stay as they were: %v", err)
	}
	if !slices.Equal(notPorts(old.Inputs), notPorts(next.Inputs)) {
		s.announce("midi.inputs: files and standard input: takes effect at the next start")
	}
	if old.Driver != next.Driver {
		s.announce("midi.driver: takes effect at the next start")
	}
}

// notPorts are those inputs that are files or stdin.
func notPorts(inputs []string) []string {
	return slices.DeleteFunc(slices.Clone(inputs), isPort)
}
