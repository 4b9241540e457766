/* Both plugin kinds around one function, which is given the trigger's action.
 * EXECUTE picks the one that takes JSON. */
#ifndef KINDS_H
#define KINDS_H

#include <isobooth/plugin.h>
#include <string.h>

static int32_t act(const char *action);

#ifdef EXECUTE
int32_t execute(const uint8_t *json, size_t len);
int32_t execute(const uint8_t *json, size_t len)
{
	static const char head[] = "{\"action\":\"";
	const char *from = (const char *)json + sizeof(head) - 1;
	const char *to;
	char action[32] = "";

	if (len < sizeof(head) || memcmp(json, head, sizeof(head) - 1))
		return 99;
	to = strchr(from, '"');
	if (!to || (size_t)(to - from) >= sizeof(action))
		return 99;
	memcpy(action, from, (size_t)(to - from));
	return act(action);
}
#else
static int32_t kinds_start(const struct isobooth_host *host, void **self)
{
	(void)host;
	*self = NULL;
	return 0;
}

static int32_t kinds_trigger(void *self, const struct isobooth_event *event)
{
	(void)self;
	return act(event->action);
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {
	    .size = sizeof(table),
	    .abi = ISOBOOTH_ABI,
	    .name = "test",
	    .version = "1",
	    .start = kinds_start,
	    .trigger = kinds_trigger,
	};

	return abi == ISOBOOTH_ABI ? &table : NULL;
}
#endif

#endif
