/* The plugin of every measurement: it does nothing, and crashes when it is
 * told to. */
#include <isobooth/plugin.h>

static int32_t start(const struct isobooth_host *host, void **self)
{
	(void)host;
	*self = NULL;
	return 0;
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	(void)self;
	if (event->action[0] == 'c') /* crash */
		__builtin_trap();
	return 0;
}

static const struct isobooth_table table = {
    .size = sizeof(table),
    .abi = ISOBOOTH_ABI,
    .name = "bench",
    .version = "1.0.0",
    .start = start,
    .trigger = trigger,
};

const struct isobooth_table *isobooth_plugin(uint32_t host_abi)
{
	return host_abi == ISOBOOTH_ABI ? &table : NULL;
}
