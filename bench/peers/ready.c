/* What every start is measured up to, for the peers: loads the plugin, asks
 * for its table, writes one byte to stdout and waits for the end of stdin.
 *
 *     ready PLUGIN
 */
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include <isobooth/plugin.h>

typedef const struct isobooth_table *(*entry_fn)(uint32_t);

int main(int argc, char **argv)
{
	entry_fn entry;
	void *handle, *symbol;
	char byte = 1;

	if (argc != 2)
		return 2;
	handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	symbol = handle ? dlsym(handle, "isobooth_plugin") : NULL;
	if (!symbol)
		return 1;
	memcpy(&entry, &symbol, sizeof(symbol));
	if (!entry(ISOBOOTH_ABI) || write(1, &byte, 1) != 1)
		return 1;
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
