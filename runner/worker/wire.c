#define _GNU_SOURCE
#include "wire.h"

#include <string.h>

uint16_t wire_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t wire_u32(const uint8_t *p)
{
	return (uint32_t)wire_u16(p) | (uint32_t)wire_u16(p + 2) << 16;
}

uint64_t wire_u64(const uint8_t *p)
{
	return (uint64_t)wire_u32(p) | (uint64_t)wire_u32(p + 4) << 32;
}

void wire_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

void wire_put32(uint8_t *p, uint32_t v)
{
	wire_put16(p, (uint16_t)v);
	wire_put16(p + 2, (uint16_t)(v >> 16));
}

void wire_put64(uint8_t *p, uint64_t v)
{
	wire_put32(p, (uint32_t)v);
	wire_put32(p + 4, (uint32_t)(v >> 32));
}

int wire_header(const uint8_t *buf, struct wire_header *h)
{
	h->size = wire_u32(buf);
	h->type = wire_u16(buf + 4);
	h->version = wire_u16(buf + 6);
	h->id = wire_u64(buf + 8);
	if (h->size < WIRE_HEADER || h->size > WIRE_MAX ||
	    h->version != WIRE_VERSION)
		return -1;
	return 0;
}

/* Takes len bytes of text and its NUL from the rest of a frame. */
static const char *text(const uint8_t **p, size_t *left, uint32_t len)
{
	const uint8_t *s = *p;

	if (*left < (size_t)len + 1 || s[len] != 0)
		return NULL;
	*p += len + 1;
	*left -= (size_t)len + 1;
	return (const char *)s;
}

int wire_trigger(const uint8_t *frame, size_t len, struct wire_trigger *t)
{
	const uint8_t *b = frame + WIRE_HEADER, *p = b + WIRE_TRIGGER_FIXED;
	size_t left;

	if (len < WIRE_HEADER + WIRE_TRIGGER_FIXED)
		return -1;
	left = len - WIRE_HEADER - WIRE_TRIGGER_FIXED;
	t->kind = b[0];
	t->channel = b[1];
	t->key = b[2];
	t->velocity = b[3];
	t->value = (int32_t)wire_u32(b + 4);
	t->time_us = wire_u64(b + 8);
	t->raw_len = wire_u32(b + 16);
	t->action_len = wire_u16(b + 20);
	t->device_len = wire_u16(b + 22);
	t->params_len = wire_u32(b + 24);
	t->json_len = wire_u32(b + 28);
	t->gesture = b[32];
	t->taps = b[33];
	t->nkeys = b[34];
	t->mode_len = b[35];
	t->steps = (int32_t)wire_u32(b + 36);
	t->previous = (int32_t)wire_u32(b + 40);
	t->duration_us = wire_u64(b + 48);
	if (t->raw_len > left || t->params_len > left || t->json_len > left)
		return -1;
	t->raw = p;
	p += t->raw_len;
	left -= t->raw_len;
	if (t->nkeys > left)
		return -1;
	t->keys = p;
	p += t->nkeys;
	left -= t->nkeys;
	t->mode = text(&p, &left, t->mode_len);
	t->action = t->mode ? text(&p, &left, t->action_len) : NULL;
	t->device = t->action ? text(&p, &left, t->device_len) : NULL;
	t->params = t->device ? text(&p, &left, t->params_len) : NULL;
	t->json = t->params ? text(&p, &left, t->json_len) : NULL;
	return t->json && left == 0 ? 0 : -1;
}

void wire_begin(struct wire_out *o, uint16_t type, uint64_t id, size_t len)
{
	memset(o->buf, 0, WIRE_HEADER + len);
	wire_put16(o->buf + 4, type);
	wire_put16(o->buf + 6, WIRE_VERSION);
	wire_put64(o->buf + 8, id);
	o->len = WIRE_HEADER + len;
}

int wire_item(struct wire_out *o, uint8_t type, uint8_t level, const void *data,
	      size_t len)
{
	if (len > UINT16_MAX || o->len + WIRE_ITEM + len > WIRE_MAX)
		return -1;
	o->buf[o->len] = type;
	o->buf[o->len + 1] = level;
	wire_put16(o->buf + o->len + 2, (uint16_t)len);
	if (len)
		memcpy(o->buf + o->len + WIRE_ITEM, data, len);
	o->len += WIRE_ITEM + len;
	return 0;
}

void wire_end(struct wire_out *o)
{
	wire_put32(o->buf, (uint32_t)o->len);
}

void wire_error(struct wire_out *o, uint32_t code, const char *msg)
{
	size_t n = strnlen(msg, WIRE_LOG_MAX);

	wire_begin(o, WIRE_ERROR, 0, 4);
	wire_put32(o->buf + WIRE_HEADER, code);
	memcpy(o->buf + o->len, msg, n);
	o->len += n;
	wire_end(o);
}
