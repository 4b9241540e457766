//go:build cgo && linux

package rtmidi

import (
	"testing"

	"github.com/isobooth/isobooth/midi/sequencer/seqtest"
)

func TestMain(m *testing.M) {
	seqtest.Serve()
	m.Run()
}

func TestSequencer(t *testing.T) { seqtest.TestDriver(t, Driver{}) }
