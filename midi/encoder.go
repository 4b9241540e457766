package midi

// encoding is how an encoder says by how much it was turned.
type encoding uint8

const (
	noEncoding     encoding = iota
	absolute                // its position, 0 to 127
	twosComplement          // 1 is one up, 127 one down
	signedBit               // 1 is one up, 65 one down
	binaryOffset            // 65 is one up, 63 one down
)

// encodings are the names of the encodings in the config.
var encodings = map[string]encoding{
	"absolute": absolute, "twos_complement": twosComplement, "signed_bit": signedBit, "binary_offset": binaryOffset,
}

// steps returns by how much an encoder was turned, negative for down. previous
// is the value before, or noValue.
func (c encoding) steps(previous int32, value uint16) int32 {
	v := int32(value)
	switch c {
	case absolute:
		switch {
		case previous == noValue:
			return 0
		case v == previous && v == 127:
			return 1 // turned on, at the end of what it can say
		case v == previous && v == 0:
			return -1
		}
		return v - previous
	case twosComplement:
		if v >= 64 {
			return v - 128
		}
		return v
	case signedBit:
		if v >= 64 {
			return -(v - 64)
		}
		return v
	case binaryOffset:
		return v - 64
	}
	return 0
}

// direction is which way a value must move.
type direction uint8

const (
	anyDirection direction = iota
	up
	down
)

// directions are the names of the directions in the config.
var directions = map[string]direction{"any": anyDirection, "up": up, "down": down}

// has reports whether a move by delta goes that way.
func (d direction) has(delta int32) bool {
	switch d {
	case up:
		return delta > 0
	case down:
		return delta < 0
	}
	return delta != 0
}
