/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Replay: operations of a trace played on one design, in lockstep.
 *
 * A handle is a record that goes through
 *
 *	mapping -> mapped -> gone	the usual way
 *	mapping (asleep)		its later lines are parked, in order
 *	mapping -> failed -> gone	its lines are skipped
 *
 * and is found by its slot.  The trace's reader gives the slot to another
 * handle after `u`; where that `u` is parked, the record lives on without
 * the slot, and is found by the handle's name if the trace maps the same
 * handle again: that line waits too.
 *
 * `p` lines are the bulk of most traces and need no handle: map, touch and
 * unmap in a row, or, with a hold, an unmap by timer, or before the line that
 * follows the last reference of the hold.
 *
 * What is measured besides the counters: buffers in use, integrated over
 * trace time where there are delays, else sampled at each line (at a `p`
 * line while it is mapped).
 *
 * Handles stand in replay_handles.c.
 */

#include "ephmap/sdk/design.h"
#include "base/mem.h"
#include "ephmap/kernel/kva.h"
#include "workload/replay_ref.h"
#include "workload/replay_spread.h"

/* p lines */

/*
 * What the references to come will look at, which no cache has where there
 * are many CPUs: first the page and the CPU, then the address that it will
 * probably get, what the CPU remembers of that, and the design's object.
 * Some designs give a page the address that it had last, others a CPU the
 * one behind its last, others anybody the one behind the last of all; who was
 * right more often lately is believed.
 */
#define AHEAD_FAR  12u
#define AHEAD_NEAR 7u
#define AHEAD_NEXT 3u
#define AHEAD_SURE 64

/* The address and the object `k` steps behind those of `l`. */
EPH_PREFETCHER void
replay_ahead_of(const struct replay *rp, const struct eph_op *op,
    const struct replay_last *l, unsigned k)
{
	const uintptr_t obj = l->obj + k * l->obj_step;
	const uint32_t i = l->va + k * l->step;
	struct eph_machine *mc = rp->mc;

	/* A guess, maybe below 0: a number until it is asked for. */
	eph_prefetch((const void *)obj);
	eph_prefetch((const void *)(obj + 64));
	cpu_prefetch_address(mc->cpus[op->cpu], i);
	if (kva_has_entry(mc, i))
		machine_prefetch_entry(mc, i);
}

EPH_PREFETCHER void
replay_ahead(const struct replay *rp, const struct eph_op *op)
{
	const struct eph_op *far = op + AHEAD_FAR;
	const struct eph_op *near = op + AHEAD_NEAR;
	struct eph_machine *mc = rp->mc;

	if (far->cpu >= mc->ncpus || near->cpu >= mc->ncpus)
		return;
	vm_page_prefetch(mc, far->page);
	cpu_prefetch(mc->cpus[far->cpu]);
	cpu_prefetch_late(mc->cpus[near->cpu], false);
	if (op[AHEAD_NEXT].cpu < mc->ncpus)
		cpu_prefetch_late(mc->cpus[op[AHEAD_NEXT].cpu], true);
	if (rp->in_ring > 0) {
		const uint32_t i = rp->ring.va + 1 + AHEAD_NEXT;

		replay_ahead_of(rp, near, &rp->ring, 1 + AHEAD_NEAR);
		if (op[AHEAD_NEXT].cpu < mc->ncpus && kva_has_entry(mc, i))
			machine_prefetch_holder(mc, i, op[AHEAD_NEXT].cpu);
		return;
	}
	if (rp->in_order > 0) {
		replay_ahead_of(rp, near, &rp->last[near->cpu], 1);
		return;
	}
	if (near->page < rp->nseen)
		cpu_prefetch_address(mc->cpus[near->cpu], rp->seen[near->page]);
}

static void
replay_seen_grow(struct replay *rp, uint32_t page)
{
	uint32_t n = rp->nseen == 0 ? 1024 : rp->nseen;
	uint32_t *seen;

	while (n <= page && n < EPH_FRAMES_MAX)
		n *= 2;
	seen = eph_mem_grow(rp->mc->mem, rp->seen, rp->nseen * sizeof(*seen),
	    n * sizeof(*seen));
	if (seen == NULL)
		return;
	rp->seen = seen;
	rp->nseen = n;
}

