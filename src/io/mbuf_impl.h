/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef IO_MBUF_IMPL_H
#define IO_MBUF_IMPL_H

/*
 * What the parts of the mbuf module share: the pool, counted locks, the
 * modelled cache lines, and the two interfaces with several
 * implementations, allocators and ways to share storage.
 *
 * Key for the fields:
 *	(c)  constant after creation
 *	(o)  written on its own CPU only
 *	(a)  atomic
 *	(l)  the lock of the structure it is in
 *
 * Lock order: container of a CPU, then general list; zone, then keg.  The
 * ring lock and the lock in a counter object are leaves below those.
 */

#include "base/kassert.h"
#include "base/prng.h"
#include "ephmap/sdk/atomic.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/mbuf.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/sleepq.h"

/* Kinds of object. */
enum mb_kind { MB_MBUF, MB_CLUSTER, MB_REF, MB_NKINDS };

/* A cluster's descriptor; its bytes are elsewhere, on a page of their own. */
struct mb_cluster {
	struct mb_obj cl_obj;
	char *cl_buf;	   /* (c) MCLBYTES */
	uint32_t cl_index; /* (c) in its bucket or slab */
	uint32_t cl_id;	   /* (c) dense number */
};

/*
 * A counter of sharers that is an object of its own, for storage that has
 * none.  The lock is used by the variant that puts it in here.
 */
struct mb_ref {
	struct mb_obj rf_obj;
	_Atomic(uint32_t) rf_count;
	struct eph_mutex rf_lock;
};

struct mb_lock {
	struct eph_mutex mtx;
	struct mb_line line;
	uint64_t free_at; /* (l) with costs: when it is free */
};

struct mb_cpu {
	uint32_t id;		  /* (c) */
	struct mbuf_counters c;	  /* (o) */
	int64_t types[MT_NTYPES]; /* (o) handed out minus taken back here */
	struct prng rnd;	  /* (o) for stress modes */
	uint64_t clock;		  /* (o) with costs */
};

/*
 * A lock that one call leaves taken for the next (the keep-the-lock token).
 * An empty one is all zero.  It ends with mb_hold_end().
 */
struct mb_hold {
	struct mb_lock *lock;
	unsigned owner; /* the allocator's name for what `lock` guards */
};

/*
 * An allocator.  get() returns NULL when there is nothing; put() never
 * fails.  `hold` may carry a lock in and out.  Only M_WAITOK may sleep, and
 * then no lock is carried.
 */
struct mb_alloc_ops {
	struct mbuf_choice choice;
	int (*create)(struct mbuf_pool *mp, void **statep);
	void (*destroy)(void *state);

	struct mb_obj *(*get)(
	    void *state, enum mb_kind kind, int how, struct mb_hold *hold);
	void (*put)(void *state, enum mb_kind kind, struct mb_obj *obj,
	    struct mb_hold *hold);

	/* An mbuf whose m_ext.ext_cl is a cluster, in one request. */
	struct mbuf *(*get_packet)(void *state, int how, struct mb_hold *hold);
	void (*put_packet)(void *state, struct mbuf *m, struct mb_hold *hold);

	/* Where the counter of a cluster is, and on which cache line. */
	_Atomic(uint32_t) *(*cluster_count)(
	    void *state, struct mb_cluster *cl, struct mb_line **linep);

	/* Objects that exist, and mbufs that are kept with a cluster. */
	uint64_t (*total)(void *state, enum mb_kind kind);
	uint64_t (*packets)(void *state);

	/* Panics if an invariant does not hold, O(n); while nothing runs. */
	void (*check)(void *state);
};

extern const struct mb_alloc_ops eph__mb_alloc_global;
extern const struct mb_alloc_ops eph__mb_alloc_containers;
extern const struct mb_alloc_ops eph__mb_alloc_zones;

