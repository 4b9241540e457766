package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/runner/attack"
)

// attackJSON is one attack of `selftest --list --json`.
type attackJSON struct {
	ID       string          `json:"id"`
	Title    string          `json:"title"`
	Severity attack.Severity `json:"severity"`
	Phases   []attack.Phase  `json:"phases"`
	Manual   string          `json:"manual,omitempty"`    // why it is not made
	Tested   string          `json:"tested_by,omitempty"` // by which test instead
}

func (a *app) listAttacks(rows []attack.Row, asJSON bool) error {
	list := []attackJSON{}
	for _, r := range rows {
		list = append(list, attackJSON{r.ID, r.Title, r.Severity, append([]attack.Phase{}, r.Phases...), r.Manual, r.Elsewhere})
	}
	if asJSON {
		writeJSON(a.stdout, list)
		return nil
	}
	for _, r := range list {
		where := phaseList(r.Phases)
		switch {
		case r.Manual != "":
			where = "not made: " + r.Manual
		case r.Tested != "":
			where = "tested by " + r.Tested
		}
		fmt.Fprintf(a.stdout, "%-14s %s  %s (%s)\n", r.ID, r.Severity, r.Title, where)
	}
	return nil
}

func phaseList(phases []attack.Phase) string {
	var names []string
	for _, p := range phases {
		names = append(names, p.String())
	}
	return strings.Join(names, " ")
}

// show prints the report as it is wanted.
func (a *app) show(r *selftestReport, o *selftestOptions) {
	if len(o.knockOut) > 0 {
		r.Matrix = newMatrix(r.Results, r.KnockOuts)
	}
	switch w := a.stdout; {
	case o.json:
		writeJSON(w, r)
	case o.markdown:
		r.printMarkdown(w)
	case len(o.knockOut) > 0 && !o.verbose:
		r.printTotals(w, false)
		r.printMatrix(w)
	default:
		r.printTable(w, o.verbose)
		r.printTotals(w, o.verbose)
		if len(o.knockOut) > 0 {
			r.printMatrix(w)
		}
	}
}

// printTable has for each attack a line, and below it one for each verdict
// and layer, or with verbose for each phase.
func (r *selftestReport) printTable(w io.Writer, verbose bool) {
	id := ""
	for i, at := range r.Results {
		if at.Verdict == attack.NotRun {
			continue
		}
		if at.ID != id {
			id = at.ID
			fmt.Fprintf(w, "%-14s %s  %s\n", at.ID, at.Severity, at.Title)
		}
		same := func(b attack.Result) bool {
			return b.ID == at.ID && b.Verdict == at.Verdict && b.Layer == at.Layer && b.Expected == at.Expected
		}
		if verbose {
			printResult(w, &at, []attack.Phase{at.Phase})
			if at.Control != "" {
				fmt.Fprintf(w, "%20sas it should, without a booth: %q\n", "", at.Control)
			}
		} else if slices.IndexFunc(r.Results, same) == i {
			var phases []attack.Phase
			for _, b := range r.Results {
				if same(b) {
					phases = append(phases, b.Phase)
				}
			}
			printResult(w, &at, phases)
		}
	}
}

// printResult prints a verdict. Its detail may hold a plugin's words.
func printResult(w io.Writer, r *attack.Result, phases []attack.Phase) {
	verdict := string(r.Verdict)
	if r.Layer != "" {
		verdict += " by " + string(r.Layer)
	}
	if r.Verdict == attack.ContainedOther {
		verdict += fmt.Sprintf(", not by %s", r.Expected)
	}
	fmt.Fprintf(w, "%17s%-24s %s: %q\n", "", verdict, phaseList(phases), r.Detail)
}

// printTotals has the numbers, and by name all that is not as it should be;
// with verbose also what is never made.
func (r *selftestReport) printTotals(w io.Writer, verbose bool) {
	who := "an ordinary user"
	if r.Root {
		who = "root"
	}
	c := r.Coverage
	fmt.Fprintf(w, "\n%s, profile %s, as %s\nattacks: %d, at phases: %s, results: %d\n",
		r.Kernel, r.Profile, who, r.attacks(), strings.Join(r.Phases, " "), len(r.Results))
	if n := len(r.Looser); n > 0 {
		fmt.Fprintf(w, "the profile is looser than strict in %d points; isobooth profile show lists them\n", n)
	}
	for _, layer := range r.Missing {
		fmt.Fprintf(w, "layer %s is MISSING, which the config allows: what only it stops was not tested\n", layer)
	}
	fmt.Fprintf(w, "%6d contained by the intended layer\n%6d contained by another layer\n%6d not tested", c.Contained, c.Other, c.NotTested)
	if n := len(names(r.Results, attack.NotRun)); n > 0 {
		fmt.Fprintf(w, ", %d of them attacks that are not made here: --list says why", n)
	}
	fmt.Fprintf(w, "\n%6d breaches\n", c.Breaches)
	if c.Allowed > 0 {
		fmt.Fprintf(w, "%6d allowed by the profile\n", c.Allowed)
	}
	for _, list := range []struct {
		title   string
		verdict attack.Verdict
	}{
		{"BREACH", attack.Breach}, {"Inconclusive", attack.Inconclusive}, {"Contained by another layer", attack.ContainedOther},
		{"Allowed by the profile", attack.Allowed}, {"Unsupported by this machine", attack.Unsupported},
	} {
		if names := r.byRow(list.verdict); names != "" {
			fmt.Fprintf(w, "%s: %s\n", list.title, names)
		}
	}
	if verbose {
		r.printNotRun(w, "%-14s %s: %s\n")
	}
}

