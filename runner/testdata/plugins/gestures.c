/* Answers with what it is told of a trigger; with OLD, as a plugin that was
 * built when the event ended with the device. */
#include <isobooth/plugin.h>

#include <stdio.h>

#ifdef OLD
struct event {
	uint32_t size;
	uint8_t kind, channel, key, velocity;
	int32_t value;
	uint32_t reserved;
	uint64_t time_us;
	const uint8_t *raw;
	size_t raw_len;
	const char *action, *params, *device;
};
#endif

static const struct isobooth_host *host;

static int32_t start(const struct isobooth_host *h, void **self)
{
	(void)self;
	host = h;
	return 0;
}

static int32_t trigger(void *self, const struct isobooth_event *given)
{
	char text[512];
	int n;

	(void)self;
#ifdef OLD
	const struct event *ev = (const void *)given;

	if (ev->size < sizeof(*ev))
		return 1;
	n = snprintf(text, sizeof(text), "kind %u key %u raw %zu %s %s %s",
		     ev->kind, ev->key, ev->raw_len, ev->action, ev->params,
		     ev->device);
#else
	const struct isobooth_event *ev = given;

	if (ev->size != sizeof(*ev))
		return 1;
	n = snprintf(text, sizeof(text),
		     "kind %u value %d raw %02x gesture %u taps %u steps %d "
		     "previous %d duration %llu mode %s keys",
		     ev->kind, ev->value, ev->raw[0], ev->gesture, ev->taps,
		     ev->steps, ev->previous,
		     (unsigned long long)ev->duration_us, ev->mode);
	for (unsigned i = 0; i < ev->keys_len; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " %u",
			      ev->keys[i]);
#endif
	return host->result(text, (size_t)n);
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {
	    .size = sizeof(table),
	    .abi = ISOBOOTH_ABI,
	    .name = "gestures",
	    .version = "1",
	    .start = start,
	    .trigger = trigger,
	};

	return abi == ISOBOOTH_ABI ? &table : NULL;
}
