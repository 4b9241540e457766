/* Makes refused calls with arguments that are hard to look at, from a trigger
 * whose action says which. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <isobooth/plugin.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "raw.h"

#define PAGE 4096

static const struct isobooth_host *host;

static long open_at(const void *path)
{
	return raw(SYS_openat, AT_FDCWD, (long)path, O_RDONLY, 0, 0, 0);
}

/* One buffer for all of them. */
static long different(long n)
{
	char path[32];
	long ret = 0;

	for (long i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/path/%ld", i);
		ret = open_at(path);
	}
	return ret;
}

static long repeated(long n)
{
	long ret = 0;

	while (n--)
		ret = open_at("/etc/passwd");
	return ret;
}

static long parent(long n)
{
	long ret = 0;

	while (n--)
		ret = raw(SYS_getppid, 0, 0, 0, 0, 0, 0);
	return ret;
}

static char *two_pages(void)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Three letters and no NUL, and then no memory. */
static long at_the_edge(void)
{
	char *p = two_pages();

	if (!p || munmap(p + PAGE, PAGE))
		return -999;
	memcpy(p + PAGE - 3, "abc", 3);
	return open_at(p + PAGE - 3);
}

static long across(void)
{
	char *p = two_pages();

	if (!p)
		return -999;
	strcpy(p + PAGE - 3, "abcdef");
	return open_at(p + PAGE - 3);
}

static long endless(void)
{
	static char path[1 << 20];

	memset(path, 'a', sizeof(path) - 1);
	return open_at(path);
}

static char turning[8] = "/one";

static void *turn(void *arg)
{
	for (;;)
		memcpy(turning, turning[1] == 'o' ? "/two" : "/one", 5);
	return arg;
}

static long race(long n)
{
	pthread_t t;
	long ret = 0;

	if (pthread_create(&t, NULL, turn, NULL))
		return -999;
	while (n--)
		ret = open_at(turning);
	return ret;
}

static void *hammer(void *arg)
{
	for (;;)
		different(64);
	return arg;
}

/* Dies with calls of another thread under way. */
static long die(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, hammer, NULL))
		return -999;
	different(8);
	raw(SYS_exit_group, 7, 0, 0, 0, 0, 0);
	return 0;
}

static long connect_to(const void *addr, long len)
{
	return raw(SYS_connect, 3, (long)addr, len, 0, 0, 0);
}

static long addresses(void)
{
	struct sockaddr_in four = {.sin_family = AF_INET,
				   .sin_port = htons(80)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6,
				   .sin6_port = htons(443),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_un local = {AF_UNIX, "/run/bus"};
	struct sockaddr_un hidden = {AF_UNIX, "\0hidden"};

	four.sin_addr.s_addr = htonl(0xc0000207);
	connect_to(&four, sizeof(four));
	connect_to(&six, sizeof(six));
	connect_to(&local, sizeof(local));
	connect_to(&hidden, sizeof(sa_family_t) + 7);
	connect_to(&four, 1 << 30);
	connect_to((void *)64, sizeof(four));
	connect_to(&four, -1);
	connect_to(&four, 1);
	return connect_to(NULL, 0);
}

static long constants(void)
{
	raw(SYS_openat, 3, (long)"/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0640,
	    0, 0);
	raw(SYS_socket, AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 17, 0, 0, 0);
	raw(SYS_mmap, 0, PAGE, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	raw(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0, 0);
	raw(SYS_kill, 1, 9, 0, 0, 0, 0);
	raw(SYS_ioctl, 99, 0x5412, 0, 0, 0, 0);
	raw(SYS_fcntl, 3, F_SETFL, O_NONBLOCK, 0, 0, 0);
	raw(SYS_clone, CLONE_NEWUSER | 17, 0, 0, 0, 0, 0);
	return raw(SYS_execve, (long)"/bin/sh", 0, 0, 0, 0, 0);
}

#define IS(name) (!strcmp(word, name))

static long attack(const char *action)
{
	char word[32];
	long n = 0;

	if (sscanf(action, "%31s %ld", word, &n) < 1)
		return -999;
	if (IS("different"))
		return different(n);
	if (IS("repeated"))
		return repeated(n);
	if (IS("parent"))
		return parent(n);
	if (IS("unmapped"))
		return open_at((void *)64);
	if (IS("kernel"))
		return open_at((void *)-PAGE);
	if (IS("wrap"))
		return open_at((void *)-1);
	if (IS("null"))
		return open_at(NULL);
	if (IS("edge"))
		return at_the_edge();
	if (IS("across"))
		return across();
	if (IS("endless"))
		return endless();
	if (IS("text"))
		return open_at("\x1b[2J\r\n\x07\"\\\xff\xfe\xe2\x80\xae");
	if (IS("race"))
		return race(n);
	if (IS("die"))
		return die();
	if (IS("addresses"))
		return addresses();
	if (IS("constants"))
		return constants();
	return 0;
}

static int32_t start(const struct isobooth_host *h, void **self)
{
	*self = NULL;
	host = h;
	return 0;
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld", attack(event->action));

	(void)self;
	return host->result(text, (size_t)n);
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {.size = sizeof(table),
						    .abi = ISOBOOTH_ABI,
						    .name = "denials",
						    .version = "1",
						    .start = start,
						    .trigger = trigger};

	return abi == ISOBOOTH_ABI ? &table : NULL;
}
