#define _GNU_SOURCE
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Access rights newer than the headers of Debian 12 (Linux 6.1); numbers from
 * include/uapi/linux/landlock.h of the kernel version named. */
#define FS_REFER (1ULL << 13)	  /* ABI 2, Linux 5.19 */
#define FS_TRUNCATE (1ULL << 14)  /* ABI 3, Linux 6.2 */
#define FS_IOCTL_DEV (1ULL << 15) /* ABI 5, Linux 6.10 */
#define NET_ALL 3ULL		  /* bind and connect; ABI 4, Linux 6.7 */
#define SCOPE_ALL 3ULL /* abstract sockets and signals; ABI 6, Linux 6.12 */

struct ruleset_attr { /* ABI 6 layout; the size passed follows the ABI */
	uint64_t fs, net, scoped;
};

static int set_limits(const struct confine_limit *l, size_t n)
{
	for (; n > 0; n--, l++) {
		struct rlimit r;

		r.rlim_cur = r.rlim_max =
		    l->max == UINT64_MAX ? RLIM_INFINITY : (rlim_t)l->max;
		if (setrlimit((int)l->resource, &r) < 0)
			return -1;
	}
	return 0;
}

/* Allows the given rights below one file; a device that the root does not
 * hold is not an error, it just stays out of reach. */
static int allow(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr a = {.allowed_access = rights};
	int err;

	a.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (a.parent_fd < 0)
		return errno == ENOENT ? 0 : -1;
	err = (int)syscall(SYS_landlock_add_rule, ruleset,
			   LANDLOCK_RULE_PATH_BENEATH, &a, 0);
	close(a.parent_fd);
	return err;
}

/* Allows what one granted path is granted for. Renaming and linking from one
 * folder to another (FS_REFER) stays out: a file could get rights that it did
 * not have where it was. */
static int grant(int ruleset, int abi, const struct confine_path *p)
{
	struct landlock_path_beneath_attr a = {
	    .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};
	struct stat st;
	int err;

	a.parent_fd = open(p->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (a.parent_fd < 0)
		return -1;
	err = fstat(a.parent_fd, &st);
	if (!err && S_ISLNK(st.st_mode)) {
		errno = ELOOP;
		err = -1;
	}
	if (p->access & CONFINE_WRITE) {
		a.allowed_access |= LANDLOCK_ACCESS_FS_WRITE_FILE;
		if (abi >= 3)
			a.allowed_access |= FS_TRUNCATE;
	}
	if (p->access & CONFINE_DEVICE && abi >= 5)
		a.allowed_access |= FS_IOCTL_DEV;
	if (!err && S_ISDIR(st.st_mode)) {
		a.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
		if (p->access & CONFINE_WRITE)
			a.allowed_access |= LANDLOCK_ACCESS_FS_MAKE_REG |
					    LANDLOCK_ACCESS_FS_MAKE_DIR |
					    LANDLOCK_ACCESS_FS_REMOVE_FILE |
					    LANDLOCK_ACCESS_FS_REMOVE_DIR;
	}
	if (!err)
		err = (int)syscall(SYS_landlock_add_rule, ruleset,
				   LANDLOCK_RULE_PATH_BENEATH, &a, 0);
	close(a.parent_fd);
	return err;
}

static int restrict_files(const struct confine_plan *plan, uint32_t *abi_out)
{
	struct ruleset_attr a = {0};
	size_t size = offsetof(struct ruleset_attr, net);
	const uint64_t r = LANDLOCK_ACCESS_FS_READ_FILE;
	const uint64_t rw = r | LANDLOCK_ACCESS_FS_WRITE_FILE;
	int abi, ruleset;

	abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 0)
		return -1;
	a.fs = (1ULL << 13) - 1; /* everything in ABI 1, Linux 5.13 */
	if (abi >= 2)
		a.fs |= FS_REFER;
	if (abi >= 3)
		a.fs |= FS_TRUNCATE;
	if (abi >= 4) {
		a.net = NET_ALL;
		size = offsetof(struct ruleset_attr, scoped);
	}
	if (abi >= 5)
		a.fs |= FS_IOCTL_DEV;
	if (abi >= 6) {
		a.scoped = SCOPE_ALL;
		size = sizeof(a);
	}
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
	if (ruleset < 0)
		return -1;
	/* Nothing else may be opened: libraries arrive as sealed memfds, which
	 * Landlock does not govern (they live on no mounted file system). */
	if (allow(ruleset, "/dev/null", rw) || allow(ruleset, "/dev/zero", r) ||
	    allow(ruleset, "/dev/random", r) ||
	    allow(ruleset, "/dev/urandom", r))
		goto fail;
	for (size_t i = 0; i < plan->npaths; i++)
		if (grant(ruleset, abi, &plan->paths[i]))
			goto fail;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0))
		goto fail;
	close(ruleset);
	*abi_out = (uint32_t)abi;
	return 0;
fail:
	abi = errno;
	close(ruleset);
	errno = abi;
	return -1;
}

int confine(const struct confine_plan *plan, struct confine_result *result)
{
	struct sock_fprog prog = {
	    .len =
		(unsigned short)(plan->filter_len / sizeof(struct sock_filter)),
	    .filter = (struct sock_filter *)plan->filter,
	};

	result->landlock_abi = 0;
	if (set_limits(plan->limits, plan->nlimits))
		return CONFINE_RLIMIT;
	/* libcontainer has set it already; seccomp(2) and Landlock need it. */
	if (!plan->new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return CONFINE_NO_NEW_PRIVS;
	if (plan->landlock && restrict_files(plan, &result->landlock_abi))
		return CONFINE_LANDLOCK;
	/* Since Linux 5.0. A second listener in one filter chain fails with
	 * EBUSY, and seccomp(2) itself is refused from here on, so no code
	 * loaded later can win its own. */
	result->listener =
	    (int32_t)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			     SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
	return result->listener < 0 ? CONFINE_SECCOMP : 0;
}
