/* SPDX-License-Identifier: BSD-2-Clause */

/* Exhibits: callers that use a sound design wrongly. */

#include <inttypes.h>

#include "ephmap/sdk/atomic.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/sleepq.h"
#include "scenario/scenario.h"
#include "scenario/turn.h"

/*
 * sendfile maps a chain of pages: it holds some buffers and sleeps for the
 * next.  When all threads do, none frees.  Repaired: only the first may
 * sleep, and what is mapped is sent when there is no more.
 */
#define CHAIN_PAGES 2u

static void
chain_thread(struct eph_xp *x, unsigned n)
{
	struct eph_mapping mp[CHAIN_PAGES];
	uint32_t held = 0;

	while (held < CHAIN_PAGES) {
		struct vm_page *m = eph_xp_page(x, 1 + n * CHAIN_PAGES + held);
		const unsigned flags =
		    x->broken || held == 0 ? SFB_DEFAULT : SFB_NOWAIT;

		if (eph_xp_map(x, m, flags, &mp[held]) != 0)
			break;
		held++;
	}
	while (held > 0)
		eph_xp_unmap(x, &mp[--held]);
}

static int
chain_setup(struct eph_xp *x)
{
	int error = 0;

	for (unsigned c = 0; c < x->ncpus && error == 0; c++)
		error = eph_xp_thread(x, c, chain_thread, c);
	return (error);
}

const struct eph_scenario eph__scenario_chain = {
	.abi = EPHMAP_ABI,
	.name = "sendfile-chain",
	.summary = "two threads map two pages each, of two buffers",
	.origin = "FreeBSD sendfile, chains of pages, 2010",
	.cpus = 2,
	.nbufs = 2,
	.setup = chain_setup,
};

const struct eph_bug eph__bug_chain = {
	.name = "sendfile-chain-deadlock",
	.date = "2007",
	.origin = "FreeBSD kern_sendfile, 2007 to 2011",
	.symptom = "all senders sleep in sfbufa, for ever",
	.form = "broken caller",
	.repair = "SFB_NOWAIT for all but the first buffer of a chain",
	.scenario = &eph__scenario_chain,
	.design = "sf_buf.accessed",
	.fails = EPH_FAIL_DEADLOCK,
};

/*
 * A mapping that one CPU asked for itself is handed to another, which may
 * still hold what the address meant there before.
 */
struct handover {
	struct eph_mapping mp;
	_Atomic(uint32_t) turn;
};

static void
elsewhere_mapper(struct eph_xp *x, unsigned n)
{
	struct handover *ho = x->arg;

	(void)n;
	turn_wait(x, &ho->turn, 1);
	if (eph_xp_map(x, eph_xp_page(x, 2),
		x->broken ? SFB_CPUPRIVATE : SFB_DEFAULT, &ho->mp) != 0)
		return;
	turn_pass(x, &ho->turn, 2);
	turn_wait(x, &ho->turn, 3);
	eph_xp_unmap(x, &ho->mp);
}

/* Uses the address for a page of its own first. */
static void
elsewhere_user(struct eph_xp *x, unsigned n)
{
	struct handover *ho = x->arg;
	struct vm_page *own = eph_xp_page(x, 1);
	struct eph_mapping mp;

	(void)n;
	if (eph_xp_map(x, own, SFB_CPUPRIVATE, &mp) != 0)
		return;
	eph_xp_touch(x, &mp, own);
	eph_xp_unmap(x, &mp);
	turn_pass(x, &ho->turn, 1);
	turn_wait(x, &ho->turn, 2);
	eph_xp_touch_elsewhere(x, &ho->mp, eph_xp_page(x, 2));
	turn_pass(x, &ho->turn, 3);
}

static int
elsewhere_setup(struct eph_xp *x)
{
	if ((x->arg = eph_machine_alloc(x->mc, sizeof(struct handover))) ==
		NULL ||
	    eph_xp_thread(x, 0, elsewhere_mapper, 0) != 0 ||
	    eph_xp_thread(x, 1, elsewhere_user, 0) != 0)
		return (ENOMEM);
	return (0);
}

const struct eph_scenario eph__scenario_elsewhere = {
	.abi = EPHMAP_ABI,
	.name = "private-elsewhere",
	.summary = "a private mapping is used on another CPU",
	.origin = "the contract of SFB_CPUPRIVATE",
	.cpus = 2,
	.nbufs = 1,
	.setup = elsewhere_setup,
};

