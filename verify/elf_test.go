package verify

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func ptr(s string) *string { return &s }

func TestTinyAccepted(t *testing.T) {
	loader := buildLoader(t)
	for name, o := range map[string]tiny{
		"least":         {},
		"GNU hash":      {symbols: []tinySymbol{function("a"), function("execute"), function("z")}},
		"old hash":      {symbols: []tinySymbol{function("a"), function("execute"), function("z")}, sysv: true},
		"own folder":    {runpath: ptr("$ORIGIN"), soname: "tiny.so"},
		"braces, twice": {rpath: ptr("${ORIGIN}:$ORIGIN")},
		"needs libc":    {needed: []string{"libc.so.6"}},
		"weak":          {symbols: []tinySymbol{{"execute", byte(elf.STB_WEAK)<<4 | byte(elf.STT_FUNC), 0, 1, tinyCode}}},
	} {
		t.Run(name, func(t *testing.T) {
			data := o.build()
			lib, err := readLibrary(data, fromPlugin)
			if err != nil {
				t.Fatal(err)
			}
			if lib.soname != o.soname || !slices.Equal(lib.needed, o.needed) || lib.ownFolder != (o.rpath != nil || o.runpath != nil) {
				t.Errorf("got %+v", lib)
			}
			for _, s := range o.symbols {
				if _, ok, err := lib.lookup(s.name); !ok || err != nil {
					t.Errorf("symbol %q: %v, %v", s.name, ok, err)
				}
			}
			if _, ok, err := lib.lookup("absent"); ok || err != nil {
				t.Errorf("symbol that is not there: %v, %v", ok, err)
			}
			// The loader must agree, or the refusals below mean nothing.
			file := write(t, filepath.Join(t.TempDir(), "tiny.so"), data)
			arg := []string{file}
			for _, s := range o.symbols {
				arg = append(arg, s.name)
			}
			run(t, loader, arg...)
		})
	}
}

// seg returns an edit of segment i.
func seg(i int, f func(*segment)) func([]segment) []segment {
	return func(s []segment) []segment { f(&s[i]); return s }
}

func put16(at int, v uint16) func([]byte) {
	return func(b []byte) { binary.LittleEndian.PutUint16(b[at:], v) }
}

