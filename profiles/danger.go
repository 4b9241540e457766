package profiles

import "slices"

// dangerous reports whether allowing the call under these conditions opens
// what no other layer of a booth covers: other programs, the mount table,
// namespaces, or large parts of the kernel.
func dangerous(call string, when []Compare) bool {
	group, err := findGroup(dangerousGroup)
	if err != nil || slices.Contains(group.own(), call) {
		return true
	}
	switch call {
	case "clone":
		const namespaces = 0x7e020000 // the CLONE_NEW flags
		return !implies(when, []Compare{{Arg: 0, Mask: namespaces, Value: 0}})
	case "socket", "socketpair":
		// Other families are large and old, and AF_VSOCK and AF_ALG lead out
		// of a network namespace.
		return !oneOf(when, 0, constants["AF_UNIX"], constants["AF_INET"], constants["AF_INET6"])
	case "prctl":
		return mayBe(when, 0, constants["PR_SET_SECCOMP"]) || mayBe(when, 0, constants["PR_SET_MM"])
	}
	return false
}

// danger says what is dangerous about a call.
func danger(call string) string {
	switch call {
	case "clone":
		return "its flags may ask for namespaces"
	case "socket", "socketpair":
		return "only AF_UNIX, AF_INET and AF_INET6 are not"
	case "prctl":
		return "its option may be PR_SET_SECCOMP or PR_SET_MM"
	}
	group, err := findGroup(dangerousGroup)
	if err != nil {
		return "internal error: " + err.Error() // a test reads the embedded groups
	}
	for _, rule := range group.Allow {
		if slices.Contains(rule.Calls, call) {
			return rule.Why
		}
	}
	return "it is among " + dangerousGroup
}

// mayBe reports whether the 32-bit argument can have the value under these
// conditions.
func mayBe(when []Compare, arg int, value uint64) bool {
	return !slices.ContainsFunc(when, func(c Compare) bool {
		return c.Arg == arg && (c.Value^value)&c.Mask&word != 0
	})
}

// oneOf reports whether the conditions leave the 32-bit argument only these
// values.
func oneOf(when []Compare, arg int, values ...uint64) bool {
	return slices.ContainsFunc(when, func(c Compare) bool {
		return c.Arg == arg && c.Mask&word == word && slices.Contains(values, c.Value&word)
	})
}
