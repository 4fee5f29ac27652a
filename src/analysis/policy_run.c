/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One policy at one size over one stream.
 *
 * A stream in memory is shared and only read; what a run writes is its two
 * tables and the policy's state, so runs on several CPUs share no cache
 * line.  One that is being read goes through a few blocks, which another
 * thread fills: decoding and replay take about as long.
 */

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/table.h"
#include "base/kassert.h"
#include "base/mem.h"
#include "base/plugin.h"
#include "ephmap/mrc.h"
#include "ephmap/run.h"
#include "ephmap/sdk/policy.h"

#define BLOCK_REFS ((size_t)64 << 10)
#define BLOCKS	   4u

struct policy_run {
	struct eph_policy_replay t;
	const struct eph_refs *refs;
	struct flow *flow;  /* instead of it, or NULL */
	const size_t *ends; /* of the parts */
	size_t nparts;	    /* at least 1; of a flow 1 */
};

/* Blocks between who reads a source and who plays it. */
struct flow {
	struct eph_op_source *src;
	uint32_t npages;
	pthread_mutex_t lock; /* guards the counts and what follows */
	pthread_cond_t changed;
	uint64_t filled, emptied; /* blocks so far */
	bool ended;
	int error;
	struct eph_err err;

	/* The reader's. */
	const struct eph_op *ops;
	size_t nops;

	uint64_t refs;
	size_t n[BLOCKS];
	uint32_t page[BLOCKS][BLOCK_REFS];
};

/* Append the references of the operations at hand to block `b`. */
static int
flow_take(struct flow *f, unsigned b, struct eph_err *err)
{
	const struct eph_op *op = f->ops, *const end = op + f->nops;
	const uint32_t npages = f->npages;
	uint32_t *const page = f->page[b];
	size_t n = f->n[b];

	for (; op != end && n < BLOCK_REFS; op++) {
		if (op->kind != EPH_OP_REF && op->kind != EPH_OP_MAP)
			continue;
		if (eph_unlikely(op->page >= npages))
			return (eph_err_set(err, EINVAL,
			    "page %u, expected fewer than %u as promised",
			    (unsigned)op->page, (unsigned)npages));
		page[n++] = op->page;
	}
	f->n[b] = n;
	f->ops = op;
	f->nops = (size_t)(end - op);
	return (0);
}

/* Fill block `b`; less than whole at the end only. */
static int
flow_fill(struct flow *f, unsigned b, struct eph_err *err)
{
	int error = 0;

	for (f->n[b] = 0; error == 0 && f->n[b] < BLOCK_REFS;) {
		if (f->nops == 0 &&
		    ((error = f->src->next(
			  f->src->arg, &f->ops, &f->nops, err)) != 0 ||
			f->nops == 0))
			break;
		error = flow_take(f, b, err);
	}
	return (error);
}

static void *
flow_read(void *arg)
{
	struct flow *f = arg;
	struct eph_err err = { "" };
	bool ended = false;

	while (!ended) {
		const unsigned b = (unsigned)(f->filled % BLOCKS);
		int error;

		(void)pthread_mutex_lock(&f->lock);
		while (f->filled == f->emptied + BLOCKS && !f->ended)
			(void)pthread_cond_wait(&f->changed, &f->lock);
		ended = f->ended;
		(void)pthread_mutex_unlock(&f->lock);
		if (ended)
			break;
		error = flow_fill(f, b, &err);
		(void)pthread_mutex_lock(&f->lock);
		f->filled++;
		if ((f->error = error) != 0)
			f->err = err;
		ended = f->ended = error != 0 || f->n[b] < BLOCK_REFS;
		(void)pthread_cond_signal(&f->changed);
		(void)pthread_mutex_unlock(&f->lock);
	}
	return (NULL);
}

/* The next block, or NULL at the end; gives back the one before. */
static const uint32_t *
flow_next(struct flow *f, bool started, size_t *np)
{
	const uint32_t *page = NULL;

	(void)pthread_mutex_lock(&f->lock);
	if (started)
		f->emptied++;
	(void)pthread_cond_signal(&f->changed);
	while (f->filled == f->emptied && !f->ended)
		(void)pthread_cond_wait(&f->changed, &f->lock);
	if (f->filled > f->emptied && f->error == 0) {
		*np = f->n[f->emptied % BLOCKS];
		page = f->page[f->emptied % BLOCKS];
		f->refs += *np;
	}
	(void)pthread_mutex_unlock(&f->lock);
	return (page);
}

static int
flow_play(struct policy_run *run, const struct eph_policy_ops *policy, void *ps,
    uint64_t *hits, struct eph_err *err)
{
	struct flow *f = run->flow;
	const uint32_t *page = NULL;
	pthread_t reader;
	size_t n;

	if (pthread_create(&reader, NULL, flow_read, f) != 0)
		return (
		    eph_err_set(err, EAGAIN, "the host has no more threads"));
	*hits = 0;
	while ((page = flow_next(f, page != NULL, &n)) != NULL)
		*hits += policy->replay(policy, ps, &run->t, page, n);
	(void)pthread_join(reader, NULL);
	if (f->error != 0)
		(void)eph_err_set(err, f->error, "%s", f->err.text);
	return (f->error);
}

