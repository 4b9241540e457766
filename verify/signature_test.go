package verify

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jedisct1/go-minisign"
)

func vector(t testing.TB, name string) []byte {
	return read(t, filepath.Join("testdata", "minisign", name))
}

// keysOf trusts one key, given as the text of its file.
func keysOf(t testing.TB, text []byte) Keys {
	t.Helper()
	key, err := parseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return Keys{byID: map[[8]byte]trusted{key.KeyId: {key: key, file: "test.pub"}}}
}

func TestSignatureVectors(t *testing.T) {
	keys := keysOf(t, vector(t, "key.pub"))
	id := keys.List()[0].ID
	if !strings.Contains(string(vector(t, "key.pub")), id) {
		t.Errorf("key ID %s is not the one minisign printed", id)
	}
	for _, c := range []struct {
		file, comment, form string
		err                 error
	}{
		{"prehashed.minisig", "arp 1.0.0", FormPrehashed, nil},
		{"legacy.minisig", "arp 1.0.0, old form", FormLegacy, nil},
		{"other.minisig", "", "", ErrUntrusted},
	} {
		t.Run(c.file, func(t *testing.T) {
			s, err := checkSignature(vector(t, "message"), vector(t, c.file), keys)
			if !errors.Is(err, c.err) {
				t.Fatalf("got %v, want %v", err, c.err)
			}
			if err != nil {
				if !errors.Is(err, ErrRefused) {
					t.Errorf("%v is not ErrRefused", err)
				}
				return
			}
			want := Signature{Signed: true, KeyID: id, KeyFile: "test.pub", TrustedComment: c.comment, Form: c.form}
			if s != want {
				t.Errorf("got %+v, want %+v", s, want)
			}
		})
	}
}

// flips calls f with every copy of data that has one byte changed, for several
// changes: a low and a high bit, the bit that separates capitals, all bits.
func flips(data []byte, f func(at int, changed []byte)) {
	changed := bytes.Clone(data)
	for at := range data {
		for _, mask := range []byte{0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff} {
			changed[at] ^= mask
			f(at, changed)
			changed[at] = data[at]
		}
	}
}

// free says whether byte at of a key or signature file is in the words of its
// untrusted comment, which nothing covers.
func free(text []byte, at int) bool {
	return at >= len(untrustedPrefix) && at < bytes.IndexByte(text, '\n')
}

func TestOneWrongByte(t *testing.T) {
	key, message := vector(t, "key.pub"), vector(t, "message")
	keys := keysOf(t, key)
	for _, form := range []string{"prehashed.minisig", "legacy.minisig"} {
		text := vector(t, form)
		t.Run(form, func(t *testing.T) {
			flips(message, func(at int, changed []byte) {
				if _, err := checkSignature(changed, text, keys); !errors.Is(err, ErrBadSignature) {
					t.Errorf("byte %d of the file: got %v", at, err)
				}
			})
			flips(text, func(at int, changed []byte) {
				_, err := checkSignature(message, changed, keys)
				if !errors.Is(err, ErrRefused) && !(err == nil && free(text, at)) {
					t.Errorf("byte %d of the signature, now %q: got %v", at, changed[at], err)
				}
			})
			flips(key, func(at int, changed []byte) {
				k, err := parseKey(changed)
				if err != nil {
					return
				}
				_, err = checkSignature(message, text, Keys{byID: map[[8]byte]trusted{k.KeyId: {key: k}}})
				if !errors.Is(err, ErrRefused) && !(err == nil && free(key, at)) {
					t.Errorf("byte %d of the key, now %q: got %v", at, changed[at], err)
				}
			})
			// One byte less or more, anywhere.
			_, covered, _ := strings.Cut(string(text), "\n")
			resized := func(changed []byte) {
				_, rest, _ := strings.Cut(string(changed), "\n")
				if _, err := checkSignature(message, changed, keys); err == nil && rest != covered {
					t.Errorf("accepted: %q", changed)
				}
			}
			for at := range text {
				resized(append(bytes.Clone(text[:at]), text[at+1:]...))
				for _, b := range []byte("\n\r\x00 A=") {
					resized(append(append(bytes.Clone(text[:at]), b), text[at:]...))
				}
			}
		})
	}
}

