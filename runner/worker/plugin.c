#define _GNU_SOURCE
#include "plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "isobooth/plugin.h"

/* Plugins that were built with the first plugin.h use no more than this. */
_Static_assert(offsetof(struct isobooth_event, gesture) == 64,
	       "struct isobooth_event grows at its end only");

typedef const struct isobooth_table *(*entry_fn)(uint32_t);
typedef int32_t (*execute_fn)(const uint8_t *, size_t);

static struct {
	uint32_t kind;
	const struct isobooth_table *table;
	void *self;
	execute_fn execute;
	/* The frame the host functions below write into; NULL outside a call
	 * of the plugin. */
	struct wire_out *out;
	uint32_t dropped; /* items that found no room */
	char result[WIRE_RESULT_MAX];
	size_t result_len;
	int has_result;
} plugin;

static int32_t item(uint8_t type, uint8_t level, const void *data, size_t len)
{
	if (!plugin.out)
		return ISOBOOTH_INVALID;
	/* Room for the result is kept until the end of the call. */
	if (plugin.out->len + WIRE_ITEM + len >
		WIRE_MAX - WIRE_RESULT_MAX - WIRE_ITEM ||
	    wire_item(plugin.out, type, level, data, len)) {
		plugin.dropped++;
		return ISOBOOTH_FULL;
	}
	return ISOBOOTH_OK;
}

static int32_t host_log(int32_t level, const char *text, size_t len)
{
	if (!text || len > WIRE_LOG_MAX)
		return ISOBOOTH_INVALID;
	if (level < ISOBOOTH_DEBUG || level > ISOBOOTH_ERROR)
		level = ISOBOOTH_INFO;
	return item(WIRE_LOG, (uint8_t)level, text, len);
}

static int32_t host_midi_out(const uint8_t *bytes, size_t len)
{
	/* The host checks the message; a status byte is the least. */
	if (!bytes || len == 0 || len > UINT16_MAX || bytes[0] < 0x80)
		return ISOBOOTH_INVALID;
	return item(WIRE_MIDI, 0, bytes, len);
}

static int32_t host_result(const char *text, size_t len)
{
	if (!plugin.out || !text || len > WIRE_RESULT_MAX)
		return ISOBOOTH_INVALID;
	memcpy(plugin.result, text, len);
	plugin.result_len = len;
	plugin.has_result = 1;
	return ISOBOOTH_OK;
}

static const struct isobooth_host host = {
    .size = sizeof(host),
    .abi = ISOBOOTH_ABI,
    .log = host_log,
    .midi_out = host_midi_out,
    .result = host_result,
};

static void begin(struct wire_out *out, uint16_t type, uint64_t id)
{
	wire_begin(out, type, id, WIRE_REPLY_FIXED);
	plugin.out = out;
	plugin.dropped = 0;
	plugin.has_result = 0;
}

static void end(int32_t status)
{
	struct wire_out *out = plugin.out;

	plugin.out = NULL;
	if (plugin.has_result)
		wire_item(out, WIRE_RESULT, 0, plugin.result,
			  plugin.result_len);
	wire_put32(out->buf + WIRE_HEADER, (uint32_t)status);
	wire_put32(out->buf + WIRE_HEADER + 4, plugin.dropped);
	wire_end(out);
}

/* Maps one sealed memfd. Path names must differ: glibc takes a path that it
 * has seen for the library it has, so descriptors stay open until all are
 * loaded. */
static void *load_library(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static int check_table(const struct isobooth_table *t)
{
	return t->size >= sizeof(*t) && t->abi == ISOBOOTH_ABI && t->name &&
	       t->version && t->start && t->trigger;
}

static int start_table(struct wire_out *out)
{
	const struct isobooth_table *t = plugin.table;
	char text[80];
	int32_t err;

	begin(out, WIRE_LOADED, 0);
	wire_item(out, WIRE_NAME, 0, t->name, strnlen(t->name, 63));
	wire_item(out, WIRE_PLUGIN_VERSION, 0, t->version,
		  strnlen(t->version, 31));
	err = t->start(&host, &plugin.self);
	end(ISOBOOTH_ABI);
	if (err == 0)
		return 0;
	snprintf(text, sizeof(text), "the plugin's start returned %d", err);
	wire_error(out, WIRE_ERR_START, text);
	return -1;
}

int plugin_load(const struct control_load *m, const int *libs,
		struct wire_out *out)
{
	void *handle = NULL, *symbol;
	entry_fn entry;

	for (uint32_t i = 0; i < m->nlibs; i++) {
		handle = load_library(libs[i]);
		if (!handle) {
			const char *why = dlerror();

			wire_error(out, WIRE_ERR_DLOPEN,
				   why ? why : "no reason given");
			return -1;
		}
	}
	for (uint32_t i = 0; i < m->nlibs; i++)
		close(libs[i]);
	symbol = dlsym(handle, m->entry);
	if (!symbol) {
		wire_error(out, WIRE_ERR_ENTRY, m->entry);
		return -1;
	}
	plugin.kind = m->kind;
	if (m->kind == KIND_EXECUTE) {
		memcpy(&plugin.execute, &symbol, sizeof(symbol));
		begin(out, WIRE_LOADED, 0);
		end(ISOBOOTH_ABI);
		return 0;
	}
	memcpy(&entry, &symbol, sizeof(symbol));
	plugin.table = entry(ISOBOOTH_ABI);
	if (!plugin.table) {
		wire_error(out, WIRE_ERR_ABI,
			   "the plugin does not serve isobooth/1");
		return -1;
	}
	if (!check_table(plugin.table)) {
		wire_error(
		    out, WIRE_ERR_TABLE,
		    "the plugin's table is too small or lacks a function");
		return -1;
	}
	return start_table(out);
}

void plugin_trigger(uint64_t id, const struct wire_trigger *t,
		    struct wire_out *out)
{
	struct isobooth_event ev;
	int32_t status;

	begin(out, WIRE_REPLY, id);
	if (plugin.kind == KIND_EXECUTE) {
		status = plugin.execute((const uint8_t *)t->json, t->json_len);
		end(status);
		return;
	}
	ev = (struct isobooth_event){
	    .size = sizeof(ev),
	    .kind = t->kind,
	    .channel = t->channel,
	    .key = t->key,
	    .velocity = t->velocity,
	    .value = t->value,
	    .time_us = t->time_us,
	    .raw = t->raw,
	    .raw_len = t->raw_len,
	    .action = t->action,
	    .params = t->params,
	    .device = t->device,
	    .gesture = t->gesture,
	    .taps = t->taps,
	    .keys_len = t->nkeys,
	    .steps = t->steps,
	    .previous = t->previous,
	    .duration_us = t->duration_us,
	    .keys = t->keys,
	    .mode = t->mode,
	};
	status = plugin.table->trigger(plugin.self, &ev);
	end(status);
}

void plugin_stop(void)
{
	if (plugin.table && plugin.table->stop)
		plugin.table->stop(plugin.self);
}
