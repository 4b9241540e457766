package verify

import (
	"debug/elf"
	"fmt"
	"strings"
)

// The ways a host and a plugin may talk, as manifests and listings spell them.
const (
	ABIIsobooth  = "isobooth/1" // plugin.h
	ABIExecute   = "execute"    // int32_t execute(const uint8_t *json, size_t len)
	ABIConductor = "conductor"  // Rust trait objects, needs an adapter
	ABILV2       = "lv2"        // LV2 MIDI plugins, needs an adapter
)

// entry ties an ABI to the one symbol that gives it away.
type entry struct {
	abi, symbol string
	data        bool // the symbol may be a table instead of a function
	supported   bool // this release has a worker for it
}

// entries lists what is looked for, the preferred first.
func entries() []entry {
	return []entry{
		{abi: ABIIsobooth, symbol: "isobooth_plugin", data: true, supported: true},
		{abi: ABIExecute, symbol: "execute", supported: true},
		{abi: ABIConductor, symbol: "_create_plugin"},
		{abi: ABILV2, symbol: "lv2_descriptor"},
	}
}

func entryOf(abi string) (entry, bool) {
	for _, e := range entries() {
		if e.abi == abi {
			return e, true
		}
	}
	return entry{}, false
}

func abiNames() string {
	var names []string
	for _, e := range entries() {
		names = append(names, fmt.Sprintf("%q", e.abi))
	}
	return strings.Join(names, ", ")
}

// findEntry chooses the ABI: the manifest's if it names one, and then its
// symbol must be there, else the first that is. note says what else was found.
func findEntry(lib *library, abi string) (found entry, note string, err error) {
	var looked, others []string
	for _, e := range entries() {
		if abi != "" && e.abi != abi {
			continue
		}
		looked = append(looked, fmt.Sprintf("%q", e.symbol))
		ok, err := lib.exports(e)
		if err != nil {
			return entry{}, "", err
		}
		switch {
		case ok && found.abi == "":
			found = e
		case ok:
			others = append(others, fmt.Sprintf("%q", e.symbol))
		}
	}
	if found.abi == "" {
		return entry{}, "", fmt.Errorf("%w: exported symbols looked for: %s", ErrNoEntry, strings.Join(looked, ", "))
	}
	if len(others) > 0 {
		note = fmt.Sprintf("abi %q preferred; also exported: %s", found.abi, strings.Join(others, ", "))
	}
	if !found.supported {
		return found, note, unsupportedABI(found.abi)
	}
	return found, note, nil
}

// unsupportedABI reads as one sentence and is ErrABIUnsupported.
type unsupportedABI string

func (a unsupportedABI) Error() string {
	return fmt.Sprintf("abi %q is not supported by this release", string(a))
}

func (a unsupportedABI) Unwrap() error { return ErrABIUnsupported }

// exports says whether the loader would find e's symbol in lib, and refuses
// one that is there but cannot be an entry.
func (l *library) exports(e entry) (bool, error) {
	sym, ok, err := l.lookup(e.symbol)
	if err != nil || !ok {
		return false, err
	}
	switch {
	case sym.kind == elf.STT_FUNC && l.mem.has(sym.value, elf.PF_R|elf.PF_X):
		return true, nil
	case sym.kind == elf.STT_OBJECT && e.data && l.mem.has(sym.value, elf.PF_R):
		return true, nil
	}
	want := "function"
	if e.data {
		want = "function or table"
	}
	return false, badELF("symbol %q is no %s inside the library", e.symbol, want)
}
