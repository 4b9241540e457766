/* isobooth-control: what a probe is compared with, and its sentinels.
 *
 *     isobooth-control attack LIBRARY [GROUP...]
 *         Joins the control groups whose task files are named, and lets a
 *         child load the library as isobooth-worker does, with no sandbox.
 *         What the plugin tells goes to stdout; then one line, how the child
 *         ended. As process 1 of a pid namespace it also has a sentinel, and
 *         says when somebody ended that one.
 *     isobooth-control sentinel
 *         Becomes the user whose number comes on stdin and writes the number
 *         of every signal it gets to stdout.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <isobooth/plugin.h>

static int32_t take(int32_t level, const char *text, size_t len)
{
	(void)level;
	return fwrite(text, 1, len, stdout) == len ? ISOBOOTH_OK
						   : ISOBOOTH_FULL;
}

static int32_t midi_out(const uint8_t *bytes, size_t len)
{
	return fwrite(bytes, 1, len, stdout) == len ? ISOBOOTH_OK
						    : ISOBOOTH_FULL;
}

static int32_t result(const char *text, size_t len)
{
	return take(0, text, len);
}

static int run(const char *path)
{
	const struct isobooth_host host = {sizeof(host), ISOBOOTH_ABI, take,
					   midi_out, result};
	const struct isobooth_table *(*entry)(uint32_t);
	const struct isobooth_table *table;
	struct isobooth_event event = {.size = sizeof(event),
				       .action = "attack",
				       .params = "{}",
				       .device = ""};
	void *library, *symbol, *self = NULL;

	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 120;
	}
	symbol = dlsym(library, "isobooth_plugin");
	if (!symbol)
		return 121;
	memcpy(&entry, &symbol, sizeof(symbol));
	table = entry(ISOBOOTH_ABI);
	if (!table || table->start(&host, &self))
		return 122;
	return table->trigger(self, &event) ? 123 : 0;
}

static int join(const char *tasks)
{
	int fd = open(tasks, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, "0", 1); /* the writer itself, cgroups(7) */
	close(fd);
	return n == 1 ? 0 : -1;
}

/* Whatever an attack does, it ends. */
static int bound(void)
{
	const struct rlimit none = {0, 0}, cpu = {20, 20};

	return setrlimit(RLIMIT_CORE, &none) || setrlimit(RLIMIT_CPU, &cpu);
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static int control(int argc, char **argv)
{
	pid_t child, sentinel = 0;
	int status, code;

	for (int i = 3; i < argc; i++)
		if (join(argv[i])) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return 2;
		}
	if (bound())
		return 2;
	if (getpid() == 1) {
		sentinel = sleeper();
		if (sentinel < 0)
			return 2;
	}
	child = fork();
	if (child < 0)
		return 2;
	if (child == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL))
			_exit(124);
		/* Without root seccomp(2) wants this, which stops none of the
		 * attacks. */
		if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
			_exit(124);
		code = run(argv[2]);
		fflush(stdout);
		exit(code);
	}
	if (waitpid(child, &status, 0) != child)
		return 2;
	printf("\nisobooth-control code=%d signal=%d",
	       WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	/* Of two signals that end it the first is its status; signal(7). */
	if (sentinel > 0) {
		kill(sentinel, SIGSYS);
		if (waitpid(sentinel, &status, 0) != sentinel)
			return 2;
		printf(" sentinel=%d",
		       !WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS);
	}
	putchar('\n');
	return 0;
}

static void tell(int sig)
{
	char text[4] = {(char)('0' + sig / 10), (char)('0' + sig % 10), '\n'};

	if (write(1, text, 3) != 3)
		_exit(1);
}

static int sentinel(void)
{
	struct sigaction act = {.sa_handler = tell};
	unsigned int user;

	/* One at a time, then, and of those that wait the lowest first. */
	sigfillset(&act.sa_mask);
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP && sig != SIGCHLD &&
		    sigaction(sig, &act, NULL))
			return 2;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || scanf("%u", &user) != 1)
		return 2;
	if (geteuid() == 0 &&
	    (setgroups(0, NULL) || setresgid(user, user, user) ||
	     setresuid(user, user, user)))
		return 2;
	/* Changing the user has cleared both; prctl(2). */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) ||
	    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) || write(1, "ready\n", 6) != 6)
		return 2;
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "attack") == 0)
		return control(argc, argv);
	if (argc == 2 && strcmp(argv[1], "sentinel") == 0)
		return sentinel();
	fprintf(stderr, "isobooth-control: run by isobooth's self-test\n");
	return 2;
}
