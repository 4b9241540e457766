package profiles

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Classic BPF as seccomp(2) takes it: struct sock_filter, linux/filter.h, and
// the results of linux/seccomp.h.
const (
	instructionSize = 8

	bpfLoadAbsolute = 0x20
	bpfAnd          = 0x54
	bpfJump         = 0x05
	bpfJumpEqual    = 0x15
	bpfJumpGreater  = 0x25
	bpfJumpGreaterE = 0x35
	bpfJumpSet      = 0x45
	bpfReturn       = 0x06

	retKillProcess = 0x80000000
	retErrno       = 0x00050000
	retNotify      = 0x7fc00000
	retAllow       = 0x7fff0000
	retAction      = 0xffff0000
)

// Listing is the compiled filter as text: one instruction a line with its
// number, jumps to those numbers, fields and results by name, and beside a
// comparison with a call's number the name of the call. An instruction of
// another kind than filters have is shown as numbers.
func (f *Filter) Listing() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %d instructions; nr is the system call, a0 to a5 its arguments, .lo and .hi their halves\n", len(f.BPF)/instructionSize)
	loaded := uint32(0)
	for pc := range len(f.BPF) / instructionSize {
		raw := f.BPF[pc*instructionSize:]
		op, jt, jf := binary.NativeEndian.Uint16(raw), int(raw[2]), int(raw[3])
		k := binary.NativeEndian.Uint32(raw[4:])
		line := fmt.Sprintf("%4d  ", pc)
		switch op {
		case bpfLoadAbsolute:
			loaded = k
			line += "load  " + fieldName(k)
		case bpfAnd:
			line += fmt.Sprintf("and   %#x", k)
		case bpfJump:
			line += fmt.Sprintf("jump  %d", uint32(pc)+1+k)
		case bpfReturn:
			line += "return " + resultName(k)
		case bpfJumpEqual, bpfJumpGreater, bpfJumpGreaterE, bpfJumpSet:
			sign := map[uint16]string{bpfJumpEqual: "==", bpfJumpGreater: ">", bpfJumpGreaterE: ">=", bpfJumpSet: "&"}[op]
			line += fmt.Sprintf("if %-2s %#x then %d else %d", sign, k, pc+1+jt, pc+1+jf)
			if c, ok := f.Call(int(k)); ok && loaded == 0 {
				line = fmt.Sprintf("%-48s # %s", line, c.Name)
			}
		default:
			line += fmt.Sprintf("op %#x jt %d jf %d k %#x", op, jt, jf, k)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// fieldName names a word of struct seccomp_data. Both architectures that
// Compile knows are little-endian.
func fieldName(offset uint32) string {
	switch {
	case offset == 0:
		return "nr"
	case offset == 4:
		return "arch"
	case offset == 8:
		return "ip.lo"
	case offset == 12:
		return "ip.hi"
	case offset < 64 && offset%4 == 0:
		half := "lo"
		if offset%8 == 4 {
			half = "hi"
		}
		return fmt.Sprintf("a%d.%s", (offset-16)/8, half)
	}
	return fmt.Sprintf("word at %d", offset)
}

func resultName(v uint32) string {
	switch v & retAction {
	case retAllow:
		return "allow"
	case retNotify:
		return "notify (the jailer answers)"
	case retKillProcess:
		return "kill"
	case retErrno:
		return errnoName(int(v &^ retAction))
	}
	return fmt.Sprintf("%#x", v)
}
