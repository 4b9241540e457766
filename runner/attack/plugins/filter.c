/* Sections 1 and 2 of the catalogue: ways past a filter that do not need a
 * call it forgot, and filters of the plugin's own. */
#include "attack.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>

/* ---- other entries to the kernel ---- */

/* The x32 number of call arg. A kernel without x32 says ENOSYS itself. */
static long x32(void)
{
#if defined(__x86_64__)
	return raw(p.arg | 0x40000000, -1, -1, -1, -1, -1, -1);
#else
	return -ENOSYS;
#endif
}

/* getpid by the entry of 32-bit programs, where it has another number. */
static long int80(void)
{
#if defined(__x86_64__)
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(20L)
			 : "r8", "r9", "r10", "r11", "memory");
	return ret;
#else
	return -ENOSYS;
#endif
}

/* Makes the canary by that entry: open is 5 there, and pointers are short. */
static long int80_open(void)
{
#if defined(__x86_64__)
	long ret, at = raw(SYS_mmap, 0, 4096, 3, 0x62, -1, 0); /* MAP_32BIT */

	if (at < 0)
		return at;
	*word((char *)at, p.canary) = 0;
	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(5L), "b"(at), "c"(O_WRONLY | O_CREAT), "d"(0666L)
			 : "r8", "r9", "r10", "r11", "memory");
	return (int)ret;
#else
	return -ENOSYS;
#endif
}

/* getcpu by the page of the kernel that holds old calls. */
static long vsyscall(void)
{
#if defined(__x86_64__)
	unsigned int cpu;
	long ret;

	/* The red zone must not be under the call's return address. */
	__asm__ volatile("sub $256, %%rsp\n\tcall *%1\n\tadd $256, %%rsp"
			 : "=a"(ret)
			 : "r"(0xffffffffff600800L), "D"(&cpu), "S"(0L), "d"(0L)
			 : "rcx", "r11", "memory");
	return ret;
#else
	return -ENOSYS;
#endif
}

/* ---- clone and clone3 ---- */

/* A child with clone flags arg besides; they are in memory, where no filter
 * sees them. */
static long clone3_child(void)
{
	uint64_t args[8]; /* struct clone_args, Linux 5.3 */
	long pid;

	for (int i = 0; i < 8; i++)
		((volatile uint64_t *)args)[i] = 0;
	((volatile uint64_t *)args)[0] = (uint64_t)p.arg;
	((volatile uint64_t *)args)[4] = SIGCHLD;
	pid = raw(SYS_clone3, (long)args, sizeof(args), 0, 0, 0, 0);
	if (pid == 0) {
		open_canary();
		raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	}
	return pid;
}

/* Likewise by the older call. */
static long clone_child(void)
{
	long pid = raw(SYS_clone, p.arg | SIGCHLD, 0, 0, 0, 0, 0);

	if (pid == 0) {
		open_canary();
		raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	}
	return pid;
}

/* ---- filters of its own ---- */

/* Installs a filter: getppid returns 0, everything else is as before. */
static long filter(long how, long flags)
{
	struct sock_filter code[4];
	struct sock_fprog prog;
	volatile struct sock_filter *c = code;

	/* The number, struct seccomp_data; written one by one, since a table
	 * of constants may be copied by libc. */
	c[0].code = BPF_LD | BPF_W | BPF_ABS;
	c[0].jt = c[0].jf = 0;
	c[0].k = 0;
	c[1].code = BPF_JMP | BPF_JEQ | BPF_K;
	c[1].jt = 0;
	c[1].jf = 1;
	c[1].k = SYS_getppid;
	c[2].code = BPF_RET | BPF_K;
	c[2].jt = c[2].jf = 0;
	c[2].k = SECCOMP_RET_ERRNO;
	c[3].code = BPF_RET | BPF_K;
	c[3].jt = c[3].jf = 0;
	c[3].k = SECCOMP_RET_ALLOW;
	prog.len = 4;
	prog.filter = code;
	if (how == SYS_prctl)
		return raw(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
			   (long)&prog, 0, 0, 0);
	return raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, (long)&prog, 0,
		   0, 0);
}

static long by_seccomp(void)
{
	return filter(SYS_seccomp, 0);
}

static long by_prctl(void)
{
	return filter(SYS_prctl, 0);
}

static long rival_listener(void)
{
	return filter(SYS_seccomp, SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

/* Calls fail, and say that they did not. Nobody's parent is 0 outside of a
 * namespace's first process. */
static long fake_success(void)
{
	long err = filter(SYS_seccomp, 0);

	if (err < 0)
		return err;
	return raw(SYS_getppid, 0, 0, 0, 0, 0, 0) == 0 ? 0 : -EINVAL;
}

/* ---- floods ---- */

/* arg calls that are refused, one after the other. It asks for the personality
 * and changes nothing: no profile of ours allows the call. */
static long storm(void)
{
	long done = 0;

	for (long i = 0; i < p.arg; i++)
		if (raw(SYS_personality, 0xffffffff, 0, 0, 0, 0, 0) >= 0)
			done++;
	return done == p.arg ? done : -EPERM;
}

static void attack(void)
{
	RUN(x32);
	RUN(int80);
	RUN(int80_open);
	RUN(vsyscall);
	RUN(clone3_child);
	RUN(clone_child);
	RUN(by_seccomp);
	RUN(by_prctl);
	RUN(rival_listener);
	RUN(fake_success);
	RUN(storm);
}
