/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What allocators and ways to share storage have in common: counted locks,
 * pages of objects, the stress mode that makes any allocation fail.
 *
 * Everything is counted per CPU in plain memory with one writer.  Cache
 * lines are modelled: each object, list head and counter that the real
 * structures would keep on a line of its own remembers which CPU wrote it
 * last, and a write by another one counts as a move.
 *
 * With costs (lockstep only) every CPU has a clock.  A lock remembers when
 * it was released; a CPU that takes it earlier by its own clock waits, and
 * that is a contended lock.  The caller plays the CPU with the earliest
 * clock next, which makes this a simulation of queueing at the locks.
 */

#include "io/mbuf_impl.h"

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
eph__mb_stress_roll(struct mbuf_pool *mp, uint32_t n)
{
	struct mb_cpu *cpu = mb_cpu(mp);

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
