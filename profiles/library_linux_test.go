package profiles

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOwners has every kind of owner and mode, for root and for a user, who
// ever runs the test.
func TestOwners(t *testing.T) {
	const me, other = 1000, 1001
	tests := []struct {
		name   string
		system bool
		self   uint32
		uid    uint32
		mode   uint32
		sticky bool
		want   string // "" is trusted
	}{
		{"user's own", false, me, me, 0o644, false, ""},
		{"user's own, private", false, me, me, 0o600, false, ""},
		{"root's for a user", false, me, 0, 0o644, false, ""},
		{"another's for a user", false, me, other, 0o644, false, "belongs to user 1001, must belong to root or to us, user 1000"},
		{"a user's for root", false, 0, me, 0o644, false, "belongs to user 1000, must belong to root or to us, user 0"},
		{"root's for root", false, 0, 0, 0o644, false, ""},
		{"system, root's, for a user", true, me, 0, 0o644, false, ""},
		{"system, root's, for root", true, 0, 0, 0o644, false, ""},
		{"system, the user's own", true, me, me, 0o644, false, "belongs to user 1000, must belong to root"},
		{"system, a user's, for root", true, 0, me, 0o644, false, "belongs to user 1000, must belong to root"},
		{"group may write", false, me, me, 0o664, false, "mode 0664 lets others write"},
		{"world may write", false, me, me, 0o646, false, "mode 0646 lets others write"},
		{"system, group may write", true, me, 0, 0o664, false, "mode 0664 lets others write"},
		{"folder like /tmp, in a library", false, me, 0, 0o1777, false, "mode 1777 lets others write"},
		{"folder like /tmp, by a path", false, me, 0, 0o1777, true, ""},
		{"folder of all, by a path", false, me, 0, 0o777, true, "mode 0777 lets others write"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := owners{system: test.system, self: test.self}
			for _, kind := range []uint32{unix.S_IFREG, unix.S_IFDIR} {
				err := o.check(&unix.Stat_t{Uid: test.uid, Mode: kind | test.mode}, kind, test.sticky)
				if test.want == "" && err != nil || test.want != "" && (!errors.Is(err, ErrUnsafe) || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("error %v, want %q", err, test.want)
				}
			}
		})
	}
	for _, kind := range []uint32{unix.S_IFDIR, unix.S_IFIFO, unix.S_IFSOCK, unix.S_IFCHR, unix.S_IFBLK, unix.S_IFLNK} {
		if err := (owners{}).check(&unix.Stat_t{Mode: kind | 0o644}, unix.S_IFREG, false); !errors.Is(err, ErrUnsafe) {
			t.Errorf("kind %#o was taken for a file: %v", kind, err)
		}
	}
}

// folders makes the two folders of a library. That of the system belongs to
// us: only root can have one that is trusted.
func folders(t *testing.T) (system, user string) {
	t.Helper()
	dir := t.TempDir()
	system, user = filepath.Join(dir, "system"), filepath.Join(dir, "user")
	for _, d := range []string{system, user} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
		// Mkdir's mode is what the umask leaves of it.
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return system, user
}

