package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks is the kernel's own bound, path_resolution(7).
const maxLinks = 40

// resolveLinks resolves the symbolic links of an absolute path, but none that
// lies in one of the folders writable: who writes there can make no link, but
// can move one that is there to where another grant begins.
//
// It looks at each name once, so that nothing is followed that was not looked
// at; what the result becomes later the jailer sees.
func resolveLinks(path string, writable []string) (string, error) {
	done, rest, links := "/", strings.Split(path, "/"), 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			done = filepath.Dir(done)
			continue
		}
		next := filepath.Join(done, name)
		st, err := os.Lstat(next)
		if err != nil {
			return "", err
		}
		if st.Mode().Type() != os.ModeSymlink {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", syscall.ELOOP
		}
		for _, dir := range writable {
			if holds(dir, done) {
				return "", fmt.Errorf("%q is a link in a folder that a plugin may write to", next)
			}
		}
		to, err := os.Readlink(next)
		if err != nil {
			return "", err
		}
		if filepath.IsAbs(to) {
			done = "/"
		}
		rest = append(strings.Split(to, "/"), rest...)
	}
	return done, nil
}
