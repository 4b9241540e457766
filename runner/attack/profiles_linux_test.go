package attack_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner/attack"
)

// shown remembers of which attacks the control has worked: it is the same
// under every profile.
type shown struct {
	mu sync.Mutex
	at map[string]bool
}

func (s *shown) key(id string, p attack.Phase) string { return id + "/" + p.String() }

func (s *shown) has(row *attack.Row, p attack.Phase) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at[s.key(row.ID, p)]
}

// take trusts a control as the self-test does: with its result there was one,
// and it had something to say.
func (s *shown) take(r attack.Result) {
	if r.Control == "" || r.Verdict == attack.Inconclusive || r.Verdict == attack.Breach {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at[s.key(r.ID, r.Phase)] = true
}

// TestProfiles makes every attack under the profiles that grant something, with
// what they grant, and in a booth that learns: after the seal, and under what
// allows most before it, too. What a profile allows, and nothing else, may come
// to pass, and no evidence of it.
func TestProfiles(t *testing.T) {
	controls := &shown{at: map[string]bool{}}
	for _, test := range []struct {
		name    string
		profile *profiles.Profile
		learn   *profiles.Profile
		phases  func([]attack.Phase) []attack.Phase
	}{
		{"files", named(t, "files"), nil, last},
		{"network-client", named(t, "network-client"), nil, last},
		{"audio", anyDevice(t), nil, last},
		{"legacy", named(t, "legacy"), nil, attack.Few},
		{"learning", strict(t), named(t, "legacy"), last},
	} {
		t.Run(test.name, func(t *testing.T) {
			looser := func(about string) bool {
				return test.profile.Warning(about) != "" || test.learn != nil && test.learn.Warning(about) != ""
			}
			allowed := map[string]bool{}
			for _, row := range attack.Rows() {
				allowed[row.ID] = slices.ContainsFunc(slices.Concat(row.AllowedBy, row.Calls), looser)
			}
			count := map[attack.Verdict]int{}
			results, err := attack.Run(context.Background(), attack.Options{
				Programs: programs, Profile: test.profile, Learn: test.learn, Groups: groups(t), Landlock: true,
				Phases: test.phases, Shown: controls.has, Progress: func(_, _ int, r attack.Result) { controls.take(r) },
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				count[r.Verdict]++
				if r.Verdict == attack.NotRun {
					continue
				}
				t.Run(r.ID+"/"+r.Phase.String(), func(t *testing.T) {
					if allowed[r.ID] && (r.Verdict == attack.Allowed || r.Verdict == attack.ContainedOther) {
						t.Logf("%s by %q: %q", r.Verdict, r.Layer, r.Detail)
						return
					}
					// A thread was learned, and the limits allow none.
					if test.learn != nil && r.Phase == attack.Thread && r.Layer == attack.Seal {
						t.Log(r.Detail)
						return
					}
					judge(t, r)
				})
			}
			t.Logf("%v", count)
			if count[attack.Allowed] == 0 || count[attack.ContainedOther] == 0 {
				t.Errorf("nothing is looser than strict: %v", count)
			}
		})
	}
}

// last is one phase, after the seal if the attack has one there.
func last(phases []attack.Phase) []attack.Phase {
	few := attack.Few(phases)
	return few[len(few)-1:]
}

// anyDevice is the profile audio with a device that every machine has in place
// of a sound card's.
func anyDevice(t *testing.T) *profiles.Profile {
	t.Helper()
	path := filepath.Join(t.TempDir(), "any-device.toml")
	text := `name = "any-device"
description = "audio on a machine without a sound card"
extends = "audio"

[[remove]]
devices = ["/dev/snd/pcm*", "/dev/snd/control*"]
why = "not every machine has one"

[[devices]]
path = "/dev/full"
access = "write"
why = "every machine has it"
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	profile, err := profiles.NewLibrary("", "").Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return profile
}
