package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/isobooth/isobooth/cmd/isobooth/internal/audit"
	"github.com/isobooth/isobooth/profiles"
)

// auditConfig is where a daemon keeps its audit log, and what it does without.
type auditConfig struct {
	File     string `toml:"file"`   // or auditOff
	Rotate   string `toml:"rotate"` // a size
	Required bool   `toml:"required"`
}

// auditOff is the name of no file.
const auditOff = "off"

// defaultAuditFile is "" where there is no home; a file can be named.
func defaultAuditFile() string {
	dir, err := stateDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "audit.jsonl")
}

// size is how large a file may become before another is begun.
func (c *auditConfig) size() (int64, error) {
	const least, most = 1 << 10, 1 << 34
	n, err := profiles.ParseSize(c.Rotate)
	if err != nil {
		return 0, fmt.Errorf("config: audit.rotate: %w", err)
	}
	if n < least || n > most {
		return 0, fmt.Errorf("config: audit.rotate: want 1KiB to 16GiB, have %q", c.Rotate)
	}
	return int64(n), nil
}

// errNoAudit is a config that turns the log off.
var errNoAudit = errors.New("the config turns the audit log off: audit.file = \"off\"")

// open opens the log of the config; errNoAudit when there is to be none.
func (c *auditConfig) open() (*audit.Log, error) {
	switch c.File {
	case auditOff:
		return nil, errNoAudit
	case "":
		return nil, errors.New("audit.file is empty: name a file, or \"off\"")
	}
	size, err := c.size()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(c.File), 0o700); err != nil {
		return nil, err
	}
	return audit.Open(c.File, size)
}
