/* A hostile plugin: one attack of a family, made at one moment of the
 * library's life. Included once by each family's file, which ends in
 *
 *	static void attack(void)
 *	{
 *		RUN(open_canary);
 *		RUN(fork_canary);
 *	}
 *
 * and above that has the attacks, each
 *
 *	static long open_canary(void)
 *
 * They return what the system call did: 0 or more, or -errno. That is colour:
 * the host looks for itself at what came of it. What they find out they say(),
 * so that the host can look for its secrets in it.
 *
 * An attack that may run in an IFUNC resolver uses raw(), say() and what is
 * inline here, and nothing of libc, no table of pointers and no pointer that
 * is initialised: the library is not relocated then. Mark the others LIBC in
 * their comment and leave the phase out of their row.
 */
#ifndef ATTACK_H
#define ATTACK_H

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <isobooth/plugin.h>

#include "raw.h"

/* The numbers are those of Phase in runner/attack/phase.go. */
enum phase {
	PHASE_IFUNC = 1,
	PHASE_CONSTRUCTOR,
	PHASE_START,
	PHASE_TRIGGER,
	PHASE_THREAD,	 /* started by the constructor, let go by a trigger */
	PHASE_SIGNAL,	 /* handler from the constructor, raised by a trigger */
	PHASE_DESTRUCTOR /* of the library, when a trigger calls exit() */
};

/* What the host writes into a copy of the library; struct parameters in
 * runner/attack/parameters.go has the same fields. No pointers. */
struct parameters {
	char magic[16];
	uint32_t size; /* of this structure */
	uint32_t phase;
	int64_t arg;	  /* of the row, whatever the attack takes it for */
	int32_t sentinel; /* a process of the same host user */
	int32_t host;	  /* the process that runs the self-test */
	int32_t shm;	  /* key of a System V segment with the secret */
	uint16_t tcp4, tcp6, udp; /* ports on 127.0.0.1 and ::1 */
	uint16_t zero;
	char attack[32];
	char nonce[40];
	char canary[128];    /* a file that does not exist, but could */
	char secret[128];    /* a file that holds a secret */
	char folder[128];    /* where those are; anyone may write there */
	char unix_path[108]; /* a socket that listens */
	char abstract[108];  /* likewise; the NUL in front is left out */
	char text[128];	     /* of the row, whatever the attack takes it for */
	uint32_t one;	     /* 1 */
};

/* Hidden, not static: the compiler must not know what is in it. */
__attribute__((visibility("hidden"))) struct parameters p = {
    .magic = "isobooth attack", .size = sizeof(p), .one = 1};

static struct {
	long result;
	uint32_t done;	   /* how often the attack has returned */
	uint32_t refused;  /* the thread or the handler was not to be had */
	uint32_t said_len; /* bytes */
	char said[2048];
} state = {.result = 0x7fff};

/* Keeps what an attack found out, to be told to the host. */
__attribute__((unused)) static void say(const void *bytes, size_t len)
{
	const volatile char *from = bytes; /* volatile: no call of memcpy */

	while (len-- > 0 && state.said_len < sizeof(state.said))
		state.said[state.said_len++] = *from++;
}

/* Says what fd holds, and closes it. */
__attribute__((unused)) static long tell(long fd)
{
	char text[256];
	long n;

	if (fd < 0)
		return fd;
	n = raw(SYS_read, fd, (long)text, sizeof(text), 0, 0, 0);
	if (n > 0)
		say(text, (size_t)n);
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return n;
}

__attribute__((unused)) static long open_canary(void)
{
	return raw(SYS_openat, AT_FDCWD, (long)p.canary, O_WRONLY | O_CREAT,
		   0666, 0, 0);
}

__attribute__((unused)) static size_t length(const char *text)
{
	const volatile char *end = text;

	while (*end)
		end++;
	return (size_t)((const char *)end - text);
}

__attribute__((unused)) static int same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

