package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// shortTime prints a duration in its largest unit, with three figures.
func shortTime(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < 999500:
		return figures(float64(d)/1e3) + " µs"
	case d < 999500*time.Microsecond:
		return figures(float64(d)/1e6) + " ms"
	}
	return figures(d.Seconds()) + " s"
}

// shortSize prints bytes in the largest unit, with three figures.
func shortSize(bytes uint64) string {
	v := float64(bytes)
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if v < 999.5 {
			return figures(v) + " " + unit
		}
		v /= 1024
	}
	return figures(v) + " GiB"
}

// figures prints three of a number, or all before its point.
func figures(v float64) string {
	switch {
	case v == 0 || v >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// percent prints a share with one place.
func percent(share float64) string { return fmt.Sprintf("%.1f %%", share*100) }

// printable escapes what a terminal may take for orders, and what Prometheus
// does not take: text that is not UTF-8.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		quoted := strconv.Quote(s)
		return quoted[1 : len(quoted)-1]
	}
	return s
}