/* What a way of sharing wants for each storage. */
enum mb_share_needs {
	MB_NEEDS_NOTHING, /* the mbufs are enough */
	MB_NEEDS_COUNTER, /* the cluster's, else an object's */
	MB_NEEDS_OBJECT,  /* an object in any case */
};

struct mb_share_ops {
	struct mbuf_choice choice;
	enum mb_share_needs needs;

	/* `m` is the only user of its storage. */
	void (*first)(struct mbuf *m);

	/* `n`, which has a copy of m's m_ext, uses it too. */
	void (*join)(struct mbuf *n, struct mbuf *m);

	/*
	 * `m` leaves.  True if it was the last: the caller frees storage.
	 * m_ext stays readable until then, nothing else does.
	 */
	bool (*leave)(struct mbuf *m);

	/* Is `m` its only user? */
	bool (*sole)(struct mbuf *m);

	/* The mbuf that must live as long as the storage; NULL: none. */
	struct mbuf *(*owner)(struct mbuf *m);
};

extern const struct mb_share_ops *const eph__mb_shares[];

struct mbuf_pool {
	struct eph_machine *mc;		     /* (c) */
	const struct mb_alloc_ops *alloc;    /* (c) */
	void *alloc_state;		     /* (c) */
	const struct mb_share_ops *share;    /* (c) */
	const struct eph_design_ops *design; /* (c) while mappings live */
	void *design_state;		     /* (c) same */
	struct mb_lock ring_lock;	     /* guards rings of sharers */
	struct mb_cpu **cpus;	   /* (c) one each, on its own lines */
	uint32_t max[MB_NKINDS];   /* (c) most objects; 0: unlimited */
	uint64_t wait_ns;	   /* (c) */
	bool timed;		   /* (c) costs are set */
	struct mbuf_costs costs;   /* (c) */
	struct mbuf_stress stress; /* (c) while calls run */
	_Atomic(uint32_t) nlabel;  /* (a) policies that label */
};

static inline struct mb_cpu *
mb_cpu(struct mbuf_pool *mp)
{
	return (mp->cpus[eph_curcpu(mp->mc)->id]);
}

#define MB_COUNT(mp, name) (mb_cpu(mp)->c.name++)

/*
 * Spend cycles.  Costs are for lockstep, where one host thread writes all
 * clocks.
 */
static inline void
mb_spend(struct mbuf_pool *mp, uint32_t cycles)
{
	if (mp->timed)
		mb_cpu(mp)->clock += cycles;
}

static inline void
mb_line_init(struct mb_line *line)
{
	atomic_init(&line->cpu, EPH_NONE);
}

/*
 * This CPU writes a cache line.  Relaxed: a statistic that orders nothing;
 * it is next to what it describes, so that it moves with it.
 */
static inline void
mb_line_write(struct mbuf_pool *mp, struct mb_line *line)
{
	struct mb_cpu *cpu = mb_cpu(mp);
	const uint32_t last =
	    atomic_load_explicit(&line->cpu, memory_order_relaxed);

	cpu->c.line_write++;
	if (last == cpu->id)
		return;
	atomic_store_explicit(&line->cpu, cpu->id, memory_order_relaxed);
	if (last == EPH_NONE)
		return;
	cpu->c.line_move++;
	mb_spend(mp, mp->costs.line_move);
}

/* Counted locks */

void eph__mb_lock_init(struct mb_lock *l, const char *name);

/* Take and release any mutex, counted; `free_at` and `line` go with it. */
void eph__mb_mutex_enter(struct mbuf_pool *mp, struct eph_mutex *mtx,
    uint64_t *free_at, struct mb_line *line);
void eph__mb_mutex_exit(
    struct mbuf_pool *mp, struct eph_mutex *mtx, uint64_t *free_at);

static inline void
mb_lock(struct mbuf_pool *mp, struct mb_lock *l)
{
	eph__mb_mutex_enter(mp, &l->mtx, &l->free_at, &l->line);
}

