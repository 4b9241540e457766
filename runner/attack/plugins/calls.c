/* Section 2 of the catalogue: system calls that a filter must stop. */
#include "attack.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>

/* Newer than the headers of Debian 12; from 424 on the numbers are the same
 * everywhere. */
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

/* System call number arg with arguments that are no descriptor, no address
 * and no length. Not every call is harmless that way. */
static long number(void)
{
	return raw(p.arg, -1, -1, -1, -1, -1, -1);
}

/* Whether the first word of text is name. */
static int first(const char *text, const char *name)
{
	while (*name && *text == *name) {
		text++;
		name++;
	}
	return !*name && (!*text || *text == ' ');
}

/* The number of the call that p.text begins with; -1 when this machine has
 * none. */
static long call_number(void)
{
#define CALL(name)                                                             \
	if (first(p.text, #name))                                              \
	return SYS_##name
	CALL(acct);
	CALL(add_key);
	CALL(adjtimex);
	CALL(bpf);
	CALL(cachestat);
	CALL(clock_adjtime);
	CALL(clock_settime);
	CALL(delete_module);
	CALL(finit_module);
	CALL(fsconfig);
	CALL(fsmount);
	CALL(fsopen);
	CALL(fspick);
	CALL(futex_waitv);
	CALL(get_robust_list);
	CALL(init_module);
	CALL(io_uring_enter);
	CALL(io_uring_register);
	CALL(kcmp);
	CALL(kexec_file_load);
	CALL(kexec_load);
	CALL(keyctl);
	CALL(landlock_create_ruleset);
	CALL(landlock_restrict_self);
	CALL(migrate_pages);
	CALL(mount);
	CALL(mount_setattr);
	CALL(mseal);
	CALL(move_mount);
	CALL(move_pages);
	CALL(name_to_handle_at);
	CALL(open_by_handle_at);
	CALL(open_tree);
	CALL(perf_event_open);
	CALL(personality);
	CALL(pidfd_getfd);
	CALL(pidfd_open);
	CALL(pidfd_send_signal);
	CALL(pivot_root);
	CALL(prctl);
	CALL(process_madvise);
	CALL(process_mrelease);
	CALL(process_vm_readv);
	CALL(process_vm_writev);
	CALL(ptrace);
	CALL(quotactl);
	CALL(reboot);
	CALL(recvmmsg);
	CALL(recvmsg);
	CALL(request_key);
	CALL(sendmmsg);
	CALL(sendmsg);
	CALL(sethostname);
	CALL(setdomainname);
	CALL(settimeofday);
	CALL(swapoff);
	CALL(swapon);
	CALL(syslog);
	CALL(umount2);
	CALL(userfaultfd);
#if defined(__x86_64__)
	CALL(arch_prctl);
	CALL(ioperm);
	CALL(iopl);
	CALL(modify_ldt);
#endif
	return -1;
}

/* Makes the call that p.text names, with the numbers that follow there; those
 * that are left out are 0. */
static long named(void)
{
	long args[6] = {0, 0, 0, 0, 0, 0}, nr = call_number();
	const char *text = p.text;

	if (nr < 0)
		return -ENOSYS;
	while (*text && *text != ' ')
		text++;
	for (int i = 0; i < 6 && *text == ' '; i++) {
		int minus = *++text == '-';

		text += minus;
		while (*text >= '0' && *text <= '9')
			args[i] = 10 * args[i] + (*text++ - '0');
		if (minus)
			args[i] = -args[i];
	}
	return raw(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
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

/* Opens the sentinel, to signal it or to take its descriptors. */
static long pidfd_sentinel(void)
{
	return raw(SYS_pidfd_open, p.sentinel, 0, 0, 0, 0, 0);
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

static long socket_pair(void)
{
	int pair[2];
	long err;

	/* AF_UNIX, SOCK_STREAM */
	err = raw(SYS_socketpair, 1, 1, 0, (long)pair, 0, 0);
	/* Left open while it loads: a booth that has them must not be sealed.
	 * After that they are the plugin's own, where it may make them. */
	if (err == 0 && p.phase >= PHASE_TRIGGER) {
		raw(SYS_close, pair[0], 0, 0, 0, 0, 0);
		raw(SYS_close, pair[1], 0, 0, 0, 0, 0);
	}
	return err;
}

static void attack(void)
{
	RUN(number);
	RUN(named);
	RUN(uring);
	RUN(trace_me);
	RUN(pidfd_sentinel);
	RUN(new_privs);
	RUN(console_level);
	RUN(socket_pair);
}
