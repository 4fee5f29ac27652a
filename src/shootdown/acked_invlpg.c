/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Acknowledged invlpg: FreeBSD's smp_masked_invlpg() and
 * pmap_invalidate_range().
 *
 * The entry is stored, this CPU invalidates, the others are interrupted,
 * and the initiator waits until all of them have invalidated.
 *
 * Invariant: when the request returns, no target uses the old entry.
 *
 *	n pages, k targets	L n	R n k	IPI k
 *	full flush, k targets	F k		IPI k
 *
 * A range costs each target one interrupt, whatever its length.  FreeBSD
 * i386 and amd64, 2003 on.
 */

#include "ephmap/sdk/shootdown.h"
#include "ephmap/sdk/exec.h"
#include "shootdown/protocol.h"

static void
acked_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	shoot_store_local(mc, req);
	eph__shootdown_invlpg(mc, req, true);
}

const struct eph_shootdown_ops eph__shootdown_acked_invlpg = {
	.abi = EPHMAP_ABI,
	.name = "acked-invlpg",
	.summary = "invlpg on every target, the initiator waits for all",
	.origin = "FreeBSD smp_masked_invlpg, 2003",
	.one_packet = true,
	.acked = true,
	.shoot = acked_shoot,
	.flush = eph__shootdown_flush_acked,
};
