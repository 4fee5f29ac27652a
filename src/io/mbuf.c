/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mbufs: the pool, and getting and freeing single mbufs.
 *
 * Two things can be chosen for a pool: the allocator (mbuf_alloc_*.c) and
 * the way external storage is shared (mbuf_share_*.c).  This file is what
 * they have in common: counting, the limits, the stress mode that makes any
 * allocation fail, and the token by which an allocator keeps a lock from
 * one call to the next.
 *
 * Everything is counted per CPU in plain memory with one writer.  Cache
 * lines are modelled: each object, list head and counter that the real
 * structures would keep on a line of its own remembers which CPU wrote it
 * last, and a write by another one counts as a move.
 *
 * With costs (lockstep only) every CPU has a clock.  A lock remembers when
 * it was released; whoever takes it earlier by its own clock waits, and
 * that is a contended lock.  The caller plays the CPU with the earliest
 * clock next, which makes this a simulation of queueing at the locks.
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
		KASSERT(mc->mode == EPH_LOCKSTEP, "clocks are lockstep's");
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

/* Locks */

void
eph__mb_lock_init(struct mb_lock *l, const char *name)
{
	mutex_init(&l->mtx, name);
	mb_line_init(&l->line);
	l->free_at = 0;
}

void
eph__mb_mutex_enter(struct mbuf_pool *mp, struct eph_mutex *mtx,
    uint64_t *free_at, struct mb_line *line)
{
	const struct eph_cpu *me = eph_curcpu(mp->mc);
	const uint64_t before = me->c.lock_contended;
	struct mb_cpu *cpu = mp->cpus[me->id];

	mutex_enter(mp->mc, mtx);
	cpu->c.lock_take++;
	if (me->c.lock_contended != before)
		cpu->c.lock_contended++;
	if (mp->timed) {
		if (*free_at > cpu->clock) {
			cpu->c.lock_contended++;
			cpu->clock = *free_at;
		}
		cpu->clock += mp->costs.lock_take;
	}
	mb_line_write(mp, line);
}

void
eph__mb_mutex_exit(
    struct mbuf_pool *mp, struct eph_mutex *mtx, uint64_t *free_at)
{
	if (mp->timed)
		*free_at = mb_cpu(mp)->clock;
	mutex_exit(mp->mc, mtx);
}

int
eph__mb_wait(struct mbuf_pool *mp, const void *wchan, struct mb_lock *l)
{
	MB_COUNT(mp, delayed);
	return (msleep(mp->mc, wchan, &l->mtx, 0, "mballc", mp->wait_ns));
}

/* Objects */

CTASSERT(sizeof(struct mb_obj) % 8 == 0);

size_t
eph__mb_obj_size(enum mb_kind kind)
{
	return (kind == MB_MBUF ? MSIZE : 64);
}

CTASSERT(sizeof(struct mb_cluster) <= 64);
CTASSERT(sizeof(struct mb_ref) <= 64);

struct mb_page *
eph__mb_page_create(struct mbuf_pool *mp, enum mb_kind kind, uint32_t nobjs,
    uint32_t first_id, void *home)
{
	struct eph_machine *mc = mp->mc;
	struct mb_page *pg = eph_machine_alloc(mc, sizeof(*pg));

	if (pg == NULL)
		return (NULL);
	pg->pg_kind = kind;
	pg->pg_nobjs = nobjs;
	pg->pg_mem = eph_machine_alloc(mc, nobjs * eph__mb_obj_size(kind));
	if (kind == MB_CLUSTER)
		pg->pg_clusters =
		    eph_machine_alloc(mc, (size_t)nobjs * MCLBYTES);
	if (pg->pg_mem == NULL ||
	    (kind == MB_CLUSTER && pg->pg_clusters == NULL)) {
		eph__mb_page_destroy(mp, pg);
		return (NULL);
	}
	for (uint32_t i = 0; i < nobjs; i++) {
		struct mb_obj *obj = mb_page_obj(pg, i);

		obj->home = home;
		mb_line_init(&obj->line);
		if (kind == MB_MBUF) {
			((struct mbuf *)(void *)obj)->m_pool = mp;
		} else if (kind == MB_CLUSTER) {
			struct mb_cluster *cl = (void *)obj;

			cl->cl_buf = pg->pg_clusters + (size_t)i * MCLBYTES;
			cl->cl_index = i;
			cl->cl_id = first_id + i;
		}
	}
	MB_COUNT(mp, grow);
	return (pg);
}

void
eph__mb_page_destroy(struct mbuf_pool *mp, struct mb_page *pg)
{
	if (pg->pg_clusters != NULL)
		eph_machine_free(
		    mp->mc, pg->pg_clusters, (size_t)pg->pg_nobjs * MCLBYTES);
	if (pg->pg_mem != NULL)
		eph_machine_free(mp->mc, pg->pg_mem,
		    pg->pg_nobjs * eph__mb_obj_size(pg->pg_kind));
	eph_machine_free(mp->mc, pg, sizeof(*pg));
}

