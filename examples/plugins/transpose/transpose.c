/* Answers each note with the same note, some semitones away:
 *
 *     params = { semitones = 7 }
 *
 * Copy this file to begin a plugin in C. Build:
 *
 *     cc -shared -fPIC -I include -o transpose.so transpose.c
 */
#include <isobooth/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct isobooth_host *host;

/* The parameters are a JSON object; one whole number does not need a parser. */
static long semitones(const char *params)
{
	const char *p = strstr(params, "\"semitones\":");

	return p ? strtol(p + strlen("\"semitones\":"), NULL, 10) : 12;
}

static int32_t start(const struct isobooth_host *h, void **self)
{
	static const char hello[] = "transpose is ready";

	*self = NULL;
	host = h;
	host->log(ISOBOOTH_INFO, hello, sizeof(hello) - 1);
	return 0;
}

static int32_t trigger(void *self, const struct isobooth_event *ev)
{
	uint8_t out[3];
	char text[64];
	long key;
	int n;

	(void)self;
	if (ev->kind != ISOBOOTH_NOTE_ON && ev->kind != ISOBOOTH_NOTE_OFF)
		return 0;
	key = ev->key + semitones(ev->params);
	if (key < 0 || key > 127)
		return 1; /* off the keyboard */
	out[0] = ev->raw[0];
	out[1] = (uint8_t)key;
	out[2] = ev->raw[2];
	host->midi_out(out, sizeof(out));
	n = snprintf(text, sizeof(text), "%u -> %ld", ev->key, key);
	host->result(text, (size_t)n);
	return 0;
}

static const struct isobooth_table plugin = {
    .size = sizeof(plugin),
    .abi = ISOBOOTH_ABI,
    .name = "transpose",
    .version = "1.0.0",
    .start = start,
    .trigger = trigger,
};

const struct isobooth_table *isobooth_plugin(uint32_t host_abi)
{
	return host_abi == ISOBOOTH_ABI ? &plugin : NULL;
}
