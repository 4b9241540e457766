package midi

// Held is what messages have switched on and not yet off: keys that sound, and
// pedals that keep them sounding. It is a value; the zero Held holds nothing.
// It has no lock.
//
// A key counts once, however often it was struck: receivers differ in whether
// a second note-on wants a second note-off, and one ends the note on most.
type Held struct {
	keys   [16][2]uint64 // by channel, a bit for each key
	pedals [16]uint8     // by channel, a bit for each of pedals
}

// pedals are the controllers that keep notes sounding: sustain, sostenuto and
// hold 2. From 64 on they are down (MIDI 1.0, table of controllers).
var pedals = [...]uint8{64, 66, 69}

// Channel mode messages, MIDI 1.0: all of these but the second end all notes
// of their channel, the second lifts its pedals.
const (
	allSoundOff         = 120
	resetAllControllers = 121
	allNotesOff         = 123 // 124 to 127 do the same, and more
)

// change is what one message does to what is held on its channel.
type change struct {
	on, off     [2]uint64
	down, up    uint8
	channel, ok uint8 // ok is 0 when it does nothing
}

// changeOf returns what msg does. Anything but a channel message does nothing.
func changeOf(msg []byte) (c change) {
	if len(msg) != 3 {
		return c
	}
	c.channel = msg[0] & 0x0f
	number, value := msg[1]&0x7f, msg[2]
	bit := uint64(1) << (number & 63)
	switch status := msg[0] >> 4; {
	case status == 0x9 && value > 0:
		c.on[number>>6], c.ok = bit, 1
	case status == 0x8 || status == 0x9:
		c.off[number>>6], c.ok = bit, 1
	case status == 0xb:
		c.controller(number, value)
	}
	return c
}

func (c *change) controller(number, value uint8) {
	for i, p := range pedals {
		switch {
		case p != number:
		case value >= 64:
			c.down, c.ok = 1<<i, 1
		default:
			c.up, c.ok = 1<<i, 1
		}
	}
	switch {
	case number == allSoundOff, number >= allNotesOff:
		c.off, c.ok = [2]uint64{^uint64(0), ^uint64(0)}, 1
	case number == resetAllControllers:
		c.up, c.ok = 0xff, 1
	}
}

// Update takes msg, which has been sent, into account. It does not allocate.
func (h *Held) Update(msg []byte) {
	c := changeOf(msg)
	if c.ok == 0 {
		return
	}
	keys := &h.keys[c.channel]
	for i := range keys {
		keys[i] = keys[i]&^c.off[i] | c.on[i]
	}
	h.pedals[c.channel] = h.pedals[c.channel]&^c.up | c.down
}

// Lifts reports whether msg would end something that is held: the note-off of
// a key that sounds, a pedal coming up, all notes off. It does not allocate.
func (h *Held) Lifts(msg []byte) bool {
	c := changeOf(msg)
	keys := &h.keys[c.channel]
	return keys[0]&c.off[0]|keys[1]&c.off[1] != 0 || h.pedals[c.channel]&c.up != 0
}

// Releases calls yield with each message that ends something held, until it
// returns false. It changes nothing.
func (h *Held) Releases(yield func(msg [3]byte) bool) {
	for ch := range uint8(16) {
		for key := range uint8(128) {
			// Release velocity 64 is what a sender without a sensor gives.
			if h.keys[ch][key>>6]>>(key&63)&1 != 0 && !yield([3]byte{0x80 | ch, key, 64}) {
				return
			}
		}
		for i, p := range pedals {
			if h.pedals[ch]>>i&1 != 0 && !yield([3]byte{0xb0 | ch, p, 0}) {
				return
			}
		}
	}
}
