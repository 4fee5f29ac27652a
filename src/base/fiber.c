/* SPDX-License-Identifier: BSD-2-Clause */

#define _GNU_SOURCE

#include "base/fiber.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/kassert.h"

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif

#ifdef FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#if defined(EPHMAP_UCONTEXT) || !defined(__GNUC__) ||                          \
    !(defined(__x86_64__) || defined(__aarch64__))
#define FIBER_UCONTEXT 1
#include <ucontext.h>
#endif

struct fiber {
	void *sp; /* assembly only: where its registers were pushed */
#ifdef FIBER_UCONTEXT
	ucontext_t uc;
#endif
	void (*fn)(void *);
	void *arg;
	char *map; /* guard page and stack; NULL: of a batch, or the host's */
	size_t map_bytes;
	bool host;
	char *stack;
	size_t stack_bytes;
#ifdef FIBER_ASAN
	void *fake_stack;
	const void *host_bottom;
	size_t host_bytes;
	struct fiber *came_from;
#endif
#ifdef FIBER_TSAN
	void *tsan;
#endif
};

#ifdef FIBER_ASAN
static void
fiber_host_forget(struct fiber *f)
{
	if (f->host_bottom != NULL)
		__lsan_unregister_root_region(f->host_bottom, f->host_bytes);
	f->host_bottom = NULL;
}

/* Tell ASan that we arrived, and learn the bounds of the stack we left. */
static void
fiber_arrived(struct fiber *f)
{
	const void *bottom;
	size_t bytes;

	__sanitizer_finish_switch_fiber(f->fake_stack, &bottom, &bytes);
	if (f->came_from != NULL && f->came_from->host &&
	    f->came_from->host_bottom != bottom) {
		fiber_host_forget(f->came_from);
		f->came_from->host_bottom = bottom;
		f->came_from->host_bytes = bytes;
		/* What only this stack points to is not lost meanwhile. */
		__lsan_register_root_region(bottom, bytes);
	}
}
#endif

static void
fiber_entry(struct fiber *f)
{
#ifdef FIBER_ASAN
	fiber_arrived(f);
#endif
	f->fn(f->arg);
	PANIC("a fiber's function returned");
}

#ifdef FIBER_UCONTEXT

static void
fiber_uc_entry(unsigned lo, unsigned hi)
{
	fiber_entry((struct fiber *)((uintptr_t)hi << 16 << 16 | lo));
}

static void
fiber_prepare(struct fiber *f)
{
	uintptr_t p = (uintptr_t)f;

	if (getcontext(&f->uc) != 0)
		PANIC("getcontext");
	f->uc.uc_stack.ss_sp = f->stack;
	f->uc.uc_stack.ss_size = f->stack_bytes;
	f->uc.uc_link = NULL;
	makecontext(&f->uc, (void (*)(void))fiber_uc_entry, 2, (unsigned)p,
	    (unsigned)(p >> 16 >> 16));
}

static void
fiber_jump(struct fiber *from, struct fiber *to)
{
	if (swapcontext(&from->uc, &to->uc) != 0)
		PANIC("swapcontext");
}

#elif defined(__x86_64__)

/*
 * Push what the ABI says a callee keeps, swap stacks, pop.  The x87 and SSE
 * control words are left alone: nobody here changes them.
 */
void eph__fiber_jump(void **save_sp, void *load_sp);
void eph__fiber_start(void);

__asm__(".text\n"
	".globl eph__fiber_jump\n"
	".type eph__fiber_jump, @function\n"
	"eph__fiber_jump:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size eph__fiber_jump, .-eph__fiber_jump\n"
	".globl eph__fiber_start\n"
	".type eph__fiber_start, @function\n"
	"eph__fiber_start:\n"
	"	movq %r12, %rdi\n"
	"	xorl %ebp, %ebp\n"
	"	callq *%r13\n"
	"	ud2\n"
	".size eph__fiber_start, .-eph__fiber_start\n");

static void
fiber_prepare(struct fiber *f)
{
	uintptr_t top = (uintptr_t)(f->stack + f->stack_bytes) & ~(uintptr_t)15;
	void **sp = (void **)top;

	/* The ABI wants the stack aligned to 16 where start makes its call. */
	*--sp = NULL;
	*--sp = NULL;
	*--sp = (void *)(uintptr_t)eph__fiber_start;
	*--sp = NULL;				/* rbp */
	*--sp = NULL;				/* rbx */
	*--sp = f;				/* r12 */
	*--sp = (void *)(uintptr_t)fiber_entry; /* r13 */
	*--sp = NULL;				/* r14 */
	*--sp = NULL;				/* r15 */
	f->sp = sp;
}

