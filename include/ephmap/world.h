/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_WORLD_H
#define EPHMAP_WORLD_H

/*
 * A world: one machine, played by one executor, with one shootdown protocol
 * and one design with its replacement policy.  Runs, explorations and tests
 * are made on worlds; any number may live in one process, and none shares
 * anything with another.
 *
 * The rules that go with the parts are kept here: a design's historical
 * protocol and policy are its defaults, a policy is for designs that recycle,
 * flags reach a design only if its interface has them, a design that unwires
 * pages has them wired for it, and the address is asked for where a design
 * wants that.
 *
 * In lockstep one host thread plays all CPUs: eph_world_cpu() says which one
 * the next calls are made on.  A map that could sleep must be made by a
 * thread of the world (eph_world_thread(), eph_world_run()), because no
 * other could wake the caller.
 */

#include "ephmap/counters.h"
#include "ephmap/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct eph_costs;
struct eph_design_ops;
struct eph_machine;
struct eph_policy_ops;
struct eph_shootdown_ops;
struct eph_world;

/* How the CPUs are played. */
enum eph_executor {
	EPH_EXECUTOR_LOCKSTEP, /* one host thread, in a fixed order: exact */
	EPH_EXECUTOR_THREADS,  /* one host thread a CPU: counts vary */
	EPH_EXECUTOR_EXPLORE,  /* a scheduler; needs region_bytes */
};

struct eph_world_config {
	const char *machine;		       /* NULL: amd64-skylake */
	const struct eph_machine_model *model; /* one's own, must stay; NULL:
						  the one that `machine' names */
	const char *tlb;		       /* NULL: the machine's */
	unsigned cpus;			       /* 1 to EPH_CPUS_MAX */
	uint64_t seed;
	enum eph_contents contents;    /* of the frames */
	const struct eph_costs *costs; /* NULL: the machine's */
	enum eph_executor executor;    /* 0: lockstep */
	size_t region_bytes;	       /* not 0: one region that can rewind */
	uint32_t kva_pages;	       /* not 0: fewer than the machine has */
	bool heap;		       /* blocks of malloc, for sanitizers */

	const struct eph_design_ops *design;	   /* NULL: none */
	const struct eph_shootdown_ops *shootdown; /* NULL: the design's */
	const struct eph_policy_ops *policy;	   /* NULL: the design's */
	const char *policy_params;		   /* NULL: none */
	uint32_t nbufs;	      /* for designs with buffers */
	uint32_t npages_hint; /* 0: unknown */
	void *design_arg;     /* eph_design_config's `arg` */

	/* For policies that know the future: see ephmap/sdk/policy.h. */
	uint64_t (*next_use)(void *arg);
	void *next_use_arg;
};

/*
 * Create a world.  Without a design its protocol is `shootdown`, or
 * acked-invlpg.  Returns 0 and sets *wp, or leaves it alone, sets `err`
 * (which may be NULL) and returns
 *	EINVAL	no such machine, TLB or protocol; too many CPUs; a design or
 *		policy that cannot be made so; a row that was built for
 *		another interface
 *	ENOTSUP	a policy for a design that takes none
 *	ENOMEM	the host is out of memory
 */
int eph_world_create(const struct eph_world_config *cfg, struct eph_world **wp,
    struct eph_err *err);

/*
 * Destroy it; NULL is accepted.  Every mapping has been unmapped and no
 * thread sleeps.  Returns the bytes that were not given back.
 */
size_t eph_world_destroy(struct eph_world *w);

/*
 * The same at any time, after an error or with mappings held: the design is
 * not asked, its memory goes with the machine.  Returns the bytes.
 */
size_t eph_world_abandon(struct eph_world *w);

/* What it is made of; the world owns all of it. */
struct eph_machine *eph_world_machine(const struct eph_world *w);
const struct eph_design_ops *eph_world_design(const struct eph_world *w);
void *eph_world_state(const struct eph_world *w);

/* Lockstep: go on as CPU `cpu`; what is pending for it happens first. */
void eph_world_cpu(struct eph_world *w, unsigned cpu);

/*
 * Map page number `page` on the current CPU, with SFB_* flags.  Pages are
 * numbered densely from 0.  May sleep.  Returns 0 and fills *mp, or
 *	EAGAIN	nothing is free and SFB_NOWAIT
 *	EINTR	a signal, with SFB_CATCH
 *	ENOTSUP	the design cannot do this; eph_world_refusal() says why
 *	ENOMEM	the host is out of memory
 */
int eph_world_map(
    struct eph_world *w, uint32_t page, unsigned flags, struct eph_mapping *mp);

/*
 * Load from, or store to, the mapping on the current CPU.  Returns 0 or
 * ENOTSUP.  A use that goes astray is counted and explained.
 */
int eph_world_touch(
    struct eph_world *w, struct eph_mapping *mp, enum eph_touch touch);

/* Unmap, on any CPU that the design lets do it.  Returns 0 or ENOTSUP. */
int eph_world_unmap(struct eph_world *w, struct eph_mapping *mp);

/* Why something was refused; "" if nothing was. */
const char *eph_world_refusal(const struct eph_world *w);

/*
 * Start a thread on a CPU, and run all threads until none can go on.
 * eph_world_thread() returns 0 or ENOMEM, eph_world_run() how many threads
 * are asleep.
 */
int eph_world_thread(
    struct eph_world *w, unsigned cpu, void (*fn)(void *arg), void *arg);
unsigned eph_world_run(struct eph_world *w);

/*
 * Deliver what is pending, and sum what all CPUs counted; `cycles` are
 * priced.  Not while eph_world_run() is on its way.
 */
void eph_world_counters(struct eph_world *w, struct eph_counters *out);

/*
 * Stale and impossible uses so far; *first (NULL: not wanted) is the
 * explanation of the first one, NULL if there is none.
 */
uint64_t eph_world_violations(const struct eph_world *w, const char **first);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_WORLD_H */
