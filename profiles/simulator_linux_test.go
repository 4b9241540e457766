package profiles

import (
	"encoding/binary"
	"fmt"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// call is one struct seccomp_data.
type call struct {
	nr   uint32
	arch uint32
	args [6]uint64
}

// simulator runs a compiled filter without a kernel.
type simulator struct {
	program []bpf.Instruction
	vm      *bpf.VM
}

func simulate(t *testing.T, f *Filter) *simulator {
	t.Helper()
	raw := make([]bpf.RawInstruction, len(f.BPF)/unix.SizeofSockFilter)
	for i := range raw {
		ins := f.BPF[i*unix.SizeofSockFilter:]
		raw[i] = bpf.RawInstruction{
			Op: binary.NativeEndian.Uint16(ins),
			Jt: ins[2],
			Jf: ins[3],
			K:  binary.NativeEndian.Uint32(ins[4:]),
		}
	}
	program, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatalf("an instruction does not disassemble: %v", program)
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatalf("filter is not valid BPF: %v", err)
	}
	return &simulator{program: program, vm: vm}
}

// data lays the call out as the virtual machine wants it: it reads words in
// network order, where seccomp reads the machine's, so every 32-bit word is
// swapped. The halves of an argument keep the machine's order.
func (c call) data() []byte {
	native := binary.NativeEndian.AppendUint32(nil, c.nr)
	native = binary.NativeEndian.AppendUint32(native, c.arch)
	native = binary.NativeEndian.AppendUint64(native, 0) // instruction pointer
	for _, arg := range c.args {
		native = binary.NativeEndian.AppendUint64(native, arg)
	}
	swapped := make([]byte, len(native))
	for i := 0; i < len(native); i += 4 {
		binary.BigEndian.PutUint32(swapped[i:], binary.NativeEndian.Uint32(native[i:]))
	}
	return swapped
}

// run returns what the kernel would do: SECCOMP_RET_* with its data.
func (s *simulator) run(t *testing.T, c call) uint32 {
	t.Helper()
	got, err := s.vm.Run(c.data())
	if err != nil {
		t.Fatalf("run filter: %v", err)
	}
	return uint32(got)
}

// steps counts the instructions the kernel executes for c. The virtual
// machine does not tell, so this walks the jumps itself.
func (s *simulator) steps(t *testing.T, c call) int {
	t.Helper()
	data := c.data()
	var a uint32
	for pc, n := 0, 1; pc < len(s.program); pc, n = pc+1, n+1 {
		switch ins := s.program[pc].(type) {
		case bpf.LoadAbsolute:
			a = binary.BigEndian.Uint32(data[ins.Off:])
		case bpf.ALUOpConstant:
			if ins.Op != bpf.ALUOpAnd {
				t.Fatalf("instruction %d: %v", pc, ins)
			}
			a &= ins.Val
		case bpf.Jump:
			pc += int(ins.Skip)
		case bpf.JumpIf:
			if jumps(t, ins, a) {
				pc += int(ins.SkipTrue)
			} else {
				pc += int(ins.SkipFalse)
			}
		case bpf.RetConstant:
			if want := s.run(t, c); ins.Val != want {
				t.Fatalf("walk of %+v ends with %#x, the virtual machine with %#x", c, ins.Val, want)
			}
			return n
		default:
			t.Fatalf("instruction %d: %v", pc, ins)
		}
	}
	t.Fatal("walk runs off the end")
	return 0
}

func jumps(t *testing.T, ins bpf.JumpIf, a uint32) bool {
	t.Helper()
	switch ins.Cond {
	case bpf.JumpEqual:
		return a == ins.Val
	case bpf.JumpNotEqual:
		return a != ins.Val
	case bpf.JumpGreaterThan:
		return a > ins.Val
	case bpf.JumpLessOrEqual:
		return a <= ins.Val
	case bpf.JumpGreaterOrEqual:
		return a >= ins.Val
	case bpf.JumpLessThan:
		return a < ins.Val
	case bpf.JumpBitsSet:
		return a&ins.Val != 0
	case bpf.JumpBitsNotSet:
		return a&ins.Val == 0
	}
	t.Fatalf("jump %v", ins)
	return false
}

// ret names a filter result.
func ret(v uint32) string {
	switch v & unix.SECCOMP_RET_ACTION_FULL {
	case unix.SECCOMP_RET_ALLOW:
		return "allow"
	case unix.SECCOMP_RET_USER_NOTIF:
		return "notify"
	case unix.SECCOMP_RET_KILL_PROCESS:
		return "kill"
	case unix.SECCOMP_RET_ERRNO:
		return "errno:" + unix.ErrnoName(unix.Errno(v&unix.SECCOMP_RET_DATA))
	}
	return fmt.Sprintf("%#x", v)
}

// expected names what the table says about a call.
func (c *Call) expected(args [6]uint64) string {
	v := c.KernelVerdict(args)
	if v == VerdictErrno {
		return "errno:" + unix.ErrnoName(unix.Errno(c.Errno))
	}
	return string(v)
}

func nativeArch(t *testing.T) uint32 {
	t.Helper()
	arch, err := auditArch()
	if err != nil {
		t.Skipf("no filter for this machine: %v", err)
	}
	return arch
}

func compileNamed(t *testing.T, name string) *Filter {
	t.Helper()
	nativeArch(t)
	p, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return compile(t, p)
}

func compile(t *testing.T, p *Profile) *Filter {
	t.Helper()
	f, err := p.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return f
}
