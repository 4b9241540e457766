package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const executeSource = `
#include <stddef.h>
#include <stdint.h>
int32_t execute(const uint8_t *json, size_t len) { (void)json; return (int32_t)len; }
`

// plugin makes a folder with a manifest and a signed tiny library.
func plugin(t testing.TB, s signer, o tiny, lines ...string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "plugin.toml"), []byte(manifestWith(lines...)))
	s.sign(t, write(t, filepath.Join(dir, "arp.so"), o.build()))
	return dir
}

func executeOnly() tiny { return tiny{symbols: []tinySymbol{function("execute")}} }

func TestOpen(t *testing.T) {
	s := newSigner(t)
	dir := plugin(t, s, executeOnly())
	p, err := Open(dir, Options{Keys: s.keys})
	if err != nil {
		t.Fatal(err)
	}
	data := read(t, filepath.Join(dir, "arp.so"))
	if p.Dir != dir || p.Manifest.Name != "arp" || p.ABI != ABIExecute || p.Entry != "execute" ||
		p.Image.SHA256 != sha256.Sum256(data) || p.Image.Size != int64(len(data)) || len(p.Libs) != 0 ||
		!p.Signature.Signed || p.Signature.TrustedComment != "test" {
		t.Errorf("got %+v", p)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	s := newSigner(t)
	stranger := newSigner(t)
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		o      tiny
		line   string
		change func(t *testing.T, dir string)
		err    error
		want   string
		digest bool // the error carries it
	}{
		{name: "unsigned", change: remove("arp.so.minisig"), err: ErrUnsigned, want: `"arp.so" has no "arp.so.minisig"`, digest: true},
		{name: "by a stranger", change: func(t *testing.T, dir string) {
			stranger.sign(t, filepath.Join(dir, "arp.so"))
		}, err: ErrUntrusted, want: stranger.keys.List()[0].ID, digest: true},
		{name: "changed", change: func(t *testing.T, dir string) {
			file := filepath.Join(dir, "arp.so")
			write(t, file, append(read(t, file), 0))
		}, err: ErrBadSignature, want: s.keys.List()[0].ID, digest: true},
		{name: "signature is a link", change: func(t *testing.T, dir string) {
			sig := filepath.Join(dir, "arp.so.minisig")
			if err := errors.Join(os.Rename(sig, sig+".real"), os.Symlink(sig+".real", sig)); err != nil {
				t.Fatal(err)
			}
		}, err: ErrBadSignature, want: "symbolic link", digest: true},
		// Were the library read before its signature, this would be ErrELF.
		{name: "unsigned and no library", change: func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "arp.so"), []byte("#!/bin/sh\n"))
		}, err: ErrBadSignature, want: "does not match", digest: true},
		{name: "script", change: func(t *testing.T, dir string) {
			s.sign(t, write(t, filepath.Join(dir, "arp.so"), []byte("#!/bin/sh\n")))
		}, err: ErrELF, want: `starts with "#!/bin/sh\n"`, digest: true},
		{name: "run path", o: tiny{runpath: ptr("/tmp")}, err: ErrELF, want: `"/tmp"`, digest: true},
		{name: "no entry", o: tiny{symbols: []tinySymbol{function("main")}}, err: ErrNoEntry, want: `"isobooth_plugin"`, digest: true},
		{name: "not its abi", o: executeOnly(), line: `abi = "isobooth/1"`, err: ErrNoEntry, want: `"isobooth_plugin"`, digest: true},
		{name: "lv2", o: tiny{symbols: []tinySymbol{function("lv2_descriptor")}}, err: ErrABIUnsupported, want: `abi "lv2" is not supported by this release`, digest: true},
		{name: "missing library", o: tiny{symbols: executeOnly().symbols, needed: []string{"libnone.so.1"}}, err: ErrMissingLibrary, want: `"libnone.so.1", needed by "arp.so"`, digest: true},
		{name: "no binary", change: remove("arp.so"), err: os.ErrNotExist, want: `binary "arp.so"`},
		{name: "binary is a link", change: func(t *testing.T, dir string) {
			if err := errors.Join(os.Remove(filepath.Join(dir, "arp.so")), os.Symlink("/bin/true", filepath.Join(dir, "arp.so"))); err != nil {
				t.Fatal(err)
			}
		}, err: ErrBadFile, want: "symbolic link"},
		{name: "no manifest", change: remove("plugin.toml"), err: ErrManifest, want: `no "plugin.toml"`},
		{name: "bad manifest", line: `colour = "red"`, err: ErrManifest, want: `"plugin.toml":5:1: unknown key`},
		{name: "manifest too large", line: "#" + strings.Repeat("x", 65<<10), err: ErrManifest, want: "larger than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var lines []string
			if c.line != "" {
				lines = []string{c.line}
			}
			dir := plugin(t, s, c.o, lines...)
			if c.change != nil {
				c.change(t, dir)
			}
			p, err := Open(dir, Options{Keys: s.keys})
			if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, %v\nwant %v with %s", p, err, c.err, c.want)
			}
			refused := c.err == ErrUnsigned || c.err == ErrUntrusted || c.err == ErrBadSignature
			if errors.Is(err, ErrRefused) != refused {
				t.Errorf("%v: ErrRefused is %v", err, !refused)
			}
			var e *RefusedError
			if errors.As(err, &e) != c.digest {
				t.Fatalf("%v: carries a digest: %v", err, !c.digest)
			}
			if c.digest {
				sum := sha256.Sum256(read(t, filepath.Join(dir, "arp.so")))
				if e.Digest() != hex.EncodeToString(sum[:]) {
					t.Errorf("digest %s is not the file's", e.Digest())
				}
			}
		})
	}
}

