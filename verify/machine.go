package verify

import (
	"debug/elf"
	"fmt"
	"runtime"
)

// machine is a kind of host this package can check libraries for: 64-bit and
// little-endian, so that one layout of the ELF structures is enough.
type machine struct {
	elf     elf.Machine
	triplet string // Debian's name for its library folders
}

func hostMachine() (machine, error) {
	switch runtime.GOARCH {
	case "amd64":
		return machine{elf.EM_X86_64, "x86_64-linux-gnu"}, nil
	case "arm64":
		return machine{elf.EM_AARCH64, "aarch64-linux-gnu"}, nil
	case "riscv64":
		return machine{elf.EM_RISCV, "riscv64-linux-gnu"}, nil
	}
	return machine{}, badELF("cannot check libraries on %s", runtime.GOARCH)
}

// machineName uses the words of uname -m.
func machineName(m elf.Machine) string {
	switch m {
	case elf.EM_X86_64:
		return "x86_64"
	case elf.EM_AARCH64:
		return "aarch64"
	case elf.EM_386:
		return "i386"
	case elf.EM_ARM:
		return "arm"
	case elf.EM_RISCV:
		return "riscv64"
	case elf.EM_PPC64:
		return "ppc64"
	case elf.EM_S390:
		return "s390x"
	case elf.EM_LOONGARCH:
		return "loongarch64"
	}
	return fmt.Sprintf("machine %d", uint16(m))
}
