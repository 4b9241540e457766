package jail

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// memory is that of a task whose call is held.
type memory interface {
	// read fills buf from address on and returns how much of it could be read.
	read(address uint64, buf []byte) int
}

// taskMemory is the memory of the task with that number.
type taskMemory int

// read makes one call. What lies behind a page that is not there is left out:
// process_vm_readv(2) promises parts by element, and elements end with pages.
func (pid taskMemory) read(address uint64, buf []byte) int {
	if len(buf) == 0 || address+uint64(len(buf)) < address {
		return 0
	}
	page := uint64(os.Getpagesize())
	var remote []unix.RemoteIovec
	for at, left := address, uint64(len(buf)); left > 0; {
		n := min(left, page-at%page)
		remote = append(remote, unix.RemoteIovec{Base: uintptr(at), Len: int(n)})
		at, left = at+n, left-n
	}
	local := unix.Iovec{Base: unsafe.SliceData(buf)}
	local.SetLen(len(buf))
	n, err := unix.ProcessVMReadv(int(pid), []unix.Iovec{local}, remote, 0)
	if err != nil {
		return 0
	}
	return n
}
