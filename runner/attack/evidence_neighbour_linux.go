package attack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/isobooth/isobooth/runner"
)

// Neighbour is a harmless plugin in a booth of the same host. It must be
// served while the attack is made, and after.
func Neighbour(p *probe) (trap, error) {
	row := Row{ID: "neighbour", Family: "load", Attack: "nothing"}
	q := &probe{slot: p.slot, row: &row, phase: Trigger, nonce: nonce(), secret: nonce()}
	n := &neighbour{probe: q, quit: make(chan struct{}), ask: make(chan chan error), gone: make(chan error, 1)}
	if err := q.arm(); err != nil {
		return nil, errors.Join(err, q.close())
	}
	ready := make(chan struct{})
	go n.run(ready)
	select {
	case <-ready:
		return n, nil
	case err := <-n.gone:
		return nil, errors.Join(err, q.close())
	}
}

type neighbour struct {
	probe *probe
	quit  chan struct{}
	ask   chan chan error
	gone  chan error
}

func (*neighbour) inside() {}

// run is the goroutine of the neighbour's lane.
func (n *neighbour) run(ready chan<- struct{}) { n.gone <- n.live(ready) }

func (n *neighbour) live(ready chan<- struct{}) error {
	s, q := n.probe.slot.suite, n.probe
	plugin, err := q.open()
	if err != nil {
		return err
	}
	defer plugin.Close()
	name := s.add(q)
	defer s.remove(name)
	plan, err := s.plan(q, name, plugin)
	if err != nil {
		return err
	}
	q.end, q.replies = make(chan struct{}), make(chan []byte, 4)
	b, err := s.host.NewBooth(plan, q, -1)
	if err != nil {
		return err
	}
	lane, err := s.host.NewLane(-1)
	if err != nil {
		return err
	}
	defer lane.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	up, down := make(chan struct{}), make(chan error, 1)
	go func() { down <- b.Run(ctx, func() { close(up) }) }()
	select {
	case <-up:
		close(ready)
	case err := <-down:
		return err
	}
	failed := n.serve(lane, b)
	cancel()
	return errors.Join(failed, <-down)
}

// serve has the neighbour do something every few milliseconds, until the
// end. The first failure is kept for whoever asks.
func (n *neighbour) serve(lane *runner.Lane, b *runner.Booth) error {
	var failed error
	do := func() {
		if failed == nil {
			failed = n.one(lane, b)
		}
	}
	for {
		do()
		select {
		case <-n.quit:
			return nil // what failed has been told
		case back := <-n.ask:
			do()
			back <- failed
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (n *neighbour) one(lane *runner.Lane, b *runner.Booth) error {
	ctx, cancel := context.WithTimeout(context.Background(), box)
	defer cancel()
	text, err := n.probe.trigger(ctx, lane, b, "harmless")
	switch {
	case err != nil:
		return err
	case text == nil:
		return errors.New("it ended: " + n.probe.cause.Text)
	case string(text) != n.probe.nonce:
		return errors.New("it gave a wrong answer")
	}
	return nil
}

func (n *neighbour) sprung() (string, error) {
	back := make(chan error)
	select {
	case n.ask <- back:
	case err := <-n.gone:
		n.gone <- err
		return fmt.Sprintf("the neighbour is gone: %v", err), nil
	}
	if err := <-back; err != nil {
		return "the neighbour is not served: " + err.Error(), nil
	}
	return "", nil
}

func (n *neighbour) reset() error { return nil }

func (n *neighbour) close() error {
	close(n.quit)
	return errors.Join(<-n.gone, n.probe.close())
}
