package attack

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Evidence is something only the host decides on: what an attack that works
// leaves behind. A row names those that apply. Each is made anew for every
// probe, and tells the library through the parameters where it is.
type Evidence func(*probe) (trap, error)

// trap is one piece of evidence, made ready.
type trap interface {
	// sprung says what the attack has brought about; "" is nothing. It is
	// called when the booth, or the control, has ended, so that what was
	// under way is done.
	sprung() (string, error)
	// reset forgets, before the control runs.
	reset() error
	close() error
}

// inside marks evidence that only a booth can show, not the control.
type inside interface{ inside() }

// nonce is 128 bits that nothing else on this machine holds.
func nonce() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails, says its documentation
	return hex.EncodeToString(b)
}

// Canary is a file that must not come into being; p.canary. Anyone may write
// to its folder.
func Canary(p *probe) (trap, error) {
	path := filepath.Join(p.folder, "canary-"+p.nonce)
	return canary(path), put(p.parameters.Canary[:], path)
}

type canary string

func (c canary) sprung() (string, error) {
	switch _, err := os.Lstat(string(c)); {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	}
	return "the canary file was made", nil
}

func (c canary) reset() error { return c.close() }

func (c canary) close() error {
	if err := os.Remove(string(c)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Secret is a world-readable file, p.secret, whose content must not be in any
// byte that leaves the booth: replies, log, its end's description.
func Secret(p *probe) (trap, error) {
	path := filepath.Join(p.folder, "secret")
	if err := os.WriteFile(path, []byte(p.secret), 0o644); err != nil {
		return nil, err
	}
	return leak{p, p.secret, nil}, put(p.parameters.Secret[:], path)
}

// leak is a text that must not leave.
type leak struct {
	p    *probe
	text string
	end  func() error
}

func (l leak) sprung() (string, error) {
	if bytes.Contains(l.p.heard(), []byte(l.text)) {
		return "the secret left", nil
	}
	return "", nil
}

func (l leak) reset() error { return nil }

func (l leak) close() error {
	if l.end == nil {
		return nil
	}
	return l.end()
}

// HostName is the machine's name, which the attack must not have said.
func HostName(p *probe) (trap, error) {
	name, err := os.Hostname()
	return hostName{p, name}, err
}

type hostName struct {
	p    *probe
	name string
}

func (h hostName) sprung() (string, error) {
	if h.p.report != nil && h.p.report.said == h.name {
		return fmt.Sprintf("it knows the host's name, %q", h.name), nil
	}
	return "", nil
}

func (h hostName) reset() error { return nil }
func (h hostName) close() error { return nil }