static inline void
mb_unlock(struct mbuf_pool *mp, struct mb_lock *l)
{
	eph__mb_mutex_exit(mp, &l->mtx, &l->free_at);
}

/* Release what the token carries. */
static inline void
mb_hold_end(struct mbuf_pool *mp, struct mb_hold *hold)
{
	if (hold->lock != NULL) {
		mb_unlock(mp, hold->lock);
		hold->lock = NULL;
	}
}

/*
 * Sleep on `wchan`, lock released, up to the pool's wait_ns.  Returns 0
 * after a wakeup.
 */
int eph__mb_wait(struct mbuf_pool *mp, const void *wchan, struct mb_lock *l);

/* Objects */

/* One in `n`, n not 0. */
bool eph__mb_stress_roll(struct mbuf_pool *mp, uint32_t n);

/* One in `n`; never when n is 0. */
static inline bool
mb_stress_hit(struct mbuf_pool *mp, uint32_t n)
{
	return (eph_unlikely(n != 0) && eph__mb_stress_roll(mp, n));
}

static inline const char *
mb_kind_name(enum mb_kind kind)
{
	return (kind == MB_MBUF	     ? "mbuf"
		: kind == MB_CLUSTER ? "cluster"
				     : "counter");
}

/*
 * A page of objects of one kind: mbufs, descriptors and bytes of clusters,
 * or counter objects.  `home` is what they belong to.
 */
struct mb_page {
	struct mb_page *pg_next;
	enum mb_kind pg_kind;
	uint32_t pg_nobjs;
	char *pg_mem;	   /* the objects */
	char *pg_clusters; /* the clusters' bytes */
};

size_t eph__mb_obj_size(enum mb_kind kind);
struct mb_page *eph__mb_page_create(struct mbuf_pool *mp, enum mb_kind kind,
    uint32_t nobjs, uint32_t first_id, void *home);
void eph__mb_page_destroy(struct mbuf_pool *mp, struct mb_page *pg);

static inline struct mb_obj *
mb_page_obj(const struct mb_page *pg, uint32_t i)
{
	return ((struct mb_obj *)(void *)(pg->pg_mem +
	    i * eph__mb_obj_size(pg->pg_kind)));
}

/* Hand out, and take back: catches what is freed twice. */
void eph__mb_obj_out(struct mbuf_pool *mp, struct mb_obj *obj);
void eph__mb_obj_in(
    struct mbuf_pool *mp, enum mb_kind kind, struct mb_obj *obj);

/* get_packet and put_packet of allocators that know no packets. */
struct mbuf *eph__mb_packet_get_two(
    const struct mb_alloc_ops *ops, void *state, int how, struct mb_hold *hold);
void eph__mb_packet_put_two(const struct mb_alloc_ops *ops, void *state,
    struct mbuf *m, struct mb_hold *hold);

/* Storage */

/* Make `m` the first user of the cluster in its m_ext.ext_cl. */
bool eph__mb_ext_cluster(
    struct mbuf *m, enum mbuf_ext_type type, int how, struct mb_hold *hold);

/* Leave the storage, free it if we were last, and free the mbuf. */
void eph__mb_ext_free(struct mbuf *m, struct mb_hold *hold);

/* m_free with a token. */
struct mbuf *eph__mb_free(struct mbuf *m, struct mb_hold *hold);

/* Bytes [off, off + len) of one mbuf's data, mapped or not. */
void eph__mb_read(struct mbuf *m, int off, int len, void *cp);

/* First byte of its own or its host storage. */
char *mb_start(struct mbuf *m);

/* A label for a new packet header; true also when none is wanted. */
bool eph__mb_label_new(struct mbuf *m, int how);

static inline eph_va_t
mb_va(const void *p)
{
	return ((eph_va_t)(uintptr_t)p);
}

static inline int
mb_min(int a, int b)
{
	return (a < b ? a : b);
}

#endif /* !IO_MBUF_IMPL_H */
