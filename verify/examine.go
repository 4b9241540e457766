package verify

import (
	"errors"
	"fmt"
	"io/fs"
)

// Check is one question asked about a plugin.
type Check struct {
	Name   string `json:"name"` // manifest, binary, signature, library, entry or closure
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // what was found, or what is wrong with it
}

// Lib is one library a plugin needs, for listings.
type Lib struct {
	Name   string `json:"name"` // DT_SONAME
	Path   string `json:"path"`
	SHA256 string `json:"sha256"` // lower-case hex
	Size   int64  `json:"size"`   // bytes
}

// Report is all that could be found out about a plugin. Fields of steps that
// failed are empty.
type Report struct {
	Dir       string     `json:"dir"`
	OK        bool       `json:"ok"` // Open would succeed
	Manifest  *Manifest  `json:"manifest,omitempty"`
	SHA256    string     `json:"sha256,omitempty"` // of the binary, lower-case hex
	Size      int64      `json:"size,omitempty"`   // of the binary, bytes
	Signature *Signature `json:"signature,omitempty"`
	ABI       string     `json:"abi,omitempty"`
	Entry     string     `json:"entry,omitempty"`
	Libs      []Lib      `json:"libs,omitempty"` // in load order
	Checks    []Check    `json:"checks"`
	Err       error      `json:"-"` // the first failure, as Open returns it
}

// Examine asks everything Open asks and goes on after a failure, so also past
// a refused signature: for people who want to see all that is wrong. It keeps
// nothing open and is no permission to launch.
func Examine(dir string, o Options) Report {
	e := examination{options: o, goOn: true}
	e.run(dir)
	defer e.plugin.Close()

	p := e.plugin
	r := Report{Dir: p.Dir, OK: e.err == nil, Manifest: e.manifest, Signature: e.signature,
		ABI: p.ABI, Entry: p.Entry, Checks: e.checks}
	if e.err != nil {
		r.Err = fmt.Errorf("verify plugin %q: %w", dir, e.err)
	}
	if p.Image != nil {
		r.SHA256, r.Size = p.Image.Digest(), p.Image.Size
	}
	for _, m := range p.Libs {
		r.Libs = append(r.Libs, Lib{Name: m.Name, Path: m.Path, SHA256: m.Digest(), Size: m.Size})
	}
	return r
}

// examination is one pass over a plugin folder, shared by Open and Examine so
// that they cannot come to different verdicts.
type examination struct {
	options Options
	goOn    bool    // past a failure, as far as a step does not need the failed one
	system  *system // nil: the machine's own; tests bring theirs

	plugin    Plugin
	manifest  *Manifest
	signature *Signature
	checks    []Check
	err       error // the first failure
}

// record notes a step's outcome and says whether to take the next.
func (e *examination) record(name, detail string, err error) bool {
	if err != nil {
		detail = err.Error()
		if e.err == nil {
			if m := e.plugin.Image; m != nil {
				err = &RefusedError{SHA256: m.SHA256, Err: err}
			}
			e.err = err
		}
	}
	e.checks = append(e.checks, Check{Name: name, OK: err == nil, Detail: detail})
	return err == nil || e.goOn
}

func (e *examination) run(path string) {
	p := &e.plugin
	p.Dir = path
	dir, err := openFolder(path)
	if err != nil {
		e.record("manifest", "", err)
		return
	}
	defer dir.close()
	p.Dir = dir.path

	if p.Manifest, err = readManifest(dir); err != nil {
		e.record("manifest", "", err)
		return
	}
	e.manifest = &p.Manifest
	e.record("manifest", fmt.Sprintf("%q version %q", p.Manifest.Name, p.Manifest.Version), nil)

	if p.Image, err = dir.seal(p.Manifest.Binary, maxImage); err != nil {
		e.record("binary", "", fmt.Errorf("binary %q: %w", p.Manifest.Binary, err))
		return
	}
	defer p.Image.unmap()
	e.record("binary", fmt.Sprintf("%q, %d bytes, sha256 %s", p.Image.Name, p.Image.Size, p.Image.Digest()), nil)

	sig, err := dir.checkSigned(p.Image, e.options)
	if err == nil {
		p.Signature, e.signature = sig, &sig
	}
	if !e.record("signature", sig.detail(), err) {
		return
	}
	e.runLibrary(dir)
}

// runLibrary takes the steps that look inside the binary.
func (e *examination) runLibrary(dir *folder) {
	p := &e.plugin
	lib, err := readLibrary(p.Image.data, fromPlugin)
	if err != nil {
		e.record("library", "", fmt.Errorf("%q: %w", p.Image.Name, err))
		return
	}
	e.record("library", fmt.Sprintf("needs %d libraries", len(lib.needed)), nil)

	found, note, err := findEntry(lib, p.Manifest.ABI)
	if err != nil {
		err = fmt.Errorf("%q: %w", p.Image.Name, err)
	}
	p.ABI, p.Entry = found.abi, found.symbol
	detail := fmt.Sprintf("abi %q, symbol %q", p.ABI, p.Entry)
	if note != "" {
		detail += "; " + note
	}
	if !e.record("entry", detail, err) {
		return
	}

	libs, err := e.collect(dir, lib)
	p.Libs = libs
	e.record("closure", fmt.Sprintf("%d libraries besides the worker's own", len(libs)), err)
}

func (e *examination) collect(dir *folder, lib *library) ([]*Image, error) {
	if e.system == nil {
		host, err := hostSystem()
		if err != nil {
			return nil, err
		}
		e.system = &host
	}
	c := newClosure(dir, e.options, *e.system)
	if err := c.add(lib, []string{e.plugin.Image.Name}, true); err != nil {
		c.close()
		return nil, err
	}
	return c.libs, nil
}

func readManifest(dir *folder) (Manifest, error) {
	data, err := dir.read(manifestName, maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		err := fmt.Errorf("%w: %q has no %q: %w", ErrManifest, dir.path, manifestName, err)
		return Manifest{}, hintError{err, "a plugin is a folder with " + manifestName + " and the library it names"}
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("%w: %q: %w", ErrManifest, manifestName, err)
	}
	return ParseManifest(manifestName, data)
}

// detail is for listings.
func (s Signature) detail() string {
	if !s.Signed {
		return "unsigned, allowed by its SHA-256"
	}
	return fmt.Sprintf("key ID %s (%q), %s, %q", s.KeyID, s.KeyFile, s.Form, s.TrustedComment)
}
