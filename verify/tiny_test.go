package verify

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// tiny describes the smallest library the loader takes: page 0 names, page 1
// code, page 2 the dynamic segment and a table. Everything can be bent.
type tiny struct {
	soname         string
	needed         []string
	rpath, runpath *string
	symbols        []tinySymbol
	sysv           bool // DT_HASH instead of DT_GNU_HASH
	dynamic        []dyn
	edit           func(segs []segment) []segment
	editDyn        func(entries []dyn) []dyn
}

type tinySymbol struct {
	name  string
	info  byte
	other byte
	shndx elf.SectionIndex
	value uint64
}

type dyn struct {
	tag   elf.DynTag
	value uint64
}

const (
	tinyPage  = 0x10000 // large enough for every page size
	tinyCode  = tinyPage
	tinyTable = 2*tinyPage + 0x8000
)

func function(name string) tinySymbol {
	return tinySymbol{name, byte(elf.STB_GLOBAL)<<4 | byte(elf.STT_FUNC), 0, 1, tinyCode}
}

func object(name string) tinySymbol {
	return tinySymbol{name, byte(elf.STB_GLOBAL)<<4 | byte(elf.STT_OBJECT), 0, 1, tinyTable}
}

// build puts the library together.
func (o tiny) build() []byte {
	file := make([]byte, 3*tinyPage)
	texts := []byte{0}
	add := func(s string) uint64 {
		at := len(texts)
		texts = append(append(texts, s...), 0)
		return uint64(at)
	}
	var entries []dyn
	for _, n := range o.needed {
		entries = append(entries, dyn{elf.DT_NEEDED, add(n)})
	}
	if o.soname != "" {
		entries = append(entries, dyn{elf.DT_SONAME, add(o.soname)})
	}
	if o.rpath != nil {
		entries = append(entries, dyn{elf.DT_RPATH, add(*o.rpath)})
	}
	if o.runpath != nil {
		entries = append(entries, dyn{elf.DT_RUNPATH, add(*o.runpath)})
	}
	le := binary.LittleEndian
	table := make([]byte, symbolSize) // entry 0 is no symbol
	for _, s := range o.symbols {
		table = le.AppendUint32(table, uint32(add(s.name)))
		table = append(table, s.info, s.other)
		table = le.AppendUint16(table, uint16(s.shndx))
		table = le.AppendUint64(table, s.value)
		table = le.AppendUint64(table, 0)
	}
	const textsAt, tableAt, hashAt, dynAt = 0x1000, 0x4000, 0x8000, 2 * tinyPage
	hash, hashTag := o.gnu(), elf.DT_GNU_HASH
	if o.sysv {
		hash, hashTag = o.old(), elf.DT_HASH
	}
	copy(file[textsAt:], texts)
	copy(file[tableAt:], table)
	copy(file[hashAt:], hash)
	entries = append(entries,
		dyn{hashTag, hashAt}, dyn{elf.DT_STRTAB, textsAt}, dyn{elf.DT_SYMTAB, tableAt},
		dyn{elf.DT_STRSZ, uint64(len(texts))}, dyn{elf.DT_SYMENT, symbolSize})
	entries = append(entries, o.dynamic...)
	entries = append(entries, dyn{elf.DT_NULL, 0})
	if o.editDyn != nil {
		entries = o.editDyn(entries)
	}
	var body []byte
	for _, e := range entries {
		body = le.AppendUint64(body, uint64(e.tag))
		body = le.AppendUint64(body, e.value)
	}
	copy(file[dynAt:], body)
	file[tinyCode] = 0xc3 // ret on x86

	at := func(kind elf.ProgType, flags elf.ProgFlag, off, size uint64) segment {
		return segment{kind: kind, flags: flags, off: off, addr: off, size: size, span: size, align: tinyPage}
	}
	segs := []segment{
		at(elf.PT_LOAD, elf.PF_R, 0, tinyPage),
		at(elf.PT_LOAD, elf.PF_R|elf.PF_X, tinyPage, tinyPage),
		at(elf.PT_LOAD, elf.PF_R|elf.PF_W, 2*tinyPage, tinyPage),
		at(elf.PT_DYNAMIC, elf.PF_R|elf.PF_W, dynAt, uint64(len(body))),
		{kind: elf.PT_GNU_STACK, flags: elf.PF_R | elf.PF_W, align: 16},
	}
	if o.edit != nil {
		segs = o.edit(segs)
	}
	host, _ := hostMachine()
	head := append([]byte(elf.ELFMAG), byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	head = le.AppendUint16(head, uint16(elf.ET_DYN))
	head = le.AppendUint16(head, uint16(host.elf))
	head = le.AppendUint32(head, 1)
	for _, v := range []uint64{0, headerSize, 0} {
		head = le.AppendUint64(head, v)
	}
	head = le.AppendUint32(head, 0)
	for _, v := range []int{headerSize, segmentSize, len(segs), 64, 0, 0} {
		head = le.AppendUint16(head, uint16(v))
	}
	for _, s := range segs {
		head = le.AppendUint32(head, uint32(s.kind))
		head = le.AppendUint32(head, uint32(s.flags))
		for _, v := range []uint64{s.off, s.addr, s.addr, s.size, s.span, s.align} {
			head = le.AppendUint64(head, v)
		}
	}
	copy(file, head)
	return file
}

// gnu makes a GNU hash table with one bucket and a filter that passes all.
func (o tiny) gnu() []byte {
	le := binary.LittleEndian
	var t []byte
	for _, v := range []uint32{1, 1, 1, 5} {
		t = le.AppendUint32(t, v)
	}
	t = append(t, bytes.Repeat([]byte{0xff}, 8)...)
	if len(o.symbols) == 0 {
		return le.AppendUint32(t, 0)
	}
	t = le.AppendUint32(t, 1)
	for i, s := range o.symbols {
		h := uint32(5381)
		for _, c := range []byte(s.name) {
			h = h*33 + uint32(c)
		}
		h &^= 1
		if i == len(o.symbols)-1 {
			h |= 1
		}
		t = le.AppendUint32(t, h)
	}
	return t
}

// old makes a System V hash table with one bucket.
func (o tiny) old() []byte {
	le := binary.LittleEndian
	t := le.AppendUint32(nil, 1)
	t = le.AppendUint32(t, uint32(len(o.symbols)+1))
	first := uint32(0)
	if len(o.symbols) > 0 {
		first = 1
	}
	t = le.AppendUint32(t, first)
	t = le.AppendUint32(t, 0)
	for i := range o.symbols {
		next := uint32(i + 2)
		if i == len(o.symbols)-1 {
			next = 0
		}
		t = le.AppendUint32(t, next)
	}
	return t
}
