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
 * the rest of a hit.  All return the old value where there is one.
 */

#include <stdatomic.h>

#include "ephmap/sdk/clock.h"
#include "ephmap/sdk/exec.h"

static inline uint32_t
eph_do_fetchadd_32(struct eph_machine *mc, _Atomic(uint32_t) *p, uint32_t value,
    memory_order order, const char *what)
{
	eph_clock_line(mc, p);
	if (eph_likely(mc->mode == EPH_LOCKSTEP)) {
		/* Relaxed: one host thread. */
		uint32_t old = atomic_load_explicit(p, memory_order_relaxed);

		atomic_store_explicit(
		    p, (uint32_t)(old + value), memory_order_relaxed);
		return (old);
	}
	if (eph_unlikely(mc->has_points))
		return ((uint32_t)mc->exec->atomic(
		    mc, EPH_ATOMIC_ADD, p, sizeof(*p), value, 0, order, what));
	return (atomic_fetch_add_explicit(p, value, order));
}

static inline uint32_t
eph_do_fetchor_32(struct eph_machine *mc, _Atomic(uint32_t) *p, uint32_t value,
    memory_order order, const char *what)
{
	eph_clock_line(mc, p);
	if (eph_likely(mc->mode == EPH_LOCKSTEP)) {
		/* Relaxed: one host thread. */
		uint32_t old = atomic_load_explicit(p, memory_order_relaxed);

		atomic_store_explicit(
		    p, (uint32_t)(old | value), memory_order_relaxed);
		return (old);
	}
	if (eph_unlikely(mc->has_points))
		return ((uint32_t)mc->exec->atomic(
		    mc, EPH_ATOMIC_OR, p, sizeof(*p), value, 0, order, what));
	return (atomic_fetch_or_explicit(p, value, order));
}

static inline uint32_t
eph_do_fetchand_32(struct eph_machine *mc, _Atomic(uint32_t) *p, uint32_t value,
    memory_order order, const char *what)
{
	eph_clock_line(mc, p);
	if (eph_likely(mc->mode == EPH_LOCKSTEP)) {
		/* Relaxed: one host thread. */
		uint32_t old = atomic_load_explicit(p, memory_order_relaxed);

		atomic_store_explicit(
		    p, (uint32_t)(old & value), memory_order_relaxed);
		return (old);
	}
	if (eph_unlikely(mc->has_points))
		return ((uint32_t)mc->exec->atomic(
		    mc, EPH_ATOMIC_AND, p, sizeof(*p), value, 0, order, what));
	return (atomic_fetch_and_explicit(p, value, order));
}

static inline uint32_t
eph_do_swap_32(struct eph_machine *mc, _Atomic(uint32_t) *p, uint32_t value,
    memory_order order, const char *what)
{
	eph_clock_line(mc, p);
	if (eph_likely(mc->mode == EPH_LOCKSTEP)) {
		/* Relaxed: one host thread. */
		uint32_t old = atomic_load_explicit(p, memory_order_relaxed);

		atomic_store_explicit(
		    p, (uint32_t)(value), memory_order_relaxed);
		return (old);
	}
	if (eph_unlikely(mc->has_points))
		return ((uint32_t)mc->exec->atomic(
		    mc, EPH_ATOMIC_SWAP, p, sizeof(*p), value, 0, order, what));
	return (atomic_exchange_explicit(p, value, order));
}

static inline uint32_t
eph_do_load_32(struct eph_machine *mc, _Atomic(uint32_t) *p, memory_order order,
    const char *what)
{
	if (eph_unlikely(mc->has_points))
		return ((uint32_t)mc->exec->atomic(
		    mc, EPH_ATOMIC_LOAD, p, sizeof(*p), 0, 0, order, what));
	return (atomic_load_explicit(p, order));
}

static inline void
eph_do_store_32(struct eph_machine *mc, _Atomic(uint32_t) *p, uint32_t value,
    memory_order order, const char *what)
{
	eph_clock_line(mc, p);
	if (eph_unlikely(mc->has_points)) {
		(void)mc->exec->atomic(
		    mc, EPH_ATOMIC_STORE, p, sizeof(*p), value, 0, order, what);
		return;
	}
	atomic_store_explicit(p, value, order);
}

/* Compare and set: true if *p was `expected` and is now `value`. */
static inline bool
eph_do_cas_32(struct eph_machine *mc, _Atomic(uint32_t) *p, uint32_t expected,
    uint32_t value, memory_order order, const char *what)
{
	eph_clock_line(mc, p);
	if (eph_unlikely(mc->has_points))
		return (mc->exec->atomic(mc, EPH_ATOMIC_CAS, p, sizeof(*p),
			    value, expected, order, what) == expected);
	/* Relaxed on failure: the caller loads again before it acts. */
	return (atomic_compare_exchange_strong_explicit(
	    p, &expected, value, order, memory_order_relaxed));
}

