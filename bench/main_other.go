//go:build !linux

package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	fmt.Fprintf(os.Stderr, "bench: measure booths: %v\n", errors.ErrUnsupported)
	os.Exit(1)
}