const struct eph_bug eph__bug_elsewhere = {
	.name = "private-used-elsewhere",
	.date = "2004-04",
	.origin = "callers of DragonFly 24712b9068 with SFBA_QUICK",
	.symptom = "the other CPU reads the page that was there before",
	.form = "broken caller",
	.repair = "ask for a shared mapping",
	.scenario = &eph__scenario_elsewhere,
	.design = "sf_buf.cpumask",
	.fails = EPH_FAIL_STALE,
};

/* uiomove_fromphys: a fault in the copy returned without the free. */
static void
fault_thread(struct eph_xp *x, unsigned n)
{
	struct vm_page *m = eph_xp_page(x, 1 + n);
	struct eph_mapping mp;
	const bool faults = n == 1;

	if (eph_xp_map(x, m, SFB_CPUPRIVATE, &mp) != 0)
		return;
	if (!faults)
		eph_xp_touch(x, &mp, m);
	else
		EPH_NOTE(x->mc, "copyout: EFAULT");
	if (faults && x->broken)
		return;
	eph_xp_unmap(x, &mp);
}

static int
fault_setup(struct eph_xp *x)
{
	int error = 0;

	for (unsigned c = 0; c < x->ncpus && error == 0; c++)
		error = eph_xp_thread(x, c, fault_thread, c);
	return (error);
}

const struct eph_scenario eph__scenario_fault = {
	.abi = EPHMAP_ABI,
	.name = "copy-fault",
	.summary = "a copy through a mapping meets a bad user address",
	.origin = "uiomove_fromphys, XIO",
	.cpus = 2,
	.nbufs = 2,
	.setup = fault_setup,
};

const struct eph_bug eph__bug_fault = {
	.name = "copy-fault-leaks",
	.date = "2004",
	.origin = "DragonFly uiomove_fromphys, repaired by 76099f4cb8; XIO: "
		  "5ed411ff01",
	.symptom = "sf_bufs run out after bad read(2) calls",
	.form = "broken caller",
	.repair = "free on the way out of every error",
	.scenario = &eph__scenario_fault,
	.design = "sf_buf.cpumask",
	.fails = EPH_FAIL_LEAK,
};

/*
 * Parallel sendfiles of one page share the sf_buf; the count of mbufs that
 * refer to it lay in the sf_buf (aux1), and each sendfile set it to 1.
 */
struct parallel {
	struct eph_mutex lock; /* the MP lock */
	uint32_t aux1;	       /* in the shared sf_buf */
	uint32_t mref[2];      /* repaired: one for each chain */
};

static void
parallel_thread(struct eph_xp *x, unsigned n)
{
	struct parallel *pa = x->arg;
	struct vm_page *m = eph_xp_page(x, 1);
	uint32_t *count = x->broken ? &pa->aux1 : &pa->mref[n];
	struct eph_mapping mp;
	bool last;

	if (eph_xp_map(x, m, SFB_DEFAULT, &mp) != 0)
		return;
	mutex_enter(x->mc, &pa->lock);
	EPH_NOTE(x->mc, "mref_count = 1 (was %" PRIu32 ")", *count);
	*count = 1;
	mutex_exit(x->mc, &pa->lock);
	eph_xp_touch(x, &mp, m);
	mutex_enter(x->mc, &pa->lock);
	last = --*count == 0;
	EPH_NOTE(x->mc, "--mref_count: %" PRIu32, *count);
	mutex_exit(x->mc, &pa->lock);
	if (last)
		eph_xp_unmap(x, &mp);
}

static int
parallel_setup(struct eph_xp *x)
{
	struct parallel *pa = eph_machine_alloc(x->mc, sizeof(*pa));
	int error = 0;

	if ((x->arg = pa) == NULL)
		return (ENOMEM);
	mutex_init(&pa->lock, "MP lock");
	for (unsigned c = 0; c < 2 && error == 0; c++)
		error = eph_xp_thread(x, c, parallel_thread, c);
	return (error);
}

const struct eph_scenario eph__scenario_parallel = {
	.abi = EPHMAP_ABI,
	.name = "parallel-sendfile",
	.summary = "two sendfiles of one page count their mbufs",
	.origin = "DragonFly sendfile, 2004",
	.cpus = 2,
	.nbufs = 2,
	.setup = parallel_setup,
};

const struct eph_bug eph__bug_parallel = {
	.name = "parallel-sendfile-leak",
	.date = "2004-08",
	.origin = "DragonFly sf_buf aux1/aux2, repaired by e66bab2b96",
	.symptom = "sf_bufs leak when two clients fetch one file",
	.form = "broken caller",
	.repair = "a sfbuf_mref with a count of its own for each mbuf chain",
	.scenario = &eph__scenario_parallel,
	.design = "sf_buf.cpumask",
	.fails = EPH_FAIL_LEAK,
};
