package ports

import (
	"slices"
	"testing"
)

func announcement(kind, client, port byte) []byte {
	b := make([]byte, seqEventSize)
	b[0], b[seqEventData], b[seqEventData+1] = kind, client, port
	return b
}

func TestAnnouncements(t *testing.T) {
	type step struct {
		kind, client, port byte
		changed            bool
		gone               string
	}
	// Client 140 is ours.
	for name, steps := range map[string][]step{
		"a device": {
			{clientStart, 24, 0, false, ""}, {portStart, 24, 0, true, ""}, {portStart, 24, 1, true, ""},
			{portExit, 24, 1, true, "24:1"}, {clientExit, 24, 0, true, "24:"},
		},
		"a program that is killed":  {{clientStart, 128, 0, false, ""}, {portStart, 128, 0, true, ""}, {clientExit, 128, 0, true, "128:"}},
		"one that was there before": {{clientExit, 24, 0, true, "24:"}},
		"one that only lists":       {{clientStart, 129, 0, false, ""}, {clientExit, 129, 0, false, ""}},
		"a client number again": {
			{clientStart, 129, 0, false, ""}, {portStart, 129, 0, true, ""}, {clientExit, 129, 0, true, "129:"},
			{clientStart, 129, 0, false, ""}, {clientExit, 129, 0, false, ""},
		},
		"our own":               {{clientStart, 140, 0, false, ""}, {portStart, 140, 0, false, ""}, {portExit, 140, 0, false, ""}, {clientExit, 140, 0, false, ""}},
		"our own, there before": {{portStart, 140, 0, false, ""}, {clientExit, 140, 0, false, ""}},
		"a new name":            {{portChange, 20, 0, true, ""}},
		"connections":           {{66, 20, 0, false, ""}, {67, 20, 0, false, ""}, {62, 20, 0, false, ""}, {6, 20, 0, false, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			a := &announced{ours: func(client uint8) bool { return client == 140 }}
			for _, s := range steps {
				changed, gone := a.take(announcement(s.kind, s.client, s.port))
				if changed != s.changed || gone != s.gone {
					t.Errorf("%d of %d:%d: %v, %q, want %v, %q", s.kind, s.client, s.port, changed, gone, s.changed, s.gone)
				}
			}
		})
	}
}

// Other programs can send to our port, but not what is taken for the kernel's.
func TestForgedAnnouncements(t *testing.T) {
	a := &announced{ours: func(uint8) bool { return false }}
	forged := announcement(portExit, 24, 0)
	forged[seqEventSource] = 128
	if changed, gone := a.takeAll(forged); changed || gone != nil {
		t.Errorf("from a program: %v, %q", changed, gone)
	}
	long := announcement(130, 0, 0) // a system exclusive message
	long[1], long[seqEventSource] = 1<<2, 128
	if _, gone := a.takeAll(append(long, announcement(portExit, 24, 0)...)); gone != nil {
		t.Errorf("as the data of an event: %q", gone)
	}
	real := append(announcement(portExit, 24, 0), announcement(clientExit, 24, 0)...)
	if changed, gone := a.takeAll(append(real, 1, 2, 3)); !changed || !slices.Equal(gone, []string{"24:0", "24:"}) {
		t.Errorf("the control: %v, %q", changed, gone)
	}
}

// Whatever the bytes are: no panic.
func FuzzAnnouncements(f *testing.F) {
	f.Add(append(announcement(clientStart, 128, 0), announcement(portStart, 128, 0)...))
	f.Add(append(announcement(portExit, 24, 0), 1, 2))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		a := &announced{ours: func(client uint8) bool { return client%2 == 0 }}
		a.takeAll(b)
		a.takeAll(b)
	})
}

func TestDeparted(t *testing.T) {
	d := departed{"24:0", "128:"}
	for id, want := range map[string]bool{"24:0": true, "24:01": false, "24:1": false, "128:7": true, "12:8": false, "1280:1": false, "": false} {
		if d.has(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
	c := NewChanges()
	c.Tell("a")
	c.Tell()
	c.Tell("b", "c")
	if got := c.take(); !slices.Equal(got, departed{"a", "b", "c"}) || len(c.take()) != 0 {
		t.Errorf("took %q", got)
	}
}

// Whatever the bytes are: no panic, and no end that does not come.
func FuzzNotifies(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 'm', 'i', 'd', 'i', 'C', '0', 'D', '0', 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) { notifies(b, "snd") })
}
