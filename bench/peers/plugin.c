/* The plugin of every measurement: it does nothing, and crashes, or says what
 * time it is, when it is told to. */
#define _POSIX_C_SOURCE 200809L
#include <isobooth/plugin.h>
#include <stdio.h>
#include <time.h>

static int32_t start(const struct isobooth_host *host, void **self)
{
	*self = (void *)host;
	return 0;
}

/* The real time: a booth's namespace could have another monotonic one. */
static int32_t say_time(const struct isobooth_host *host)
{
	struct timespec now;
	char text[32];
	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return 1;
	int n = snprintf(text, sizeof(text), "%lld",
			 (long long)now.tv_sec * 1000000000 + now.tv_nsec);
	return host->result(text, (size_t)n);
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	if (event->action[0] == 't') /* time */
		return say_time(self);
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
