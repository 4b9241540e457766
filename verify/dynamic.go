package verify

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
)

// readDynamic walks the dynamic segment up to DT_NULL.
func (l *library) readDynamic(body []byte, from origin) error {
	single := map[elf.DynTag]uint64{}
	var needed []uint64
	ended := false
	for i := 0; len(body) >= dynamicSize && !ended; i++ {
		if i == maxDynamic {
			return badELF("more than %d dynamic entries", maxDynamic)
		}
		tag := elf.DynTag(int64(binary.LittleEndian.Uint64(body)))
		value := binary.LittleEndian.Uint64(body[8:])
		body = body[dynamicSize:]
		switch tag {
		case elf.DT_NULL:
			ended = true
		case elf.DT_NEEDED:
			needed = append(needed, value)
		case elf.DT_AUDIT, elf.DT_DEPAUDIT, elf.DT_FILTER, elf.DT_AUXILIARY:
			// Each makes the loader open one more library of the
			// plugin's choice.
			return badELF("has a %s entry", tag)
		case elf.DT_TEXTREL:
			return badELF("wants its code rewritten while loading (DT_TEXTREL)")
		case elf.DT_STRTAB, elf.DT_STRSZ, elf.DT_SYMTAB, elf.DT_SYMENT, elf.DT_HASH, elf.DT_GNU_HASH,
			elf.DT_SONAME, elf.DT_RPATH, elf.DT_RUNPATH, elf.DT_FLAGS, elf.DT_FLAGS_1:
			// The loader takes the last of two, other tools the first.
			if _, twice := single[tag]; twice {
				return badELF("has two %s entries", tag)
			}
			single[tag] = value
		}
	}
	if !ended {
		return badELF("dynamic segment has no end")
	}
	// An address that is not given must not be taken for address 0.
	for _, tag := range []elf.DynTag{elf.DT_STRTAB, elf.DT_STRSZ, elf.DT_SYMTAB, elf.DT_SYMENT} {
		if _, ok := single[tag]; !ok {
			return badELF("has no %s entry", tag)
		}
	}
	if err := checkFlags(single); err != nil {
		return err
	}
	texts, ok := l.mem.at(single[elf.DT_STRTAB], single[elf.DT_STRSZ])
	if !ok || len(texts) == 0 {
		return badELF("string table lies outside the loaded segments")
	}
	if err := l.readNames(texts, needed, single); err != nil {
		return err
	}
	if err := l.readRunPath(texts, single, from); err != nil {
		return err
	}
	return l.symbols.read(l.mem, texts, single)
}

func checkFlags(single map[elf.DynTag]uint64) error {
	if single[elf.DT_FLAGS]&uint64(elf.DF_TEXTREL) != 0 {
		return badELF("wants its code rewritten while loading (DF_TEXTREL)")
	}
	switch flags := single[elf.DT_FLAGS_1]; {
	case flags&flagPIE != 0:
		return badELF("is a program, not a shared library (DF_1_PIE)")
	case flags&flagNoOpen != 0:
		return badELF("forbids being loaded (DF_1_NOOPEN)")
	case flags&flagNoDefLib != 0:
		return badELF("forbids the system's library folders (DF_1_NODEFLIB)")
	}
	return nil
}

func (l *library) readNames(texts []byte, needed []uint64, single map[elf.DynTag]uint64) error {
	if len(needed) > maxNeeded {
		return badELF("needs %d libraries, the limit is %d", len(needed), maxNeeded)
	}
	for _, off := range needed {
		name, ok := text(texts, off)
		if !ok {
			return badELF("a DT_NEEDED entry lies outside the string table")
		}
		if err := checkLibName(name); err != nil {
			return badELF("DT_NEEDED: %w", err)
		}
		l.needed = append(l.needed, name)
	}
	if off, ok := single[elf.DT_SONAME]; ok {
		name, ok := text(texts, off)
		if !ok {
			return badELF("DT_SONAME lies outside the string table")
		}
		if err := checkLibName(name); err != nil {
			return badELF("DT_SONAME: %w", err)
		}
		l.soname = name
	}
	return nil
}

// checkLibName refuses what the loader would take for a path: a slash, or a
// dollar token, since $LIB expands to something with a slash (ld.so(8)).
func checkLibName(name string) error {
	if err := checkFileName(name); err != nil {
		return err
	}
	if strings.Contains(name, "$") {
		return badELF("%q has a \"$\" in it", name)
	}
	return nil
}

// readRunPath accepts a run path that is the library's own folder and nothing
// else. Run paths of system libraries are ignored: we look for what they need
// in the standard folders only.
func (l *library) readRunPath(texts []byte, single map[elf.DynTag]uint64, from origin) error {
	if from == fromSystem {
		return nil
	}
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		off, ok := single[tag]
		if !ok {
			continue
		}
		path, ok := text(texts, off)
		if !ok {
			return badELF("%s lies outside the string table", tag)
		}
		for _, part := range strings.Split(path, ":") {
			if part != "$ORIGIN" && part != "${ORIGIN}" {
				return badELF("%s %q: element %q is not $ORIGIN", tag, path, part)
			}
		}
		l.ownFolder = true
	}
	return nil
}

// text returns the NUL-ended string at off of a string table.
func text(table []byte, off uint64) (string, bool) {
	rest, ok := cut(table, off, uint64(len(table))-min(off, uint64(len(table))))
	if !ok {
		return "", false
	}
	s, _, ok := bytes.Cut(rest, []byte{0})
	return string(s), ok
}