func TestLibraryRefused(t *testing.T) {
	const far = 1 << 63
	for _, c := range []struct {
		name string
		o    tiny
		raw  func([]byte)
		want string
	}{
		{name: "other machine", raw: put16(18, uint16(elf.EM_S390)), want: "built for s390x, this machine is "},
		{name: "32 bits", raw: func(b []byte) { b[4] = 1 }, want: "ELFCLASS32"},
		{name: "big-endian", raw: func(b []byte) { b[5] = 2 }, want: "byte order"},
		{name: "ELF version", raw: func(b []byte) { b[6] = 2 }, want: "version"},
		{name: "other system", raw: func(b []byte) { b[7] = byte(elf.ELFOSABI_FREEBSD) }, want: "another system"},
		{name: "program", raw: put16(16, uint16(elf.ET_EXEC)), want: "is a program"},
		{name: "object file", raw: put16(16, uint16(elf.ET_REL)), want: "ET_REL"},
		{name: "program header size", raw: put16(54, 32), want: "32 bytes"},
		{name: "no program headers", raw: put16(56, 0), want: "0 program headers"},
		{name: "many program headers", raw: put16(56, 0xffff), want: "65535 program headers"},
		{name: "program headers outside", raw: func(b []byte) { binary.LittleEndian.PutUint64(b[32:], ^uint64(0)-10) }, want: "outside the file"},

		{name: "two dynamic segments", o: tiny{edit: func(s []segment) []segment { return append(s, s[3]) }}, want: "two dynamic"},
		{name: "no dynamic segment", o: tiny{edit: func(s []segment) []segment { return slices.Delete(s, 3, 4) }}, want: "no dynamic"},
		{name: "dynamic offset lies", o: tiny{edit: seg(3, func(s *segment) { s.off -= 0x100 })}, want: "not where it says"},
		{name: "dynamic address lies", o: tiny{edit: seg(3, func(s *segment) { s.addr = far })}, want: "not where it says"},
		{name: "dynamic leaves its segment", o: tiny{edit: seg(3, func(s *segment) { s.size = 2 * tinyPage })}, want: "not where it says"},
		{name: "interpreter", o: tiny{edit: func(s []segment) []segment { return append(s, segment{kind: elf.PT_INTERP}) }}, want: "interpreter"},
		{name: "executable stack", o: tiny{edit: seg(4, func(s *segment) { s.flags |= elf.PF_X })}, want: "executable stack"},
		{name: "silent about the stack", o: tiny{edit: func(s []segment) []segment { return s[:4] }}, want: "PT_GNU_STACK is missing"},
		{name: "second stack header", o: tiny{edit: func(s []segment) []segment {
			return append(s, segment{kind: elf.PT_GNU_STACK, flags: elf.PF_R | elf.PF_W | elf.PF_X})
		}}, want: "executable stack"},
		{name: "nothing to load", o: tiny{edit: func(s []segment) []segment { return s[3:] }}, want: "nothing to load"},
		{name: "overlap", o: tiny{edit: seg(0, func(s *segment) { s.span += 1 })}, want: "overlap"},
		{name: "descending", o: tiny{edit: func(s []segment) []segment { s[0], s[1] = s[1], s[0]; return s }}, want: "overlap"},
		{name: "terabytes", o: tiny{edit: seg(2, func(s *segment) { s.span = 1 << 42 })}, want: "a segment of"},
		{name: "spread", o: tiny{edit: seg(2, func(s *segment) { s.span = 1<<30 - tinyPage })}, want: "spread over"},
		{name: "wraps round", o: tiny{edit: seg(2, func(s *segment) { s.addr = ^uint64(0) &^ (tinyPage - 1) })}, want: "at address"},
		{name: "file larger than memory", o: tiny{edit: seg(2, func(s *segment) { s.span-- })}, want: "in the file and"},
		{name: "offset outside", o: tiny{edit: seg(2, func(s *segment) { s.off = far })}, want: "outside the file"},
		{name: "size outside", o: tiny{edit: seg(2, func(s *segment) { s.size = ^uint64(0); s.span = s.size })}, want: "outside the file"},
		{name: "not aligned", o: tiny{edit: seg(2, func(s *segment) { s.addr += 0x100 })}, want: "not aligned"},
		{name: "alignment no power of two", o: tiny{edit: seg(2, func(s *segment) { s.align = 0x10001 })}, want: "not aligned"},
		{name: "huge alignment", o: tiny{edit: seg(0, func(s *segment) { s.align = 1 << 40 })}, want: "not aligned"},
		{name: "writable code", o: tiny{edit: seg(1, func(s *segment) { s.flags |= elf.PF_W })}, want: "writable and executable"},
		{name: "thread storage", o: tiny{edit: func(s []segment) []segment { return append(s, segment{kind: elf.PT_TLS, span: 1 << 40}) }}, want: "thread-local"},
		{name: "thread storage outside", o: tiny{edit: func(s []segment) []segment {
			return append(s, segment{kind: elf.PT_TLS, addr: far, size: 8, span: 8})
		}}, want: "thread-local storage lies"},

		{name: "text relocations", o: tiny{dynamic: []dyn{{elf.DT_TEXTREL, 0}}}, want: "DT_TEXTREL"},
		{name: "text relocation flag", o: tiny{dynamic: []dyn{{elf.DT_FLAGS, uint64(elf.DF_TEXTREL)}}}, want: "DF_TEXTREL"},
		{name: "PIE", o: tiny{dynamic: []dyn{{elf.DT_FLAGS_1, uint64(elf.DF_1_PIE)}}}, want: "DF_1_PIE"},
		{name: "NOOPEN", o: tiny{dynamic: []dyn{{elf.DT_FLAGS_1, uint64(elf.DF_1_NOOPEN)}}}, want: "DF_1_NOOPEN"},
		{name: "NODEFLIB", o: tiny{dynamic: []dyn{{elf.DT_FLAGS_1, uint64(elf.DF_1_NODEFLIB)}}}, want: "DF_1_NODEFLIB"},
		{name: "audit", o: tiny{dynamic: []dyn{{elf.DT_AUDIT, 0}}}, want: "DT_AUDIT"},
		{name: "depaudit", o: tiny{dynamic: []dyn{{elf.DT_DEPAUDIT, 0}}}, want: "DT_DEPAUDIT"},
		{name: "filter", o: tiny{dynamic: []dyn{{elf.DT_FILTER, 0}}}, want: "DT_FILTER"},
		{name: "auxiliary", o: tiny{dynamic: []dyn{{elf.DT_AUXILIARY, 0}}}, want: "DT_AUXILIARY"},
		{name: "two run paths", o: tiny{runpath: ptr("$ORIGIN"), dynamic: []dyn{{elf.DT_RUNPATH, 0}}}, want: "two DT_RUNPATH"},
		{name: "two string tables", o: tiny{dynamic: []dyn{{elf.DT_STRTAB, 0}}}, want: "two DT_STRTAB"},
		{name: "no string table", o: tiny{editDyn: func(e []dyn) []dyn { return e[len(e)-1:] }}, want: "no DT_STRTAB"},
		{name: "no symbol table", o: tiny{editDyn: setTag(elf.DT_SYMTAB, elf.DT_DEBUG)}, want: "no DT_SYMTAB"},
		{name: "ABI version", raw: func(b []byte) { b[8] = 1 }, want: "ABI version"},
		{name: "padding", raw: func(b []byte) { b[15] = 1 }, want: "padding"},
		{name: "no end", o: tiny{editDyn: func(e []dyn) []dyn { return e[:len(e)-1] }}, want: "no end"},
		{name: "string table outside", o: tiny{editDyn: setDyn(elf.DT_STRTAB, far)}, want: "string table"},
		{name: "string table too long", o: tiny{editDyn: setDyn(elf.DT_STRSZ, ^uint64(0))}, want: "string table"},
		{name: "symbol size", o: tiny{editDyn: setDyn(elf.DT_SYMENT, 16)}, want: "16 bytes"},
		{name: "symbol table outside", o: tiny{editDyn: setDyn(elf.DT_SYMTAB, far)}, want: "symbol table"},
		{name: "hash table outside", o: tiny{editDyn: setDyn(elf.DT_GNU_HASH, far)}, want: "hash table"},
		{name: "no hash table", o: tiny{editDyn: func(e []dyn) []dyn { return slices.Delete(e, 0, 1) }}, want: "no symbol hash"},
		{name: "name outside", o: tiny{dynamic: []dyn{{elf.DT_NEEDED, far}}}, want: "outside the string table"},
		{name: "many needs", o: tiny{dynamic: slices.Repeat([]dyn{{elf.DT_NEEDED, 1}}, 65)}, want: "needs 65 libraries"},
		{name: "endless dynamic", o: tiny{dynamic: slices.Repeat([]dyn{{elf.DT_DEBUG, 0}}, 1024)}, want: "more than 1024"},
		{name: "need by path", o: tiny{needed: []string{"/tmp/evil.so"}}, want: "is a path"},
		{name: "need by relative path", o: tiny{needed: []string{"./evil.so"}}, want: "is a path"},
		{name: "need up", o: tiny{needed: []string{".."}}, want: "no file name"},
		{name: "need by token", o: tiny{needed: []string{"$LIB"}}, want: `"$"`},
		{name: "need with escape", o: tiny{needed: []string{"a\x1b[2J"}}, want: "control character"},
		{name: "empty need", o: tiny{needed: []string{""}}, want: "no file name"},
		{name: "soname with slash", o: tiny{soname: "a/b"}, want: "is a path"},

		{name: "empty run path", o: tiny{runpath: ptr("")}, want: `element "" is not $ORIGIN`},
		{name: "empty element", o: tiny{runpath: ptr("$ORIGIN:")}, want: `element "" is not $ORIGIN`},
		{name: "relative", o: tiny{runpath: ptr("lib")}, want: `element "lib"`},
		{name: "absolute", o: tiny{runpath: ptr("/tmp")}, want: `element "/tmp"`},
		{name: "up", o: tiny{runpath: ptr("$ORIGIN/..")}, want: `element "$ORIGIN/.."`},
		{name: "below", o: tiny{runpath: ptr("$ORIGIN/lib")}, want: `element "$ORIGIN/lib"`},
		{name: "LIB", o: tiny{runpath: ptr("$LIB")}, want: `element "$LIB"`},
		{name: "PLATFORM", o: tiny{runpath: ptr("$ORIGIN:$PLATFORM")}, want: `element "$PLATFORM"`},
		{name: "rpath", o: tiny{rpath: ptr("/tmp")}, want: "DT_RPATH"},
		{name: "rpath beside a good run path", o: tiny{rpath: ptr("/tmp"), runpath: ptr("$ORIGIN")}, want: "DT_RPATH"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := c.o.build()
			if c.raw != nil {
				c.raw(data)
			}
			_, err := readLibrary(data, fromPlugin)
			if !errors.Is(err, ErrELF) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant ErrELF with %s", err, c.want)
			}
		})
	}
}

