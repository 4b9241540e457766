/* Answers triggers that it never reads: each reply fills the reply pipe, so
 * the next one waits until the host has taken it. */
#include <isobooth/plugin.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static uint8_t frame[65536];

static int32_t start(const struct isobooth_host *host, void **self)
{
	(void)host;
	*self = NULL;
	return 0;
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	const uint32_t size = sizeof(frame);
	const uint16_t reply = 0x83, version = 1, item = sizeof(frame) - 28;
	uint64_t id = 2; /* of the first trigger */

	(void)self;
	(void)event;
	memcpy(frame, &size, 4);
	memcpy(frame + 4, &reply, 2);
	memcpy(frame + 6, &version, 2);
	frame[24] = 2; /* MIDI */
	memcpy(frame + 26, &item, 2);
	for (;; id++) {
		memcpy(frame + 8, &id, 8);
		if (write(4, frame, sizeof(frame)) != (ssize_t)sizeof(frame))
			return 1;
	}
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {.size = sizeof(table),
						    .abi = ISOBOOTH_ABI,
						    .name = "ahead",
						    .version = "1",
						    .start = start,
						    .trigger = trigger};

	return abi == ISOBOOTH_ABI ? &table : NULL;
}
