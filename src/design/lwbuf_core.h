/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_LWBUF_CORE_H
#define DESIGN_LWBUF_CORE_H

/*
 * What every i386 lwbuf has in common: the object, and the calls that
 * change its mapping.
 *
 * Idea.  An lwbuf is one address and one page, with no cache, no reference
 * count and no sharing.  Mapping it is a store and an invlpg here; another
 * CPU that wants the address asks for it, and invalidates for itself.  No
 * CPU is ever interrupted, unless a user asks for a global mapping.
 *
 * Invariant: a CPU in `cpumask` holds no translation of `kva` to another
 * page than `m`.
 *
 *	case				L	R	IPI
 *	alloc				1	0	0
 *	kva, CPU in the mask		0	0	0
 *	kva, CPU not in the mask	1	0	0
 *	set_global			1	N-1	N-1
 *	free				0	0	0
 *
 * The versions differ in where object and address come from, and where
 * they go.  v1 to v3 set the mask with `|=`, which is the same, as free
 * leaves it empty.
 */

#include "base/kassert.h"
#include "design/slab.h"
#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/design.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"

struct lwbuf_common;

struct lwbuf {
	struct slab_item item;
	struct vm_page *m;	 /* page, NULL while free */
	eph_va_t kva;		 /* where it is mapped; 0: it has no address */
	struct lwbuf_common *lc; /* (c) whose it is, for message handlers */
	uint32_t next;		 /* list of its CPU, by number plus one */
	uint32_t owner;		 /* (c) home CPU, v2 and v3 */
	bool ephemeral;		 /* (c) from the objcache, v3 */
	_Atomic(uint64_t) cpumask[]; /* CPUs in sync, see lwbuf_core_kva() */
};

/* Begins the state of every lwbuf design of the i386 kind. */
struct lwbuf_common {
	struct eph_machine *mc; /* (c) */
	unsigned words;		/* (c) in a cpumask */
	struct slab slab;	/* all lwbufs */
};

void eph__lwbuf_core_init(struct lwbuf_common *lc, struct eph_machine *mc);

/*
 * End of a design: take the addresses from all lwbufs, held ones too, and
 * without events, as nobody uses the machine any more.  Then the lwbufs go.
 */
void eph__lwbuf_core_drop_kva(struct lwbuf_common *lc);
void eph__lwbuf_core_fini(struct lwbuf_common *lc);

/* lwbuf_set_global(): of v1 to v3, unconditional, and from v4 on. */
int eph__lwbuf_core_set_global(void *state, struct lwbuf *lwb);
int eph__lwbuf_core_set_global_once(void *state, struct lwbuf *lwb);

/*
 * kmem_free() of an address that may still be mapped: its entry is cleared
 * and every CPU invalidates it (L1 R(N-1) IPI(N-1)) before it can be used
 * again.  Nothing if it was never mapped.
 */
void eph__lwbuf_core_kva_free(struct lwbuf_common *lc, eph_va_t va);

/* Invariants of all lwbufs that are mapped, `held` of them. */
void eph__lwbuf_core_check(struct lwbuf_common *lc, uint64_t held);

/* eph_design_ops that all versions share. */
eph_va_t eph__lwbuf_core_kva_op(void *state, void *obj);
struct vm_page *eph__lwbuf_core_page_op(void *state, void *obj);

/* Sysctls of the IPI queues; `state` begins with a struct eph_machine *. */
uint64_t eph__lwkt_get_ipiq_count(void *state);
uint64_t eph__lwkt_get_ipiq_avoided(void *state);
uint64_t eph__lwkt_get_ipiq_passive(void *state);
uint64_t eph__lwkt_get_ipiq_fifofull(void *state);
int eph__lwbuf_set_denied(void *state, uint64_t value); /* EPERM */

