/* Does ATTACK from FROM: an IFUNC resolver, a constructor, the entry or
 * start(). Where it is not stopped, CANARY comes into being or PORT is called.
 * Triggers are answered. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <isobooth/plugin.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>

#include "raw.h"

#define IFUNC 1
#define CONSTRUCTOR 2
#define ENTRY 3
#define START 4

#ifndef CANARY
#define CANARY "/nowhere"
#endif
#ifndef PORT
#define PORT 9
#endif

/* No libc, no tables of pointers: a resolver runs before relocation. */
__attribute__((unused)) static void make_file(void)
{
	raw(SYS_openat, AT_FDCWD, (long)CANARY, O_WRONLY | O_CREAT, 0666, 0, 0);
}

__attribute__((unused)) static void attack_none(void)
{
}

__attribute__((unused)) static void attack_open(void)
{
	make_file();
}

__attribute__((unused)) static void attack_fork(void)
{
	if (raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0) == 0) {
		make_file();
		raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	}
}

__attribute__((unused)) static void attack_exec(void)
{
	const char *volatile argv[4];

	argv[0] = "sh";
	argv[1] = "-c";
	argv[2] = "echo > " CANARY;
	argv[3] = 0;
	raw(SYS_execve, (long)"/bin/sh", (long)argv, 0, 0, 0, 0);
}

__attribute__((unused)) static void attack_connect(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	long fd = raw(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);

	a.sin_port = (uint16_t)((PORT & 255) << 8 | PORT >> 8);
	a.sin_addr.s_addr = 0x0100007f;
	raw(SYS_connect, fd, (long)&a, sizeof(a), 0, 0, 0);
}

__attribute__((unused)) static void *thread(void *arg)
{
	make_file();
	return arg;
}

__attribute__((unused)) static void attack_thread(void)
{
	pthread_t t;

	if (pthread_create(&t, 0, thread, 0) == 0)
		pthread_join(t, 0);
}

/* One refused call, so that the host knows that it is here; then for ever. */
__attribute__((unused)) static void attack_hang(void)
{
	raw(SYS_getppid, 0, 0, 0, 0, 0, 0);
	for (;;)
		;
}

__attribute__((unused)) static void attack_crash(void)
{
	*(volatile int *)8 = 1;
}

__attribute__((unused)) static void attack_exit(void)
{
	raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

struct frame {
	uint32_t size;
	uint16_t type, version;
	uint64_t id;
	uint32_t a, b;
};

/* READY before anyone asked. */
__attribute__((unused)) static void attack_early(void)
{
	struct frame f = {.size = 24, .type = 0x82, .version = 1, .id = 1};

	raw(SYS_write, 4, (long)&f, 24, 0, 0, 0);
}

/* LOADED in the worker's name. */
__attribute__((unused)) static void attack_loaded(void)
{
	struct frame f = {.size = 24, .type = 0x81, .version = 1, .a = 1};

	raw(SYS_write, 4, (long)&f, 24, 0, 0, 0);
}

__attribute__((unused)) static void attack_close(void)
{
	raw(SYS_close, 4, 0, 0, 0, 0, 0);
}

/* Hangs up, but lives on. */
__attribute__((unused)) static void attack_hangup(void)
{
	attack_close();
	for (;;)
		;
}

/* Leaves a descriptor of its own behind. */
__attribute__((unused)) static void attack_keep(void)
{
	raw(SYS_openat, AT_FDCWD, (long)"/dev/null", O_RDONLY, 0, 0, 0);
}

#if FROM == IFUNC
static int target(void)
{
	return 0;
}

static int (*resolve(void))(void)
{
	ATTACK();
	return target;
}

int hooked(void) __attribute__((ifunc("resolve")));
#else
static int hooked(void)
{
	return 0;
}
#endif

#if FROM == CONSTRUCTOR
__attribute__((constructor)) static void constructor(void)
{
	ATTACK();
}
#endif

static int32_t start(const struct isobooth_host *host, void **self)
{
	(void)host;
	*self = NULL;
#if FROM == START
	ATTACK();
#endif
	return 0;
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	(void)self;
	(void)event;
	return hooked();
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {.size = sizeof(table),
						    .abi = ISOBOOTH_ABI,
						    .name = "load",
						    .version = "1",
						    .start = start,
						    .trigger = trigger};

#if FROM == ENTRY
	ATTACK();
#endif
	return abi == ISOBOOTH_ABI ? &table : NULL;
}
