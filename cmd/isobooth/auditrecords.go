package main

import (
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/isobooth/isobooth/cmd/isobooth/internal/audit"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/isobooth/isobooth/verify"
	"golang.org/x/sys/unix"
)

// Bounds of what a plugin can make a record of one denial hold.
const (
	auditArguments = 8
	auditArgument  = 1024 // bytes
)

// daemonFacts is the data of a "daemon_start".
type daemonFacts struct {
	Version      string   `json:"version"`
	User         int      `json:"user"`
	Kernel       string   `json:"kernel"`
	Config       string   `json:"config,omitempty"`
	ConfigSHA256 string   `json:"config_sha256,omitempty"`
	AllowMissing []string `json:"allow_missing"`
}

func (a *app) daemonFacts() daemonFacts {
	var u unix.Utsname
	kernel := "unknown"
	if unix.Uname(&u) == nil {
		kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	missing := append([]string{}, a.settings.AllowMissing...)
	return daemonFacts{version, os.Geteuid(), kernel, a.settings.File, a.settings.digest, missing}
}

// launchFacts is the data of a "launch": all that was decided about the code
// that runs now and what it may do.
type launchFacts struct {
	Plugin       string           `json:"plugin"` // as its manifest has it
	Version      string           `json:"version"`
	Folder       string           `json:"folder"`
	ABI          string           `json:"abi"`
	SHA256       string           `json:"sha256"`
	Libraries    []libraryFacts   `json:"libraries"`
	Signature    verify.Signature `json:"signature"` // where it is not signed, the config allows its digest
	Profile      string           `json:"profile"`
	Chain        []profileFacts   `json:"chain"`
	FilterSHA256 string           `json:"filter_sha256"` // of the program the kernel runs
	Limits       map[string]any   `json:"limits"`
	Grants       grantFacts       `json:"grants"`
	Given        control.Grants   `json:"given"`   // what they are on this machine; without the values of variables
	Missing      []string         `json:"missing"` // layers that the config allows to be
	Worker       int              `json:"worker"`  // process id
}

type libraryFacts struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// profileFacts is one file of a profile's chain.
type profileFacts struct {
	Name   string `json:"name"`
	File   string `json:"file"`
	SHA256 string `json:"sha256,omitempty"` // as the file is now; none of what is built in
}

type grantFacts struct {
	Files       []string `json:"files"`
	Devices     []string `json:"devices"`
	Network     []string `json:"network"`
	Environment []string `json:"environment"`
}

func (s *session) launchFacts(g *plug, plan *runner.Plan, worker int) launchFacts {
	profile := g.profileOf(plan)
	f := launchFacts{
		Plugin: g.plugin.Manifest.Name, Version: g.plugin.Manifest.Version, Folder: g.plugin.Dir, ABI: g.plugin.ABI,
		SHA256: g.plugin.Image.Digest(), Libraries: []libraryFacts{}, Signature: g.plugin.Signature,
		Profile: profile.Name, Chain: chainFacts(profile), FilterSHA256: fmt.Sprintf("%x", sha256.Sum256(plan.Policy.BPF)),
		Limits: limitFacts(&profile.Limits), Grants: grantsOf(profile), Missing: s.missing(), Worker: worker,
	}
	f.Given = plan.Grants
	f.Given.Env = nil
	for _, v := range plan.Grants.Env {
		name, _, _ := strings.Cut(v, "=") // values may be secrets
		f.Given.Env = append(f.Given.Env, name)
	}
	for _, l := range g.plugin.Libs {
		f.Libraries = append(f.Libraries, libraryFacts{l.Name, l.Digest()})
	}
	return f
}

// launching records that a booth's plugin is about to run, and is on the
// booth's own goroutine: its other booths do not wait.
func (s *session) launching(plan *runner.Plan, worker int) error {
	if s.app.audit == nil {
		return nil
	}
	for _, g := range s.trying.all() {
		if g.plan == plan {
			return s.app.audit.put("launch", plan.Name, s.launchFacts(g, plan, worker))
		}
	}
	for _, g := range s.plugs() {
		if g.config.Name == plan.Name {
			return s.app.audit.put("launch", plan.Name, s.launchFacts(g, plan, worker))
		}
	}
	return fmt.Errorf("internal error: booth %q has no plugin", plan.Name)
}

// missing lists the layers that booths of this session do without.
func (s *session) missing() []string {
	list := []string{}
	if s.tree == nil {
		list = append(list, "cgroup")
	}
	if !s.hasLandlock {
		list = append(list, "landlock")
	}
	return list
}

func fileFacts(name, file string) profileFacts {
	f := profileFacts{Name: name, File: file}
	if data, err := os.ReadFile(file); err == nil {
		f.SHA256 = fmt.Sprintf("%x", sha256.Sum256(data))
	}
	return f
}

func chainFacts(p *profiles.Profile) []profileFacts {
	list := []profileFacts{}
	for _, source := range p.Chain {
		list = append(list, fileFacts(source.Name, source.At.File))
	}
	return list
}

// limitFacts are limits by their keys, in bytes, cores, counts and seconds.
func limitFacts(l *profiles.Limits) map[string]any {
	return map[string]any{
		"memory": l.Memory, "swap": l.Swap, "cpu": l.CPU, "cpu_weight": l.CPUWeight, "cpus": l.CPUs, "io_weight": l.IOWeight,
		"tmp_size": l.TmpSize, "pids": l.Pids, "threads": l.Threads, "open_files": l.OpenFiles, "file_size": l.FileSize,
		"address_space": l.AddressSpace, "load_timeout": l.LoadTimeout.Seconds(), "trigger_timeout": l.TriggerTimeout.Seconds(),
		"stop_timeout": l.StopTimeout.Seconds(), "restart_free": l.RestartFree, "restart_pause": l.RestartPause.Seconds(),
		"restart_pause_max": l.RestartPauseMax.Seconds(), "restart_reset": l.RestartReset.Seconds(),
		"queue_age": l.QueueAge.Seconds(), "denials": l.Denials, "violations": l.Violations,
	}
}

func grantsOf(p *profiles.Profile) grantFacts {
	g := grantFacts{[]string{}, []string{}, []string{}, []string{}}
	for _, f := range p.Files {
		g.Files = append(g.Files, fmt.Sprintf("%s %q as %q", f.Access, f.Path, f.Inside))
	}
	for _, d := range p.Devices {
		g.Devices = append(g.Devices, fmt.Sprintf("%s %q", d.Access, d.Path))
	}
	for _, n := range p.Network {
		for _, to := range n.To {
			g.Network = append(g.Network, fmt.Sprintf("%s://%s", to.Protocol, net.JoinHostPort(to.Host, fmt.Sprint(to.Port))))
		}
	}
	for _, e := range p.Environment {
		g.Environment = append(g.Environment, e.Name)
	}
	return g
}

// endFacts is the data of an "end", and of a "quarantine".
type endFacts struct {
	Cause runner.CauseKind `json:"cause,omitempty"` // none when it was quarantined before
	// Signal and Code are the kernel's word.
	Signal int          `json:"signal,omitempty"`
	Code   int          `json:"code,omitempty"`
	Text   string       `json:"text,omitempty"` // may hold the plugin's words
	Next   runner.State `json:"next"`
}

// denialFacts is the data of a "denial".
type denialFacts struct {
	Call      string             `json:"call"`
	Phase     string             `json:"phase"`
	Args      [6]string          `json:"args"`                // hexadecimal
	Decoded   []control.Argument `json:"decoded,omitempty"`   // may be the plugin's lie
	Shortened bool               `json:"shortened,omitempty"` // decoded is not all
	Count     uint64             `json:"count"`
	Errno     int                `json:"errno,omitempty"`
	Learned   bool               `json:"learned,omitempty"`
	Quota     bool               `json:"quota,omitempty"` // and its booth ended for it
}

func factsOfDenial(d *control.Denial) denialFacts {
	f := denialFacts{Call: d.Call, Phase: d.Phase, Count: d.Count, Errno: d.Errno, Learned: d.Learned, Quota: d.Quota}
	for i, arg := range d.Args {
		f.Args[i] = fmt.Sprintf("%#x", arg)
	}
	for i, arg := range d.Decoded {
		if i == auditArguments {
			f.Shortened = true
			break
		}
		if len(arg.Value) > auditArgument {
			arg.Value, f.Shortened = arg.Value[:auditArgument], true
		}
		f.Decoded = append(f.Decoded, arg)
	}
	return f
}

// limitChange is one limit of a running booth that was changed.
type limitChange struct {
	Key string `json:"key"` // as profiles spell it
	Old string `json:"old"`
	New string `json:"new"`
}

// limitsChanged records what isobooth limit did; by is as peer has it.
func (l *auditor) limitsChanged(booth, by string, changes []limitChange, persisted bool) {
	l.add("limit_change", booth, struct {
		By        string        `json:"by"`
		Changes   []limitChange `json:"changes"`
		Persisted bool          `json:"persisted"`
	}{by, changes, persisted})
}

// reloaded records that the profile or config in a file was read again, the
// config without a booth; err is
// why the old one stayed.
func (l *auditor) reloaded(booth, file, oldSHA256, newSHA256 string, err error) {
	facts := struct {
		File  string `json:"file"`
		Old   string `json:"old_sha256"`
		New   string `json:"new_sha256"`
		Error string `json:"error,omitempty"`
	}{file, oldSHA256, newSHA256, ""}
	if err != nil {
		facts.Error = err.Error()
	}
	l.add("reload", booth, facts)
}

// released records that a user let a booth start again.
func (l *auditor) released(booth, by string) {
	l.add("release", booth, map[string]string{"by": by})
}

// refused records a plugin that was not even launched.
func (l *auditor) refused(c *pluginConfig, sha256 string, err error) {
	l.add("refused", c.Name, map[string]string{"folder": c.Path, "sha256": sha256, "error": err.Error()})
}

// State records how booths end, and what keeps them from starting again.
func (l *auditor) State(booth string, s runner.State, cause *runner.Cause) {
	l.Observer.State(booth, s, cause)
	facts := endFacts{Next: s}
	if cause != nil {
		facts = endFacts{cause.Kind, int(cause.Signal), cause.Code, cause.Text, s}
		l.add("end", booth, facts)
	}
	switch s {
	case runner.StateQuarantined:
		l.add("quarantine", booth, facts)
	case runner.StateReady:
		l.add("ready", booth, struct{}{})
	case runner.StateStopped:
		if cause == nil {
			l.add("stop", booth, struct{}{})
		}
	}
}

// Denied records a refused call.
func (l *auditor) Denied(booth string, d control.Denial) {
	l.Observer.Denied(booth, d)
	l.add("denial", booth, factsOfDenial(&d))
}

// Trouble records what went wrong beside a booth's life.
func (l *auditor) Trouble(booth, text string) {
	l.Observer.Trouble(booth, text)
	l.add("trouble", booth, map[string]string{"text": text})
}

// Limited records a limit that was reached.
func (l *auditor) Limited(booth string, limit runner.Limit) {
	l.Observer.Limited(booth, limit)
	l.add("limit_reached", booth, limit)
}

// peer names the process at the other end of a unix socket, as the kernel
// does: SO_PEERCRED in unix(7).
func peer(c net.Conn) string {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return "unknown"
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return "unknown"
	}
	var cred *unix.Ucred
	if raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }) != nil || err != nil {
		return "unknown"
	}
	return fmt.Sprintf("user %d, process %d", cred.Uid, cred.Pid)
}

// auditRelease records the end of a quarantine that no daemon is there to
// record.
func (a *app) auditRelease(plugin string) error {
	log, err := a.settings.Audit.open()
	if err != nil {
		return err
	}
	by := fmt.Sprintf("user %d, process %d", os.Getuid(), os.Getpid())
	_, err = log.Append(audit.Entry{Type: "release", Booth: plugin, Data: map[string]string{"by": by}})
	return err
}
