package profiles

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParseDestination(t *testing.T) {
	for text, want := range map[string]Destination{
		"tcp://127.0.0.1:4455":     {TCP, "127.0.0.1", 4455},
		"udp://obs.lan:9000":       {UDP, "obs.lan", 9000},
		"tcp://localhost:1":        {TCP, "localhost", 1},
		"tcp://[::1]:80":           {TCP, "::1", 80},
		"tcp://[fd00::/8]:65535":   {TCP, "fd00::/8", 65535},
		"tcp://192.168.0.0/16:80":  {TCP, "192.168.0.0/16", 80},
		"udp://a-1.b2:53":          {UDP, "a-1.b2", 53},
		"tcp://xn--bcher-kva.ch:1": {TCP, "xn--bcher-kva.ch", 1},
	} {
		got, err := ParseDestination(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: %+v %q, %v; want %+v", text, got, got, err, want)
		}
	}
	for _, text := range []string{
		"", "127.0.0.1:80", "http://a:80", "TCP://a:80", "tcp:a:80", "tcp://", "tcp://:80", "tcp://a", "tcp://a:", "tcp://a:0", "tcp://a:00080",
		"tcp://a:+80", "tcp://a:65536", "tcp://a:http", "tcp://a:80/x", "tcp://a:80 ", "tcp://a b:80", "tcp://A:80", "tcp://a.:80", "tcp://.a:80", "tcp://a..b:80",
		"tcp://-a:80", "tcp://a-:80", "tcp://a_b:80", "tcp://bücher.ch:80", "tcp://a\x00b:80", "tcp://" + strings.Repeat("a", 64) + ":80",
		"tcp://" + strings.Repeat("a.", 127) + "aa:80", "tcp://user@a:80", "tcp://*.lan:80",
		// inet_aton(3) takes these for addresses.
		"tcp://127.1:80", "tcp://0x7f.1:80", "tcp://2130706433:80", "tcp://127.0.0.0x1:80", "tcp://1.2.3.4.5:80", "tcp://256.1.1.1:80", "tcp://127.0.0.01:80",
		"tcp://::1:80", "tcp://[::1]", "tcp://[127.0.0.1]:80", "tcp://[a]:80", "tcp://[::1:80", "tcp://::1]:80", "tcp://[fe80::1%eth0]:80", "tcp://[::ffff:127.0.0.1]:80",
		"tcp://[::ffff:127.0.0.0/104]:80", "tcp://0.0.0.0:80", "tcp://[::]:80", "tcp://10.0.0.1/8:80", "tcp://10.0.0.0/33:80", "tcp://10.0.0.0/:80", "tcp://10.0.0.0/08:80", "tcp://lan/8:80",
	} {
		if d, err := ParseDestination(text); err == nil {
			t.Errorf("%q: %+v, want an error", text, d)
		}
	}
}

