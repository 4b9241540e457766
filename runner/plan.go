package runner

import (
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/isobooth/isobooth/verify"
)

// Plan is everything that is decided about a booth before it is built:
// plugin, profile and grants, resolved and checked.
type Plan struct {
	Name   string         // the plugin's name in the config; unique in a Host
	Plugin *verify.Plugin // its sealed files stay the caller's to close
	Policy control.Policy
	Grants control.Grants
	Limits Limits
	// Standby is whether an empty worker is kept for the next start.
	Standby bool
	// KeepTrying is whether a plugin that fails at its first start is treated
	// like one that fails later; else Run returns the error, as it does in any
	// case when no booth can be built.
	KeepTrying bool
	History    History // of this plugin so far
}

// Limits are a booth's limits, from its profile.
type Limits struct {
	Group        cgroups.Limits
	OpenFiles    uint64 // RLIMIT_NOFILE
	FileSize     uint64 // RLIMIT_FSIZE, bytes
	AddressSpace uint64 // RLIMIT_AS, bytes; math.MaxUint64 is no limit
	Threads      int    // tasks that may exist once the booth is sealed

	LoadTimeout    time.Duration // from handing over the library to READY
	TriggerTimeout time.Duration // from writing a trigger to its whole reply
	StopTimeout    time.Duration // from STOP to the process being gone

	RestartFree     int           // crashes in a row that are followed by a start at once
	RestartPause    time.Duration // before the start after the next one, doubled each time
	RestartPauseMax time.Duration
	RestartReset    time.Duration // of being ready, after which crashes count from one

	QueueAge   time.Duration // a trigger older than this when its plugin is back is dropped
	Denials    int           // refused calls within a minute that quarantine the plugin
	Violations int           // within ten minutes, likewise
}

// Linux numbers for amd64 and arm64, include/uapi/asm-generic/resource.h.
const (
	rlimitFSIZE      = 1
	rlimitCORE       = 4
	rlimitNOFILE     = 7
	rlimitMEMLOCK    = 8
	rlimitAS         = 9
	rlimitSIGPENDING = 11
	rlimitMSGQUEUE   = 12
	rlimitNICE       = 13
	rlimitRTPRIO     = 14
)

// rlimits lists what the worker sets on itself. Those that a profile does not
// choose are what no plugin needs: core files, locked memory, message queues,
// priorities.
func (l *Limits) rlimits() []control.Rlimit {
	return []control.Rlimit{
		{Name: "RLIMIT_NOFILE", Resource: rlimitNOFILE, Max: l.OpenFiles},
		{Name: "RLIMIT_FSIZE", Resource: rlimitFSIZE, Max: l.FileSize},
		{Name: "RLIMIT_AS", Resource: rlimitAS, Max: l.AddressSpace},
		{Name: "RLIMIT_CORE", Resource: rlimitCORE},
		{Name: "RLIMIT_MEMLOCK", Resource: rlimitMEMLOCK},
		{Name: "RLIMIT_MSGQUEUE", Resource: rlimitMSGQUEUE},
		{Name: "RLIMIT_NICE", Resource: rlimitNICE},
		{Name: "RLIMIT_RTPRIO", Resource: rlimitRTPRIO},
		{Name: "RLIMIT_SIGPENDING", Resource: rlimitSIGPENDING, Max: 16},
	}
}

