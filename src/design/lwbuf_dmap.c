/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lwbuf.dmap: the lwbuf of a kernel that has all memory mapped.
 *
 * Idea.  x86_64 keeps the lwbuf calls, and fills in a structure of the
 * caller's with the page and its address in the direct map.  No object, no
 * mask, nothing to sync: LWBUF_IS_OPTIMAL.  The structure is on the
 * caller's stack, so that here the page itself stands for it.
 *
 * Invariant: the direct map's, see dmap.c.
 *
 *	case				L	R	F	IPI
 *	any, set_global included	0	0	0	0
 *
 * DragonFly 7a683a249a, 2011-01.
 */

#include "design/dmap.h"
#include "ephmap/version.h"

const struct eph_design_ops eph__lwbuf_dmap_ops = {
	.abi = EPHMAP_ABI,
	.name = "lwbuf.dmap",
	.summary = "lwbuf calls over the direct map",
	.origin = "DragonFly x86_64 7a683a249a",
	.date = "2011-01",
	.from = "dmap",
	.costs = "nothing",
	.holes = "",
	.shootdown = "rendezvous",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = 0,
	.create = eph__dmap_create,
	.destroy = eph__dmap_destroy,
	.map = eph__dmap_map,
	.unmap = eph__dmap_unmap,
	.kva = eph__dmap_kva,
	.page = eph__dmap_page,
	.check = eph__dmap_check,
};