func put(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func extending(name, parent string) string {
	return fmt.Sprintf("name = %q\ndescription = \"for tests\"\nextends = %q\n", name, parent)
}

// loads fails unless the profile loads; an error must contain want.
func loads(t *testing.T, l *Library, name string) *Profile {
	t.Helper()
	p, err := l.Load(name)
	if err != nil {
		t.Fatalf("load %s: %v", name, err)
	}
	return p
}

func refuses(t *testing.T, l *Library, name string, kind error, want string) {
	t.Helper()
	p, err := l.Load(name)
	if err == nil {
		t.Fatalf("load %s: %+v, want an error with %q", name, p.Chain, want)
	}
	if kind != nil && !errors.Is(err, kind) {
		t.Errorf("load %s: %v is not %v", name, err, kind)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("load %s: error is\n%v\nwant\n%s", name, err, want)
	}
}

func TestLibrary(t *testing.T) {
	_, user := folders(t)
	l := NewLibrary("", user)
	file := put(t, user, "mine.toml", extending("mine", "strict"))
	p := loads(t, l, "mine")
	if p.Name != "mine" || len(p.Chain) != 2 || p.Chain[0].At != (Position{file, 1}) || p.Chain[1].At.File != "embedded:strict.toml" {
		t.Errorf("chain is %v", p.Chain)
	}
	if p.LimitsAt["memory"].File != "embedded:strict.toml" || p.Rules[0].At.File != "embedded:strict.toml" {
		t.Errorf("memory is from %v, the first rule from %v", p.LimitsAt["memory"], p.Rules[0].At)
	}
	loads(t, l, "strict")
	loads(t, NewLibrary(filepath.Join(user, "none"), filepath.Join(user, "none")), "strict")

	// By name, by path, and a path relative to the file that has it.
	put(t, user, "next.toml", extending("next", "mine"))
	if p := loads(t, l, "next"); len(p.Chain) != 3 {
		t.Errorf("chain is %v", p.Chain)
	}
	sub := filepath.Join(user, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	path := put(t, sub, "any-name.toml", extending("other", "../mine.toml"))
	if p := loads(t, l, path); len(p.Chain) != 3 || p.Chain[1].At.File != file {
		t.Errorf("chain is %v", p.Chain)
	}
	t.Chdir(sub)
	if p := loads(t, l, "./any-name.toml"); p.Name != "other" || p.Chain[1].At.File != filepath.Join("..", "mine.toml") {
		t.Errorf("chain is %v", p.Chain)
	}
	refuses(t, l, "any-name", ErrUnknown, `profile "any-name": unknown profile`)
	refuses(t, l, "./none.toml", os.ErrNotExist, "none.toml")
	refuses(t, l, "../", ErrUnsafe, "is no regular file")
	for _, name := range []string{"", "..", "Strict", "strict.toml", "groups", "a\x00b"} {
		refuses(t, l, name, ErrUnknown, "unknown profile")
	}

	put(t, user, "liar.toml", extending("mine", "strict"))
	refuses(t, l, "liar", ErrInvalid, `liar.toml:1: invalid profile: name "mine": the file's name says "liar"`)
	put(t, user, "orphan.toml", extending("orphan", "nobody"))
	refuses(t, l, "orphan", ErrUnknown, `orphan.toml:3: invalid profile: extends "nobody": profile "nobody": unknown profile`)
	put(t, user, "lost.toml", extending("lost", "./nobody.toml"))
	refuses(t, l, "lost", os.ErrNotExist, `lost.toml:3: invalid profile: extends "./nobody.toml": open `)
	put(t, user, "a.toml", extending("a", "b"))
	put(t, user, "b.toml", extending("b", "a"))
	refuses(t, l, "a", ErrInvalid, "b.toml:3: invalid profile: extends \"a\": profiles extend one another in a circle")
	put(t, user, "self.toml", extending("self", "./self.toml"))
	refuses(t, l, "self", ErrInvalid, "in a circle")
	put(t, user, "large.toml", extending("large", "strict")+"# "+strings.Repeat("x", maxSize))
	refuses(t, l, "large", ErrInvalid, "large.toml:1: invalid profile: more than 262144 bytes")
}

func TestLibraryHasANameOnce(t *testing.T) {
	_, user := folders(t)
	l := NewLibrary("", user)
	put(t, user, "mine.toml", extending("mine", "strict"))
	loads(t, l, "mine")
	shadow := put(t, user, "strict.toml", extending("strict", "threads"))
	want := `profile "strict": a profile's name exists twice: embedded:strict.toml and ` + shadow
	refuses(t, l, "strict", ErrTwice, want)
	refuses(t, l, "mine", ErrTwice, want) // its parent
	loads(t, l, "threads")                // embedded ones extend embedded ones
	if err := os.Remove(shadow); err != nil {
		t.Fatal(err)
	}
	loads(t, l, "mine")
}

// TestLibraryRefusesUnsafe spoils one thing at a time; what is not spoiled
// loads before and after.
func TestLibraryRefusesUnsafe(t *testing.T) {
	_, user := folders(t)
	l := NewLibrary("", user)
	file := put(t, user, "mine.toml", extending("mine", "strict"))
	next := put(t, user, "next.toml", extending("next", "mine"))
	chmod := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, mode := range []os.FileMode{0o620, 0o602, 0o666} {
		chmod(file, mode)
		want := fmt.Sprintf("%s:1: invalid profile: unsafe file: mode %04o lets others write; chmod go-w", file, mode)
		refuses(t, l, "mine", ErrUnsafe, want)
		refuses(t, l, file, ErrUnsafe, want)
		refuses(t, l, "next", ErrUnsafe, next+`:3: invalid profile: extends "mine": `+want)
		loads(t, l, "strict")
	}
	chmod(file, 0o644)
	loads(t, l, "next")

	chmod(user, 0o775)
	refuses(t, l, "mine", ErrUnsafe, "user profiles: folder "+user+": unsafe file: mode 0775 lets others write")
	refuses(t, l, "strict", ErrUnsafe, "folder "+user) // it may be there twice
	refuses(t, l, file, ErrUnsafe, "folder "+user)
	chmod(user, 0o777|os.ModeSticky)
	refuses(t, l, "mine", ErrUnsafe, "folder "+user)
	refuses(t, l, next, ErrUnsafe, "folder "+user) // it extends by name
	if _, err := NewLibrary("", "").Load(file); err != nil {
		t.Errorf("a path into a folder like /tmp: %v", err)
	}
	chmod(user, 0o755)
	loads(t, l, "mine")

	link := filepath.Join(user, "link.toml")
	if err := os.Symlink(put(t, t.TempDir(), "link.toml", extending("link", "strict")), link); err != nil {
		t.Fatal(err)
	}
	refuses(t, l, "link", ErrUnsafe, link+":1: invalid profile: unsafe file: is a symbolic link")
	refuses(t, l, link, ErrUnsafe, "is a symbolic link")
	linked := filepath.Join(t.TempDir(), "linked")
	if err := os.Symlink(user, linked); err != nil {
		t.Fatal(err)
	}
	refuses(t, NewLibrary("", linked), "mine", ErrUnsafe, linked+":1: invalid profile: unsafe file: is a symbolic link")

	if err := unix.Mkfifo(filepath.Join(user, "fifo.toml"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, l, "fifo", ErrUnsafe, "fifo.toml:1: invalid profile: unsafe file: is no regular file")
	if err := os.Mkdir(filepath.Join(user, "folder.toml"), 0o700); err != nil {
		t.Fatal(err)
	}
	refuses(t, l, "folder", ErrUnsafe, "folder.toml:1: invalid profile: unsafe file: is no regular file")
	notFolder := put(t, t.TempDir(), "file", "")
	refuses(t, NewLibrary("", notFolder), "strict", nil, "not a directory")

	if os.Geteuid() != 0 {
		missing(t, "root, to give files away")
	}
	if err := os.Chown(file, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	refuses(t, l, "mine", ErrUnsafe, file+":1: invalid profile: unsafe file: belongs to user 12345")
	refuses(t, l, file, ErrUnsafe, "belongs to user 12345")
	if err := os.Chown(file, 0, 0); err != nil {
		t.Fatal(err)
	}
	loads(t, l, "mine")
	if err := os.Chown(user, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	refuses(t, l, "mine", ErrUnsafe, "folder "+user+": unsafe file: belongs to user 12345")
}

// TestLibrarySystem: what everybody gets is root's, and depends on no user's.
func TestLibrarySystem(t *testing.T) {
	system, user := folders(t)
	l := NewLibrary(system, user)
	put(t, system, "house.toml", extending("house", "strict"))
	put(t, user, "mine.toml", extending("mine", "house"))
	if os.Geteuid() != 0 {
		refuses(t, l, "house", ErrUnsafe, "system profiles: folder "+system+": unsafe file: belongs to user")
		missing(t, "root, whose folder would be trusted")
	}
	loads(t, l, "house")
	if p := loads(t, l, "mine"); len(p.Chain) != 3 {
		t.Errorf("chain is %v", p.Chain)
	}
	put(t, system, "weak.toml", extending("weak", "mine"))
	refuses(t, l, "weak", ErrInvalid, "weak.toml:3: invalid profile: extends \"mine\": "+filepath.Join(user, "mine.toml")+" is a user's")
	both := put(t, user, "house.toml", extending("house", "threads"))
	refuses(t, l, "house", ErrTwice, filepath.Join(system, "house.toml")+" and "+both)
	refuses(t, l, "mine", ErrTwice, both)
	if err := os.Remove(both); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(user, "mine.toml")
	put(t, system, "path.toml", extending("path", "../user/mine.toml"))
	loads(t, l, "path")
	if err := os.Chown(mine, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	refuses(t, l, "path", ErrUnsafe, "belongs to user 12345, must belong to root; chown root")
}

// TestFolderIsTheOneChecked puts another folder in the place of one between
// the check and the read.
func TestFolderIsTheOneChecked(t *testing.T) {
	_, user := folders(t)
	put(t, user, "mine.toml", "the one")
	f, err := openFolder(user, trusting(FromUser), false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	if err := os.Rename(user, user+"-old"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(user, 0o777); err != nil {
		t.Fatal(err)
	}
	put(t, user, "mine.toml", "another")
	if data, err := f.read("mine.toml"); err != nil || string(data) != "the one" {
		t.Errorf("read %q, %v", data, err)
	}
}

func TestLibraryList(t *testing.T) {
	_, user := folders(t)
	l := NewLibrary("", user)
	put(t, user, "mine.toml", extending("mine", "strict"))
	put(t, user, "broken.toml", "name = 1")
	put(t, user, "Upper.toml", extending("Upper", "strict"))
	put(t, user, "mine.toml~", "a copy that an editor left")
	put(t, user, ".toml", "")
	put(t, user, "threads.toml", extending("threads", "strict"))
	all, err := l.List()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range all {
		text := ""
		if p.Err != nil {
			text = p.Err.Error()
		}
		got[string(p.Origin)+" "+p.Name+" "+strings.TrimPrefix(p.File, user)] = text
	}
	want := map[string]string{
		"user mine /mine.toml":       "",
		"user broken /broken.toml":   "broken.toml:1: invalid profile: ",
		"user Upper /Upper.toml":     `profile "Upper": unknown profile: a name is a lower-case word`,
		"user threads /threads.toml": `a profile's name exists twice: embedded:threads.toml and `,
	}
	for _, name := range Names() {
		want["embedded "+name+" embedded:"+name+".toml"] = ""
	}
	want["embedded threads embedded:threads.toml"] = want["user threads /threads.toml"]
	for key, text := range want {
		have, ok := got[key]
		if !ok || (text == "") != (have == "") || !strings.Contains(have, text) {
			t.Errorf("%s: %q, listed %v; want %q", key, have, ok, text)
		}
		delete(got, key)
	}
	if len(got) > 0 {
		t.Errorf("also listed: %q", got)
	}
	if err := os.Chmod(user, 0o777); err != nil {
		t.Fatal(err)
	}
	all, err = l.List()
	if !errors.Is(err, ErrUnsafe) || len(all) != len(Names()) {
		t.Errorf("with an unsafe folder: %d profiles, %v", len(all), err)
	}
}
