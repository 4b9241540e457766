package verify

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// symbolTable finds a symbol the way the loader does, through the hash table,
// so that what we find is what dlsym will.
type symbolTable struct {
	texts   []byte // DT_STRTAB
	entries []byte // from DT_SYMTAB to the end of its segment; its length is written nowhere
	gnu     *gnuHash
	sysv    *sysvHash
}

// symbol is a defined symbol that other libraries can see.
type symbol struct {
	kind  elf.SymType
	value uint64 // address
}

type gnuHash struct {
	first, shift           uint32
	bloom, buckets, chains []byte
}

type sysvHash struct{ buckets, chains []byte }

func (t *symbolTable) read(mem memory, texts []byte, single map[elf.DynTag]uint64) error {
	t.texts = texts
	if single[elf.DT_SYMENT] != symbolSize {
		return badELF("symbols of %d bytes, not %d", single[elf.DT_SYMENT], symbolSize)
	}
	var ok bool
	if t.entries, ok = mem.tail(single[elf.DT_SYMTAB]); !ok {
		return badELF("symbol table lies outside the loaded segments")
	}
	// Like glibc and musl: the GNU table if there is one.
	if addr, ok := single[elf.DT_GNU_HASH]; ok {
		return t.readGNU(mem, addr)
	}
	if addr, ok := single[elf.DT_HASH]; ok {
		return t.readSysV(mem, addr)
	}
	return badELF("has no symbol hash table")
}

func (t *symbolTable) readGNU(mem memory, addr uint64) error {
	bad := badELF("GNU hash table is damaged")
	table, ok := mem.tail(addr)
	if !ok || len(table) < 16 {
		return bad
	}
	buckets := uint64(binary.LittleEndian.Uint32(table))
	words := uint64(binary.LittleEndian.Uint32(table[8:]))
	h := &gnuHash{first: binary.LittleEndian.Uint32(table[4:]), shift: binary.LittleEndian.Uint32(table[12:])}
	// A library that exports nothing has one empty bucket and one empty
	// filter word; glibc divides by the first and masks by the second.
	if buckets == 0 || words == 0 || words&(words-1) != 0 || h.shift > 31 {
		return bad
	}
	if h.bloom, ok = cut(table, 16, words*8); !ok {
		return bad
	}
	if h.buckets, ok = cut(table, 16+words*8, buckets*4); !ok {
		return bad
	}
	h.chains = table[16+words*8+buckets*4:]
	t.gnu = h
	return nil
}

func (t *symbolTable) readSysV(mem memory, addr uint64) error {
	bad := badELF("hash table is damaged")
	table, ok := mem.tail(addr)
	if !ok || len(table) < 8 {
		return bad
	}
	buckets := uint64(binary.LittleEndian.Uint32(table))
	chains := uint64(binary.LittleEndian.Uint32(table[4:]))
	h := &sysvHash{}
	if h.buckets, ok = cut(table, 8, buckets*4); !ok || buckets == 0 {
		return bad
	}
	if h.chains, ok = cut(table, 8+buckets*4, chains*4); !ok {
		return bad
	}
	t.sysv = h
	return nil
}

// lookup finds name among the symbols l defines. An error means that the
// tables lead outside the file.
func (l *library) lookup(name string) (symbol, bool, error) {
	if l.symbols.gnu != nil {
		return l.symbols.lookupGNU(name)
	}
	return l.symbols.lookupSysV(name)
}

func (t *symbolTable) lookupGNU(name string) (symbol, bool, error) {
	h := uint32(5381)
	for _, c := range []byte(name) {
		h = h*33 + uint32(c)
	}
	word := binary.LittleEndian.Uint64(t.gnu.bloom[uint64(h/64)%uint64(len(t.gnu.bloom)/8)*8:])
	if word>>(h%64)&1 == 0 || word>>((h>>t.gnu.shift)%64)&1 == 0 {
		return symbol{}, false, nil
	}
	i := le32(t.gnu.buckets, h%uint32(len(t.gnu.buckets)/4))
	if i == 0 {
		return symbol{}, false, nil
	}
	if i < t.gnu.first {
		return symbol{}, false, badELF("GNU hash table is damaged")
	}
	for ; ; i++ {
		at := uint64(i-t.gnu.first) * 4
		b, ok := cut(t.gnu.chains, at, 4)
		if !ok {
			return symbol{}, false, badELF("GNU hash table leads outside its segment")
		}
		hash := binary.LittleEndian.Uint32(b)
		if hash|1 == h|1 {
			if s, ok, err := t.symbol(i, name); ok || err != nil {
				return s, ok, err
			}
		}
		if hash&1 != 0 {
			return symbol{}, false, nil
		}
	}
}

func (t *symbolTable) lookupSysV(name string) (symbol, bool, error) {
	var h uint32
	for _, c := range []byte(name) {
		h = h<<4 + uint32(c)
		h ^= h >> 24 & 0xf0
		h &= 0x0fffffff
	}
	i := le32(t.sysv.buckets, h%uint32(len(t.sysv.buckets)/4))
	// A chain cannot be longer than the table; one that is runs in a loop.
	for range len(t.sysv.chains) / 4 {
		if i == 0 {
			return symbol{}, false, nil
		}
		if s, ok, err := t.symbol(i, name); ok || err != nil {
			return s, ok, err
		}
		if uint64(i)*4 >= uint64(len(t.sysv.chains)) {
			return symbol{}, false, badELF("hash table leads outside itself")
		}
		i = le32(t.sysv.chains, i)
	}
	return symbol{}, false, badELF("hash table runs in a loop")
}

// symbol returns entry i if it is called name, defined here and visible.
func (t *symbolTable) symbol(i uint32, name string) (symbol, bool, error) {
	e, ok := cut(t.entries, uint64(i)*symbolSize, symbolSize)
	if !ok {
		return symbol{}, false, badELF("hash table leads outside the symbol table")
	}
	at := uint64(binary.LittleEndian.Uint32(e))
	got, ok := cut(t.texts, at, uint64(len(name))+1)
	if !ok || !bytes.Equal(got[:len(name)], []byte(name)) || got[len(name)] != 0 {
		return symbol{}, false, nil
	}
	kind, bind := elf.ST_TYPE(e[4]), elf.ST_BIND(e[4])
	hidden := elf.ST_VISIBILITY(e[5])
	section := elf.SectionIndex(binary.LittleEndian.Uint16(e[6:]))
	value := binary.LittleEndian.Uint64(e[8:])
	const unique = elf.SymBind(10) // STB_GNU_UNIQUE
	switch {
	case section == elf.SHN_UNDEF || section == elf.SHN_ABS || value == 0,
		bind != elf.STB_GLOBAL && bind != elf.STB_WEAK && bind != unique,
		hidden == elf.STV_HIDDEN || hidden == elf.STV_INTERNAL:
		return symbol{}, false, nil
	}
	return symbol{kind: kind, value: value}, true, nil
}

func le32(table []byte, i uint32) uint32 {
	return binary.LittleEndian.Uint32(table[uint64(i)*4:])
}
