/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SHOOTDOWN_PROTOCOL_H
#define SHOOTDOWN_PROTOCOL_H

/* What several protocols share. */

#include "ephmap/sdk/shootdown.h"
#include "kern/pmap_swift.h"

/* Pages above which Linux flushes all: tlb_single_page_flush_ceiling. */
#define SHOOT_CEILING 33u

/* eph_shoot_store(), then eph_shoot_local(): mostly of one page. */
static inline void
shoot_store_local(struct eph_machine *mc, const struct eph_shoot *req)
{
	const uint32_t i = machine_va_index(mc, req->va);

	if (eph_unlikely(!mc->swift || req->npages != 1)) {
		eph_shoot_store(mc, req);
		eph_shoot_local(mc, req);
		return;
	}
	if (req->ptes != NULL || req->zero)
		pmap_store_swift(mc, mc->cur, i, req->zero ? 0 : req->ptes[0]);
	if (req->local)
		pmap_invlpg_swift(mc->cur, i);
}

/* Have every target execute the request's invlpgs. */
void eph__shootdown_invlpg(
    struct eph_machine *mc, const struct eph_shoot *req, bool wait);

/* Flush the targets and wait for them. */
void eph__shootdown_flush_acked(struct eph_machine *mc,
    const eph_cpuword_t *targets, eph_va_t va, unsigned npages, bool all);

/* This CPU's part, and the targets': a full flush above the ceiling. */
void eph__shootdown_local_range(
    struct eph_machine *mc, const struct eph_shoot *req);
void eph__shootdown_range_acked(
    struct eph_machine *mc, const struct eph_shoot *req);

/* This CPU's part: invlpg for one page, a full flush for more. */
void eph__shootdown_local_or_flush(
    struct eph_machine *mc, const struct eph_shoot *req);

/* A target's part, on the target: the same, counted as remote. */
void eph__shootdown_handle(struct eph_machine *mc, const struct eph_shoot *req);

/* On a target, for another CPU: npages from `va`; everything. */
void eph__shootdown_invlpg_here(
    struct eph_machine *mc, eph_va_t va, unsigned npages);
void eph__shootdown_flush_here(struct eph_machine *mc, eph_va_t va, bool all);

/* The same, a full flush above the ceiling. */
void eph__shootdown_range_here(
    struct eph_machine *mc, eph_va_t va, unsigned npages);

/*
 * A lock of a protocol's own, 0 or the CPU's number plus one.  It is held in
 * a critical section, and who waits for it answers interrupts, because its
 * holder may wait for him.  The holder answers too while he waits: what runs
 * then, and asks for a shootdown, must not take the lock again.
 */
bool eph__shootdown_holds(struct eph_machine *mc, _Atomic(uint32_t) *lock);
void eph__shootdown_lock(struct eph_machine *mc, _Atomic(uint32_t) *lock);
void eph__shootdown_unlock(struct eph_machine *mc, _Atomic(uint32_t) *lock);

/*
 * What protocols that put off by address remember of one.  OWED_GONE: it was
 * removed through the protocol and nothing is stored there, and every CPU
 * has invalidated it since; so no CPU holds anything.
 */
enum {
	OWED_UNKNOWN, /* a CPU may hold what is stored */
	OWED_GONE,
	OWED_FIRST /* from here on put off; the numbers are the protocol's */
};

_Atomic(uint32_t) *eph__shootdown_owed(struct eph_machine *mc, eph_va_t va);
void eph__shootdown_owed_set(
    struct eph_machine *mc, eph_va_t va, unsigned npages, uint32_t what);

/* Is the request a removal of entries that every CPU is to forget? */
bool eph__shootdown_removes(
    const struct eph_machine *mc, const struct eph_shoot *req);

/*
 * For them: a request that must be complete when it returns.  Where only
 * removed addresses are entered, storing settles what was put off, and there
 * is nothing to invalidate; else as acked-invlpg.
 */
void eph__shootdown_enter(struct eph_machine *mc, const struct eph_shoot *req);

/*
 * CPUs that do not use the mappings, because they are idle: a word for each,
 * 1: it has something to do when it comes back.  State for those who need no
 * other; leaving the mark for `t` says false if it is in use, and must be
 * told; taking one's own says if it was set.
 */
typedef _Atomic(uint32_t) shootdown_mark;

int eph__shootdown_marks(struct eph_machine *mc, void **statep);
void eph__shootdown_no_marks(struct eph_machine *mc, void *state);
bool eph__shootdown_leave_mark(
    struct eph_machine *mc, shootdown_mark *mark, unsigned t);
bool eph__shootdown_take_mark(struct eph_machine *mc, shootdown_mark *mark);

/*
 * Have fn(mc, arg) called on each target by its hardware, which interrupts
 * nobody; wait for all.  The executor's interrupt is only the vehicle,
 * because a CPU's TLB is its own; what it counted is taken back.
 */
void eph__shootdown_hardware(struct eph_machine *mc,
    const eph_cpuword_t *targets, void (*fn)(struct eph_machine *mc, void *arg),
    void *arg);

/*
 * A broadcast that reaches every other CPU, whatever was asked for, and is
 * counted by who executes it; npages 0: everything, with `all` global entries
 * too.
 */
void eph__shootdown_broadcast_pages(
    struct eph_machine *mc, eph_va_t va, unsigned npages, bool all);

/* In lockstep: an interrupt that `from` sent found nothing outdated. */
void eph__shootdown_needless(struct eph_machine *mc, struct eph_cpu *from);

#endif /* !SHOOTDOWN_PROTOCOL_H */
