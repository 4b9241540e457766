/* Opens what there is to open while it loads, and tells at the first
 * trigger: one "path errno" for each line. */
#include <fcntl.h>
#include <isobooth/plugin.h>
#include <stdio.h>

#include "raw.h"

static const char *const paths[] = {"/",
				    "/proc",
				    "/proc/self/maps",
				    "/proc/self/fd",
				    "/proc/1/environ",
				    "/isobooth-worker",
				    "/dev",
				    "/dev/null",
				    "/dev/zero",
				    "/dev/urandom",
				    "/dev/random",
				    "/etc/passwd",
				    "/proc/sys/kernel",
				    "/proc/1/task/1/mem"};
enum { PATHS = sizeof(paths) / sizeof(paths[0]) };

static const struct isobooth_host *host;
static long errors[PATHS];

__attribute__((constructor)) static void look(void)
{
	for (int i = 0; i < PATHS; i++) {
		long fd = raw(SYS_openat, AT_FDCWD, (long)paths[i], O_RDONLY, 0,
			      0, 0);

		errors[i] = fd < 0 ? -fd : 0;
		if (fd >= 0)
			raw(SYS_close, fd, 0, 0, 0, 0, 0);
	}
}

static int32_t start(const struct isobooth_host *h, void **self)
{
	*self = NULL;
	host = h;
	return 0;
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	char text[1024];
	int n = 0;

	(void)self;
	(void)event;
	for (int i = 0; i < PATHS; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s %ld\n",
			      paths[i], errors[i]);
	return host->result(text, (size_t)n);
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {.size = sizeof(table),
						    .abi = ISOBOOTH_ABI,
						    .name = "files",
						    .version = "1",
						    .start = start,
						    .trigger = trigger};

	return abi == ISOBOOTH_ABI ? &table : NULL;
}
