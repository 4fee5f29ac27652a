/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Replay on real threads: each CPU plays its own lines of the trace, in
 * order, at its own pace.
 *
 * Lines of one handle keep the order of the trace on whatever CPU they are:
 * a line waits, asleep, until the line before it has been played.  While a
 * line sleeps, in a map or for its turn, another kernel thread of its CPU
 * goes on with the lines behind it, as parked handles do in lockstep.
 *
 * Delays are passed over: real threads take the time they take.  So a `p`
 * line cannot be held, and nothing is averaged over time.
 *
 * Locking: a handle's lock guards `done` and `waiting`; the line whose turn it
 * is owns the rest.  A CPU's cursor belongs to the pthread that plays the CPU.
 */

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/kassert.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/sdk/policy.h"
#include "workload/run.h"

enum turn_state { TURN_UNMAPPED, TURN_MAPPED, TURN_FAILED };

/* A handle from its `m` to its `u`. */
struct turn {
	struct eph_mutex lock;
	uint32_t done;	  /* lines played */
	uint32_t waiting; /* threads asleep for their turn */
	uint8_t state;	  /* enum turn_state */
	uint16_t cpu;	  /* that maps it */
	void *obj;
	struct vm_page *m;
	eph_va_t va;
	eph_va_t *asked; /* by CPU, 0: not; NULL: nobody did */
};

struct tline {
	struct eph_op op;
	uint32_t turn;	 /* handle */
	uint32_t number; /* of this line among those of its handle */
	uint32_t where;	 /* of the trace's lines, for messages */
};

struct tcpu {
	struct treplay *tr;
	struct tline *line; /* its part of the trace */
	uint32_t n;
	uint32_t room;
	uint32_t next;	/* the cursor */
	uint64_t epoch; /* raised by each thread that takes the cursor */
	unsigned id;
};

struct treplay {
	struct eph_machine *mc;
	const struct eph_design_ops *ops;
	const struct eph_run_config *cfg;
	void *state;
	struct tcpu *cpu;
	struct turn *turn;
	uint32_t nturns;
	uint32_t turns_room;
	uint32_t *slot; /* slot to handle plus one, while reading */
	uint32_t slots_room;
	uint32_t *lines_of; /* lines that a handle has, while reading */
	uint32_t lines_room;
	struct eph_mutex lock; /* guards error and err */
	int error;
	struct eph_err *err;
	_Atomic(uint32_t) stop;
	uint64_t lines;
	uint64_t references;
};

static void
treplay_fail(
    struct treplay *tr, const struct tline *l, int error, const char *why)
{
	mutex_enter(tr->mc, &tr->lock);
	if (tr->error == 0)
		tr->error = eph_err_set(tr->err, error,
		    "operation %" PRIu32 " of the trace: %s cannot do this: %s",
		    l->where, tr->ops->name, why);
	mutex_exit(tr->mc, &tr->lock);
	/* Relaxed: others stop when they see it. */
	atomic_store_explicit(&tr->stop, 1, memory_order_relaxed);
}

/* Two CPUs may refuse at once: the reason is that of the first. */
static void
treplay_refused(struct treplay *tr, const struct tline *l, int error)
{
	/* Relaxed: a CPU reads what it wrote itself. */
	if (atomic_load_explicit(&tr->mc->refused, memory_order_relaxed) ==
	    l->op.cpu + 1u)
		treplay_fail(tr, l, error, tr->mc->refusal);
	else
		atomic_store_explicit(&tr->stop, 1, memory_order_relaxed);
}

/* Reading the trace */

static int
table_room(
    struct eph_machine *mc, void *pp, uint32_t *np, uint32_t want, size_t size)
{
	uint32_t n = *np == 0 ? 256 : *np;
	void *old, *table;

	if (want < *np)
		return (0);
	while (n <= want)
		n *= 2;
	memcpy(&old, pp, sizeof(old));
	if ((table = eph_machine_alloc(mc, n * size)) == NULL)
		return (ENOMEM);
	if (old != NULL)
		memcpy(table, old, *np * size);
	eph_machine_free(mc, old, *np * size);
	memcpy(pp, &table, sizeof(table));
	*np = n;
	return (0);
}

