/* Makes system calls under a seccomp filter and no other layer, each in a
 * child of its own, and tells how each child ended: one line "NUMBER killed
 * SIGNAL" or "NUMBER returned" for each. Nobody answers what the filter hands
 * over: such a call waits until SIGALRM.
 *
 *     filtered FILTER|- native|int80 FIRST LAST
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugins/raw.h"

static struct sock_filter filter[BPF_MAXINSNS];
static struct sock_fprog program = {0, filter};

static int read_filter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, filter, sizeof(filter));
	close(fd);
	if (n <= 0 || (size_t)n % sizeof(filter[0]))
		return -1;
	program.len = (unsigned short)((size_t)n / sizeof(filter[0]));
	return 0;
}

static void call(int compat, long nr)
{
	if (!compat) {
		raw(nr, -1, -1, -1, -1, -1, -1);
		return;
	}
#ifdef __x86_64__
	__asm__ volatile("int $0x80"
			 : "+a"(nr)
			 : "b"(-1L), "c"(-1L), "d"(-1L), "S"(-1L), "D"(-1L)
			 : "r8", "r9", "r10", "r11", "memory");
#endif
}

static void child(int compat, long nr)
{
	if (program.len) {
		alarm(5);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_NEW_LISTENER, &program) < 0)
			_exit(2);
	}
	call(compat, nr);
	_exit(0);
}

int main(int argc, char **argv)
{
	int compat, status;

	if (argc != 5 || (strcmp(argv[1], "-") && read_filter(argv[1])))
		return 2;
	compat = !strcmp(argv[2], "int80");
	for (long nr = strtol(argv[3], 0, 0), last = strtol(argv[4], 0, 0);
	     nr <= last; nr++) {
		pid_t pid = fork();

		if (pid == 0)
			child(compat, nr);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return 3;
		if (WIFSIGNALED(status))
			printf("%ld killed %d\n", nr, WTERMSIG(status));
		else if (WEXITSTATUS(status) == 0)
			printf("%ld returned\n", nr);
		else
			return 4;
	}
	return 0;
}
