/* Section 8 of the catalogue: information and residue. */
#include "attack.h"

#include <sys/sysinfo.h>
#include <sys/utsname.h>

static long host_name(void)
{
	struct utsname u;
	long err = raw(SYS_uname, (long)&u, 0, 0, 0, 0, 0);

	if (err >= 0)
		say(u.nodename, length(u.nodename));
	return err;
}

/* Says what the file named in text holds. */
static long identity(void)
{
	return tell(raw(SYS_openat, AT_FDCWD, (long)p.text, O_RDONLY, 0, 0, 0));
}

/* The file named in text, of the process that runs the self-test. */
static long of_host(void)
{
	char path[sizeof(p.text) + 32], text[256];
	long fd, n, last = 0;

	*word(decimal(word(path, "/proc/"), p.host), p.text) = 0;
	fd = raw(SYS_openat, AT_FDCWD, (long)path, O_RDONLY, 0, 0, 0);
	if (fd < 0)
		return fd;
	while ((n = raw(SYS_read, fd, (long)text, sizeof(text), 0, 0, 0)) > 0) {
		say(text, (size_t)n);
		last = n;
	}
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return n < 0 ? n : last;
}

/* Uptime, load and memory of the machine. */
static long machine_state(void)
{
	struct sysinfo info;

	return raw(SYS_sysinfo, (long)&info, 0, 0, 0, 0, 0);
}

static void attack(void)
{
	RUN(host_name);
	RUN(identity);
	RUN(of_host);
	RUN(machine_state);
}
