/* Frames on the trigger pipe and the reply pipe. The Go side is
 * runner/wire; both read the golden frames in runner/wire/testdata.
 *
 *     host                              worker
 *      |  (library comes over fd 5)        |
 *      |                 LOADED or ERROR <-|
 *      |  (host seals the booth)           |
 *      |-> HELLO nonce                     |
 *      |                     READY nonce <-|
 *      |-> TRIGGER id                      |
 *      |                        REPLY id <-|   one for one, in order
 *      |-> STOP                            |
 *      |                         STOPPED <-|
 *
 * Every frame starts with a header of 16 bytes, little-endian:
 * u32 size (of the whole frame), u16 type, u16 version (1), u64 id.
 */
#ifndef ISOBOOTH_WIRE_H
#define ISOBOOTH_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_VERSION = 1,
	WIRE_HEADER = 16,
	WIRE_MAX = 65536, /* bytes in a frame, header included */
	WIRE_NONCE = 16,
	WIRE_TRIGGER_FIXED = 56, /* bytes before a trigger's variable parts */
	WIRE_REPLY_FIXED = 8,
	WIRE_ITEM = 4, /* bytes before an item's text */
	WIRE_LOG_MAX = 1024,
	WIRE_RESULT_MAX = 4096
};

enum wire_type {
	WIRE_HELLO = 1,
	WIRE_TRIGGER = 2,
	WIRE_STOP = 3,
	WIRE_LOADED = 0x81,
	WIRE_READY = 0x82,
	WIRE_REPLY = 0x83,
	WIRE_STOPPED = 0x84,
	WIRE_ERROR = 0x8f
};

/* Items in a REPLY or LOADED frame; the last two only in LOADED. */
enum wire_item {
	WIRE_LOG = 1,
	WIRE_MIDI = 2,
	WIRE_RESULT = 3,
	WIRE_NAME = 4,
	WIRE_PLUGIN_VERSION = 5
};

/* Closed list of errors; runner/wire/errors.go has the same numbers. */
enum wire_code {
	WIRE_ERR_DLOPEN = 1, /* the loader refused the library */
	WIRE_ERR_ENTRY = 2,  /* the entry symbol is missing */
	WIRE_ERR_ABI = 3,    /* the plugin refused this interface version */
	WIRE_ERR_TABLE = 4,  /* the plugin's table is incomplete */
	WIRE_ERR_START = 5,  /* start() returned an error */
	WIRE_ERR_PROTOCOL =
	    6 /* the host sent a frame this worker cannot read */
};

struct wire_header {
	uint32_t size;
	uint16_t type;
	uint16_t version;
	uint64_t id;
};

/* A decoded trigger; the pointers lead into the frame. */
struct wire_trigger {
	uint8_t kind, channel, key, velocity;
	int32_t value;
	uint64_t time_us;
	uint8_t gesture, taps, nkeys, mode_len;
	int32_t steps, previous;
	uint64_t duration_us;
	const uint8_t *raw, *keys;
	uint32_t raw_len;
	const char *mode; /* NUL-terminated, as are these */
	const char *action, *device, *params, *json;
	uint32_t action_len, device_len, params_len, json_len;
};

/* A frame under construction. */
struct wire_out {
	uint8_t *buf; /* WIRE_MAX bytes */
	size_t len;
};

uint16_t wire_u16(const uint8_t *p);
uint32_t wire_u32(const uint8_t *p);
uint64_t wire_u64(const uint8_t *p);
void wire_put16(uint8_t *p, uint16_t v);
void wire_put32(uint8_t *p, uint32_t v);
void wire_put64(uint8_t *p, uint64_t v);

/* Reads the header of a frame; 0, or -1 when size or version is out of range.
 */
int wire_header(const uint8_t *buf, struct wire_header *h);
/* Reads a trigger from a whole frame; 0, or -1 when a length does not fit. */
int wire_trigger(const uint8_t *frame, size_t len, struct wire_trigger *t);

/* Starts a frame of the given type with a body of len zero bytes. */
void wire_begin(struct wire_out *o, uint16_t type, uint64_t id, size_t len);
/* Appends one item to a REPLY or LOADED frame; 0, or -1 when it has no room. */
int wire_item(struct wire_out *o, uint8_t type, uint8_t level, const void *data,
	      size_t len);
/* Writes the size into the header; the frame is then o->buf[0..o->len). */
void wire_end(struct wire_out *o);
/* A whole ERROR frame; text longer than fits is cut. */
void wire_error(struct wire_out *o, uint32_t code, const char *text);

#endif
