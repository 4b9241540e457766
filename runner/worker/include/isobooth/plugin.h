/* SPDX-License-Identifier: Apache-2.0
 *
 * isobooth plugin interface, version 1: the only file a plugin author needs.
 *
 * A plugin is a shared library that exports one function,
 *
 *     const struct isobooth_table *isobooth_plugin(uint32_t host_abi);
 *
 * which returns a table that lives as long as the library. Return NULL when
 * host_abi is not a version the plugin was written for; the host then refuses
 * to start it. There is no silent downgrade.
 *
 * Phases. Every function below says in which phase it is called:
 *
 *   [load]  from dlopen until start() returns. Files are already out of
 *           reach; what the profile's load rules name still works.
 *   [run]   after the host has sealed the booth. Only the profile's run rules
 *           still work; every other system call fails with EPERM.
 *
 * All functions are called on one thread, one at a time. Text is UTF-8.
 */
#ifndef ISOBOOTH_PLUGIN_H
#define ISOBOOTH_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ISOBOOTH_ABI 1u

#if defined(__GNUC__)
#define ISOBOOTH_EXPORT __attribute__((visibility("default")))
#else
#define ISOBOOTH_EXPORT
#endif

/* What happened on the MIDI port. The numbers are fixed. */
enum isobooth_kind {
	ISOBOOTH_NOTE_OFF =
	    1, /* key, velocity; also a note-on with velocity 0 */
	ISOBOOTH_NOTE_ON = 2,	      /* key, velocity 1-127 */
	ISOBOOTH_POLY_AFTERTOUCH = 3, /* key; value is the pressure */
	ISOBOOTH_CONTROL_CHANGE = 4,  /* key is the controller; value 0-127 */
	ISOBOOTH_PROGRAM_CHANGE = 5,  /* value is the program 0-127 */
	ISOBOOTH_AFTERTOUCH = 6,      /* value is the pressure 0-127 */
	ISOBOOTH_PITCH_BEND = 7,      /* value 0-16383, centre 8192 */
	ISOBOOTH_SYSEX = 8,	      /* raw holds F0 ... F7 */
	ISOBOOTH_SYSTEM = 9 /* raw holds the message; value a song position */
};

/* What the trigger has seen beyond the message. The numbers are fixed; take
 * one that you do not know for a message. */
enum isobooth_gesture {
	ISOBOOTH_MESSAGE = 0,  /* the message, and nothing more */
	ISOBOOTH_HOLD = 1,     /* the key was held for duration_us */
	ISOBOOTH_TAPS = 2,     /* the key was struck as often as taps says */
	ISOBOOTH_CHORD = 3,    /* all of keys were struck together */
	ISOBOOTH_TURN = 4,     /* an encoder was turned by steps */
	ISOBOOTH_CROSSING = 5, /* value is on the other side than previous */
	ISOBOOTH_CLOCK = 6     /* steps counts divisions since the start */
};

/* Severity of a log line. */
enum isobooth_level {
	ISOBOOTH_DEBUG = 0,
	ISOBOOTH_INFO = 1,
	ISOBOOTH_WARN = 2,
	ISOBOOTH_ERROR = 3
};

/* Results of the host's functions. */
enum isobooth_status {
	ISOBOOTH_OK = 0,
	ISOBOOTH_FULL = -1, /* this trigger's reply has no room left; dropped */
	ISOBOOTH_INVALID = -2 /* too long, or not one complete MIDI message */
};

/* One trigger. It grows at its end: before you use a member of a later host,
 * see that size reaches beyond it. The host owns everything the pointers name;
 * it is valid until trigger() returns. */
struct isobooth_event {
	uint32_t size;	  /* of this structure as the host knows it, in bytes */
	uint8_t kind;	  /* enum isobooth_kind */
	uint8_t channel;  /* 0-15; 255 when the message has none */
	uint8_t key;	  /* note number or controller number */
	uint8_t velocity; /* note velocity; for note-off the release velocity */
	int32_t value;	  /* see enum isobooth_kind */
	uint32_t reserved;
	uint64_t time_us;   /* microseconds since the source started */
	const uint8_t *raw; /* the bytes as received */
	size_t raw_len;	    /* in bytes */
	const char *action; /* from the mapping; NUL-terminated, may be "" */
	const char *params; /* from the mapping; a JSON object, "{}" if none */
	const char *device; /* name of the MIDI port; NUL-terminated */

	/* What the gesture was. The message above is its last, or for a hold
	 * its press. Look at size before reading these in a plugin that is to
	 * run with hosts older than this header. */
	uint8_t gesture;  /* enum isobooth_gesture */
	uint8_t taps;	  /* 2-4 for ISOBOOTH_TAPS, else 0 */
	uint8_t keys_len; /* how many keys, 0 unless ISOBOOTH_CHORD */
	uint8_t reserved2;
	int32_t steps;	  /* of ISOBOOTH_TURN, negative for down; clock */
	int32_t previous; /* value of the same control before; -1 unknown */
	uint32_t reserved3;
	/* In microseconds: how long the key was held (hold, note-off), how
	 * long a note-on waited for what it would become, how far the first
	 * and the last press of taps and chords are apart; else 0. */
	uint64_t duration_us;
	const uint8_t *keys; /* of a chord, ascending */
	const char *mode;    /* in force when it began; NUL-terminated */
};

/* What the host offers. Valid from start() until stop() returns. Call these
 * only from inside start(), trigger() or stop(); they copy what they are
 * given. What is handed over in start() is delivered with the start itself. */
struct isobooth_host {
	uint32_t size; /* of this structure as the host knows it, in bytes */
	uint32_t abi;  /* ISOBOOTH_ABI of the host */
	/* [load, run] One log line of len bytes, 1,024 at most; level is an
	 * enum isobooth_level. Shown escaped; never interpreted. */
	int32_t (*log)(int32_t level, const char *text, size_t len);
	/* [run] Sends one complete MIDI message of len bytes to the MIDI out
	 * port of the mapping, after trigger() has returned. The host limits
	 * the rate there and drops what is over it; OK does not mean sent. */
	int32_t (*midi_out)(const uint8_t *bytes, size_t len);
	/* [run] The answer to this trigger, len bytes of text or JSON, 4,096
	 * at most; the last call wins. */
	int32_t (*result)(const char *text, size_t len);
};

/* The plugin's own table. All pointers except stop are required. */
struct isobooth_table {
	uint32_t size;	     /* sizeof(struct isobooth_table), in bytes */
	uint32_t abi;	     /* ISOBOOTH_ABI the plugin was built with */
	const char *name;    /* NUL-terminated, 63 bytes at most */
	const char *version; /* NUL-terminated, 31 bytes at most */
	/* [load] Gets ready. *self is handed back to the other functions.
	 * Returns 0, or a positive error number that is reported as the cause
	 * why the booth did not start. */
	int32_t (*start)(const struct isobooth_host *host, void **self);
	/* [run] Serves one trigger. Returns 0, or any other value, which is
	 * shown as this trigger's error; the plugin stays loaded. */
	int32_t (*trigger)(void *self, const struct isobooth_event *event);
	/* [run] Last call before the process ends. Never rely on it: a booth
	 * can be killed at any time. May be NULL. */
	void (*stop)(void *self);
};

/* [load] The one exported symbol. */
ISOBOOTH_EXPORT const struct isobooth_table *isobooth_plugin(uint32_t host_abi);

#ifdef __cplusplus
}
#endif

#endif