void
eph__mb_obj_out(struct mbuf_pool *mp, struct mb_obj *obj)
{
	KASSERT(obj->live == 0, "an object that is in use was free");
	obj->live = 1;
	mb_line_write(mp, &obj->line);
}

void
eph__mb_obj_in(struct mbuf_pool *mp, enum mb_kind kind, struct mb_obj *obj)
{
	if (obj->live == 0)
		PANIC(kind == MB_MBUF	     ? "freeing a free mbuf"
			: kind == MB_CLUSTER ? "freeing a free cluster"
					     : "freeing a free counter");
	obj->live = 0;
	mb_line_write(mp, &obj->line);
}

bool
eph__mb_stress_hit(struct mbuf_pool *mp, uint32_t n)
{
	struct mb_cpu *cpu;

	if (eph_likely(n == 0))
		return (false);
	cpu = mb_cpu(mp);
	if (prng_below(&cpu->rnd, n) != 0)
		return (false);
	cpu->c.stress_fail++;
	return (true);
}

/* Two requests in one, for allocators that know no packets. */

struct mbuf *
eph__mb_packet_get_two(
    const struct mb_alloc_ops *ops, void *state, int how, struct mb_hold *hold)
{
	struct mbuf *m = (void *)ops->get(state, MB_MBUF, how, hold);

	if (m == NULL)
		return (NULL);
	m->m_ext.ext_cl = (void *)ops->get(state, MB_CLUSTER, how, hold);
	if (m->m_ext.ext_cl == NULL) {
		ops->put(state, MB_MBUF, &m->m_obj, hold);
		return (NULL);
	}
	return (m);
}

void
eph__mb_packet_put_two(const struct mb_alloc_ops *ops, void *state,
    struct mbuf *m, struct mb_hold *hold)
{
	ops->put(state, MB_CLUSTER, &m->m_ext.ext_cl->cl_obj, hold);
	ops->put(state, MB_MBUF, &m->m_obj, hold);
}

/* Getting */

static struct mbuf *
mb_denied(struct mbuf_pool *mp)
{
	MB_COUNT(mp, denied);
	return (NULL);
}

/* Set the header of a fresh mbuf. */
static void
mb_init(struct mbuf *m, enum mbuf_type type, uint32_t flags)
{
	m->m_next = NULL;
	m->m_nextpkt = NULL;
	m->m_len = 0;
	m->m_flags = flags;
	m->m_type = type;
	mb_cpu(m->m_pool)->types[type]++;
	if (flags & M_PKTHDR) {
		m->m_data = mb_va(m->m_pktdat);
		memset(&m->m_pkthdr, 0, sizeof(m->m_pkthdr));
	} else {
		m->m_data = mb_va(m->m_dat);
	}
}

/* An mbuf without storage; the token keeps the lock. */
static struct mbuf *
mb_get(struct mbuf_pool *mp, int how, enum mbuf_type type, uint32_t flags,
    struct mb_hold *hold)
{
	struct mbuf *m;

	mb_spend(mp, mp->costs.call);
	if (eph__mb_stress_hit(mp, mp->stress.alloc_fail))
		return (mb_denied(mp));
	m = (void *)mp->alloc->get(mp->alloc_state, MB_MBUF, how, hold);
	if (m == NULL)
		return (mb_denied(mp));
	MB_COUNT(mp, mbuf_get);
	mb_init(m, type, flags);
	return (m);
}

struct mbuf *
m_get(struct mbuf_pool *mp, int how, enum mbuf_type type)
{
	struct mb_hold hold = { .lock = NULL };
	struct mbuf *m = mb_get(mp, how, type, 0, &hold);

	mb_hold_end(mp, &hold);
	return (m);
}

/* A new packet header gets its label, or the mbuf goes. */
static struct mbuf *
mb_labelled(struct mbuf *m, int how)
{
	if (m != NULL && (m->m_flags & M_PKTHDR) != 0 &&
	    !eph__mb_label_new(m, how)) {
		m_freem(m);
		return (NULL);
	}
	return (m);
}

struct mbuf *
m_gethdr(struct mbuf_pool *mp, int how, enum mbuf_type type)
{
	struct mb_hold hold = { .lock = NULL };
	struct mbuf *m = mb_get(mp, how, type, M_PKTHDR, &hold);

	mb_hold_end(mp, &hold);
	return (mb_labelled(m, how));
}

struct mbuf *
m_get_clrd(struct mbuf_pool *mp, int how, enum mbuf_type type)
{
	struct mbuf *m = m_get(mp, how, type);

	if (m != NULL)
		memset(m->m_dat, 0, MLEN);
	return (m);
}

static struct mbuf *
mb_getcl(struct mbuf_pool *mp, int how, enum mbuf_type type, uint32_t flags,
    struct mb_hold *hold)
{
	struct mbuf *m;

