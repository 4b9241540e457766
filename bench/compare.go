package main

import (
	"context"
	"fmt"
	"slices"
)

// subject is one side of a comparison.
type subject struct {
	name    string
	missing string // why it cannot be measured, or ""
	// sample takes n measurements.
	sample func(n int) ([]float64, error)
}

// size is how much is measured.
type size struct {
	rounds int
	n      int // samples a round of each subject
}

// compare measures the subjects in turn, round after round, so that whatever
// else the machine does falls on all of them. A first round warms up and does
// not count. told is called after each round.
func compare(ctx context.Context, subjects []subject, s size, told func(round int)) ([]Row, error) {
	all := make([][]float64, len(subjects))     // samples by subject
	medians := make([][]float64, len(subjects)) // by subject and round
	for round := range s.rounds + 1 {
		for i := range subjects {
			if subjects[i].missing != "" {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			got, err := subjects[i].sample(s.n)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", subjects[i].name, err)
			}
			if round == 0 {
				continue
			}
			all[i] = append(all[i], got...)
			medians[i] = append(medians[i], quantile(got, 0.5))
		}
		told(round)
	}
	rows := make([]Row, len(subjects))
	for i := range subjects {
		rows[i] = Row{Subject: subjects[i].name, Missing: subjects[i].missing}
		if rows[i].Missing == "" {
			rows[i].fill(all[0], all[i], medians[0], medians[i])
		}
	}
	return rows, nil
}

func (r *Row) fill(first, own, firstMedians, medians []float64) {
	r.Median, r.P99 = quantile(own, 0.5), quantile(own, 0.99)
	r.Ratio = ratio(quantile(first, 0.5), r.Median)
	for i := range medians {
		q := ratio(firstMedians[i], medians[i])
		if i == 0 {
			r.Least, r.Most = q, q
		}
		r.Least, r.Most = min(r.Least, q), max(r.Most, q)
	}
}

// ratio is 0 where there is none.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// quantile returns the smallest sample that at least the share q of all
// samples do not exceed.
func quantile(samples []float64, q float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(samples))
	i := int(q * float64(len(sorted)))
	return sorted[min(i, len(sorted)-1)]
}
