/* Section 5 of the catalogue: network and IPC. */
#include "attack.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

static uint16_t port(uint16_t n)
{
	return (uint16_t)((n & 255) << 8 | n >> 8);
}

static void zero(void *at, size_t len)
{
	for (volatile char *c = at; len > 0; len--)
		*c++ = 0;
}

static long reach(int family, int type, const void *to, size_t len)
{
	long fd = raw(SYS_socket, family, type, 0, 0, 0, 0);
	long err;

	if (fd < 0)
		return fd;
	err = raw(SYS_connect, fd, (long)to, (long)len, 0, 0, 0);
	if (err >= 0)
		err = raw(SYS_sendto, fd, (long)p.nonce, (long)length(p.nonce),
			  MSG_NOSIGNAL, 0, 0);
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return err;
}

static long reach4(int type, uint16_t to)
{
	struct sockaddr_in a;

	zero(&a, sizeof(a));
	a.sin_family = AF_INET;
	a.sin_port = port(to);
	a.sin_addr.s_addr = port(1);
	a.sin_addr.s_addr = a.sin_addr.s_addr << 16 | 127;
	return reach(AF_INET, type, &a, sizeof(a));
}

static long tcp4(void)
{
	return reach4(SOCK_STREAM, p.tcp4);
}

static long udp4(void)
{
	return reach4(SOCK_DGRAM, p.udp);
}

static long tcp6(void)
{
	struct sockaddr_in6 a;

	zero(&a, sizeof(a));
	a.sin6_family = AF_INET6;
	a.sin6_port = port(p.tcp6);
	a.sin6_addr.s6_addr[15] = 1;
	return reach(AF_INET6, SOCK_STREAM, &a, sizeof(a));
}

static long reach_unix(const char *name, size_t at)
{
	struct sockaddr_un a;

	zero(&a, sizeof(a));
	a.sun_family = AF_UNIX;
	word(a.sun_path + at, name);
	return reach(AF_UNIX, SOCK_STREAM, &a,
		     offsetof(struct sockaddr_un, sun_path) + at +
			 length(name));
}

static long unix_path(void)
{
	return reach_unix(p.unix_path, 0);
}

static long unix_abstract(void)
{
	return reach_unix(p.abstract, 1);
}

static void attack(void)
{
	RUN(tcp4);
	RUN(tcp6);
	RUN(udp4);
	RUN(unix_path);
	RUN(unix_abstract);
}
