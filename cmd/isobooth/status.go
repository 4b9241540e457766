package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/midi/ports"
	"github.com/isobooth/isobooth/runner"
	"github.com/spf13/cobra"
)

// statusFile is a daemon's socket in its folder. Who connects sends one
// request and gets one reply, both JSON; or, to "events", as many as there are.
const statusFile = "status.sock"

// maxClients is how many requests are read, or readers of events served, at
// once; the next ones wait to be accepted.
const maxClients = 4 * maxStreams

type request struct {
	Op     string         `json:"op"`
	Name   string         `json:"name,omitempty"` // of a plugin
	Events *eventsRequest `json:"events,omitempty"`
	// Of opLimit: KEY: VALUE.
	Limits  map[string]string `json:"limits,omitempty"`
	Persist bool              `json:"persist,omitempty"`

	by string // whose it is, as peer has it
}

const (
	opStatus  = "status"
	opRelease = "release"
	opLimit   = "limit"
)

type releaseReply struct {
	Known    bool         `json:"known"` // this daemon has a plugin of that name
	Released bool         `json:"released"`
	State    runner.State `json:"state,omitempty"` // why not
}

// daemonStatus is what a daemon says of itself.
type daemonStatus struct {
	PID    int           `json:"pid"`
	Config string        `json:"config"`
	Mode   string        `json:"mode"` // in force
	Booths []boothStatus `json:"booths"`
	Ports  []ports.State `json:"ports"`
}

type boothStatus struct {
	Name    string         `json:"name"`
	State   runner.State   `json:"state"`
	Profile string         `json:"profile"`
	SHA256  string         `json:"sha256"`
	KeyID   string         `json:"key_id,omitempty"` // empty when unsigned
	PID     int            `json:"pid,omitempty"`
	Standby bool           `json:"standby"` // a worker is kept in reserve
	Stats   runner.Stats   `json:"stats"`
	History runner.History `json:"history"`
	MIDI    outputStats    `json:"midi"`
	Usage   *cgroups.Stats `json:"usage,omitempty"` // of its control group, since its worker started
	Layers  []controlLayer `json:"layers,omitempty"`
}

func (s *session) status() daemonStatus { return s.statusOf(s.plugs()) }

func (s *session) statusOf(plugs []*plug) daemonStatus {
	d := daemonStatus{PID: os.Getpid(), Config: s.config.path, Mode: s.mode(), Booths: []boothStatus{}, Ports: s.portStates()}
	for _, g := range plugs {
		about := g.booth.About()
		b := boothStatus{
			Name: g.config.Name, State: g.booth.State(), Profile: g.current().Name, SHA256: g.plugin.Image.Digest(),
			KeyID: g.plugin.Signature.KeyID, PID: about.PID,
			Standby: g.booth.Standby(), Stats: g.booth.Stats(), History: g.booth.History(),
		}
		b.MIDI = g.output.stats()
		if about.PID != 0 {
			if usage := g.booth.Usage(); usage != (cgroups.Stats{}) {
				b.Usage = &usage
			}
			b.Layers = append(about.Layers[:len(about.Layers):len(about.Layers)], s.ownLayers(g)...)
		}
		d.Booths = append(d.Booths, b)
	}
	return d
}

// serveStatus answers this user's other commands until the listener is
// closed.
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
	clients := newClients(s)
	go func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil { // out of descriptors, say; there will be some again
				time.Sleep(100 * time.Millisecond)
				continue
			}
			clients.serve(c)
		}
	}()
	return l, nil
}

// answer writes the reply to a request. Requests are answered one at a time.
func (s *session) answer(c io.Writer, r *request) {
	switch r.Op {
	case opStatus:
		writeJSON(c, s.status())
	case opStats:
		writeJSON(c, s.stats())
	case opRelease:
		reply := s.release(r.Name)
		if reply.Released {
			s.app.audit.released(r.Name, r.by)
		}
		writeJSON(c, reply)
	case opLimit:
		writeJSON(c, s.limit(r))
	}
}

func (s *session) release(name string) releaseReply {
	for _, g := range s.plugs() {
		if g.config.Name == name {
			err := g.booth.Release()
			if err == nil {
				s.events.publish(event{Type: eventRelease, Booth: name, Text: "released from quarantine"})
			}
			return releaseReply{Known: true, Released: err == nil, State: g.booth.State()}
		}
	}
	return releaseReply{}
}

// daemonSockets lists those of this user's running daemons.
func daemonSockets() ([]string, error) {
	dir, err := runtimeDir()
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(dir, daemonPrefix+"*", statusFile))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(paths, func(p string) bool { return !daemonAlive(filepath.Base(filepath.Dir(p))) }), nil
}

// errEnding is a daemon that has stopped listening: it is about to end.
var errEnding = errors.New("the daemon is ending")

// ask sends a request to the daemon at a socket and decodes its reply.
func ask(path string, r request, reply any) error {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		err = errEnding
	}
	if err == nil {
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
		writeJSON(conn, r)
		err = json.NewDecoder(conn).Decode(reply)
	}
	if err == io.EOF {
		err = fmt.Errorf("it does not answer %q; restart it if it is of an older version", r.Op)
	}
	if err != nil {
		return fmt.Errorf("ask daemon %s: %w", path, err)
	}
	return nil
}

func (a *app) psCmd() *cobra.Command {
	var asJSON, showPorts bool
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
			if showPorts {
				printPorts(a.stdout, all)
				return nil
			}
			fmt.Fprintf(a.stdout, "%-20s %-12s %7s %-10s %9s %8s %8s %8s %8s\n", "BOOTH", "STATE", "PID", "PROFILE", "TRIGGERS", "FAILED", "LOST", "DROPPED", "RESTARTS")
			for _, d := range all {
				for _, b := range d.Booths {
					fmt.Fprintf(a.stdout, "%-20s %-12s %7d %-10s %9d %8d %8d %8d %8d\n", b.Name, b.State, b.PID, b.Profile,
						b.Stats.Triggers, b.Stats.Failed, b.Stats.Lost, b.Stats.Dropped+b.Stats.Expired, b.Stats.Restarts)
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with what every booth uses, every layer of it, and the MIDI ports")
	cmd.Flags().BoolVar(&showPorts, "ports", false, "list their MIDI ports instead, with what came in and what was lost")
	return cmd
}

// readStatuses asks every running daemon of this user.
func readStatuses() ([]daemonStatus, error) { return askAll[daemonStatus](opStatus) }

// askAll asks every running daemon of this user the same, and returns the
// replies.
func askAll[T any](op string) ([]T, error) {
	daemons, err := daemonSockets()
	if err != nil {
		return nil, err
	}
	all := []T{}
	var errs []error
	for _, path := range daemons {
		var d T
		switch err := ask(path, request{Op: op}, &d); {
		case err == nil:
			all = append(all, d)
		case !errors.Is(err, errEnding):
			errs = append(errs, err)
		}
	}
	return all, errors.Join(errs...)
}
