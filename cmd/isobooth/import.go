package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/isobooth/isobooth/cmd/isobooth/internal/conductor"
	"github.com/isobooth/isobooth/midi"
	"github.com/spf13/cobra"
)

// errPartly is an import of which something is left.
var errPartly = errors.New("not everything could be converted")

func (a *app) importCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "import", Short: "Convert the config of another program", RunE: needsCommand}
	cmd.AddCommand(a.importConductorCmd())
	return cmd
}

func (a *app) importConductorCmd() *cobra.Command {
	var output string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "conductor FILE", Aliases: []string{"midimon"}, Short: "Convert a config of Conductor (MIDIMon)", Args: a.args(1, 1),
		Long: `Conductor reads FILE, a config of Conductor or MIDIMon, and writes what isobooth
can do of it as a config. What it cannot do is named on stderr with its line,
and stands as comments in the new config; the exit code is then 6.`,
		RunE: func(c *cobra.Command, args []string) error { return a.importConductor(c, args[0], output, asJSON) },
	}
	f := cmd.Flags()
	f.StringVarP(&output, "output", "o", "-", "write to `FILE`, which must not exist; - is stdout")
	f.BoolVar(&asJSON, "json", false, "print what was converted, and what not, as JSON; the config only to --output")
	return cmd
}

// importedJSON is what import --json prints.
type importedJSON struct {
	File     string            `json:"file"`
	Output   string            `json:"output,omitempty"`
	Modes    []string          `json:"modes"`
	Plugins  []string          `json:"plugins"`
	Mappings []importedMapping `json:"mappings"`
	Left     []importedLeft    `json:"left"`
}

type importedMapping struct {
	Name string `json:"name"`
	Line int    `json:"line"` // of the file that was read
}

type importedLeft struct {
	Line int    `json:"line"`
	What string `json:"what"`
	Why  string `json:"why"`
}

func (a *app) importConductor(c *cobra.Command, file, output string, asJSON bool) error {
	data, err := readBounded(file)
	if err != nil {
		return err
	}
	r, err := conductor.Convert(data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	text, out := importedConfig(file, r)
	if _, err := settingsOf("import", text, c.Flags()); err != nil {
		return fmt.Errorf("internal error: what was converted is no config: %w", err)
	}
	switch {
	case output != "-":
		if err := writeNew(output, text, 0o600); err != nil {
			return err
		}
		out.Output = output
		a.say("wrote %s: %d mappings", output, len(out.Mappings))
	case !asJSON:
		if _, err := a.stdout.Write(text); err != nil {
			return err
		}
	}
	if asJSON {
		writeJSON(a.stdout, out)
	}
	for _, l := range out.Left {
		a.say("%s:%d: %q: %s", file, l.Line, l.What, l.Why)
	}
	if len(out.Left) > 0 {
		return fmt.Errorf("%s: %d of its parts: %w", file, len(out.Left), errPartly)
	}
	return nil
}

// readBounded reads a file that may be anybody's.
func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, conductor.MaxSize+1))
}

// importedConfig writes the config. A mapping that isobooth would refuse, as
// one of a mode with a name too long, is left out with the reason.
func importedConfig(file string, r *conductor.Result) ([]byte, importedJSON) {
	out := importedJSON{File: file, Modes: append([]string{}, r.Modes...), Plugins: append([]string{}, r.Plugins...), Mappings: []importedMapping{}, Left: []importedLeft{}}
	for _, l := range r.Left {
		out.Left = append(out.Left, importedLeft(l))
	}
	var mappings bytes.Buffer
	for i := range r.Mappings {
		m := &r.Mappings[i]
		block, err := importedBlock(m)
		if err == nil {
			err = compiles(block)
		}
		if err != nil {
			out.Left = append(out.Left, importedLeft{m.Line, m.Name, err.Error()})
			continue
		}
		out.Mappings = append(out.Mappings, importedMapping{m.Name, m.Line})
		fmt.Fprintf(&mappings, "\n%s", block)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Converted by isobooth import conductor from %q.\n", file)
	for _, l := range out.Left {
		fmt.Fprintf(&b, "# line %d, not converted: %q: %s\n", l.Line, l.What, oneLine(l.Why))
	}
	b.WriteString("\n[midi]\n")
	if r.Device != "" {
		fmt.Fprintf(&b, "inputs = [%s]\n", tomlString("*"+deviceGlob(r.Device)+"*"))
	}
	if len(r.Modes) > 0 && compiles(fmt.Sprintf("[[mappings]]\nname = \"x\"\nset_mode = %s\ntrigger = { note = 1 }\n", tomlString(r.Modes[0]))) == nil {
		fmt.Fprintf(&b, "mode = %s\n", tomlString(r.Modes[0]))
	}
	for _, p := range r.Plugins {
		fmt.Fprintf(&b, "\n[[plugins]]\nname = %s\npath = %s\n", tomlString(p), tomlString("plugins/"+p))
	}
	b.Write(mappings.Bytes())
	return b.Bytes(), out
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// importedBlock is the text of one mapping.
func importedBlock(m *conductor.Mapping) (string, error) {
	var fields []tomlField
	for _, f := range m.Trigger {
		fields = append(fields, tomlField{f.Key, f.Value})
	}
	trigger, err := tomlTable(fields)
	if err != nil {
		return "", err
	}
	text := "[[mappings]] # line " + fmt.Sprint(m.Line) + "\nname = " + tomlString(m.Name) + "\n"
	if m.SetMode != "" {
		return text + "set_mode = " + tomlString(m.SetMode) + "\ntrigger = " + trigger + "\n", nil
	}
	text += "plugin = " + tomlString(m.Plugin) + "\n"
	if m.Action != "" {
		text += "action = " + tomlString(m.Action) + "\n"
	}
	if m.Params != nil {
		params, err := tomlValue(m.Params)
		if err != nil {
			return "", err
		}
		text += "params = " + params + "\n"
	}
	return text + "trigger = " + trigger + "\n", nil
}

// compiles reports why a block of one mapping is none of a config.
func compiles(block string) error {
	var c config
	if err := decodeConfig("import", []byte(block), &c); err != nil {
		return err
	}
	_, err := midi.CompileAll(c.Mappings)
	return err
}
