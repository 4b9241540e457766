/* Reads the frames the worker would receive, builds the ones it would send;
 * runner/wire/frame_test.go compares both with the golden frames. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

static int read_frame(const char *path)
{
	struct wire_header h;
	struct wire_trigger t;
	uint8_t *frame;
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		return 2;
	frame = malloc(WIRE_MAX);
	if (!frame)
		return 2;
	n = fread(frame, 1, WIRE_MAX, f);
	fclose(f);
	/* A block of the exact size lets the sanitizer see any overrun. */
	frame = realloc(frame, n);
	if (!frame || n < WIRE_HEADER || wire_header(frame, &h) ||
	    h.size != n) {
		printf("refused header\n");
		return 1;
	}
	if (h.type == WIRE_TRIGGER && wire_trigger(frame, n, &t)) {
		printf("refused trigger\n");
		free(frame);
		return 1;
	}
	printf("type %u id %llu size %u\n", h.type, (unsigned long long)h.id,
	       h.size);
	if (h.type == WIRE_TRIGGER) {
		printf("kind %u channel %u key %u velocity %u value %d time "
		       "%llu\n",
		       t.kind, t.channel, t.key, t.velocity, t.value,
		       (unsigned long long)t.time_us);
		printf("gesture %u taps %u steps %d previous %d duration "
		       "%llu\nkeys ",
		       t.gesture, t.taps, t.steps, t.previous,
		       (unsigned long long)t.duration_us);
		for (uint32_t i = 0; i < t.nkeys; i++)
			printf("%02x", t.keys[i]);
		printf("\nmode %s\nraw ", t.mode);
		for (uint32_t i = 0; i < t.raw_len; i++)
			printf("%02x", t.raw[i]);
		printf("\naction %s\ndevice %s\nparams %s\njson %s\n", t.action,
		       t.device, t.params, t.json);
	}
	free(frame);
	return 0;
}

static int build_frame(const char *name, const char *path)
{
	static uint8_t buf[WIRE_MAX];
	struct wire_out o = {.buf = buf};
	FILE *f;

	if (!strcmp(name, "loaded")) {
		wire_begin(&o, WIRE_LOADED, 0, WIRE_REPLY_FIXED);
		wire_put32(buf + WIRE_HEADER, 1);
		wire_item(&o, WIRE_NAME, 0, "transpose", 9);
		wire_item(&o, WIRE_PLUGIN_VERSION, 0, "1.0.0", 5);
		wire_item(&o, WIRE_LOG, 1, "ready", 5);
	} else if (!strcmp(name, "reply")) {
		wire_begin(&o, WIRE_REPLY, 2, WIRE_REPLY_FIXED);
		wire_item(&o, WIRE_MIDI, 0, "\x99\x2b\x64", 3);
		wire_item(&o, WIRE_RESULT, 0, "ok", 2);
	} else if (!strcmp(name, "reply-failed")) {
		wire_begin(&o, WIRE_REPLY, 3, WIRE_REPLY_FIXED);
		wire_put32(buf + WIRE_HEADER, (uint32_t)-5);
		wire_put32(buf + WIRE_HEADER + 4, 3);
	} else if (!strcmp(name, "ready")) {
		wire_begin(&o, WIRE_READY, 7, WIRE_NONCE);
		for (uint8_t i = 0; i < WIRE_NONCE; i++)
			buf[WIRE_HEADER + i] = i;
	} else if (!strcmp(name, "stopped")) {
		wire_begin(&o, WIRE_STOPPED, 9, 0);
	} else if (!strcmp(name, "error")) {
		wire_error(&o, WIRE_ERR_START,
			   "the plugin's start returned 12");
	} else {
		return 2;
	}
	wire_end(&o);
	f = fopen(path, "wb");
	if (!f || fwrite(buf, 1, o.len, f) != o.len || fclose(f))
		return 2;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "read"))
		return read_frame(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "build"))
		return build_frame(argv[2], argv[3]);
	return 2;
}