/* Some are used again in between, and some are not free. */
static void
replay_saw_ring(struct replay *rp, uint32_t i, uintptr_t obj)
{
	struct replay_last *l = &rp->ring;

	if (i - l->va - 1 < AHEAD_NEXT) {
		rp->in_ring += rp->in_ring < AHEAD_SURE;
		if (i - l->va == 1)
			l->obj_step = obj - l->obj;
	} else if (rp->in_ring > -AHEAD_SURE && --rp->in_ring >= 0) {
		return;
	}
	l->va = i;
	l->obj = obj;
}

/* The page has this address now; no memory for that is no harm. */
static void
replay_saw(
    struct replay *rp, const struct eph_op *op, const struct eph_mapping *mp)
{
	const uint32_t page = op->page, i = machine_va_index(rp->mc, mp->va);

	if (eph_likely(rp->last != NULL)) {
		struct replay_last *l = &rp->last[op->cpu];
		const bool in_order = i == l->va + l->step;
		const bool as_page = page < rp->nseen && i == rp->seen[page];

		if (in_order && !as_page && rp->in_order < AHEAD_SURE)
			rp->in_order++;
		if (as_page && !in_order && rp->in_order > -AHEAD_SURE)
			rp->in_order--;
		l->step = i - l->va;
		l->va = i;
		l->obj_step = (uintptr_t)mp->obj - l->obj;
		l->obj = (uintptr_t)mp->obj;
		replay_saw_ring(rp, i, l->obj);
	}
	if (eph_unlikely(page >= rp->nseen))
		replay_seen_grow(rp, page);
	if (eph_likely(page < rp->nseen))
		rp->seen[page] = i;
}

static int
replay_ref_any(struct replay *rp, const struct eph_op *op)
{
	struct eph_mapping mp = { NULL, 0 };
	const int error = replay_ref(rp, op, REPLAY_ANY, &mp);

	if (eph_unlikely(rp->mc->crowded) && mp.va != 0)
		replay_saw(rp, op, &mp);
	return (error);
}

/* The loop */

static int
replay_delay(struct replay *rp, uint64_t ns)
{
	eph_lockstep_delay(rp->mc, ns);
	replay_integrate(rp);
	return (rp->error);
}

static int
replay_op(struct replay *rp, const struct eph_op *op)
{
	int error;

	switch (op->kind) {
	case EPH_OP_REF:
		return (replay_ref_any(rp, op));
	case EPH_OP_DELAY:
		return (replay_delay(rp, eph_op_delay_ns(op)));
	default:
		error = eph__replay_handle_op(rp, op);
		replay_sample(rp);
		return (error);
	}
}

/* Is the line one that the machine can play at all? */
static bool
replay_cpu_ok(struct replay *rp, const struct eph_op *op)
{
	char text[96];

	if (eph_likely(op->cpu < rp->mc->ncpus || op->kind == EPH_OP_DELAY))
		return (true);
	(void)snprintf(text, sizeof(text),
	    "CPU %u, but the machine has %u CPUs (0 to %u)", op->cpu,
	    rp->mc->ncpus, rp->mc->ncpus - 1);
	(void)eph__replay_fail(rp, EINVAL, text);
	return (false);
}

static bool
replay_block(struct replay *rp)
{
	struct eph_op_source *src = rp->src;
	int error;

	rp->i = 0;
	rp->n = 0;
	error = src->next(src->arg, &rp->ops_now, &rp->n, rp->err);
	if (error != 0) {
		rp->n = 0;
		rp->error = error;
	}
	if (rp->n == 0)
		return (false);
	if (rp->cfg->progress != NULL)
		rp->cfg->progress(rp->cfg->progress_arg, rp->res->lines);
	rp->line_base = src->line(src->arg, 0);
	if (rp->n > 1 &&
	    src->line(src->arg, rp->n - 1) - rp->line_base != rp->n - 1)
		rp->line_base = 0;
	return (true);
}