#define RUN(name)                                                              \
	do {                                                                   \
		if (same(p.attack, #name)) {                                   \
			state.result = name();                                 \
			state.done++;                                          \
		}                                                              \
	} while (0)

static void attack(void);

/* ---- moments ---- */

static int32_t go_on(void)
{
	return 0;
}

static int32_t (*resolve(void))(void)
{
	if (p.phase == PHASE_IFUNC)
		attack();
	return go_on;
}

/* Exported, so that the loader itself has to resolve it. */
__attribute__((visibility("default"))) int32_t attack_hook(void)
    __attribute__((ifunc("resolve")));

static struct {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	int go;
} waiting = {.mutex = PTHREAD_MUTEX_INITIALIZER,
	     .cond = PTHREAD_COND_INITIALIZER};

static void *wait_and_attack(void *arg)
{
	pthread_mutex_lock(&waiting.mutex);
	while (!waiting.go)
		pthread_cond_wait(&waiting.cond, &waiting.mutex);
	pthread_mutex_unlock(&waiting.mutex);
	attack();
	return arg;
}

static void handler(int sig)
{
	(void)sig;
	attack();
}

__attribute__((constructor)) static void construct(void)
{
	struct sigaction act = {.sa_handler = handler};
	int err;

	if (p.phase == PHASE_CONSTRUCTOR) {
		attack();
	} else if (p.phase == PHASE_THREAD) {
		err = pthread_create(&waiting.thread, NULL, wait_and_attack,
				     NULL);
		if (err) {
			state.refused = 1;
			state.result = -err;
		}
	} else if (p.phase == PHASE_SIGNAL && sigaction(SIGUSR2, &act, NULL)) {
		state.refused = 1;
		state.result = -errno;
	}
}

/* decimal writes n and returns what follows. */
static char *decimal(char *to, long n)
{
	char digits[24];
	size_t len = 0;
	unsigned long u = n < 0 ? -(unsigned long)n : (unsigned long)n;

	if (n < 0)
		*to++ = '-';
	do
		digits[len++] = (char)('0' + u % 10);
	while (u /= 10);
	while (len > 0)
		*to++ = digits[--len];
	return to;
}

static char *word(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	return to;
}

/* report is one line and what was said. Returns its length. */
static size_t report(char *to)
{
	char *end = word(to, "isobooth-attack ");

	end = word(end, p.nonce);
	end = word(end, " done=");
	end = decimal(end, state.done);
	end = word(end, " refused=");
	end = decimal(end, state.refused);
	end = word(end, " result=");
	end = decimal(end, state.result);
	*end++ = '\n';
	for (uint32_t i = 0; i < state.said_len; i++)
		*end++ = state.said[i];
	return (size_t)(end - to);
}

__attribute__((destructor)) static void destruct(void)
{
	char text[sizeof(state.said) + 160];

	if (p.phase != PHASE_DESTRUCTOR)
		return;
	attack();
	/* Nobody calls us again; the log is read until we are gone. */
	raw(SYS_write, 2, (long)text, (long)report(text), 0, 0, 0);
}

static const struct isobooth_host *to_host;

static int32_t start(const struct isobooth_host *host, void **self)
{
	*self = NULL;
	to_host = host;
	if (p.phase == PHASE_START)
		attack();
	return attack_hook();
}

/* "attack" makes the attack, or tells what came of an earlier one; anything
 * else is what plugins may do. */
static int32_t trigger(void *self, const struct isobooth_event *event)
{
	char text[sizeof(state.said) + 160];
	char *volatile memory;

	(void)self;
	if (strcmp(event->action, "attack") != 0) {
		memory = malloc(1 << 20);
		if (!memory)
			return 1;
		memset(memory, 1, 1 << 20);
		free(memory);
		return to_host->result(p.nonce, strlen(p.nonce));
	}
	switch (p.phase) {
	case PHASE_TRIGGER:
		attack();
		break;
	case PHASE_THREAD:
		if (state.refused)
			break;
		pthread_mutex_lock(&waiting.mutex);
		waiting.go = 1;
		pthread_cond_signal(&waiting.cond);
		pthread_mutex_unlock(&waiting.mutex);
		pthread_join(waiting.thread, NULL);
		break;
	case PHASE_SIGNAL:
		if (!state.refused && raise(SIGUSR2))
			state.result = -errno;
		break;
	case PHASE_DESTRUCTOR:
		exit(0);
	}
	return to_host->result(text, report(text));
}

ISOBOOTH_EXPORT const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {.size = sizeof(table),
						    .abi = ISOBOOTH_ABI,
						    .name = "attack",
						    .version = "1",
						    .start = start,
						    .trigger = trigger};

	return abi == ISOBOOTH_ABI ? &table : NULL;
}

#endif
