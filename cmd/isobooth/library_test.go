package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
)

// TestLayersHaveOneName: a profile requires layers by the names that the
// jailer, the config and doctor use.
func TestLayersHaveOneName(t *testing.T) {
	for _, name := range slices.Concat(control.Removable(), optionalLayers, []string{checkUserNamespaces().Name, checkSeccomp().Name}) {
		if !slices.Contains(profiles.Layers(), name) {
			t.Errorf("profiles do not know layer %q", name)
		}
	}
}

func TestRequiredLayerMayNotMiss(t *testing.T) {
	profile := func(require ...string) *session {
		return &session{
			app:   &app{settings: &settings{config: config{AllowMissing: []string{"cgroup", "landlock"}}}},
			plugs: []*plug{{config: pluginConfig{Name: "arp"}, profile: &profiles.Profile{Name: "mine", Require: require}}},
		}
	}
	cause := errors.New("no such thing")
	if err := profile().mayMiss("cgroup", cause); err != nil {
		t.Error(err)
	}
	if err := profile("landlock").mayMiss("cgroup", cause); err != nil {
		t.Error(err)
	}
	err := profile("landlock", "cgroup").mayMiss("cgroup", cause)
	var layer *runner.LayerError
	if !errors.As(err, &layer) || layer.Layer != "cgroup" || !errors.Is(err, cause) || !strings.Contains(err.Error(), `plugin "arp": profile "mine" requires it`) {
		t.Errorf("error is %v", err)
	}
	s := profile()
	s.app.settings.AllowMissing = nil
	if err := s.mayMiss("cgroup", cause); !errors.As(err, &layer) {
		t.Errorf("error is %v", err)
	}
}