/* Let a timer that a held `p` line waits for come due. */
static bool
replay_finish_holds(struct replay *rp)
{
	const uint64_t at = eph_lockstep_next_timer(rp->mc);

	if (rp->held_first != NULL) {
		/* Nothing more is asked for: the first is due. */
		rp->held_first->due = 0;
		return (eph__replay_marks(rp) == 0);
	}
	if (rp->nheld == 0 || at == UINT64_MAX)
		return (false);
	return (replay_delay(rp, at - rp->mc->clock_ns) == 0);
}

static void
replay_watch(struct replay *rp, const struct eph_op *op, size_t i,
    struct eph_run_moment *m)
{
	const bool page = op->kind == EPH_OP_MAP || op->kind == EPH_OP_REF;

	*m = (struct eph_run_moment){ .begins = true,
		.kind = op->kind,
		.cpu = op->cpu,
		.line = rp->mc->step,
		.flags = op->kind == EPH_OP_MAP ? op->flags : 0 };
	if (op->kind == EPH_OP_DELAY) {
		m->id = eph_op_delay_ns(op);
	} else {
		if (op->kind != EPH_OP_REF)
			m->handle = rp->src->handle_name(rp->src->arg, i);
		m->id = page ? rp->src->page_name(rp->src->arg, op->page)
			     : m->handle;
	}
	rp->cfg->watch(rp->cfg->watch_arg, rp->mc, m);
}

/*
 * The p lines that come next, to the end of the block or a mark, where nobody
 * looks on: false when the executor wants the loop back, or after an error.
 */
static bool
replay_refs(struct replay *rp, uint64_t epoch)
{
	struct eph_machine *mc = rp->mc;
	struct eph_mapping mp;
	const struct eph_op *op = rp->ops_now + rp->i;
	const struct eph_op *end = rp->ops_now + rp->n;

	if (eph_unlikely((uint64_t)(end - op) > rp->mark - rp->res->references))
		end = op + (rp->mark - rp->res->references);
	for (; op != end && op->kind == EPH_OP_REF; op++) {
		if (eph_unlikely(op->cpu >= mc->ncpus))
			break;
		mc->step = rp->line_base + rp->i++;
		mc->op = rp->res->lines++;
		if (eph_unlikely(replay_ref(rp, op, REPLAY_SWIFT, &mp) != 0))
			return (false);
		if (eph_unlikely(mc->attention || rp->epoch != epoch))
			return (false);
	}
	return (true);
}

/*
 * A step of the replay loop: lines, until the executor wants the loop back.
 * A line that slept finds that another call has taken over meanwhile.
 */
static bool
replay_step(void *arg)
{
	struct replay *rp = arg;
	const uint64_t epoch = ++rp->epoch;

	for (;;) {
		const struct eph_op *op;
		struct eph_run_moment m;
		size_t i;

		if (eph_unlikely(rp->res->references >= rp->mark) &&
		    (eph__replay_marks(rp) != 0 || rp->mc->attention ||
			rp->epoch != epoch))
			return (rp->error == 0);
		if (rp->timed_swift) {
			if (!eph__timed_refs(rp, epoch))
				return (rp->error == 0);
			if (rp->res->references >= rp->mark)
				continue;
		}
		if (rp->i == rp->n && !replay_block(rp))
			return (rp->error == 0 && replay_finish_holds(rp));
		if (eph_likely(rp->swift && rp->line_base != 0)) {
			if (!replay_refs(rp, epoch))
				return (rp->error == 0);
			if (rp->i == rp->n || rp->res->references >= rp->mark)
				continue;
		}
		i = rp->i++;
		op = &rp->ops_now[i];
		if (rp->mc->crowded && eph_likely(rp->n - rp->i >= AHEAD_FAR))
			replay_ahead(rp, op);
		rp->mc->step = replay_line(rp, i);
		rp->mc->op = rp->res->lines++;
		if (!replay_cpu_ok(rp, op))
			return (false);
		if (eph_unlikely(rp->log != NULL))
			eph__replay_log_begin(rp->log, op, i);
		if (eph_unlikely(rp->cfg->watch != NULL))
			replay_watch(rp, op, i, &m);
		if (eph_unlikely(replay_op(rp, op) != 0))
			return (false);
		if (eph_unlikely(rp->log != NULL))
			eph__replay_log_end(rp->log);
		if (eph_unlikely(rp->cfg->watch != NULL)) {
			m.begins = false;
			rp->cfg->watch(rp->cfg->watch_arg, rp->mc, &m);
		}
		if (eph_unlikely(rp->mc->attention || rp->epoch != epoch))
			return (rp->error == 0);
	}
}

