/* Section 6 of the catalogue: resources. Every attack takes arg of something
 * and no more, so that it harms nobody where nothing stops it. */
#include "attack.h"

#include <sys/mman.h>

static long map(void)
{
	return raw(SYS_mmap, 0, p.arg, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* Address space only; gives it back. */
static long reserve(void)
{
	long at = map();

	if (at < 0 && at > -4096)
		return at;
	return raw(SYS_munmap, at, p.arg, 0, 0, 0, 0);
}

/* Memory that is touched. */
static long balloon(void)
{
	long at = map();

	if (at < 0 && at > -4096)
		return at;
	for (long i = 0; i < p.arg; i += 4096)
		*(volatile char *)(at + i) = 1;
	return raw(SYS_munmap, at, p.arg, 0, 0, 0, 0);
}

static void attack(void)
{
	RUN(reserve);
	RUN(balloon);
}