// loose is base64 that means the same bytes but is not how minisign spells it.
func loose(t *testing.T, line string) string {
	t.Helper()
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	body := strings.TrimRight(line, "=")
	last := strings.IndexByte(digits, body[len(body)-1])
	other := body[:len(body)-1] + string(digits[last^1]) + line[len(body):]
	a, _ := base64.StdEncoding.DecodeString(line)
	b, err := base64.StdEncoding.DecodeString(other)
	if err != nil || !bytes.Equal(a, b) || line == other {
		t.Fatalf("%q is no second spelling of %q", other, line)
	}
	return other
}

func TestSignatureTextRefused(t *testing.T) {
	message, good := vector(t, "message"), string(vector(t, "prehashed.minisig"))
	keys := keysOf(t, vector(t, "key.pub"))
	line := strings.Split(good, "\n")
	with := func(i int, s string) string {
		l := append([]string(nil), line...)
		l[i] = s
		return strings.Join(l, "\n")
	}
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "last line"},
		{"one line more", good + "x\n", "5 lines"},
		{"empty line more", good + "\n", "5 lines"},
		{"no end", strings.TrimSuffix(good, "\n"), "last line has no end"},
		{"carriage returns", strings.ReplaceAll(good, "\n", "\r\n"), "control character"},
		{"second spelling of the signature", with(1, loose(t, line[1])), "canonical"},
		{"second spelling of the global signature", with(3, loose(t, line[3])), "canonical"},
		{"short signature", with(1, base64.StdEncoding.EncodeToString(make([]byte, 73))), "73 bytes, not 74"},
		{"short global signature", with(3, base64.StdEncoding.EncodeToString(make([]byte, 63))), "63 bytes, not 64"},
		{"no trusted comment", with(2, "comment: x"), `no "trusted comment"`},
		{"no untrusted comment", with(0, "x"), `no "untrusted comment"`},
		{"escape in the trusted comment", with(2, line[2]+"\x1b[2J"), "control character"},
		{"two signatures", good + good, "8 lines"},
		{"too large", with(0, line[0]+strings.Repeat("x", 16<<10)), "larger than 16384"},
		{"algorithm", with(1, "UlQ"+line[1][3:]), "algorithm"},
		{"trusted comment of another", with(2, "trusted comment: arp 2.0.0"), "does not match"},
		{"global signature of another", with(3, strings.Split(string(vector(t, "legacy.minisig")), "\n")[3]), "does not match"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := checkSignature(message, []byte(c.text), keys)
			if !errors.Is(err, ErrBadSignature) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant ErrBadSignature with %s", err, c.want)
			}
		})
	}
}

