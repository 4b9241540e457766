/* Section 4 of the catalogue: processes and signals. What is started ends by
 * itself within half a second. */
#include "attack.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

static void zero(void *at, size_t len)
{
	for (volatile char *c = at; len > 0; len--)
		*c++ = 0;
}

/* Other threads and the host's look go on meanwhile. */
static void pause_for(long milliseconds)
{
	struct timespec t;

	t.tv_sec = 0;
	t.tv_nsec = milliseconds * 1000000;
	raw(SYS_nanosleep, (long)&t, 0, 0, 0, 0, 0);
}

/* ---- signals ---- */

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

static long signal_thread(void)
{
	return raw(SYS_tkill, p.sentinel, SIGUSR1, 0, 0, 0, 0);
}

/* Signal 0: whether the daemon could be signalled. */
static long signal_host(void)
{
	return raw(SYS_kill, p.host, 0, 0, 0, 0, 0);
}

/* siginfo_t for rt_sigqueueinfo(2), which wants a code below 0. */
static void queued(siginfo_t *info)
{
	zero(info, sizeof(*info));
	info->si_signo = SIGUSR1;
	info->si_code = SI_QUEUE;
}

static long queue_signal(void)
{
	siginfo_t info;

	queued(&info);
	return raw(SYS_rt_sigqueueinfo, p.sentinel, SIGUSR1, (long)&info, 0, 0,
		   0);
}

static long queue_to_thread(void)
{
	siginfo_t info;

	queued(&info);
	return raw(SYS_rt_tgsigqueueinfo, p.sentinel, p.sentinel, SIGUSR1,
		   (long)&info, 0, 0);
}

/* struct sigaction of the kernel. */
struct action {
	long handler;
	unsigned long flags, restorer, mask;
};

static long ignore_term(void)
{
	struct action act;

	zero(&act, sizeof(act));
	act.handler = 1; /* SIG_IGN */
	return raw(SYS_rt_sigaction, SIGTERM, (long)&act, 0, 8, 0, 0);
}

static long block_all(void)
{
	unsigned long set = ~0UL;

	return raw(SYS_rt_sigprocmask, SIG_BLOCK, (long)&set, 0, 8, 0, 0);
}

/* ---- children and threads ---- */

/* A grandchild in a session of its own, whose parent is gone. */
static long double_fork(void)
{
	long pid = raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);

	if (pid == 0) {
		raw(SYS_setsid, 0, 0, 0, 0, 0, 0);
		if (raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0) == 0) {
			pause_for(50);
			open_canary();
		}
		raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	}
	if (pid > 0)
		raw(SYS_wait4, pid, 0, 0, 0, 0, 0);
	return pid;
}

static long outlive_parent(void)
{
	return raw(SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0, 0);
}

/* Takes in the children of others: an outlived one is not the kernel's to
 * hand on. */
static long adopt(void)
{
	return raw(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0, 0);
}

/* arg children at a time; every one ends by itself and is waited for. */
static long fork_many(void)
{
	long err = 0, n = 0;

	for (; n < p.arg; n++) {
		long pid = raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);

		if (pid == 0) {
			pause_for(100);
			raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
		}
		if (pid < 0) {
			err = pid;
			break;
		}
	}
	for (long i = 0; i < n; i++)
		raw(SYS_wait4, -1, 0, 0, 0, 0, 0);
	return err < 0 ? err : n;
}

/* arg children that end at once and that nobody waits for. */
static long leave_zombies(void)
{
	for (long n = 0; n < p.arg; n++) {
		long pid = raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);

		if (pid == 0)
			raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
		if (pid < 0)
			return pid;
	}
	return p.arg;
}

static void *sleep_and_end(void *arg)
{
	pause_for(100);
	return arg;
}

/* arg threads at a time. LIBC */
static long start_threads(void)
{
	pthread_t threads[64];
	pthread_attr_t attr;
	long err = 0, n = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (; n < p.arg && n < 64 && !err; n++)
		err = pthread_create(&threads[n], &attr, sleep_and_end, NULL);
	if (err)
		n--;
	for (long i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return err ? -err : n;
}

/* ---- priorities and limits ---- */

/* With priority 0, which is none: EINVAL where the call is made. */
static long real_time(void)
{
	struct sched_param param;

	param.sched_priority = 0;
	return raw(SYS_sched_setscheduler, 0, SCHED_FIFO, (long)&param, 0, 0,
		   0);
}

/* struct sched_attr of Linux 3.14; the headers of libc have none. */
static long real_time_attributes(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr;

	zero(&attr, sizeof(attr));
	attr.size = sizeof(attr);
	attr.policy = 1; /* SCHED_FIFO */
	return raw(SYS_sched_setattr, 0, (long)&attr, 0, 0, 0, 0);
}

static long be_nice_to_nobody(void)
{
	return raw(SYS_setpriority, PRIO_PROCESS, 0, -10, 0, 0, 0);
}

/* Class 1 is real time; ioprio_set(2). */
static long io_priority(void)
{
	return raw(SYS_ioprio_set, 1, 0, 1 << 13 | 4, 0, 0, 0);
}

/* Off the processor that it is given. */
static long any_processor(void)
{
	unsigned long set[16];

	for (int i = 0; i < 16; i++)
		((volatile unsigned long *)set)[i] = ~0UL;
	return raw(SYS_sched_setaffinity, 0, sizeof(set), (long)set, 0, 0, 0);
}

static long read_limit(void)
{
	struct rlimit old;

	return raw(SYS_prlimit64, p.host, RLIMIT_NOFILE, 0, (long)&old, 0, 0);
}

/* To what it is. */
static long set_limit(void)
{
	struct rlimit old;
	long err =
	    raw(SYS_prlimit64, p.host, RLIMIT_MSGQUEUE, 0, (long)&old, 0, 0);

	return err < 0 ? err
		       : raw(SYS_prlimit64, p.host, RLIMIT_MSGQUEUE, (long)&old,
			     0, 0, 0);
}

static long core_limit_nowhere(void)
{
	return raw(SYS_prlimit64, 0, RLIMIT_CORE, -4096L, 0, 0, 0);
}

/* The limit in arg without a limit. */
static long unlimited(void)
{
	struct rlimit new;

	new.rlim_cur = new.rlim_max = RLIM_INFINITY;
	return raw(SYS_prlimit64, 0, p.arg, (long)&new, 0, 0, 0);
}

static long be_dumpable(void)
{
	return raw(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0, 0);
}

/* Opens the score of another process to write, and writes nothing. */
static long score_of_host(void)
{
	char path[64];
	long fd;

	*word(decimal(word(path, "/proc/"), p.host), "/oom_score_adj") = 0;
	fd = raw(SYS_openat, AT_FDCWD, (long)path, O_WRONLY, 0, 0, 0);
	if (fd >= 0)
		raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return fd;
}

static void attack(void)
{
	RUN(kill_all);
	RUN(kill_sentinel);
	RUN(signal_sentinel);
	RUN(signal_thread);
	RUN(signal_host);
	RUN(queue_signal);
	RUN(queue_to_thread);
	RUN(ignore_term);
	RUN(block_all);
	RUN(double_fork);
	RUN(outlive_parent);
	RUN(adopt);
	RUN(fork_many);
	RUN(leave_zombies);
	RUN(start_threads);
	RUN(real_time);
	RUN(real_time_attributes);
	RUN(be_nice_to_nobody);
	RUN(io_priority);
	RUN(any_processor);
	RUN(read_limit);
	RUN(set_limit);
	RUN(core_limit_nowhere);
	RUN(unlimited);
	RUN(be_dumpable);
	RUN(score_of_host);
}
