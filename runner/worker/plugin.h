/* Loads one plugin and calls it. */
#ifndef ISOBOOTH_WORKER_PLUGIN_H
#define ISOBOOTH_WORKER_PLUGIN_H

#include "control.h"
#include "wire.h"

/* Loads the libraries in order, the plugin last, looks up its entry and
 * starts it. Leaves a LOADED or an ERROR frame in out. 0 or -1. */
int plugin_load(const struct control_load *m, const int *libs,
		struct wire_out *out);
/* Calls the plugin with one trigger; leaves a REPLY frame in out. */
void plugin_trigger(uint64_t id, const struct wire_trigger *t,
		    struct wire_out *out);
/* Says goodbye to the plugin. */
void plugin_stop(void);

#endif
