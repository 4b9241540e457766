package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/isobooth/isobooth/runner"
	"github.com/spf13/cobra"
)

// statusFile is a daemon's socket in its folder: who connects gets one JSON
// document.
const statusFile = "status.sock"

// daemonStatus is what a daemon says of itself.
type daemonStatus struct {
	PID    int           `json:"pid"`
	Config string        `json:"config"`
	Booths []boothStatus `json:"booths"`
}

type boothStatus struct {
	Name    string         `json:"name"`
	State   runner.State   `json:"state"`
	Profile string         `json:"profile"`
	SHA256  string         `json:"sha256"`
	KeyID   string         `json:"key_id,omitempty"` // empty when unsigned
	PID     int            `json:"pid,omitempty"`
	Stats   runner.Stats   `json:"stats"`
	Layers  []controlLayer `json:"layers,omitempty"`
}

func (s *session) status() daemonStatus {
	d := daemonStatus{PID: os.Getpid(), Config: s.app.settings.File, Booths: []boothStatus{}}
	for _, g := range s.plugs {
		about := g.booth.About()
		b := boothStatus{
			Name: g.config.Name, State: g.booth.State(), Profile: g.profile.Name, SHA256: g.plugin.Image.Digest(),
			KeyID: g.plugin.Signature.KeyID, PID: about.PID, Stats: g.booth.Stats(),
		}
		if about.PID != 0 {
			b.Layers = append(about.Layers[:len(about.Layers):len(about.Layers)], s.ownLayers(g)...)
		}
		d.Booths = append(d.Booths, b)
	}
	return d
}

// serveStatus answers isobooth ps until the listener is closed.
func (s *session) serveStatus() (io.Closer, error) {
	path := filepath.Join(s.dir, statusFile)
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			// A client that does not read must not hold up the next for long.
			_ = c.SetDeadline(time.Now().Add(time.Second))
			writeJSON(c, s.status())
			c.Close()
		}
	}()
	return l, nil
}

func (a *app) psCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ps", Short: "List the booths of this user's daemons", Args: a.args(0, 0),
		RunE: func(c *cobra.Command, args []string) error {
			all, err := readStatuses()
			if err != nil {
				return err
			}
			if asJSON {
				writeJSON(a.stdout, all)
				return nil
			}
			if len(all) == 0 {
				a.say("no daemon is running")
				return nil
			}
			fmt.Fprintf(a.stdout, "%-20s %-12s %7s %-10s %9s %8s %8s %8s\n", "BOOTH", "STATE", "PID", "PROFILE", "TRIGGERS", "FAILED", "DROPPED", "RESTARTS")
			for _, d := range all {
				for _, b := range d.Booths {
					fmt.Fprintf(a.stdout, "%-20s %-12s %7d %-10s %9d %8d %8d %8d\n", b.Name, b.State, b.PID, b.Profile,
						b.Stats.Triggers, b.Stats.Failed, b.Stats.Dropped, b.Stats.Restarts)
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with every layer of every booth")
	return cmd
}

// readStatuses asks every running daemon of this user.
func readStatuses() ([]daemonStatus, error) {
	dir, err := runtimeDir()
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(dir, daemonPrefix+"*", statusFile))
	if err != nil {
		return nil, err
	}
	all := []daemonStatus{}
	var errs []error
	for _, p := range paths {
		if !daemonAlive(filepath.Base(filepath.Dir(p))) {
			continue
		}
		var d daemonStatus
		conn, err := net.DialTimeout("unix", p, time.Second)
		if err == nil {
			_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
			err = json.NewDecoder(conn).Decode(&d)
			conn.Close()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("ask daemon %s: %w", p, err))
			continue
		}
		all = append(all, d)
	}
	return all, errors.Join(errs...)
}
