package main

import (
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
)

// publisher publishes what an Observer is told.
type publisher struct {
	runner.Observer // the next one
	events          *events
}

func (p *publisher) State(booth string, s runner.State, cause *runner.Cause) {
	e := event{Type: eventState, Booth: booth, State: s}
	if cause != nil {
		c := *cause
		e.Cause = &c
	}
	p.events.publish(e)
	p.Observer.State(booth, s, cause)
}

func (p *publisher) Denied(booth string, d control.Denial) {
	p.events.publish(event{Type: eventDenial, Booth: booth, refused: &d})
	p.Observer.Denied(booth, d)
}

func (p *publisher) Limited(booth string, l runner.Limit) {
	p.events.publish(event{Type: eventLimit, Booth: booth, Limit: &l, Text: "reached its " + l.String()})
	p.Observer.Limited(booth, l)
}

func (p *publisher) Trouble(booth, text string) {
	p.events.publish(event{Type: eventTrouble, Booth: booth, Text: text})
	p.Observer.Trouble(booth, text)
}
