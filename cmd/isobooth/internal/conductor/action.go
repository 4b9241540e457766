package conductor

import (
	"regexp"
	"slices"
	"strings"
)

// when is the condition under which an action is meant.
type when struct {
	modes []string // nil is any
	time  string
}

func (w when) fields() []Field {
	var fields []Field
	if w.modes != nil {
		var list []any
		for _, m := range w.modes {
			list = append(list, m)
		}
		fields = append(fields, Field{"mode", list})
	}
	if w.time != "" {
		fields = append(fields, Field{"time", w.time})
	}
	return fields
}

// unable is why an action of the name is not converted.
var unable = map[string]string{
	"keystroke":     "isobooth presses no keys; a plugin could, if it is granted a device for it",
	"text":          "isobooth types no text",
	"mouseclick":    "isobooth clicks no mouse",
	"launch":        "isobooth starts no programs: nothing that a mapping calls may leave its booth",
	"shell":         "isobooth runs no commands: nothing that a mapping calls may leave its booth",
	"volumecontrol": "isobooth does not control the volume",
	"sendmidi":      "mappings send no MIDI; a plugin can, to midi.output",
	"delay":         "isobooth does not wait between actions: those of a sequence are called at once",
}

// action converts an action, and those in it.
func (c *converter) action(t table, about string, trigger []Field, w when) {
	kind := t.text("type")
	switch name := strings.ToLower(kind); name {
	case "plugin":
		c.plugin(t, about, trigger, w)
	case "modechange":
		mode := t.text("mode")
		if !slices.Contains(c.out.Modes, mode) {
			c.left("action "+kind, "the file has no mode %q", mode)
			return
		}
		c.put(Mapping{SetMode: mode}, about, trigger, w)
	case "sequence":
		for _, step := range t.tables("actions") {
			c.action(step, about, trigger, w)
		}
	case "repeat":
		if t.integer("count", 0) != 1 {
			c.left("action "+kind, "a trigger calls a plugin once")
			return
		}
		c.action(t.table("action"), about, trigger, w)
	case "conditional":
		c.conditional(t, about, trigger, w)
	default:
		why, known := unable[name]
		if !known {
			why = "this type of action is not known"
		}
		c.left("action "+kind, "%s", why)
	}
}

func (c *converter) plugin(t table, about string, trigger []Field, w when) {
	name := t.text("plugin")
	if !pluginName.MatchString(name) {
		c.left("action Plugin", "%q cannot be the name of a plugin and its folder", name)
		return
	}
	params := t.table("params").m
	if params == nil {
		params = t.table("data").m
	}
	if !plain(params) {
		c.left("action Plugin", "its parameters have a value that JSON has not, such as a date")
		return
	}
	c.out.Plugins = append(c.out.Plugins, name)
	c.put(Mapping{Plugin: name, Action: t.text("action"), Params: params}, about, trigger, w)
}

// plain reports whether JSON has values like v.
func plain(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			if !plain(e) {
				return false
			}
		}
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { return !plain(e) })
	case float64:
		return v-v == 0 // neither infinite nor NaN
	case string, bool, int64:
	default:
		return false
	}
	return true
}

var clock = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)

// conditional converts both branches, each under its condition.
func (c *converter) conditional(t table, about string, trigger []Field, w when) {
	condition := t.table("condition")
	kind := condition.text("type")
	if kind == "" {
		kind = t.text("condition")
	}
	then, other := w, w
	yes, no := true, true
	switch kind {
	case "Always":
		no = false
	case "Never":
		yes = false
	case "ModeIs":
		all := w.modes
		if all == nil {
			all = c.out.Modes
		}
		mode := condition.text("mode")
		then.modes, other.modes = []string{mode}, without(all, []string{mode})
		yes, no = slices.Contains(all, mode), len(other.modes) > 0
	case "TimeRange":
		start, end := condition.text("start"), condition.text("end")
		if !clock.MatchString(start) || !clock.MatchString(end) || start == end || w.time != "" {
			c.left("condition "+kind, "it is no time from HH:MM to HH:MM, or one within another")
			return
		}
		then.time, other.time = start+"-"+end, end+"-"+start
	default:
		c.left("condition "+kind, "conditions are the mode and the time of day")
		return
	}
	if yes {
		c.action(t.table("then_action"), about, trigger, then)
	}
	if otherwise := t.table("else_action"); no && otherwise.m != nil {
		c.action(otherwise, about, trigger, other)
	}
}
