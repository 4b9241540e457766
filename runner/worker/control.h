/* The control socket, fd 5, open only until a library loads. The jailer gives
 * its end to the daemon, which sends LOAD (runner/control/handover_linux.go).
 *
 *     jailer                           worker
 *       |-> BOOT limits, filter, paths    |
 *       |          (confines itself)      |
 *       |       CONFINED abi, listener <- |
 *       | (takes the listener, pidfd_getfd)
 *       |-> GO                            |
 *       |          (closes its listener)  |
 *       |          waits: standby         |
 *       |-> LOAD kind, entry, memfds      |
 *       |          (closes the socket)    |
 *
 * Messages are SOCK_SEQPACKET packets in this machine's byte order: both ends
 * run the same kernel. runner/jail/boot_linux.go is the other end.
 */
#ifndef ISOBOOTH_CONTROL_H
#define ISOBOOTH_CONTROL_H

#include "confine.h"

enum {
	CONTROL_MAGIC = 0x69736231, /* "isb1" */
	CONTROL_MAX = 262144,	    /* bytes in a BOOT message: the filter is
				     * at most BPF_MAXINSNS * 8 = 32 KiB,
				     * the paths fewer than 128 KiB */
	CONTROL_LIBS = 33,	    /* libraries in a LOAD message */
	CONTROL_ENTRY = 64 /* bytes of the entry symbol, with its NUL */
};

enum control_flags {
	CONTROL_LANDLOCK = 1,  /* restrict files with Landlock */
	CONTROL_NEW_PRIVS = 2, /* only in a self-test: no no_new_privs */
};

struct control_boot {
	uint32_t magic;
	uint32_t flags; /* enum control_flags */
	uint32_t nlimits;
	uint32_t filter_len; /* bytes; follows the limits */
	uint32_t npaths;     /* at most CONFINE_PATHS */
	uint32_t paths_len;  /* bytes of all of them; follow the filter */
	/* struct confine_limit[nlimits], the filter, the paths: each a
	 * struct control_path and len bytes, the last of which is NUL */
};

struct control_path {
	uint32_t access; /* enum confine_access */
	uint32_t len;
};

struct control_confined {
	uint32_t magic;
	uint32_t landlock_abi;
	int32_t listener;
	uint32_t zero;
};

/* How the plugin is called. */
enum control_kind { KIND_ISOBOOTH = 1, KIND_EXECUTE = 2 };

struct control_load {
	uint32_t magic;
	uint32_t kind; /* enum control_kind */
	uint32_t
	    nlibs; /* descriptors that come with it; the last is the plugin */
	char entry[CONTROL_ENTRY];
};

/* Reads BOOT into a plan; the memory is unmapped by control_done. 0 or -1. */
int control_boot(struct confine_plan *plan);
/* Frees what control_boot mapped. */
void control_done(void);
/* Reports the confinement and waits for GO; closes the listener. 0 or -1. */
int control_confined(const struct confine_result *r);
/* Waits in standby for LOAD and closes the socket. libs gets m->nlibs
 * descriptors. Returns 1, 0 when the host hung up, or -1. */
int control_load(struct control_load *m, int libs[CONTROL_LIBS]);

#endif
