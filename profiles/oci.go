package profiles

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// OCI is the profile as linux.seccomp of an OCI runtime configuration, which
// knows no phases: with PhaseRun what is allowed once the booth is sealed,
// with PhaseLoad also what is allowed while it loads, for as long as the
// container lives. What the jailer refuses fails with EPERM there, too, and is
// counted by nobody; grants and limits are not in it. Architectures other than
// this machine's are killed, as here.
func (p *Profile) OCI(phase Phase) ([]byte, error) {
	arch, err := ociArch()
	if err != nil {
		return nil, err
	}
	eperm := uint(errnos["EPERM"])
	out := specs.LinuxSeccomp{DefaultAction: specs.ActErrno, DefaultErrnoRet: &eperm, Architectures: []specs.Arch{arch}}
	for _, c := range byName(p.Rules) {
		if !callOfThisMachine(c.Name) {
			continue
		}
		m := p.meaning(c.Name, phase)
		rule := specs.LinuxSyscall{Names: []string{c.Name}}
		switch m.verdict {
		case VerdictNotify:
			continue // the default
		case VerdictErrno:
			n := uint(m.errno)
			if n == eperm {
				continue // runc refuses a rule that says what the default says
			}
			rule.Action, rule.ErrnoRet = specs.ActErrno, &n
			out.Syscalls = append(out.Syscalls, rule)
		case VerdictKill:
			rule.Action = specs.ActKillProcess
			out.Syscalls = append(out.Syscalls, rule)
		case VerdictAllow:
			rule.Action = specs.ActAllow
			for _, all := range m.when {
				rule.Args = ociArgs(all)
				out.Syscalls = append(out.Syscalls, rule)
			}
		}
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// ociArgs are conditions that must all hold; of a masked comparison value is
// the mask, config-linux.md of the runtime specification.
func ociArgs(all []Compare) []specs.LinuxSeccompArg {
	var args []specs.LinuxSeccompArg
	for _, c := range all {
		args = append(args, specs.LinuxSeccompArg{Index: uint(c.Arg), Value: c.Mask, ValueTwo: c.Value, Op: specs.OpMaskedEqual})
	}
	return args
}

func ociArch() (specs.Arch, error) {
	switch runtime.GOARCH {
	case "amd64":
		return specs.ArchX86_64, nil
	case "arm64":
		return specs.ArchAARCH64, nil
	}
	return "", fmt.Errorf("architecture %s: %w", runtime.GOARCH, errors.ErrUnsupported)
}
