/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_PMAP_H
#define EPHMAP_KERNEL_PMAP_H

/*
 * The kernel pmap: the calls by which designs change and invalidate
 * mappings, with the events of the i386 kernels of 2003 to 2010.
 *
 *	call			entry		this CPU	others
 *	pmap_kenter_quick	store		invlpg
 *	pmap_kenter_sync_quick	-		invlpg
 *	pmap_kenter		store		invlpg		shootdown
 *	pmap_kenter_sync	-		invlpg		shootdown
 *	pmap_kremove		0		invlpg		shootdown
 *	pmap_kremove_quick	0		invlpg
 *	pmap_qenter		n stores	n invlpg	one shootdown
 *	pmap_qremove		n zeroes	n invlpg	one shootdown
 *	pmap_qenter2		where it differs, see there
 *	smp_masked_invlpg	-		-		shootdown of a set
 *	smp_invltlb		-		-		full flush
 *	pmap_pte_store		store		-
 *
 * How a shootdown is carried out is the machine's shootdown protocol
 * (ephmap/sdk/shootdown.h).  None of these sleeps.  All run on the CPU that
 * calls; addresses must come from kva_alloc().
 */

#include "ephmap/sdk/cpuset.h"
#include "ephmap/sdk/machine.h"

#define EPH_QENTER_MAX 1024u /* pages in one pmap_qenter */

/* Entries are V, RW and the machine's pgeflag unless said otherwise. */
void eph_pmap_kenter(struct eph_machine *mc, eph_va_t va, eph_pa_t pa);
void eph_pmap_kenter_quick(struct eph_machine *mc, eph_va_t va, eph_pa_t pa);
void eph_pmap_kenter_sync(struct eph_machine *mc, eph_va_t va);
void eph_pmap_kenter_sync_quick(struct eph_machine *mc, eph_va_t va);
void eph_pmap_kremove(struct eph_machine *mc, eph_va_t va);
void eph_pmap_kremove_quick(struct eph_machine *mc, eph_va_t va);
void eph_pmap_qenter(struct eph_machine *mc, eph_va_t va,
    struct vm_page *const *m, unsigned npages);
void eph_pmap_qremove(struct eph_machine *mc, eph_va_t va, unsigned npages);

/*
 * Store only what differs from page | A | RW | V; where it differs,
 * `cpumask` is emptied and this CPU invalidates; where it does not, this
 * CPU invalidates if it is not in `cpumask`.  Afterwards this CPU is in
 * `cpumask`.  Never interrupts.  (DragonFly a02705a988, 2004-05-05.)
 */
void eph_pmap_qenter2(struct eph_machine *mc, eph_va_t va,
    struct vm_page *const *m, unsigned npages, eph_cpuword_t *cpumask);

/* Frame that `va` maps, or EPH_NONE.  Reads the page table, not a TLB. */
uint32_t eph_pmap_kextract(struct eph_machine *mc, eph_va_t va);

/* The entry itself; a plain store, and an atomic exchange. */
eph_pte_t eph_pmap_pte_load(struct eph_machine *mc, eph_va_t va);
void eph_pmap_pte_store(struct eph_machine *mc, eph_va_t va, eph_pte_t pte);
eph_pte_t eph_pmap_pte_swap(struct eph_machine *mc, eph_va_t va, eph_pte_t pte);

/* invlpg on this CPU. */
void eph_pmap_invlpg(struct eph_machine *mc, eph_va_t va);

/*
 * Write an entry for `pa` straight into this CPU's TLB and lock it there, on
 * a machine whose TLB software fills; the page table is left alone.  It stays
 * until pmap_invlpg() of the address on this CPU, or until it is overwritten
 * with one that no CPU asks for.  Writing it is
 * counted as an entry stored, overwriting it as nothing.
 */
void eph_pmap_tlb_write(struct eph_machine *mc, eph_va_t va, eph_pa_t pa);
void eph_pmap_tlb_clear(struct eph_machine *mc, eph_va_t va);

/* n invlpg on this CPU and a shootdown of the range on all others. */
void eph_pmap_invalidate_range(
    struct eph_machine *mc, eph_va_t va, unsigned npages);

/*
 * Full flush of this CPU: a CR3 reload, which keeps global entries, or
 * with `all` everything (CR4.PGE off and on).
 */
void eph_pmap_flush_local(struct eph_machine *mc, bool all);

/* Invalidate one page on the CPUs in `others`, which must not hold me. */
void eph_smp_masked_invlpg(
    struct eph_machine *mc, const eph_cpuword_t *others, eph_va_t va);

/*
 * Full flush of all other CPUs because npages from `va` changed; with
 * `all`, global entries too.
 */
void eph_smp_invltlb(
    struct eph_machine *mc, eph_va_t va, unsigned npages, bool all);

#endif /* !EPHMAP_KERNEL_PMAP_H */
