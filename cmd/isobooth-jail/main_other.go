//go:build !linux

// Command isobooth-jail builds booths; on this system it cannot yet.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "isobooth-jail: booths need Linux in this release")
	os.Exit(4)
}
