/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/kassert.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Thread-local and not per machine, because a panic can come from code that
 * has no machine at hand.  With the current CPU of the threads executor it
 * is the only state outside a machine.
 */
static _Thread_local struct {
	panic_handler *fn;
	void *arg;
} handler;

void
eph__panic_set_handler(panic_handler *fn, void *arg)
{
	handler.fn = fn;
	handler.arg = arg;
}

_Noreturn void
panic(const char *why, const char *file, int line)
{
	if (handler.fn != NULL)
		handler.fn(handler.arg, why, file, line);
	(void)fprintf(stderr, "panic: %s (%s:%d)\n", why, file, line);
	abort();
}
