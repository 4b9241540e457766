package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// options are the command line.
type options struct {
	bin   string // folder with isobooth-jail and isobooth-worker; "" builds them
	json  string // file for the report; "" is none
	only  string // name of one figure; "" is all
	quick bool
}

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "", "take isobooth-jail and isobooth-worker from `DIR`")
	flag.StringVar(&o.json, "json", "", "write the report to `FILE`, too")
	flag.StringVar(&o.only, "only", "", "measure one `FIGURE`: "+strings.Join(names(), ", "))
	flag.BoolVar(&o.quick, "quick", false, "only show that everything works")
	flag.Parse()
	if flag.NArg() > 0 || o.only != "" && !slices.Contains(names(), o.only) {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures and reports. It leaves nothing behind, whatever happens.
func run(ctx context.Context, o options, stdout, stderr io.Writer) error {
	report, err := measure(ctx, o, stderr)
	if err != nil {
		return err
	}
	if o.json != "" {
		text, err := json.MarshalIndent(report, "", "\t")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	return report.write(stdout)
}
