/* Makes one call on paths for each trigger: "CALL PATH [PATH]". Its status is
 * the errno, 0 if the call worked; its result what it read. HOLD is a path
 * that it opens while it loads and keeps open, HOLD_FLAGS how. MAPS is one
 * that it maps as code while it loads; "mapped" tells the errno. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <isobooth/plugin.h>
#include <linux/un.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "raw.h"

static const struct isobooth_host *host;
static char text[4096];
static long mapped = -1;

#define CWD AT_FDCWD
#define CALL(nr, a, b, c, d, e)                                                \
	raw(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

static long closed(long fd)
{
	if (fd >= 0)
		CALL(SYS_close, fd, 0, 0, 0, 0);
	return fd < 0 ? fd : 0;
}

static long open_path(const char *path, int flags, int mode)
{
	return CALL(SYS_openat, CWD, path, flags, mode, 0);
}

static long read_file(const char *path)
{
	long fd = open_path(path, O_RDONLY, 0), n;

	if (fd < 0)
		return fd;
	n = CALL(SYS_read, fd, text, sizeof(text) - 1, 0, 0);
	closed(fd);
	if (n < 0)
		return n;
	host->result(text, (size_t)n);
	return 0;
}

static long write_file(const char *path, int flags, int mode)
{
	static const char word[] = "booth\n";
	long fd = open_path(path, O_WRONLY | flags, mode), n;

	if (fd < 0)
		return fd;
	n = CALL(SYS_write, fd, word, sizeof(word) - 1, 0, 0);
	closed(fd);
	return n < 0 ? n : 0;
}

/* Names, each with a space behind it. */
static long list(const char *path)
{
	struct entry {
		uint64_t ino, off;
		uint16_t len;
		uint8_t type;
		char name[];
	};
	static char names[4096];
	long fd = open_path(path, O_RDONLY | O_DIRECTORY, 0), n;
	size_t have = 0;

	if (fd < 0)
		return fd;
	n = CALL(SYS_getdents64, fd, text, sizeof(text), 0, 0);
	closed(fd);
	for (long at = 0; at < n;) {
		const struct entry *e = (const void *)(text + at);
		size_t len = strlen(e->name);

		if (e->name[0] != '.' && have + len + 1 < sizeof(names)) {
			memcpy(names + have, e->name, len);
			names[have + len] = ' ';
			have += len + 1;
		}
		at += e->len;
	}
	host->result(names, have);
	return n < 0 ? n : 0;
}

static long map(const char *path, int prot)
{
	long fd = open_path(path, O_RDONLY, 0), at;

	if (fd < 0)
		return fd;
	at = raw(SYS_mmap, 0, 4096, prot, MAP_PRIVATE, fd, 0);
	closed(fd);
	return at < 0 && at > -4096 ? at : 0;
}

/* Opens what a descriptor that could only be named leads to. */
static long opath(const char *path)
{
	char link[32] = "/proc/self/fd/";
	long fd = open_path(path, O_PATH, 0), err;
	size_t n = strlen(link);

	if (fd < 0)
		return fd;
	if (fd > 9)
		link[n++] = (char)('0' + fd / 10);
	link[n] = (char)('0' + fd % 10);
	link[n + 1] = 0;
	err = closed(open_path(link, O_RDWR, 0));
	closed(fd);
	return err;
}

/* Makes a file, then lends it to whoever executes it. */
static long lend(const char *path)
{
	long fd = open_path(path, O_WRONLY | O_CREAT, 0700), err;

	if (fd < 0)
		return fd;
	err = CALL(SYS_fchmod, fd, 04755, 0, 0, 0);
	closed(fd);
	return err;
}

