package profiles

// atLimit is what happens at each limit, for people.
var atLimit = map[string]string{
	"memory":            "the plugin is killed and started again",
	"swap":              "no more of its memory goes to swap",
	"cpu":               "the plugin stands still until the next period of 10 ms",
	"cpu_weight":        "its share where others want the CPU, too; 100 is the usual",
	"cpus":              "it runs on no other processor",
	"io_weight":         "its share where others want the disk, too; 100 is the usual",
	"tmp_size":          "writing to its /tmp fails with ENOSPC",
	"pids":              "no new thread or process: EAGAIN",
	"open_files":        "no new descriptor: EMFILE",
	"file_size":         "writing further fails with EFBIG",
	"address_space":     "no new memory: ENOMEM, malloc returns null",
	"threads":           "with more of them at the seal the booth does not start",
	"load_timeout":      "a plugin that takes longer to load is killed",
	"trigger_timeout":   "a plugin that takes longer to answer is killed and started again",
	"stop_timeout":      "a plugin that takes longer to stop is killed",
	"restart_free":      "after so many crashes in a row it waits before it starts again",
	"restart_pause":     "the first such wait; each one is twice as long as the one before",
	"restart_pause_max": "no wait is longer",
	"restart_reset":     "ready for so long, and the next crash counts as the first",
	"queue_age":         "a trigger that waited longer for a restart is dropped",
	"denials":           "so many refused calls in a minute quarantine the plugin",
	"violations":        "so many attacks in ten minutes quarantine it",
}

// change is the direction from one set of limits to another in this key.
func (k *limitKey) change(before, now *Limits) Direction {
	return direction(!k.looser(before, now), !k.looser(now, before))
}

// LimitValue is one limit of a profile.
type LimitValue struct {
	Key   string
	Value string // as a profile has it, without quotes
	At    Position
	Says  string // what happens at it
}

// LimitValues lists the limits in the order of the docs.
func (p *Profile) LimitValues() []LimitValue {
	var out []LimitValue
	for i := range limitKeys {
		k := &limitKeys[i]
		out = append(out, LimitValue{k.name, k.text(&p.Limits), p.LimitsAt[k.name], atLimit[k.name]})
	}
	return out
}
