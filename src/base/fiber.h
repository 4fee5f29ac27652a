/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef BASE_FIBER_H
#define BASE_FIBER_H

/*
 * Fibers: stacks that one host thread switches between.
 *
 * On x86-64 and arm64 a switch is a few instructions of assembly (about
 * 12 ns against 280 for swapcontext, which enters the system for the
 * signal mask); elsewhere, or with EPHMAP_UCONTEXT, swapcontext does it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "ephmap/types.h"

struct fiber;

/*
 * A fiber that will run fn(arg) when first switched to; fn must not
 * return.  `stack_bytes` is rounded up to pages, with a guard page below.
 * NULL when out of memory.
 */
struct fiber *eph__fiber_create(
    size_t stack_bytes, void (*fn)(void *), void *arg);

/*
 * Many fibers whose stacks lie in one mapping, for callers that may need
 * tens of thousands: a guard page for each would be two mappings a fiber,
 * and the system allows about 65,000 to a process.  Only the lowest stack
 * has a guard page; eph__fiber_intact() tells if one grew into its neighbour.
 * Sets fibers[0] to fibers[n - 1], which must be given a function by
 * eph__fiber_reset() and are destroyed with the batch.  NULL when out of memory.
 */
struct fiber_batch;
struct fiber_batch *eph__fiber_batch_create(
    unsigned n, size_t stack_bytes, struct fiber **fibers);
void eph__fiber_batch_destroy(struct fiber_batch *b);

/* Has the stack stayed within its bounds? */
bool eph__fiber_intact(const struct fiber *f);

/* The host thread's own stack, as a fiber to come back to. */
struct fiber *eph__fiber_create_host(void);

/* It is the stack of the thread that calls, not of the one that made it. */
void eph__fiber_host_here(struct fiber *f);

/* Free a fiber that does not run.  NULL is accepted. */
void eph__fiber_destroy(struct fiber *f);

/* Make a fiber that does not run start again, with another function. */
void eph__fiber_reset(struct fiber *f, void (*fn)(void *), void *arg);

/* Stop running as `from`, which is the caller, and go on as `to`. */
void eph__fiber_switch(struct fiber *from, struct fiber *to);

/* A hint: the fiber, or the stack it goes on with, is wanted soon. */
EPH_PREFETCHER void
fiber_prefetch(const struct fiber *f)
{
	eph_prefetch(f);
}

EPH_PREFETCHER void
fiber_prefetch_stack(const struct fiber *f)
{
	/* Its first word is where its registers were pushed. */
	const char *sp = *(const char *const *)(const void *)f;

	for (int line = 0; sp != NULL && line < 6; line++)
		eph_prefetch(sp + line * 64);
}

/*
 * A stack as bytes, of a fiber that does not run: the part in use, with the
 * registers that were pushed.  Put it back, or with 0 bytes make the fiber
 * start again with its function; zero what lies below.  Not where
 * eph__fiber_opens() is false: sanitizers keep notes about stacks, and
 * swapcontext keeps registers, elsewhere.
 */
bool eph__fiber_opens(void);
const void *eph__fiber_live(const struct fiber *f, size_t *bytes);
void eph__fiber_put(struct fiber *f, const void *p, size_t bytes);
void eph__fiber_scrub(struct fiber *f, size_t bytes);

/* Zero what calls that are over left below the caller's frame: 384 bytes. */
void eph__fiber_clear(void);

#endif /* !BASE_FIBER_H */