/* Set-up and results */

static uint64_t
replay_next_use(void *arg)
{
	const struct replay *rp = arg;

	return (rp->src->next_use(rp->src->arg, rp->mc->op));
}

static void
replay_flags_init(struct replay *rp)
{
	const struct eph_design_ops *ops = rp->ops;

	rp->keep_flags = eph_design_flags(ops);
	rp->ref_flags = rp->cfg->flags & rp->keep_flags;
	rp->wires = (ops->flags & EPH_DESIGN_WIRES) != 0;
	rp->ask_first = ops->validity == EPH_VALID_GENERATION;
	rp->this_cpu = ops->validity == EPH_VALID_THIS_CPU;
	rp->nests = rp->cfg->time == NULL ? rp->mc->ncpus : 0;
	rp->sample = !rp->src->has_time && rp->cfg->hold_ns == 0;
	rp->holds = rp->cfg->hold_ns != 0 || rp->cfg->hold_refs != 0;
	rp->held_end = &rp->held_first;
	rp->touch = rp->cfg->touch;
	eph__replay_marks_init(rp);
	if ((rp->cfg->flags & ~rp->keep_flags & SFB_NOWAIT) != 0)
		rp->res->nowait_ignored = true;
}

static double
replay_buffers_mean(const struct replay *rp)
{
	const double over = rp->sample
	    ? (double)(rp->res->lines - rp->marks.lines)
	    : (double)(rp->mc->clock_ns - rp->marks.clock_ns);
	const double sum =
	    rp->sample ? (double)rp->buffers_sampled : rp->buffers_sum;

	return (over > 0 ? sum / over : 0);
}

/*
 * Wirings that no unmap will undo: the last free unwires once, so all but
 * one of a referenced buffer and one of each sleeper.
 */
static uint64_t
replay_wires_leaked(const struct replay *rp)
{
	const uint64_t due = rp->mc->bufs.now + rp->res->asleep;
	const uint64_t wires = rp->wires ? vm_pages_wired(rp->mc) : 0;

	return (wires > due ? wires - due : 0);
}

static void
replay_result(struct replay *rp)
{
	struct eph_run_result *res = rp->res;

	eph__run_result(rp->cfg, rp->mc, res);
	res->held_at_end = rp->mapped;
	res->buffers_mean = replay_buffers_mean(rp);
	res->wires_leaked = replay_wires_leaked(rp);
	eph__replay_marks_result(rp);
}

static void
replay_held_free(struct replay *rp)
{
	*rp->held_end = rp->held_free; /* held ones: where a run failed */
	rp->held_free = rp->held_first;
	while (rp->held_free != NULL) {
		struct held_ref *hr = rp->held_free;

		rp->held_free = hr->next;
		eph_machine_free(rp->mc, hr, sizeof(*hr));
	}
}

static int
replay_play(struct replay *rp)
{
	const struct eph_run_config *cfg = rp->cfg;
	double t0;

	if (!eph_lockstep_ready(rp->mc) ||
	    (cfg->log != NULL &&
		(rp->log = eph__replay_log_create(rp->mc, rp->src, cfg->log)) ==
		    NULL))
		return (eph_err_set(rp->err, ENOMEM, "out of memory"));
	if (cfg->time != NULL &&
	    eph__timed_create(rp->mc, rp->src, cfg->time, &rp->timed,
		&rp->timed_src, rp->err) != 0)
		return (EINVAL);
	if (cfg->time != NULL)
		rp->src = &rp->timed_src;
	rp->ring.step = 1;
	if (rp->mc->crowded)
		rp->last = eph_machine_alloc(
		    rp->mc, rp->mc->ncpus * sizeof(*rp->last));
	rp->swift = rp->mc->plain && !rp->mc->crowded && rp->log == NULL &&
	    cfg->watch == NULL && !rp->holds && !rp->ask_first;
	rp->timed_swift = cfg->time != NULL && rp->log == NULL &&
	    cfg->watch == NULL && !rp->holds && !rp->ask_first;
	t0 = eph__run_seconds();
	rp->res->asleep = eph_lockstep_loop(rp->mc, replay_step, rp);
	rp->res->host_seconds = eph__run_seconds() - t0;
	eph__replay_log_destroy(rp->log);
	rp->log = NULL;
	return (rp->error);
}

