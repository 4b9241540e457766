//go:build cgo

package portmidi

/*
#cgo LDFLAGS: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

typedef void handler(const char *file, int line, const char *function, int err, const char *fmt, ...);

static void ignore(const char *file, int line, const char *function, int err, const char *fmt, ...) {}

// PortMidi links libasound; we need only this one function of it, so we look
// it up instead of asking for its headers to be installed.
static void quiet_alsa(void) {
	int (*set_handler)(handler *) = (int (*)(handler *))dlsym(RTLD_DEFAULT, "snd_lib_error_set_handler");
	if (set_handler != NULL)
		set_handler(ignore);
}
*/
import "C"

// quiet stops ALSA from writing to standard error, which is the program's.
// Besides real failures, which PortMidi also returns, it complains whenever
// one of the Go runtime's signals interrupts its poll. library.mu is held.
func quiet() { C.quiet_alsa() }
