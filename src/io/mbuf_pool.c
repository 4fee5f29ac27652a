/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The pool of mbufs, and the table of allocators.  Two things can be chosen
 * for a pool: the allocator (mbuf_alloc_*.c) and the way external storage is
 * shared (mbuf_share_*.c).
 */

#include "io/mbuf_impl.h"

#include <errno.h>
#include <string.h>

static const struct mb_alloc_ops *const mb_allocators[] = {
	&eph__mb_alloc_global,
	&eph__mb_alloc_containers,
	&eph__mb_alloc_zones,
	NULL,
};

const struct mbuf_choice *
mbuf_allocator(unsigned i)
{
	if (i >= sizeof(mb_allocators) / sizeof(mb_allocators[0]) - 1)
		return (NULL);
	return (&mb_allocators[i]->choice);
}

/* The pool */

static const struct mb_alloc_ops *
mb_alloc_find(const char *name)
{
	for (unsigned i = 0; mb_allocators[i] != NULL; i++) {
		if (strcmp(mb_allocators[i]->choice.name, name) == 0)
			return (mb_allocators[i]);
	}
	return (NULL);
}

static const struct mb_share_ops *
mb_share_find(const char *name)
{
	for (unsigned i = 0; eph__mb_shares[i] != NULL; i++) {
		if (strcmp(eph__mb_shares[i]->choice.name, name) == 0)
			return (eph__mb_shares[i]);
	}
	return (NULL);
}

static void
mbuf_pool_free(struct mbuf_pool *mp)
{
	struct eph_machine *mc = mp->mc;

	for (unsigned i = 0; mp->cpus != NULL && i < mc->ncpus; i++) {
		if (mp->cpus[i] != NULL)
			eph_machine_free(mc, mp->cpus[i], sizeof(*mp->cpus[i]));
	}
	if (mp->cpus != NULL)
		eph_machine_free(mc, mp->cpus, mc->ncpus * sizeof(*mp->cpus));
	eph_machine_free(mc, mp, sizeof(*mp));
}

static bool
mbuf_pool_cpus(struct mbuf_pool *mp)
{
	struct eph_machine *mc = mp->mc;

	mp->cpus = eph_machine_alloc(mc, mc->ncpus * sizeof(*mp->cpus));
	for (unsigned i = 0; mp->cpus != NULL && i < mc->ncpus; i++) {
		mp->cpus[i] = eph_machine_alloc(mc, sizeof(*mp->cpus[i]));
		if (mp->cpus[i] == NULL)
			return (false);
		mp->cpus[i]->id = i;
	}
	return (mp->cpus != NULL);
}

int
mbuf_pool_create(struct eph_machine *mc, const struct mbuf_config *cfg,
    struct mbuf_pool **mpp, struct eph_err *err)
{
	const char *aname = cfg->allocator != NULL ? cfg->allocator : "zones";
	const char *sname = cfg->sharing != NULL ? cfg->sharing : "fetchadd";
	const struct mb_alloc_ops *alloc = mb_alloc_find(aname);
	const struct mb_share_ops *share = mb_share_find(sname);
	struct mbuf_pool *mp;

	if (alloc == NULL)
		return (eph_err_set(
		    err, EINVAL, "no mbuf allocator is called %s", aname));
	if (share == NULL)
		return (eph_err_set(err, EINVAL,
		    "no way to share external storage is called %s", sname));
	if ((mp = eph_machine_alloc(mc, sizeof(*mp))) == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	mp->mc = mc;
	mp->alloc = alloc;
	mp->share = share;
	mp->max[MB_MBUF] = cfg->nmbufs;
	mp->max[MB_CLUSTER] = cfg->nmbclusters;
	mp->wait_ns = cfg->wait_ns;
	eph__mb_lock_init(&mp->ring_lock, "mbuf ring");
	atomic_init(&mp->nlabel, 0);
	if (cfg->costs != NULL) {
		KASSERT(eph_serial(mc), "clocks are lockstep's");
		mp->timed = true;
		mp->costs = *cfg->costs;
	}
	if (!mbuf_pool_cpus(mp) || alloc->create(mp, &mp->alloc_state) != 0) {
		mbuf_pool_free(mp);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	mbuf_pool_set_stress(mp, &cfg->stress);
	*mpp = mp;
	return (0);
}

uint64_t
mbuf_pool_destroy(struct mbuf_pool *mp)
{
	struct mbuf_counters c;
	uint64_t leaked;

	if (mp == NULL)
		return (0);
	mbuf_counters(mp, &c);
	leaked = (c.mbuf_get - c.mbuf_put) + (c.cluster_get - c.cluster_put) +
	    (c.ref_get - c.ref_put) + (c.tag_get - c.tag_put);
	mp->alloc->destroy(mp->alloc_state);
	mbuf_pool_free(mp);
	return (leaked);
}

void
mbuf_pool_set_design(
    struct mbuf_pool *mp, const struct eph_design_ops *ops, void *state)
{
	mp->design = ops;
	mp->design_state = state;
}

struct eph_machine *
mbuf_pool_machine(const struct mbuf_pool *mp)
{
	return (mp->mc);
}

void
mbuf_pool_set_stress(struct mbuf_pool *mp, const struct mbuf_stress *s)
{
	mp->stress = *s;
	for (unsigned i = 0; i < mp->mc->ncpus; i++)
		eph__prng_init(&mp->cpus[i]->rnd, s->seed, i);
}

void
mbuf_pool_check(struct mbuf_pool *mp)
{
	mp->alloc->check(mp->alloc_state);
}
