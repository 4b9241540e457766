/* Section 8 of the catalogue: information and residue. */
#include "attack.h"

#include <sys/utsname.h>

static long host_name(void)
{
	struct utsname u;
	long err = raw(SYS_uname, (long)&u, 0, 0, 0, 0, 0);

	if (err >= 0)
		say(u.nodename, length(u.nodename));
	return err;
}

static void attack(void)
{
	RUN(host_name);
}
