package midi

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Velocities are names for ranges of velocities, as in "soft".
type Velocities map[string]span

// DefaultVelocities are those that hold unless the config says otherwise:
// thirds.
func DefaultVelocities() Velocities {
	return Velocities{"soft": {1, 42}, "medium": {43, 84}, "hard": {85, 127}}
}

// ParseVelocities reads names and their ranges, which add to the default ones
// and take their places.
func ParseVelocities(spec map[string]any) (Velocities, error) {
	v := DefaultVelocities()
	for _, name := range slices.Sorted(maps.Keys(spec)) {
		if known, ok := velocityName(name); !ok || known != name || len(name) > 64 {
			return nil, fmt.Errorf("velocities: %.80q: a name has 1 to 64 bytes and begins with no digit, dash or space", name)
		}
		s, err := spanField{name: fmt.Sprintf("velocities: %q", name), max: 127}.parse(spec[name])
		if err != nil {
			return nil, err
		}
		if s.lo == 0 {
			return nil, fmt.Errorf("velocities: %q: 0 is a release", name)
		}
		v[name] = s
	}
	return v, nil
}

// span reads a velocity, a range or a name.
func (v Velocities) span(value any) (span, error) {
	name, ok := velocityName(value)
	if !ok {
		return spanField{name: "velocity", max: 127}.parse(value)
	}
	if s, ok := v[name]; ok {
		return s, nil
	}
	return span{}, fmt.Errorf("velocity %.64q: no such name; there are %s", name, strings.Join(slices.Sorted(maps.Keys(v)), ", "))
}

// velocityName returns the name that stands for a velocity, if it is one.
func velocityName(value any) (string, bool) {
	name, ok := value.(string)
	name = strings.TrimSpace(name)
	return name, ok && name != "" && name[0] != '-' && (name[0] < '0' || name[0] > '9')
}

// Resolve puts the ranges in place of names in specs, so that they mean the
// same to who compiles them. Errors name the mapping.
func (v Velocities) Resolve(specs []MappingSpec) error {
	for i := range specs {
		name, ok := velocityName(specs[i].Trigger.Velocity)
		if !ok {
			continue
		}
		s, err := v.span(name)
		if err != nil {
			return fmt.Errorf("mapping %q: trigger: %w", specs[i].Name, err)
		}
		specs[i].Trigger.Velocity = fmt.Sprintf("%d-%d", s.lo, s.hi)
	}
	return nil
}
