/* Makes one refused call in stop(), so that the host knows that it was
 * reached. With HANG it then stays there. */
#include <isobooth/plugin.h>

#include "raw.h"

static int32_t start(const struct isobooth_host *host, void **self)
{
	(void)host;
	*self = NULL;
	return 0;
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	(void)self;
	if (event->action[0] == 's') /* spin */
		for (;;)
			;
	return 0;
}

static void stop(void *self)
{
	(void)self;
	raw(SYS_getppid, 0, 0, 0, 0, 0, 0);
#ifdef HANG
	for (;;)
		;
#endif
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {.size = sizeof(table),
						    .abi = ISOBOOTH_ABI,
						    .name = "end",
						    .version = "1",
						    .start = start,
						    .trigger = trigger,
						    .stop = stop};

	return abi == ISOBOOTH_ABI ? &table : NULL;
}