static int
replay_in_world(struct replay *rp)
{
	const struct eph_run_config *cfg = rp->cfg;
	int error = 0;

	if (cfg->time != NULL && eph__clock_create(rp->mc) != 0)
		return (eph_err_set(rp->err, ENOMEM, "out of memory"));
	if (cfg->at_start != NULL)
		error =
		    cfg->at_start(cfg->hook_arg, rp->mc, rp->state, rp->err);
	if (error == 0)
		error = replay_play(rp);
	if (error == 0) {
		replay_result(rp);
		if (cfg->at_end != NULL)
			cfg->at_end(cfg->hook_arg, rp->mc, rp->state);
	}
	eph__replay_log_destroy(rp->log);
	eph__replay_handles_free(rp);
	replay_held_free(rp);
	eph_machine_free(rp->mc, rp->seen, rp->nseen * sizeof(*rp->seen));
	eph_machine_free(rp->mc, rp->last, rp->mc->ncpus * sizeof(*rp->last));
	eph__timed_free(rp->timed);
	return (error);
}

static int
replay_run(const struct eph_run_config *cfg, struct eph_op_source *src,
    struct eph_run_result *res, struct eph_err *err)
{
	struct replay rp = { .ops = cfg->design,
		.cfg = cfg,
		.src = src,
		.res = res,
		.err = err };
	struct eph_world_config wcfg = eph__run_world(cfg);
	struct eph_world *world;
	int error;

	if (cfg->hold_refs != 0 && (cfg->hold_ns != 0 || cfg->time != NULL))
		return (eph_err_set(err, EINVAL,
		    "a hold in references stands alone: not beside one in "
		    "time, and not under clocks"));
	if ((cfg->warmup != 0 && cfg->time != NULL) ||
	    ((cfg->warmup != 0 || cfg->sample != NULL) && cfg->threads))
		return (eph_err_set(err, EINVAL,
		    "a warm-up ends and intervals are taken in lockstep, a "
		    "warm-up without clocks"));
	if (cfg->threads)
		return (eph__replay_threads(cfg, src, res, err));
	memset(res, 0, sizeof(*res));
	wcfg.npages_hint = src->npages_hint;
	/* Under clocks nobody knows the order before. */
	if (src->next_use != NULL && cfg->time == NULL)
		wcfg.next_use = replay_next_use;
	wcfg.next_use_arg = &rp;
	if ((error = eph_world_create(&wcfg, &world, err)) != 0)
		return (error);
	rp.mc = eph_world_machine(world);
	rp.state = eph_world_state(world);
	rp.mc->page_name = src->page_name;
	rp.mc->page_name_arg = src->arg;
	replay_flags_init(&rp);
	error = replay_in_world(&rp);
	if (eph_world_destroy(world) != 0 && error == 0)
		PANIC("a run did not give back all its memory");
	return (error);
}

int
eph_replay_run(const struct eph_run_config *cfg, struct eph_op_source *src,
    struct eph_run_result *res, struct eph_err *err)
{
	struct spread_source state;
	struct eph_op_source spread;
	int error;

	if (cfg->spread == EPH_SPREAD_NONE || cfg->cpus == 0)
		return (replay_run(cfg, src, res, err));
	spread = eph__spread_source(&state, cfg, src);
	error = replay_run(cfg, &spread, res, err);
	eph__spread_free(&state);
	return (error);
}
