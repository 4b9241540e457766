#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONTROL_FD 5

static void *boot_map = MAP_FAILED;

/* Takes all of buf as granted paths; the plan points into it. 0 or -1. */
static int take_paths(struct confine_plan *plan, const uint8_t *buf, size_t len,
		      size_t n)
{
	struct control_path p;

	if (n > CONFINE_PATHS)
		return -1;
	for (plan->npaths = 0; plan->npaths < n; plan->npaths++) {
		struct confine_path *to = &plan->paths[plan->npaths];

		if (len < sizeof(p))
			return -1;
		memcpy(&p, buf, sizeof(p));
		buf += sizeof(p);
		len -= sizeof(p);
		if (p.len < 2 || p.len > len || buf[0] != '/' ||
		    memchr(buf, 0, p.len) != buf + p.len - 1)
			return -1;
		to->access = p.access;
		to->path = (const char *)buf;
		buf += p.len;
		len -= p.len;
	}
	return len ? -1 : 0;
}

int control_boot(struct confine_plan *plan)
{
	struct control_boot b;
	uint8_t *buf;
	ssize_t n;
	size_t limits, rest;

	/* Mapped, not static: it is gone again before a booth is idle. */
	boot_map = mmap(NULL, CONTROL_MAX, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (boot_map == MAP_FAILED)
		return -1;
	buf = boot_map;
	n = read(CONTROL_FD, buf, CONTROL_MAX);
	if (n < (ssize_t)sizeof(b))
		return -1;
	memcpy(&b, buf, sizeof(b));
	limits = (size_t)b.nlimits * sizeof(struct confine_limit);
	rest = sizeof(b) + limits + b.filter_len;
	if (b.magic != CONTROL_MAGIC || b.nlimits > 32 ||
	    b.filter_len > CONTROL_MAX || (size_t)n != rest + b.paths_len ||
	    take_paths(plan, buf + rest, b.paths_len, b.npaths))
		return -1;
	plan->limits = (const void *)(buf + sizeof(b));
	plan->nlimits = b.nlimits;
	plan->filter = buf + sizeof(b) + limits;
	plan->filter_len = b.filter_len;
	plan->landlock = (b.flags & CONTROL_LANDLOCK) != 0;
	plan->new_privs = (b.flags & CONTROL_NEW_PRIVS) != 0;
	return 0;
}

void control_done(void)
{
	munmap(boot_map, CONTROL_MAX);
}

int control_confined(const struct confine_result *r)
{
	struct control_confined c = {
	    .magic = CONTROL_MAGIC,
	    .landlock_abi = r->landlock_abi,
	    .listener = r->listener,
	};
	char go;

	if (write(CONTROL_FD, &c, sizeof(c)) != sizeof(c))
		return -1;
	if (read(CONTROL_FD, &go, 1) != 1)
		return -1;
	/* Who holds the listener answers this process's own calls: it must
	 * not be here when foreign code is. The jailer checks from outside. */
	return close(r->listener);
}

int control_load(struct control_load *m, int libs[CONTROL_LIBS])
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * CONTROL_LIBS)];
		struct cmsghdr align;
	} u;
	struct iovec io = {m, sizeof(*m)};
	struct msghdr h = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = u.buf,
			   .msg_controllen = sizeof(u.buf)};
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(CONTROL_FD, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	c = CMSG_FIRSTHDR(&h);
	if (n != sizeof(*m) || m->magic != CONTROL_MAGIC || m->nlibs < 1 ||
	    m->nlibs > CONTROL_LIBS || h.msg_flags & MSG_CTRUNC || !c ||
	    c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int) * m->nlibs))
		return -1;
	m->entry[CONTROL_ENTRY - 1] = 0;
	memcpy(libs, CMSG_DATA(c), sizeof(int) * m->nlibs);
	return close(CONTROL_FD) ? -1 : 1;
}
