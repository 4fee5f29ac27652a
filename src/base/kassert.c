/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/kassert.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Thread-local and not per machine, because a panic can come from code that
 * has no machine at hand.  With the current CPU of the threads executor and
 * what is done about SIGSEGV (writes.c) it is the only state outside a machine.
 */
static _Thread_local struct {
	eph_panic_handler *fn;
	void *arg;
} handler;

void
eph_panic_set_handler(eph_panic_handler *fn, void *arg)
{
	handler.fn = fn;
	handler.arg = arg;
}

bool
eph__panic_is_memory(const char *why)
{
	return (strncmp(why, "out of memory", 13) == 0);
}

_Noreturn void
panic(const char *why, const char *file, int line)
{
	if (handler.fn != NULL)
		handler.fn(handler.arg, why, file, line);
	if (eph__panic_is_memory(why)) {
		(void)fprintf(stderr, "ephmap: %s\n", why);
		_Exit(2);
	}
	/* A verdict on a design: nothing of ours is corrupt. */
	if (strncmp(why, "watchdog: ", 10) == 0) {
		(void)fprintf(stderr, "ephmap: %s\n", why);
		_Exit(1);
	}
	(void)fprintf(stderr, "panic: %s (%s:%d)\n", why, file, line);
	abort();
}

struct panic_caught {
	jmp_buf back;
	const char *why;
};

static void
panic_catch(void *arg, const char *why, const char *file, int line)
{
	struct panic_caught *caught = arg;

	(void)file;
	(void)line;
	caught->why = why;
	longjmp(caught->back, 1);
}

const char *
eph_panic_of(void (*fn)(void *arg), void *arg)
{
	eph_panic_handler *const old_fn = handler.fn;
	void *const old_arg = handler.arg;
	struct panic_caught caught = { .why = NULL };

	eph_panic_set_handler(panic_catch, &caught);
	if (setjmp(caught.back) == 0)
		fn(arg);
	eph_panic_set_handler(old_fn, old_arg);
	return (caught.why);
}
