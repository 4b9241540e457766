// Command bench measures booths beside their peers. Every figure in the
// documentation comes from here, and is the ratio to a named peer, measured
// in the same run on the same machine: times themselves do not carry over
// from one machine to another.
//
//	go run ./bench [--quick] [--only FIGURE] [--json FILE] [-bin DIR]
//
// README.md says what each figure is.
package main