/* clang-format off */
#define LWKT_IPIQ_SYSCTLS						       \
	{ "lwkt.ipiq_count", "messages sent", eph__lwkt_get_ipiq_count,	       \
	    eph__lwbuf_set_denied, NULL },					       \
	{ "lwkt.ipiq_fifofull", "times a sender found a FIFO over half full",  \
	    eph__lwkt_get_ipiq_fifofull, eph__lwbuf_set_denied, NULL },		       \
	{ "lwkt.ipiq_avoided", "messages that found an interrupt outstanding", \
	    eph__lwkt_get_ipiq_avoided, eph__lwbuf_set_denied, NULL },		       \
	{ "lwkt.ipiq_passive", "messages that asked for no interrupt",	       \
	    eph__lwkt_get_ipiq_passive, eph__lwbuf_set_denied, NULL }
/* clang-format on */

/* A design's object from an lwbuf, and back. */
static inline struct lwbuf *
lwbuf_core_at(struct lwbuf_common *lc, uint32_t id)
{
	return (slab_at(&lc->slab, id));
}

/* Map `m`, for this CPU only. */
static inline void
lwbuf_core_enter(struct lwbuf_common *lc, struct lwbuf *lwb, struct vm_page *m)
{
	const unsigned me = eph_curcpu(lc->mc)->id;

	lwb->m = m;
	pmap_kenter_quick(lc->mc, lwb->kva, vm_page_to_phys(m));
	/* Relaxed: no other CPU knows this lwbuf yet. */
	eph_store_64(lc->mc, &lwb->cpumask[me >> 6], eph_cpuset_bit(me),
	    memory_order_relaxed);
}

/* A map that got its lwbuf: count it, and hand it over. */
static inline int
lwbuf_core_mapped(
    struct lwbuf_common *lc, void *obj, eph_va_t va, struct eph_mapping *mp)
{
	struct eph_cpu *cpu = eph_curcpu(lc->mc);

	cpu->c.map_calls++;
	cpu->c.miss++;
	eph_bufs_inc(lc->mc);
	*mp = (struct eph_mapping){ obj, va };
	return (0);
}

/* The lwbuf has no page any more; entry and translations stay. */
static inline void
lwbuf_core_leave(struct lwbuf_common *lc, struct lwbuf *lwb)
{
	if (eph_unlikely(lwb->m == NULL))
		PANIC("lwbuf_free: freeing a free lwbuf");
	lwb->m = NULL;
	for (unsigned w = 0; w < lc->words; w++)
		/* Relaxed: ours alone, and handed on with a barrier. */
		eph_store_64(lc->mc, &lwb->cpumask[w], 0, memory_order_relaxed);
}

/* The gauge, in check(): `held` mappings are out. */
static inline void
lwbuf_core_check_gauge(const struct eph_machine *mc, uint64_t held)
{
	if (eph_serial(mc) && mc->bufs.now != held)
		PANIC("mappings held and mappings counted differ");
}

static inline void
lwbuf_core_unmapped(struct lwbuf_common *lc)
{
	EPH_COUNT(lc->mc, unmap_calls);
	eph_bufs_dec(lc->mc);
}

/*
 * The address, made valid on this CPU.
 *
 * Relaxed load: our bit is set by us after our own invlpg, or by
 * lwbuf_set_global() after our CPU acknowledged; either is earlier on this
 * CPU.  Fetch-or: other CPUs may be setting their bits; relaxed, because
 * nobody learns from our bit that anything else happened.
 */
static inline eph_va_t
lwbuf_core_kva(struct lwbuf_common *lc, struct lwbuf *lwb)
{
	const unsigned me = eph_curcpu(lc->mc)->id;
	_Atomic(uint64_t) *word = &lwb->cpumask[me >> 6];

	if (eph_unlikely((eph_load_64(lc->mc, word, memory_order_relaxed) &
			     eph_cpuset_bit(me)) == 0)) {
		EPH_NOTE(lc->mc, "CPU %u was not in sync", me);
		pmap_kenter_sync_quick(lc->mc, lwb->kva);
		(void)eph_fetchor_64(
		    lc->mc, word, eph_cpuset_bit(me), memory_order_relaxed);
	}
	return (lwb->kva);
}

#endif /* !DESIGN_LWBUF_CORE_H */