func setDyn(tag elf.DynTag, value uint64) func([]dyn) []dyn {
	return func(e []dyn) []dyn {
		for i := range e {
			if e[i].tag == tag {
				e[i].value = value
			}
		}
		return e
	}
}

func setTag(old, tag elf.DynTag) func([]dyn) []dyn {
	return func(e []dyn) []dyn {
		for i := range e {
			if e[i].tag == old {
				e[i].tag = tag
			}
		}
		return e
	}
}

func TestNoELF(t *testing.T) {
	for text, want := range map[string]string{
		"#!/bin/sh\necho hello\n": `starts with "#!/bin/sh\necho h"`,
		"":                        `starts with ""`,
		"\x7fELF":                 "ends within its header",
	} {
		if _, err := readLibrary([]byte(text), fromPlugin); !errors.Is(err, ErrELF) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestHashTablesRefused(t *testing.T) {
	const hashAt = 0x8000
	one := []tinySymbol{function("execute")}
	put := func(at int, v uint32) func([]byte) {
		return func(b []byte) { binary.LittleEndian.PutUint32(b[hashAt+at:], v) }
	}
	for _, c := range []struct {
		name string
		sysv bool
		raw  func([]byte)
	}{
		{"no buckets", false, put(0, 0)},
		{"many buckets", false, put(0, ^uint32(0))},
		{"filter size", false, put(8, 3)},
		{"filter outside", false, put(8, 1<<31)},
		{"shift", false, put(12, 64)},
		{"bucket before the first", false, func(b []byte) { put(4, 9)(b) }},
		{"bucket outside", false, put(24, 1<<30)},
		{"chain without end", false, func(b []byte) {
			for at := hashAt + 28; at < tinyPage; at += 4 {
				binary.LittleEndian.PutUint32(b[at:], 0)
			}
		}},
		{"no old buckets", true, put(0, 0)},
		{"many old buckets", true, put(0, ^uint32(0))},
		{"many old chains", true, put(4, ^uint32(0))},
		{"old bucket outside", true, put(8, 1<<30)},
		{"old chain loop", true, func(b []byte) { put(16, 1)(b); copy(b[0x1000:], "\x00e\x00") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := tiny{symbols: one, sysv: c.sysv}.build()
			c.raw(data)
			lib, err := readLibrary(data, fromPlugin)
			if err == nil {
				_, _, err = lib.lookup("execute")
			}
			if !errors.Is(err, ErrELF) {
				t.Errorf("got %v, want ErrELF", err)
			}
		})
	}
}

// Every library of this machine passes, and for each symbol that the standard
// library's reader lists, ours agrees by way of the hash table.
func TestSystemLibraries(t *testing.T) {
	if _, err := hostMachine(); err != nil {
		missing(t, "a machine this package knows")
	}
	host, err := hostSystem()
	if err != nil {
		t.Fatal(err)
	}
	libs, symbols := 0, 0
	for _, dir := range host.dirs {
		files, _ := filepath.Glob(filepath.Join(dir, "*.so*"))
		for _, file := range files {
			f, err := os.Open(file)
			if err != nil {
				continue
			}
			ok := forThisMachine(f)
			f.Close()
			if !ok {
				continue
			}
			data := read(t, file)
			lib, err := readLibrary(data, fromSystem)
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			libs++
			std, err := elf.NewFile(bytes.NewReader(data))
			if err != nil {
				continue
			}
			want, _ := std.ImportedLibraries()
			if !slices.Equal(lib.needed, want) {
				t.Errorf("%s: needs %q, debug/elf says %q", file, lib.needed, want)
			}
			list, _ := std.DynamicSymbols()
			for i, s := range list {
				if i%97 != 0 || s.Section == elf.SHN_UNDEF || s.Section == elf.SHN_ABS || s.Value == 0 || s.Name == "" {
					continue
				}
				symbols++
				got, ok, err := lib.lookup(s.Name)
				if !ok || err != nil {
					t.Errorf("%s: symbol %q: %v, %v", file, s.Name, ok, err)
				}
				if got.kind != elf.ST_TYPE(s.Info) && elf.ST_TYPE(s.Info) != elf.STT_NOTYPE {
					t.Errorf("%s: symbol %q is of type %v, not %v", file, s.Name, elf.ST_TYPE(s.Info), got.kind)
				}
			}
			if _, ok, err := lib.lookup("isobooth_no_such_symbol"); ok || err != nil {
				t.Errorf("%s: absent symbol: %v, %v", file, ok, err)
			}
		}
	}
	if libs == 0 || symbols == 0 {
		missing(t, "system libraries")
	}
	t.Logf("%d libraries, %d symbols", libs, symbols)
}

func TestFindEntry(t *testing.T) {
	hidden := function("execute")
	hidden.other = byte(elf.STV_HIDDEN)
	undefined := function("execute")
	undefined.shndx = elf.SHN_UNDEF
	local := function("execute")
	local.info = byte(elf.STT_FUNC)
	outside := function("execute")
	outside.value = 1 << 40
	inData := function("execute")
	inData.value = tinyTable
	for _, c := range []struct {
		name    string
		symbols []tinySymbol
		abi     string
		want    string
		note    string
		err     error
	}{
		{"table", []tinySymbol{object("isobooth_plugin")}, "", ABIIsobooth, "", nil},
		{"function", []tinySymbol{function("isobooth_plugin")}, "", ABIIsobooth, "", nil},
		{"execute", []tinySymbol{function("execute")}, "", ABIExecute, "", nil},
		{"both", []tinySymbol{function("execute"), object("isobooth_plugin")}, "", ABIIsobooth, `"execute"`, nil},
		{"both, manifest decides", []tinySymbol{function("execute"), object("isobooth_plugin")}, ABIExecute, ABIExecute, "", nil},
		{"manifest, not there", []tinySymbol{function("execute")}, ABIIsobooth, "", "", ErrNoEntry},
		{"none", nil, "", "", "", ErrNoEntry},
		{"hidden", []tinySymbol{hidden}, "", "", "", ErrNoEntry},
		{"undefined", []tinySymbol{undefined}, "", "", "", ErrNoEntry},
		{"local", []tinySymbol{local}, "", "", "", ErrNoEntry},
		{"outside", []tinySymbol{outside}, "", "", "", ErrELF},
		{"function in data", []tinySymbol{inData}, "", "", "", ErrELF},
		{"execute as table", []tinySymbol{object("execute")}, "", "", "", ErrELF},
		{"conductor", []tinySymbol{function("_create_plugin")}, "", ABIConductor, "", ErrABIUnsupported},
		{"lv2", []tinySymbol{function("lv2_descriptor")}, ABILV2, ABILV2, "", ErrABIUnsupported},
	} {
		for _, sysv := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				lib, err := readLibrary(tiny{symbols: c.symbols, sysv: sysv}.build(), fromPlugin)
				if err != nil {
					t.Fatal(err)
				}
				got, note, err := findEntry(lib, c.abi)
				if !errors.Is(err, c.err) || got.abi != c.want || !strings.Contains(note, c.note) || c.note == "" && note != "" {
					t.Errorf("got %q, %q, %v, want %q, %q, %v", got.abi, note, err, c.want, c.note, c.err)
				}
			})
		}
	}
	lib, err := readLibrary(tiny{}.build(), fromPlugin)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = findEntry(lib, "")
	for _, e := range entries() {
		if !strings.Contains(err.Error(), e.symbol) {
			t.Errorf("%v: does not name %q", err, e.symbol)
		}
	}
	if got := unsupportedABI("lv2").Error(); got != `abi "lv2" is not supported by this release` {
		t.Error(got)
	}
}

