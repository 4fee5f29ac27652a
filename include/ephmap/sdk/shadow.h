/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_SHADOW_H
#define EPHMAP_SDK_SHADOW_H

/*
 * What the machine remembers of translations: the page table, who stored
 * its entries, and the stale oracle's shadow.
 *
 * For every CPU and kernel address the shadow keeps what the CPU loaded
 * there since it last invalidated that address, whatever its TLB has
 * forgotten meanwhile.  Every load and store through a mapping compares the
 * page reached with the page that was meant, and looks into the shadow for
 * another one that a larger TLB would still hold.
 *
 * Key for the fields:
 *	(p)  atomic, any CPU
 *	(m)  machine's, see the function that changes it
 */

#include <stdatomic.h>

#include "ephmap/sdk/cpuset.h"
#include "ephmap/types.h"

/*
 * One shadow cell: what one CPU loaded at one address since it last
 * invalidated it.  Live while `gen` equals the CPU's flush generation for
 * its kind of entry.  `other` counts only with EPH_SHADOW_MIXED.
 *
 *	key	page index << 6 | EPH_SHADOW_*
 *	word	gen << 48 | other frame << 24 | frame loaded last; 0: free
 */
struct eph_shadow {
	uint32_t key;
	uint32_t when; /* low half of the step at which it was loaded */
	uint64_t word;
};

enum {
	EPH_SHADOW_G = 0x1,	/* loaded from a global entry */
	EPH_SHADOW_MIXED = 0x2, /* translations to several pages were loaded */
	EPH_SHADOW_D = 0x4,	/* written through: M is known to be set */
	EPH_SHADOW_RW = 0x8,	/* loaded from a writable entry */
	EPH_SHADOW_LIVE = 0x10, /* something was loaded */
	EPH_SHADOW_GONE = 0x20, /* the TLB forgot it; explore only */
	EPH_SHADOW_FLAGS = 0x3f,
	EPH_SHADOW_KEY_SHIFT = 6,
	EPH_SHADOW_OTHER_SHIFT = 24,
	EPH_SHADOW_GEN_SHIFT = 48,
	EPH_SHADOW_FRAME = 0xffffff,
};

#define EPH_PTP_SHIFT	9 /* entries in a page-table page */
#define EPH_PTP_ENTRIES (1u << EPH_PTP_SHIFT)
#define EPH_PTP_MASK	(EPH_PTP_ENTRIES - 1u)

/* Who stored a page-table entry last, and when; for explanations. */
struct eph_pte_origin {
	_Atomic(uint32_t) cpu;
	_Atomic(uint32_t) when;
};

/*
 * The CPUs that hold a translation of an address in their shadow, or did and
 * have flushed since; where there are many CPUs.  Most addresses have one.
 */
struct eph_holder {
	uint32_t epoch; /* of the machine's when it was written; else: none */
	uint32_t who;	/* 1 + the CPU; 0: none; or a set, see below */
};

/* `who`: the number of a set of CPUs among the machine's. */
#define EPH_HOLDERS_SET	      0x80000000u
#define EPH_PTP_HOLDERS_BYTES (EPH_PTP_ENTRIES * sizeof(struct eph_holder))

struct eph_ptp {
	_Atomic(eph_pte_t) pte[EPH_PTP_ENTRIES];       /* (p) */
	struct eph_pte_origin origin[EPH_PTP_ENTRIES]; /* (m) */

	/*
	 * (p) a protocol's note on the address, 0: none; see shootdown.h.  Only
	 * there if the protocol has EPH_SHOOT_SETTLE.
	 */
	_Atomic(uint32_t) owed[];
};

#endif /* !EPHMAP_SDK_SHADOW_H */
