//go:build cgo

package quiet

/*
#cgo LDFLAGS: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

typedef void handler(const char *file, int line, const char *function, int err, const char *fmt, ...);

static void ignore(const char *file, int line, const char *function, int err, const char *fmt, ...) {}

// PortMidi and RtMidi link libasound; we need only this one function of it, so we look
// it up instead of asking for its headers to be installed.
static void quiet_alsa(void) {
	int (*set_handler)(handler *) = (int (*)(handler *))dlsym(RTLD_DEFAULT, "snd_lib_error_set_handler");
	if (set_handler != NULL)
		set_handler(ignore);
}
*/
import "C"

import "sync"

// ALSA stops ALSA from writing to standard error, which is the program's.
// Besides real failures, which it also returns, it complains whenever one of
// the Go runtime's signals interrupts its poll.
func ALSA() { once.Do(func() { C.quiet_alsa() }) }

var once sync.Once
