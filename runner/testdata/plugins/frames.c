/* Writes on the reply pipe itself, as the action says. The host counts
 * triggers from 2; 1 is its greeting. */
#include "kinds.h"
#include "raw.h"

#include <stdint.h>

enum { READY = 0x82, REPLY = 0x83, STOPPED = 0x84, ERROR = 0x8f };

struct frame {
	uint32_t size;
	uint16_t type, version;
	uint64_t id;
	uint32_t a, b; /* of a reply: status, dropped */
};

static void put(uint32_t size, uint16_t type, uint64_t id, uint32_t a,
		size_t len)
{
	struct frame f = {size, type, 1, id, a, 0};

	raw(SYS_write, 4, (long)&f, (long)len, 0, 0, 0);
}

static int32_t act(const char *action)
{
	static uint64_t id = 1;
	static const char noise[] = "\xff\xff\xff\xff\xff\xff\xff\xff"
				    "\xff\xff\xff\xff\xff\xff\xff\xff";

	id++;
	if (!strcmp(action, "hello"))
		return 0;
	if (!strcmp(action, "garbage"))
		raw(SYS_write, 4, (long)noise, 16, 0, 0, 0);
	if (!strcmp(action, "huge"))
		put(0xfffffff0, REPLY, id, 0, 24);
	if (!strcmp(action, "tiny"))
		put(15, REPLY, id, 0, 24);
	if (!strcmp(action, "ready"))
		put(24, READY, id, 0, 24);
	if (!strcmp(action, "stopped"))
		put(16, STOPPED, id, 0, 16);
	if (!strcmp(action, "badcode"))
		put(20, ERROR, id, 77, 20);
	if (!strcmp(action, "error")) { /* as if it were still loading */
		put(20, ERROR, id, 2, 20);
		for (;;)
			;
	}
	if (!strcmp(action, "wrongid"))
		put(24, REPLY, id + 1, 0, 24);
	if (!strcmp(action, "twice"))
		put(24, REPLY, id, 0, 24);
	if (!strcmp(action, "half")) { /* promises more than ever comes */
		put(4096, REPLY, id, 0, 24);
		for (;;)
			;
	}
	if (!strcmp(action, "close"))
		return (int32_t)-raw(SYS_close, 4, 0, 0, 0, 0, 0);
	return 0;
}
