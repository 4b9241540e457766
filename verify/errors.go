package verify

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// ErrRefused is the common parent of ErrUnsigned, ErrUntrusted and
// ErrBadSignature: the bytes may be fine, but nobody the user trusts says so.
var ErrRefused = errors.New("signature refused")

var (
	// ErrUnsigned occurs when a file has no .minisig beside it and its
	// digest is not in Options.AllowUnsigned.
	ErrUnsigned = fmt.Errorf("%w: unsigned", ErrRefused)

	// ErrUntrusted occurs when a signature is well formed but its key is
	// not in the key folder. The text names the key ID.
	ErrUntrusted = fmt.Errorf("%w: key is not trusted", ErrRefused)

	// ErrBadSignature occurs when a signature file cannot be read as one,
	// or is by a trusted key but does not match the file or its own
	// trusted comment.
	ErrBadSignature = fmt.Errorf("%w: bad signature", ErrRefused)
)

var (
	// ErrManifest occurs when plugin.toml is missing, too large, not TOML,
	// or says something it must not.
	ErrManifest = errors.New("bad manifest")

	// ErrKeys occurs when the key folder or a file in it cannot be relied
	// on: malformed, or writable by someone else.
	ErrKeys = errors.New("bad key store")

	// ErrBadFile occurs when something that should be a plain file of
	// sensible size is not one, or is a link.
	ErrBadFile = errors.New("bad file")

	// ErrELF occurs when a library is not one this machine can load, or
	// asks the loader for something we do not grant.
	ErrELF = errors.New("bad library")

	// ErrNoEntry occurs when a library exports none of the symbols looked
	// for. The text lists them.
	ErrNoEntry = errors.New("no plugin entry")

	// ErrABIUnsupported occurs when a plugin is recognised but its ABI has
	// no adapter in this release.
	ErrABIUnsupported = errors.New("abi is not supported by this release")

	// ErrMissingLibrary occurs when a needed library is found neither
	// beside the plugin nor in the system's library folders. The text
	// names the library and who needs it.
	ErrMissingLibrary = errors.New("library not found")

	// ErrLibrary occurs when a needed library is found but must not be
	// used: wrong DT_SONAME, writable by others, part of a cycle, or one
	// too many.
	ErrLibrary = errors.New("library not usable")
)

// RefusedError says that a plugin may not be launched and of which bytes that
// was said. Open returns it for every failure after the binary was digested.
type RefusedError struct {
	SHA256 [32]byte // of the plugin's binary
	Err    error
}

func (e *RefusedError) Error() string { return e.Err.Error() }

func (e *RefusedError) Unwrap() error { return e.Err }

// Digest is SHA256 in lower-case hex, as the user writes it into the list of
// plugins allowed without a signature.
func (e *RefusedError) Digest() string { return hex.EncodeToString(e.SHA256[:]) }

// hintError carries advice beside an error, out of the error's own text.
type hintError struct {
	error
	hint string
}

func (e hintError) Unwrap() error { return e.error }

// Hint returns the advice that goes with err, or "" when there is none.
func Hint(err error) string {
	var h hintError
	if errors.As(err, &h) {
		return h.hint
	}
	return ""
}
