/* Starts a program over and over and times each start up to the first byte
 * on its stdout:
 *
 *     launch PROGRAM [ARGUMENT...]
 *
 * For every request on stdin, starts and the microseconds to pause before
 * each, both u32, one u64 per start goes to stdout: its nanoseconds. The
 * program must end at the end of its stdin; that part is not timed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct request {
	uint32_t starts, pause_us;
};

static void check(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t start(char **argv)
{
	posix_spawn_file_actions_t files;
	int in[2], out[2], status;
	uint64_t begin, took;
	pid_t pid;
	char byte;

	check(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC), "pipe2");
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in[0], 0);
	posix_spawn_file_actions_adddup2(&files, out[1], 1);
	begin = now();
	check(!posix_spawnp(&pid, argv[0], &files, NULL, argv, environ),
	      argv[0]);
	close(in[0]);
	close(out[1]);
	check(read(out[0], &byte, 1) == 1, "first byte");
	took = now() - begin;
	close(in[1]);
	check(waitpid(pid, &status, 0) == pid, "waitpid");
	close(out[0]);
	posix_spawn_file_actions_destroy(&files);
	return took;
}

int main(int argc, char **argv)
{
	struct request r;

	if (argc < 2)
		return 2;
	while (read(0, &r, sizeof(r)) == sizeof(r)) {
		for (uint32_t i = 0; i < r.starts; i++) {
			uint64_t took;

			usleep(r.pause_us);
			took = start(argv + 1);
			check(fwrite(&took, sizeof(took), 1, stdout) == 1,
			      "stdout");
		}
		check(!fflush(stdout), "stdout");
	}
	return 0;
}
