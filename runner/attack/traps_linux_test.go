package attack

import (
	"os"
	"path/filepath"
	"testing"
)

// TestTraps: evidence that no row has yet brought about can be brought about.
func TestTraps(t *testing.T) {
	for _, test := range []struct {
		name string
		arm  func(t *testing.T, dir string) trap
		do   func(dir string) error
	}{
		{"program written to", armInstalled, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "program"), []byte("other"), 0o755)
		}},
		{"program removed", armInstalled, func(dir string) error { return os.Remove(filepath.Join(dir, "program")) }},
		{"mount point made", armSkeleton, func(dir string) error { return os.Mkdir(filepath.Join(dir, "etc"), 0o755) }},
		{"mount point removed", armSkeleton, func(dir string) error { return os.Remove(filepath.Join(dir, "program")) }},
		{"link in place of a mount point", armSkeleton, func(dir string) error { return os.Symlink("/", filepath.Join(dir, "dev")) }},
		{"mount point written to", armSkeleton, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "program"), []byte("x"), 0o755)
		}},
		{"host changed", func(t *testing.T, _ string) trap {
			before, err := hostValues()
			if err != nil {
				t.Fatal(err)
			}
			return &host{before, clockOffset()}
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "program"), nil, 0o755); err != nil {
				t.Fatal(err)
			}
			trap := test.arm(t, dir)
			if found, err := trap.sprung(); found != "" || err != nil {
				t.Fatalf("before: %q, %v", found, err)
			}
			if h, ok := trap.(*host); ok {
				for path := range h.before { // as if it had been otherwise
					was := h.before[path]
					h.before[path] = "otherwise"
					if found, err := h.sprung(); found == "" || err != nil {
						t.Errorf("%s: %q, %v", path, found, err)
					}
					h.before[path] = was
				}
				h.offset -= 2 * clockSlack
			} else if err := test.do(dir); err != nil {
				t.Fatal(err)
			}
			if found, err := trap.sprung(); found == "" || err != nil {
				t.Errorf("after: %q, %v", found, err)
			}
		})
	}
}

func armInstalled(t *testing.T, dir string) trap {
	t.Helper()
	path := filepath.Join(dir, "program")
	sum, err := digest(path)
	if err != nil {
		t.Fatal(err)
	}
	return installed{path: sum}
}

func armSkeleton(t *testing.T, dir string) trap {
	t.Helper()
	s := &skeleton{dir: dir}
	var err error
	if s.before, err = s.list(); err != nil {
		t.Fatal(err)
	}
	return s
}
