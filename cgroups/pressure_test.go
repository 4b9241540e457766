package cgroups

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPressure(t *testing.T) {
	dir := t.TempDir()
	read := func() (*Pressure, error) {
		return readPressure(filepath.Join(dir, "cpu"), filepath.Join(dir, "memory"), filepath.Join(dir, "io"))
	}
	if p, err := read(); p != nil || err != nil {
		t.Errorf("of an empty folder: %+v, %v", p, err)
	}
	const some = "some avg10=1.50 avg60=2.25 avg300=3.00 total=156428951\n"
	const both = some + "full avg10=0.50 avg60=0.25 avg300=0.10 total=63988086\n"
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"memory": both, "io": both, "cpu": some} {
		write(name, text)
	}
	half := Stall{Some10: 1.5, Some60: 2.25, Some300: 3, SomeTotalUS: 156428951}
	whole := half
	whole.Full10, whole.Full60, whole.Full300, whole.FullTotalUS = 0.5, 0.25, 0.1, 63988086
	if p, err := read(); err != nil || p == nil || *p != (Pressure{CPU: half, Memory: whole, IO: whole}) {
		t.Errorf("%+v, %v", p, err)
	}
	for _, text := range []string{"", "some", "some avg10=x avg60=2.25 avg300=3.00 total=7\n", "full avg10=0.50 avg60=0.25 avg300=0.10 total=6\n"} {
		write("io", text)
		if p, err := read(); err == nil {
			t.Errorf("%q: %+v", text, p)
		}
	}
}
