/* Tries to make files, folders and devices, and to write to what is there,
 * below ROOT; one "what path errno" for each attempt. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <isobooth/plugin.h>
#include <stdio.h>
#include <sys/stat.h>

#include "raw.h"

#ifndef ROOT
#define ROOT ""
#endif

static const char *const folders[] = {
    ROOT "/",	  ROOT "/dev/", ROOT "/dev/shm/",      ROOT "/dev/mqueue/",
    ROOT "/tmp/", ROOT "/run/", ROOT "/proc/",	       ROOT "/proc/self/",
    ROOT "/var/", ROOT "/lib/", ROOT "/sys/fs/cgroup/"};
static const char *const files[] = {
    ROOT "/isobooth-worker", ROOT "/proc/self/oom_score_adj",
    ROOT "/proc/self/comm", ROOT "/dev/ptmx", ROOT "/dev/pts/ptmx"};

static const struct isobooth_host *host;
static char text[4096];
static int len;

static void tell(const char *what, const char *path, long result)
{
	len += snprintf(text + len, sizeof(text) - (size_t)len, "%s %s %ld\n",
			what, path, result < 0 ? -result : 0);
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	char path[512];

	(void)self;
	(void)event;
	len = 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%sfile", folders[i]);
		tell("file", path,
		     raw(SYS_openat, AT_FDCWD, (long)path, O_CREAT | O_RDWR,
			 0600, 0, 0));
		tell("unnamed", folders[i],
		     raw(SYS_openat, AT_FDCWD, (long)folders[i],
			 O_TMPFILE | O_RDWR, 0600, 0, 0));
		snprintf(path, sizeof(path), "%sfolder", folders[i]);
		tell("folder", path,
		     raw(SYS_mkdirat, AT_FDCWD, (long)path, 0700, 0, 0, 0));
		snprintf(path, sizeof(path), "%sfifo", folders[i]);
		tell("fifo", path,
		     raw(SYS_mknodat, AT_FDCWD, (long)path, S_IFIFO | 0600, 0,
			 0, 0));
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		tell("open", files[i],
		     raw(SYS_openat, AT_FDCWD, (long)files[i], O_WRONLY, 0, 0,
			 0));
	return host->result(text, (size_t)len);
}

static int32_t start(const struct isobooth_host *h, void **self)
{
	*self = NULL;
	host = h;
	return 0;
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {.size = sizeof(table),
						    .abi = ISOBOOTH_ABI,
						    .name = "write",
						    .version = "1",
						    .start = start,
						    .trigger = trigger};

	return abi == ISOBOOTH_ABI ? &table : NULL;
}
