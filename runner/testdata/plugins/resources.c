/* Takes as much of one resource as the action says, "NAME AMOUNT", and keeps
 * it. Never more than that: each attack is its own positive control, where
 * the limit is higher than the amount. The result is "REACHED ERRNO". */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <isobooth/plugin.h>
#include <linux/futex.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <time.h>

#include "raw.h"

#define MIB (1L << 20)
#define PAGE 4096L

/* 0, or -errno where the resource ended. */
typedef long (*take)(long i);

static const struct isobooth_host *host;
static char block[MIB];

static void touch(void *from, long len)
{
	for (long i = 0; i < len; i += PAGE)
		((volatile char *)from)[i] = 1;
}

static long map(long len, long flags)
{
	return raw(SYS_mmap, 0, len, PROT_READ | PROT_WRITE, flags, -1, 0);
}

static bool failed(long result)
{
	return result < 0 && result > -PAGE;
}

/* --- memory, one MiB at a time ------------------------------------------ */

static long anonymous(long i)
{
	long p = map(MIB, MAP_PRIVATE | MAP_ANONYMOUS);

	(void)i;
	if (failed(p))
		return p;
	touch((void *)p, MIB);
	return 0;
}

static long small_blocks(long i)
{
	(void)i;
	for (long n = 0; n < MIB / 64; n++) {
		void *p = malloc(48); /* and 16 of malloc's own */

		if (!p)
			return -ENOMEM;
		*(volatile char *)p = 1;
	}
	return 0;
}

static long memfd(void)
{
	static long fd = -1;

	if (fd < 0)
		fd = raw(SYS_memfd_create, (long)"m", 0, 0, 0, 0, 0);
	return fd;
}

static long memfd_write(long i)
{
	long fd = memfd();
	long n;

	(void)i;
	if (fd < 0)
		return fd;
	n = raw(SYS_write, fd, (long)block, MIB, 0, 0, 0);
	return n == MIB ? 0 : n < 0 ? n : -EIO;
}

static long memfd_map(long i)
{
	long fd = memfd();
	long p;

	if (fd < 0)
		return fd;
	p = raw(SYS_ftruncate, fd, (i + 1) * MIB, 0, 0, 0, 0);
	if (p < 0)
		return p;
	p = raw(SYS_mmap, 0, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		i * MIB);
	if (failed(p))
		return p;
	touch((void *)p, MIB);
	return 0;
}

static long full_pipe(long i)
{
	int fds[2];
	long n = raw(SYS_pipe2, (long)fds, O_NONBLOCK, 0, 0, 0, 0);

	(void)i;
	if (n < 0)
		return n;
	n = raw(SYS_fcntl, fds[1], F_SETPIPE_SZ, MIB, 0, 0, 0);
	if (n < 0)
		return n;
	n = raw(SYS_write, fds[1], (long)block, MIB, 0, 0, 0);
	return n == MIB ? 0 : n < 0 ? n : -EIO;
}

/* A page of the table for each 2 MiB, and nothing but the zero page in it. */
static long page_tables(long i)
{
	long len = MIB / PAGE * 2 * MIB;
	long p = raw(SYS_mmap, 0, len, PROT_READ,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	long sum = 0;

	(void)i;
	if (failed(p))
		return p;
	raw(SYS_madvise, p, len, MADV_NOHUGEPAGE, 0, 0, 0);
	for (long at = 0; at < len; at += 2 * MIB)
		sum += ((volatile char *)p)[at];
	return sum;
}

static long socket_buffers(long i)
{
	long have = 0;

	(void)i;
	while (have < MIB) {
		int fds[2], size = 1 << 20;
		long n = raw(SYS_socketpair, AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK, 0, (long)fds, 0, 0);

		if (n < 0)
			return n;
		raw(SYS_setsockopt, fds[0], SOL_SOCKET, SO_SNDBUF, (long)&size,
		    sizeof(size), 0);
		while ((n = raw(SYS_write, fds[0], (long)block, 16 << 10, 0, 0,
				0)) > 0)
			have += n;
		if (n != -EAGAIN)
			return n;
	}
	return 0;
}

static long sysv_messages(long i)
{
	(void)i;
	for (long have = 0; have < MIB;) {
		long n, id = raw(SYS_msgget, IPC_PRIVATE, 0600, 0, 0, 0, 0);

		if (id < 0)
			return id;
		*(long *)block = 1; /* type of the message */
		while ((n = raw(SYS_msgsnd, id, (long)block, 8 << 10,
				IPC_NOWAIT, 0, 0)) == 0)
			have += 8 << 10;
		if (n != -EAGAIN)
			return n;
	}
	return 0;
}

static long sysv_memory(long i)
{
	long p, id = raw(SYS_shmget, IPC_PRIVATE, MIB, 0600, 0, 0, 0);

	(void)i;
	if (id < 0)
		return id;
	p = raw(SYS_shmat, id, 0, 0, 0, 0, 0);
	if (failed(p))
		return p;
	touch((void *)p, MIB);
	/* Without anyone attached it would still be there. */
	return raw(SYS_shmdt, p, 0, 0, 0, 0, 0);
}

static long sysv_semaphores(long i)
{
	long id = raw(SYS_semget, IPC_PRIVATE, MIB / 64, 0600, 0, 0, 0);

	(void)i;
	return id < 0 ? id : 0;
}

/* --- things that are counted -------------------------------------------- */

static long descriptor(long i)
{
	long fd = raw(SYS_dup, 0, 0, 0, 0, 0, 0);

	(void)i;
	return fd < 0 ? fd : 0;
}

static long event_descriptor(long i)
{
	long fd = raw(SYS_eventfd2, 0, 0, 0, 0, 0, 0);

	(void)i;
	return fd < 0 ? fd : 0;
}

/* Each watches one pipe, so that there is something behind it. */
static long poll_descriptor(long i)
{
	static int fds[2];
	struct epoll_event event = {.events = EPOLLIN};
	long fd, n = 0;

	if (i == 0)
		n = raw(SYS_pipe2, (long)fds, 0, 0, 0, 0, 0);
	if (n < 0)
		return n;
	fd = raw(SYS_epoll_create1, 0, 0, 0, 0, 0, 0);
	if (fd < 0)
		return fd;
	return raw(SYS_epoll_ctl, fd, EPOLL_CTL_ADD, fds[0], (long)&event, 0,
		   0);
}

static long notify_descriptor(long i)
{
	long fd = raw(SYS_inotify_init1, 0, 0, 0, 0, 0, 0);

	(void)i;
	return fd < 0 ? fd : 0;
}

static long timer(long i)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
				 .sigev_signo = SIGUSR1};
	int id;

	(void)i;
	return raw(SYS_timer_create, CLOCK_MONOTONIC, (long)&event, (long)&id,
		   0, 0, 0);
}

