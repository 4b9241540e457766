/* Confines this process for good. One function, one file per system. */
#ifndef ISOBOOTH_CONFINE_H
#define ISOBOOTH_CONFINE_H

#include <stddef.h>
#include <stdint.h>

/* What stops a confinement; also the worker's exit codes, which
 * runner/jail/boot_linux.go turns into the layer's name. */
enum {
	CONFINE_FDS = 64, /* a descriptor is missing or one too many */
	CONFINE_RLIMIT = 65,
	CONFINE_LANDLOCK = 66,
	CONFINE_NO_NEW_PRIVS = 67,
	CONFINE_SECCOMP = 68,
	CONFINE_CONTROL = 69 /* the jailer is gone or spoke nonsense */
};

struct confine_limit {
	uint32_t resource; /* RLIMIT_*, this machine's numbers */
	uint32_t zero;
	uint64_t max; /* soft and hard; UINT64_MAX is no limit */
};

/* What a granted path may be opened for. Nothing is ever executed, and no
 * socket, pipe, device or symbolic link is made. */
enum confine_access {
	CONFINE_READ = 1,  /* files, and the names in folders */
	CONFINE_WRITE = 2, /* and write, make and remove them */
	CONFINE_DEVICE = 4 /* and talk to it with ioctl(2) */
};

struct confine_path {
	uint32_t access; /* enum confine_access */
	const char *path;
};

enum { CONFINE_PATHS = 80 };

struct confine_plan {
	const struct confine_limit *limits;
	size_t nlimits;
	struct confine_path paths[CONFINE_PATHS]; /* all must be there */
	size_t npaths;
	const void *filter; /* struct sock_filter[], as seccomp(2) takes it */
	size_t filter_len;  /* in bytes */
	int landlock; /* 0: the profile's owner allowed it to be missing */
	/* 1: leave no_new_privs out, which a self-test does to see what it
	 * stops; the filter then needs CAP_SYS_ADMIN, seccomp(2). */
	int new_privs;
};

struct confine_result {
	int32_t listener;      /* seccomp notify descriptor */
	uint32_t landlock_abi; /* 0: not applied */
};

/* Applies rlimits, Landlock, no_new_privs and the seccomp filter, in this
 * order, to the only thread there is. Returns 0, or one of the codes above
 * with errno set; the caller must then exit.
 *
 * What still works afterwards: what the filter's run rules allow, and what
 * the jailer, who holds the listener, lets continue while the booth loads.
 * Files: no path can be opened for reading, writing or executing, except the
 * four devices of the private /dev, what the plan grants, and descriptors the
 * host handed in.
 */
int confine(const struct confine_plan *plan, struct confine_result *result);

#endif
