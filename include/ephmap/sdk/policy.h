/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_POLICY_H
#define EPHMAP_SDK_POLICY_H

/*
 * Replacement policies: which unreferenced mapping is recycled.
 *
 * Designs own this interface and call it; a policy stands above, one file
 * and one table row each.  A policy sees slots (buffers, 0 to nslots - 1)
 * and pages (frame numbers, dense from 0), owns its state, and never looks
 * into the design except through the environment below.
 *
 * Order of calls, for one reference to a page:
 *
 *	found		hit(slot), and pin(slot) if its count was 0
 *	not found	a slot that holds nothing, or victim(page);
 *			then insert(slot, page)
 *	count reaches 0	release(slot)
 *
 * A slot is pinned from insert() or pin() until release().  insert() comes
 * with the slot pinned.  Rules about pinned slots:
 *
 *	1. victim() never returns a pinned slot; with all slots pinned it
 *	   returns EPH_NONE and changes nothing that a later call can see
 *	   (but "lazy", which as shipped drops the pinned slots it meets).
 *	2. A pinned slot keeps its place in the algorithm: pinning is not a
 *	   use, hit() is.  Only "lru" and "lazy", the kernels' own lists,
 *	   order by release.
 *	3. Where the algorithm's choice is pinned, the policy goes on as if
 *	   the pinned entry were not there (it takes the next in its order).
 *	4. victim() forgets the slot's page (a ghost may stay); the caller
 *	   calls insert() for it next, before any other call.
 *	5. forget() is for a slot whose page goes away for another reason.
 *
 * With every reference released at once (no holding), the hits are those
 * of the algorithm as published.
 */

#include "ephmap/types.h"
#include "ephmap/version.h"

struct eph_mem;
struct eph_policy_ops;

/*
 * Memory for policies, zeroed and counted; every block goes back with its
 * size.  (Declared here too for policies written outside the tree.)
 */
void *eph_mem_alloc(struct eph_mem *mem, size_t bytes);
void eph_mem_free(struct eph_mem *mem, void *p, size_t bytes);
void *eph_mem_grow(struct eph_mem *mem, void *p, size_t from, size_t to);

/* What a policy may ask of the world; fixed at creation. */
struct eph_policy_env {
	struct eph_mem *mem; /* memory comes from here */
	uint32_t nslots;
	uint32_t npages_hint; /* pages that will be seen; 0: unknown */
	uint64_t seed;
	const char *params; /* "k=v,k=v" or NULL */

	/*
	 * A slot has its page's number: at most `nslots` of npages_hint (which
	 * is exact) hold a page at a time.  Only for policies that say so.
	 */
	bool by_page;

	/*
	 * For `opt`: position of the next reference to the page referenced
	 * now, UINT64_MAX if there is none; NULL where the future is not
	 * known.
	 */
	uint64_t (*next_use)(void *arg);
	void *next_use_arg;

	/*
	 * For price-aware policies: CPUs that recycling `slot` now would
	 * have to interrupt or invalidate, itself included; NULL where the
	 * design has no price.
	 */
	uint32_t (*price)(void *arg, uint32_t slot);
	void *price_arg;
};

/*
 * A replay without holding, for analysis: the buffers are these tables and
 * nothing else.  A stream may come in several blocks.  With `by_page` slots
 * have the numbers of their pages, and there are no tables.
 */
struct eph_policy_replay {
	bool by_page;	   /* as in the policy's environment */
	uint32_t *slot_of; /* by page; EPH_NONE: not cached */
	uint32_t *page_of; /* by slot */
	uint32_t nslots;
	uint32_t used; /* slots that hold a page: 0 to used - 1 */
	bool far;      /* the tables are larger than the CPU's caches */
	uint64_t now;  /* position of the current reference, from 0 */
};

/* A parameter of a policy; all of them are numbers. */
struct eph_policy_param {
	const char *name;
	double def, min, max; /* both ends belong to the range */
	const char *summary;  /* what it is, without its default */
};

#define EPH_POLICY_PARAMS 8u /* most that a policy has */

struct eph_policy_ops {
	unsigned abi;	     /* EPHMAP_ABI; first, whatever else changes */
	const char *name;    /* as typed by the user */
	const char *summary; /* one line */
	const char *origin;  /* paper or system, date */
	const char *aka;     /* "word,word": what others call it; or NULL */
	const struct eph_policy_param *params; /* to a NULL name; or NULL */
	bool offline;			       /* needs next_use */

	/*
	 * A share of the pages in the same share of the buffers does not
	 * behave as the whole does: what counts is one buffer, or a number
	 * of references.  No curve is estimated from samples.
	 */
	bool whole;

	/* create() takes by_page, and replay() plays so. */
	bool by_page;

	/*
	 * Returns 0 and sets *psp, or ENOMEM, EINVAL (bad parameters; `err`
	 * says which) or ENOTSUP (env lacks what the policy needs).
	 */
	int (*create)(
	    const struct eph_policy_env *env, void **psp, struct eph_err *err);
	void (*destroy)(void *ps);

