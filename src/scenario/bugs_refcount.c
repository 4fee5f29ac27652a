/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Exhibits: who frees what several hold.
 *
 * An mbuf's external storage is shared; a counter says by how many.  Three
 * ways to drop a reference that shipped, each beside its repair.  The
 * object is told apart from its memory by `live`: a thread that touches the
 * counter or the lock of an object that is not live uses it after free.
 */

#include "ephmap/sdk/atomic.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/mutex.h"
#include "scenario/scenario.h"

/* A cluster of external storage. */
struct cluster {
	_Atomic(uint32_t) ref_cnt;
	struct eph_mutex lock; /* DragonFly 2005: inside what it guards */
	bool live;
	uint32_t frees;
};

static int
cluster_setup(struct eph_xp *x, void (*drop)(struct eph_xp *x, unsigned n))
{
	struct cluster *cl = eph_machine_alloc(x->mc, sizeof(*cl));
	int error = 0;

	if ((x->arg = cl) == NULL)
		return (ENOMEM);
	cl->live = true;
	mutex_init(&cl->lock, "cluster lock");
	atomic_init(&cl->ref_cnt, x->ncpus);
	for (unsigned c = 0; c < x->ncpus && error == 0; c++)
		error = eph_xp_thread(x, c, drop, c);
	return (error);
}

static void
cluster_free(struct eph_xp *x)
{
	struct cluster *cl = x->arg;

	/* A thread that touches it meanwhile does so after all: a step. */
	EPH_RACY(x->mc, "free the cluster");
	if (!cl->live)
		eph_xp_failure(
		    x, EPH_FAIL_USE_FREE, "the cluster is freed a second time");
	cl->live = false;
	cl->frees++;
}

/* Called right after an access, before anybody else can move. */
static void
cluster_accessed(struct eph_xp *x, const char *what)
{
	const struct cluster *cl = x->arg;

	if (!cl->live)
		eph_xp_failure(x, EPH_FAIL_USE_FREE,
		    "CPU %u's %s a cluster that was freed",
		    eph_curcpu(x->mc)->id, what);
}

static void
cluster_finish(struct eph_xp *x)
{
	const struct cluster *cl = x->arg;

	if (cl->frees == 0)
		eph_xp_failure(x, EPH_FAIL_LEAK,
		    "all references are dropped and nobody freed the cluster");
}

/*
 * 2001: decrement, then ask whether it became 0.  Between the two the other
 * dropper may take it to 0, free it, and have it used for something else.
 */
static void
mbuf_2001_broken(struct eph_xp *x)
{
	struct cluster *cl = x->arg;

	/* Orders as the i386 of 2001: every locked operation is a fence. */
	(void)eph_fetchadd_32(
	    x->mc, &cl->ref_cnt, UINT32_MAX, memory_order_seq_cst);
	cluster_accessed(x, "decrement of");
	if (eph_cas_32(x->mc, &cl->ref_cnt, 0, 1, memory_order_seq_cst)) {
		cluster_accessed(x, "compare-and-set on");
		cluster_free(x);
	} else {
		cluster_accessed(x, "compare-and-set on");
	}
}

/* 2004: one compare-and-set decides, and the old value says who frees. */
static void
mbuf_2001_repaired(struct eph_xp *x)
{
	struct cluster *cl = x->arg;
	uint32_t cnt;

	do {
		/* Relaxed: the compare-and-set checks it. */
		cnt = eph_load_32(x->mc, &cl->ref_cnt, memory_order_relaxed);
		cluster_accessed(x, "load from");
		/* Acquire and release: the last sees what all others did. */
	} while (!eph_cas_32(
	    x->mc, &cl->ref_cnt, cnt, cnt - 1, memory_order_acq_rel));
	cluster_accessed(x, "compare-and-set on");
	if (cnt == 1)
		cluster_free(x);
}

static void
mbuf_2001_drop(struct eph_xp *x, unsigned n)
{
	(void)n;
	if (x->broken)
		mbuf_2001_broken(x);
	else
		mbuf_2001_repaired(x);
}

static int
mbuf_2001_setup(struct eph_xp *x)
{
	return (cluster_setup(x, mbuf_2001_drop));
}

const struct eph_scenario eph__scenario_mbuf_2001 = {
	.abi = EPHMAP_ABI,
	.name = "mbuf-refcount",
	.summary = "every CPU drops its reference to one cluster",
	.origin = "FreeBSD mb_alloc, 2001; repaired 2004",
	.cpus = 2,
	.no_design = true,
	.setup = mbuf_2001_setup,
	.finish = cluster_finish,
};

