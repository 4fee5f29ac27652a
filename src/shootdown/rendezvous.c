/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Rendezvous: DragonFly's cpusync around pmap_inval_add and _flush.
 *
 * The initiator calls all targets together; once they all spin in the
 * handler it stores the entry, releases them, and every CPU, the initiator
 * included, executes its invlpg.  Two pages in one request degrade to a
 * full flush everywhere.
 *
 * Invariant: no target runs anything between the store and its own
 * invlpg.  In the original a target acknowledges before it invalidates;
 * that is safe because it can run nothing else in between.
 *
 *	1 page, k targets	L 1	R k	IPI k
 *	n > 1 pages		LF 1	F k	IPI k
 *
 * One rendezvous at a time: two initiators whose handlers met on each
 * other's CPU would both wait for ever.  The original had the MP lock for
 * that; here the second initiator spins, answering interrupts.  What an
 * initiator is asked for by a message that it answers meanwhile is carried
 * out as in acked-invlpg.
 *
 * The call travels as an LWKT IPIQ message to each target, counted in
 * ipiq_msg.  No interrupt is outstanding at a target that the initiator
 * waits for, so each message is one; where more passive messages are queued
 * than fill half the FIFO, a kick comes before it (ipiq_kick, IPI 1 more).
 *
 * The walker may set A or M while the targets gather, so the entry is
 * stored, not updated, as the original did.
 *
 * DragonFly 2004 to 2010 (pmap_inval.c, lwkt cpusync).
 */

#include "ephmap/sdk/shootdown.h"

#include <errno.h>

#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/pmap.h"
#include "shootdown/protocol.h"

/*
 * One rendezvous.  Where nothing else runs (lockstep) the targets are called
 * one after the other once the entry is stored: nobody can tell the
 * difference.
 */
struct rendezvous {
	_Atomic(uint32_t) gathered; /* targets that have arrived */
	_Atomic(uint32_t) release;  /* the entry has been stored */
	_Atomic(uint32_t) done;	    /* targets that have invalidated */
	const struct eph_shoot *req;
};

static void
rendezvous_handler(struct eph_machine *mc, void *arg)
{
	struct rendezvous *rv = arg;

	/* Release: the initiator stores after all have stopped. */
	(void)eph_fetchadd_32(mc, &rv->gathered, 1, memory_order_release);
	/* Acquire: the entry is stored. */
	while (eph_load_32(mc, &rv->release, memory_order_acquire) == 0)
		mc->exec->spin(mc);
	eph__shootdown_handle(mc, rv->req);
	/* Release: rv is on the initiator's stack, our last look at it. */
	(void)eph_fetchadd_32(mc, &rv->done, 1, memory_order_release);
}

/* Of a machine. */
struct rendezvous_state {
	_Atomic(uint32_t) busy; /* a rendezvous is under way */
};

static int
rendezvous_create(struct eph_machine *mc, void **statep)
{
	*statep = eph_machine_alloc(mc, sizeof(struct rendezvous_state));
	return (*statep != NULL ? 0 : ENOMEM);
}

static void
rendezvous_destroy(struct eph_machine *mc, void *state)
{
	eph_machine_free(mc, state, sizeof(struct rendezvous_state));
}

/* Make room for the messages and count them: one a target, returned. */
static uint32_t
rendezvous_call(struct eph_machine *mc, const struct eph_shoot *req)
{
	const uint32_t k = eph_cpuset_count(req->targets, mc->cpuwords);

	lwkt_ipiq_make_room(mc, req->targets);
	EPH_COUNT_N(mc, ipiq_msg, k);
	return (k);
}

static void
rendezvous_shoot_parallel(struct eph_machine *mc, const struct eph_shoot *req)
{
	struct rendezvous rv = { .req = req };
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_CALL,
		.fn = rendezvous_handler,
		.arg = &rv,
	};
	struct rendezvous_state *rs = mc->shootdown_state;
	const uint32_t k = rendezvous_call(mc, req);

	eph__shootdown_lock(mc, &rs->busy);
	eph_ipi(mc, req->targets, &ipi, false);
	/* Acquire pairs with the release in the handler, as below. */
	while (eph_load_32(mc, &rv.gathered, memory_order_acquire) != k)
		mc->exec->spin(mc);
	eph_shoot_store(mc, req);
	eph_store_32(mc, &rv.release, 1, memory_order_release);
	eph__shootdown_local_or_flush(mc, req);
	while (eph_load_32(mc, &rv.done, memory_order_acquire) != k)
		mc->exec->spin(mc);
	eph__shootdown_unlock(mc, &rs->busy);
}

static void
rendezvous_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	struct rendezvous_state *rs = mc->shootdown_state;

	if (!mc->at_once && !eph__shootdown_holds(mc, &rs->busy)) {
		rendezvous_shoot_parallel(mc, req);
		return;
	}
	(void)rendezvous_call(mc, req);
	if (req->npages == 1) {
		shoot_store_local(mc, req);
		eph__shootdown_invlpg(mc, req, true);
		return;
	}
	eph_shoot_store(mc, req);
	eph__shootdown_local_or_flush(mc, req);
	eph__shootdown_flush_acked(
	    mc, req->targets, req->va, req->npages, mc->pgeflag != 0);
}

const struct eph_shootdown_ops eph__shootdown_rendezvous = {
	.abi = EPHMAP_ABI,
	.name = "rendezvous",
	.summary = "targets gather, the entry is stored, all invalidate",
	.origin = "DragonFly cpusync, 2004",
	.one_packet = true,
	.acked = true,
	.create = rendezvous_create,
	.destroy = rendezvous_destroy,
	.shoot = rendezvous_shoot,
	.flush = eph__shootdown_flush_acked,
};
