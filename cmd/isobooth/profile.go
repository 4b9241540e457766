package main

import (
	"strings"

	"github.com/isobooth/isobooth/profiles"
	"github.com/spf13/cobra"
)

func (a *app) profileCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "profile", Short: "Look at what booths may do, and write it", RunE: needsCommand}
	cmd.AddCommand(a.profileListCmd(), a.profileShowCmd(), a.profileExplainCmd(), a.profileCheckCmd(), a.profileDiffCmd(),
		a.profileEditCmd(), a.profileNewCmd(), a.learnCmd())
	return cmd
}

// openProfile takes what a user calls a profile on the command line: a name, a
// path, or the name of a file in the current folder that ends in .toml.
func (a *app) openProfile(name string) (*profiles.Profile, error) {
	return a.findProfile(profilePath(name))
}

func profilePath(name string) string {
	if strings.HasSuffix(name, ".toml") && !strings.Contains(name, "/") {
		return "./" + name
	}
	return name
}

// parentOf loads the profile that p extends; nil when it extends none.
func (a *app) parentOf(p *profiles.Profile) (*profiles.Profile, error) {
	if len(p.Chain) < 2 {
		return nil, nil
	}
	return a.ofChain(&p.Chain[1])
}

// ofChain loads one profile of a chain of extends, from its own place.
func (a *app) ofChain(s *profiles.Source) (*profiles.Profile, error) {
	if strings.Contains(s.At.File, "/") {
		return a.library().Load(s.At.File)
	}
	return profiles.Named(s.Name)
}

// completeProfiles offers the names of the library, whether they can be used
// or not, for the first most arguments.
func (a *app) completeProfiles(most int) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.profileNames(), cobra.ShellCompDirectiveDefault
	}
}

func (a *app) profileNames() []string {
	// A folder that cannot be read leaves the names of the others.
	list, _ := a.library().List()
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	return names
}
