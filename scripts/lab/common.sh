# shellcheck shell=bash
# shellcheck disable=SC2034 # used where this is sourced
# Shared by the scripts of this folder: where the lab keeps its files.

lab_cache=${XDG_CACHE_HOME:-$HOME/.cache}/isobooth-lab
lab_scripts=$(dirname "$(realpath "${BASH_SOURCE[0]}")")

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 125
}

# newest VERSION reads kernel releases, one per line, and prints the newest
# that is VERSION or continues it: 6.1 is followed by 6.1.0, not by 6.12.
newest() {
	local release
	while read -r release; do
		[[ $release != "$1" && $release != "$1"[.+-]* ]] || printf '%s\n' "$release"
	done | sort -V | tail -n 1
}

# kernel_dir VERSION prints the folder of a prepared kernel; without VERSION,
# of Debian's default.
kernel_dir() {
	local dir=$lab_cache/default release
	if [[ -n $1 ]]; then
		release=$(find "$lab_cache/kernels" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | newest "$1")
		dir=$lab_cache/kernels/${release:-none}
	fi
	[[ -f $dir/ready ]] && realpath "$dir"
}
