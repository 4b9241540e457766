/* What a long-running daemon meets: answers, is slow, crashes, ends, breaks the
 * protocol, as the action says. */
#include "kinds.h"
#include "raw.h"

#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int32_t slow(void)
{
	long long end = now() + 4000000; /* longer than a lane waits itself */

	while (now() < end)
		;
	return 0;
}

static int32_t act(const char *action)
{
	static const char noise[] = "\xff\xff\xff\xff\xff\xff\xff\xff"
				    "\xff\xff\xff\xff\xff\xff\xff\xff";

	if (!strcmp(action, "hello"))
		return 0;
	if (!strcmp(action, "slow"))
		return slow();
	if (!strcmp(action, "segv"))
		*(volatile int *)8 = 1;
	if (!strcmp(action, "exit"))
		_exit(7);
	if (!strcmp(action, "garbage"))
		raw(SYS_write, 4, (long)noise, 16, 0, 0, 0);
	return 99;
}
