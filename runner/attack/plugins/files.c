/* Section 3 of the catalogue: files, by every name they have. What is opened
 * is never written to. */
#include "attack.h"

#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* A path put together of a row's text and a parameter. */
struct path {
	char text[sizeof(p.text) + sizeof(p.secret)];
};

static const char *join(struct path *to, const char *a, const char *b)
{
	*word(word(to->text, a), b) = 0;
	return to->text;
}

static long look(const char *path)
{
	return tell(raw(SYS_openat, AT_FDCWD, (long)path,
			O_RDONLY | O_NOCTTY | O_NONBLOCK, 0, 0, 0));
}

static long read_secret(void)
{
	return look(p.secret);
}

/* The secret, with text in front of its path. */
static long read_spelled(void)
{
	struct path path;

	return look(join(&path, p.text, p.secret));
}

/* The secret, with text between its folder and its name. */
static long read_inside(void)
{
	struct path path;

	join(&path, p.folder, p.text);
	*word(path.text + length(path.text), "/secret") = 0;
	return look(path.text);
}

/* The secret, below what text names: a folder that need not be readable. */
static long read_below(void)
{
	long dir = raw(SYS_openat, AT_FDCWD, (long)p.text, O_PATH | O_DIRECTORY,
		       0, 0, 0);
	long n;

	if (dir < 0)
		return dir;
	n = tell(raw(SYS_openat, dir, (long)(p.secret + 1), O_RDONLY, 0, 0, 0));
	raw(SYS_close, dir, 0, 0, 0, 0, 0);
	return n;
}

/* The secret, in the root of another process: arg 0 is the sentinel, 1 the
 * process that runs the self-test. */
static long read_root_of(void)
{
	struct path path;
	char *end = word(path.text, "/proc/");

	end = decimal(end, p.arg ? p.host : p.sentinel);
	*word(word(end, "/root"), p.secret) = 0;
	return look(path.text);
}

static long read_openat2(void)
{
	struct open_how how;

	how.flags = O_RDONLY;
	how.mode = 0;
	how.resolve = RESOLVE_NO_MAGICLINKS;
	return tell(raw(SYS_openat2, AT_FDCWD, (long)p.secret, (long)&how,
			sizeof(how), 0, 0));
}

/* Under the number that only older processors have. */
static long read_open(void)
{
#ifdef SYS_open
	return tell(raw(SYS_open, (long)p.secret, O_RDONLY, 0, 0, 0, 0));
#else
	return -ENOSYS;
#endif
}

/* What text names, opened in the way that arg says and closed again. */
static long open_named(void)
{
	long fd = raw(SYS_openat, AT_FDCWD, (long)p.text,
		      p.arg | O_NOCTTY | O_NONBLOCK, 0, 0, 0);

	if (fd >= 0)
		raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return fd;
}

/* What text names, first opened as a name only, which needs no right, and
 * then by that descriptor's own name, to write. */
static long reopen_path(void)
{
	struct path path;
	long name = raw(SYS_openat, AT_FDCWD, (long)p.text, O_PATH, 0, 0, 0);
	long fd;

	if (name < 0)
		return name;
	*decimal(word(path.text, "/proc/self/fd/"), name) = 0;
	fd = raw(SYS_openat, AT_FDCWD, (long)path.text, O_WRONLY, 0, 0, 0);
	if (fd >= 0)
		raw(SYS_close, fd, 0, 0, 0, 0, 0);
	raw(SYS_close, name, 0, 0, 0, 0, 0);
	return fd;
}

/* Devices that no profile of ours grants, those that are harmless to open.
 * Returns how many could be, or why the last could not. */