/* The handle of a line, and the line's place among the handle's. */
static int
treplay_place(struct treplay *tr, struct tline *l)
{
	struct eph_machine *mc = tr->mc;
	const uint32_t slot = l->op.slot;

	if (table_room(
		mc, &tr->slot, &tr->slots_room, slot, sizeof(*tr->slot)) != 0)
		return (ENOMEM);
	if (l->op.kind == EPH_OP_MAP) {
		if (table_room(mc, &tr->turn, &tr->turns_room, tr->nturns,
			sizeof(*tr->turn)) != 0 ||
		    table_room(mc, &tr->lines_of, &tr->lines_room, tr->nturns,
			sizeof(*tr->lines_of)) != 0)
			return (ENOMEM);
		mutex_init(&tr->turn[tr->nturns].lock, "handle");
		tr->turn[tr->nturns].cpu = l->op.cpu;
		tr->slot[slot] = ++tr->nturns;
	}
	KASSERT(tr->slot[slot] != 0, "the reader checks that it is mapped");
	l->turn = tr->slot[slot] - 1;
	l->number = tr->lines_of[l->turn]++;
	return (0);
}

static int
treplay_add(struct treplay *tr, const struct eph_op *op, struct eph_err *err)
{
	struct eph_machine *mc = tr->mc;
	struct tline l = { .op = *op, .where = (uint32_t)++tr->lines };
	struct tcpu *tc;

	if (op->kind == EPH_OP_DELAY)
		return (0);
	if (op->cpu >= mc->ncpus)
		return (eph_err_set(err, EINVAL,
		    "operation %" PRIu64
		    ": CPU %u, but the machine has %u CPUs (0 to %u)",
		    tr->lines, op->cpu, mc->ncpus, mc->ncpus - 1));
	tr->references += op->kind == EPH_OP_MAP || op->kind == EPH_OP_REF;
	tc = &tr->cpu[op->cpu];
	if (table_room(mc, &tc->line, &tc->room, tc->n, sizeof(l)) != 0 ||
	    (op->kind != EPH_OP_REF && treplay_place(tr, &l) != 0) ||
	    ((op->kind == EPH_OP_REF || op->kind == EPH_OP_MAP) &&
		vm_page_get(mc, op->page) == NULL))
		return (eph_err_set(err, ENOMEM, "out of memory"));
	tc->line[tc->n++] = l;
	return (0);
}

static int
treplay_read(struct treplay *tr, struct eph_op_source *src, struct eph_err *err)
{
	const struct eph_op *ops;
	size_t n;
	int error;

	while ((error = src->next(src->arg, &ops, &n, err)) == 0 && n > 0) {
		for (size_t i = 0; i < n && error == 0; i++)
			error = treplay_add(tr, &ops[i], err);
		if (error != 0)
			break;
		if (tr->cfg->progress != NULL)
			tr->cfg->progress(tr->cfg->progress_arg, tr->lines);
	}
	return (error);
}

/* Playing */

static void
turn_wait(struct treplay *tr, struct turn *h, uint32_t number)
{
	mutex_enter(tr->mc, &h->lock);
	while (h->done != number) {
		h->waiting++;
		(void)msleep(tr->mc, h, &h->lock, 0, "handle", 0);
		h->waiting--;
	}
	mutex_exit(tr->mc, &h->lock);
	msleep_done(tr->mc);
}

static void
turn_pass(struct treplay *tr, struct turn *h)
{
	bool wake;

	mutex_enter(tr->mc, &h->lock);
	h->done++;
	wake = h->waiting > 0;
	mutex_exit(tr->mc, &h->lock);
	if (wake)
		wakeup(tr->mc, h);
}

static unsigned
op_flags(const struct treplay *tr, const struct eph_op *op)
{
	const unsigned keep = eph_design_flags(tr->ops);
	unsigned flags = 0;

	if (op->kind == EPH_OP_REF)
		return (tr->cfg->flags & keep);
	if ((op->flags & EPH_OPF_PRIVATE) != 0)
		flags |= SFB_CPUPRIVATE;
	if ((op->flags & EPH_OPF_NOWAIT) != 0)
		flags |= SFB_NOWAIT;
	if ((op->flags & EPH_OPF_CATCH) != 0)
		flags |= SFB_CATCH;
	return (flags & keep);
}

/* EAGAIN and EINTR are answers, everything else ends the run. */
static int
play_map_page(struct treplay *tr, const struct eph_op *op,
    struct eph_mapping *mp, struct vm_page **mpage)
{
	struct vm_page *m = vm_page_get(tr->mc, op->page);

	*mpage = m;
	return (eph_design_map(
	    tr->ops, tr->mc, tr->state, m, op_flags(tr, op), mp));
}

static int
play_ref(struct treplay *tr, const struct eph_op *op)
{
	struct eph_mapping mp;
	struct vm_page *m;
	uint32_t reached;
	int error = play_map_page(tr, op, &mp, &m);

	if (error != 0)
		return (error == EAGAIN || error == EINTR ? 0 : error);
	if (tr->cfg->touch != EPH_TOUCH_NONE) {
		if (tr->ops->validity == EPH_VALID_GENERATION)
			mp.va = tr->ops->kva(tr->state, mp.obj);
		error = eph_machine_access(
		    tr->mc, mp.va, tr->cfg->touch, m, &reached);
	}
	return (error != 0 ? error : tr->ops->unmap(tr->state, mp.obj));
}

