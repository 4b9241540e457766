package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// write prints the report for people.
func (r *Report) write(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s, %d CPUs, cgroups %s, %s\n", r.Machine.System, r.Machine.Arch, r.Machine.CPUs, r.Machine.Cgroups, r.Machine.Go)
	if r.Quick {
		fmt.Fprintln(w, "--quick: too few samples to quote")
	}
	for i := range r.Figures {
		if err := r.Figures[i].write(w); err != nil {
			return err
		}
	}
	return nil
}

func (f *Figure) write(w io.Writer) error {
	fmt.Fprintf(w, "\n%s: %s\n", f.Name, f.Title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  %s\tmedian\tp99\tbooth beside it (of rounds)\n", f.Unit)
	for _, row := range f.Rows {
		switch {
		case row.Missing != "":
			fmt.Fprintf(t, "  %s\t-\t-\tmissing: %s\n", row.Subject, row.Missing)
		case row.Ratio == 0:
			fmt.Fprintf(t, "  %s\t%s\t%s\t\n", row.Subject, plain(row.Median), plain(row.P99))
		default:
			fmt.Fprintf(t, "  %s\t%s\t%s\t%.2f (%.2f to %.2f)\n", row.Subject, plain(row.Median), plain(row.P99), row.Ratio, row.Least, row.Most)
		}
	}
	return t.Flush()
}

// plain prints three digits or so.
func plain(v float64) string {
	switch {
	case v >= 100 || v == 0:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
