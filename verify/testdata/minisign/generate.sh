#!/bin/sh
# Makes the vectors of this folder with the real minisign (0.11 was used).
# The secret keys are thrown away.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
minisign -G -W -p key.pub -s "$tmp/key" >/dev/null
minisign -G -W -p other.pub -s "$tmp/other" >/dev/null
printf 'not a library, but bytes to sign\n\000\001\377' >message
minisign -S -s "$tmp/key" -m message -x prehashed.minisig -t 'arp 1.0.0'
minisign -S -l -s "$tmp/key" -m message -x legacy.minisig -t 'arp 1.0.0, old form'
minisign -S -s "$tmp/other" -m message -x other.minisig -t 'by someone else'