const struct eph_bug eph__bug_mbuf_2001 = {
	.name = "mbuf-2001-decrement-then-cmpset",
	.date = "2001",
	.origin = "FreeBSD mb_alloc, MEXT_REM_REF, until 2004",
	.symptom = "clusters freed twice, data of another connection",
	.form = "broken function",
	.repair = "one compare-and-set both decrements and decides",
	.scenario = &eph__scenario_mbuf_2001,
	.fails = EPH_FAIL_USE_FREE,
};

/*
 * 2006: the result of fetchadd is the value before.  Two droppers that
 * both saw 2 take it to 0, and the last one got 1.
 */
static void
mbuf_2006_drop(struct eph_xp *x, unsigned n)
{
	struct cluster *cl = x->arg;
	const uint32_t last = x->broken ? 0 : 1;

	(void)n;
	/* Acquire: a sole owner sees what the others did. */
	if (eph_load_32(x->mc, &cl->ref_cnt, memory_order_acquire) == 1) {
		cluster_free(x);
		return;
	}
	if (eph_fetchadd_32(
		x->mc, &cl->ref_cnt, UINT32_MAX, memory_order_acq_rel) == last)
		cluster_free(x);
}

static int
mbuf_2006_setup(struct eph_xp *x)
{
	return (cluster_setup(x, mbuf_2006_drop));
}

const struct eph_scenario eph__scenario_mbuf_2006 = {
	.abi = EPHMAP_ABI,
	.name = "mbuf-fetchadd",
	.summary = "droppers with a fast path for the sole owner",
	.origin = "FreeBSD uipc_mbuf.c, 2006",
	.cpus = 2,
	.no_design = true,
	.setup = mbuf_2006_setup,
	.finish = cluster_finish,
};

const struct eph_bug eph__bug_mbuf_2006 = {
	.name = "mbuf-2006-inverted-fetchadd",
	.date = "2006",
	.origin = "FreeBSD mb_free_ext, 2006 to 2007",
	.symptom = "clusters leak under load until the zone is empty",
	.form = "broken function",
	.repair = "fetchadd returns the old value: the last one sees 1",
	.scenario = &eph__scenario_mbuf_2006,
	.fails = EPH_FAIL_LEAK,
};

/*
 * 2005: a sole owner frees without the lock; others take the lock that is
 * in the object, decrement 2 -> 1, and release it.  In between the owner
 * of the last reference sees 1 and frees the object with its lock.
 */
static void
mref_2005_broken(struct eph_xp *x)
{
	struct cluster *cl = x->arg;
	uint32_t old;

	/* Acquire: as the i386 of 2005. */
	if (eph_load_32(x->mc, &cl->ref_cnt, memory_order_acquire) == 1) {
		cluster_free(x);
		return;
	}
	mutex_enter(x->mc, &cl->lock);
	cluster_accessed(x, "lock in");
	old = eph_fetchadd_32(
	    x->mc, &cl->ref_cnt, UINT32_MAX, memory_order_relaxed);
	mutex_exit(x->mc, &cl->lock);
	cluster_accessed(x, "unlock in");
	if (old == 1)
		cluster_free(x);
}

static void
mref_2005_drop(struct eph_xp *x, unsigned n)
{
	struct cluster *cl = x->arg;

	(void)n;
	if (x->broken)
		mref_2005_broken(x);
	else if (eph_fetchadd_32(x->mc, &cl->ref_cnt, UINT32_MAX,
		     memory_order_acq_rel) == 1)
		cluster_free(x);
}

static int
mref_2005_setup(struct eph_xp *x)
{
	return (cluster_setup(x, mref_2005_drop));
}

const struct eph_scenario eph__scenario_mref_2005 = {
	.abi = EPHMAP_ABI,
	.name = "sfbuf-mref",
	.summary = "droppers of a sendfile reference with a lock inside it",
	.origin = "DragonFly df8d102074, 2005",
	.cpus = 2,
	.no_design = true,
	.setup = mref_2005_setup,
	.finish = cluster_finish,
};

const struct eph_bug eph__bug_mref_2005 = {
	.name = "mref-2005-lock-inside",
	.date = "2005",
	.origin = "DragonFly df8d102074 sf_buf_mfree, until 321e057fb4 (2008)",
	.symptom = "panics in a serializer that is no longer one",
	.form = "broken function",
	.repair = "one fetchadd(-1) == 1, the lock is gone",
	.scenario = &eph__scenario_mref_2005,
	.fails = EPH_FAIL_USE_FREE,
};
