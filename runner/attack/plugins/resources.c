/* Section 6 of the catalogue: resources. Every attack takes arg of something
 * and no more, so that it harms nobody where nothing stops it. */
#include "attack.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>

static void zero(void *at, size_t len)
{
	for (volatile char *c = at; len > 0; len--)
		*c++ = 0;
}

static const char block[65536];

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

/* Writes arg bytes and closes. */
static long fill(long fd)
{
	long err = 0, done = 0;

	while (done < p.arg && err >= 0) {
		err = raw(SYS_write, fd, (long)block, sizeof(block), 0, 0, 0);
		done += err;
	}
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return err;
}

/* Memory in a file that has no name. */
static long memory_file(void)
{
	long fd = raw(SYS_memfd_create, (long)"", 0, 0, 0, 0, 0);

	return fd < 0 ? fd : fill(fd);
}

/* Memory that would outlive us, were it not marked for removal. */
static long segment(void)
{
	long id =
	    raw(SYS_shmget, IPC_PRIVATE, p.arg, IPC_CREAT | 0600, 0, 0, 0);
	long at;

	if (id < 0)
		return id;
	at = raw(SYS_shmat, id, 0, 0, 0, 0, 0);
	raw(SYS_shmctl, id, IPC_RMID, 0, 0, 0, 0);
	if (at < 0 && at > -4096)
		return at;
	for (long i = 0; i < p.arg; i += 4096)
		*(volatile char *)(at + i) = 1;
	return raw(SYS_shmdt, at, 0, 0, 0, 0, 0);
}

/* arg descriptors more. */
static long descriptors(int copies)
{
	long fd = 0, first = -1, last = -1;

	for (long i = 0; i < p.arg; i++) {
		fd = copies ? raw(SYS_dup, 0, 0, 0, 0, 0, 0)
			    : raw(SYS_openat, AT_FDCWD, (long)"/dev/null",
				  O_RDONLY, 0, 0, 0);
		if (fd < 0)
			break;
		if (first < 0)
			first = fd;
		last = fd;
	}
	for (long i = first; i >= 0 && i <= last; i++)
		raw(SYS_close, i, 0, 0, 0, 0, 0);
	return fd < 0 ? fd : 0;
}

static long copies(void)
{
	return descriptors(1);
}

static long open_files(void)
{
	return descriptors(0);
}

/* A file on the host's disk. */
static long fill_canary(void)
{
	long fd = raw(SYS_openat, AT_FDCWD, (long)p.canary, O_WRONLY | O_CREAT,
		      0666, 0, 0);

	return fd < 0 ? fd : fill(fd);
}

/* arg empty files beside each other. */
static long many_files(void)
{
	char path[sizeof(p.canary) + 24];
	long err =
	    raw(SYS_mknodat, AT_FDCWD, (long)p.canary, S_IFREG | 0666, 0, 0, 0);

	for (long i = 1; err >= 0 && i < p.arg; i++) {
		*decimal(word(path, p.canary), i) = 0;
		err = raw(SYS_mknodat, AT_FDCWD, (long)path, S_IFREG | 0666, 0,
			  0, 0);
	}
	return err;
}

/* Memory that stays where it is. */
static long lock(void)
{
	long at = map();
	long err;

	if (at < 0 && at > -4096)
		return at;
	err = raw(SYS_mlock, at, p.arg, 0, 0, 0, 0);
	raw(SYS_munmap, at, p.arg, 0, 0, 0, 0);
	return err;
}

static long message_queue(void)
{
	struct {
		long type;
		char text[8];
	} message;
	long id =
	    raw(SYS_msgget, p.shm, IPC_CREAT | IPC_EXCL | 0600, 0, 0, 0, 0);

	if (id < 0)
		return id;
	zero(&message, sizeof(message));
	message.type = 1;
	return raw(SYS_msgsnd, id, (long)&message, sizeof(message.text),
		   IPC_NOWAIT, 0, 0);
}