static long open_devices(void)
{
	static const char names[] =
	    "mem kmem port kmsg ptmx tty tty0 ttyS0 console kvm fuse "
	    "net/tun snd/seq snd/timer input/event0 "
	    "input/mice dri/card0 dri/renderD128 uinput vhost-net vhost-vsock "
	    "loop-control loop0 sda vda nvme0n1 dm-0 mapper/control hidraw0 "
	    "video0 i2c-0 cpu/0/msr nvram rtc0 hwrng userfaultfd shm mqueue";
	struct path path;
	long opened = 0, err = -ENOENT;

	for (const volatile char *at = names; *at;) {
		char *end = word(path.text, "/dev/");

		while (*at && *at != ' ')
			*end++ = *at++;
		while (*at == ' ')
			at++;
		*end = 0;
		long fd = raw(SYS_openat, AT_FDCWD, (long)path.text,
			      O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, 0, 0);

		if (fd >= 0) {
			raw(SYS_close, fd, 0, 0, 0, 0, 0);
			opened++;
		} else {
			err = fd;
		}
	}
	return opened > 0 ? opened : err;
}

/* ---- names that are made ---- */

static long link_symbolic(void)
{
	return raw(SYS_symlinkat, (long)p.secret, AT_FDCWD, (long)p.canary, 0,
		   0, 0);
}

/* In place of what text names, which the host has: EEXIST. */
static long link_over(void)
{
	return raw(SYS_symlinkat, (long)"/", AT_FDCWD, (long)p.text, 0, 0, 0);
}

static long link_hard(void)
{
	return raw(SYS_linkat, AT_FDCWD, (long)p.secret, AT_FDCWD,
		   (long)p.canary, 0, 0);
}

static long rename_secret(void)
{
	return raw(SYS_renameat2, AT_FDCWD, (long)p.secret, AT_FDCWD,
		   (long)p.canary, 0, 0);
}

static long make_folder(void)
{
	return raw(SYS_mkdirat, AT_FDCWD, (long)p.canary, 0777, 0, 0, 0);
}

/* A node of type arg: characters are /dev/null, blocks the first memory disk.
 * Nobody opens it. */
static long make_node(void)
{
	return raw(SYS_mknodat, AT_FDCWD, (long)p.canary, p.arg | 0600,
		   p.arg == S_IFCHR   ? 0x103
		   : p.arg == S_IFBLK ? 0x100
				      : 0,
		   0, 0);
}

/* ---- code from files ---- */

static long drop(void)
{
	static const char script[] = "#!/bin/sh\n:\n";
	long fd = raw(SYS_openat, AT_FDCWD, (long)p.canary,
		      O_RDWR | O_CREAT | O_CLOEXEC, 0777, 0, 0);

	if (fd >= 0)
		raw(SYS_write, fd, (long)script, sizeof(script) - 1, 0, 0, 0);
	return fd;
}

static long drop_and_map(void)
{
	long fd = drop();

	return fd < 0 ? fd
		      : raw(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC,
			    MAP_PRIVATE, fd, 0);
}

static long drop_and_execute(void)
{
	char *volatile argv[2];
	long fd = drop();

	if (fd < 0)
		return fd;
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	argv[0] = p.canary;
	argv[1] = NULL;
	return raw(SYS_execve, (long)p.canary, (long)argv, 0, 0, 0, 0);
}

/* Code from what text names, which may be opened while the library loads. */
static long map_device(void)
{
	long fd = raw(SYS_openat, AT_FDCWD, (long)p.text, O_RDONLY, 0, 0, 0);
	long at;

	if (fd < 0)
		return fd;
	at = raw(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return at < 0 && at > -4096 ? at : 0;
}

/* The set-uid program that text names makes the canary. */
static long execute_other(void)
{
	char *volatile argv[3];

	argv[0] = "touch";
	argv[1] = p.canary;
	argv[2] = NULL;
	return raw(SYS_execve, (long)p.text, (long)argv, 0, 0, 0, 0);
}

static void attack(void)
{
	RUN(read_secret);
	RUN(read_spelled);
	RUN(read_inside);
	RUN(read_below);
	RUN(read_root_of);
	RUN(read_openat2);
	RUN(read_open);
	RUN(open_named);
	RUN(reopen_path);
	RUN(open_devices);
	RUN(link_symbolic);
	RUN(link_over);
	RUN(link_hard);
	RUN(rename_secret);
	RUN(make_folder);
	RUN(make_node);
	RUN(drop_and_map);
	RUN(drop_and_execute);
	RUN(map_device);
	RUN(execute_other);
}
