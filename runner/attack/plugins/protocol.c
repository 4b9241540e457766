/* Section 7 of the catalogue: abuse of the pipes, and of the descriptors that
 * lead to them. Frames are those of runner/worker/wire.h. */
#include "attack.h"

#include <sys/wait.h>
#include <time.h>

enum { TRIGGER_FD = 3, REPLY_FD = 4 };

enum { HEADER = 16, FIXED = 8, ITEM = 4 };
enum {
	HELLO = 1,
	TRIGGER = 2,
	STOP = 3,
	LOADED = 0x81,
	READY = 0x82,
	REPLY = 0x83,
	STOPPED = 0x84
};
enum { TRIGGER_FIXED = 56, NONCE = 16 };
enum { RESULT = 3 };

/* The hello has id 1, what is harmless 2, and the attack 3. */
enum { OURS = 3 };

static uint8_t frame[2 * 4096], request[65536];

static void put(uint8_t *to, uint64_t v, int len)
{
	for (int i = 0; i < len; i++)
		to[i] = (uint8_t)(v >> 8 * i);
}

/* compose writes a frame of a type, with a result in it if it is a reply, and
 * returns its size. */
static size_t compose(uint8_t *to, uint16_t type, uint64_t id, const char *text,
		      size_t len)
{
	size_t size = HEADER;

	for (size_t i = 0; i < HEADER + FIXED + ITEM; i++)
		((volatile uint8_t *)to)[i] = 0;
	if (type == REPLY) {
		size += FIXED + ITEM + len;
		to[HEADER + FIXED] = RESULT;
		put(to + HEADER + FIXED + 2, len, 2);
		for (size_t i = 0; i < len; i++)
			to[HEADER + FIXED + ITEM + i] = (uint8_t)text[i];
	}
	put(to, size, 4);
	put(to + 4, type, 2);
	put(to + 6, 1, 2); /* version */
	put(to + 8, id, 8);
	return size;
}

static long send(const void *bytes, size_t len)
{
	return raw(SYS_write, REPLY_FD, (long)bytes, (long)len, 0, 0, 0);
}

/* abuse changes a frame that is right, in the way that text names. It returns
 * how much of it is to be sent. */
static size_t abuse(size_t size)
{
	if (same(p.text, "size"))
		put(frame, (uint64_t)p.arg, 4);
	if (same(p.text, "type"))
		put(frame + 4, (uint64_t)p.arg, 2);
	if (same(p.text, "version"))
		put(frame + 6, (uint64_t)p.arg, 2);
	if (same(p.text, "id"))
		put(frame + 8, (uint64_t)p.arg, 8);
	if (same(p.text, "item"))
		frame[HEADER + FIXED] = (uint8_t)p.arg;
	if (same(p.text, "item size"))
		put(frame + HEADER + FIXED + 2, (uint64_t)p.arg, 2);
	if (same(p.text, "part") || same(p.text, "vanish"))
		return (size_t)p.arg;
	/* In one write, and so in one read; pipe(7). */
	if (same(p.text, "two"))
		size += compose(frame + size, REPLY, (uint64_t)p.arg, "", 0);
	if (same(p.text, "flood"))
		size += compose(frame + size, REPLY, OURS + 1, "", 0);
	return size;
}

/* LIBC. Answers in the worker's place, and goes on as the worker would. What
 * abuse does to the first frame is all that is wrong with it: without any the
 * host notices nothing. */
static long answer(void)
{
	char text[sizeof(state.said) + 160];
	uint64_t id = OURS;
	size_t size;
	long n;

	/* What the host learns if it takes this for a reply. */
	state.done = 1;
	state.result = 0;
	size = compose(frame, REPLY, id, text, report(text));
	n = send(frame, abuse(size));
	if (same(p.text, "vanish"))
		raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	for (long i = 0; n > 0 && same(p.text, "flood") && i < p.arg; i++)
		n = send(frame, size);
	while (n >= 0) {
		n = raw(SYS_read, TRIGGER_FD, (long)request, sizeof(request), 0,
			0, 0);
		if (n < HEADER)
			break;
		memcpy(&id, request + 8, sizeof(id));
		if (request[4] == STOP) {
			send(frame, compose(frame, STOPPED, id, NULL, 0));
			break;
		}
		n = send(frame,
			 compose(frame, REPLY, id, p.nonce, length(p.nonce)));
	}
	raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	return -1;
}

static long read_secret(void)
{
	return tell(
	    raw(SYS_openat, AT_FDCWD, (long)p.secret, O_RDONLY, 0, 0, 0));
}

/* reply answers the trigger in request as trigger() would. */
static size_t reply(uint64_t id)
{
	char text[sizeof(state.said) + 160];
	uint32_t at;

	/* The action is behind the raw message, keys and the mode. */
	memcpy(&at, request + HEADER + 16, sizeof(at));
	at += HEADER + TRIGGER_FIXED + request[HEADER + 34] +
	      request[HEADER + 35] + 1;
	if (strcmp((char *)request + at, "attack") != 0)
		return compose(frame, REPLY, id, p.nonce, length(p.nonce));
	state.result = read_secret();
	state.done++;
	return compose(frame, REPLY, id, text, report(text));
}

