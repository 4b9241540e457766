/* The positive control: loads a plugin as the worker does, with no sandbox
 * around it, and gives it one trigger if an action is named.
 *
 *     unconfined LIBRARY [ACTION]
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <isobooth/plugin.h>

static int32_t take(int32_t level, const char *text, size_t len)
{
	(void)level;
	return len > 0 && text ? ISOBOOTH_OK : ISOBOOTH_INVALID;
}

static int32_t midi_out(const uint8_t *bytes, size_t len)
{
	return len > 0 && bytes ? ISOBOOTH_OK : ISOBOOTH_INVALID;
}

static int32_t result(const char *text, size_t len)
{
	return fwrite(text, 1, len, stdout) == len ? ISOBOOTH_OK
						   : ISOBOOTH_FULL;
}

int main(int argc, char **argv)
{
	const struct isobooth_host host = {sizeof(host), ISOBOOTH_ABI, take,
					   midi_out, result};
	const struct isobooth_table *(*entry)(uint32_t);
	const struct isobooth_table *table;
	int32_t (*execute)(const uint8_t *, size_t);
	char json[64];
	struct isobooth_event event = {
	    .size = sizeof(event), .params = "{}", .device = ""};
	void *library, *symbol, *self = NULL;
	cpu_set_t all;

	/* The test runs on a part of the processors, with which a deadline
	 * cannot be had; sched(7). */
	memset(&all, 0xff, sizeof(all));
	if (sched_setaffinity(0, sizeof(all), &all))
		return 2;
	/* Without root seccomp(2) wants this, which stops none of the attacks.
	 */
	if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 2;
	if (argc < 2 || dup2(2, 3) < 0 || dup2(2, 4) < 0)
		return 2;
	library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 2;
	}
	symbol = dlsym(library, "execute");
	if (symbol) {
		if (argc < 3)
			return 0;
		memcpy(&execute, &symbol, sizeof(symbol));
		snprintf(json, sizeof(json), "{\"action\":\"%s\"}", argv[2]);
		return execute((const uint8_t *)json, strlen(json)) ? 4 : 0;
	}
	symbol = dlsym(library, "isobooth_plugin");
	if (!symbol)
		return 2;
	memcpy(&entry, &symbol, sizeof(symbol));
	table = entry(ISOBOOTH_ABI);
	if (!table || table->start(&host, &self))
		return 3;
	if (argc < 3)
		return 0;
	event.action = argv[2];
	return table->trigger(self, &event) ? 4 : 0;
}
