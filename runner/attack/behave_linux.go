package attack

import (
	"context"

	"github.com/isobooth/isobooth/runner"
)

// behaved is the control of abuse of the pipes, which nobody is harmed by
// without a host: the same library in another booth, where it does the same
// by the rules. It must be served there as any plugin is.
func (p *probe) behaved(ctx context.Context, lane *runner.Lane) (*controlled, error) {
	row := *p.row
	row.Arg, row.Text, row.Evidence = 0, "", nil
	q := &probe{slot: p.slot, row: &row, phase: p.phase, nonce: nonce(), secret: nonce()}
	defer q.close()
	if err := q.arm(); err != nil {
		return nil, err
	}
	if err := q.inBooth(ctx, lane); err != nil {
		return nil, err
	}
	c := &controlled{report: q.report, end: "the booth ended in order"}
	switch {
	case q.cause != nil:
		c.end = q.cause.Text
	case q.alive && q.report != nil && q.report.done == 1 && q.report.result == 0:
		c.found = "by the rules it is served"
	}
	return c, nil
}