static uint64_t
policy_run_next_use(void *arg)
{
	const struct policy_run *run = arg;
	const uint32_t next = run->refs->next[run->t.now];

	return (next == EPH_NONE ? UINT64_MAX : next);
}

static void
parts_play(struct policy_run *run, const struct eph_policy_ops *policy,
    void *ps, struct eph_policy_counts *counts)
{
	uint64_t promotions = 0;
	size_t at = 0;

	for (size_t i = 0; i < run->nparts; i++) {
		const size_t end = run->ends[i];

		counts[i].hits = policy->replay(
		    policy, ps, &run->t, run->refs->page + at, end - at);
		counts[i].promotions = policy->promotions(ps) - promotions;
		promotions += counts[i].promotions;
		at = end;
	}
}

static int
policy_run_play(struct policy_run *run, const struct eph_policy_ops *policy,
    struct eph_policy_env *env, struct eph_policy_counts *counts,
    struct eph_err *err)
{
	void *ps;
	int error;

	if ((env->mem = eph__mem_create(false)) == NULL)
		return (ENOMEM);
	eph__mem_probed(env->mem);
	if ((error = eph__abi_check("the policy", policy->abi, err)) == 0 &&
	    (error = policy->create(env, &ps, err)) == 0) {
		if (run->flow != NULL) {
			error = flow_play(run, policy, ps, &counts->hits, err);
			counts->promotions = policy->promotions(ps);
		} else {
			parts_play(run, policy, ps, counts);
		}
		policy->destroy(ps);
	}
	(void)eph__mem_destroy(env->mem);
	return (error);
}

static int
policy_run(struct policy_run *run, uint32_t npages,
    const struct eph_policy_ops *policy, struct eph_policy_env *env,
    struct eph_policy_counts *counts, struct eph_err *err)
{
	int error = ENOMEM;

	env->npages_hint = npages;
	run->t.nslots = env->nslots;
	run->t.far = npages * sizeof(uint32_t) > TABLE_FAR_BYTES;
	run->t.by_page = env->by_page = policy->by_page;
	if (!run->t.by_page) {
		run->t.slot_of = eph__table_alloc_none(npages);
		run->t.page_of =
		    eph__table_alloc(env->nslots, sizeof(uint32_t));
	}
	if (run->t.by_page ||
	    (run->t.slot_of != NULL && run->t.page_of != NULL))
		error = policy_run_play(run, policy, env, counts, err);
	if (error == ENOMEM)
		(void)eph_err_set(err, ENOMEM,
		    "out of memory for policy %s with %u buffers", policy->name,
		    (unsigned)env->nslots);
	eph__table_free(run->t.slot_of);
	eph__table_free(run->t.page_of);
	return (error);
}

int
eph_mrc_replay(const struct eph_refs *r, const struct eph_policy_ops *policy,
    const char *params, uint32_t nslots, uint64_t seed,
    struct eph_policy_counts *counts, struct eph_err *err)
{
	return (eph_mrc_replay_parts(
	    r, policy, params, nslots, seed, &r->n, 1, counts, err));
}

int
eph_mrc_replay_parts(const struct eph_refs *r,
    const struct eph_policy_ops *policy, const char *params, uint32_t nslots,
    uint64_t seed, const size_t *ends, size_t nparts,
    struct eph_policy_counts *counts, struct eph_err *err)
{
	struct policy_run run = { .refs = r, .ends = ends, .nparts = nparts };
	struct eph_policy_env env = {
		.nslots = nslots, .seed = seed, .params = params
	};

	if (r->next != NULL) {
		env.next_use = policy_run_next_use;
		env.next_use_arg = &run;
	}
	return (policy_run(&run, r->npages, policy, &env, counts, err));
}

int
eph_mrc_replay_source(struct eph_op_source *src,
    const struct eph_policy_ops *policy, const char *params, uint32_t nslots,
    uint64_t seed, uint64_t *refsp, struct eph_policy_counts *counts,
    struct eph_err *err)
{
	struct policy_run run = { .flow = malloc(sizeof(*run.flow)) };
	struct eph_policy_env env = {
		.nslots = nslots, .seed = seed, .params = params
	};
	int error;

	if (run.flow == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory for blocks"));
	memset(run.flow, 0, offsetof(struct flow, page));
	run.flow->src = src;
	run.flow->npages = src->npages_hint;
	(void)pthread_mutex_init(&run.flow->lock, NULL);
	(void)pthread_cond_init(&run.flow->changed, NULL);
	error = policy_run(&run, src->npages_hint, policy, &env, counts, err);
	*refsp = run.flow->refs;
	(void)pthread_cond_destroy(&run.flow->changed);
	(void)pthread_mutex_destroy(&run.flow->lock);
	free(run.flow);
	return (error);
}
