package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/isobooth/isobooth/profiles"
	"github.com/spf13/cobra"
)

func (a *app) profileNewCmd() *cobra.Command {
	var extends string
	cmd := &cobra.Command{
		Use: "new NAME", Short: "Begin a profile of your own", Args: a.args(1, 1),
		Long: `New writes a profile that extends another one and changes nothing yet, into your
folder of profiles. It never overwrites a file.`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			file, err := a.newProfile(args[0], extends)
			if err != nil {
				return err
			}
			a.say("wrote %s; next: isobooth profile edit %s", file, args[0])
			return nil
		},
	}
	cmd.Flags().StringVar(&extends, "extends", profiles.Default, "the `PROFILE` to begin from")
	// Fails for a flag that does not exist, which a test would see.
	_ = cmd.RegisterFlagCompletionFunc("extends", a.completeProfiles(0))
	return cmd
}

func (a *app) newProfile(name, extends string) (file string, err error) {
	if !profiles.ValidName(name) {
		return "", fmt.Errorf("profile %q: a name is made of lower-case letters, digits and dashes, and begins with a letter", name)
	}
	if userProfiles() == "" {
		return "", errors.New("without $HOME there is no folder for your profiles")
	}
	list, err := a.library().List()
	if err != nil {
		return "", err
	}
	if i := slices.IndexFunc(list, func(l profiles.Listed) bool { return l.Name == name }); i >= 0 {
		return "", fmt.Errorf("profile %q exists already: %s", name, list[i].File)
	}
	parent, err := a.openProfile(extends)
	if err != nil {
		return "", err
	}
	if extends = profilePath(extends); filepath.Base(extends) != extends {
		// A path in a profile is relative to that profile.
		if extends, err = filepath.Abs(expandHome(extends)); err != nil {
			return "", err
		}
	}
	file = filepath.Join(userProfiles(), name+".toml")
	text := fmt.Sprintf(`name = %q
description = %q
extends = %q

# What differs from %s: [limits], [[rules]], [[remove]], [[files]], [[devices]],
# [[network]], [[environment]]. isobooth profile explain %s CALL writes rules.
`, name, "Like "+parent.Name, extends, parent.Name, name)
	if _, err := a.library().Parse(file, name, []byte(text)); err != nil {
		return "", err
	}
	if err := os.MkdirAll(userProfiles(), 0o700); err != nil {
		return "", err
	}
	if err := writeNew(file, []byte(text), 0o600); err != nil {
		return "", err
	}
	return file, nil
}

// ownProfile returns the file of a profile of the user's; of another one an
// error, with what to do.
func (a *app) ownProfile(name string) (string, error) {
	list, err := a.library().List()
	if err != nil {
		return "", err
	}
	for _, l := range list {
		if l.Name != name {
			continue
		}
		switch l.Origin {
		case profiles.FromUser:
			return l.File, nil
		case profiles.FromEmbedded:
			err = fmt.Errorf("profile %q is built in and stays as it is", name)
		default:
			err = fmt.Errorf("profile %q is the system's: %s", name, l.File)
		}
		a.say("%v", err)
		a.hint("isobooth profile new my-%s --extends %s begins one of your own", name, name)
		return "", &shownError{err}
	}
	if _, err := os.Lstat(profilePath(name)); err == nil {
		return "", errors.New("edit takes the name of a profile in your folder of profiles; a file elsewhere is edited as any other, and isobooth profile check looks at it")
	}
	return "", fmt.Errorf("profile %q: %w; isobooth profile new %s begins it", name, profiles.ErrUnknown, name)
}
