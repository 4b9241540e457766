/* Ends, hangs or floods in a trigger, as the action says. "hello" is
 * answered. */
#include "kinds.h"
#include "raw.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK (1u << 20)

static int32_t eat(size_t chunks)
{
	while (chunks--) {
		char *p = malloc(CHUNK);

		if (!p)
			return 1;
		for (size_t i = 0; i < CHUNK; i += 4096)
			((volatile char *)p)[i] = 1;
	}
	return 0;
}

static int32_t flood(int fd)
{
	static const char line[] = "all work and no play makes a long log\n";

	for (int i = 0; i < 20000; i++)
		if (write(fd, line, sizeof(line) - 1) < 0)
			return errno;
	return 0;
}

static int32_t act(const char *action)
{
	char byte;

	if (!strcmp(action, "hello"))
		return 0;
	if (!strcmp(action, "segv"))
		*(volatile int *)8 = 1;
	if (!strcmp(action, "abort"))
		abort();
	if (!strcmp(action, "exit"))
		_exit(7);
	if (!strcmp(action, "spin"))
		for (;;)
			;
	if (!strcmp(action, "steal")) /* the next trigger, which never comes */
		return (int32_t)read(3, &byte, 1);
	if (!strcmp(action, "eat"))
		return eat(128);
	if (!strcmp(action, "flood"))
		return flood(1);
	if (!strcmp(action, "ptrace"))
		return (int32_t)raw(SYS_ptrace, 0, 0, 0, 0, 0, 0);
#ifdef __x86_64__
	/* getpid under the numbers of other ABIs of the same processor. */
	if (!strcmp(action, "int80"))
		__asm__ volatile("int $0x80" : : "a"(20) : "memory");
	if (!strcmp(action, "x32"))
		raw(0x40000000 | SYS_getpid, 0, 0, 0, 0, 0, 0);
	if (!strcmp(action, "int80") || !strcmp(action, "x32"))
		return 0;
#endif
	if (!strcmp(action, "fail"))
		return 7;
	return 99;
}
