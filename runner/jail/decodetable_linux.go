package jail

import (
	"strings"
	"sync"
)

// declarations name the arguments of system calls, in order, each with its
// kind; "-" is one that says nothing to people, mostly a buffer. They follow
// the kernel's SYSCALL_DEFINE lines, with the names of the man pages. A call
// that is not here, or has no arguments, is told apart by its name only.
const declarations = `
accept            fd:fd - -
accept4           fd:fd - - flags:cloexec
access            path:path mode:access
acct              path:path
adjtimex          -
arch_prctl        option:hex addr:address
bind              fd:fd addr:sockaddr addrlen:length
bpf               cmd:int - size:size
capget            - -
capset            - -
chdir             path:path
chmod             path:path mode:mode
chown             path:path owner:int group:int
chroot            path:path
clock_adjtime     clockid:clock -
clock_getres      clockid:clock -
clock_gettime     clockid:clock -
clock_nanosleep   clockid:clock flags:hex - -
clock_settime     clockid:clock -
clone             flags:clone stack:address
clone3            - size:size
close             fd:fd
close_range       first:fd last:fd flags:hex
connect           fd:fd addr:sockaddr addrlen:length
copy_file_range   fd_in:fd - fd_out:fd - len:size flags:hex
creat             path:path mode:mode
delete_module     name:path flags:hex
dup               fd:fd
dup2              fd:fd newfd:fd
dup3              fd:fd newfd:fd flags:cloexec
epoll_create      size:int
epoll_create1     flags:cloexec
epoll_ctl         epfd:fd op:int fd:fd -
epoll_pwait       epfd:fd - maxevents:int timeout:int
epoll_pwait2      epfd:fd - maxevents:int -
epoll_wait        epfd:fd - maxevents:int timeout:int
eventfd           count:int
eventfd2          count:int flags:cloexec
execve            path:path - -
execveat          dirfd:dirfd path:path - - flags:at
faccessat         dirfd:dirfd path:path mode:access
faccessat2        dirfd:dirfd path:path mode:access flags:at
fadvise64         fd:fd offset:size len:size advice:int
fallocate         fd:fd mode:hex offset:size len:size
fanotify_init     flags:hex event_flags:open
fanotify_mark     fd:fd flags:hex mask:hex dirfd:dirfd path:path
fchdir            fd:fd
fchmod            fd:fd mode:mode
fchmodat          dirfd:dirfd path:path mode:mode
fchmodat2         dirfd:dirfd path:path mode:mode flags:at
fchown            fd:fd owner:int group:int
fchownat          dirfd:dirfd path:path owner:int group:int flags:at
fcntl             fd:fd cmd:fcntl arg:value
fdatasync         fd:fd
fgetxattr         fd:fd name:path - size:size
finit_module      fd:fd - flags:hex
flock             fd:fd operation:int
fremovexattr      fd:fd name:path
fsconfig          fd:fd cmd:int key:path - aux:int
fsetxattr         fd:fd name:path - size:size flags:hex
fsmount           fd:fd flags:hex attr_flags:hex
fsopen            fsname:path flags:hex
fspick            dirfd:dirfd path:path flags:hex
fstat             fd:fd -
fstatfs           fd:fd -
fsync             fd:fd
ftruncate         fd:fd length:size
futex             - op:hex
getcwd            - size:size
getdents          fd:fd - count:size
getdents64        fd:fd - count:size
getitimer         which:int -
getpeername       fd:fd - -
getpgid           pid:pid
getpriority       which:int who:int
getrandom         - buflen:size flags:hex
getrlimit         resource:rlimit -
getrusage         who:int -
getsid            pid:pid
getsockname       fd:fd - -
getsockopt        fd:fd level:int optname:int - -
getxattr          path:path name:path - size:size
init_module       - len:size -
inotify_add_watch fd:fd path:path mask:hex
inotify_init1     flags:cloexec
inotify_rm_watch  fd:fd wd:int
io_destroy        -
io_setup          nr_events:int -
io_submit         - nr:int -
io_uring_enter    fd:fd to_submit:int min_complete:int flags:hex
io_uring_register fd:fd opcode:int - nr_args:int
io_uring_setup    entries:int -
ioctl             fd:fd request:ioctl arg:value
ioperm            from:size num:size turn_on:int
iopl              level:int
ioprio_get        which:int who:int
ioprio_set        which:int who:int ioprio:hex
kcmp              pid1:pid pid2:pid type:int
kexec_file_load   kernel_fd:fd initrd_fd:fd
keyctl            operation:int
kill              pid:pid sig:signal
landlock_add_rule fd:fd rule_type:int - flags:hex
landlock_create_ruleset - size:size flags:hex
landlock_restrict_self fd:fd flags:hex
lchown            path:path owner:int group:int
lgetxattr         path:path name:path - size:size
link              oldpath:path newpath:path
linkat            olddirfd:dirfd oldpath:path newdirfd:dirfd newpath:path flags:at
listen            fd:fd backlog:int
listxattr         path:path - size:size
llistxattr        path:path - size:size
lremovexattr      path:path name:path
lseek             fd:fd offset:offset whence:int
lsetxattr         path:path name:path - size:size flags:hex
lstat             path:path -
madvise           addr:address length:size advice:madvise
mbind             addr:address length:size mode:int
membarrier        cmd:int flags:hex
memfd_create      name:path flags:memfd
memfd_secret      flags:hex
migrate_pages     pid:pid
mincore           addr:address length:size -
mkdir             path:path mode:mode
mkdirat           dirfd:dirfd path:path mode:mode
mknod             path:path mode:mode dev:hex
mknodat           dirfd:dirfd path:path mode:mode dev:hex
mlock             addr:address length:size
mlock2            addr:address length:size flags:hex
mlockall          flags:hex
mmap              addr:address length:size prot:prot flags:map fd:fd offset:offset
mount             source:path target:path filesystemtype:path flags:mount -
mount_setattr     dirfd:dirfd path:path flags:at - size:size
move_mount        from_dirfd:dirfd from_path:path to_dirfd:dirfd to_path:path flags:hex
mprotect          addr:address length:size prot:prot
mq_open           name:path flags:open mode:mode -
mq_unlink         name:path
mremap            addr:address old_size:size new_size:size flags:hex new_addr:address
msgctl            msqid:int cmd:int -
msgget            key:hex msgflg:hex
msync             addr:address length:size flags:hex
munlock           addr:address length:size
munmap            addr:address length:size
name_to_handle_at dirfd:dirfd path:path - - flags:at
nanosleep         - -
newfstatat        dirfd:dirfd path:path - flags:at
nice              inc:int
open              path:path flags:open mode:mode
open_by_handle_at mount_fd:dirfd - flags:open
open_tree         dirfd:dirfd path:path flags:at
openat            dirfd:dirfd path:path flags:open mode:mode
openat2           dirfd:dirfd path:path how:openhow size:size
perf_event_open   - pid:pid cpu:int group_fd:fd flags:hex
personality       persona:hex
pidfd_getfd       pidfd:fd targetfd:int flags:hex
pidfd_open        pid:pid flags:hex
pidfd_send_signal pidfd:fd sig:signal - flags:hex
pipe2             - flags:cloexec
pivot_root        new_root:path put_old:path
pkey_alloc        flags:hex access_rights:hex
pkey_free         pkey:int
pkey_mprotect     addr:address length:size prot:prot pkey:int
poll              - nfds:int timeout:int
ppoll             - nfds:int - -
prctl             option:prctl arg2:value
pread64           fd:fd - count:size offset:offset
preadv            fd:fd - iovcnt:int
preadv2           fd:fd - iovcnt:int
prlimit64         pid:pid resource:rlimit new_limit:pointer -
process_madvise   pidfd:fd - vlen:int advice:madvise flags:hex
process_vm_readv  pid:pid
process_vm_writev pid:pid
pselect6          nfds:int
ptrace            request:ptrace pid:pid addr:address
pwrite64          fd:fd - count:size offset:offset
pwritev           fd:fd - iovcnt:int
pwritev2          fd:fd - iovcnt:int
quotactl          cmd:hex special:path
read              fd:fd - count:size
readahead         fd:fd offset:offset count:size
readlink          path:path - bufsiz:size
readlinkat        dirfd:dirfd path:path - bufsiz:size
readv             fd:fd - iovcnt:int
reboot            magic:hex magic2:hex op:hex
recvfrom          fd:fd - len:size flags:hex
recvmmsg          fd:fd - vlen:int flags:hex
recvmsg           fd:fd - flags:hex
remap_file_pages  addr:address size:size prot:prot
removexattr       path:path name:path
rename            oldpath:path newpath:path
renameat          olddirfd:dirfd oldpath:path newdirfd:dirfd newpath:path
renameat2         olddirfd:dirfd oldpath:path newdirfd:dirfd newpath:path flags:hex
rmdir             path:path
rt_sigaction      sig:signal act:pointer -
rt_sigprocmask    how:int
rt_sigqueueinfo   pid:pid sig:signal
rt_tgsigqueueinfo tgid:pid tid:pid sig:signal
sched_get_priority_max policy:int
sched_get_priority_min policy:int
sched_getaffinity pid:pid
sched_getattr     pid:pid
sched_getparam    pid:pid
sched_getscheduler pid:pid
sched_setaffinity pid:pid
sched_setattr     pid:pid
sched_setparam    pid:pid
sched_setscheduler pid:pid policy:int
seccomp           operation:seccomp flags:hex
select            nfds:int
semget            key:hex nsems:int semflg:hex
sendfile          out_fd:fd in_fd:fd - count:size
sendmmsg          fd:fd - vlen:int flags:hex
sendmsg           fd:fd - flags:hex
sendto            fd:fd - len:size flags:hex addr:sockaddr addrlen:length
setdomainname     name:path len:size
setfsgid          gid:int
setfsuid          uid:int
setgid            gid:int
setgroups         size:int
sethostname       name:path len:size
setitimer         which:int
setns             fd:fd nstype:clone
setpgid           pid:pid pgid:pid
setpriority       which:int who:int prio:int
setregid          rgid:int egid:int
setresgid         rgid:int egid:int sgid:int
setresuid         ruid:int euid:int suid:int
setreuid          ruid:int euid:int
setrlimit         resource:rlimit
setsockopt        fd:fd level:int optname:int - optlen:int
setuid            uid:int
setxattr          path:path name:path - size:size flags:hex
shmat             shmid:int addr:address shmflg:hex
shmctl            shmid:int cmd:int
shmget            key:hex size:size shmflg:hex
shutdown          fd:fd how:int
signalfd4         fd:fd - - flags:cloexec
socket            domain:family type:sock protocol:int
socketpair        domain:family type:sock protocol:int
splice            fd_in:fd - fd_out:fd - len:size flags:hex
stat              path:path -
statfs            path:path -
statx             dirfd:dirfd path:path flags:at mask:hex -
swapoff           path:path
swapon            path:path flags:hex
symlink           target:path linkpath:path
symlinkat         target:path newdirfd:dirfd linkpath:path
sync_file_range   fd:fd offset:offset nbytes:size flags:hex
syncfs            fd:fd
syslog            type:int - len:int
tee               fd_in:fd fd_out:fd len:size flags:hex
tgkill            tgid:pid tid:pid sig:signal
timer_create      clockid:clock
timerfd_create    clockid:clock flags:cloexec
timerfd_gettime   fd:fd
timerfd_settime   fd:fd flags:hex
tkill             tid:pid sig:signal
truncate          path:path length:size
umask             mask:mode
umount2           target:path flags:hex
unlink            path:path
unlinkat          dirfd:dirfd path:path flags:at
unshare           flags:clone
userfaultfd       flags:cloexec
utime             path:path
utimensat         dirfd:dirfd path:path - flags:at
utimes            path:path
vmsplice          fd:fd - nr_segs:size flags:hex
wait4             pid:pid - options:hex
waitid            idtype:int id:pid - options:hex
write             fd:fd - count:size
writev            fd:fd - iovcnt:int
`

// argument is one argument of a call that says something to people.
type argument struct {
	index int // of the register
	name  string
	kind  string
}

// declared has the arguments of each call by the call's name.
var declared = sync.OnceValue(func() map[string][]argument {
	calls := map[string][]argument{}
	for line := range strings.Lines(declarations) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		var args []argument
		for i, w := range words[1:] {
			if name, kind, ok := strings.Cut(w, ":"); ok {
				args = append(args, argument{i, name, kind})
			}
		}
		calls[words[0]] = args
	}
	return calls
})
