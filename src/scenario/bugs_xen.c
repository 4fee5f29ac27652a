/* SPDX-License-Identifier: BSD-2-Clause */

/* Exhibits: Xen's mapping caches, each repaired by its authors. */

#include "base/kassert.h"
#include "design/slots.h"
#include "ephmap/sdk/atomic.h"
#include "scenario/scenario.h"
#include "scenario/turn.h"

/*
 * xen.shadow with one mapping at a time.  CPU 0 maps and unmaps three times,
 * so that the cursor wraps; CPU 1 maps once, and is given the address that
 * CPU 0 used first.  The cursor is where it was when CPU 1 looked last, so
 * that it does not flush; and it holds nothing old there, unless its TLB
 * loaded the address unasked while CPU 0 had it.
 */
static void
shadow_cpu0(struct eph_xp *x, unsigned n)
{
	struct vm_page *m = eph_xp_page(x, 1);
	struct eph_mapping mp;

	(void)n;
	for (unsigned k = 0; k < 3; k++) {
		if (eph_xp_map(x, m, SFB_DEFAULT, &mp) != 0)
			return;
		eph_xp_unmap(x, &mp);
	}
}

static void
shadow_cpu1(struct eph_xp *x, unsigned n)
{
	struct vm_page *m = eph_xp_page(x, 2);
	struct eph_mapping mp;

	(void)n;
	if (eph_xp_map(x, m, SFB_DEFAULT, &mp) != 0)
		return;
	eph_xp_touch(x, &mp, m);
	eph_xp_unmap(x, &mp);
}

static int
shadow_setup(struct eph_xp *x)
{
	if (eph_xp_thread(x, 0, shadow_cpu0, 0) != 0 ||
	    eph_xp_thread(x, 1, shadow_cpu1, 1) != 0)
		return (ENOMEM);
	return (0);
}

static const struct eph_scenario scenario_shadow = {
	.abi = EPHMAP_ABI,
	.name = "xen-shadow",
	.summary = "one CPU laps a circle of three, another comes after it",
	.origin = "Xen 99db02d509, 2003",
	.cpus = 2,
	.nbufs = 3,
	.setup = shadow_setup,
};

const struct eph_bug eph__bug_xen_shadow = {
	.name = "xen-shadow-overtaken",
	.date = "2003-10-07",
	.origin = "Xen 99db02d509, repaired by 2acc4cfee7 (2004-10-16)",
	.symptom = "a CPU that loaded an address by speculation uses the old "
		   "page there",
	.form = "shipped design",
	.repair = "count the laps of the cursor, do not compare its places",
	.scenario = &scenario_shadow,
	.design = "xen.shadow",
	.fails = EPH_FAIL_STALE,
};

/* xen.noready: a mapping is held over the wrap, used, and given back. */
static void
noready_thread(struct eph_xp *x, unsigned n)
{
	struct vm_page *m[2] = { eph_xp_page(x, 1), eph_xp_page(x, 2) };
	struct eph_mapping held, mp;

	(void)n;
	if (eph_xp_map(x, m[0], SFB_DEFAULT, &mp) != 0)
		return;
	eph_xp_unmap(x, &mp);
	if (eph_xp_map(x, m[0], SFB_DEFAULT, &held) != 0)
		return;
	for (unsigned k = 0; k < 3; k++) {
		if (eph_xp_map(x, m[1], SFB_DEFAULT, &mp) != 0)
			return;
		if (k == 0) {
			eph_xp_touch(x, &held, m[0]);
			eph_xp_unmap(x, &held);
		}
		eph_xp_touch(x, &mp, m[1]);
		eph_xp_unmap(x, &mp);
	}
}

static int
noready_setup(struct eph_xp *x)
{
	return (eph_xp_thread(x, 0, noready_thread, 0));
}

static const struct eph_scenario scenario_noready = {
	.abi = EPHMAP_ABI,
	.name = "xen-noready",
	.summary = "a mapping is held while the circle begins anew",
	.origin = "Xen 2db05f29eb, 2005",
	.cpus = 1,
	.nbufs = 3,
	.setup = noready_setup,
};

const struct eph_bug eph__bug_xen_noready = {
	.name = "xen-noready-held",
	.date = "2005-06-03",
	.origin = "Xen 2db05f29eb, taken back by 13f2a6e868 (2005-11-02)",
	.symptom = "an address is handed out again in the same epoch",
	.form = "shipped design",
	.repair = "mark what is unmapped, and clear it at the wrap",
	.scenario = &scenario_noready,
	.design = "xen.noready",
	.fails = EPH_FAIL_STALE,
};

/*
 * xen.maphash, unmapped on another vcpu: the mapping goes into that vcpu's
 * hash too, and is cleared there while the first one's hash still gives it
 * out.  The design here refuses it, the original took its caller's word: the
 * exhibit says that the mapping was the other CPU's.
 */
struct vcpu {
	_Atomic(uint32_t) turn;
	struct eph_mapping mp;
};