// What we accept the loader accepts; what is an oddity to us may load, so only
// this direction holds. The inputs differ from a good library in one byte.
func TestLoaderAgrees(t *testing.T) {
	loader := buildLoader(t)
	good := tiny{symbols: []tinySymbol{function("execute")}, soname: "t.so", runpath: ptr("$ORIGIN")}.build()
	var places []int
	for at := range headerSize + 5*segmentSize {
		places = append(places, at)
	}
	for at := range 12 * dynamicSize {
		// Here DT_RUNPATH becomes DT_FINI: code to call, which is the
		// plugin's own affair.
		if at != dynamicSize {
			places = append(places, 2*tinyPage+at)
		}
	}
	file := filepath.Join(t.TempDir(), "t.so")
	tried := 0
	for _, at := range places {
		data := bytes.Clone(good)
		data[at] ^= 0x10
		lib, err := readLibrary(data, fromPlugin)
		if err != nil {
			continue
		}
		arg := []string{file}
		if ok, err := lib.exports(entry{symbol: "execute"}); err != nil {
			continue
		} else if ok {
			arg = append(arg, "execute")
		}
		tried++
		write(t, file, data)
		if out, err := exec.Command(loader, arg...).CombinedOutput(); err != nil {
			t.Errorf("byte %#x changed: accepted, but the loader: %v %s", at, err, out)
		}
	}
	t.Logf("%d of %d changed libraries were accepted", tried, len(places))
}