static long semaphores(void)
{
	return raw(SYS_semget, p.shm, 16, IPC_CREAT | IPC_EXCL | 0600, 0, 0, 0);
}

/* By its name, which is the nonce. */
static long posix_queue(void)
{
	long fd = raw(SYS_mq_open, (long)p.nonce, O_RDWR | O_CREAT | O_EXCL,
		      0600, 0, 0, 0);

	return fd < 0 ? fd : raw(SYS_close, fd, 0, 0, 0, 0, 0);
}

/* arg timers, each of which keeps a signal in reserve. */
static long timers(void)
{
	struct sigevent event;
	int32_t ids[256];
	long err = 0, n = 0;

	zero(&event, sizeof(event));
	event.sigev_notify = SIGEV_NONE;
	while (n < p.arg && n < 256) {
		err = raw(SYS_timer_create, CLOCK_MONOTONIC, (long)&event,
			  (long)&ids[n], 0, 0, 0);
		if (err < 0)
			break;
		n++;
	}
	while (n > 0)
		raw(SYS_timer_delete, ids[--n], 0, 0, 0, 0, 0);
	return err;
}

/* arg signals that wait, and are taken back before they end us. */
static long queued_signals(void)
{
	const int signal = 40;
	uint64_t set = 1ULL << (signal - 1);
	struct timespec now;
	siginfo_t info;
	long err = raw(SYS_rt_sigprocmask, SIG_BLOCK, (long)&set, 0,
		       sizeof(set), 0, 0);
	long self = raw(SYS_getpid, 0, 0, 0, 0, 0, 0);
	long task = raw(SYS_gettid, 0, 0, 0, 0, 0, 0);

	zero(&info, sizeof(info));
	zero(&now, sizeof(now));
	info.si_code = SI_QUEUE;
	for (long i = 0; err >= 0 && i < p.arg; i++)
		err = raw(SYS_rt_tgsigqueueinfo, self, task, signal,
			  (long)&info, 0, 0);
	while (raw(SYS_rt_sigtimedwait, (long)&set, 0, (long)&now, sizeof(set),
		   0, 0) == signal)
		;
	return err;
}

/* Flushes the file system of no file. */
static long flush(void)
{
	return raw(SYS_syncfs, -1, 0, 0, 0, 0, 0);
}

/* arg calls, each of which would be worth a line in a log: what its personality
 * is, which no profile of ours lets a plugin ask. */
static long refusals(void)
{
	long err = 0;

	for (long i = 0; i < p.arg; i++)
		err = raw(SYS_personality, 0xffffffff, 0, 0, 0, 0, 0);
	return err;
}

/* arg calls that only loading may make under any profile, each of which the
 * jailer answers: code from a file that is none. */
static long questions(void)
{
	long err = -EBADF;

	for (long i = 0; err == -EBADF && i < p.arg; i++)
		err = raw(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE,
			  -1, 0);
	return err == -EBADF ? 0 : err;
}

static long terminal(void)
{
	long fd = raw(SYS_openat, AT_FDCWD, (long)"/dev/ptmx",
		      O_RDWR | O_NOCTTY, 0, 0, 0);

	return fd < 0 ? fd : raw(SYS_close, fd, 0, 0, 0, 0, 0);
}

/* One key, for as long as this process lives. */
static long key(void)
{
	return raw(SYS_add_key, (long)"user", (long)p.nonce, (long)"x", 1,
		   -2 /* KEY_SPEC_PROCESS_KEYRING */, 0);
}

static void attack(void)
{
	RUN(reserve);
	RUN(balloon);
	RUN(memory_file);
	RUN(segment);
	RUN(copies);
	RUN(open_files);
	RUN(fill_canary);
	RUN(many_files);
	RUN(lock);
	RUN(message_queue);
	RUN(semaphores);
	RUN(posix_queue);
	RUN(timers);
	RUN(queued_signals);
	RUN(flush);
	RUN(refusals);
	RUN(questions);
	RUN(terminal);
	RUN(key);
}
