/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_PANIC_H
#define EPHMAP_PANIC_H

/*
 * What happens when a contract is broken, or state is found corrupt: the
 * program's choice, for each host thread.  By default one line is printed
 * and the process aborts; where memory is out in a place that no call can
 * return it from ("out of memory for ..."), it ends with status 2, without
 * a core and without what is registered with atexit().  The line begins with the condition and names the
 * header whose rule it is.
 */

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Called on the host thread that panics, with the reason and the place in
 * our source; both live as long as the process.  It must not return: it
 * ends the process or leaves by longjmp().  What was being called is not
 * finished, so the world it belongs to can only be abandoned
 * (eph_world_abandon()).
 */
typedef void eph_panic_handler(
    void *arg, const char *why, const char *file, int line);

/*
 * Set this host thread's handler; NULL restores the default.  CPUs of a
 * world with real threads have the default.
 */
void eph_panic_set_handler(eph_panic_handler *fn, void *arg);

/*
 * Run fn(arg), and go on if it panics on this host thread and not inside a
 * thread of a world: for tests of what must be refused.  Returns the reason,
 * or NULL if fn returned.  The handler that was set before is back.
 */
const char *eph_panic_of(void (*fn)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_PANIC_H */