func FuzzReadLibrary(f *testing.F) {
	// Small ones, or the fuzzer spends its time on zeros.
	for _, o := range []tiny{
		{symbols: []tinySymbol{function("execute"), object("isobooth_plugin")}, needed: []string{"libm.so.6"}, soname: "a"},
		{symbols: []tinySymbol{function("execute")}, sysv: true, runpath: ptr("$ORIGIN")},
	} {
		f.Add(shrink(o.build()))
	}
	f.Add([]byte("#!/bin/sh\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, from := range []origin{fromPlugin, fromSystem} {
			lib, err := readLibrary(grow(data), from)
			if err == nil {
				_, _, err = findEntry(lib, "")
			}
			if err != nil && !errors.Is(err, ErrELF) && !errors.Is(err, ErrNoEntry) && !errors.Is(err, ErrABIUnsupported) {
				t.Errorf("error of another kind: %v", err)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\x00\x1b\r\n") {
				t.Errorf("control character in the error %q", err)
			}
		}
	})
}

// A tiny library is mostly zeros between these parts.
func parts() [][2]int {
	return [][2]int{{0, 0x200}, {0x1000, 0x80}, {0x4000, 0x80}, {0x8000, 0x80}, {tinyCode, 4}, {2 * tinyPage, 0x100}}
}

func shrink(file []byte) []byte {
	var out []byte
	for _, p := range parts() {
		out = append(out, file[p[0]:p[0]+p[1]]...)
	}
	return out
}

// grow is the reverse; what is too short or too long to be one is left alone.
func grow(data []byte) []byte {
	file := make([]byte, 3*tinyPage)
	rest := data
	for _, p := range parts() {
		if len(rest) < p[1] {
			return data
		}
		copy(file[p[0]:], rest[:p[1]])
		rest = rest[p[1]:]
	}
	if len(rest) > 0 {
		return data
	}
	return file
}
