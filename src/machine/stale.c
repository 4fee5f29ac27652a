/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The stale oracle's verdicts, in words.
 */

#include <inttypes.h>
#include <stdio.h>

#include "machine/access.h"

#define PAGE_TEXT 40 /* "page " and 64 bits */

/* A page as people know it. */
static const char *
page_text(const struct eph_machine *mc, uint32_t frame, char *buf)
{
	if (mc->page_name != NULL)
		(void)snprintf(buf, PAGE_TEXT, "page %" PRIu64,
		    mc->page_name(mc->page_name_arg, frame));
	else
		(void)snprintf(buf, PAGE_TEXT, "frame %" PRIu32, frame);
	return (buf);
}

#define ADDRESS_TEXT 32

/* An address, in the words of who looks: timelines number them. */
static const char *
address_text(const struct eph_machine *mc, eph_va_t va, char *buf)
{
	if (eph_explored(mc))
		(void)snprintf(buf, ADDRESS_TEXT, "address %" PRIu64,
		    (uint64_t)eph_atop(va - mc->kva_base));
	else
		(void)snprintf(buf, ADDRESS_TEXT, "%#" PRIx64, va);
	return (buf);
}

#define MISSING_TEXT 112

/*
 * What would have helped.  A flush that keeps global entries is one that
 * people take for a flush: it is named where there was any.
 */
static const char *
missing_text(const struct eph_cpu *cpu, const struct eph_shadow *sh, char *buf)
{
	const bool kept = (sh->key & EPH_SHADOW_G) != 0 &&
	    cpu->gen[0] - EPH_GEN_FIRST(0) > cpu->gen[1] - EPH_GEN_FIRST(1);

	if (kept)
		(void)snprintf(buf, MISSING_TEXT,
		    "missing: invlpg or a flush of global entries too on CPU "
		    "%u, which has flushed and kept them",
		    cpu->id);
	else
		(void)snprintf(buf, MISSING_TEXT,
		    "missing: invlpg or a flush on CPU %u", cpu->id);
	return (buf);
}

/*
 * Verdict.  The entry in the page table, or its history, tells whose store
 * this CPU missed.
 */
void
eph__machine_stale(struct eph_cpu *cpu, eph_va_t va, enum eph_touch touch,
    const struct eph_shadow *sh, const struct vm_page *m)
{
	struct eph_machine *mc = cpu->mc;
	const uint32_t i = machine_va_index(mc, va);
	const struct eph_pte_origin *by =
	    &machine_ptp(mc, cpu, i)->origin[i & EPH_PTP_MASK];
	/* Relaxed: for the explanation. */
	const uint32_t by_cpu =
	    atomic_load_explicit(&by->cpu, memory_order_relaxed);
	const uint32_t by_when =
	    atomic_load_explicit(&by->when, memory_order_relaxed);
	const char *verb = touch == EPH_TOUCH_WRITE ? "store" : "load";
	/* In a replay steps are lines, or operations of a binary trace. */
	const char *step = mc->page_name != NULL ? "line" : "step";
	char meant[PAGE_TEXT], held[PAGE_TEXT], missing[MISSING_TEXT];
	char address[ADDRESS_TEXT];

	(void)address_text(mc, va, address);
	(void)page_text(mc, m->frame, meant);
	(void)missing_text(cpu, sh, missing);
	if (shadow_frame(sh) != m->frame) {
		cpu->c.stale_use++;
		eph_machine_violation(mc,
		    "stale use: CPU %u's %s at %s, meant for %s, reached %s by "
		    "a translation it loaded at "
		    "%s %" PRIu32 "; CPU %" PRIu32
		    " stored the entry at %s %" PRIu32
		    " and CPU %u has not invalidated the address since "
		    "(%s)",
		    cpu->id, verb, address, meant,
		    page_text(mc, shadow_frame(sh), held), step, sh->when,
		    by_cpu, step, by_when, cpu->id, missing);
		return;
	}
	cpu->c.stale_possible++;
	eph_machine_violation(mc,
	    "stale use possible: CPU %u's %s at %s reached %s as meant, "
	    "but only because its TLB had forgotten a "
	    "translation to %s; CPU %" PRIu32 " stored the entry at %s %" PRIu32
	    " and CPU %u has not invalidated the address since "
	    "(%s)",
	    cpu->id, verb, address, meant,
	    page_text(mc, shadow_other(sh), held), by_cpu, step, by_when,
	    cpu->id, missing);
}

uint32_t
eph__machine_fault(struct eph_cpu *cpu, eph_va_t va, enum eph_touch touch,
    const struct vm_page *m)
{
	char meant[PAGE_TEXT], address[ADDRESS_TEXT];

	cpu->c.stale_use++;
	EPH_EVENT(cpu->mc, EPH_EV_FAULT, cpu->id, va,
	    touch == EPH_TOUCH_WRITE ? EPH_ACCESS_STORE : EPH_ACCESS_LOAD, 0,
	    NULL);
	eph_machine_violation(cpu->mc,
	    "page fault: CPU %u's %s at %s, meant for %s, found no valid entry",
	    cpu->id, touch == EPH_TOUCH_WRITE ? "store" : "load",
	    address_text(cpu->mc, va, address),
	    page_text(cpu->mc, m->frame, meant));
	return (EPH_NONE);
}
