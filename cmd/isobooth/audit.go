package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/isobooth/isobooth/cmd/isobooth/internal/audit"
	"github.com/spf13/cobra"
)

func (a *app) auditCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "audit", Short: "Check and read the log of what daemons launched, refused and changed",
		Long: `A daemon appends to its audit log a record for each launch, with digests,
signature, grants and limits, for each refused system call at its 1st, 2nd,
4th, 8th ... time, and for what ended, was quarantined, released or changed.
Each record holds the SHA-256 of the one before. audit.file in the config says
where the log is.`,
		Args: cobra.ArbitraryArgs, RunE: needsCommand,
	}
	cmd.AddCommand(a.auditVerifyCmd(), a.auditShowCmd(), a.auditHeadCmd())
	return cmd
}

// errAudit is a log that is not as it was written.
var errAudit = errors.New("the audit log is not as it was written")

func (a *app) auditVerifyCmd() *cobra.Command {
	var asJSON bool
	var expect []string
	cmd := &cobra.Command{
		Use: "verify [FILE...]", Short: "Check that no record was changed, removed, moved or put in", Args: a.args(0, 1<<20),
		Long: `Verify checks the config's audit log, or the FILEs of one log, oldest first. It
exits with 1 when a record was changed, removed, moved or put in, and names
file, line and record. A line that a crash left half-written is no fault once
the record after it names its digest.

Records cut off at the end, or a log written anew, are seen only by who knows a
later record: isobooth audit head prints one to keep elsewhere, and --expect
wants it in the log. Where older files are kept elsewhere, --expect with the
last record of those says that the log may begin behind it.`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.load(c); err != nil {
				return err
			}
			var heads []audit.Head
			for _, text := range expect {
				h, err := audit.ParseHead(text)
				if err != nil {
					return a.usage(c, fmt.Errorf("--expect %w", err))
				}
				heads = append(heads, h)
			}
			v := audit.NewVerifier(heads...)
			if err := a.readAudit(v, args); err != nil {
				return err
			}
			r := v.Report()
			a.printAudit(&r, asJSON)
			if !r.OK {
				return fmt.Errorf("%d places: %w", len(r.Problems)+r.More, errAudit)
			}
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&expect, "expect", nil, "want this record in the log, as audit head printed it: `SEQ:HASH`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// readAudit hands a verifier the files, or those of the config's log.
func (a *app) readAudit(v *audit.Verifier, paths []string) error {
	if len(paths) == 0 {
		return a.readOwnAudit(v)
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		err = v.File(path, f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) readOwnAudit(v *audit.Verifier) error {
	log, err := a.settings.Audit.open()
	if err != nil {
		return err
	}
	files, err := log.Files()
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range files {
		if len(errs) == 0 {
			if err := v.File(f.Name(), io.LimitReader(f, f.Size)); err != nil {
				errs = append(errs, err)
			}
		}
		f.Close()
	}
	if len(files) == 0 {
		return fmt.Errorf("audit log %s: %w", log.Path(), fs.ErrNotExist)
	}
	return errors.Join(errs...)
}

func (a *app) printAudit(r *audit.Report, asJSON bool) {
	if asJSON {
		writeJSON(a.stdout, r)
		return
	}
	for _, f := range r.Torn {
		fmt.Fprintf(a.stdout, "torn    %s\n", f)
	}
	for _, f := range r.Problems {
		fmt.Fprintf(a.stdout, "BROKEN  %s\n", f)
	}
	if r.More > 0 {
		fmt.Fprintf(a.stdout, "BROKEN  and %d more\n", r.More)
	}
	if r.OK {
		fmt.Fprintf(a.stdout, "ok      %d records, %d to %d; head %s\n", r.Records, r.First.Seq, r.Last.Seq, r.Last)
	}
}

func (a *app) auditHeadCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "head", Short: "Print the last record's number and hash, to be kept elsewhere", Args: a.args(0, 0),
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.load(c); err != nil {
				return err
			}
			log, err := a.settings.Audit.open()
			if err != nil {
				return err
			}
			h, err := log.Head()
			switch {
			case err != nil:
				return err
			case h.Seq == 0:
				return fmt.Errorf("audit log %s: %w", log.Path(), fs.ErrNotExist)
			case asJSON:
				writeJSON(a.stdout, h)
			default:
				fmt.Fprintln(a.stdout, h)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

type auditFilter struct {
	since, kind, plugin string
	json                bool
}

func (a *app) auditShowCmd() *cobra.Command {
	var o auditFilter
	cmd := &cobra.Command{
		Use: "show [FILE...]", Short: "Print the records", Args: a.args(0, 1<<20),
		Long: `Show prints the records of the config's audit log, or of the FILEs of one log,
oldest first. What does not verify is not shown, and said.`,
		Example: "  isobooth audit show --type denial --since 2h\n  isobooth audit show --plugin arp --json",
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.load(c); err != nil {
				return err
			}
			since, err := sinceWhen(o.since, time.Now())
			if err != nil {
				return a.usage(c, err)
			}
			v, found := audit.NewVerifier(), false
			v.Each = func(r *audit.Record) {
				if (o.kind == "" || r.Type == o.kind) && (o.plugin == "" || r.Booth == o.plugin) && !r.Time.Before(since) {
					a.printRecord(r, o.json)
					found = true
				}
			}
			if err := a.readAudit(v, args); err != nil {
				return err
			}
			if r := v.Report(); !r.OK {
				a.say("warning: %v, first at %s", errAudit, r.Problems[0])
				a.hint("isobooth audit verify lists all")
			} else if !found {
				a.say("no record of the log is one of these")
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.since, "since", "", "only those since this `TIME`: 90m, a date, or as RFC 3339 has it")
	f.StringVar(&o.kind, "type", "", "only those of this `TYPE`, such as launch or denial")
	f.StringVar(&o.plugin, "plugin", "", "only those of the plugin with this `NAME` in the config")
	_ = cmd.RegisterFlagCompletionFunc("plugin", a.completePluginFlag(cobra.ShellCompDirectiveNoFileComp))
	f.BoolVar(&o.json, "json", false, "print the lines as they are in the log")
	return cmd
}

// sinceWhen reads a time, or how long it is ago.
func sinceWhen(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, form := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(form, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--since %q: want a duration such as 90m, a date such as 2026-03-14, or a time as RFC 3339 has it", text)
}

// printRecord prints one line. All in a record is printable ASCII.
func (a *app) printRecord(r *audit.Record, asJSON bool) {
	if asJSON {
		line, err := r.Line()
		if err != nil {
			a.say("record %d: %v", r.Seq, err)
			return
		}
		fmt.Fprintf(a.stdout, "%s\n", line)
		return
	}
	booth := "-"
	if r.Booth != "" {
		booth = fmt.Sprintf("%q", r.Booth)
	}
	fmt.Fprintf(a.stdout, "%6d  %s  %-13s %-16s %s\n", r.Seq, r.Time.Local().Format("2006-01-02 15:04:05.000"), r.Type, booth, r.Data)
}
