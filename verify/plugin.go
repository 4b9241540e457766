package verify

import (
	"errors"
	"fmt"
	"io/fs"
)

// signatureSuffix follows a file's name to name its signature, as minisign
// does.
const signatureSuffix = ".minisig"

// Options say what is trusted. The zero value trusts nothing.
type Options struct {
	Keys Keys
	// AllowUnsigned lists, by the SHA-256 of their bytes, libraries that
	// may do without a signature. One that has a signature file is held to
	// it all the same.
	AllowUnsigned map[[32]byte]bool
	// Provided are the sonames the worker has loaded itself, for example
	// "libc.so.6". They are not looked for.
	Provided []string
}

// Plugin is a plugin that may be launched. It holds the exact bytes; the
// caller closes it once the worker has them.
type Plugin struct {
	Dir       string // absolute path of its folder
	Manifest  Manifest
	ABI       string // one of the ABI constants
	Entry     string // symbol to look up
	Image     *Image
	Libs      []*Image // to be loaded before Image, in this order
	Signature Signature
}

// Open checks the plugin in folder dir and returns what to load.
//
// Errors before the binary could be digested wrap ErrManifest or ErrBadFile or
// come from the system. Every later one is a *RefusedError around ErrRefused
// and its three kinds, ErrELF, ErrNoEntry, ErrABIUnsupported,
// ErrMissingLibrary or ErrLibrary. Outside Linux it is errors.ErrUnsupported.
func Open(dir string, o Options) (*Plugin, error) {
	e := examination{options: o}
	e.run(dir)
	if e.err != nil {
		e.plugin.Close()
		return nil, fmt.Errorf("verify plugin %q: %w", dir, e.err)
	}
	return &e.plugin, nil
}

// Close closes Image and Libs.
func (p *Plugin) Close() error {
	var errs []error
	for _, m := range p.Libs {
		errs = append(errs, m.Close())
	}
	if p.Image != nil {
		errs = append(errs, p.Image.Close())
	}
	return errors.Join(errs...)
}

// checkSigned verifies the signature file beside m, a file of folder d.
func (d *folder) checkSigned(m *Image, o Options) (Signature, error) {
	file := m.Name + signatureSuffix
	text, err := d.read(file, maxKeyText)
	if errors.Is(err, fs.ErrNotExist) {
		if o.AllowUnsigned[m.SHA256] {
			return Signature{}, nil
		}
		err := fmt.Errorf("%w: %q has no %q beside it", ErrUnsigned, m.Name, file)
		return Signature{}, hintError{err, "to run it unsigned, allow its SHA-256: " + m.Digest()}
	}
	if err != nil {
		return Signature{}, fmt.Errorf("%w: %q: %w", ErrBadSignature, file, err)
	}
	s, err := checkSignature(m.data, text, o.Keys)
	if err != nil {
		return Signature{}, fmt.Errorf("%q: %w", file, err)
	}
	return s, nil
}
