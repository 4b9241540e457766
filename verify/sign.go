package verify

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jedisct1/go-minisign"
)

// GenerateKey makes a key pair and returns the text of the two files, which
// minisign reads too. The secret key is not encrypted: whoever can read it can
// sign, so it must be stored with mode 0600. The caller should clear sec after
// use.
func GenerateKey() (pub, sec []byte, err error) {
	public, secret, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, nil, fmt.Errorf("generate key: %w", err)
	}
	var id [8]byte
	rand.Read(id[:]) // never fails, see its documentation

	encode := base64.StdEncoding.EncodeToString
	p := append([]byte("Ed"), id[:]...)
	p = append(p, public...)
	pub = fmt.Appendf(nil, "%sminisign public key %s\n%s\n", untrustedPrefix, keyID(id), encode(p))

	// minisign's layout: algorithm, key derivation (none), checksum kind,
	// salt and two limits that serve the derivation, key ID, key, and the
	// checksum, which minisign leaves zero in a key without a password.
	s := append([]byte("Ed\x00\x00B2"), make([]byte, 32+8+8)...)
	s = append(s, id[:]...)
	s = append(s, secret...)
	s = append(s, make([]byte, 32)...)
	sec = fmt.Appendf(nil, "%sminisign secret key %s, not encrypted\n%s\n", untrustedPrefix, keyID(id), encode(s))
	return pub, sec, nil
}

// SignFile signs the file at path with the secret key file text sec and writes
// path + ".minisig", pre-hashed, replacing an older one in one step. comment
// becomes the trusted comment: one line of printable ASCII; empty means the
// time, as minisign writes it. It returns what was signed, without a
// KeyFile.
func SignFile(path string, sec []byte, comment string) (Signature, error) {
	fail := func(err error) (Signature, error) {
		return Signature{}, fmt.Errorf("sign %q: %w", path, err)
	}
	key, err := parseSecret(sec)
	if err != nil {
		return fail(err)
	}
	defer key.Wipe()
	f, err := os.Open(path)
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	data, err := readPlain(f, maxImage)
	if err != nil {
		return fail(err)
	}
	sig, err := key.Sign(data, minisign.SignOptions{TrustedComment: comment, Hashed: true})
	if err != nil {
		return fail(err)
	}
	text := sig.Encode()
	// Read back as the verifier will, before anyone relies on it.
	public := key.PublicKey()
	s, err := checkSignature(data, text, Keys{byID: map[[8]byte]trusted{public.KeyId: {key: public}}})
	if err != nil {
		return fail(err)
	}
	if err := replaceFile(path+signatureSuffix, text); err != nil {
		return fail(err)
	}
	return s, nil
}

// parseSecret reads the text of an unencrypted secret key file.
func parseSecret(text []byte) (minisign.PrivateKey, error) {
	fail := func(format string, a ...any) (minisign.PrivateKey, error) {
		return minisign.PrivateKey{}, fmt.Errorf("secret key: "+format, a...)
	}
	lines, err := splitText(text, 2)
	if err != nil {
		return fail("%w", err)
	}
	if !strings.HasPrefix(lines[0], untrustedPrefix) {
		return fail("is no minisign secret key file")
	}
	if _, err := payload(lines[1], 158); err != nil {
		return fail("%w", err)
	}
	key, err := minisign.NewPrivateKey(lines[1])
	if err != nil {
		return fail("%w", err)
	}
	if key.IsEncrypted() {
		return fail("has a password: sign with minisign itself")
	}
	// Ed25519 signing with a public half that is not the secret half's
	// gives the secret away.
	if !ed25519.NewKeyFromSeed(key.SecretKey[:32]).Equal(ed25519.PrivateKey(key.SecretKey[:])) {
		return fail("its halves do not belong together")
	}
	return key, nil
}

// replaceFile writes a file that is either the old one or all of the new one.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".minisig-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
