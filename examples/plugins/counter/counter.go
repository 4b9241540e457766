// Command counter is a plugin in Go. It answers 0 to every trigger that is
// valid JSON and 1 to one that is not.
//
// The Go runtime starts threads while the library loads and goes on doing so:
// run it with the profile "threads", not with "strict". Build:
//
//	go build -buildmode=c-shared -o counter.so ./examples/plugins/counter
package main

// #include <stddef.h>
import "C"

import (
	"encoding/json"
	"unsafe"
)

// count is only touched by execute, which is called by one thread at a time.
var count int

//export execute
func execute(ptr *C.uchar, n C.size_t) C.int {
	if !json.Valid(unsafe.Slice((*byte)(unsafe.Pointer(ptr)), int(n))) {
		return 1
	}
	count++
	return 0
}

func main() {}
