/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Remote action requests: microcode of the targets invalidates, no handler
 * runs.
 *
 * There are 64 payloads, each with a lock; a CPU uses the one of its number
 * modulo 64.  The entries are stored; the initiator writes the payload (an
 * address and a page count, or everything), marks it pending in each target's
 * action vector, sends one message to all, and waits until each target's
 * microcode has written that it is done.  Then this CPU invalidates.
 *
 * Idea.  An interrupt for an invalidation costs more than the invalidation,
 * and waits as long as its target has interrupts off.  Microcode does neither.
 *
 * Invariant: when the request returns, no target uses the old entry.
 *
 *	n < 63 pages, k targets		L n	R n k	IPI 0
 *	n >= 63 pages			L n	F k	IPI 0
 *	the same, n > 33		LF 1
 *	global entries, any n		L n	F k	IPI 0
 *	full flush			-	F k	IPI 0
 *
 * Requests for global entries are always full flushes, because invalidation
 * by address spares them.  The local part is that of Linux for a kernel range:
 * by page up to the ceiling.
 *
 * How it is counted.  No CPU is interrupted: no instruction of the kernel
 * runs, so there is no ipi_sent.  What the microcode does is charged to its
 * CPU as if a handler did it.  Sending and the action vectors have no counter.
 *
 * Whoever waits for his payload's lock may be the target of who has it: the
 * microcode does not ask.  Here a target that is in a critical section is
 * reached when it leaves that, or waits.
 *
 * Linux, a proposal of 2025 (van Riel and Yu), arch/x86/mm/rar.c; Intel
 * 341431.  In that state it flushes this CPU too after a full flush of all,
 * which nobody could explain yet; not rebuilt.
 */

#include <errno.h>

#include "ephmap/sdk/atomic.h"
#include "machine/access.h"
#include "shootdown/protocol.h"

#define RAR_PAYLOADS  64u
#define RAR_MAX_PAGES 63u

struct rar {
	_Atomic(uint32_t) lock[RAR_PAYLOADS];
};

struct rar_payload {
	eph_va_t va;
	unsigned npages; /* 0: everything */
	bool all;	 /* everything: global entries too */
};

static int
rar_create(struct eph_machine *mc, void **statep)
{
	*statep = eph_machine_alloc(mc, sizeof(struct rar));
	return (*statep != NULL ? 0 : ENOMEM);
}

static void
rar_destroy(struct eph_machine *mc, void *state)
{
	eph_machine_free(mc, state, sizeof(struct rar));
}

/* What the microcode of a target does. */
static void
rar_action(struct eph_machine *mc, void *arg)
{
	const struct rar_payload *pl = arg;

	if (pl->npages == 0)
		eph__shootdown_flush_here(mc, pl->va, pl->all);
	else
		eph__shootdown_invlpg_here(mc, pl->va, pl->npages);
}

static void
rar_send(struct eph_machine *mc, const eph_cpuword_t *targets,
    struct rar_payload *pl)
{
	struct rar *ra = mc->shootdown_state;
	_Atomic(uint32_t) *lock = &ra->lock[eph_curcpu(mc)->id % RAR_PAYLOADS];
	/* By a message that we answer while we wait: the payload is ours. */
	const bool nested = eph__shootdown_holds(mc, lock);

	if (!nested)
		eph__shootdown_lock(mc, lock);
	eph__shootdown_hardware(mc, targets, rar_action, pl);
	if (!nested)
		eph__shootdown_unlock(mc, lock);
}

static void
rar_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	struct rar_payload pl = { req->va, req->npages, mc->pgeflag != 0 };

	if (req->npages >= RAR_MAX_PAGES || mc->pgeflag != 0)
		pl.npages = 0;
	eph_shoot_store(mc, req);
	rar_send(mc, req->targets, &pl);
	eph__shootdown_local_range(mc, req);
}

static void
rar_flush(struct eph_machine *mc, const eph_cpuword_t *targets, eph_va_t va,
    unsigned npages, bool all)
{
	struct rar_payload pl = { va, 0, all || mc->pgeflag != 0 };

	(void)npages;
	rar_send(mc, targets, &pl);
}

const struct eph_shootdown_ops eph__shootdown_rar = {
	.abi = EPHMAP_ABI,
	.name = "rar",
	.summary = "the targets' microcode invalidates, no handler runs",
	.origin = "Intel RAR; Linux, van Riel, 2025, a proposal",
	.hardware = true,
	.acked = true,
	.create = rar_create,
	.destroy = rar_destroy,
	.shoot = rar_shoot,
	.flush = rar_flush,
};
