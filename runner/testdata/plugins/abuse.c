/* Takes the pipes from the worker at its first trigger and speaks for itself
 * from then on, well or badly, as each trigger's action says: a word and, for
 * some, a number. "hello" is answered as a worker would.
 *
 * While it loads it does what is defined: LOADED writes that frame, or HALF
 * of it, with this interface version, ERROR_TEXT an error frame with hostile
 * text. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <isobooth/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "raw.h"

enum { TRIGGERS = 3, REPLIES = 4, MAX = 65536, FIXED = 24, MS = 1000000 };
enum { STOP = 3, LOADED_FRAME = 0x81, REPLY = 0x83, ERROR_FRAME = 0x8f };
enum { LOG = 1, MIDI = 2, RESULT = 3, NAME = 4 };

/* What a terminal would take for orders, a format, and no UTF-8. */
#define HOSTILE                                                                \
	"\x1b[2J\x1b]0;owned\a\r\nisobooth: all is well\n%s%n\x7f\xc2\x9b"     \
	"31m\xe2\x80\xae\xff\xfe"

#ifndef TABLE_ABI
#define TABLE_ABI ISOBOOTH_ABI
#endif

static uint8_t in[MAX], out[MAX];
static uint64_t id; /* of the trigger */

static void put(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len) {
		long n = raw(SYS_write, REPLIES, (long)p, (long)len, 0, 0, 0);

		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

static void spin(long ns)
{
	struct timespec t;
	long long end, now = 0;

	clock_gettime(CLOCK_MONOTONIC, &t);
	end = t.tv_sec * 1000000000LL + t.tv_nsec + ns;
	do {
		clock_gettime(CLOCK_MONOTONIC, &t);
		now = t.tv_sec * 1000000000LL + t.tv_nsec;
	} while (now < end);
}

/* A frame with one word after the header and, in replies, one more. */
static size_t frame(uint16_t type, uint64_t to, uint32_t word, size_t items)
{
	uint32_t size = (uint32_t)(FIXED + items);
	uint16_t version = 1;
	uint32_t zero = 0;

	memcpy(out, &size, 4);
	memcpy(out + 4, &type, 2);
	memcpy(out + 6, &version, 2);
	memcpy(out + 8, &to, 8);
	memcpy(out + 16, &word, 4);
	memcpy(out + 20, &zero, 4);
	return size;
}

static uint8_t *item(uint8_t *to, uint8_t kind, size_t len)
{
	to[0] = kind;
	to[1] = 1; /* level */
	to[2] = (uint8_t)len;
	to[3] = (uint8_t)(len >> 8);
	return to + 4;
}

static void reply(uint64_t to, int32_t status)
{
	put(out, frame(REPLY, to, (uint32_t)status, 0));
}

static void one_item(uint8_t kind, size_t len)
{
	memset(item(out + FIXED, kind, len), 'x', len);
	put(out, frame(REPLY, id, 0, 4 + len));
}

static void slowly(long ns)
{
	size_t n = frame(REPLY, id, 0, 0);

	for (size_t i = 0; i < n; i++) {
		spin(ns);
		put(out + i, 1);
	}
}

static void text(void)
{
	size_t n = sizeof(HOSTILE) - 1;
	uint8_t *p = out + FIXED;

	memcpy(item(p, RESULT, n), HOSTILE, n);
	p += 4 + n;
	memcpy(item(p, LOG, n), HOSTILE, n);
	put(out, frame(REPLY, id, 0, 2 * (4 + n)));
}

static void print(long times)
{
	while (times--)
		if (raw(SYS_write, 2, (long)HOSTILE, sizeof(HOSTILE) - 1, 0, 0,
			0) < 0)
			return;
}

/* Signals to whom, at every byte, by both pipes. */
static long own(long whom)
{
	long err = 0;

	for (int fd = TRIGGERS; fd <= REPLIES; fd++) {
		err |= raw(SYS_fcntl, fd, F_SETOWN, whom, 0, 0, 0);
		err |= raw(SYS_fcntl, fd, F_SETFL, O_ASYNC, 0, 0, 0);
	}
	return err;
}

#define IS(word) (!strcmp(action, word))

static void act(char *action)
{
	char *space = strchr(action, ' ');
	long n = space ? strtol(space + 1, NULL, 0) : 0;

	if (space)
		*space = 0;
	if (IS("hello"))
		reply(id, 0);
	else if (IS("slowly"))
		slowly(n * MS);
	else if (IS("late")) {
		spin(n * MS);
		reply(id, 0);
	} else if (IS("id"))
		reply((uint64_t)n, 0);
	else if (IS("stale"))
		reply(id - 1, 0);
	else if (IS("twice")) {
		size_t len = frame(REPLY, id, 0, 0);

		memcpy(out + len, out, len);
		put(out, 2 * len);
	} else if (IS("unasked")) {
		reply(id, 0);
		spin(n * MS);
		reply(id, 0);
	} else if (IS("next")) { /* answers what is yet to come */
		reply(id, 0);
		spin(n * MS);
		reply(id + 1, 0);
	} else if (IS("version")) {
		size_t len = frame(REPLY, id, 0, 0);

		out[6] = (uint8_t)n;
		out[7] = (uint8_t)(n >> 8);
		put(out, len);
	} else if (IS("type"))
		put(out, frame((uint16_t)n, id, 0, 0));
	else if (IS("log"))
		one_item(LOG, (size_t)n);
	else if (IS("midi"))
		one_item(MIDI, (size_t)n);
	else if (IS("result"))
		one_item(RESULT, (size_t)n);
	else if (IS("name"))
		one_item(NAME, (size_t)n);
	else if (IS("kind"))
		one_item((uint8_t)n, 4);
	else if (IS("overrun")) { /* an item longer than its frame */
		item(out + FIXED, LOG, 9);
		put(out, frame(REPLY, id, 0, 4 + 8));
	} else if (IS("items")) { /* n empty ones */
		for (long i = 0; i < n; i++)
			item(out + FIXED + 4 * i, LOG, 0);
		put(out, frame(REPLY, id, 0, (size_t)(4 * n)));
	} else if (IS("text"))
		text();
	else if (IS("print")) {
		print(n);
		reply(id, 0);
	} else if (IS("words")) {
		print(2);
		*(volatile int *)8 = 1;
	} else if (IS("flood"))
		for (;; id++)
			reply(id, 0);
	else if (IS("hang"))
		for (;;)
			;
	else if (IS("half")) {
		put(out, frame(REPLY, id, 0, 0) / 2);
		raw(SYS_exit_group, 7, 0, 0, 0, 0, 0);
	} else if (IS("close")) { /* then lives on */
		long err = raw(SYS_close, n, 0, 0, 0, 0, 0);

		reply(id, (int32_t)-err);
		if (!err)
			for (;;)
				;
	} else if (IS("hangup")) { /* the same, once it has answered */
		reply(id, 0);
		spin(20 * MS);
		raw(SYS_close, n, 0, 0, 0, 0, 0);
		for (;;)
			;
	} else if (IS("size")) {
		size_t len = frame(REPLY, id, 0, 0);
		uint32_t size = (uint32_t)n;

		memcpy(out, &size, 4);
		put(out, len);
	} else if (IS("shrink"))
		reply(id, raw(SYS_fcntl, n, F_SETPIPE_SZ, 4096, 0, 0, 0) < 0
			      ? 1
			      : 0);
	else if (IS("nonblock"))
		reply(id, (int32_t)-raw(SYS_fcntl, n, F_SETFL, O_NONBLOCK, 0, 0,
					0));
	else if (IS("own"))
		reply(id, (int32_t)-own(n));
	else if (IS("denied")) {
		while (n--)
			raw(SYS_getppid, 0, 0, 0, 0, 0, 0);
		reply(id, 0);
	}
	/* "mute" and whatever else: no answer. */
}

static uint32_t u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static void speak(const char *first)
{
	char action[64];
	uint32_t have;

	id = 2; /* 1 was the greeting */
	strncpy(action, first, sizeof(action) - 1);
	action[sizeof(action) - 1] = 0;
	for (;;) {
		act(action);
		have = 0;
		do {
			long n = raw(SYS_read, TRIGGERS, (long)(in + have),
				     (long)(MAX - have), 0, 0, 0);

			if (n == -11) /* it was made not to block */
				continue;
			if (n <= 0)
				raw(SYS_exit_group, n == 0 ? 0 : 9, 0, 0, 0, 0,
				    0);
			have += (uint32_t)n;
		} while (have < 4 || have < u32(in));
		if (in[4] == STOP)
			raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
		memcpy(&id, in + 8, 8);
		/* Behind 72 bytes, the raw message, keys and the mode. */
		strncpy(action,
			(char *)in + 72 + u32(in + 32) + in[50] + in[51] + 1,
			sizeof(action) - 1);
	}
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	(void)self;
	speak(event->action);
	return 1;
}

#if defined(LOADED) || defined(ERROR_TEXT)
__attribute__((constructor)) static void constructor(void)
{
#ifdef LOADED
	size_t len = frame(LOADED_FRAME, 0, LOADED, 0);

#ifdef HALF
	len /= 2;
#endif
	put(out, len);
#else
	uint32_t size = 20 + sizeof(HOSTILE) - 1;

	frame(ERROR_FRAME, 0, 1, 0);
	memcpy(out, &size, 4);
	memcpy(out + 20, HOSTILE, sizeof(HOSTILE) - 1);
	put(out, size);
#endif
	for (;;)
		;
}
#endif

static int32_t start(const struct isobooth_host *host, void **self)
{
	*self = NULL;
#ifdef HOSTILE_NAME
	host->log(ISOBOOTH_INFO, HOSTILE, sizeof(HOSTILE) - 1);
#endif
	(void)host;
	return 0;
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {.size = sizeof(table),
						    .abi = TABLE_ABI,
#ifdef HOSTILE_NAME
						    .name = HOSTILE,
						    .version = HOSTILE,
#else
						    .name = "abuse",
						    .version = "1",
#endif
						    .start = start,
						    .trigger = trigger};

	return abi == ISOBOOTH_ABI ? &table : NULL;
}
