package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
)

// missingLayer returns nil when booths may start without a layer: the config
// allows it, and no plugin's profile requires it. err is why it is missing.
func (s *session) missingLayer(layer string, err error) error {
	if !s.app.settings.mayMiss(layer) {
		return &runner.LayerError{Layer: layer, Err: err}
	}
	for _, g := range s.plugs() {
		if err := requires(g.current(), layer, err); err != nil {
			return fmt.Errorf("plugin %q: %w", g.config.Name, err)
		}
	}
	return nil
}

// requirements returns an error when a profile requires a layer that the
// booths of this session do without: for one that comes later than they.
func (s *session) requirements(p *profiles.Profile) error {
	for _, layer := range s.missing() {
		if err := requires(p, layer, errors.New("it was not there when this daemon started")); err != nil {
			return err
		}
	}
	return nil
}

// requires returns an error when a profile requires the layer.
func requires(p *profiles.Profile, layer string, err error) error {
	if !slices.Contains(p.Require, layer) {
		return nil
	}
	return &runner.LayerError{Layer: layer, Err: fmt.Errorf("profile %q requires it, whatever allow_missing says: %w", p.Name, err)}
}