func TestGrants(t *testing.T) {
	file := func(path, inside, access string) string {
		return fmt.Sprintf("[[files]]\npath = %q\ninside = %q\naccess = %q\nwhy = \"x\"\n", path, inside, access)
	}
	device := func(path, access string) string {
		return fmt.Sprintf("[[devices]]\npath = %q\naccess = %q\nwhy = \"x\"\n", path, access)
	}
	variable := func(name string) string { return fmt.Sprintf("[[environment]]\nnames = [%q]\nwhy = \"x\"\n", name) }
	host := func(to string) string { return fmt.Sprintf("[[network]]\nto = [%s]\nwhy = \"x\"\n", to) }
	const tooMany = "x: more than 64 "
	tests := []struct {
		name, text string
		want       string // after the place; "" is none
	}{
		{"folder", file("/srv/clips", "/clips", "read"), ""},
		{"folder of the user", file("~/clips", "/clips", "read"), ""},
		{"folder of the plugin", file("{work}", "/notes", "write"), ""},
		{"under its own name", file("/srv/clips", "", "read"), ""},
		{"beside the library folders", file("/usr/share/sounds", "", "read"), ""},
		{"beside another", file("/srv/a", "/work2", "read"), ""},
		{"relative", file("clips", "/clips", "read"), `files: path "clips": want an absolute path`},
		{"not clean", file("/srv/../etc", "/clips", "read"), `files: path "/srv/../etc": want an absolute path`},
		{"final slash", file("/srv/", "/clips", "read"), `files: path "/srv/": want an absolute path`},
		{"everything", file("/", "/clips", "read"), `files: path "/": want an absolute path`},
		{"no path", file("", "/clips", "read"), `files: path is missing`},
		{"other user", file("~root/clips", "/clips", "read"), `files: path "~root/clips": want`},
		{"whole home", file("~/", "/clips", "read"), `files: path "~/": want a clean path below`},
		{"out of the home", file("~/../root", "/clips", "read"), `files: path "~/../root": want a clean path below`},
		{"other folder in braces", file("{home}", "/clips", "read"), `files: path "{home}": want`},
		{"control character", file("/srv/a\nb", "/clips", "read"), `files: path "/srv/a\nb": holds a control character`},
		{"long", file("/"+strings.Repeat("a", 512), "/clips", "read"), `files: path is longer than 512 bytes`},
		{"nowhere", file("~/clips", "", "read"), `files: path "~/clips": inside is missing`},
		{"inside relative", file("/srv", "clips", "read"), `files: inside "clips": want an absolute path`},
		{"inside everything", file("/srv", "/", "read"), `files: inside "/": want an absolute path`},
		{"inside proc", file("/srv", "/proc", "read"), `files: inside "/proc": /proc belongs to the booth itself`},
		{"inside dev", file("/srv", "/dev/shm", "read"), `files: inside "/dev/shm": /dev belongs`},
		{"inside a library folder", file("/srv", "/usr/lib/x86_64-linux-gnu", "read"), `files: inside "/usr/lib/x86_64-linux-gnu": /usr/lib belongs`},
		{"around the library folders", file("/usr", "", "read"), `files: inside "/usr": /usr/lib belongs`},
		{"around what the loader reads", file("/etc", "", "read"), `files: inside "/etc": /etc/ld.so.cache belongs`},
		{"what the loader reads", file("/srv/x", "/etc/ld.so.preload", "read"), `files: inside "/etc/ld.so.preload": /etc/ld.so.preload belongs`},
		{"the worker", file("/srv/x", "/isobooth-worker", "read"), `files: inside "/isobooth-worker": /isobooth-worker belongs`},
		{"inside twice", file("/srv", "/work", "read"), `files: inside "/work": base.toml:67 puts "/work" there`},
		{"inside another", file("/srv", "/work/a", "read"), `files: inside "/work/a": base.toml:67 puts "/work" there`},
		{"in a tmp that is in memory", file("/srv", "/tmp/a", "read"), `files: inside "/tmp/a": /tmp is in memory, by tmp_size (base.toml:12)`},
		{"no access", file("/srv", "/a", ""), `files: access "": want read or write`},
		{"execute", file("/srv", "/a", "execute"), `files: access "execute": want read or write`},
		{"none", file("/srv", "/a", "none"), `files: access "none": want read or write`},
		{"no why", "[[files]]\npath = \"/srv\"\naccess = \"read\"\n", `files: why is missing`},

		{"device", device("/dev/snd/control?", "read"), ""},
		{"device that is no device", device("/srv/dev", "read"), `devices: path "/srv/dev": want a device below /dev`},
		{"the folder of devices", device("/dev", "read"), `devices: path "/dev": want a device below /dev`},
		{"out of the folder", device("/dev/../etc/shadow", "read"), `devices: path "/dev/../etc/shadow": want an absolute path`},
		{"every device", device("/dev/*", "read"), `devices: path "/dev/*": would match devices of all kinds`},
		{"every device, otherwise", device("/dev/[a-z]*", "read"), `devices: path "/dev/[a-z]*": would match`},
		{"broken pattern", device("/dev/snd/[", "read"), `devices: path "/dev/snd/[": syntax error in pattern`},
		{"device that is there", device("/dev/null", "read"), `devices: path "/dev/null": every booth has it`},
		{"device twice", device("/dev/snd/pcm*", "read"), `devices: path "/dev/snd/pcm*": base.toml:73 grants it`},
		{"device for what", device("/dev/snd/seq", ""), `devices: access "": want read or write`},

		{"host", host(`"tcp://10.0.0.1:80"`), ""},
		{"no host", host(``), `network: to is missing`},
		{"not a destination", host(`"10.0.0.1"`), `network: destination "10.0.0.1": want tcp://HOST:PORT`},
		{"host twice", host(`"tcp://10.0.0.1:80", "tcp://10.0.0.1:80"`), `network: destination "tcp://10.0.0.1:80" twice`},
		{"host of the parent", host(`"tcp://127.0.0.1:4455"`), `network: destination "tcp://127.0.0.1:4455": base.toml:78 grants it`},

		{"variable", variable("LC_ALL"), ""},
		{"variable of the parent", variable("TZ"), `environment "TZ": base.toml:82 grants it`},
		{"variable with a value", variable("A=B"), `environment "A=B": want letters, digits and _`},
		{"empty variable", variable(""), `environment "": want letters`},
		{"variable of the loader", variable("LD_PRELOAD"), `environment "LD_PRELOAD": LD_* steers the worker itself`},
		{"variable of libc", variable("GLIBC_TUNABLES"), `environment "GLIBC_TUNABLES" steers the worker itself`},
		{"variable of malloc", variable("MALLOC_CHECK_"), `environment "MALLOC_CHECK_": MALLOC_* steers`},
		{"no variable", "[[environment]]\nwhy = \"x\"\n", `environment: names is missing`},

		{"unknown key", "[[files]]\npath = \"/srv\"\nmode = \"r\"\n", `unknown key "files.mode"`},
	}
	for kind, one := range map[string]func(i int) string{
		"files":     func(i int) string { return file("/srv", fmt.Sprintf("/a%d", i), "read") },
		"devices":   func(i int) string { return device(fmt.Sprintf("/dev/a%d", i), "read") },
		"variables": func(i int) string { return variable(fmt.Sprintf("A%d", i)) },
		"destinations": func(i int) string {
			return host(fmt.Sprintf(`"tcp://10.0.0.%d:1"`, i+1))
		},
	} {
		text := ""
		for i := range maxGrants {
			text += one(i)
		}
		tests = append(tests, struct{ name, text, want string }{"too many " + kind, text, tooMany + kind})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := base().parse(head + test.text)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("error %v, want ErrInvalid", err)
			}
			at, text, _ := strings.Cut(err.Error(), ": invalid profile: ")
			if want, ok := strings.CutPrefix(test.want, "x: "); ok && !strings.HasSuffix(text, want) || !ok && !strings.HasPrefix(text, test.want) {
				t.Errorf("error is\n%v\nwant\n%s", err, test.want)
			}
			if !strings.HasPrefix(at, "child.toml:") || !strings.HasPrefix(test.want, "x: ") && !strings.Contains("456", at[len("child.toml:"):]) {
				t.Errorf("error is at %s", at)
			}
		})
	}
}