	void (*insert)(void *ps, uint32_t slot, uint32_t page);
	void (*hit)(void *ps, uint32_t slot);
	void (*pin)(void *ps, uint32_t slot);
	void (*release)(void *ps, uint32_t slot);
	void (*forget)(void *ps, uint32_t slot);
	uint32_t (*victim)(void *ps, uint32_t page);

	/*
	 * How often so far a cached page changed its place in the order:
	 * because it was used, or because a search for a victim kept it.
	 * These are writes to memory that all CPUs share, under a lock where
	 * there is one.  Not counted are arrivals and departures, ghosts,
	 * marks of the page's own (a clock's bit) and a hand that passes.
	 */
	uint64_t (*promotions)(const void *ps);

	/* Panics if an invariant does not hold; for tests, O(n). */
	void (*check)(void *ps);

	/*
	 * Play `n` references, each released at once; returns the hits.
	 * eph_policy_replay_by_calls() does it through the slots above; a policy
	 * of ours instantiates src/design/policy_replay.h, the same calls
	 * with the compiler seeing both sides.
	 */
	uint64_t (*replay)(const struct eph_policy_ops *ops, void *ps,
	    struct eph_policy_replay *r, const uint32_t *pages, size_t n);
};

uint64_t eph_policy_replay_by_calls(const struct eph_policy_ops *ops, void *ps,
    struct eph_policy_replay *r, const uint32_t *pages, size_t n);

/*
 * The kernels' own lists, part of the designs that shipped with them.
 * lru: least recently released first; a slot leaves the list while it is
 * referenced (DragonFly 2003, FreeBSD).  lazy: a hit leaves it on the
 * list, so that it keeps its old place (DragonFly 24712b9068, 2004).
 */
extern const struct eph_policy_ops eph_policy_lru;
extern const struct eph_policy_ops eph_policy_lazy;

/* NULL-terminated, in the order `ephmap list policies` prints. */
extern const struct eph_policy_ops *const eph_policies[];
const struct eph_policy_ops *eph_policy_find(const char *name);

/*
 * Read "K=V,K=V" (NULL or empty: all defaults) into `values`, one for each
 * parameter of `ops` in the order of its table.  Returns 0, or EINVAL with
 * `err` naming the one that is unknown, malformed, out of range or given
 * twice, or saying that the table is too long.  What create() does first.
 */
int eph_policy_params(const struct eph_policy_ops *ops, const char *text,
    double *values, struct eph_err *err);

/*
 * A policy as people write it: NAME, or NAME:K=V,K=V.  `params` is what a
 * run wants as its parameters, "" for the defaults; `text` is the whole,
 * as it should be printed.
 */
#define EPH_POLICY_TEXT 160u

struct eph_policy_choice {
	const struct eph_policy_ops *ops;
	char params[EPH_POLICY_TEXT];
	char text[EPH_POLICY_TEXT];
};

/*
 * Read one of them.  Returns 0, or EINVAL with `err` saying what is wrong:
 * an unknown name (and which is near it), or as eph_policy_params().
 */
int eph_policy_choose(
    const char *text, struct eph_policy_choice *c, struct eph_err *err);

/*
 * Load a policy from a shared object that exports
 *	const struct eph_policy_ops ephmap_policy;
 * (one that exports a design too is that design's plug-in as well).
 * Returns 0 and sets *opsp, or ENOENT when the file cannot be loaded,
 * ESRCH when it exports no policy, EINVAL (built for another interface, or
 * a slot is not set); `err` says why, and nothing stays loaded.  What was accepted stays until the process ends.
 */
int eph_policy_load(
    const char *path, const struct eph_policy_ops **opsp, struct eph_err *err);

/*
 * As eph_policy_choose_list(), where those of `extra' (plug-ins'; NULL ends
 * them; or NULL) stand beside those of the table, and come first.
 */
int eph_policy_choose_list_with(const char *text,
    const struct eph_policy_ops *const *extra, struct eph_policy_choice **listp,
    size_t *np, struct eph_err *err);

/*
 * Read a list by comma: "lru,s3fifo:small=0.2,threshold=1,arc".  A word
 * with `=` and without `:` belongs to the policy before it.  A parameter
 * may have several values, with `/` between them; the policy is then there
 * once for each, and with two such parameters once for each pair:
 * "s3fifo:small=0.1/0.2,threshold=1/2" is four.  None may be there twice.
 *
 * Sets *listp (which the caller gives to free()) and *np.  Returns 0,
 * ENOMEM, or EINVAL as eph_policy_choose().
 */
int eph_policy_choose_list(const char *text, struct eph_policy_choice **listp,
    size_t *np, struct eph_err *err);

/*
 * What `NAME:help` prints: the policy, and each parameter with its default
 * and range.  Written to `buf`, cut to `size` as snprintf() does; returns
 * the length of the whole.
 */
size_t eph_policy_help(
    const struct eph_policy_ops *ops, char *buf, size_t size);

/* Its parameters with their defaults, "K=V,K=V", or ""; the same way. */
size_t eph_policy_defaults(
    const struct eph_policy_ops *ops, char *buf, size_t size);

#endif /* !EPHMAP_SDK_POLICY_H */
