/* Makes the system calls of a table and tells what each returned. The test
 * writes the table into the compiled library, so that one compilation serves
 * every sweep. The calls are made in the constructor or in triggers; each
 * trigger tells of CHUNK of them, its key says which. */
#include <isobooth/plugin.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "raw.h"

enum { PROBES = 2048, CHUNK = 128 };

enum how {
	NATIVE,
	INT80,	/* by the 32-bit entry of x86 */
	SPAWN,	/* may come back twice, as fork does */
	RETURN, /* from a signal that never came, on no stack */
	OPENS,	/* makes a descriptor, with which no booth is sealed */
};

struct probe {
	int64_t how, nr, args[6];
};

/* sweep_test.go knows this layout. */
static volatile struct {
	char mark[16];
	int64_t loading; /* make the calls in the constructor */
	int64_t count;
	struct probe probes[PROBES];
} table = {.mark = "the sweep table"};

static long results[PROBES];
static const struct isobooth_host *host;

/* A child or thread ends at once and touches no memory: it may share ours,
 * the stack among it. */
static long spawn(long nr, const volatile int64_t *a)
{
#if defined(__x86_64__)
	long ret;
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "mov $60, %%eax\n\t" /* exit */
			 "xor %%edi, %%edi\n\t"
			 "syscall\n"
			 "1:"
			 : "=a"(ret)
			 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a[0];
	register long x1 __asm__("x1") = a[1];
	register long x2 __asm__("x2") = a[2];
	register long x3 __asm__("x3") = a[3];
	register long x4 __asm__("x4") = a[4];
	register long x5 __asm__("x5") = a[5];

	__asm__ volatile("svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x8, #93\n\t" /* exit */
			 "svc 0\n"
			 "1:"
			 : "+r"(x0), "+r"(x8)
			 : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
#endif
}

/* The kernel finds no frame where the stack points to and sends SIGSEGV. */
static void sigreturn(long nr)
{
#if defined(__x86_64__)
	__asm__ volatile("mov $64, %%rsp\n\tsyscall" : : "a"(nr) : "memory");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr;

	__asm__ volatile("mov x9, #64\n\tmov sp, x9\n\tsvc 0"
			 :
			 : "r"(x8)
			 : "x9", "memory");
#endif
	__builtin_unreachable();
}

static long int80(long nr, const volatile int64_t *a)
{
#if defined(__x86_64__)
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]),
			   "D"(a[4])
			 : "r8", "r9", "r10", "r11", "memory");
	return (int32_t)ret;
#else
	(void)nr;
	(void)a;
	return 0;
#endif
}

static long make(const volatile struct probe *p)
{
	const volatile int64_t *a = p->args;
	long ret;

	switch (p->how) {
	case INT80:
		return int80(p->nr, a);
	case SPAWN:
		return spawn(p->nr, a);
	case OPENS:
		ret = raw(p->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		if (ret >= 0)
			raw(SYS_close, ret, 0, 0, 0, 0, 0);
		return ret;
	case RETURN:
		sigreturn(p->nr);
	}
	return raw(p->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void make_all(int64_t from, int64_t to)
{
	for (int64_t i = from; i < to && i < table.count; i++)
		results[i] = make(&table.probes[i]);
}

__attribute__((constructor)) static void constructor(void)
{
	if (table.loading)
		make_all(0, PROBES);
}

static int32_t start(const struct isobooth_host *h, void **self)
{
	*self = NULL;
	host = h;
	return 0;
}

static int32_t trigger(void *self, const struct isobooth_event *event)
{
	static char text[4096];
	int64_t from = (int64_t)event->key * CHUNK, to = from + CHUNK;
	size_t n = 0;

	(void)self;
	if (!table.loading)
		make_all(from, to);
	for (int64_t i = from; i < to && i < table.count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%ld ",
				      results[i]);
	return host->result(text, n);
}

const struct isobooth_table *isobooth_plugin(uint32_t abi)
{
	static const struct isobooth_table plugin = {.size = sizeof(plugin),
						     .abi = ISOBOOTH_ABI,
						     .name = "sweep",
						     .version = "1",
						     .start = start,
						     .trigger = trigger};

	return abi == ISOBOOTH_ABI ? &plugin : NULL;
}
