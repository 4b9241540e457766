package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner/attack"
	"github.com/isobooth/isobooth/runner/control"
)

// selftestReport is the one document that `selftest --json` prints.
type selftestReport struct {
	Version string   `json:"version"`
	Kernel  string   `json:"kernel"`
	Root    bool     `json:"root"` // whether root ran it
	Profile string   `json:"profile"`
	Looser  []string `json:"looser_than_strict"`
	Missing []string `json:"missing_layers"` // those that the config allows to be missing, and are
	Phases  []string `json:"phases"`         // as --phase has them

	Results  []attack.Result `json:"results"` // with all layers
	Coverage attack.Coverage `json:"coverage"`
	// Results by name, "ID phase", for each verdict but the best and not-run.
	Breaches     []string `json:"breaches"`
	Other        []string `json:"contained_by_another_layer"`
	Inconclusive []string `json:"inconclusive"`
	Unsupported  []string `json:"unsupported"`
	Allowed      []string `json:"allowed_by_profile"`

	KnockOuts []knockOut `json:"knock_outs,omitempty"`
	// NotKnockedOut says of layers why they could not be left out here.
	NotKnockedOut map[string]string `json:"not_knocked_out,omitempty"`
	Matrix        []matrixRow       `json:"matrix,omitempty"`

	Interrupted bool `json:"interrupted"`
}

// knockOut is what came of the attacks without one layer.
type knockOut struct {
	Layer    string          `json:"layer"`
	Results  []attack.Result `json:"results"`
	Coverage attack.Coverage `json:"coverage"`
}

func newSelftestReport(p *profiles.Profile, o *selftestOptions) *selftestReport {
	return &selftestReport{
		Version: version, Kernel: checkKernel().Detail, Root: os.Geteuid() == 0, Profile: p.Name,
		Looser: append([]string{}, p.Warnings()...), Missing: []string{}, Phases: o.phaseNames(),
		NotKnockedOut: map[string]string{},
	}
}

// take takes the results with all layers.
func (r *selftestReport) take(results []attack.Result) {
	r.Results = append([]attack.Result{}, results...)
	r.Coverage = attack.Cover(results)
	r.Breaches, r.Inconclusive = names(results, attack.Breach), names(results, attack.Inconclusive)
	r.Unsupported, r.Allowed = names(results, attack.Unsupported), names(results, attack.Allowed)
	r.Other = names(results, attack.ContainedOther)
}

// shown is attack.Options.Shown: what an attack does without a booth does not
// depend on the booth's layers, and needs to be seen once.
func (r *selftestReport) shown(row *attack.Row, phase attack.Phase) bool {
	return slices.ContainsFunc(r.Results, func(at attack.Result) bool {
		works := at.Verdict == attack.Contained || at.Verdict == attack.ContainedOther || at.Verdict == attack.Allowed
		return works && at.ID == row.ID && at.Phase == phase
	})
}

// names are "ID phase" of the results with a verdict.
func names(results []attack.Result, v attack.Verdict) []string {
	out := []string{}
	for _, r := range results {
		if r.Verdict == v {
			out = append(out, r.ID+" "+r.Phase.String())
		}
	}
	return out
}

// byRow names the results with a verdict, for people: the phases only where
// the attack has other verdicts, too.
func (r *selftestReport) byRow(v attack.Verdict) string {
	var out []string
	for i, at := range r.Results {
		ofRow := func(b attack.Result) bool { return b.ID == at.ID }
		if slices.IndexFunc(r.Results, ofRow) != i {
			continue
		}
		var phases []attack.Phase
		all := true
		for _, b := range r.Results {
			switch {
			case !ofRow(b):
			case b.Verdict == v:
				phases = append(phases, b.Phase)
			default:
				all = false
			}
		}
		switch {
		case len(phases) == 0:
		case all:
			out = append(out, at.ID)
		default:
			out = append(out, fmt.Sprintf("%s (%s)", at.ID, phaseList(phases)))
		}
	}
	return strings.Join(out, ", ")
}

// attacks is how many different ones were made.
func (r *selftestReport) attacks() int {
	made := map[string]bool{}
	for _, at := range r.Results {
		if at.Verdict != attack.NotRun {
			made[at.ID] = true
		}
	}
	return len(made)
}

// inseparable says why a layer cannot be left out here; "" when it can.
func (r *selftestReport) inseparable(layer string) string {
	switch {
	case slices.Contains(r.Missing, layer):
		return "this machine does not have it"
	case layer == control.LayerUser && !r.Root:
		return "only root can do without: a user's other namespaces need it"
	}
	return ""
}

// failure is the reason for an exit code that is not 0.
func (r *selftestReport) failure() error {
	var errs []error
	if n := len(r.Breaches); n > 0 {
		errs = append(errs, fmt.Errorf("%d of %d results are breaches: %s", n, len(r.Results), r.byRow(attack.Breach)))
	}
	if n := len(r.Inconclusive); n > 0 {
		errs = append(errs, fmt.Errorf("%d of %d results are inconclusive: %s", n, len(r.Results), r.byRow(attack.Inconclusive)))
	}
	if c := r.Coverage; len(errs) == 0 && c.Contained+c.Other+c.Allowed == 0 {
		errs = append(errs, errors.New("nothing was tested"))
	}
	return errors.Join(errs...)
}