static long queued_signal(long i)
{
	unsigned long mask = 1UL << (SIGRTMAX - 1);
	siginfo_t info = {.si_signo = SIGRTMAX, .si_code = SI_QUEUE};
	long pid = raw(SYS_getpid, 0, 0, 0, 0, 0, 0);
	long n = 0;

	if (i == 0)
		n = raw(SYS_rt_sigprocmask, SIG_BLOCK, (long)&mask, 0,
			sizeof(mask), 0, 0);
	return n < 0 ? n
		     : raw(SYS_rt_sigqueueinfo, pid, SIGRTMAX, (long)&info, 0,
			   0, 0);
}

static long message_queue(long i)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 1};
	char name[32];
	long fd;

	snprintf(name, sizeof(name), "isobooth-%ld-%ld", i,
		 raw(SYS_getpid, 0, 0, 0, 0, 0, 0));
	fd = raw(SYS_mq_open, (long)name, O_CREAT | O_EXCL | O_RDWR, 0600,
		 (long)&attr, 0, 0);
	if (fd >= 0) /* nothing of it is to outlive the control */
		raw(SYS_mq_unlink, (long)name, 0, 0, 0, 0, 0);
	return fd < 0 ? fd : 0;
}

static long key(long i)
{
	char name[32];
	long id;

	snprintf(name, sizeof(name), "isobooth-%ld", i);
	id = raw(SYS_add_key, (long)"user", (long)name, (long)"x", 1,
		 KEY_SPEC_PROCESS_KEYRING, 0);
	return id < 0 ? id : 0;
}

static long locked(long i)
{
	long p = map(MIB, MAP_PRIVATE | MAP_ANONYMOUS);

	(void)i;
	return failed(p) ? p : raw(SYS_mlock, p, MIB, 0, 0, 0, 0);
}

/* With no huge page set aside it fails with ENOMEM, without a booth. */
static long huge(long i)
{
	long p = map(2 * MIB, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB);

	(void)i;
	if (failed(p))
		return p;
	touch((void *)p, 2 * MIB);
	return 0;
}

static long refused(long i)
{
	long n = raw(SYS_getppid, 0, 0, 0, 0, 0, 0);

	(void)i;
	return n == -EPERM ? 0 : -EIO;
}

/* --- tasks --------------------------------------------------------------- */

static void wait_forever(void)
{
	static int word;

	for (;;)
		raw(SYS_futex, (long)&word, FUTEX_WAIT, 0, 0, 0, 0);
}

static long process(long i)
{
	long pid = raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);

	(void)i;
	if (pid == 0)
		wait_forever();
	return pid < 0 ? pid : 0;
}

static long zombie(long i)
{
	long pid = raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);

	(void)i;
	if (pid == 0)
		raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	return pid < 0 ? pid : 0;
}

/* Every child forks as fast as it can, too. They share how many attempts there
 * may be in all, how many are done, how many made a process, and why one did
 * not. */
struct bomb {
	long left, done, made, err;
};

