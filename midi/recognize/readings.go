package recognize

// maxSteps is how far an encoder goes in one message when it is turned fast.
const maxSteps = 20

// encodings are the relative readings: how many steps a value is, down below
// 0, and 0 for what the encoding does not send.
var encodings = []struct {
	name  string
	steps func(v int) int
}{
	{TwosComplement, func(v int) int {
		if v >= 64 {
			v -= 128
		}
		return bounded(v)
	}},
	{SignedBit, func(v int) int {
		if v >= 64 {
			v = 64 - v
		}
		return bounded(v)
	}},
	{BinaryOffset, func(v int) int { return bounded(v - 64) }},
}

func bounded(steps int) int {
	if steps < -maxSteps || steps > maxSteps {
		return 0
	}
	return steps
}

// stepsOf returns how many steps v is in an encoding.
func stepsOf(name string, v uint8) int {
	for _, e := range encodings {
		if e.name == name {
			return e.steps(int(v))
		}
	}
	return 0
}

// ways returns what an encoding makes of values: whether all are steps, and
// whether there are some up and some down.
func ways(name string, values []uint8) (fits, up, down bool) {
	for _, v := range values {
		switch n := stepsOf(name, v); {
		case n == 0:
			return false, false, false
		case n > 0:
			up = true
		default:
			down = true
		}
	}
	return true, up, down
}

// readingsOf returns what a control that sent these values may be, the
// likeliest first; one alone is beyond doubt. asked says that the player was
// asked to turn it both ways.
func readingsOf(values []uint8, asked bool) []string {
	if one, n := lit(values); n > 0 && n < len(values) && one > 0 {
		return []string{Switch}
	}
	var fit, both []string
	for _, e := range encodings {
		fits, up, down := ways(e.name, values)
		if fits {
			fit = append(fit, e.name)
		}
		if up && down {
			both = append(both, e.name)
		}
	}
	all127 := equal(values) && values[0] == 127
	repeats, rising, falling := shape(values)
	switch {
	case len(fit) == 0:
		return []string{Absolute}
	case len(both) == 1 && (repeats || asked || apart(both[0], values)):
		return both
	case asked && all127:
		return []string{Switch}
	case asked && len(both) == 0:
		return []string{Absolute}
	case len(values) >= 5 && (rising || falling):
		return []string{Absolute}
	}
	if all127 {
		fit = append(fit, Switch)
	} else if !repeats {
		// A knob sends only what is new.
		fit = append(fit, Absolute)
	}
	return fit
}

// apart reports whether values that go both ways are so far apart, or so
// close to the middle without it, that a knob would have sent others between
// them.
func apart(name string, values []uint8) bool {
	if name != BinaryOffset {
		return true
	}
	for _, v := range values {
		if n := stepsOf(name, v); n > 2 || n < -2 {
			return false
		}
	}
	return true
}

// lit returns the one value other than 0 that is there, and how often; n is 0
// if there are several.
func lit(values []uint8) (one uint8, n int) {
	for _, v := range values {
		switch {
		case v == 0:
		case one == 0 || v == one:
			one, n = v, n+1
		default:
			return 0, 0
		}
	}
	return one, n
}

func equal(values []uint8) bool {
	for _, v := range values {
		if v != values[0] {
			return false
		}
	}
	return true
}

// shape reports whether a value was sent twice running, and whether all go
// one way.
func shape(values []uint8) (repeats, rising, falling bool) {
	rising, falling = true, true
	for i := 1; i < len(values); i++ {
		a, b := values[i-1], values[i]
		repeats = repeats || a == b
		rising = rising && a < b
		falling = falling && a > b
	}
	return repeats, rising, falling
}

// directionOf returns the way that an encoder was turned.
func directionOf(encoding string, values []uint8) string {
	up, down := false, false
	if encoding == Absolute {
		for i := 1; i < len(values); i++ {
			up = up || values[i] > values[i-1]
			down = down || values[i] < values[i-1]
		}
	} else {
		_, up, down = ways(encoding, values)
	}
	switch {
	case up && !down:
		return Up
	case down && !up:
		return Down
	}
	return Any
}
