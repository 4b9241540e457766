package attack

import (
	"bytes"
	"errors"
	"os"
	"strings"
)

// Content is what a file of the host holds, by its first words: what tells
// this machine from others. It must not leave the booth. p.text stays the
// row's.
func Content(path string) Evidence {
	return func(p *probe) (trap, error) {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		text := strings.TrimSpace(string(data[:min(len(data), 64)]))
		if len(text) < 8 {
			return nil, errors.New(path + " holds too little to be recognised")
		}
		return leak{p, text, nil}, nil
	}
}

// Environment is what this process, which stands for the daemon, was started
// with, its first variable. It must not leave the booth.
func Environment(p *probe) (trap, error) {
	data, err := os.ReadFile("/proc/self/environ")
	if err != nil {
		return nil, err
	}
	for v := range bytes.SplitSeq(data, []byte{0}) {
		if len(v) >= 8 {
			return leak{p, string(v), nil}, nil
		}
	}
	return nil, errors.New("the self-test runs with an empty environment")
}
