package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
)

func page(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// wantRows checks that a page has a table row for each name.
func wantRows(t *testing.T, name string, words []string) {
	t.Helper()
	text := page(t, name)
	for _, w := range words {
		if !strings.Contains(text, "\n| "+w+" |") {
			t.Errorf("%s has no row for %s", name, w)
		}
	}
}

func TestDocsEventTypes(t *testing.T) {
	var words []string
	for _, kind := range append([]string{eventLost, eventError}, eventTypes...) {
		words = append(words, "`"+kind+"`")
	}
	wantRows(t, "docs/events.md", words)
}

// TestDocsMetrics: each series is named, with or without its labels.
func TestDocsMetrics(t *testing.T) {
	text := page(t, "docs/metrics.md")
	descs := []*prometheus.Desc{infoDesc, stateDesc, latencyDesc, endsDesc, denialsDesc, reachedDesc, waitingDesc, stalledDesc}
	for _, m := range slices.Concat(boothMetrics, usageMetrics) {
		descs = append(descs, m.desc)
	}
	for _, m := range portMetrics {
		descs = append(descs, m.desc)
	}
	name := regexp.MustCompile(`fqName: "isobooth_(\w+)"`)
	for _, d := range descs {
		m := name.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("no name in %s", d)
		}
		if !strings.Contains(text, "`"+m[1]+"`") && !strings.Contains(text, "`"+m[1]+"{") {
			t.Errorf("docs/metrics.md does not name %s", m[1])
		}
	}
}

func TestDocsExitCodes(t *testing.T) {
	words := []string{fmt.Sprint(exitInterrupted)}
	for _, e := range exitCodes {
		words = append(words, fmt.Sprint(e.code))
	}
	wantRows(t, "README.md", words)
}

// TestDocsConfigKeys: single values with their environment variables, and the
// keys of a plugin.
func TestDocsConfigKeys(t *testing.T) {
	var words []string
	for _, s := range scalars() {
		env := "ISOBOOTH_" + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
		words = append(words, "`"+s.Key+"` | `"+env+"`")
	}
	wantRows(t, "docs/config.md", words)
	words = nil
	for _, f := range reflect.VisibleFields(reflect.TypeFor[pluginConfig]()) {
		if key := f.Tag.Get("toml"); key != "" && key != "-" {
			words = append(words, "`"+key+"`")
		}
	}
	text := page(t, "docs/config.md")
	for _, w := range words {
		if !strings.Contains(text, "\n| "+w+" | ") {
			t.Errorf("docs/config.md has no row for %s", w)
		}
	}
}

// TestDocsCommands: each command stands in the README's list.
func TestDocsCommands(t *testing.T) {
	_, daily, _ := strings.Cut(page(t, "README.md"), "\n## Every day\n")
	_, daily, _ = strings.Cut(daily, "```")
	daily, _, _ = strings.Cut(daily, "```")
	var walk func(c *cobra.Command, path string)
	walk = func(c *cobra.Command, path string) {
		for _, below := range c.Commands() {
			if below.Hidden || below.Name() == "help" || path == "isobooth completion" {
				continue
			}
			if below.HasAvailableSubCommands() {
				walk(below, path+" "+below.Name())
				continue
			}
			// One line may have several: "profile list|show".
			want := regexp.MustCompile(`(?m)^` + path + ` ([a-z|]*\|)?` + below.Name() + `\b`)
			if !want.MatchString(daily) {
				t.Errorf("README.md does not list %s %s", path, below.Name())
			}
		}
	}
	walk((&app{}).root(), "isobooth")
}

var (
	docLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	docHeading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	docFence   = regexp.MustCompile("(?ms)^```.*?^```$")
)

// anchors are a page's, as GitHub makes them of headings.
func anchors(text string) map[string]bool {
	out := map[string]bool{}
	for _, h := range docHeading.FindAllStringSubmatch(docFence.ReplaceAllString(text, ""), -1) {
		out[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', r >= '0' && r <= '9', r >= 'a' && r <= 'z', r > 0x7f:
				return r
			}
			return -1
		}, strings.ToLower(h[1]))] = true
	}
	return out
}

// TestDocsLinks: what a page links to is there, and has the heading.
func TestDocsLinks(t *testing.T) {
	root := filepath.Join("..", "..")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := filepath.Glob(filepath.Join(root, "docs", "decisions", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages = append(append(pages, decisions...), filepath.Join(root, "README.md"), filepath.Join(root, "CHANGELOG.md"))
	if len(pages) < 20 {
		t.Fatalf("only %d pages", len(pages))
	}
	links := 0
	for _, from := range pages {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		text := docFence.ReplaceAllString(string(data), "")
		for _, m := range docLink.FindAllStringSubmatch(text, -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			to := from
			if file != "" {
				to = filepath.Join(filepath.Dir(from), file)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: link %s: %v", from, m[1], err)
				continue
			}
			if anchor == "" {
				continue
			}
			target, err := os.ReadFile(to)
			if err != nil {
				t.Fatal(err)
			}
			if !anchors(string(target))[anchor] {
				t.Errorf("%s: link %s: there is no such heading", from, m[1])
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links found", links)
	}
}
