package cgroups

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

const (
	hybridMounts = `24 1 0:23 / / rw - ext4 /dev/root rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
42 31 0:36 / /mnt/again rw,relatime - cgroup cgroup rw,pids
43 31 0:39 /docker/x /mnt/part rw,relatime - cgroup cgroup rw,freezer
`
	unifiedMounts = `31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate
44 1 0:40 / /tmp/a\040b rw - tmpfs tmpfs rw
`
)

func TestParseMounts(t *testing.T) {
	tests := []struct {
		name, text, version string
		want                []hierarchy
	}{
		{"hybrid", hybridMounts, "hybrid", []hierarchy{
			{mount: "/sys/fs/cgroup/cpu,cpuacct", controllers: []string{"cpu", "cpuacct"}},
			{mount: "/sys/fs/cgroup/memory", controllers: []string{"memory"}},
			{mount: "/sys/fs/cgroup/pids", controllers: []string{"pids"}},
			{mount: "/sys/fs/cgroup/systemd"},
			{mount: "/sys/fs/cgroup/unified", unified: true},
		}},
		{"v1", "35 31 0:32 / /cg/a\\040b rw - cgroup cgroup rw,memory\n", "v1", []hierarchy{
			{mount: "/cg/a b", controllers: []string{"memory"}},
		}},
		{"v2", unifiedMounts, "v2", []hierarchy{{mount: "/sys/fs/cgroup", unified: true}}},
		{"none", "24 1 0:23 / / rw - ext4 /dev/root rw\n", "none", nil},
	}
	for _, test := range tests {
		got, err := parseMounts(strings.NewReader(test.text))
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, %v; want %+v", test.name, got, err, test.want)
		}
		if v := version(got); v != test.version {
			t.Errorf("%s: version %s, want %s", test.name, v, test.version)
		}
	}
	if _, err := parseMounts(strings.NewReader("nonsense\n")); err == nil {
		t.Error("nonsense was taken")
	}
}

func TestParseUnifiedPath(t *testing.T) {
	for text, want := range map[string]string{
		"0::/\n": "/",
		"9:name=systemd:/x\n0::/user.slice/a.scope\n": "/user.slice/a.scope",
	} {
		if got, err := parseUnifiedPath(strings.NewReader(text)); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "9:cpu:/\n", "0::/../x\n", "0::x\n", "0::/a/../b\n", "0::/..\n"} {
		if got, err := parseUnifiedPath(strings.NewReader(text)); !errors.Is(err, ErrNotDelegated) {
			t.Errorf("%q: %q, %v; want ErrNotDelegated", text, got, err)
		}
	}
}

func FuzzParseMounts(f *testing.F) {
	f.Add(hybridMounts)
	f.Add(unifiedMounts)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseMounts(strings.NewReader(text))
		if err != nil {
			return
		}
		version(all)
		for _, controller := range needed {
			if mount, ok := legacyMount(all, controller); ok && mount == "" {
				t.Fatalf("controller %s is mounted nowhere", controller)
			}
		}
	})
}
