package verify

import (
	"path/filepath"
	"strings"
)

const (
	maxConf      = 64 << 10 // bytes in one file
	maxConfFiles = 256
	maxConfDirs  = 256
)

// confLine is one statement of ld.so.conf: a folder or a pattern of files to
// read in its place.
type confLine struct{ dir, include string }

// parseConf reads the text of an ld.so.conf (ldconfig(8)). What it does not
// understand it leaves out: the file is the system's, and a folder too few
// only means that a library is not found.
func parseConf(data []byte) []confLine {
	var lines []confLine
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n:,", r) })
		if len(words) == 0 || words[0] == "hwcap" {
			continue
		}
		if words[0] == "include" {
			for _, pattern := range words[1:] {
				lines = append(lines, confLine{include: pattern})
			}
			continue
		}
		for _, dir := range words {
			// "dir=type" is a libc5 relic.
			dir, _, _ = strings.Cut(dir, "=")
			if filepath.IsAbs(dir) {
				lines = append(lines, confLine{dir: filepath.Clean(dir)})
			}
		}
	}
	return lines
}

// confReader collects folders over includes.
type confReader struct {
	dirs []string
	seen map[string]bool // files, so that an include cycle ends
}

// read adds the folders of file, which may be missing.
func (c *confReader) read(file string) error {
	if c.seen[file] || len(c.seen) == maxConfFiles {
		return nil
	}
	c.seen[file] = true
	data, err := readConf(file)
	if err != nil {
		return err
	}
	for _, l := range parseConf(data) {
		if l.include == "" {
			c.add(l.dir)
			continue
		}
		pattern := l.include
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(file), pattern)
		}
		// Glob sorts, and only a malformed pattern is an error.
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			if err := c.read(f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *confReader) add(dir string) {
	for _, d := range c.dirs {
		if d == dir {
			return
		}
	}
	if len(c.dirs) < maxConfDirs {
		c.dirs = append(c.dirs, dir)
	}
}
