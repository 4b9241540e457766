/* Section 3 of the catalogue: namespaces, mounts, files. */
#include "attack.h"

#include <sched.h>
#include <sys/shm.h>

static long unshare_user(void)
{
	return raw(SYS_unshare, CLONE_NEWUSER, 0, 0, 0, 0, 0);
}

static long read_secret(void)
{
	char text[256];
	long fd = raw(SYS_openat, AT_FDCWD, (long)p.secret, O_RDONLY, 0, 0, 0);
	long n;

	if (fd < 0)
		return fd;
	n = raw(SYS_read, fd, (long)text, sizeof(text), 0, 0, 0);
	if (n > 0)
		say(text, (size_t)n);
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return n;
}

static long read_segment(void)
{
	long id = raw(SYS_shmget, p.shm, 0, 0, 0, 0, 0);
	long at;

	if (id < 0)
		return id;
	at = raw(SYS_shmat, id, 0, SHM_RDONLY, 0, 0, 0);
	if (at < 0 && at > -4096)
		return at;
	say((const char *)at, 64);
	raw(SYS_shmdt, at, 0, 0, 0, 0, 0);
	return 0;
}

static void attack(void)
{
	RUN(unshare_user);
	RUN(read_secret);
	RUN(read_segment);
}
