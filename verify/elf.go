package verify

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
)

// The standard library's debug/elf only lends its constants here. Its reader
// goes by section headers, which the loader never looks at, and is documented
// as not hardened: sizes in a hostile file decide what it allocates. The one
// below goes by program headers and the dynamic segment, as the loader does,
// copies nothing but names, and refuses what two readers could take in
// different ways.

const (
	headerSize   = 64 // Elf64_Ehdr
	segmentSize  = 56 // Elf64_Phdr
	maxSegments  = 128
	maxAlign     = 1 << 24 // bytes, the loader reserves that much more address space
	maxSpan      = 1 << 30 // bytes of address space for all PT_LOAD together
	bigTLS       = 1 << 20 // bytes of thread-local storage
	dynamicSize  = 16      // Elf64_Dyn
	maxDynamic   = 1024    // entries
	maxNeeded    = 64      // DT_NEEDED entries of one library
	symbolSize   = 24      // Elf64_Sym
	flagPIE      = uint64(elf.DF_1_PIE)
	flagNoOpen   = uint64(elf.DF_1_NOOPEN)
	flagNoDefLib = uint64(elf.DF_1_NODEFLIB)
)

// Where a library came from decides how strictly it is read.
type origin int

const (
	fromPlugin origin = iota // the plugin or a library beside it
	fromSystem               // a library folder of the system
)

func badELF(format string, a ...any) error {
	return fmt.Errorf("%w: %w", ErrELF, fmt.Errorf(format, a...))
}

// library is what the loader would take from an ELF file.
type library struct {
	mem       memory
	soname    string   // DT_SONAME, may be empty
	needed    []string // DT_NEEDED, in order
	ownFolder bool     // the run path is $ORIGIN
	symbols   symbolTable
}

// readLibrary checks data as the image of a shared library for this machine.
// All errors wrap ErrELF.
func readLibrary(data []byte, from origin) (*library, error) {
	if err := checkHeader(data); err != nil {
		return nil, err
	}
	segments, err := readSegments(data)
	if err != nil {
		return nil, err
	}
	mem, dynamic, err := layOut(data, segments, from)
	if err != nil {
		return nil, err
	}
	lib := &library{mem: mem}
	if err := lib.readDynamic(dynamic, from); err != nil {
		return nil, err
	}
	return lib, nil
}

// checkHeader reads the first 64 bytes.
func checkHeader(data []byte) error {
	host, err := hostMachine()
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
		return badELF("is no ELF shared library: starts with %q", data[:min(len(data), 16)])
	}
	if len(data) < headerSize {
		return badELF("is no ELF shared library: ends within its header")
	}
	if got := elf.Class(data[elf.EI_CLASS]); got != elf.ELFCLASS64 {
		return badELF("built for %s with %s, this machine is %s",
			machineName(elf.Machine(binary.LittleEndian.Uint16(data[18:]))), got, machineName(host.elf))
	}
	if got := elf.Data(data[elf.EI_DATA]); got != elf.ELFDATA2LSB {
		return badELF("built for another byte order, %s", got)
	}
	if got := elf.Machine(binary.LittleEndian.Uint16(data[18:])); got != host.elf {
		return badELF("built for %s, this machine is %s", machineName(got), machineName(host.elf))
	}
	if data[elf.EI_VERSION] != 1 || binary.LittleEndian.Uint32(data[20:]) != 1 {
		return badELF("unknown ELF version")
	}
	if abi := elf.OSABI(data[elf.EI_OSABI]); abi != elf.ELFOSABI_NONE && abi != elf.ELFOSABI_LINUX {
		return badELF("built for another system, %s", abi)
	}
	// glibc knows no other version of these, and refuses padding.
	if rest := data[elf.EI_ABIVERSION:elf.EI_NIDENT]; !bytes.Equal(rest, make([]byte, len(rest))) {
		return badELF("unknown ABI version or padding %x", rest)
	}
	switch t := elf.Type(binary.LittleEndian.Uint16(data[16:])); t {
	case elf.ET_DYN:
		return nil
	case elf.ET_EXEC:
		return badELF("is a program, not a shared library")
	default:
		return badELF("is no shared library, ELF type %s", t)
	}
}

// segment is one program header.
type segment struct {
	kind                         elf.ProgType
	flags                        elf.ProgFlag
	off, addr, size, span, align uint64 // size bytes in the file, span in memory
}

func readSegments(data []byte) ([]segment, error) {
	off := binary.LittleEndian.Uint64(data[32:])
	each := binary.LittleEndian.Uint16(data[54:])
	n := uint64(binary.LittleEndian.Uint16(data[56:]))
	switch {
	case each != segmentSize:
		return nil, badELF("program headers of %d bytes, not %d", each, segmentSize)
	case n == 0 || n > maxSegments:
		return nil, badELF("%d program headers, 1 to %d are allowed", n, maxSegments)
	}
	table, ok := cut(data, off, n*segmentSize)
	if !ok {
		return nil, badELF("program headers lie outside the file")
	}
	segments := make([]segment, n)
	for i := range segments {
		h := table[i*segmentSize:]
		segments[i] = segment{
			kind:  elf.ProgType(binary.LittleEndian.Uint32(h)),
			flags: elf.ProgFlag(binary.LittleEndian.Uint32(h[4:])),
			off:   binary.LittleEndian.Uint64(h[8:]),
			addr:  binary.LittleEndian.Uint64(h[16:]),
			size:  binary.LittleEndian.Uint64(h[32:]),
			span:  binary.LittleEndian.Uint64(h[40:]),
			align: binary.LittleEndian.Uint64(h[48:]),
		}
	}
	return segments, nil
}