static void explode(struct bomb *b)
{
	while (__atomic_fetch_sub(&b->left, 1, __ATOMIC_RELAXED) > 0) {
		long pid = raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);

		if (pid == 0)
			continue;
		if (pid > 0)
			__atomic_fetch_add(&b->made, 1, __ATOMIC_RELAXED);
		else
			__atomic_store_n(&b->err, pid, __ATOMIC_RELAXED);
		__atomic_fetch_add(&b->done, 1, __ATOMIC_RELEASE);
	}
}

static long fork_bomb(long amount, long *made)
{
	long self = raw(SYS_getpid, 0, 0, 0, 0, 0, 0);
	long p = map(PAGE, MAP_SHARED | MAP_ANONYMOUS);
	struct bomb *b = (struct bomb *)p;

	if (failed(p))
		return p;
	b->left = amount;
	explode(b);
	if (raw(SYS_getpid, 0, 0, 0, 0, 0, 0) != self)
		wait_forever();
	while (__atomic_load_n(&b->done, __ATOMIC_ACQUIRE) < amount)
		;
	*made = b->made;
	return b->err;
}

static void *thread_waits(void *arg)
{
	wait_forever();
	return arg;
}

static void *thread_spins(void *arg)
{
	for (;;)
		;
	return arg;
}

static long start_thread(void *(*body)(void *))
{
	pthread_attr_t attr;
	pthread_t id;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	err = pthread_create(&id, &attr, body, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

static long thread(long i)
{
	(void)i;
	return start_thread(thread_waits);
}

static long spinner(long i)
{
	(void)i;
	return start_thread(thread_spins);
}

/* --- the scheduler ------------------------------------------------------- */

static long fifo(long i)
{
	struct sched_param param = {.sched_priority = 1};

	(void)i;
	return raw(SYS_sched_setscheduler, 0, SCHED_FIFO, (long)&param, 0, 0,
		   0);
}

static long deadline(long i)
{
	struct { /* sched_setattr(2); libc learnt of it in glibc 2.41 */
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {.size = sizeof(attr),
		  .policy = 6, /* SCHED_DEADLINE */
		  .runtime = 1000000,
		  .deadline = 100000000,
		  .period = 100000000};

	(void)i;
	return raw(SYS_sched_setattr, 0, (long)&attr, 0, 0, 0, 0);
}

static long nice_up(long i)
{
	(void)i;
	return raw(SYS_setpriority, 0, 0, -20, 0, 0, 0);
}

static long io_class(long i)
{
	(void)i;
	/* IOPRIO_WHO_PROCESS, IOPRIO_CLASS_RT 0 */
	return raw(SYS_ioprio_set, 1, 0, 1 << 13, 0, 0, 0);
}

static const struct {
	const char *name;
	take take;
} attacks[] = {
    {"anonymous", anonymous},
    {"small-blocks", small_blocks},
    {"memfd-write", memfd_write},
    {"memfd-map", memfd_map},
    {"pipes", full_pipe},
    {"page-tables", page_tables},
    {"socket-buffers", socket_buffers},
    {"sysv-messages", sysv_messages},
    {"sysv-memory", sysv_memory},
    {"sysv-semaphores", sysv_semaphores},
    {"descriptors", descriptor},
    {"eventfd", event_descriptor},
    {"epoll", poll_descriptor},
    {"inotify", notify_descriptor},
    {"timers", timer},
    {"signals", queued_signal},
    {"posix-queues", message_queue},
    {"keys", key},
    {"locked", locked},
    {"huge", huge},
    {"refused", refused},
    {"processes", process},
    {"zombies", zombie},
    {"threads", thread},
    {"spin", spinner},
    {"fifo", fifo},
    {"deadline", deadline},
    {"nice", nice_up},
    {"io-class", io_class},
};

static int32_t start(const struct isobooth_host *h, void **self)
{
	*self = NULL;
	host = h;
	return 0;
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	const char *space = strchr(event->action, ' ');
	long amount = space ? atol(space + 1) : 0;
	size_t len = space ? (size_t)(space - event->action) : 0;
	long reached = 0, err = -ENOSYS;
	char text[64];

	(void)self;
	if (len == 9 && !memcmp(event->action, "fork-bomb", len))
		err = fork_bomb(amount, &reached);
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (strlen(attacks[i].name) != len ||
		    memcmp(attacks[i].name, event->action, len))
			continue;
		for (err = 0; reached < amount; reached++) {
			err = attacks[i].take(reached);
			if (err)
				break;
		}
	}
	len = (size_t)snprintf(text, sizeof(text), "%ld %ld", reached, -err);
	return host->result(text, len);
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {.size = sizeof(table),
						    .abi = ISOBOOTH_ABI,
						    .name = "resources",
						    .version = "1",
						    .start = start,
						    .trigger = trigger};

	return abi == ISOBOOTH_ABI ? &table : NULL;
}
