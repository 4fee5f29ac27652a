/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_ATOMIC_H
#define EPHMAP_SDK_ATOMIC_H

/*
 * Atomic variables that CPUs share, of 32 and 64 bits.
 *
 * C11 atomics with a named order, seen by the executor: with threads they
 * are the host's, under explore each is a scheduling point (and a store may
 * be seen late), in lockstep they are plain loads and stores, because one
 * host thread plays every CPU and a locked instruction would cost more than
 * the rest of a hit.
 *
 *	eph_load_32(mc, p, order)		what is there
 *	eph_store_32(mc, p, value, order)
 *	eph_fetchadd_32(mc, p, value, order)	these four return what was
 *	eph_fetchor_32(mc, p, value, order)	there before
 *	eph_fetchand_32(mc, p, value, order)
 *	eph_swap_32(mc, p, value, order)
 *	eph_cas_32(mc, p, expected, value, order)
 *		compare and set: true if *p was `expected` and is now `value`
 *
 * and the same with 64.  `p` points to an _Atomic(uint32_t) or
 * _Atomic(uint64_t); its text is the variable's name in a timeline.
 */

#include <stdatomic.h>

#include "ephmap/sdk/clock.h"
#include "ephmap/sdk/exec.h"

/* clang-format off */

/* Read, modify, write: `next` is what is stored, of `old` and `value`. */
#define EPH_ATOMIC_MODIFY(bits, name, kind, host, next)			\
static inline uint##bits##_t						\
eph_do_##name##_##bits(struct eph_machine *mc,				\
    _Atomic(uint##bits##_t) *p, uint##bits##_t value,			\
    memory_order order, const char *what)				\
{									\
	eph_clock_line(mc, p);						\
	if (eph_likely(eph_serial(mc))) {				\
		/* Relaxed: one host thread. */				\
		uint##bits##_t old =					\
		    atomic_load_explicit(p, memory_order_relaxed);	\
									\
		atomic_store_explicit(					\
		    p, (uint##bits##_t)(next), memory_order_relaxed);	\
		return (old);						\
	}								\
	if (eph_unlikely(mc->has_points))				\
		return ((uint##bits##_t)mc->exec->atomic(mc, kind, p,	\
		    sizeof(*p), value, 0, order, what));		\
	return (host(p, value, order));					\
}

#define EPH_ATOMIC_OF(bits)						\
static inline uint##bits##_t						\
eph_do_load_##bits(struct eph_machine *mc,				\
    _Atomic(uint##bits##_t) *p, memory_order order, const char *what)	\
{									\
	if (eph_unlikely(mc->has_points))				\
		return ((uint##bits##_t)mc->exec->atomic(mc,		\
		    EPH_ATOMIC_LOAD, p, sizeof(*p), 0, 0, order, what));	\
	return (atomic_load_explicit(p, order));			\
}									\
									\
static inline void							\
eph_do_store_##bits(struct eph_machine *mc,				\
    _Atomic(uint##bits##_t) *p, uint##bits##_t value,			\
    memory_order order, const char *what)				\
{									\
	eph_clock_line(mc, p);						\
	if (eph_unlikely(mc->has_points)) {				\
		(void)mc->exec->atomic(mc, EPH_ATOMIC_STORE, p,		\
		    sizeof(*p), value, 0, order, what);			\
		return;							\
	}								\
	atomic_store_explicit(p, value, order);				\
}									\
									\
static inline bool							\
eph_do_cas_##bits(struct eph_machine *mc,				\
    _Atomic(uint##bits##_t) *p, uint##bits##_t expected,		\
    uint##bits##_t value, memory_order order, const char *what)		\
{									\
	eph_clock_line(mc, p);						\
	if (eph_unlikely(mc->has_points))				\
		return (mc->exec->atomic(mc, EPH_ATOMIC_CAS, p,		\
		    sizeof(*p), value, expected, order, what) ==	\
		    expected);						\
	/* Relaxed on failure: the caller loads again before it acts. */ \
	return (atomic_compare_exchange_strong_explicit(		\
	    p, &expected, value, order, memory_order_relaxed));		\
}									\
									\
EPH_ATOMIC_MODIFY(bits, fetchadd, EPH_ATOMIC_ADD,			\
    atomic_fetch_add_explicit, old + value)				\
EPH_ATOMIC_MODIFY(bits, fetchor, EPH_ATOMIC_OR,				\
    atomic_fetch_or_explicit, old | value)				\
EPH_ATOMIC_MODIFY(bits, fetchand, EPH_ATOMIC_AND,			\
    atomic_fetch_and_explicit, old & value)				\
EPH_ATOMIC_MODIFY(bits, swap, EPH_ATOMIC_SWAP,				\
    atomic_exchange_explicit, value)

EPH_ATOMIC_OF(32)
EPH_ATOMIC_OF(64)

#undef EPH_ATOMIC_OF
#undef EPH_ATOMIC_MODIFY

#define eph_load_32(mc, p, o)		eph_do_load_32(mc, p, o, #p)
#define eph_store_32(mc, p, v, o)	eph_do_store_32(mc, p, v, o, #p)
#define eph_fetchadd_32(mc, p, v, o)	eph_do_fetchadd_32(mc, p, v, o, #p)
#define eph_fetchor_32(mc, p, v, o)	eph_do_fetchor_32(mc, p, v, o, #p)
#define eph_fetchand_32(mc, p, v, o)	eph_do_fetchand_32(mc, p, v, o, #p)
#define eph_swap_32(mc, p, v, o)	eph_do_swap_32(mc, p, v, o, #p)
#define eph_cas_32(mc, p, e, v, o)	eph_do_cas_32(mc, p, e, v, o, #p)
#define eph_load_64(mc, p, o)		eph_do_load_64(mc, p, o, #p)
#define eph_store_64(mc, p, v, o)	eph_do_store_64(mc, p, v, o, #p)
#define eph_fetchadd_64(mc, p, v, o)	eph_do_fetchadd_64(mc, p, v, o, #p)
#define eph_fetchor_64(mc, p, v, o)	eph_do_fetchor_64(mc, p, v, o, #p)
#define eph_fetchand_64(mc, p, v, o)	eph_do_fetchand_64(mc, p, v, o, #p)
#define eph_swap_64(mc, p, v, o)	eph_do_swap_64(mc, p, v, o, #p)
#define eph_cas_64(mc, p, e, v, o)	eph_do_cas_64(mc, p, e, v, o, #p)
/* clang-format on */

#endif /* !EPHMAP_SDK_ATOMIC_H */
