/* Section 2 of the catalogue: system calls that a filter must stop. */
#include "attack.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>

/* System call number arg with arguments that are no descriptor, no address
 * and no length. Not every call is harmless that way. */
static long number(void)
{
	return raw(p.arg, -1, -1, -1, -1, -1, -1);
}

/* The ring is closed with the process; nothing is put into it. */
static long uring(void)
{
	char params[120]; /* struct io_uring_params, Linux 5.1 */

	for (size_t i = 0; i < sizeof(params); i++)
		((volatile char *)params)[i] = 0;
	return raw(SYS_io_uring_setup, 4, (long)params, 0, 0, 0, 0);
}

static long trace_me(void)
{
	return raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0, 0, 0);
}

/* 0 when this process may still gain rights, as a set-uid program would. */
static long new_privs(void)
{
	long set = raw(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0);

	return set > 0 ? -EPERM : set;
}

/* Console level 99 is none: the capability is looked for first, syslog(2). */
static long console_level(void)
{
	return raw(SYS_syslog, 8, 0, 99, 0, 0, 0);
}

static void attack(void)
{
	RUN(number);
	RUN(uring);
	RUN(trace_me);
	RUN(new_privs);
	RUN(console_level);
}
