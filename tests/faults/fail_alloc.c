/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Allocation number N fails, or the N-th thread is not made: FAULT=alloc:N or
 * thread:N in the environment (FAULT_PRELOADED for the second form below).  That it happened shows as a byte on descriptor
 * 9, where that is open.
 *
 * Built twice.  Linked into a copy of the program with the linker's --wrap
 * (FAULT_WRAP), where the sanitizers have malloc for themselves, the calls of
 * our own code fail; preloaded (LD_PRELOAD), those of all libraries do, too.
 */

#define _GNU_SOURCE

#include <sys/syscall.h>

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef FAULT_WRAP
#define VARIABLE "FAULT"
#else
#define VARIABLE "FAULT_PRELOADED"
#endif

static atomic_ulong allocs, threads;
static unsigned long fail_alloc, fail_thread;

__attribute__((constructor)) static void
read_environment(void)
{
	const char *fault = getenv(VARIABLE);

	if (fault != NULL && strncmp(fault, "alloc:", 6) == 0)
		fail_alloc = strtoul(fault + 6, NULL, 10);
	if (fault != NULL && strncmp(fault, "thread:", 7) == 0)
		fail_thread = strtoul(fault + 7, NULL, 10);
	atomic_store(&allocs, 0);
}

static bool
fails(atomic_ulong *count, unsigned long at)
{
	if (at == 0 || atomic_fetch_add(count, 1) + 1 != at)
		return (false);
	(void)syscall(SYS_write, 9, "x", 1);
	return (true);
}

static void *
no_memory(void)
{
	errno = ENOMEM;
	return (NULL);
}

#ifdef FAULT_WRAP
#define OURS(name)   __wrap_##name
#define THEIRS(name) __real_##name
#else
#define OURS(name)   name
#define THEIRS(name) __libc_##name
#endif

void *THEIRS(malloc)(size_t n);
void *THEIRS(calloc)(size_t n, size_t size);
void *THEIRS(realloc)(void *p, size_t n);
void *OURS(malloc)(size_t n);
void *OURS(calloc)(size_t n, size_t size);
void *OURS(realloc)(void *p, size_t n);
int OURS(pthread_create)(
    pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg);

void *
OURS(malloc)(size_t n)
{
	return (fails(&allocs, fail_alloc) ? no_memory() : THEIRS(malloc)(n));
}

void *
OURS(calloc)(size_t n, size_t size)
{
	return (
	    fails(&allocs, fail_alloc) ? no_memory() : THEIRS(calloc)(n, size));
}

void *
OURS(realloc)(void *p, size_t n)
{
	return (
	    fails(&allocs, fail_alloc) ? no_memory() : THEIRS(realloc)(p, n));
}

#ifdef FAULT_WRAP

int __real_pthread_create(
    pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
void *__real_eph__je_mallocx(size_t n, int flags) __attribute__((weak));
void *__wrap_eph__je_mallocx(size_t n, int flags);

int
__wrap_pthread_create(
    pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg)
{
	return (fails(&threads, fail_thread)
		? EAGAIN
		: __real_pthread_create(t, a, fn, arg));
}

char *
__wrap_strdup(const char *s)
{
	return (fails(&allocs, fail_alloc) ? no_memory() : __real_strdup(s));
}

void *
__wrap_eph__je_mallocx(size_t n, int flags)
{
	return (fails(&allocs, fail_alloc) ? no_memory()
					   : __real_eph__je_mallocx(n, flags));
}

#else

int
pthread_create(
    pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg)
{
	int (*real)(
	    pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	void *symbol = dlsym(RTLD_NEXT, "pthread_create");

	memcpy(&real, &symbol, sizeof(real));
	return (fails(&threads, fail_thread) ? EAGAIN : real(t, a, fn, arg));
}

#endif
