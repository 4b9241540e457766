/* Loads a library under a filter, as the worker does, and says what it could
 * do before and after the seal. Descriptors: 3 filter program, 4 library
 * (a memfd), 5 steps from the host, 6 answers to it.
 *
 *   loader -> host   number of the listener, 4 bytes
 *   host -> loader   'l': load; answer: 1 byte, 'y' or 'n'
 *   host -> loader   's': sealed; answers: openat, mmap code, malloc, 1 byte
 * each host -> loader   'k': call ptrace
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sock_filter program[BPF_MAXINSNS];

static void answer(char c)
{
	if (write(6, &c, 1) != 1)
		_exit(20);
}

static void step(char want)
{
	char got;

	if (read(5, &got, 1) != 1 || got != want)
		_exit(21);
}

static char errno_letter(long result)
{
	if (result >= 0)
		return 'y';
	return errno == EPERM ? 'p' : errno == ENOSYS ? 's' : '?';
}

int main(void)
{
	ssize_t size = read(3, program, sizeof program);
	struct sock_fprog prog = {.len = size / sizeof *program,
				  .filter = program};
	int listener;
	void *library;
	int (*execute)(void);
	void *memory;

	if (size <= 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 10;
	listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			   SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
	if (listener < 0)
		return 11;
	if (write(6, &listener, sizeof listener) != sizeof listener)
		return 12;

	step('l');
	library = dlopen("/proc/self/fd/4", RTLD_NOW | RTLD_LOCAL);
	*(void **)&execute = library ? dlsym(library, "execute") : NULL;
	answer(execute && execute() == 42 ? 'y' : 'n');

	step('s');
	answer(errno_letter(open("/dev/null", O_RDONLY)));
	memory = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, 4, 0);
	answer(errno_letter(memory == MAP_FAILED ? -1 : 0));
	memory = malloc(1 << 20);
	answer(memory ? 'y' : 'n');
	free(memory);
	answer(errno_letter(syscall(SYS_clone3, NULL, 0)));
	answer(errno_letter(syscall(1000)));

	step('k');
	syscall(SYS_ptrace, 0, 0, 0, 0);
	return 13;
}
