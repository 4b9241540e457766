/* isobooth-worker: PID 1 of a booth. Confines itself, loads one plugin,
 * serves one pipe. Started by isobooth-jail inside the namespaces; started
 * by hand it finds no pipes and exits.
 *
 * Descriptors: 1 and 2 a pipe to the host's log, 3 triggers in, 4 replies
 * out, 5 the control socket (closed before a library is loaded).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "confine.h"
#include "control.h"
#include "plugin.h"
#include "wire.h"

enum { TRIGGER_FD = 3, REPLY_FD = 4, CONTROL_FD = 5 };

static uint8_t in[WIRE_MAX], out_buf[WIRE_MAX];

static void say(const char *text)
{
	/* The host may not be reading; there is nothing else to tell. */
	if (write(2, text, strlen(text)) < 0)
		return;
}

static int die(int code, const char *step)
{
	const char *why = strerrordesc_np(errno);

	say("isobooth-worker: ");
	say(step);
	say(": ");
	say(why ? why : "unknown error");
	say("\n");
	return code;
}

static int take_fds(void)
{
	for (int fd = 0; fd <= CONTROL_FD; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return -1;
	/* Linux 5.9. Nothing else may have leaked in. */
	if (close_range(CONTROL_FD + 1, ~0U, 0) < 0)
		return -1;
	return 0;
}

static int send_frame(const struct wire_out *o)
{
	size_t done = 0;

	while (done < o->len) {
		ssize_t n = write(REPLY_FD, o->buf + done, o->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

/* Reads one frame. The host never sends the next one before the reply, so a
 * read can take all there is. 1, 0 at the end of the pipe, -1 on nonsense. */
static int read_frame(struct wire_header *h)
{
	size_t have = 0;

	h->size = WIRE_HEADER;
	while (have < h->size) {
		ssize_t n = read(TRIGGER_FD, in + have, sizeof(in) - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 && have == 0 ? 0 : -1;
		have += (size_t)n;
		if (have >= WIRE_HEADER && wire_header(in, h))
			return -1;
	}
	return have == h->size ? 1 : -1;
}

static int serve(struct wire_out *out)
{
	struct wire_header h;
	struct wire_trigger t;
	int got;

	while ((got = read_frame(&h)) > 0) {
		switch (h.type) {
		case WIRE_HELLO:
			if (h.size != WIRE_HEADER + WIRE_NONCE)
				return -1;
			wire_begin(out, WIRE_READY, h.id, WIRE_NONCE);
			memcpy(out->buf + WIRE_HEADER, in + WIRE_HEADER,
			       WIRE_NONCE);
			wire_end(out);
			break;
		case WIRE_TRIGGER:
			if (wire_trigger(in, h.size, &t))
				return -1;
			plugin_trigger(h.id, &t, out);
			break;
		case WIRE_STOP:
			plugin_stop();
			wire_begin(out, WIRE_STOPPED, h.id, 0);
			wire_end(out);
			return send_frame(out) ? -1 : 0;
		default:
			return -1;
		}
		if (send_frame(out))
			return -1;
	}
	return got;
}

int main(void)
{
	struct confine_plan plan;
	struct confine_result result;
	struct control_load load;
	int libs[CONTROL_LIBS], err;
	struct wire_out out = {.buf = out_buf};

	if (take_fds())
		return die(CONFINE_FDS, "descriptors");
	/* libcontainer's clones would lose it; see prctl(2), PR_SET_PDEATHSIG.
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return die(CONFINE_CONTROL, "PR_SET_PDEATHSIG");
	/* No core file, no attach, no /proc/self of this user's. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return die(CONFINE_CONTROL, "PR_SET_DUMPABLE");
	if (control_boot(&plan))
		return die(CONFINE_CONTROL, "boot message");
	err = confine(&plan, &result);
	if (err)
		return die(err, "confine");
	control_done();
	if (control_confined(&result))
		return die(CONFINE_CONTROL, "confined message");
	err = control_load(&load, libs);
	if (err <= 0)
		return err ? die(CONFINE_CONTROL, "load message") : 0;

	err = plugin_load(&load, libs, &out);
	if (send_frame(&out))
		return CONFINE_CONTROL;
	if (err)
		return 1;
	err = serve(&out);
	if (err) {
		wire_error(&out, WIRE_ERR_PROTOCOL, "unreadable frame");
		send_frame(&out);
	}
	_exit(err ? 1 : 0);
}