static inline void
fiber_jump(struct fiber *from, struct fiber *to)
{
	eph__fiber_jump(&from->sp, to->sp);
}

#else /* __aarch64__ */

void eph__fiber_jump(void **save_sp, void *load_sp);
void eph__fiber_start(void);

__asm__(".text\n"
	".globl eph__fiber_jump\n"
	"eph__fiber_jump:\n"
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp, #0]\n"
	"	stp x21, x22, [sp, #16]\n"
	"	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n"
	"	stp x27, x28, [sp, #64]\n"
	"	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n"
	"	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n"
	"	mov x9, sp\n"
	"	str x9, [x0]\n"
	"	mov sp, x1\n"
	"	ldp x19, x20, [sp, #0]\n"
	"	ldp x21, x22, [sp, #16]\n"
	"	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n"
	"	ldp x27, x28, [sp, #64]\n"
	"	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n"
	"	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n"
	"	ret\n"
	".globl eph__fiber_start\n"
	"eph__fiber_start:\n"
	"	mov x0, x19\n"
	"	mov x29, xzr\n"
	"	blr x20\n"
	"	brk #0\n");

static void
fiber_prepare(struct fiber *f)
{
	uintptr_t top = (uintptr_t)(f->stack + f->stack_bytes) & ~(uintptr_t)15;
	void **sp = (void **)(top - 160);

	for (int i = 0; i < 20; i++)
		sp[i] = NULL;
	sp[0] = f;				      /* x19 */
	sp[1] = (void *)(uintptr_t)fiber_entry;	      /* x20 */
	sp[11] = (void *)(uintptr_t)eph__fiber_start; /* x30 */
	f->sp = sp;
}

static inline void
fiber_jump(struct fiber *from, struct fiber *to)
{
	eph__fiber_jump(&from->sp, to->sp);
}

#endif

/* Lies at the low end of a stack; what grows into it changes it. */
#define FIBER_CANARY 0x6570686d61702121u

static size_t
fiber_page(void)
{
	const long page = sysconf(_SC_PAGESIZE);

	return (page > 0 ? (size_t)page : 4096);
}

/* Memory for stacks whose lowest `guard` bytes cannot be touched, or NULL. */
static char *
fiber_map(size_t bytes, size_t guard)
{
	char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return (NULL);
	(void)mprotect(map, guard, PROT_NONE);
#ifdef FIBER_ASAN
	/* What only a stack points to is not lost. */
	__lsan_register_root_region(map + guard, bytes - guard);
#endif
	return (map);
}

static void
fiber_unmap(char *map, size_t bytes)
{
#ifdef FIBER_ASAN
	const size_t guard = fiber_page();

	__lsan_unregister_root_region(map + guard, bytes - guard);
#endif
	(void)munmap(map, bytes);
}

struct fiber *
eph__fiber_create(size_t stack_bytes, void (*fn)(void *), void *arg)
{
	const size_t guard = fiber_page();
	struct fiber *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return (NULL);
	stack_bytes = (stack_bytes + guard - 1) & ~(guard - 1);
	f->map_bytes = stack_bytes + guard;
	f->map = fiber_map(f->map_bytes, guard);
	if (f->map == NULL) {
		free(f);
		return (NULL);
	}
	f->stack = f->map + guard;
	f->stack_bytes = stack_bytes;
#ifdef FIBER_TSAN
	f->tsan = __tsan_create_fiber(0);
#endif
	eph__fiber_reset(f, fn, arg);
	return (f);
}

struct fiber *
eph__fiber_create_host(void)
{
	struct fiber *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return (NULL);
	f->host = true;
#ifdef FIBER_TSAN
	f->tsan = __tsan_get_current_fiber();
#endif
	return (f);
}

void
eph__fiber_host_here(struct fiber *f)
{
	KASSERT(f->host, "a stack of a thread's own");
#ifdef FIBER_TSAN
	f->tsan = __tsan_get_current_fiber();
#endif
	(void)f;
}

