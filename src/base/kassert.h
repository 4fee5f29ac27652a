/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef BASE_KASSERT_H
#define BASE_KASSERT_H

/*
 * Three strengths of "this cannot happen".
 *
 *	CTASSERT(c)	relation of constants, checked by the compiler
 *	KASSERT(c, why)	contract or O(1) invariant; gone with
 *			EPHMAP_INVARIANTS off, but still type-checked
 *	PANIC(why)	state is corrupt; on in every build
 *
 * Like INVARIANTS in the kernels, KASSERT is a build option of its own and
 * not NDEBUG: the release build keeps it, because explore finds a failed
 * assertion only if there is one.  An operating error is none of these: it
 * is a return value.
 */

#include "ephmap/panic.h"

/* Goes where ephmap/panic.h says. */
_Noreturn void panic(const char *why, const char *file, int line);

/* Is it memory that was out, where no call can return that? */
bool eph__panic_is_memory(const char *why);

#define CTASSERT(c) _Static_assert(c, #c)
#define PANIC(why)  panic((why), __FILE__, __LINE__)

#ifdef EPHMAP_NO_INVARIANTS
#define KASSERT(c, why) ((void)sizeof((c) ? 1 : 0))
#else
#define KASSERT(c, why) ((c) ? (void)0 : PANIC(#c ": " why))
#endif

#endif /* !BASE_KASSERT_H */