// layOut checks the segments and returns the library as it will lie in memory
// and the bytes of its dynamic segment.
func layOut(data []byte, segments []segment, from origin) (memory, []byte, error) {
	var mem memory
	var dynamic, tls *segment
	stack := false
	for i, s := range segments {
		switch s.kind {
		case elf.PT_LOAD:
			if err := mem.add(data, s); err != nil {
				return memory{}, nil, err
			}
		case elf.PT_DYNAMIC:
			if dynamic != nil {
				return memory{}, nil, badELF("two dynamic segments")
			}
			dynamic = &segments[i]
		case elf.PT_INTERP:
			// libc itself can be run as a program, to print its version.
			if from != fromSystem {
				return memory{}, nil, badELF("is a program: names an interpreter")
			}
		case elf.PT_GNU_STACK:
			stack = true
			if s.flags&elf.PF_X != 0 {
				return memory{}, nil, badELF("asks for an executable stack")
			}
		case elf.PT_TLS:
			if s.span > bigTLS {
				return memory{}, nil, badELF("asks for %d bytes of thread-local storage, the limit is %d", s.span, bigTLS)
			}
			tls = &segments[i]
		}
	}
	switch {
	case len(mem.loads) == 0:
		return memory{}, nil, badELF("nothing to load")
	case dynamic == nil:
		return memory{}, nil, badELF("has no dynamic segment, is it linked statically?")
	case !stack:
		// Without the header the loader takes the machine's default, which
		// on x86_64 is an executable stack.
		return memory{}, nil, badELF("does not say that its stack is not executable (PT_GNU_STACK is missing)")
	}
	if tls != nil && tls.size > 0 {
		if _, ok := mem.at(tls.addr, tls.size); !ok || tls.size > tls.span {
			return memory{}, nil, badELF("thread-local storage lies outside the loaded segments")
		}
	}
	// The loader goes by the address, other tools by the offset: they must
	// mean the same bytes.
	body, ok := mem.at(dynamic.addr, dynamic.size)
	other, ok2 := cut(data, dynamic.off, dynamic.size)
	if !ok || !ok2 || len(body) == 0 || &body[0] != &other[0] {
		return memory{}, nil, badELF("dynamic segment is not where it says it is")
	}
	return mem, body, nil
}

// memory is the file as the loader maps it.
type memory struct{ loads []load }

type load struct {
	addr, span uint64 // addresses addr to addr+span
	file       []byte // what they start with; the rest is zero
	flags      elf.ProgFlag
}

// add appends the PT_LOAD s. They must ascend and not share a page: the loader
// maps page by page, and a later segment would overlay part of an earlier one.
func (m *memory) add(data []byte, s segment) error {
	page := uint64(os.Getpagesize())
	file, ok := cut(data, s.off, s.size)
	switch {
	case !ok:
		return badELF("a segment lies outside the file")
	case s.size > s.span || s.span == 0:
		return badELF("a segment has %d bytes in the file and %d in memory", s.size, s.span)
	case s.span > maxSpan || s.addr > 1<<47:
		return badELF("a segment of %d bytes at address %#x", s.span, s.addr)
	case s.align&(s.align-1) != 0 || s.align < page || s.align > maxAlign || (s.addr-s.off)&(s.align-1) != 0:
		return badELF("a segment is not aligned to pages")
	case s.flags&(elf.PF_W|elf.PF_X) == elf.PF_W|elf.PF_X:
		return badELF("a segment is writable and executable")
	}
	if n := len(m.loads); n > 0 {
		last := m.loads[n-1]
		if s.addr/page <= (last.addr+last.span-1)/page {
			return badELF("segments overlap")
		}
		if s.addr+s.span-m.loads[0].addr > maxSpan {
			return badELF("segments spread over more than %d bytes", maxSpan)
		}
	}
	m.loads = append(m.loads, load{addr: s.addr, span: s.span, file: file, flags: s.flags})
	return nil
}

// tail returns the file bytes from address addr to the end of its segment.
func (m memory) tail(addr uint64) ([]byte, bool) {
	for _, l := range m.loads {
		if addr >= l.addr && addr-l.addr < uint64(len(l.file)) {
			return l.file[addr-l.addr:], true
		}
	}
	return nil, false
}

// at returns n file bytes at address addr, all of one segment.
func (m memory) at(addr, n uint64) ([]byte, bool) {
	rest, ok := m.tail(addr)
	if !ok {
		return nil, false
	}
	return cut(rest, 0, n)
}

// has says whether addr is loaded with at least these rights.
func (m memory) has(addr uint64, rights elf.ProgFlag) bool {
	for _, l := range m.loads {
		if addr >= l.addr && addr-l.addr < l.span {
			return l.flags&rights == rights
		}
	}
	return false
}

// cut returns data[off:off+n] if that is inside data, however large the
// numbers are.
func cut(data []byte, off, n uint64) ([]byte, bool) {
	size := uint64(len(data))
	if off > size || n > size-off {
		return nil, false
	}
	return data[off : off+n : off+n], true
}