void
eph__fiber_destroy(struct fiber *f)
{
	if (f == NULL)
		return;
	if (f->map != NULL) {
#ifdef FIBER_TSAN
		__tsan_destroy_fiber(f->tsan);
#endif
		fiber_unmap(f->map, f->map_bytes);
	}
#ifdef FIBER_ASAN
	fiber_host_forget(f);
#endif
	free(f);
}

void
eph__fiber_reset(struct fiber *f, void (*fn)(void *), void *arg)
{
	KASSERT(!f->host, "the host's stack cannot start again");
	f->fn = fn;
	f->arg = arg;
#ifdef FIBER_ASAN
	f->fake_stack = NULL;
	/* What it ran last may not have returned. */
	__asan_unpoison_memory_region(f->stack, f->stack_bytes);
#endif
	*(uint64_t *)(void *)f->stack = FIBER_CANARY;
	fiber_prepare(f);
}

bool
eph__fiber_opens(void)
{
#if defined(FIBER_UCONTEXT) || defined(FIBER_ASAN) || defined(FIBER_TSAN)
	return (false);
#else
	return (true);
#endif
}

static char *
fiber_top(const struct fiber *f)
{
	return (
	    (char *)((uintptr_t)(f->stack + f->stack_bytes) & ~(uintptr_t)15));
}

const void *
eph__fiber_live(const struct fiber *f, size_t *bytes)
{
	*bytes = (size_t)(fiber_top(f) - (char *)f->sp);
	return (f->sp);
}

void
eph__fiber_put(struct fiber *f, const void *p, size_t bytes)
{
	if (bytes == 0) {
		fiber_prepare(f);
		return;
	}
	f->sp = fiber_top(f) - bytes;
	memcpy(f->sp, p, bytes);
}

void
eph__fiber_scrub(struct fiber *f, size_t bytes)
{
	char *low = (char *)f->sp - bytes;

	/* The canary stays. */
	if (low < f->stack + 64)
		low = f->stack + 64;
	memset(low, 0, (size_t)((char *)f->sp - low));
}

void
eph__fiber_clear(void)
{
	uint64_t below[48];

	memset(below, 0, sizeof(below));
#ifdef __GNUC__
	/* Somebody may read it: it is written. */
	__asm__ volatile("" : : "r"(below) : "memory");
#endif
}

bool
eph__fiber_intact(const struct fiber *f)
{
	return (*(const uint64_t *)(const void *)f->stack == FIBER_CANARY);
}

struct fiber_batch {
	char *map;
	size_t map_bytes;
	unsigned n;
	struct fiber fibers[];
};

struct fiber_batch *
eph__fiber_batch_create(unsigned n, size_t stack_bytes, struct fiber **fibers)
{
	const size_t guard = fiber_page();
	struct fiber_batch *b =
	    calloc(1, sizeof(*b) + n * sizeof(b->fibers[0]));

	if (b == NULL)
		return (NULL);
	stack_bytes = (stack_bytes + guard - 1) & ~(guard - 1);
	b->n = n;
	b->map_bytes = guard + n * stack_bytes;
	b->map = fiber_map(b->map_bytes, guard);
	if (b->map == NULL) {
		free(b);
		return (NULL);
	}
	for (unsigned i = 0; i < n; i++) {
		struct fiber *f = &b->fibers[i];

		f->stack = b->map + guard + i * stack_bytes;
		f->stack_bytes = stack_bytes;
#ifdef FIBER_TSAN
		f->tsan = __tsan_create_fiber(0);
#endif
		fibers[i] = f;
	}
	return (b);
}

void
eph__fiber_batch_destroy(struct fiber_batch *b)
{
	if (b == NULL)
		return;
#ifdef FIBER_TSAN
	for (unsigned i = 0; i < b->n; i++)
		__tsan_destroy_fiber(b->fibers[i].tsan);
#endif
	fiber_unmap(b->map, b->map_bytes);
	free(b);
}

void
eph__fiber_switch(struct fiber *from, struct fiber *to)
{
#ifdef FIBER_ASAN
	to->came_from = from;
	__sanitizer_start_switch_fiber(&from->fake_stack,
	    !to->host ? to->stack : to->host_bottom,
	    !to->host ? to->stack_bytes : to->host_bytes);
#endif
#ifdef FIBER_TSAN
	__tsan_switch_to_fiber(to->tsan, 0);
#endif
	fiber_jump(from, to);
#ifdef FIBER_ASAN
	fiber_arrived(from);
#endif
}
