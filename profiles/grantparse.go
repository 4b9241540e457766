package profiles

import (
	"errors"
	"fmt"
)

type fileDocument struct {
	Path   string `toml:"path"`
	Inside string `toml:"inside"`
	Access string `toml:"access"`
	Why    string `toml:"why"`
}

type deviceDocument struct {
	Path   string `toml:"path"`
	Access string `toml:"access"`
	Why    string `toml:"why"`
}

type networkDocument struct {
	To  []string `toml:"to"`
	Why string   `toml:"why"`
}

type environmentDocument struct {
	Names []string `toml:"names"`
	Why   string   `toml:"why"`
}

// grants adds to those of the parents.
func (p *parser) grants(profile *Profile) error {
	for i, d := range p.doc.Files {
		at := fmt.Sprintf("files[%d]", i)
		g := FileGrant{Path: d.Path, Inside: d.Inside, Access: Access(d.Access), Why: d.Why, At: p.at(at + ".path")}
		if err := profile.addFile(g); err != nil {
			return p.fail(at+".path", fmt.Errorf("files: %w", err))
		}
	}
	for i, d := range p.doc.Devices {
		at := fmt.Sprintf("devices[%d]", i)
		g := DeviceGrant{Path: d.Path, Access: Access(d.Access), Why: d.Why, At: p.at(at + ".path")}
		if err := profile.addDevice(g); err != nil {
			return p.fail(at+".path", fmt.Errorf("devices: %w", err))
		}
	}
	for i, d := range p.doc.Network {
		at := fmt.Sprintf("network[%d]", i)
		g := NetworkGrant{Why: d.Why, At: p.at(at + ".to")}
		for j, text := range d.To {
			to, err := ParseDestination(text)
			if err != nil {
				return p.fail(fmt.Sprintf("%s.to[%d]", at, j), fmt.Errorf("network: %w", err))
			}
			g.To = append(g.To, to)
		}
		if err := profile.addNetwork(g); err != nil {
			return p.fail(at+".to", fmt.Errorf("network: %w", err))
		}
	}
	for i, d := range p.doc.Environment {
		at := fmt.Sprintf("environment[%d]", i)
		if len(d.Names) == 0 {
			return p.fail(at+".names", errors.New("environment: names is missing"))
		}
		for j, name := range d.Names {
			at := fmt.Sprintf("%s.names[%d]", at, j)
			if err := profile.addEnvironment(EnvironmentGrant{Name: name, Why: d.Why, At: p.at(at)}); err != nil {
				return p.fail(at, err)
			}
		}
	}
	at, err := profile.fitGrants()
	switch {
	case err == nil:
		return nil
	case at.File == p.file:
		return &parseError{file: p.file, line: at.Line, err: err}
	}
	return p.fail("extends", fmt.Errorf("%s: %w", at, err))
}