// The guards in text.go exist because the library alone is more liberal. If
// this test fails, the library has become strict.
func TestGuardsAreNeeded(t *testing.T) {
	key, err := minisign.NewPublicKey(strings.Split(string(vector(t, "key.pub")), "\n")[1])
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Split(string(vector(t, "prehashed.minisig")), "\n")
	for name, text := range map[string]string{
		"second spelling":   strings.Join([]string{line[0], loose(t, line[1]), line[2], line[3]}, "\n"),
		"carriage return":   strings.Join([]string{line[0], line[1], line[2] + "\r", line[3]}, "\n"),
		"any first line":    strings.Join([]string{"", line[1], line[2], line[3]}, "\n"),
		"empty lines after": strings.Join(line, "\n") + "\n\n\n",
	} {
		sig, err := minisign.DecodeSignature(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if ok, err := key.Verify(vector(t, "message"), sig); !ok {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := checkSignature(vector(t, "message"), []byte(text), keysOf(t, vector(t, "key.pub"))); err == nil {
			t.Errorf("%s: accepted by us", name)
		}
	}
}

func TestGenerateAndSign(t *testing.T) {
	pub, sec, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, filepath.Join(t.TempDir(), "plugin.so"), []byte("some bytes"))
	s, err := SignFile(file, sec, "arp 1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	keys := keysOf(t, pub)
	want := Signature{Signed: true, KeyID: keys.List()[0].ID, TrustedComment: "arp 1.2.3", Form: FormPrehashed}
	if s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	if _, err := checkSignature(read(t, file), read(t, file+".minisig"), keys); err != nil {
		t.Error(err)
	}
	// Signing again replaces; another comment without a line of its own.
	if _, err := SignFile(file, sec, ""); err != nil {
		t.Error(err)
	}
	if !strings.Contains(string(read(t, file+".minisig")), "trusted comment: timestamp:") {
		t.Error("no time in the default comment")
	}
	for _, comment := range []string{"two\nlines", "\x1b[2J", strings.Repeat("x", 9000)} {
		if _, err := SignFile(file, sec, comment); err == nil {
			t.Errorf("comment %.10q was accepted", comment)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".minisig-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestSecretKeyRefused(t *testing.T) {
	_, sec, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	head, line, _ := strings.Cut(strings.TrimSuffix(string(sec), "\n"), "\n")
	raw, err := base64.StdEncoding.DecodeString(line)
	if err != nil {
		t.Fatal(err)
	}
	change := func(at int, b byte) string {
		r := bytes.Clone(raw)
		r[at] ^= b
		return head + "\n" + base64.StdEncoding.EncodeToString(r) + "\n"
	}
	pub, _, _ := GenerateKey()
	for _, c := range []struct{ name, text, want string }{
		{"with a password", change(2, 'S'), "has a password"},
		{"other algorithm", change(0, 1), "algorithm"},
		{"halves of two keys", change(100, 1), "do not belong together"},
		{"public key", string(pub), "42 bytes"},
		{"one line more", string(sec) + "\n", "3 lines"},
		{"empty", "", "last line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parseSecret([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := parseSecret(sec); err != nil {
		t.Error(err)
	}
}

// The real minisign reads our keys and signatures, and we read its.
func TestMinisignAgrees(t *testing.T) {
	tool := requireProgram(t, "minisign")
	dir := t.TempDir()
	pub, sec, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	pubFile := write(t, filepath.Join(dir, "our.pub"), pub)
	secFile := write(t, filepath.Join(dir, "our.key"), sec)
	file := write(t, filepath.Join(dir, "plugin.so"), bytes.Repeat([]byte("bytes "), 1000))

	if _, err := SignFile(file, sec, "from us"); err != nil {
		t.Fatal(err)
	}
	run(t, tool, "-V", "-p", pubFile, "-m", file)
	write(t, file, []byte("changed"))
	if exec.Command(tool, "-V", "-p", pubFile, "-m", file).Run() == nil {
		t.Error("minisign accepts a changed file: the check above proves nothing")
	}
	for form, arg := range map[string]string{FormPrehashed: "-S", FormLegacy: "-Sl"} {
		run(t, tool, arg, "-s", secFile, "-m", file, "-t", "from minisign")
		s, err := checkSignature(read(t, file), read(t, file+".minisig"), keysOf(t, pub))
		if err != nil || s.Form != form || s.TrustedComment != "from minisign" {
			t.Errorf("%s: %+v, %v", form, s, err)
		}
	}
}

func FuzzSignature(f *testing.F) {
	message := vector(f, "message")
	keys := keysOf(f, vector(f, "key.pub"))
	good := map[string]bool{}
	for _, name := range []string{"prehashed.minisig", "legacy.minisig", "other.minisig"} {
		text := vector(f, name)
		f.Add(text)
		_, rest, _ := bytes.Cut(text, []byte("\n"))
		good[string(rest)] = name != "other.minisig"
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := checkSignature(message, text, keys)
		_, rest, _ := bytes.Cut(text, []byte("\n"))
		if err == nil && !good[string(rest)] {
			t.Errorf("forged: %q", text)
		}
		if err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("error of another kind: %v", err)
		}
	})
}

func FuzzPublicKey(f *testing.F) {
	f.Add(vector(f, "key.pub"))
	f.Add(vector(f, "other.pub"))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := parseKey(text)
		if err != nil {
			return
		}
		raw := append([]byte("Ed"), key.KeyId[:]...)
		raw = append(raw, key.PublicKey[:]...)
		_, rest, _ := strings.Cut(string(text), "\n")
		if rest != base64.StdEncoding.EncodeToString(raw)+"\n" {
			t.Errorf("two spellings of one key: %q", text)
		}
	})
}
