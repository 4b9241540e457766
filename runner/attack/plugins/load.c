/* Section 1 of the catalogue: payloads of the loader's own doing, and code
 * that makes more code. */
#include "attack.h"

#include <sched.h>
#include <sys/mman.h>

static long nothing(void)
{
	return 0;
}

static long fork_canary(void)
{
	long pid = raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);

	if (pid == 0) {
		open_canary();
		raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	}
	return pid;
}

/* What a shell is called with to make the canary. */
struct shell {
	char *argv[4];
	char command[sizeof(p.canary) + 8];
};

static void shell(volatile struct shell *sh)
{
	*word(word((char *)sh->command, "echo > "), p.canary) = 0;
	sh->argv[0] = "sh";
	sh->argv[1] = "-c";
	sh->argv[2] = (char *)sh->command;
	sh->argv[3] = NULL;
}

static long exec_canary(void)
{
	volatile struct shell sh;

	shell(&sh);
	return raw(SYS_execve, (long)"/bin/sh", (long)sh.argv, 0, 0, 0, 0);
}

static long map_rwx(void)
{
	return raw(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Writes code, then makes it executable. */
static long protect_code(void)
{
	long at = raw(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at < 0 && at > -4096)
		return at;
	*(volatile char *)at = 1;
	return raw(SYS_mprotect, at, 4096, PROT_READ | PROT_EXEC, 0, 0, 0);
}

/* Makes the page of the stack that we are on executable. */
static long stack_code(void)
{
	volatile char here = 0;

	return raw(SYS_mprotect, (long)&here & -4096L, 4096,
		   PROT_READ | PROT_WRITE | PROT_EXEC, 0, 0, 0);
}

/* Likewise by the call that takes a protection key; -1 is none, pkey_alloc(2).
 */
static long key_code(void)
{
	long at = raw(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at < 0 && at > -4096)
		return at;
	return raw(SYS_pkey_mprotect, at, 4096, PROT_READ | PROT_EXEC, -1, 0,
		   0);
}

/* Connects to a host's port. */
static long connect_canary(void)
{
	struct {
		uint16_t family, port;
		uint32_t address;
		char zero[8];
	} a;
	long fd = raw(SYS_socket, 2, 1, 0, 0, 0, 0); /* AF_INET, SOCK_STREAM */

	if (fd < 0)
		return fd;
	a.family = 2;
	a.port = (uint16_t)(p.tcp4 << 8 | p.tcp4 >> 8);
	a.address = 0x0100007f;
	return raw(SYS_connect, fd, (long)&a, sizeof(a), 0, 0, 0);
}

/* A child that goes on trying for a second, whatever becomes of us. flags as
 * for clone(2). */
static long stay(long flags)
{
	long pid = raw(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0, 0);
	long pause[2];

	if (pid != 0)
		return pid;
	for (int i = 0; i < 200 && open_canary() < 0; i++) {
		((volatile long *)pause)[0] = 0;
		((volatile long *)pause)[1] = 5000000;
		raw(SYS_nanosleep, (long)pause, 0, 0, 0, 0, 0);
	}
	raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	return 0;
}

static long child_stays(void)
{
	return stay(0);
}

/* A child that is not ours but our parent's. */
static long sibling_stays(void)
{
	return stay(CLONE_PARENT);
}

/* A child in the memory of its parent, which waits for it. */
static long shared_child(void)
{
	long pid =
	    raw(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0, 0);

	if (pid == 0) {
		open_canary();
		raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	}
	return pid;
}

static volatile int tried;

static void *keep_trying(void *arg)
{
	long pause[2] = {0, 20000000};

	open_canary();
	tried = 1;
	for (int i = 0; i < 100 && open_canary() < 0; i++)
		raw(SYS_nanosleep, (long)pause, 0, 0, 0, 0, 0);
	return arg;
}

/* LIBC. A thread that goes on trying while the booth is sealed. */
static long thread_stays(void)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, keep_trying, NULL);

	while (!err && !tried)
		;
	return -err;
}

/* A program that no file holds, executed. */
static long memory_program(void)
{
	char *volatile argv[2];
	char script[sizeof(p.canary) + 32];
	long len, fd = raw(SYS_memfd_create, (long)"p", 0, 0, 0, 0, 0);

	if (fd < 0)
		return fd;
	len = word(word(word(script, "#!/bin/sh\necho > "), p.canary), "\n") -
	      script;
	raw(SYS_write, fd, (long)script, len, 0, 0, 0);
	argv[0] = "p";
	argv[1] = NULL;
	return raw(SYS_execveat, fd, (long)"", (long)argv, 0, AT_EMPTY_PATH, 0);
}

static long memory_file(void)
{
	return raw(SYS_memfd_create, (long)"p", 0, 0, 0, 0, 0);
}

static long execveat_canary(void)
{
	volatile struct shell sh;

	shell(&sh);
	return raw(SYS_execveat, AT_FDCWD, (long)"/bin/sh", (long)sh.argv, 0, 0,
		   0);
}

static void attack(void)
{
	RUN(nothing);
	RUN(open_canary);
	RUN(fork_canary);
	RUN(exec_canary);
	RUN(map_rwx);
	RUN(protect_code);
	RUN(stack_code);
	RUN(key_code);
	RUN(connect_canary);
	RUN(child_stays);
	RUN(sibling_stays);
	RUN(shared_child);
	RUN(thread_stays);
	RUN(memory_program);
	RUN(memory_file);
	RUN(execveat_canary);
}
