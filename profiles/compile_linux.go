package profiles

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"

	seccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// maxNumber is where the search for known system calls ends. Linux 6.18 uses
// numbers below 500 everywhere; libseccomp answers for each one in turn.
const maxNumber = 1023

// Compile makes the filter for the machine it runs on, with the system call
// table of the libseccomp it is linked to. It needs libseccomp 2.5 and a
// kernel with user notification, Linux 5.0; an error wraps
// errors.ErrUnsupported where they are missing.
func (p *Profile) Compile() (*Filter, error) {
	known := knownCalls()
	if len(known) == 0 {
		return nil, fmt.Errorf("compile profile %q: libseccomp knows no system call of %s: %w", p.Name, runtime.GOARCH, errors.ErrUnsupported)
	}
	calls := p.calls(known)
	rules, err := assemble(calls)
	if err != nil {
		return nil, fmt.Errorf("compile profile %q: %w", p.Name, err)
	}
	guard, err := unknownNumbers(known)
	if err != nil {
		return nil, fmt.Errorf("compile profile %q: %w", p.Name, err)
	}
	program := append(guard, rules...)
	if n := len(program) / unix.SizeofSockFilter; n > unix.BPF_MAXINSNS {
		return nil, fmt.Errorf("compile profile %q: %d instructions, the kernel takes %d", p.Name, n, unix.BPF_MAXINSNS)
	}
	return &Filter{BPF: program, Calls: calls}, nil
}

func knownCall(name string) bool {
	_, err := seccomp.GetSyscallFromName(name)
	return err == nil
}

func knownCalls() []syscallNumber {
	var known []syscallNumber
	for nr := range maxNumber + 1 {
		if name, err := seccomp.ScmpSyscall(nr).GetName(); err == nil {
			known = append(known, syscallNumber{nr, name})
		}
	}
	return known
}

// assemble has libseccomp write the rules. NOTIFY is the default action and
// not one rule per call: it then also catches a call whose conditions do not
// hold, which libseccomp sends to the default, and the filter stays short.
func assemble(calls []Call) ([]byte, error) {
	filter, err := seccomp.NewFilter(seccomp.ActNotify)
	if err != nil {
		return nil, fmt.Errorf("seccomp_init: %w", err)
	}
	defer filter.Release()
	// x32 calls count as a foreign architecture as well.
	if err := filter.SetBadArchAction(seccomp.ActKillProcess); err != nil {
		return nil, fmt.Errorf("seccomp_attr_set: %w", err)
	}
	// 2 is a binary tree over the numbers.
	if err := filter.SetOptimize(2); err != nil {
		return nil, fmt.Errorf("seccomp_attr_set: %w", err)
	}
	for i := range calls {
		if err := addRules(filter, &calls[i]); err != nil {
			return nil, fmt.Errorf("seccomp_rule_add %s: %w", calls[i].Name, err)
		}
	}
	return export(filter)
}

func addRules(filter *seccomp.ScmpFilter, c *Call) error {
	nr := seccomp.ScmpSyscall(c.Nr)
	switch c.Kernel {
	case VerdictNotify:
		return nil
	case VerdictErrno:
		return filter.AddRuleExact(nr, seccomp.ActErrno.SetReturnCode(int16(c.Errno)))
	case VerdictKill:
		return filter.AddRuleExact(nr, seccomp.ActKillProcess)
	case VerdictAllow:
		if len(c.Run) == 0 {
			return filter.AddRuleExact(nr, seccomp.ActAllow)
		}
	default:
		return fmt.Errorf("internal error: verdict %q", c.Kernel)
	}
	for _, all := range c.Run {
		var conditions []seccomp.ScmpCondition
		for _, compare := range all {
			condition, err := seccomp.MakeCondition(uint(compare.Arg), seccomp.CompareMaskedEqual, compare.Mask, compare.Value)
			if err != nil {
				return err
			}
			conditions = append(conditions, condition)
		}
		if err := filter.AddRuleConditionalExact(nr, seccomp.ActAllow, conditions); err != nil {
			return err
		}
	}
	return nil
}

// export reads the program through a pipe: seccomp_export_bpf_mem needs
// libseccomp 2.6.
func export(filter *seccomp.ScmpFilter) ([]byte, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	defer r.Close()
	exported := make(chan error, 1)
	go func() {
		// The program may be longer than the pipe.
		err := filter.ExportBPF(w)
		exported <- errors.Join(err, w.Close())
	}()
	program, err := io.ReadAll(r)
	if err := errors.Join(<-exported, err); err != nil {
		return nil, fmt.Errorf("seccomp_export_bpf: %w", err)
	}
	return program, nil
}

// unknownNumbers is the head of the program: it fails with ENOSYS what lies
// between and above the known numbers, as a kernel without those calls
// would, and leaves the rest, foreign architectures and x32 included, to the
// rules that follow.
//
//	    ld  arch
//	    jne native -> end
//	    ld  nr
//	    for each gap first..last, ascending: below first -> end, up to last -> ENOSYS
//	end:
//
// All jumps in what follows are relative, so it may be put in front.
func unknownNumbers(known []syscallNumber) ([]byte, error) {
	arch, err := auditArch()
	if err != nil {
		return nil, err
	}
	const archOffset, nrOffset = 4, 0 // struct seccomp_data
	unknown := gaps(known)
	const perGap = 3 // instructions
	size := perGap * len(unknown)
	if size+1 > math.MaxUint8 {
		return nil, fmt.Errorf("internal error: %d gaps in the system call table", len(unknown))
	}
	var body []unix.SockFilter
	for i, gap := range unknown {
		body = append(body,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, Jf: uint8(size - perGap*i - 1), K: gap[0]},
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K, Jt: 1, K: gap[1]},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		)
	}
	program := append([]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: archOffset},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: uint8(size + 1), K: arch},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: nrOffset},
	}, body...)
	var raw []byte
	for _, ins := range program {
		raw = binary.NativeEndian.AppendUint16(raw, ins.Code)
		raw = append(raw, ins.Jt, ins.Jf)
		raw = binary.NativeEndian.AppendUint32(raw, ins.K)
	}
	return raw, nil
}

// gaps are the ranges of numbers, first and last, that are not known. The
// x32 range is left out, but for -1: libseccomp does not count it as x32.
func gaps(known []syscallNumber) [][2]uint32 {
	const x32 = 0x40000000
	var gaps [][2]uint32
	next := uint32(0)
	for _, k := range known {
		if uint32(k.nr) > next {
			gaps = append(gaps, [2]uint32{next, uint32(k.nr) - 1})
		}
		next = uint32(k.nr) + 1
	}
	return append(gaps, [2]uint32{next, x32 - 1}, [2]uint32{math.MaxUint32, math.MaxUint32})
}

func auditArch() (uint32, error) {
	switch runtime.GOARCH {
	case "amd64":
		return unix.AUDIT_ARCH_X86_64, nil
	case "arm64":
		return unix.AUDIT_ARCH_AARCH64, nil
	}
	return 0, fmt.Errorf("architecture %s: %w", runtime.GOARCH, errors.ErrUnsupported)
}
