/* Does what the words of the action say, with sockets that stay from one
 * trigger to the next, and tells what came back: a number or -errno, and what
 * was read. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <isobooth/plugin.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "raw.h"

enum { WORDS = 8 };

static const struct isobooth_host *host;
static char text[1024];

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	char bytes[160];
};

/* IP[%SCOPE] PORT */
static socklen_t address(union address *a, const char *ip, const char *port)
{
	char plain[64];
	const char *scope = strchr(ip, '%');

	memset(a, 0, sizeof(*a));
	if (!strcmp(ip, "unspec")) {
		a->any.sa_family = AF_UNSPEC;
		return sizeof(a->v4);
	}
	if (inet_pton(AF_INET, ip, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons((uint16_t)atoi(port));
		return sizeof(a->v4);
	}
	snprintf(plain, sizeof(plain), "%.*s",
		 scope ? (int)(scope - ip) : (int)strlen(ip), ip);
	inet_pton(AF_INET6, plain, &a->v6.sin6_addr);
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons((uint16_t)atoi(port));
	a->v6.sin6_scope_id = scope ? (uint32_t)atoi(scope + 1) : 0;
	return sizeof(a->v6);
}

static long call_connect(long fd, const char *ip, const char *port)
{
	union address a;
	socklen_t n = address(&a, ip, port);

	return raw(SYS_connect, fd, (long)&a, (long)n, 0, 0, 0);
}

/* FLAGS in decimal; MSG_FASTOPEN is 536870912. */
static long call_sendto(long fd, const char *ip, const char *port, long flags)
{
	union address a;
	socklen_t n = address(&a, ip, port);

	return raw(SYS_sendto, fd, (long)"stray", 5, flags, (long)&a, (long)n);
}

static long call_sendmsg(long fd, const char *ip, const char *port)
{
	union address a;
	struct iovec io = {"stray", 5};
	struct msghdr m = {.msg_name = &a, .msg_iov = &io, .msg_iovlen = 1};

	m.msg_namelen = address(&a, ip, port);
	return raw(SYS_sendmsg, fd, (long)&m, 0, 0, 0, 0);
}

static long call_bind(long fd, const char *ip, const char *port)
{
	union address a;
	socklen_t n = address(&a, ip, port);

	return raw(SYS_bind, fd, (long)&a, (long)n, 0, 0, 0);
}

static long receive(long fd)
{
	long n = raw(SYS_read, fd, (long)text, sizeof(text) - 1, 0, 0, 0);

	text[n > 0 ? n : 0] = 0;
	return n;
}

static long option(long level, long name, long fd)
{
	int value = 0;
	socklen_t n = sizeof(value);
	long err =
	    raw(SYS_getsockopt, fd, level, name, (long)&value, (long)&n, 0);

	return err < 0 ? err : value;
}

static long set_option(long level, long name, long fd, long to)
{
	int value = (int)to;

	return raw(SYS_setsockopt, fd, level, name, (long)&value, sizeof(value),
		   0);
}

/* All addresses of a name, in order. */
static long resolve(const char *name, const char *port)
{
	struct addrinfo want = {.ai_socktype = SOCK_STREAM}, *list, *i;
	int err = getaddrinfo(name, port, &want, &list);
	size_t n = 0;

	if (err)
		return err;
	for (i = list; i; i = i->ai_next) {
		const void *ip =
		    i->ai_family == AF_INET
			? (void *)&((struct sockaddr_in *)i->ai_addr)->sin_addr
			: (void *)&((struct sockaddr_in6 *)i->ai_addr)
			      ->sin6_addr;

		if (n)
			text[n++] = ' ';
		inet_ntop(i->ai_family, ip, text + n,
			  (socklen_t)(sizeof(text) - n));
		n += strlen(text + n);
	}
	freeaddrinfo(list);
	return 0;
}

/* A client as people write it. */
static long call_name(const char *name, const char *port)
{
	struct addrinfo want = {.ai_socktype = SOCK_STREAM}, *list, *i;
	int fd = -1, err = getaddrinfo(name, port, &want, &list);

	if (err)
		return err;
	for (i = list; i; i = i->ai_next) {
		fd = socket(i->ai_family, i->ai_socktype, i->ai_protocol);
		if (fd < 0)
			continue;
		if (!connect(fd, i->ai_addr, i->ai_addrlen))
			break;
		close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	return fd;
}

static union address shared;
static union address ends[2];
static long shared_fd;
static volatile int go;

static void *flip_address(void *arg)
{
	(void)arg;
	for (unsigned i = 0; go; i++)
		memcpy(&shared, &ends[i & 1], sizeof(shared.v4));
	return NULL;
}

static void *flip_descriptor(void *arg)
{
	long spare = raw(SYS_socket, AF_INET, SOCK_DGRAM, 0, 0, 0, 0);

	(void)arg;
	while (go) {
		raw(SYS_dup3, spare, shared_fd, 0, 0, 0, 0);
		raw(SYS_close, shared_fd, 0, 0, 0, 0, 0);
		raw(SYS_dup3, 4, shared_fd, 0, 0, 0, 0);
	}
	raw(SYS_close, spare, 0, 0, 0, 0, 0);
	return NULL;
}

/* Connects N times while another thread is at it; how many got through. */
static long race(void *(*other)(void *), long fd, long times)
{
	pthread_t thread;
	long won = 0;

	shared_fd = fd;
	go = 1;
	if (pthread_create(&thread, NULL, other, NULL))
		return -1;
	for (; times > 0; times--) {
		long s = raw(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);

		if (other == flip_descriptor) {
			raw(SYS_dup3, s, fd, 0, 0, 0, 0);
			won += raw(SYS_connect, fd, (long)&shared,
				   sizeof(shared.v4), 0, 0, 0) == 0;
		} else {
			won += raw(SYS_connect, s, (long)&shared,
				   sizeof(shared.v4), 0, 0, 0) == 0;
		}
		raw(SYS_close, s, 0, 0, 0, 0, 0);
	}
	go = 0;
	pthread_join(thread, NULL);
	return won;
}

static void *connect_shared(void *arg)
{
	long fd = (long)arg;

	return (void *)raw(SYS_connect, fd, (long)&shared, sizeof(shared.v4), 0,
			   0, 0);
}

/* N connects to one address at the same time; how many failed with ERRNO. */
static long crowd(long n, long errnum)
{
	pthread_t threads[32];
	long failed = 0;

	for (long i = 0; i < n; i++) {
		long fd = raw(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);

		if (pthread_create(&threads[i], NULL, connect_shared,
				   (void *)fd))
			return -1;
	}
	for (long i = 0; i < n; i++) {
		void *err;

		pthread_join(threads[i], &err);
		failed += (long)err == -errnum;
	}
	return failed;
}

/* Whether a set that FD was put into before it was connected still tells of
 * it, and whether one does that it is put into afterwards. */
static long watch(long fd, const char *ip, const char *port)
{
	struct epoll_event e = {.events = EPOLLOUT}, got;
	long set = raw(SYS_epoll_create1, 0, 0, 0, 0, 0, 0);
	long before, after;

	raw(SYS_epoll_ctl, set, EPOLL_CTL_ADD, fd, (long)&e, 0, 0);
	if (call_connect(fd, ip, port))
		return -1;
	before = raw(SYS_epoll_pwait, set, (long)&got, 1, 0, 0, 8);
	raw(SYS_epoll_ctl, set, EPOLL_CTL_ADD, fd, (long)&e, 0, 0);
	after = raw(SYS_epoll_pwait, set, (long)&got, 1, 0, 0, 8);
	return before * 10 + after;
}

#define IS(name) (!strcmp(w[0], name))

static long run(char **w)
{
	long a = atol(w[1]), b = atol(w[2]), c = atol(w[3]), d = atol(w[4]);

	if (IS("socket"))
		return raw(SYS_socket, a, b, c, 0, 0, 0);
	if (IS("connect"))
		return call_connect(a, w[2], w[3]);
	if (IS("length")) /* of a good address, but not the right one */
		return raw(SYS_connect, a, (long)ends, b, 0, 0, 0);
	if (IS("pointer"))
		return raw(SYS_connect, a, b, 16, 0, 0, 0);
	if (IS("ends")) {
		address(&ends[0], w[1], w[2]);
		address(&ends[1], w[3], w[4]);
		shared = ends[0];
		return 0;
	}
	if (IS("flip"))
		return race(flip_address, 0, a);
	if (IS("swap"))
		return race(flip_descriptor, a, b);
	if (IS("crowd"))
		return crowd(a, b);
	if (IS("watch"))
		return watch(a, w[2], w[3]);
	if (IS("write"))
		return raw(SYS_write, a, (long)w[2], (long)strlen(w[2]), 0, 0,
			   0);
	if (IS("read"))
		return receive(a);
	if (IS("close"))
		return raw(SYS_close, a, 0, 0, 0, 0, 0);
	if (IS("sendto"))
		return call_sendto(a, w[2], w[3], d);
	if (IS("sendmsg"))
		return call_sendmsg(a, w[2], w[3]);
	if (IS("bind"))
		return call_bind(a, w[2], w[3]);
	if (IS("listen"))
		return raw(SYS_listen, a, 1, 0, 0, 0, 0);
	if (IS("accept"))
		return raw(SYS_accept4, a, 0, 0, 0, 0, 0);
	if (IS("option"))
		return option(a, b, c);
	if (IS("set"))
		return set_option(a, b, c, d);
	if (IS("ioctl"))
		return raw(SYS_ioctl, a, b, (long)text, 0, 0, 0);
	if (IS("fcntl"))
		return raw(SYS_fcntl, a, b, c, 0, 0, 0);
	if (IS("resolve"))
		return resolve(w[1], w[2]);
	if (IS("call"))
		return call_name(w[1], w[2]);
	return -999;
}

static int32_t start(const struct isobooth_host *h, void **self)
{
	*self = NULL;
	host = h;
#ifdef SOCKET_AT_SEAL
	raw(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
#endif
#ifdef WHILE_LOADING
	{
		long fd = raw(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);

		return (int32_t)-call_connect(fd, "127.0.0.1", WHILE_LOADING);
	}
#endif
	return 0;
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	char line[256], out[sizeof(text) + 32], *w[WORDS], *rest = line;
	int n;

	(void)self;
	snprintf(line, sizeof(line), "%s", event->action);
	for (int i = 0; i < WORDS; i++) {
		w[i] = rest ? strsep(&rest, " ") : "";
	}
	text[0] = 0;
	n = snprintf(out, sizeof(out), "%ld", run(w));
	if (text[0])
		n += snprintf(out + n, sizeof(out) - (size_t)n, " %s", text);
	return host->result(out, (size_t)n);
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {.size = sizeof(table),
						    .abi = ISOBOOTH_ABI,
						    .name = "network",
						    .version = "1",
						    .start = start,
						    .trigger = trigger};

	return abi == ISOBOOTH_ABI ? &table : NULL;
}
