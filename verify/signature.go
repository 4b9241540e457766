package verify

import (
	"fmt"
	"strings"

	"github.com/jedisct1/go-minisign"
)

// Forms of a minisign signature.
const (
	FormLegacy    = "legacy"    // over the bytes, algorithm "Ed"
	FormPrehashed = "prehashed" // over their BLAKE2b-512, algorithm "ED"
)

// Signature says who vouches for a file. Without Signed all else is empty.
type Signature struct {
	Signed         bool   `json:"signed"`
	KeyID          string `json:"key_id,omitempty"`   // 16 capital hex digits
	KeyFile        string `json:"key_file,omitempty"` // where the key is trusted
	TrustedComment string `json:"trusted_comment,omitempty"`
	Form           string `json:"form,omitempty"`
}

const (
	trustedPrefix   = "trusted comment: "
	untrustedPrefix = "untrusted comment: "
)

// checkSignature verifies text, the content of a .minisig file, over data and
// over its own trusted comment. Errors are ErrBadSignature or ErrUntrusted.
func checkSignature(data, text []byte, keys Keys) (Signature, error) {
	sig, err := parseSignature(text)
	if err != nil {
		return Signature{}, fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	id := keyID(sig.KeyId)
	t, ok := keys.byID[sig.KeyId]
	if !ok {
		return Signature{}, fmt.Errorf("%w: key ID %s", ErrUntrusted, id)
	}
	// Verify checks algorithm, key ID, signature and the global signature
	// that covers the trusted comment.
	if ok, err := t.key.Verify(data, sig); err != nil || !ok {
		return Signature{}, fmt.Errorf("%w: does not match, key ID %s: %v", ErrBadSignature, id, err)
	}
	s := Signature{
		Signed:         true,
		KeyID:          id,
		KeyFile:        t.file,
		TrustedComment: strings.TrimPrefix(sig.TrustedComment, trustedPrefix),
		Form:           FormLegacy,
	}
	if sig.SignatureAlgorithm == [2]byte{'E', 'D'} {
		s.Form = FormPrehashed
	}
	return s, nil
}

// parseSignature reads the four lines of a .minisig file. Nothing is verified.
func parseSignature(text []byte) (minisign.Signature, error) {
	lines, err := splitText(text, 4)
	if err != nil {
		return minisign.Signature{}, err
	}
	if _, err := comment(lines[0], untrustedPrefix); err != nil {
		return minisign.Signature{}, err
	}
	if _, err := payload(lines[1], 74); err != nil {
		return minisign.Signature{}, fmt.Errorf("signature: %w", err)
	}
	if _, err := comment(lines[2], trustedPrefix); err != nil {
		return minisign.Signature{}, err
	}
	if _, err := payload(lines[3], 64); err != nil {
		return minisign.Signature{}, fmt.Errorf("global signature: %w", err)
	}
	sig, err := minisign.DecodeSignature(strings.Join(lines, "\n"))
	if err != nil {
		return minisign.Signature{}, err
	}
	if a := sig.SignatureAlgorithm; a != [2]byte{'E', 'd'} && a != [2]byte{'E', 'D'} {
		return minisign.Signature{}, fmt.Errorf("unknown algorithm %q", a[:])
	}
	return sig, nil
}
