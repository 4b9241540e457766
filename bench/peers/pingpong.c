/* The least that two processes on one processor need to exchange 64 bytes
 * over two pipes, timed:
 *
 *     pingpong CPU FILTER [GROUP...]
 *
 * The answering process joins each control group, then loads FILTER, a file
 * with a seccomp filter ("-" for none). For every request on stdin, rounds
 * and the microseconds from one round's beginning to the next (0: none, back
 * to back), both u32, one u64 per round goes to stdout: its nanoseconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 64 };

struct request {
	uint32_t rounds, period_us;
};

static void check(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	check(!sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

static void join(const char *group)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	check(fd >= 0 && write(fd, "0", 1) == 1 && !close(fd), path);
}

static void filter(const char *path)
{
	static struct sock_filter code[BPF_MAXINSNS];
	struct sock_fprog prog = {.filter = code};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	check(fd >= 0, path);
	n = read(fd, code, sizeof(code));
	check(n > 0 && !close(fd), path);
	prog.len = (unsigned short)((size_t)n / sizeof(*code));
	check(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
		  !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog),
	      "seccomp");
}

static void answer(int in, int out)
{
	char buf[SIZE];

	while (read(in, buf, sizeof(buf)) == sizeof(buf))
		if (write(out, buf, sizeof(buf)) != sizeof(buf))
			break;
	_exit(0);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t at)
{
	struct timespec t = {.tv_sec = (time_t)(at / 1000000000),
			     .tv_nsec = (long)(at % 1000000000)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void serve(const struct request *r, int out, int in)
{
	uint64_t *took = calloc(r->rounds, sizeof(*took)), at = now();
	size_t size = r->rounds * sizeof(*took);
	char buf[SIZE] = {0};

	check(took != NULL, "calloc");
	for (uint32_t i = 0; i < r->rounds; i++) {
		uint64_t begin;

		if (r->period_us)
			sleep_until(at += (uint64_t)r->period_us * 1000);
		begin = now();
		check(write(out, buf, sizeof(buf)) == sizeof(buf) &&
			  read(in, buf, sizeof(buf)) == sizeof(buf),
		      "round trip");
		took[i] = now() - begin;
	}
	check(fwrite(took, 1, size, stdout) == size && !fflush(stdout),
	      "stdout");
	free(took);
}

int main(int argc, char **argv)
{
	int there[2], back[2];
	struct request r;
	pid_t pid;

	if (argc < 3)
		return 2;
	pin(atoi(argv[1]));
	check(!pipe2(there, O_CLOEXEC) && !pipe2(back, O_CLOEXEC), "pipe2");
	pid = fork();
	check(pid >= 0, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		close(there[1]);
		close(back[0]);
		for (int i = 3; i < argc; i++)
			join(argv[i]);
		if (strcmp(argv[2], "-") != 0)
			filter(argv[2]);
		answer(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	while (read(0, &r, sizeof(r)) == sizeof(r))
		serve(&r, there[1], back[0]);
	close(there[1]);
	waitpid(pid, NULL, 0);
	return 0;
}
