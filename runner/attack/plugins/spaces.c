/* Section 3 of the catalogue: namespaces, mounts, and what is shared beside
 * files: terminals, IPC, locks, clocks. Mounts are made private first, so that
 * they reach nobody outside the control's namespace. */
#include "attack.h"

#include <linux/sched.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/time.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80 /* Linux 5.6 */
#endif

/* An address at which nothing is: the call is made, and fails with EFAULT. */
#define NOWHERE (-4096L)

/* Namespaces by the flags in arg. */
static long unshare_some(void)
{
	return raw(SYS_unshare, p.arg, 0, 0, 0, 0, 0);
}

/* A child in namespaces of its own, which ends at once. */
static long clone_some(void)
{
	long pid = raw(SYS_clone, p.arg | SIGCHLD, 0, 0, 0, 0, 0);

	if (pid == 0)
		raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	if (pid > 0)
		raw(SYS_wait4, pid, 0, 0, 0, 0, 0);
	return pid;
}

/* The same, with its flags where no filter sees them. */
static long clone3_some(void)
{
	struct clone_args args;
	long pid;

	for (size_t i = 0; i < sizeof(args); i++)
		((volatile char *)&args)[i] = 0;
	args.flags = (uint64_t)p.arg;
	args.exit_signal = SIGCHLD;
	pid = raw(SYS_clone3, (long)&args, sizeof(args), 0, 0, 0, 0);
	if (pid == 0)
		raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	if (pid > 0)
		raw(SYS_wait4, pid, 0, 0, 0, 0, 0);
	return pid;
}

static long join_none(void)
{
	return raw(SYS_setns, -1, CLONE_NEWUSER, 0, 0, 0, 0);
}

/* Out of a root, by another root below it. In the real one it leads nowhere
 * else, and the canary is made. */
static long climb(void)
{
	long err = raw(SYS_chroot, (long)"/dev", 0, 0, 0, 0, 0);

	if (err < 0)
		return err;
	for (int i = 0; i < 32; i++)
		raw(SYS_chdir, (long)"..", 0, 0, 0, 0, 0);
	err = raw(SYS_chroot, (long)".", 0, 0, 0, 0, 0);
	if (err < 0)
		return err;
	return raw(SYS_openat, AT_FDCWD, (long)p.canary, O_WRONLY | O_CREAT,
		   0666, 0, 0);
}

static long pivot_nowhere(void)
{
	return raw(SYS_pivot_root, NOWHERE, NOWHERE, 0, 0, 0, 0);
}

static long private(void)
{
	return raw(SYS_mount, 0, (long)"/", 0, MS_REC | MS_PRIVATE, 0, 0);
}

/* Remounts what text names without any of its flags. Only this mount's flags
 * change, mount(2), and flags do not propagate. */
static long remount(void)
{
	return raw(SYS_mount, 0, (long)p.text, 0, MS_REMOUNT | MS_BIND, 0, 0);
}

static long bind_over(void)
{
	long err = private();

	if (err < 0)
		return err;
	/* With what is mounted below: in a user namespace of an ordinary user
	 * that is locked to it, mount_namespaces(7). */
	return raw(SYS_mount, (long)"/dev", (long)p.text, 0, MS_BIND | MS_REC,
		   0, 0);
}

static long unmount_nowhere(void)
{
	return raw(SYS_umount2, NOWHERE, 2 /* MNT_DETACH */, 0, 0, 0, 0);
}

/* Mounts a hierarchy that is there, of the controller in text, and opens the
 * file that names the program to be run when a group is left. */
static long mount_agent(void)
{
	char path[sizeof(p.folder) + 32];
	long err = private();

	if (err < 0)
		return err;
	err = raw(SYS_mount, (long)"cgroup", (long)p.folder, (long)"cgroup", 0,
		  (long)p.text, 0);
	if (err < 0)
		return err;
	*word(word(path, p.folder), "/release_agent") = 0;
	return raw(SYS_openat, AT_FDCWD, (long)path, O_WRONLY | O_CLOEXEC, 0, 0,
		   0);
}

/* An overlay of two folders, in a user namespace, which sees to it that the
 * mount is nobody else's. */
static long overlay_in_userns(void)
{
	long err = raw(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS, 0, 0, 0, 0, 0);

	if (err < 0)
		return err;
	return raw(SYS_mount, (long)"overlay", (long)p.folder, (long)"overlay",
		   MS_RDONLY, (long)"lowerdir=/etc:/usr", 0);
}

/* ---- terminals ---- */

/* Types one character into the terminal that text names. */
static long type_in(void)
{
	char byte = 'x';
	long fd =
	    raw(SYS_openat, AT_FDCWD, (long)p.text, O_RDWR | O_NOCTTY, 0, 0, 0);
	long err;

	if (fd < 0)
		return fd;
	err = raw(SYS_ioctl, fd, TIOCSTI, (long)&byte, 0, 0, 0);
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return err;
}