// TestTmpLater makes sure that what changes under a grant is checked again.
func TestTmpLater(t *testing.T) {
	on := base()
	on["base"] = strings.Replace(on["base"], `"64KiB"`, `"0B"`, 1)
	on["tmp"] = strings.Replace(head, `"child"`, `"tmp"`, 1) + "[[files]]\npath = \"/srv\"\ninside = \"/tmp\"\naccess = \"read\"\nwhy = \"x\"\n"
	text := strings.Replace(head, `"base"`, `"tmp"`, 1)
	if _, err := on.parse(text); err != nil {
		t.Fatal(err)
	}
	_, err := on.parse(text + "[limits]\ntmp_size = \"4KiB\"\n")
	if want := `child.toml:3: invalid profile: tmp.toml:5: files: inside "/tmp": /tmp is in memory, by tmp_size (child.toml:5)`; err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
}

func TestOverlay(t *testing.T) {
	on := base()
	parse := func(name string) *Profile {
		t.Helper()
		p, err := on.parse(strings.Replace(head, `"base"`, name, 1))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	at := Position{"isobooth.toml", 12}
	p := parse(`"bound"`)
	before := fmt.Sprintf("%+v", p)
	q, err := p.Overlay(Overlay{
		Source:      at,
		Limits:      map[string]string{"memory": "2MiB", "pids": "1", "cpus": "2"},
		Files:       []FileGrant{{Path: "~/clips", Inside: "/clips", Access: AccessRead, At: Position{"isobooth.toml", 14}}},
		Devices:     []DeviceGrant{{Path: "/dev/snd/controlC0", Access: AccessRead}},
		Network:     []NetworkGrant{{To: []Destination{{TCP, "127.0.0.2", 80}}, Why: "mine"}},
		Environment: []EnvironmentGrant{{Name: "LC_ALL"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if after := fmt.Sprintf("%+v", p); after != before {
		t.Errorf("the profile below changed from\n%s\nto\n%s", before, after)
	}
	if q.Limits.Memory != 2<<20 || q.LimitsAt["memory"] != at || q.Limits.Pids != 1 || q.Limits.Text("cpus") != "2" || q.LimitsAt["cpu"].File != "base.toml" {
		t.Errorf("limits are %+v at %v", q.Limits, q.LimitsAt)
	}
	if len(q.Files) != 2 || q.Files[1].At.Line != 14 || q.Files[1].Why == "" || len(q.Devices) != 2 || q.Devices[1].At != at ||
		len(q.Network) != 2 || q.Network[1].Why != "mine" || len(q.Environment) != 3 {
		t.Errorf("grants are %+v %+v %+v %+v", q.Files, q.Devices, q.Network, q.Environment)
	}
	if q, err := p.Overlay(Overlay{}); err != nil || fmt.Sprintf("%+v", q) != before {
		t.Errorf("an empty overlay made\n%+v, %v\nof\n%s", q, err, before)
	}
	tests := []struct {
		name string
		on   *Profile
		o    Overlay
		want string
	}{
		{"unknown limit", p, Overlay{Limits: map[string]string{"nice": "1"}}, `unknown limit "nice"`},
		{"bad limit", p, Overlay{Limits: map[string]string{"pids": "many"}}, `pids: want a whole number, have "many"`},
		{"empty limit", p, Overlay{Limits: map[string]string{"memory": ""}}, `memory: is empty`},
		{"limits that do not fit", p, Overlay{Limits: map[string]string{"threads": "3"}}, `threads: 3 is more than pids, 2`},
		{"limit beyond a ceiling", p, Overlay{Limits: map[string]string{"memory": "3MiB"}}, `memory: 3MiB is looser than 2MiB: beyond the ceiling at bound.toml:6`},
		{"file that is there", p, Overlay{Files: []FileGrant{{Path: "/srv", Inside: "/work", Access: AccessRead}}}, `files: inside "/work": base.toml:67 puts "/work" there`},
		{"bad device", p, Overlay{Devices: []DeviceGrant{{Path: "/dev/*", Access: AccessRead}}}, `devices: path "/dev/*": would match`},
		{"bad variable", p, Overlay{Environment: []EnvironmentGrant{{Name: "LD_AUDIT"}}}, `environment "LD_AUDIT": LD_* steers`},
		{"destination beyond a ceiling", p, Overlay{Network: []NetworkGrant{{To: []Destination{{TCP, "10.0.0.1", 80}}}}}, `network: "tcp://10.0.0.1:80" is granted: beyond the ceiling at bound.toml:10`},
		{"destination nobody could parse", p, Overlay{Network: []NetworkGrant{{To: []Destination{{TCP, "127.1", 80}}}}}, `network: destination "tcp://127.1:80": host name`},
		{"destination in another spelling", p, Overlay{Network: []NetworkGrant{{To: []Destination{{TCP, "0:0::1", 80}}}}}, `network: destination "tcp://[0:0::1]:80": want "tcp://[::1]:80"`},
		{"destination without a port", p, Overlay{Network: []NetworkGrant{{To: []Destination{{TCP, "127.0.0.1", 0}}}}}, `network: destination "tcp://127.0.0.1:0": port "0"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.o.Source = at
			q, err := test.on.Overlay(test.o)
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("got %+v, error %v; want ErrInvalid", q, err)
			}
			if want := "isobooth.toml:12: invalid profile: " + test.want; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error is\n%v\nwant\n%s", err, want)
			}
		})
	}
}

// TestEveryProfileTakesDestinations: no embedded profile lets a call pass that
// would lead a connection of the host elsewhere.
func TestEveryProfileTakesDestinations(t *testing.T) {
	for _, name := range Names() {
		p, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Overlay(Overlay{Network: []NetworkGrant{{To: []Destination{{TCP, "127.0.0.1", 80}}}}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		p.Rules = append(p.Rules, Rule{Calls: []string{"sendmsg"}, Phase: PhaseRun, Action: Allow, Why: "x"})
		if _, err := p.Overlay(Overlay{Network: []NetworkGrant{{To: []Destination{{TCP, "127.0.0.1", 80}}}}}); err == nil {
			t.Errorf("%s: taken with sendmsg", name)
		}
	}
}
