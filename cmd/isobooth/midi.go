package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/spf13/cobra"
)

func (a *app) midiCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "midi", Short: "Look at MIDI ports", RunE: needsCommand}
	cmd.AddCommand(a.portsCmd(), a.monitorCmd(), a.midiLearnCmd())
	return cmd
}

type portJSON struct {
	Name      string `json:"name"`
	Direction string `json:"direction"` // "in" is one we read
	Number    int    `json:"number"`    // from 0 in its direction; changes when ports come and go
	ID        string `json:"id"`        // the driver's, which tells ports of one name apart
	Driver    string `json:"driver"`
}

func (a *app) portsCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ports", Short: "List the MIDI ports of this machine", Args: a.args(0, 0),
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.load(c); err != nil {
				return err
			}
			d, err := driverNamed(a.settings.MIDI.Driver)
			if err != nil {
				return err
			}
			ins, outs, err := d.Ports()
			if err != nil && !errors.Is(err, midi.ErrNoPorts) {
				return err
			}
			list := []portJSON{}
			for i, p := range ins {
				list = append(list, portJSON{p.Name, "in", i, p.ID, d.Name()})
			}
			for i, p := range outs {
				list = append(list, portJSON{p.Name, "out", i, p.ID, d.Name()})
			}
			if asJSON {
				writeJSON(a.stdout, list)
				return nil
			}
			for _, p := range list {
				fmt.Fprintf(a.stdout, "%-3s %2d  %q\n", p.Direction, p.Number, p.Name)
			}
			if err != nil {
				a.say("%v", err)
				a.hint("plug in a controller, or play a file: isobooth play FILE.mid --plugin FOLDER")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	driverFlag(cmd)
	return cmd
}

type eventJSON struct {
	Seconds float64 `json:"seconds"`
	Device  string  `json:"device"`
	Kind    string  `json:"kind"`
	Channel int     `json:"channel"` // 1 to 16, 0 when there is none
	MIDI    string  `json:"midi"`
}

func (a *app) monitorCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "monitor [PORT|FILE.mid|-]", Short: "Print MIDI events as they come", Args: a.args(0, 1),
		Long: `Monitor prints every event of the first port whose name matches the glob PORT
(default *), of a MIDI file, or of raw MIDI bytes on standard input ("-").`,
		RunE: func(c *cobra.Command, args []string) error {
			name := "*"
			if len(args) == 1 {
				name = args[0]
			}
			if err := a.load(c); err != nil {
				return err
			}
			src, done, err := a.openInput(name)
			if err != nil {
				return err
			}
			defer done()
			err = src.Run(c.Context(), func(e *midi.Event) {
				if !asJSON {
					fmt.Fprintf(a.stdout, "%8.3fs  %-31s  % x  %q\n", e.Time.Seconds(), describe(e), e.AppendRaw(nil), e.Device)
					return
				}
				j := eventJSON{Seconds: e.Time.Round(time.Microsecond).Seconds(), Device: e.Device, Kind: e.Kind().String(), MIDI: hexBytes(e.AppendRaw(nil))}
				if k := e.Kind(); k != midi.SysEx && k != midi.System {
					j.Channel = int(e.Channel()) + 1
				}
				writeJSON(a.stdout, j)
			})
			if c.Context().Err() != nil {
				return nil // Ctrl-C is how it ends
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON lines")
	driverFlag(cmd)
	return cmd
}