// Provided lists the libraries that isobooth-worker has loaded itself, which a
// plugin need not bring: for verify.Options.
func Provided() []string {
	return []string{"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
}

// NewPlan joins a plugin and a profile, for a plugin without a work folder.
// The plugin's files stay the caller's.
func NewPlan(name string, plugin *verify.Plugin, profile *profiles.Profile) (*Plan, error) {
	return NewPlanAt(ThisUser(), name, plugin, profile)
}

// NewPlanAt is NewPlan with the places that the profile's grants lead to. A
// grant that cannot be given is a GrantError.
func NewPlanAt(at Places, name string, plugin *verify.Plugin, profile *profiles.Profile) (*Plan, error) {
	filter, err := compile(profile)
	if err != nil {
		return nil, fmt.Errorf("profile %q: %w", profile.Name, err)
	}
	grants, err := resolveGrants(profile, at)
	if err != nil {
		return nil, fmt.Errorf("profile %q: %w", profile.Name, err)
	}
	if grants.Network, grants.Hosts, err = resolveNetwork(net.DefaultResolver, profile.Network); err != nil {
		return nil, fmt.Errorf("profile %q: %w", profile.Name, err)
	}
	p := &Plan{
		Name:    name,
		Plugin:  plugin,
		Policy:  policy(profile, filter),
		Grants:  grants,
		Limits:  planLimits(&profile.Limits),
		Standby: true,
	}
	return p, p.validate()
}

// CheckProfile says why no plan is made with a profile, whatever the plugin
// and the machine; nil when there is no such reason.
func CheckProfile(p *profiles.Profile) error {
	_, err := compile(p)
	return err
}

// compile makes a profile's filter, unless its rules undo what a booth relies
// on.
func compile(p *profiles.Profile) (*profiles.Filter, error) {
	f, err := p.Compile()
	if err != nil {
		return nil, err
	}
	return f, errors.Join(checkStandby(p, f), checkNetworkRules(p, f), checkFileRules(p, f))
}

// Learn has the booth let every call continue, and report it, that permissive
// allows in any phase, although the plan's own profile does not. The other
// layers stay as they are. What permissive refuses is still refused.
func (p *Plan) Learn(permissive *profiles.Profile) error {
	f, err := permissive.Compile()
	if err != nil {
		return fmt.Errorf("profile %q: %w", permissive.Name, err)
	}
	p.Policy.Learn = map[int][][]control.Cond{}
	for i := range f.Calls {
		c := &f.Calls[i]
		if all := conds(c.Allowed()); len(all) > 0 {
			p.Policy.Learn[c.Nr] = all
		}
	}
	return nil
}

// WithLimits is the same plan with other limits, for SetLimits.
func (p *Plan) WithLimits(l *profiles.Limits) (*Plan, error) {
	q := *p
	q.Limits, q.Grants.Tmp = planLimits(l), l.TmpSize
	return &q, q.validate()
}

func planLimits(l *profiles.Limits) Limits {
	return Limits{
		Group: cgroups.Limits{
			Memory: l.Memory, Swap: l.Swap, CPU: l.CPU, CPUWeight: l.CPUWeight, CPUs: l.CPUs, IOWeight: l.IOWeight, Pids: l.Pids,
		},
		OpenFiles: l.OpenFiles, FileSize: l.FileSize, AddressSpace: l.AddressSpace, Threads: l.Threads,
		LoadTimeout: l.LoadTimeout, TriggerTimeout: l.TriggerTimeout, StopTimeout: l.StopTimeout,
		RestartFree: l.RestartFree, RestartPause: l.RestartPause, RestartPauseMax: l.RestartPauseMax, RestartReset: l.RestartReset,
		QueueAge: l.QueueAge, Denials: l.Denials, Violations: l.Violations,
	}
}

// policy keeps of a compiled profile what the jailer needs to answer.
func policy(profile *profiles.Profile, f *profiles.Filter) control.Policy {
	p := control.Policy{
		Profile: profile.Name, BPF: f.BPF, Rules: len(profile.Rules),
		Names: map[int]string{}, Load: map[int][][]control.Cond{},
	}
	for i := range f.Calls {
		c := &f.Calls[i]
		p.Names[c.Nr] = c.Name
		if len(c.Load) > 0 {
			p.Load[c.Nr] = conds(c.Load)
		}
	}
	return p
}

func conds(alternatives [][]profiles.Compare) [][]control.Cond {
	var out [][]control.Cond
	for _, all := range alternatives {
		one := make([]control.Cond, len(all))
		for i, c := range all {
			one[i] = control.Cond(c)
		}
		out = append(out, one)
	}
	return out
}

func (p *Plan) validate() error {
	l := &p.Limits
	switch {
	case p.Name == "" || p.Plugin == nil || len(p.Policy.BPF) == 0:
		return fmt.Errorf("internal error: plan %q is incomplete", p.Name)
	case l.LoadTimeout <= 0 || l.TriggerTimeout <= 0 || l.StopTimeout <= 0:
		return fmt.Errorf("internal error: plan %q has no deadlines", p.Name)
	case l.RestartFree < 0 || l.RestartPause <= 0 || l.RestartPauseMax < l.RestartPause || l.Denials < 1 || l.Violations < 1:
		return fmt.Errorf("internal error: plan %q has no restart policy", p.Name)
	case l.Threads < 1 || l.OpenFiles == 0 || l.AddressSpace == 0 || l.AddressSpace > math.MaxInt64 && l.AddressSpace != math.MaxUint64:
		return fmt.Errorf("internal error: plan %q has impossible limits", p.Name)
	}
	_, err := p.kind()
	return err
}

func (p *Plan) kind() (control.Kind, error) {
	switch p.Plugin.ABI {
	case "isobooth/1":
		return control.KindIsobooth, nil
	case "execute":
		return control.KindExecute, nil
	}
	return 0, fmt.Errorf("internal error: plan %q: abi %q", p.Name, p.Plugin.ABI)
}