func (r *selftestReport) printNotRun(w io.Writer, format string) {
	for _, at := range r.Results {
		if at.Verdict == attack.NotRun {
			fmt.Fprintf(w, format, at.ID, at.Title, "not made: "+at.Detail)
		}
	}
}

func (r *selftestReport) printMatrix(w io.Writer) {
	for _, layer := range slices.Sorted(maps.Keys(r.NotKnockedOut)) {
		fmt.Fprintf(w, "%s was not left out: %s\n", layer, r.NotKnockedOut[layer])
	}
	if len(r.KnockOuts) == 0 {
		return
	}
	fmt.Fprintf(w, "\nEach attack without each layer: %s\n\n", matrixLegend)
	width := 0
	for _, row := range r.Matrix {
		width = max(width, len(row.ID))
	}
	fmt.Fprintf(w, "%-*s", width, "")
	for _, k := range r.KnockOuts {
		fmt.Fprintf(w, " %s", k.Layer)
	}
	fmt.Fprintln(w)
	for _, row := range r.Matrix {
		fmt.Fprintf(w, "%-*s", width, row.ID)
		for _, k := range r.KnockOuts {
			fmt.Fprintf(w, " %-*s", len(k.Layer), row.Cells[k.Layer])
		}
		fmt.Fprintf(w, "  %s\n", row.Title)
	}
	r.printStanding(w, "\nStopped whichever of these layers is left out; in front is:\n", "%-14s %s\n")
}

func (r *selftestReport) printStanding(w io.Writer, title, format string) {
	for _, row := range r.Matrix {
		if text := row.standing(); text != "" {
			fmt.Fprint(w, title)
			title = ""
			fmt.Fprintf(w, format, row.ID, text)
		}
	}
}

// printMarkdown is the matrix for docs/threat-model.md, which make matrix
// writes.
func (r *selftestReport) printMarkdown(w io.Writer) {
	who := "an ordinary user"
	if r.Root {
		who = "root"
	}
	c := r.Coverage
	fmt.Fprintf(w, "%s, profile `%s`, as %s, at the phases `%s`. Attacks: %d. Results with all layers: %d contained by the intended layer, %d by another, %d breaches, %d not tested.\n\n",
		kernelSeries(r.Kernel), r.Profile, who, strings.Join(r.Phases, " "), r.attacks(), c.Contained, c.Other, c.Breaches, c.NotTested)
	fmt.Fprintf(w, "%s.\n\n| attack |", strings.NewReplacer(". as", "`.` as", "o another", "`o` another", "B breach", "`B` breach",
		"a the", "`a` the", "? inc", "`?` inc", "- not", "`-` not").Replace(matrixLegend))
	for _, k := range r.KnockOuts {
		fmt.Fprintf(w, " %s |", k.Layer)
	}
	fmt.Fprintf(w, "\n|%s\n", strings.Repeat("---|", len(r.KnockOuts)+1))
	for _, row := range r.Matrix {
		fmt.Fprintf(w, "| `%s` %s |", row.ID, strings.ReplaceAll(row.Title, "|", `\|`))
		for _, k := range r.KnockOuts {
			fmt.Fprintf(w, " %s |", row.Cells[k.Layer])
		}
		fmt.Fprintln(w)
	}
	r.printStanding(w, "\nStopped whichever of these layers is left out; in front is:\n\n", "- `%s`: %s\n")
	if slices.ContainsFunc(r.Results, func(at attack.Result) bool { return at.Verdict == attack.NotRun }) {
		fmt.Fprint(w, "\nNot made by the self-test:\n\n")
		r.printNotRun(w, "- `%s` %s: %s\n")
	}
}

// kernelSeries cuts what follows the second number of a kernel's release.
func kernelSeries(text string) string {
	name, rest, _ := strings.Cut(text, ".")
	minor := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if minor < 0 {
		return text
	}
	return name + "." + rest[:minor]
}
