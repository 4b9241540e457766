/* Section 4 of the catalogue: processes and signals. */
#include "attack.h"

static long kill_all(void)
{
	return raw(SYS_kill, -1, SIGKILL, 0, 0, 0, 0);
}

static long kill_sentinel(void)
{
	return raw(SYS_kill, p.sentinel, SIGKILL, 0, 0, 0, 0);
}

static long signal_sentinel(void)
{
	return raw(SYS_tgkill, p.sentinel, p.sentinel, SIGUSR1, 0, 0, 0);
}

static void attack(void)
{
	RUN(kill_all);
	RUN(kill_sentinel);
	RUN(signal_sentinel);
}