static inline uint64_t
eph_do_fetchadd_64(struct eph_machine *mc, _Atomic(uint64_t) *p, uint64_t value,
    memory_order order, const char *what)
{
	eph_clock_line(mc, p);
	if (eph_likely(mc->mode == EPH_LOCKSTEP)) {
		/* Relaxed: one host thread. */
		uint64_t old = atomic_load_explicit(p, memory_order_relaxed);

		atomic_store_explicit(
		    p, (uint64_t)(old + value), memory_order_relaxed);
		return (old);
	}
	if (eph_unlikely(mc->has_points))
		return ((uint64_t)mc->exec->atomic(
		    mc, EPH_ATOMIC_ADD, p, sizeof(*p), value, 0, order, what));
	return (atomic_fetch_add_explicit(p, value, order));
}

static inline uint64_t
eph_do_fetchor_64(struct eph_machine *mc, _Atomic(uint64_t) *p, uint64_t value,
    memory_order order, const char *what)
{
	eph_clock_line(mc, p);
	if (eph_likely(mc->mode == EPH_LOCKSTEP)) {
		/* Relaxed: one host thread. */
		uint64_t old = atomic_load_explicit(p, memory_order_relaxed);

		atomic_store_explicit(
		    p, (uint64_t)(old | value), memory_order_relaxed);
		return (old);
	}
	if (eph_unlikely(mc->has_points))
		return ((uint64_t)mc->exec->atomic(
		    mc, EPH_ATOMIC_OR, p, sizeof(*p), value, 0, order, what));
	return (atomic_fetch_or_explicit(p, value, order));
}

static inline uint64_t
eph_do_fetchand_64(struct eph_machine *mc, _Atomic(uint64_t) *p, uint64_t value,
    memory_order order, const char *what)
{
	eph_clock_line(mc, p);
	if (eph_likely(mc->mode == EPH_LOCKSTEP)) {
		/* Relaxed: one host thread. */
		uint64_t old = atomic_load_explicit(p, memory_order_relaxed);

		atomic_store_explicit(
		    p, (uint64_t)(old & value), memory_order_relaxed);
		return (old);
	}
	if (eph_unlikely(mc->has_points))
		return ((uint64_t)mc->exec->atomic(
		    mc, EPH_ATOMIC_AND, p, sizeof(*p), value, 0, order, what));
	return (atomic_fetch_and_explicit(p, value, order));
}

static inline uint64_t
eph_do_swap_64(struct eph_machine *mc, _Atomic(uint64_t) *p, uint64_t value,
    memory_order order, const char *what)
{
	eph_clock_line(mc, p);
	if (eph_likely(mc->mode == EPH_LOCKSTEP)) {
		/* Relaxed: one host thread. */
		uint64_t old = atomic_load_explicit(p, memory_order_relaxed);

		atomic_store_explicit(
		    p, (uint64_t)(value), memory_order_relaxed);
		return (old);
	}
	if (eph_unlikely(mc->has_points))
		return ((uint64_t)mc->exec->atomic(
		    mc, EPH_ATOMIC_SWAP, p, sizeof(*p), value, 0, order, what));
	return (atomic_exchange_explicit(p, value, order));
}

static inline uint64_t
eph_do_load_64(struct eph_machine *mc, _Atomic(uint64_t) *p, memory_order order,
    const char *what)
{
	if (eph_unlikely(mc->has_points))
		return ((uint64_t)mc->exec->atomic(
		    mc, EPH_ATOMIC_LOAD, p, sizeof(*p), 0, 0, order, what));
	return (atomic_load_explicit(p, order));
}

static inline void
eph_do_store_64(struct eph_machine *mc, _Atomic(uint64_t) *p, uint64_t value,
    memory_order order, const char *what)
{
	eph_clock_line(mc, p);
	if (eph_unlikely(mc->has_points)) {
		(void)mc->exec->atomic(
		    mc, EPH_ATOMIC_STORE, p, sizeof(*p), value, 0, order, what);
		return;
	}
	atomic_store_explicit(p, value, order);
}

/* Compare and set: true if *p was `expected` and is now `value`. */
static inline bool
eph_do_cas_64(struct eph_machine *mc, _Atomic(uint64_t) *p, uint64_t expected,
    uint64_t value, memory_order order, const char *what)
{
	eph_clock_line(mc, p);
	if (eph_unlikely(mc->has_points))
		return (mc->exec->atomic(mc, EPH_ATOMIC_CAS, p, sizeof(*p),
			    value, expected, order, what) == expected);
	/* Relaxed on failure: the caller loads again before it acts. */
	return (atomic_compare_exchange_strong_explicit(
	    p, &expected, value, order, memory_order_relaxed));
}

/* clang-format off */
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
