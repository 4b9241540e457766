/* Makes the system call that the action names, in a trigger, and tells what
 * it returned: a number, or -errno. CANARY comes into being and PORT is called
 * where nothing stops it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <isobooth/plugin.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "raw.h"

static const struct isobooth_host *host;

static long make_file(void)
{
	return raw(SYS_openat, AT_FDCWD, (long)CANARY, O_WRONLY | O_CREAT, 0666,
		   0, 0);
}

static long in_child(long pid)
{
	if (pid == 0) {
		make_file();
		raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	}
	return pid;
}

static long execute(void)
{
	const char *argv[] = {"sh", "-c", "echo > " CANARY, NULL};

	return raw(SYS_execve, (long)"/bin/sh", (long)argv, 0, 0, 0, 0);
}

static long call(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	long fd = raw(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);

	if (fd < 0)
		return fd;
	a.sin_port = htons(PORT);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return raw(SYS_connect, fd, (long)&a, sizeof(a), 0, 0, 0);
}

static long map(long prot)
{
	return raw(SYS_mmap, 0, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long make_executable(void)
{
	long page = map(PROT_READ | PROT_WRITE);

	if (page < 0)
		return page;
	return raw(SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC, 0, 0, 0);
}

static long add_filter(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = {1, &allow};

	return raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&prog, 0, 0,
		   0);
}

static long io_uring(void)
{
	char params[120] = {0};

	return raw(SYS_io_uring_setup, 1, (long)params, 0, 0, 0, 0);
}

static long clone3(void)
{
	struct clone_args a = {.exit_signal = SIGCHLD};

	return in_child(raw(SYS_clone3, (long)&a, sizeof(a), 0, 0, 0, 0));
}

static long allocate(void)
{
	char *p = malloc(4 << 20);

	if (!p)
		return -1;
	memset(p, 1, 4 << 20);
	free(p);
	return 0;
}

static long read_clock(void)
{
	struct timespec t;

	/* Past the vDSO, into the kernel. */
	return raw(SYS_clock_gettime, CLOCK_REALTIME, (long)&t, 0, 0, 0, 0);
}

#define IS(name) (!strcmp(action, name))

static long attack(const char *action)
{
	if (IS("openat"))
		return make_file();
	if (IS("socket"))
		return call();
	if (IS("clone"))
		return in_child(raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0));
	if (IS("clone3"))
		return clone3();
	if (IS("execve"))
		return execute();
	if (IS("mmap"))
		return map(PROT_READ | PROT_EXEC) < 0 ? -1 : 0;
	if (IS("mprotect"))
		return make_executable();
	if (IS("seccomp"))
		return add_filter();
	if (IS("memfd_create"))
		return raw(SYS_memfd_create, (long)"x", 0, 0, 0, 0, 0);
	if (IS("kill")) /* signal 0: looks, does not hurt */
		return raw(SYS_kill, -1, 0, 0, 0, 0, 0);
	if (IS("prctl"))
		return raw(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0, 0);
	if (IS("unshare"))
		return raw(SYS_unshare, CLONE_NEWUSER, 0, 0, 0, 0, 0);
	if (IS("io_uring_setup"))
		return io_uring();
	if (IS("close"))
		return raw(SYS_close, 3, 0, 0, 0, 0, 0);
	if (IS("dup3"))
		return raw(SYS_dup3, 2, 9, 0, 0, 0, 0);
	if (IS("rt_sigaction"))
		return raw(SYS_rt_sigaction, SIGSEGV, 0, 0, 8, 0, 0);
	if (IS("prlimit64"))
		return raw(SYS_prlimit64, 0, 7, 0, 0, 0, 0);
	if (IS("recvmsg")) /* allowed until the seal; EFAULT if it gets through
			    */
		return raw(SYS_recvmsg, 4, 0, 0, 0, 0, 0) == -1 ? -1 : 0;
	if (IS("malloc"))
		return allocate();
	if (IS("clock_gettime"))
		return read_clock();
	if (IS("map data"))
		return map(PROT_READ | PROT_WRITE) < 0 ? -1 : 0;
	if (IS("write"))
		return raw(SYS_write, 2, (long)"hello\n", 6, 0, 0, 0);
	return -999;
}

static int32_t start(const struct isobooth_host *h, void **self)
{
	*self = NULL;
	host = h;
	return 0;
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld", attack(event->action));

	(void)self;
	return host->result(text, (size_t)n);
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table table = {.size = sizeof(table),
						    .abi = ISOBOOTH_ABI,
						    .name = "run",
						    .version = "1",
						    .start = start,
						    .trigger = trigger};

	return abi == ISOBOOTH_ABI ? &table : NULL;
}