func TestOpenNoFolder(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "plugin.toml"), []byte(manifestWith()))
	_, err := Open(file, Options{})
	if !errors.Is(err, ErrBadFile) || Hint(err) != "name the folder that holds plugin.toml" {
		t.Errorf("got %v, hint %q", err, Hint(err))
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestAllowUnsigned(t *testing.T) {
	s := newSigner(t)
	dir := plugin(t, s, executeOnly())
	file := filepath.Join(dir, "arp.so")
	if err := os.Remove(file + ".minisig"); err != nil {
		t.Fatal(err)
	}
	o := Options{AllowUnsigned: map[[32]byte]bool{sha256.Sum256(read(t, file)): true}}
	p, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if p.Signature.Signed {
		t.Error("an unsigned plugin counts as signed")
	}
	// One byte more is not what was allowed; a signature that is there counts.
	write(t, file, append(read(t, file), 0))
	if _, err := Open(dir, o); !errors.Is(err, ErrUnsigned) || !strings.Contains(Hint(err), "SHA-256") {
		t.Errorf("changed: %v, hint %q", err, Hint(err))
	}
	write(t, file, executeOnly().build())
	s.sign(t, file)
	if _, err := Open(dir, o); !errors.Is(err, ErrUntrusted) {
		t.Errorf("signed by a stranger: %v", err)
	}
}

func TestExamineGoesOn(t *testing.T) {
	dir := plugin(t, newSigner(t), tiny{symbols: executeOnly().symbols, needed: []string{"libnone.so.1"}})
	r := Examine(dir, Options{})
	want := "manifest true, binary true, signature false, library true, entry true, closure false"
	var got []string
	for _, c := range r.Checks {
		got = append(got, fmt.Sprint(c.Name, " ", c.OK))
		if c.Detail == "" {
			t.Errorf("%s: no detail", c.Name)
		}
	}
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if r.OK || !errors.Is(r.Err, ErrUntrusted) || r.ABI != ABIExecute || len(r.SHA256) != 64 || r.Manifest == nil || r.Signature != nil {
		t.Errorf("got %+v", r)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

func TestExamineAgreesWithOpen(t *testing.T) {
	s := newSigner(t)
	dir := plugin(t, s, executeOnly())
	r := Examine(dir, Options{Keys: s.keys})
	if !r.OK || r.Err != nil || !r.Signature.Signed || len(r.Checks) != 6 {
		t.Errorf("got %+v", r)
	}
	text, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(text), `"entry":"execute"`) {
		t.Errorf("%s, %v", text, err)
	}
	if r := Examine(filepath.Join(dir, "none"), Options{}); r.OK || r.Err == nil || len(r.Checks) != 1 {
		t.Errorf("missing folder: %+v", r)
	}
}

// A plugin with a library beside it and one of the system's: what Open returns
// is loaded from the descriptors alone, in the order given.
func TestLoadWhatWasOpened(t *testing.T) {
	s := newSigner(t)
	loader := buildLoader(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "plugin.toml"), []byte(manifestWith()))
	low := compile(t, "#include <math.h>\ndouble low(double x) { return cos(x); }", filepath.Join(dir, "liblow.so"),
		"-shared", "-fPIC", "-Wl,-soname,liblow.so", "-Wl,--no-as-needed", "-lm")
	high := compile(t, "double low(double);\nint high(int x) { return (int)low(x); }", filepath.Join(dir, "libhigh.so"),
		"-shared", "-fPIC", "-Wl,-soname,libhigh.so", "-Wl,-rpath,$ORIGIN", low)
	bin := compile(t, executeSource+"int high(int);\nint use(void) { return high(1); }", filepath.Join(dir, "arp.so"),
		"-shared", "-fPIC", "-Wl,-rpath,$ORIGIN", high, low)
	for _, file := range []string{low, high, bin} {
		s.sign(t, file)
	}
	// The dynamic loader is among the needs on some machines.
	o := Options{Keys: s.keys, Provided: []string{"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}}
	p, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var names []string
	for _, m := range p.Libs {
		names = append(names, m.Name)
	}
	if got := strings.Join(names, " "); got != "libm.so.6 liblow.so libhigh.so" {
		t.Errorf("load order %s", got)
	}
	// Only the descriptors are left.
	for _, file := range []string{low, high, bin} {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(loader)
	for i, m := range append(p.Libs, p.Image) {
		cmd.ExtraFiles = append(cmd.ExtraFiles, m.File())
		cmd.Args = append(cmd.Args, fmt.Sprintf("/proc/self/fd/%d", 3+i))
	}
	cmd.Args = append(cmd.Args, "execute", "use")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	// Without the libraries first, the plugin must not load: they are what
	// satisfies it.
	alone := exec.Command(loader, "/proc/self/fd/3")
	alone.ExtraFiles = []*os.File{p.Image.File()}
	if alone.Run() == nil {
		t.Error("loads without its libraries: the check above proves nothing")
	}
}