static int
play_map(struct treplay *tr, const struct eph_op *op, struct turn *h)
{
	struct eph_mapping mp;
	const int error = play_map_page(tr, op, &mp, &h->m);

	if (error != 0) {
		h->state = TURN_FAILED;
		return (error == EAGAIN || error == EINTR ? 0 : error);
	}
	h->state = TURN_MAPPED;
	h->obj = mp.obj;
	h->va = mp.va;
	return (0);
}

static int
play_kva(struct treplay *tr, const struct eph_op *op, struct turn *h)
{
	const eph_va_t va = tr->ops->kva(tr->state, h->obj);

	if (va == 0)
		return (ENOTSUP);
	if (va == h->va && h->asked == NULL)
		return (0);
	if (h->asked == NULL) {
		h->asked = eph_machine_alloc(
		    tr->mc, tr->mc->ncpus * sizeof(*h->asked));
		if (h->asked == NULL)
			return (ENOMEM);
	}
	h->asked[op->cpu] = va;
	return (0);
}

static int
play_touch(struct treplay *tr, const struct eph_op *op, struct turn *h)
{
	const enum eph_touch touch =
	    op->kind == EPH_OP_WRITE ? EPH_TOUCH_WRITE : EPH_TOUCH_READ;
	eph_va_t va = h->va;
	uint32_t reached;

	if (h->asked != NULL && h->asked[op->cpu] != 0)
		va = h->asked[op->cpu];
	return (eph_machine_access(tr->mc, va, touch, h->m, &reached));
}

static int
play_unmap(struct treplay *tr, struct turn *h)
{
	const int error = tr->ops->unmap(tr->state, h->obj);

	if (error != 0)
		return (error);
	eph_machine_free(tr->mc, h->asked, tr->mc->ncpus * sizeof(*h->asked));
	h->asked = NULL;
	h->state = TURN_UNMAPPED;
	return (0);
}

static int
play_handle(struct treplay *tr, const struct eph_op *op, struct turn *h)
{
	if (op->kind == EPH_OP_MAP)
		return (play_map(tr, op, h));
	if (h->state == TURN_FAILED)
		return (0);
	switch (op->kind) {
	case EPH_OP_KVA:
		return (play_kva(tr, op, h));
	case EPH_OP_UNMAP:
		return (play_unmap(tr, h));
	default:
		return (play_touch(tr, op, h));
	}
}

static void
play_line(struct treplay *tr, const struct tline *l)
{
	struct turn *h;
	int error;

	if (l->op.kind == EPH_OP_REF) {
		error = play_ref(tr, &l->op);
	} else if ((h = &tr->turn[l->turn])->cpu != l->op.cpu &&
	    tr->ops->validity == EPH_VALID_THIS_CPU) {
		/* Such a design holds its CPU: it may not wait for a turn. */
		error = eph_machine_refuse(tr->mc,
		    "a mapping of CPU %u cannot be used on CPU %u", h->cpu,
		    l->op.cpu);
	} else {
		turn_wait(tr, h, l->number);
		error = play_handle(tr, &l->op, h);
		turn_pass(tr, h);
	}
	if (error == ENOMEM)
		treplay_fail(tr, l, error, "out of memory");
	else if (error != 0)
		treplay_refused(tr, l, error);
}

/*
 * Lines of one CPU, until they end or, while we slept, another thread took
 * the cursor.
 */
static void
treplay_worker(void *arg)
{
	struct tcpu *tc = arg;
	struct treplay *tr = tc->tr;
	const uint64_t epoch = ++tc->epoch;

	/* Relaxed: any time soon is good enough. */
	while (tc->epoch == epoch && tc->next < tc->n &&
	    atomic_load_explicit(&tr->stop, memory_order_relaxed) == 0) {
		play_line(tr, &tc->line[tc->next++]);
		tr->mc->exec->poll(tr->mc);
	}
	/* What is never unmapped must not hold the CPU for ever. */
	while (eph_curcpu(tr->mc)->crit > 0)
		crit_exit(tr->mc);
}

/* All threads of a CPU sleep: another goes on with its lines. */
static void
treplay_refill(void *arg, unsigned cpu)
{
	struct treplay *tr = arg;
	struct tcpu *tc = &tr->cpu[cpu];

	if (tc->next >= tc->n ||
	    atomic_load_explicit(&tr->stop, memory_order_relaxed) != 0)
		return;
	if (eph_thread_create(tr->mc, cpu, treplay_worker, tc) == NULL)
		treplay_fail(tr, &tc->line[tc->next], ENOMEM,
		    "more lines sleep than the host has stacks for; give it "
		    "more buffers, or the executor lockstep");
}

