/* Section 1 of the catalogue: payloads of the loader's own doing, and code
 * that makes more code. */
#include "attack.h"

#include <sys/mman.h>

static long nothing(void)
{
	return 0;
}

static long open_canary(void)
{
	return raw(SYS_openat, AT_FDCWD, (long)p.canary, O_WRONLY | O_CREAT,
		   0666, 0, 0);
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

static long exec_canary(void)
{
	char *volatile argv[4];
	char command[sizeof(p.canary) + 8];

	*word(word(command, "echo > "), p.canary) = 0;
	argv[0] = "sh";
	argv[1] = "-c";
	argv[2] = command;
	argv[3] = NULL;
	return raw(SYS_execve, (long)"/bin/sh", (long)argv, 0, 0, 0, 0);
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

static void attack(void)
{
	RUN(nothing);
	RUN(open_canary);
	RUN(fork_canary);
	RUN(exec_canary);
	RUN(map_rwx);
	RUN(protect_code);
}
