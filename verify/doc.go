// Package verify answers three questions about a plugin folder before
// anything in it runs: is it what it claims, may it be launched, and which
// exact bytes were meant. It executes nothing of the plugin.
//
// The order is fixed. Later steps see only what earlier ones let through:
//
//	plugin.toml ─▶ binary copied and sealed ─▶ SHA-256 ─▶ signature ─▶ ELF ─▶ entry ─▶ libraries
//
// Every file is opened once, copied into a memfd and sealed before anything
// looks at it; digest, signature and ELF checks read the sealed copy, and the
// worker loads the same descriptor. A swap of the file on disk, at any moment,
// cannot make the checked and the loaded bytes differ.
//
// A signature covers the bytes of one library. It does not cover plugin.toml:
// the manifest names and describes, and rights come from the user's grants
// alone. Nor does it carry a validity date or a version, so an older signed
// build is accepted; withdrawing a key means removing its file.
package verify