/* A run */

static void
treplay_free(struct treplay *tr)
{
	struct eph_machine *mc = tr->mc;

	for (unsigned c = 0; c < mc->ncpus; c++)
		eph_machine_free(mc, tr->cpu[c].line,
		    tr->cpu[c].room * sizeof(*tr->cpu[c].line));
	eph_machine_free(mc, tr->cpu, mc->ncpus * sizeof(*tr->cpu));
	eph_machine_free(mc, tr->turn, tr->turns_room * sizeof(*tr->turn));
	eph_machine_free(mc, tr->slot, tr->slots_room * sizeof(*tr->slot));
	eph_machine_free(
	    mc, tr->lines_of, tr->lines_room * sizeof(*tr->lines_of));
}

static int
treplay_setup(struct treplay *tr)
{
	struct eph_machine *mc = tr->mc;

	if ((tr->cpu = eph_machine_alloc(mc, mc->ncpus * sizeof(*tr->cpu))) ==
	    NULL)
		return (eph_err_set(tr->err, ENOMEM, "out of memory"));
	for (unsigned c = 0; c < mc->ncpus; c++) {
		tr->cpu[c].tr = tr;
		tr->cpu[c].id = c;
	}
	mutex_init(&tr->lock, "replay");
	return (0);
}

static int
treplay_play(struct treplay *tr, struct eph_run_result *res)
{
	struct eph_machine *mc = tr->mc;
	const double start = eph__run_seconds();
	unsigned left;
	int error;

	eph_threads_set_refill(mc, treplay_refill, tr);
	for (unsigned c = 0; c < mc->ncpus; c++) {
		if (eph_thread_create(mc, c, treplay_worker, &tr->cpu[c]) ==
		    NULL)
			return (eph_err_set(tr->err, ENOMEM, "out of memory"));
	}
	if ((error = eph_threads_ready(mc)) != 0)
		return (eph__run_not_ready(error, tr->err));
	left = eph_run(mc);
	res->host_seconds = eph__run_seconds() - start;
	res->asleep = left;
	res->lines = tr->lines;
	res->references = tr->references;
	for (uint32_t i = 0; i < tr->nturns; i++)
		res->held_at_end += tr->turn[i].state == TURN_MAPPED;
	if (tr->error == 0)
		eph__run_result(tr->cfg, mc, res);
	res->buffers_mean = NAN; /* nothing to average over */
	return (tr->error);
}

static int
treplay_run(
    struct treplay *tr, struct eph_op_source *src, struct eph_run_result *res)
{
	const struct eph_run_config *cfg = tr->cfg;
	int error;

	if ((error = treplay_setup(tr)) != 0 ||
	    (error = treplay_read(tr, src, tr->err)) != 0)
		return (error);
	if (cfg->at_start != NULL &&
	    (error = cfg->at_start(
		 cfg->hook_arg, tr->mc, tr->state, tr->err)) != 0)
		return (error);
	error = treplay_play(tr, res);
	if (error == 0 && cfg->at_end != NULL)
		cfg->at_end(cfg->hook_arg, tr->mc, tr->state);
	return (error);
}

int
eph__replay_threads(const struct eph_run_config *cfg, struct eph_op_source *src,
    struct eph_run_result *res, struct eph_err *err)
{
	struct treplay tr = { .cfg = cfg, .ops = cfg->design, .err = err };
	struct eph_world_config wcfg = eph__run_world(cfg);
	struct eph_world *world;
	int error;

	if (cfg->hold_ns != 0 || cfg->hold_refs != 0)
		return (eph_err_set(err, EINVAL,
		    "real threads have no trace time: --hold needs the "
		    "executor lockstep"));
	if (cfg->policy != NULL && cfg->policy->offline)
		return (eph_err_set(err, EINVAL,
		    "%s must know the future: it needs the executor lockstep",
		    cfg->policy->name));
	if (cfg->log != NULL)
		return (eph_err_set(
		    err, EINVAL, "--log needs the executor lockstep"));
	*res = (struct eph_run_result){ 0 };
	wcfg.npages_hint = src->npages_hint;
	if ((error = eph_world_create(&wcfg, &world, err)) != 0)
		return (error);
	tr.mc = eph_world_machine(world);
	tr.state = eph_world_state(world);
	error = treplay_run(&tr, src, res);
	if (error != 0 || res->asleep != 0 || res->held_at_end != 0) {
		/* With mappings held or wanted, all of it just goes. */
		(void)eph_world_abandon(world);
		return (error);
	}
	treplay_free(&tr);
	if (eph_world_destroy(world) != 0)
		PANIC("a run did not give back all its memory");
	return (0);
}
