package verify

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// missing skips a test and names what it lacks; with ISOBOOTH_MUST_RUN=1 it
// fails instead.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("ISOBOOTH_MUST_RUN") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

func requireProgram(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name)
	}
	return path
}

func requireRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "root")
	}
}

func run(t testing.TB, name string, arg ...string) {
	t.Helper()
	if out, err := exec.Command(name, arg...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, arg, err, out)
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, file string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// signer is a key pair made for one test.
type signer struct {
	sec  []byte
	keys Keys
}

func newSigner(t testing.TB) signer {
	t.Helper()
	pub, sec, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "test.pub"), pub)
	keys, err := LoadKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	return signer{sec: sec, keys: keys}
}

func (s signer) sign(t testing.TB, file string) {
	t.Helper()
	if _, err := SignFile(file, s.sec, "test"); err != nil {
		t.Fatal(err)
	}
}

// buildLoader makes a program that loads the libraries named first, by path
// and in order, looks up the symbols named after them in the last one, and
// fails if any of that does.
func buildLoader(t testing.TB) string {
	t.Helper()
	return compile(t, `
#include <dlfcn.h>
#include <stdio.h>
int main(int n, char **arg) {
	void *lib = 0;
	for (int i = 1; i < n; i++) {
		void *got = arg[i][0] == '/' ? (lib = dlopen(arg[i], RTLD_NOW | RTLD_LOCAL)) : dlsym(lib, arg[i]);
		if (!got) { puts(dlerror()); return 1; }
	}
	return 0;
}`, filepath.Join(t.TempDir(), "load"), "-ldl")
}

// compile builds C source into out and returns out.
func compile(t testing.TB, source, out string, arg ...string) string {
	t.Helper()
	cc := requireProgram(t, "cc")
	src := write(t, filepath.Join(t.TempDir(), "source.c"), []byte(source))
	run(t, cc, append([]string{"-o", out, src}, arg...)...)
	return out
}