static void
vcpu0(struct eph_xp *x, unsigned n)
{
	struct vcpu *v = x->arg;
	struct vm_page *m = eph_xp_page(x, 1);
	struct eph_mapping mp;

	(void)n;
	if (eph_xp_map(x, m, SFB_DEFAULT, &mp) != 0)
		return;
	eph_xp_unmap(x, &mp);
	if (eph_xp_map(x, m, SFB_DEFAULT, &v->mp) != 0)
		return;
	if (x->broken) {
		turn_pass(x, &v->turn, 1);
		turn_wait(x, &v->turn, 2);
	} else {
		eph_xp_unmap(x, &v->mp);
	}
	if (eph_xp_map(x, m, SFB_DEFAULT, &mp) != 0)
		return;
	turn_pass(x, &v->turn, 3);
	turn_wait(x, &v->turn, 4);
	eph_xp_touch(x, &mp, m);
	eph_xp_unmap(x, &mp);
}

static void
vcpu1(struct eph_xp *x, unsigned n)
{
	struct vcpu *v = x->arg;
	/* Page 9 has page 1's place in a hash of 8. */
	struct vm_page *m = eph_xp_page(x, 9);
	struct eph_mapping mp;

	(void)n;
	if (x->broken) {
		turn_wait(x, &v->turn, 1);
		((struct slot *)v->mp.obj)->cpu = eph_curcpu(x->mc)->id;
		eph_xp_unmap(x, &v->mp);
		turn_pass(x, &v->turn, 2);
	}
	turn_wait(x, &v->turn, 3);
	if (eph_xp_map(x, m, SFB_DEFAULT, &mp) != 0)
		return;
	eph_xp_unmap(x, &mp);
	turn_pass(x, &v->turn, 4);
}

static int
vcpu_setup(struct eph_xp *x)
{
	if ((x->arg = eph_machine_alloc(x->mc, sizeof(struct vcpu))) == NULL ||
	    eph_xp_thread(x, 0, vcpu0, 0) != 0 ||
	    eph_xp_thread(x, 1, vcpu1, 1) != 0)
		return (ENOMEM);
	return (0);
}

static void
vcpu_finish(struct eph_xp *x)
{
	eph_machine_free(x->mc, x->arg, sizeof(struct vcpu));
}

static const struct eph_scenario scenario_vcpu = {
	.abi = EPHMAP_ABI,
	.name = "xen-vcpu",
	.summary = "a mapping of one vcpu is unmapped on another",
	.origin = "Xen d02b79422b, 2006",
	.cpus = 2,
	.setup = vcpu_setup,
	.finish = vcpu_finish,
};

const struct eph_bug eph__bug_xen_vcpu = {
	.name = "xen-unmap-elsewhere",
	.date = "2006-01-11",
	.origin =
	    "Xen d02b79422b, off again the same day (5ccd14f4cc), on when "
	    "the caller was repaired (6f7a043a6a)",
	.symptom = "a page in use loses its mapping",
	.form = "broken caller",
	.repair = "unmap on the vcpu that mapped",
	.scenario = &scenario_vcpu,
	.design = "xen.maphash",
	.fails = EPH_FAIL_USE_FREE,
};

/*
 * The last resort of 2013 and the bits behind the last entry of the bitmap:
 * they are 0, so that something seems free, and the first that is 0 is no
 * entry.
 */
#define WORD_ENTRIES 16u /* of one vcpu; a word has 64 */

static void
word_thread(struct eph_xp *x, unsigned n)
{
	const uint64_t entries = ((uint64_t)1 << WORD_ENTRIES) - 1;
	const uint64_t inuse = entries; /* and nothing is garbage */
	uint64_t accum = ~inuse;
	unsigned idx;

	(void)n;
	if (!x->broken)
		accum &= entries;
	/* The last resort finds a hash entry without users: entry 3. */
	idx = accum != 0 ? eph_cpuword_first(~inuse) : 3;
	EPH_NOTE(x->mc, "entry %u of %u", idx, WORD_ENTRIES);
	if (idx >= WORD_ENTRIES)
		PANIC("BUG_ON(idx >= dcache->entries)");
}

static int
word_setup(struct eph_xp *x)
{
	return (eph_xp_thread(x, 0, word_thread, 0));
}

static const struct eph_scenario scenario_word = {
	.abi = EPHMAP_ABI,
	.name = "xen-last-word",
	.summary = "all sixteen entries of a vcpu are in use, or in its hash",
	.origin = "Xen 4b28bf6ae9, 2013",
	.cpus = 1,
	.no_design = true,
	.setup = word_setup,
};

const struct eph_bug eph__bug_xen_word = {
	.name = "xen-bitmap-last-word",
	.date = "2013-01-23",
	.origin = "Xen 4b28bf6ae9, repaired by 61c6dfce32 (2013-06-13)",
	.symptom = "the hypervisor panics though an entry could be reused, "
		   "unless the vcpus are a multiple of four",
	.form = "broken function",
	.repair = "mask the bitmap's last word",
	.scenario = &scenario_word,
	.fails = EPH_FAIL_PANIC,
};
