/* Slow: spins for SPIN_MS in every trigger. It cannot sleep, that is a system
 * call. */
#include "kinds.h"

#include <time.h>

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int32_t act(const char *action)
{
	long long end = now() + SPIN_MS * 1000000LL;

	while (now() < end)
		;
	return action[0] == 0;
}
