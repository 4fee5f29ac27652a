/* SPDX-License-Identifier: BSD-2-Clause */

#define _GNU_SOURCE

#include "base/writes.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/kassert.h"

#define WRITES_STACK ((size_t)64 << 10) /* and what the system asks for */

struct writes {
	char *p;
	size_t page;
	size_t npages;
	bool *open; /* a page: written to, or expected */
	bool on;
	uint32_t seen;
	void *stack;
	stack_t stack_before;
	bool was_blocked;
};

/* Thread-local: a handler is told nothing but an address. */
static _Thread_local struct writes *watching;

/* What is done about a signal is the process's, not a machine's. */
static struct {
	pthread_mutex_t lock;
	unsigned users;		 /* (l) */
	struct sigaction before; /* constant while there are users */
} action = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
writes_unprotect(const struct writes *w, size_t first, size_t n)
{
	if (mprotect(w->p + first * w->page, n * w->page,
		PROT_READ | PROT_WRITE) != 0)
		PANIC("memory cannot be made writable again");
}

/* What the host does not protect counts as written to. */
static void
writes_protect(struct writes *w, size_t first, size_t n)
{
	if (n > 0 &&
	    mprotect(w->p + first * w->page, n * w->page, PROT_READ) != 0)
		memset(&w->open[first], true, n * sizeof(w->open[0]));
}

/* The first write to a page. */
static bool
writes_first(struct writes *w, const char *at)
{
	size_t i;

	if (w == NULL || !w->on || at < w->p)
		return (false);
	i = (size_t)(at - w->p) / w->page;
	if (i >= w->npages || w->open[i])
		return (false);
	w->open[i] = true;
	w->seen++;
	writes_unprotect(w, i, 1);
	return (true);
}

/* As if there were no handler of ours. */
static void
writes_before(int sig, siginfo_t *info, void *context)
{
	const struct sigaction *before = &action.before;

	if ((before->sa_flags & SA_SIGINFO) != 0) {
		before->sa_sigaction(sig, info, context);
	} else if (before->sa_handler != SIG_DFL &&
	    before->sa_handler != SIG_IGN) {
		before->sa_handler(sig);
	} else {
		/* What did it does it again; who sent it does not. */
		(void)sigaction(sig, before, NULL);
		if (info->si_code <= 0)
			(void)raise(sig);
	}
}

static void
writes_fault(int sig, siginfo_t *info, void *context)
{
	const int saved = errno;

	if (info->si_code != SEGV_ACCERR ||
	    !writes_first(watching, info->si_addr))
		writes_before(sig, info, context);
	errno = saved;
}

static void
writes_handler(bool wanted)
{
	struct sigaction sa = { .sa_sigaction = writes_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK };

	(void)pthread_mutex_lock(&action.lock);
	if (wanted && action.users++ == 0) {
		(void)sigemptyset(&sa.sa_mask);
		(void)sigaction(SIGSEGV, &sa, &action.before);
	} else if (!wanted && --action.users == 0) {
		(void)sigaction(SIGSEGV, &action.before, NULL);
	}
	(void)pthread_mutex_unlock(&action.lock);
}

/* Stacks of fibers are not to be written to by anybody else. */
static bool
writes_stack(struct writes *w)
{
	stack_t ss = { .ss_size = WRITES_STACK };

#ifdef _SC_MINSIGSTKSZ
	if (sysconf(_SC_MINSIGSTKSZ) > 0)
		ss.ss_size += (size_t)sysconf(_SC_MINSIGSTKSZ);
#endif
	if ((w->stack = malloc(ss.ss_size)) == NULL)
		return (false);
	ss.ss_sp = w->stack;
	return (sigaltstack(&ss, &w->stack_before) == 0);
}

/* valgrind knows registers too late to go on behind a fault. */
static bool
writes_go_on(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return (preload == NULL || strstr(preload, "vgpreload") == NULL);
}

struct writes *
eph__writes_create(void *p, size_t bytes)
{
	struct writes *w = calloc(1, sizeof(*w));
	const long page = sysconf(_SC_PAGESIZE);
	sigset_t set, before;

	KASSERT(watching == NULL, "one at a time in a thread");
	if (w == NULL)
		return (NULL);
	w->p = p;
	w->page = page > 0 ? (size_t)page : 4096;
	w->npages = (bytes + w->page - 1) / w->page;
	KASSERT((uintptr_t)p % w->page == 0, "pages");
	w->open = calloc(w->npages, sizeof(*w->open));
	if (w->open == NULL || !writes_stack(w)) {
		free(w->open);
		free(w->stack);
		free(w);
		return (NULL);
	}
	memset(w->open, !writes_go_on(), w->npages * sizeof(*w->open));
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGSEGV);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, &before);
	w->was_blocked = sigismember(&before, SIGSEGV) == 1;
	watching = w;
	writes_handler(true);
	return (w);
}

void
eph__writes_destroy(struct writes *w)
{
	sigset_t set;

	if (w == NULL)
		return;
	eph__writes_watch(w, false);
	writes_handler(false);
	watching = NULL;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGSEGV);
	if (w->was_blocked)
		(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)sigaltstack(&w->stack_before, NULL);
	free(w->open);
	free(w->stack);
	free(w);
}

size_t
eph__writes_page(const struct writes *w)
{
	return (w->page);
}

void
eph__writes_expect(struct writes *w, const void *p)
{
	KASSERT(!w->on, "expected before");
	w->open[(size_t)((const char *)p - w->p) / w->page] = true;
}

void
eph__writes_watch(struct writes *w, bool on)
{
	w->on = on;
	if (!on) {
		writes_unprotect(w, 0, w->npages);
		return;
	}
	for (size_t i = 0, n; i < w->npages; i += n + 1) {
		for (n = 0; i + n < w->npages && !w->open[i + n];)
			n++;
		writes_protect(w, i, n);
	}
}

bool
eph__writes_to(const struct writes *w, const void *p)
{
	return (w->open[(size_t)((const char *)p - w->p) / w->page]);
}

uint32_t
eph__writes_seen(const struct writes *w)
{
	return (w->seen);
}
