package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manDate makes the pages the same at every build.
var manDate = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// manCmd writes the man pages from the commands themselves; make man calls it.
func (a *app) manCmd() *cobra.Command {
	return &cobra.Command{
		Use: "man FOLDER", Short: "Write the man pages", Args: a.args(1, 1), Hidden: true,
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			root.DisableAutoGenTag = true
			root.Long += "\n\n" + exitText()
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			return doc.GenManTree(root, &doc.GenManHeader{Title: "ISOBOOTH", Section: "1", Source: "isobooth", Date: &manDate}, args[0])
		},
	}
}

func exitText() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "\n  %d  %s", e.code, e.text)
	}
	b.WriteString("\n  128+n  ended by signal n; 130 is Ctrl-C")
	return b.String()
}
