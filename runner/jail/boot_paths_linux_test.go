package jail

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/runner/control"
)

// TestBootPaths: granted paths are the end of the boot message, and no more of
// them than the worker takes.
func TestBootPaths(t *testing.T) {
	ours, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	defer theirs.Close()
	p := &control.Prepare{Policy: control.Policy{BPF: []byte("filter..")}, Grants: control.Grants{
		Files:   []control.Bind{{Path: "/srv", Inside: "/a"}, {Path: "/srv", Inside: "/b", Write: true}},
		Devices: []control.Bind{{Path: "/dev/full", Inside: "/dev/full", Write: true}},
		Tmp:     4096,
	}}
	if err := sendBoot(ours, p, false); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1024)
	n, err := theirs.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	b = b[:n]
	want := ""
	for _, one := range []struct {
		access uint32
		path   string
	}{{accessRead, "/a"}, {accessRead | accessWrite, "/b"}, {accessRead | accessWrite | accessDevice, "/dev/full"}, {accessRead | accessWrite, "/tmp"}} {
		want += string(binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, one.access), uint32(len(one.path)+1))) + one.path + "\x00"
	}
	head := func(word int) uint32 { return binary.NativeEndian.Uint32(b[4*word:]) }
	if head(3) != 8 || head(4) != 4 || int(head(5)) != len(want) || string(b[24:]) != "filter.."+want {
		t.Errorf("boot message %q", b)
	}
	for _, test := range []struct {
		paths, length int
		ok            bool
	}{{maxBootPaths, 10, true}, {maxBootPaths + 1, 10, false}, {60, 4000, false}} {
		p.Grants = control.Grants{}
		for i := range test.paths {
			p.Grants.Files = append(p.Grants.Files, control.Bind{Inside: fmt.Sprintf("/%0*d", test.length, i)})
		}
		if err := sendBoot(ours, p, false); (err == nil) != test.ok || err != nil && !strings.Contains(err.Error(), "granted paths") {
			t.Errorf("%d paths of %d bytes: %v", test.paths, test.length, err)
		}
	}
}