static long write_terminal(void)
{
	long fd =
	    raw(SYS_openat, AT_FDCWD, (long)p.text, O_RDWR | O_NOCTTY, 0, 0, 0);
	long err;

	if (fd < 0)
		return fd;
	err = raw(SYS_write, fd, (long)p.nonce, (long)length(p.nonce), 0, 0, 0);
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return err;
}

/* Request arg on no descriptor. */
static long control_nothing(void)
{
	return raw(SYS_ioctl, -1, p.arg, 0, 0, 0, 0);
}

/* ---- IPC ---- */

static long read_segment(void)
{
	long id = raw(SYS_shmget, p.shm, 0, 0, 0, 0, 0);
	long at;

	if (id < 0)
		return id;
	at = raw(SYS_shmat, id, 0, SHM_RDONLY, 0, 0, 0);
	if (at < 0 && at > -4096)
		return at;
	say((const char *)at, 64);
	raw(SYS_shmdt, at, 0, 0, 0, 0, 0);
	return 0;
}

static long make_segment(void)
{
	return raw(SYS_shmget, p.shm, 4096, IPC_CREAT | IPC_EXCL | 0600, 0, 0,
		   0);
}

static long make_queue(void)
{
	return raw(SYS_msgget, p.shm, IPC_CREAT | IPC_EXCL | 0600, 0, 0, 0, 0);
}

static long make_semaphore(void)
{
	return raw(SYS_semget, p.shm, 1, IPC_CREAT | IPC_EXCL | 0600, 0, 0, 0);
}

/* The message in the POSIX queue that text names. */
static long read_queue(void)
{
	char text[64];
	long fd =
	    raw(SYS_mq_open, (long)p.text, O_RDONLY | O_NONBLOCK, 0, 0, 0, 0);
	long n;

	if (fd < 0)
		return fd;
	n = raw(SYS_mq_timedreceive, fd, (long)text, sizeof(text), 0, 0, 0);
	if (n > 0)
		say(text, (size_t)n);
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return n;
}

/* ---- locks ---- */

/* Shared, of what stdin is: outside as in a booth the host's /dev/null. It
 * ends with the process. */
static long lock_stdin(void)
{
	return raw(SYS_flock, 0, LOCK_SH | LOCK_NB, 0, 0, 0, 0);
}

static long lock_description(void)
{
	struct flock range;

	for (size_t i = 0; i < sizeof(range); i++)
		((volatile char *)&range)[i] = 0;
	range.l_type = F_RDLCK;
	return raw(SYS_fcntl, 0, F_OFD_SETLK, (long)&range, 0, 0, 0);
}

static long lease_nothing(void)
{
	return raw(SYS_fcntl, -1, F_SETLEASE, F_RDLCK, 0, 0, 0);
}

/* ---- clocks ---- */

static long set_clock(void)
{
	return raw(SYS_clock_settime, 0, NOWHERE, 0, 0, 0, 0);
}

static long set_time_of_day(void)
{
	return raw(SYS_settimeofday, NOWHERE, 0, 0, 0, 0, 0);
}

static long adjust_clock(void)
{
	return raw(SYS_adjtimex, NOWHERE, 0, 0, 0, 0, 0);
}

static long adjust_one_clock(void)
{
	return raw(SYS_clock_adjtime, 0, NOWHERE, 0, 0, 0, 0);
}

/* ---- bugs of older kernels: what they need ---- */

static long splice_nothing(void)
{
	return raw(SYS_splice, -1, 0, -1, 0, 1, 0);
}

static long tee_nothing(void)
{
	return raw(SYS_tee, -1, -1, 1, 0, 0, 0);
}

static long splice_memory(void)
{
	return raw(SYS_vmsplice, -1, 0, 0, 0, 0, 0);
}

static long send_nothing(void)
{
	return raw(SYS_sendfile, -1, -1, 0, 1, 0, 0);
}

static long copy_nothing(void)
{
	return raw(SYS_copy_file_range, -1, 0, -1, 0, 1, 0);
}

static void attack(void)
{
	RUN(unshare_some);
	RUN(clone_some);
	RUN(clone3_some);
	RUN(join_none);
	RUN(climb);
	RUN(pivot_nowhere);
	RUN(remount);
	RUN(bind_over);
	RUN(unmount_nowhere);
	RUN(mount_agent);
	RUN(overlay_in_userns);
	RUN(type_in);
	RUN(write_terminal);
	RUN(control_nothing);
	RUN(read_segment);
	RUN(make_segment);
	RUN(make_queue);
	RUN(make_semaphore);
	RUN(read_queue);
	RUN(lock_stdin);
	RUN(lock_description);
	RUN(lease_nothing);
	RUN(set_clock);
	RUN(set_time_of_day);
	RUN(adjust_clock);
	RUN(adjust_one_clock);
	RUN(splice_nothing);
	RUN(tee_nothing);
	RUN(splice_memory);
	RUN(send_nothing);
	RUN(copy_nothing);
}
