/* Section 5 of the catalogue: network and IPC. */
#include "attack.h"

#include <linux/if_alg.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <poll.h>
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

/* Opens a socket and gives it back. */
static long just_open(int family, int type, int protocol)
{
	long fd = raw(SYS_socket, family, type, protocol, 0, 0, 0);

	if (fd < 0)
		return fd;
	return raw(SYS_close, fd, 0, 0, 0, 0, 0);
}

static void address4(struct sockaddr_in *a, uint32_t host, uint16_t to)
{
	zero(a, sizeof(*a));
	a->sin_family = AF_INET;
	a->sin_port = port(to);
	a->sin_addr.s_addr =
	    (uint32_t)port((uint16_t)host) << 16 | port((uint16_t)(host >> 16));
}

/* Connects a datagram socket to address arg, which sends nothing. */
static long route4(void)
{
	struct sockaddr_in a;
	long fd = raw(SYS_socket, AF_INET, SOCK_DGRAM, 0, 0, 0, 0);
	long err;

	if (fd < 0)
		return fd;
	address4(&a, (uint32_t)p.arg, 80);
	err = raw(SYS_connect, fd, (long)&a, sizeof(a), 0, 0, 0);
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return err;
}

static long route6(uint32_t interface)
{
	struct sockaddr_in6 a;
	long fd = raw(SYS_socket, AF_INET6, SOCK_DGRAM, 0, 0, 0, 0);
	long err;

	if (fd < 0)
		return fd;
	zero(&a, sizeof(a));
	a.sin6_family = AF_INET6;
	a.sin6_port = port(80);
	a.sin6_addr.s6_addr[0] = 0xfe;
	a.sin6_addr.s6_addr[1] = 0x80;
	a.sin6_addr.s6_addr[15] = 1;
	a.sin6_scope_id = interface;
	err = raw(SYS_connect, fd, (long)&a, sizeof(a), 0, 0, 0);
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return err;
}

/* Likewise, to fe80::1 on any interface but the first, the loopback's. */
static long route_link6(void)
{
	long err = -ENODEV;

	for (uint32_t i = 2; err < 0 && i < 64; i++)
		err = route6(i);
	return err;
}

/* Asks for the address of a name that is the nonce; RFC 1035, 4.1. */
static long dns_query(void)
{
	struct sockaddr_in a;
	uint8_t q[64];
	size_t n = length(p.nonce), len = 12;
	long fd, err;

	zero(q, sizeof(q));
	q[1] = 1; /* id */
	q[2] = 1; /* recursion is desired */
	q[5] = 1; /* one question */
	q[len++] = (uint8_t)n;
	for (size_t i = 0; i < n; i++)
		q[len++] = (uint8_t)p.nonce[i];
	len++;		/* the root */
	q[len + 1] = 1; /* A */
	q[len + 3] = 1; /* IN */
	len += 4;
	fd = raw(SYS_socket, AF_INET, SOCK_DGRAM, 0, 0, 0, 0);
	if (fd < 0)
		return fd;
	address4(&a, INADDR_LOOPBACK, p.udp);
	err = raw(SYS_sendto, fd, (long)q, (long)len, 0, (long)&a, sizeof(a));
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return err;
}

static long packet(void)
{
	return just_open(AF_PACKET, SOCK_RAW, port(3 /* ETH_P_ALL */));
}

static long ping(void)
{
	return just_open(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}

static long raw6(void)
{
	return just_open(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
}

/* Writes the header of a datagram itself; no checksum is none, RFC 768. */
static long raw4(void)
{
	struct sockaddr_in a;
	uint8_t datagram[8 + 4];
	long fd = raw(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_UDP, 0, 0, 0);
	long err;

	if (fd < 0)
		return fd;
	zero(datagram, sizeof(datagram));
	datagram[1] = 53; /* from a port that only root can have */
	datagram[2] = (uint8_t)(p.udp >> 8);
	datagram[3] = (uint8_t)p.udp;
	datagram[5] = sizeof(datagram);
	address4(&a, INADDR_LOOPBACK, 0);
	err = raw(SYS_sendto, fd, (long)datagram, sizeof(datagram), 0, (long)&a,
		  sizeof(a));
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return err;
}

/* Opens netlink protocol arg, and listens where anybody may. */
static long netlink(void)
{
	struct sockaddr_nl a;
	long fd = raw(SYS_socket, AF_NETLINK, SOCK_RAW, p.arg, 0, 0, 0);
	long err;

	if (fd < 0)
		return fd;
	zero(&a, sizeof(a));
	a.nl_family = AF_NETLINK;
	a.nl_groups = p.arg == NETLINK_ROUTE || p.arg == NETLINK_KOBJECT_UEVENT;
	err = raw(SYS_bind, fd, (long)&a, sizeof(a), 0, 0, 0);
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return err;
}

static long alg(void)
{
	struct sockaddr_alg a;
	long fd = raw(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0, 0, 0, 0);
	long err;

	if (fd < 0)
		return fd;
	zero(&a, sizeof(a));
	a.salg_family = AF_ALG;
	word((char *)a.salg_type, "hash");
	word((char *)a.salg_name, "sha256");
	err = raw(SYS_bind, fd, (long)&a, sizeof(a), 0, 0, 0);
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return err;
}

/* Connects to nobody: what is outside a virtual machine is not ours. */
static long vsock(void)
{
	return just_open(AF_VSOCK, SOCK_STREAM, 0);
}

static long pair(void)
{
	int fds[2];
	long err =
	    raw(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (long)fds, 0, 0);

	if (err < 0)
		return err;
	raw(SYS_close, fds[0], 0, 0, 0, 0, 0);
	return raw(SYS_close, fds[1], 0, 0, 0, 0, 0);
}

/* Waits for somebody to come, and tells who it is. */
static long greet(long fd)
{
	struct pollfd in;
	struct timespec wait;
	long err;

	in.fd = (int)fd;
	in.events = POLLIN;
	wait.tv_sec = 1;
	wait.tv_nsec = 0;
	err = raw(SYS_ppoll, (long)&in, 1, (long)&wait, 0, 0, 0);
	if (err <= 0)
		return err < 0 ? err : -ETIMEDOUT;
	fd = raw(SYS_accept4, fd, 0, 0, 0, 0, 0);
	if (fd < 0)
		return fd;
	err = raw(SYS_write, fd, (long)p.nonce, (long)length(p.nonce), 0, 0, 0);
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return err;
}

/* Listens at address arg, port tcp4. */
static long serve4(void)
{
	struct sockaddr_in a;
	int on = 1;
	long fd = raw(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
	long err;

	if (fd < 0)
		return fd;
	/* Somebody may have had the port a minute ago. */
	raw(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, (long)&on, sizeof(on),
	    0);
	address4(&a, (uint32_t)p.arg, p.tcp4);
	err = raw(SYS_bind, fd, (long)&a, sizeof(a), 0, 0, 0);
	if (err >= 0)
		err = raw(SYS_listen, fd, 1, 0, 0, 0, 0);
	if (err >= 0)
		err = greet(fd);
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return err;
}

static void attack(void)
{
	RUN(tcp4);
	RUN(tcp6);
	RUN(udp4);
	RUN(unix_path);
	RUN(unix_abstract);
	RUN(route4);
	RUN(route_link6);
	RUN(dns_query);
	RUN(packet);
	RUN(ping);
	RUN(raw4);
	RUN(raw6);
	RUN(netlink);
	RUN(alg);
	RUN(vsock);
	RUN(pair);
	RUN(serve4);
}
