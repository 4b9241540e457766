package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// destination settles where the profile goes, before the plugin is run for it.
func (o *learnOptions) destination() error {
	switch {
	case o.out == "-":
		return nil
	case o.out == "" && userProfiles() == "":
		return usageError{errors.New("there is no folder for your profiles without $HOME: give --out")}
	case o.out == "":
		o.out = filepath.Join(userProfiles(), o.name+".toml")
	case o.name != strings.TrimSuffix(filepath.Base(o.out), ".toml"):
		return usageError{fmt.Errorf("--out %s: a profile's file has its name: %s.toml, or give --name", o.out, o.name)}
	}
	if _, err := os.Lstat(o.out); err == nil && !o.force {
		return fmt.Errorf("profile %s is there already: --force replaces it, --name gives another name: %w", o.out, fs.ErrExist)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// extends is the base as the new profile names it.
func (l *learning) extends() (string, error) {
	if !strings.Contains(l.o.base, "/") {
		return l.o.base, nil
	}
	return filepath.Abs(expandHome(l.o.base))
}

// write puts the profile where it belongs, whole or not at all.
func (o *learnOptions) write(a *app, text []byte) error {
	if o.out == "-" {
		_, err := a.stdout.Write(text)
		return err
	}
	if err := os.MkdirAll(filepath.Dir(o.out), 0o700); err != nil {
		return err
	}
	if err := replaceFile(o.out, text, 0o600); err != nil {
		return err
	}
	a.say("wrote %s", o.out)
	return nil
}