/* LIBC. The constructor never returns, and nothing of the worker runs any
 * more: all that the host hears is from here. Without a host it returns. */
__attribute__((constructor)) static void take_over(void)
{
	uint64_t id = 0;
	size_t size;

	if (!same(p.attack, "speak_for_worker") || send("", 0) < 0)
		return;
	for (int fd = REPLY_FD + 1; fd < 32; fd++) /* the library itself */
		raw(SYS_close, fd, 0, 0, 0, 0, 0);
	compose(frame, LOADED, 0, NULL, 0);
	put(frame, HEADER + FIXED, 4);
	put(frame + HEADER, ISOBOOTH_ABI, 4);
	send(frame, HEADER + FIXED);
	while (raw(SYS_read, TRIGGER_FD, (long)request, sizeof(request), 0, 0,
		   0) >= HEADER) {
		memcpy(&id, request + 8, sizeof(id));
		if (request[4] == TRIGGER) {
			send(frame, reply(id));
			continue;
		}
		size = compose(frame, request[4] == HELLO ? READY : STOPPED, id,
			       NULL, 0);
		if (request[4] == HELLO) {
			memcpy(frame + size, request + HEADER, NONCE);
			size += NONCE;
			put(frame, size, 4);
		}
		send(frame, size);
		if (request[4] == STOP)
			break;
	}
	raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

/* What the constructor does with its place; in the control, without it. */
static long speak_for_worker(void)
{
	return read_secret();
}

/* Writes before it is asked for anything: text, or a reply. */
static long early(void)
{
	if (same(p.text, ""))
		return 0;
	if (same(p.text, "reply"))
		return send(frame, compose(frame, REPLY, OURS, "", 0));
	return send(p.text, length(p.text));
}

/* Closes descriptor arg; 0 is none. */
static long hang_up(void)
{
	return p.arg ? raw(SYS_close, p.arg, 0, 0, 0, 0, 0) : 0;
}

/* A second process that writes replies, too, and is there long enough to be
 * seen: the host may take its reply for the answer. */
static long two_writers(void)
{
	struct timespec while_seen = {.tv_nsec = 300000000};
	long pid = raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);

	if (pid == 0) {
		send(frame, compose(frame, REPLY, OURS, "", 0));
		raw(SYS_nanosleep, (long)&while_seen, 0, 0, 0, 0, 0);
		raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	}
	if (pid > 0)
		raw(SYS_wait4, pid, 0, __WALL, 0, 0, 0);
	return pid;
}

/* pipe is one of those that lead to the host; in the control that is stdout. */
static long pipe_fd(void)
{
	return raw(SYS_fcntl, REPLY_FD, F_GETFL, 0, 0, 0, 0) == -EBADF
		   ? 1
		   : REPLY_FD;
}

static long nonblocking(void)
{
	return raw(SYS_fcntl, pipe_fd(), F_SETFL, O_NONBLOCK, 0, 0, 0);
}

/* To one page, the least there is. */
static long shrink(void)
{
	return raw(SYS_fcntl, pipe_fd(), F_SETPIPE_SZ, 4096, 0, 0, 0);
}

/* Opens the pipe once more, in the other direction. */
static long other_end(void)
{
	long fd =
	    raw(SYS_openat, AT_FDCWD,
		(long)(pipe_fd() == 1 ? "/proc/self/fd/1" : "/proc/self/fd/4"),
		O_RDONLY | O_NONBLOCK, 0, 0, 0);

	return fd < 0 ? fd : raw(SYS_close, fd, 0, 0, 0, 0, 0);
}

/* Has the kernel signal the sentinel when there is something to read. */
static long signal_by_pipe(void)
{
	int fds[2];
	long err = raw(SYS_pipe2, (long)fds, 0, 0, 0, 0, 0);

	if (err < 0)
		return err;
	err = raw(SYS_fcntl, fds[0], F_SETOWN, p.sentinel, 0, 0, 0);
	if (err >= 0)
		err = raw(SYS_fcntl, fds[0], F_SETFL, O_ASYNC, 0, 0, 0);
	if (err >= 0)
		err = raw(SYS_write, fds[1], (long)"x", 1, 0, 0, 0);
	raw(SYS_close, fds[0], 0, 0, 0, 0, 0);
	raw(SYS_close, fds[1], 0, 0, 0, 0, 0);
	return err;
}

static void attack(void)
{
	RUN(answer);
	RUN(early);
	RUN(speak_for_worker);
	RUN(hang_up);
	RUN(two_writers);
	RUN(nonblocking);
	RUN(shrink);
	RUN(other_end);
	RUN(signal_by_pipe);
}