	mb_spend(mp, mp->costs.call);
	if (eph__mb_stress_hit(mp, mp->stress.alloc_fail))
		return (mb_denied(mp));
	m = mp->alloc->get_packet(mp->alloc_state, how, hold);
	if (m == NULL)
		return (mb_denied(mp));
	if (!eph__mb_ext_cluster(m, EXT_PACKET, how, hold)) {
		mp->alloc->put_packet(mp->alloc_state, m, hold);
		return (mb_denied(mp));
	}
	MB_COUNT(mp, mbuf_get);
	MB_COUNT(mp, cluster_get);
	MB_COUNT(mp, packet_get);
	mb_init(m, type, flags & M_PKTHDR);
	m->m_flags |= M_EXT;
	m->m_data = m->m_ext.ext_buf;
	return (m);
}

struct mbuf *
m_getcl(struct mbuf_pool *mp, int how, enum mbuf_type type, uint32_t flags)
{
	struct mb_hold hold = { .lock = NULL };
	struct mbuf *m = mb_getcl(mp, how, type, flags, &hold);

	mb_hold_end(mp, &hold);
	return (mb_labelled(m, how));
}

bool
m_clget(struct mbuf *m, int how)
{
	struct mbuf_pool *mp = m->m_pool;
	struct mb_hold hold = { .lock = NULL };
	struct mb_cluster *cl = NULL;

	KASSERT((m->m_flags & M_EXT) == 0, "it has storage already");
	KASSERT(m->m_len == 0, "its data would be lost");
	mb_spend(mp, mp->costs.call);
	if (!eph__mb_stress_hit(mp, mp->stress.alloc_fail))
		cl = (void *)mp->alloc->get(
		    mp->alloc_state, MB_CLUSTER, how, &hold);
	m->m_ext.ext_cl = cl;
	if (cl != NULL && !eph__mb_ext_cluster(m, EXT_CLUSTER, how, &hold)) {
		mp->alloc->put(mp->alloc_state, MB_CLUSTER, &cl->cl_obj, &hold);
		cl = NULL;
	}
	mb_hold_end(mp, &hold);
	if (cl == NULL) {
		(void)mb_denied(mp);
		return (false);
	}
	MB_COUNT(mp, cluster_get);
	m->m_flags |= M_EXT;
	m->m_data = m->m_ext.ext_buf;
	return (true);
}

struct mbuf *
m_getm(
    struct mbuf_pool *mp, struct mbuf *m, int len, int how, enum mbuf_type type)
{
	struct mb_hold hold = { .lock = NULL };
	struct mbuf *top = NULL, **tailp = &top, *last;

	KASSERT(len >= 0, "m_getm: negative length");
	while (len > 0 || top == NULL) {
		const int need = len;
		struct mbuf *n = need > MLEN ? mb_getcl(mp, how, type, 0, &hold)
					     : mb_get(mp, how, type, 0, &hold);

		if (n == NULL) {
			mb_hold_end(mp, &hold);
			m_freem(top);
			return (NULL);
		}
		*tailp = n;
		tailp = &n->m_next;
		len -= need > MLEN ? MCLBYTES : MLEN;
	}
	mb_hold_end(mp, &hold);
	if (m == NULL)
		return (top);
	(void)m_length(m, &last);
	last->m_next = top;
	return (m);
}

/* Freeing */

struct mbuf *
eph__mb_free(struct mbuf *m, struct mb_hold *hold)
{
	struct mbuf_pool *mp = m->m_pool;
	struct mbuf *next = m->m_next;

	mb_spend(mp, mp->costs.call);
	if (m->m_obj.live == 0)
		PANIC("freeing a free mbuf");
	if ((m->m_flags & M_PKTHDR) != 0 && m->m_pkthdr.tags != NULL) {
		mb_hold_end(mp, hold);
		m_tag_delete_chain(m, NULL);
	}
	mb_cpu(mp)->types[m->m_type]--;
	if (m->m_flags & M_EXT) {
		eph__mb_ext_free(m, hold);
	} else {
		MB_COUNT(mp, mbuf_put);
		mp->alloc->put(mp->alloc_state, MB_MBUF, &m->m_obj, hold);
	}
	return (next);
}

struct mbuf *
m_free(struct mbuf *m)
{
	struct mbuf_pool *mp = m->m_pool;
	struct mb_hold hold = { .lock = NULL };
	struct mbuf *next = eph__mb_free(m, &hold);

	mb_hold_end(mp, &hold);
	return (next);
}

void
m_freem(struct mbuf *m)
{
	struct mb_hold hold = { .lock = NULL };
	struct mbuf_pool *mp;

	if (m == NULL)
		return;
	mp = m->m_pool;
	while (m != NULL)
		m = eph__mb_free(m, &hold);
	mb_hold_end(mp, &hold);
}
