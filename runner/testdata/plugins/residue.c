/* Looks for what others left in its memory, and leaves something itself.
 * Texts come as params {"text":"..."}, two hex digits for each byte, exclusive
 * or 0x5a: what is looked for must not be in memory for being asked. */
#define _GNU_SOURCE
#include <isobooth/plugin.h>
#include <link.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#include "raw.h"

extern char **environ;

static const struct isobooth_host *host;
static char kept[128];	 /* in the library's data */
static char *kept_heap;	 /* and on the heap */
static const char *text; /* of the event under way */
static size_t text_len;

static int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* byte i of the text, which is nowhere in memory as a whole. */
static char letter(size_t i)
{
	return (char)((digit(text[2 * i]) << 4 | digit(text[2 * i + 1])) ^
		      0x5a);
}

static int take(const char *params)
{
	const char *end;

	text = strstr(params, "\"text\":\"");
	if (!text)
		return -1;
	text += strlen("\"text\":\"");
	end = strchr(text, '"');
	if (!end)
		return -1;
	text_len = (size_t)(end - text) / 2;
	return text_len > 0 && text_len < sizeof(kept) ? 0 : -1;
}

static void keep(char *to)
{
	for (size_t i = 0; i < text_len; i++)
		to[i] = letter(i);
}

static int is_here(const char *at)
{
	for (size_t i = 0; i < text_len; i++)
		if (at[i] != letter(i))
			return 0;
	return 1;
}

#define PAGE 4096ul

/* Whether a page can be read: futex(2) says EFAULT where not, and waits for
 * no time otherwise. */
static int readable(uintptr_t page)
{
	const struct timespec none = {0, 0};

	return raw(SYS_futex, (long)page, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0,
		   (long)&none, 0, 0) != -14;
}

/* Counts the text in the pages around an address, over gaps of 1 MiB. */
static long around(uintptr_t page, long step)
{
	const char first = letter(0);
	long n = 0;

	for (int gap = 0; gap < 256; page += (uintptr_t)step) {
		if (!readable(page)) {
			gap++;
			continue;
		}
		gap = 0;
		/* What begins on one page and ends on the next is counted where
		 * that one can be read. */
		size_t len = readable(page + PAGE) ? PAGE : PAGE - text_len;

		for (size_t i = 0; i < len; i++)
			n += ((const char *)page)[i] == first &&
			     is_here((const char *)page + i);
	}
	return n;
}

static long both_ways(const void *at)
{
	uintptr_t page = (uintptr_t)at & ~(PAGE - 1);

	return around(page, PAGE) + around(page - PAGE, -(long)PAGE);
}

/* Libraries and what is mapped beside them, the program and the heap, the
 * stack with arguments and environment. */
static long find(void)
{
	char on_stack = 0;
	void *heap = malloc(64);
	long n = both_ways((const void *)&host) + both_ways(&on_stack) +
		 both_ways(heap) + both_ways((const void *)getauxval(AT_PHDR)) +
		 both_ways((const void *)&malloc);

	free(heap);
	return n;
}

static size_t put(char *to, size_t at, size_t size, const char *word)
{
	int n = snprintf(to + at, size - at, "%s\n", word);

	return n < 0 || at + (size_t)n >= size ? at : at + (size_t)n;
}

/* Environment and arguments, which lie before it, and the program's name as
 * the kernel has it. */
static size_t given(char *to, size_t size)
{
	char **arg = environ - 1;
	size_t at = put(to, 0, size, (const char *)getauxval(AT_EXECFN));

	for (char **e = environ; *e; e++)
		at = put(to, at, size, *e);
	while (*--arg && (uintptr_t)*arg > 4096)
		at = put(to, at, size, *arg);
	return at;
}

static int32_t crash(void)
{
	volatile char on_stack[sizeof(kept)];

	keep(kept);
	keep((char *)on_stack);
	keep(kept_heap);
	*(volatile int *)8 = on_stack[0];
	return 99;
}

static int32_t start(const struct isobooth_host *h, void **self)
{
	*self = NULL;
	host = h;
	kept_heap = malloc(sizeof(kept));
	return kept_heap ? 0 : 1;
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	char out[4096];
	size_t len;

	(void)self;
	if (!strcmp(event->action, "given")) {
		len = given(out, sizeof(out));
		return host->result(out, len);
	}
	if (!strcmp(event->action, "where")) {
		len = (size_t)snprintf(
		    out, sizeof(out), "%p %p %p", (const void *)&host,
		    (const void *)&malloc, (const void *)getauxval(AT_PHDR));
		return host->result(out, len);
	}
	if (take(event->params))
		return 1;
	if (!strcmp(event->action, "keep")) {
		keep(kept);
		keep(kept_heap);
		return 0;
	}
	if (!strcmp(event->action, "find")) {
		len = (size_t)snprintf(out, sizeof(out), "%ld", find());
		return host->result(out, len);
	}
	if (!strcmp(event->action, "crash"))
		return crash();
	if (!strcmp(event->action, "tell and crash")) {
		keep(out);
		if (write(2, out, text_len) < 0)
			return 1;
		return crash();
	}
	return 99;
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {.size = sizeof(table),
						    .abi = ISOBOOTH_ABI,
						    .name = "residue",
						    .version = "1",
						    .start = start,
						    .trigger = trigger};

	return abi == ISOBOOTH_ABI ? &table : NULL;
}
