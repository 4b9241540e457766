//go:build 386 || amd64 || arm || arm64 || loong64 || riscv64 || s390x

package sequencer

// Supported says whether the functions of this package do anything.
const Supported = true