/* Writes until it cannot; the result is how many KiB that were. */
static long fill(const char *path)
{
	static char block[65536];
	long fd = open_path(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), n;
	unsigned long long kib = 0;
	char *end = text + sizeof(text), *at = end;

	memset(block, 'x', sizeof(block));
	if (fd < 0)
		return fd;
	while ((n = CALL(SYS_write, fd, block, sizeof(block), 0, 0)) > 0)
		kib += (unsigned long long)n / 1024;
	closed(fd);
	do
		*--at = (char)('0' + kib % 10);
	while (kib /= 10);
	host->result(at, (size_t)(end - at));
	return n;
}

static long make_socket(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	long fd = CALL(SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0, 0), err;

	if (fd < 0)
		return fd;
	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	err = CALL(SYS_bind, fd, &a, sizeof(a), 0, 0);
	closed(fd);
	return err;
}

static long env(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		return -2;
	host->result(value, strlen(value));
	return 0;
}

#define IS(word) (!strcmp(call, word))

static long act(const char *call, const char *p, const char *q)
{
	struct stat st;

	if (IS("read"))
		return read_file(p);
	if (IS("list"))
		return list(p);
	if (IS("stat"))
		return CALL(SYS_newfstatat, CWD, p, &st, 0, 0);
	if (IS("write"))
		return write_file(p, 0, 0);
	if (IS("create"))
		return write_file(p, O_CREAT | O_EXCL, 0600);
	if (IS("truncate"))
		return closed(open_path(p, O_WRONLY | O_TRUNC, 0));
	if (IS("create-setid"))
		return write_file(p, O_CREAT | O_EXCL, 04755);
	if (IS("lend"))
		return lend(p);
	if (IS("mkdir"))
		return CALL(SYS_mkdirat, CWD, p, 0700, 0, 0);
	if (IS("unlink"))
		return CALL(SYS_unlinkat, CWD, p, 0, 0, 0);
	if (IS("rmdir"))
		return CALL(SYS_unlinkat, CWD, p, AT_REMOVEDIR, 0, 0);
	if (IS("rename"))
		return CALL(SYS_renameat2, CWD, p, CWD, q, 0);
	if (IS("link"))
		return CALL(SYS_linkat, CWD, p, CWD, q, 0);
	if (IS("symlink"))
		return CALL(SYS_symlinkat, p, CWD, q, 0, 0);
	if (IS("mknod"))
		return CALL(SYS_mknodat, CWD, p, S_IFCHR | 0666, makedev(1, 7),
			    0);
	if (IS("mkfifo"))
		return CALL(SYS_mknodat, CWD, p, S_IFIFO | 0666, 0, 0);
	if (IS("socket"))
		return make_socket(p);
	if (IS("exec")) {
		const char *const argv[] = {p, NULL};

		return CALL(SYS_execve, p, argv, argv + 1, 0, 0);
	}
	if (IS("map"))
		return map(p, PROT_READ);
	if (IS("map-code"))
		return map(p, PROT_READ | PROT_EXEC);
	if (IS("mapped"))
		return mapped;
	if (IS("opath"))
		return opath(p);
	if (IS("crash"))
		*(volatile int *)8 = 1;
	if (IS("fill"))
		return fill(p);
	if (IS("env"))
		return env(p);
	return -99;
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	static char words[512];
	char *p, *q;

	(void)self;
	strncpy(words, event->action, sizeof(words) - 1);
	p = strchr(words, ' ');
	if (p)
		*p++ = 0;
	q = p ? strchr(p, ' ') : NULL;
	if (q)
		*q++ = 0;
	return (int32_t)-act(words, p, q);
}

static int32_t start(const struct isobooth_host *h, void **self)
{
	*self = NULL;
	host = h;
#ifdef HOLD
	if (open_path(HOLD, HOLD_FLAGS, 0) < 0)
		return 1;
#endif
#ifdef MAPS
	mapped = map(MAPS, PROT_READ | PROT_EXEC);
#endif
	return 0;
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {.size = sizeof(table),
						    .abi = ISOBOOTH_ABI,
						    .name = "grants",
						    .version = "1",
						    .start = start,
						    .trigger = trigger};

	return abi == ISOBOOTH_ABI ? &table : NULL;
}
