/* Plugins that are not what they should be, by macro. */
#include <isobooth/plugin.h>

#ifdef UNDEFINED
int nobody_has_this(void);
#endif

static int32_t start(const struct isobooth_host *host, void **self)
{
	(void)host;
	(void)self;
#ifdef UNDEFINED
	return nobody_has_this();
#elif defined(START_ERROR)
	return START_ERROR;
#else
	return 0;
#endif
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	(void)self;
	(void)event;
	return 0;
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {
#ifdef SMALL
	    .size = sizeof(table) - 1,
#else
	    .size = sizeof(table),
#endif
#ifdef OTHER_ABI
	    .abi = ISOBOOTH_ABI + 1,
#else
	    .abi = ISOBOOTH_ABI,
#endif
#ifndef NAMELESS
	    .name = "table",
#endif
	    .version = "1",
	    .start = start,
#ifndef TRIGGERLESS
	    .trigger = trigger,
#endif
	};

	(void)trigger;
#ifdef NO_TABLE
	return abi == 0 ? &table : NULL;
#else
	return abi == ISOBOOTH_ABI ? &table : NULL;
#endif
}
