package sequencer

import (
	"strings"
	"testing"
)

func TestAddr(t *testing.T) {
	for _, a := range []Addr{{}, {20, 0}, {255, 255}} {
		if got, err := ParseAddr(a.String()); got != a || err != nil {
			t.Errorf("%v: %v, %v", a, got, err)
		}
	}
	for _, s := range []string{"", "20", "20:", ":0", "20:0:0", "256:0", "-1:0", "a:b", "20:0 "} {
		if got, err := ParseAddr(s); err == nil {
			t.Errorf("%q: %v", s, got)
		}
	}
}

// As Linux 6.1 writes it.
const clients = `Client info
  cur  clients : 3
  peak clients : 4
  max  clients : 192

Client   0 : "System" [Kernel Legacy]
  Port   0 : "Timer" (Rwe-)
    Connecting To: 128:0
Client  14 : "Midi Through" [Kernel Legacy]
  Port   0 : "Midi Through Port-0" (RWe-)
Client 128 : "isobooth" [User Legacy]
  Port   0 : "isobooth" (-We-)
    Connected From: 14:0
  Output pool :
    Pool size          : 500
    Cells in use       : 0
    Peak cells in use  : 0
    Alloc success      : 0
    Alloc failures     : 5
  Input pool :
    Pool size          : 2000
    Cells in use       : 0
    Peak cells in use  : 2000
    Alloc success      : 7366
    Alloc failures     : 634

Client 129 : "other" [User Legacy]
  Input pool :
    Alloc failures     : 7
`

func TestParseLost(t *testing.T) {
	for client, want := range map[int]uint64{0: 0, 14: 0, 128: 634, 129: 7, 130: 0} {
		if got, err := parseLost(strings.NewReader(clients), client); got != want || err != nil {
			t.Errorf("client %d: %d, %v, want %d", client, got, err, want)
		}
	}
	if got, err := parseLost(strings.NewReader("Client 128 : \"\"\n  Input pool :\n    Alloc failures : x\n"), 128); err == nil {
		t.Errorf("got %d", got)
	}
}

func FuzzParseLost(f *testing.F) {
	f.Add(clients, 128)
	f.Add("Client   1 : \"\n  Input pool :\n    Alloc failures     : 18446744073709551616\n", 1)
	f.Fuzz(func(t *testing.T, text string, client int) {
		// Lines of our own client come first in its own section: whatever
		// others write behind it cannot change them.
		own := "Client 200 : \"isobooth\" [User]\n  Input pool :\n    Alloc failures     : 3\n"
		if got, err := parseLost(strings.NewReader(own+text), 200); got != 3 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		parseLost(strings.NewReader(text), client)
	})
}
