// Package audit keeps a log that is only ever appended to: JSON lines, each
// with the SHA-256 of itself and of the line before. docs/audit.md has the
// form to the byte.
//
// What is changed, removed, put in or put elsewhere is seen by Verifier. What
// is cut off at the end is not, and neither is a chain that was written anew
// from some record on: against that the head, sequence number and hash of the
// last record, has to be kept where whoever writes the log cannot reach.
package audit
