# shellcheck shell=bash
# shellcheck disable=SC2034 # used where this is sourced
# The parts of the lab, in order: name, whether it needs systemd, its time
# limit in seconds under emulation, and what it shows. guest/test has the
# commands.

lab_parts='
doctor           plain   120  what isobooth sees of the machine
cgroups          plain   600  control groups v2, as root
booths           plain   5400 booths on control groups v2, as root
commands         plain   3600 isobooth itself, running booths
ports            plain   1200 real ALSA ports through each driver
attacks          plain   3600 hostile plugins in booths of root
session          systemd 1200 control groups in services, sessions and scopes
rootless         systemd 5400 booths of an ordinary user, in a delegated scope
rootless-attacks systemd 3600 hostile plugins in booths of an ordinary user
'

# part_fields NAME prints the other fields of a part, or fails.
part_fields() {
	local name rest
	while read -r name rest; do
		[[ $name != "$1" || -z $name ]] || { printf '%s\n' "$rest" && return; }
	done <<<"$lab_parts"
	return 1
}
