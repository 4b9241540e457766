package profiles

// constants are the names conditions may use. The values are the same on
// every architecture Compile knows; a test on Linux compares them with the
// system's headers.
var constants = map[string]uint64{
	"PROT_READ":  0x1,
	"PROT_WRITE": 0x2,
	"PROT_EXEC":  0x4,

	"MAP_SHARED":    0x01,
	"MAP_PRIVATE":   0x02,
	"MAP_FIXED":     0x10,
	"MAP_ANONYMOUS": 0x20,
	"MAP_HUGETLB":   0x40000,

	"CLONE_VM":             0x100,
	"CLONE_FS":             0x200,
	"CLONE_FILES":          0x400,
	"CLONE_SIGHAND":        0x800,
	"CLONE_PIDFD":          0x1000,
	"CLONE_PTRACE":         0x2000,
	"CLONE_VFORK":          0x4000,
	"CLONE_PARENT":         0x8000,
	"CLONE_THREAD":         0x10000,
	"CLONE_NEWNS":          0x20000,
	"CLONE_SYSVSEM":        0x40000,
	"CLONE_SETTLS":         0x80000,
	"CLONE_PARENT_SETTID":  0x100000,
	"CLONE_CHILD_CLEARTID": 0x200000,
	"CLONE_UNTRACED":       0x800000,
	"CLONE_CHILD_SETTID":   0x1000000,
	"CLONE_NEWCGROUP":      0x2000000,
	"CLONE_NEWUTS":         0x4000000,
	"CLONE_NEWIPC":         0x8000000,
	"CLONE_NEWUSER":        0x10000000,
	"CLONE_NEWPID":         0x20000000,
	"CLONE_NEWNET":         0x40000000,
	"CLONE_IO":             0x80000000,

	"F_GETFD":         1,
	"F_GETFL":         3,
	"F_DUPFD_CLOEXEC": 1030,

	"PR_SET_NAME": 15,
	"PR_SET_VMA":  0x53564d41,

	"AF_UNIX":  1,
	"AF_INET":  2,
	"AF_INET6": 10,
}

// errnos are the errors a rule may answer with: those a C library or a
// runtime takes as "not here" or "not allowed" and copes with.
var errnos = map[string]int{
	"EPERM":      1,
	"ENOENT":     2,
	"EAGAIN":     11,
	"ENOMEM":     12,
	"EACCES":     13,
	"EINVAL":     22,
	"ENOSYS":     38,
	"EOPNOTSUPP": 95,
}
