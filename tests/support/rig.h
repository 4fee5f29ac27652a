/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef RIG_H
#define RIG_H

/*
 * The fixture of all tests: a world in lockstep, with a design, with a
 * kernel's pool of mappings (rig_pool.h), or a machine alone, driven call by
 * call.  Its blocks are those of malloc, for sanitizers.
 *
 * For tests of event tables RIG_SAW() states every event since the last look,
 * and what it does not name must be 0.  Locks, TLB hits, misses and walks, and
 * how many events were needless, are not events of a design's table;
 * RIG_SAW_ALL() counts all but locks and walks, and what is still on its way.
 *
 * Also runs of random traces that are valid for a design's class, for the
 * stale oracle.
 */

#include "ephmap/sdk/design.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/run.h"
#include "ephmap/world.h"
#include "test_main.h"

struct sf_buf_pool;

struct rig {
	struct eph_world *world;
	struct eph_machine *mc;		  /* its */
	const struct eph_design_ops *ops; /* NULL: a machine alone */
	void *state;
	struct sf_buf_pool *pool; /* of rig_pool.h */
	struct eph_counters mark;
	struct eph_err err;
};

/*
 * A design with its historical shootdown protocol and an infinite TLB; NULL:
 * a machine alone.  `model` NULL: amd64-skylake.  Returns what create()
 * returned; the rig is closed if that is not 0.
 */
int rig_open(struct rig *r, const char *design, const char *model,
    unsigned ncpus, uint32_t nbufs);

/* The same on amd64-skylake with a policy for the design's buffers. */
int rig_open_policy(struct rig *r, const char *design, const char *policy,
    unsigned ncpus, uint32_t nbufs);

/* The same on the machine of DragonFly's years; it must not fail. */
void rig_i386(
    struct rig *r, const char *design, unsigned ncpus, uint32_t nbufs);

/* The same on amd64-skylake with only so many pages of addresses. */
int rig_open_kva(struct rig *r, const char *design, unsigned ncpus,
    uint32_t nbufs, uint32_t kva_pages);

/* Destroy all; a test fails that leaves memory behind. */
void rig_close(struct rig *r);

/* The design's calls on CPU `cpu`; what must not fail is asserted. */
struct eph_mapping rig_map(
    struct rig *r, unsigned cpu, uint32_t page, unsigned flags);
int rig_try_map(struct rig *r, unsigned cpu, uint32_t page, unsigned flags,
    struct eph_mapping *mp);
void rig_unmap(struct rig *r, unsigned cpu, struct eph_mapping mp);
int rig_try_unmap(struct rig *r, unsigned cpu, struct eph_mapping mp);
eph_va_t rig_kva(struct rig *r, unsigned cpu, struct eph_mapping mp);

/* Load or store at the mapping's address; the frame reached. */
uint32_t rig_read(struct rig *r, unsigned cpu, struct eph_mapping mp);
uint32_t rig_write(struct rig *r, unsigned cpu, struct eph_mapping mp);

/* Does `cpu` reach page `frame` through `va`, and nothing stale? */
bool rig_reads(struct rig *r, unsigned cpu, eph_va_t va, uint32_t frame);

/* Take all address space there is. */
void rig_exhaust_kva(struct rig *r);

/* The design's invariants, with `held` references. */
void rig_check(struct rig *r, uint64_t held);

/* Value of a sysctl, and setting it. */
uint64_t rig_sysctl(struct rig *r, const char *name);
int rig_sysctl_set(struct rig *r, const char *name, uint64_t value);

/* Forget the events so far; or return them. */
void rig_mark(struct rig *r);
struct eph_counters rig_events(struct rig *r);

/*
 * Have exactly these events happened since the last mark?  Marks again.
 * `all`: with the TLB's, and after what is pending was delivered.
 */
bool rig_saw(struct rig *r, bool all, const struct eph_counters *want,
    const char *file, int line);

#define RIG_SAW(r, ...)                                                        \
	CU_ASSERT(rig_saw((r), false,                                          \
	    &(const struct eph_counters){ __VA_ARGS__ }, __FILE__, __LINE__))
#define RIG_SAW_ALL(r, ...)                                                    \
	CU_ASSERT(rig_saw((r), true,                                           \
	    &(const struct eph_counters){ __VA_ARGS__ }, __FILE__, __LINE__))

/* Entries stored, L, R and IPI since the last mark, and whatever else. */
#define RIG_COST(r, stores, l, r_, ipi)                                        \
	do {                                                                   \
		const struct eph_counters cost_ = rig_events(r);               \
                                                                               \
		CU_ASSERT_EQUAL(cost_.pte_store, (stores));                    \
		CU_ASSERT_EQUAL(cost_.invlpg_local, (l));                      \
		CU_ASSERT_EQUAL(cost_.invlpg_remote, (r_));                    \
		CU_ASSERT_EQUAL(cost_.ipi_sent, (ipi));                        \
	} while (0)

/* Nothing but these calls. */
#define RIG_FREE_MAP(r, how) RIG_SAW((r), .map_calls = 1, .how = 1)
#define RIG_FREE_UNMAP(r)    RIG_SAW((r), .unmap_calls = 1)

/* Operations in memory that are lines of a trace. */
struct rig_lines {
	struct eph_op_array ops; /* first: the source's argument */
	const uint64_t *handle;	 /* names, by operation */
	unsigned first;		 /* the first one's line */
};

struct eph_op_source rig_lines_source(struct rig_lines *rl);

/* Replay `n` operations from memory; as eph_replay_run(). */
int rig_replay(const struct eph_run_config *cfg, const struct eph_op *op,
    size_t n, struct eph_run_result *res, struct eph_err *err);

/*
 * About `ops' random operations valid for the design's class, of few pages;
 * the caller frees them.
 */
struct eph_op *rig_random_ops(const char *design, unsigned ncpus, uint64_t seed,
    unsigned ops, size_t *np);

/*
 * Replay `ops` random operations valid for the design's class, on each of
 * several machines: 1 to 65 CPUs, infinite and finite TLBs, few buffers and
 * few pages.  Asserts that no use was stale and the counters' laws hold.
 */
void rig_random_traces(const char *design, const char *model, unsigned ops);

#endif /* !RIG_H */
