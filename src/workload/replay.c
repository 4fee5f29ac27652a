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
 * unmap in a row, or, with a hold, an unmap by timer.
 *
 * What is measured besides the counters: buffers in use, integrated over
 * trace time where there are delays, else sampled at each line (at a `p`
 * line while it is mapped).
 */

#include "ephmap/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/kassert.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/pmap.h"
#include "machine/access.h"
#include "machine/frames.h"
#include "workload/replay_log.h"
#include "workload/run.h"

enum handle_state {
	HANDLE_GONE,
	HANDLE_MAPPING, /* its map has not returned */
	HANDLE_MAPPED,
	HANDLE_FAILED,
};

/* A line that waits for its handle's map to return. */
struct parked {
	struct eph_op op;
	uint64_t line;
	uint64_t number; /* of the operation */
	struct parked *next;
};

struct handle {
	void *obj;
	struct vm_page *m;
	eph_va_t va;	       /* as map() gave it */
	uint32_t asked;	       /* index plus one into asked[], 0: nobody */
	uint32_t slot;	       /* EPH_NONE: it has lost its slot */
	uint16_t cpu;	       /* that mapped it */
	uint8_t state;	       /* enum handle_state */
	struct parked *parked; /* in order */
	struct parked **parked_end;
	uint64_t name;	     /* valid once it has lost its slot */
	struct handle *next; /* free, or of the same bucket of names */
};

/* Address that a CPU obtained by `k`, where it is not the map's. */
struct asked {
	eph_va_t va;
	uint32_t cpu;
	uint32_t next; /* index plus one */
};

/* A `p` line whose unmap is still to come. */
struct held_ref {
	struct replay *rp;
	void *obj;
	struct held_ref *next;
};

struct replay {
	struct eph_machine *mc;
	const struct eph_design_ops *ops;
	void *state;
	const struct eph_run_config *cfg;
	struct eph_op_source *src;
	struct eph_run_result *res;
	struct eph_err *err;
	int error;
	unsigned ref_flags;  /* SFB_* of p lines that reach the design */
	unsigned keep_flags; /* SFB_* that the design's API has */
	bool ask_first;	     /* p lines ask for the address before they touch */
	bool this_cpu;	     /* mappings are used on the CPU that mapped them */
	bool wires;
	bool sample;		      /* buffers by line, not by time */
	const struct eph_op *ops_now; /* the block */
	size_t n;
	size_t i;	       /* the next line of it */
	uint64_t line_base;    /* number of its first line, 0: they have gaps */
	uint64_t epoch;	       /* calls of replay_step() */
	uint64_t nheld;	       /* p lines still to be unmapped */
	struct handle **slots; /* NULL: the slot has no handle */
	uint32_t nslots;       /* room */
	struct handle *handle_free;
	struct handle **names; /* handles that have lost their slot */
	uint32_t nnames;       /* how many they are */
	struct asked *asked;
	uint32_t nasked;
	uint32_t asked_free; /* index plus one */
	struct held_ref *held_free;
	uint64_t mapped; /* handles mapped now */
	double buffers_sum;
	uint64_t clock_last;
	struct replay_log *log;
};

static uint64_t replay_line(struct replay *rp, size_t i);

/* Errors */

static int
replay_fail(struct replay *rp, int error, const char *what)
{
	const size_t i = rp->i > 0 ? rp->i - 1 : 0;
	char where[400];

	if (rp->error != 0)
		return (rp->error);
	if (rp->n > 0 && replay_line(rp, i) == rp->mc->step)
		rp->src->where(rp->src->arg, i, where, sizeof(where));
	else
		(void)snprintf(where, sizeof(where),
		    "line %" PRIu64 ", which had slept", rp->mc->step);
	rp->error = eph_err_set(rp->err, error, "%s: %s", where, what);
	return (error);
}

static int
replay_refused(struct replay *rp, int error)
{
	char text[600];

	if (error == ENOMEM)
		return (replay_fail(rp, ENOMEM, "out of memory"));
	(void)snprintf(text, sizeof(text), "%s cannot do this: %s",
	    rp->ops->name, rp->mc->refusal);
	return (replay_fail(rp, ENOTSUP, text));
}

/* Memory for handles and addresses */

static int
replay_grow(
    struct eph_machine *mc, void *pp, uint32_t *np, uint32_t want, size_t size)
{
	void *old, *table;
	uint32_t n = *np == 0 ? 256 : *np;

	while (n <= want)
		n *= 2;
	memcpy(&old, pp, sizeof(old));
	table = eph_machine_alloc(mc, n * size);
	if (table == NULL)
		return (ENOMEM);
	if (old != NULL)
		memcpy(table, old, *np * size);
	eph_machine_free(mc, old, *np * size);
	memcpy(pp, &table, sizeof(table));
	*np = n;
	return (0);
}

/* The place of a slot's handle; NULL when out of memory. */
static inline struct handle **
replay_slot(struct replay *rp, uint32_t slot)
{
	if (eph_unlikely(slot >= rp->nslots) &&
	    replay_grow(rp->mc, &rp->slots, &rp->nslots, slot,
		sizeof(*rp->slots)) != 0) {
		(void)replay_fail(rp, ENOMEM, "out of memory for handles");
		return (NULL);
	}
	return (&rp->slots[slot]);
}

static struct handle *
replay_handle_new(struct replay *rp, uint32_t slot)
{
	struct handle *h = rp->handle_free;

	if (h != NULL)
		rp->handle_free = h->next;
	else if ((h = eph_machine_alloc(rp->mc, sizeof(*h))) == NULL)
		return (NULL);
	*h = (struct handle){ .slot = slot };
	h->parked_end = &h->parked;
	rp->slots[slot] = h;
	return (h);
}

static void
replay_handle_gone(struct replay *rp, struct handle *h)
{
	if (h->slot != EPH_NONE)
		rp->slots[h->slot] = NULL;
	h->next = rp->handle_free;
	rp->handle_free = h;
}

/* Handles that have lost their slot, by name */

#define REPLAY_NAMES 4096u

static struct handle **
replay_bucket(struct replay *rp, uint64_t name)
{
	return (&rp->names[(name * 0x9e3779b97f4a7c15u) >> 52]);
}

/* Handle `h`, named by the line that is played, loses its slot. */
static int
replay_lose_slot(struct replay *rp, struct handle *h)
{
	struct handle **hp;

	if (rp->names == NULL &&
	    (rp->names = eph_machine_alloc(
		 rp->mc, REPLAY_NAMES * sizeof(*rp->names))) == NULL)
		return (replay_fail(rp, ENOMEM, "out of memory"));
	h->name = rp->src->handle_name(rp->src->arg, rp->i - 1);
	hp = replay_bucket(rp, h->name);
	h->next = *hp;
	*hp = h;
	rp->nnames++;
	rp->slots[h->slot] = NULL;
	h->slot = EPH_NONE;
	return (0);
}

/* Take `h` out of the names. */
static void
replay_unname(struct replay *rp, struct handle *h)
{
	struct handle **hp = replay_bucket(rp, h->name);

	while (*hp != h)
		hp = &(*hp)->next;
	*hp = h->next;
	rp->nnames--;
}

/* The handle that the line played names, if it waits without a slot. */
static struct handle *
replay_by_name(struct replay *rp, uint32_t slot)
{
	const uint64_t name = rp->src->handle_name(rp->src->arg, rp->i - 1);
	struct handle *h = *replay_bucket(rp, name);

	while (h != NULL && h->name != name)
		h = h->next;
	if (h != NULL) {
		replay_unname(rp, h);
		h->slot = slot;
		rp->slots[slot] = h;
	}
	return (h);
}

/* Addresses obtained by `k` */

static void
replay_forget_asked(struct replay *rp, struct handle *h)
{
	while (h->asked != 0) {
		const uint32_t i = h->asked;

		h->asked = rp->asked[i - 1].next;
		rp->asked[i - 1].next = rp->asked_free;
		rp->asked_free = i;
	}
}

static struct asked *
replay_asked(struct replay *rp, const struct handle *h, unsigned cpu)
{
	for (uint32_t i = h->asked; i != 0; i = rp->asked[i - 1].next) {
		if (rp->asked[i - 1].cpu == cpu)
			return (&rp->asked[i - 1]);
	}
	return (NULL);
}

/* Remember that `cpu` was given `va`, unless it is the map's own. */
static int
replay_note_asked(
    struct replay *rp, struct handle *h, unsigned cpu, eph_va_t va)
{
	struct asked *a = replay_asked(rp, h, cpu);
	uint32_t i;

	if (a != NULL) {
		a->va = va;
		return (0);
	}
	if (va == h->va)
		return (0);
	if ((i = rp->asked_free) == 0) {
		const uint32_t old = rp->nasked;

		if (replay_grow(rp->mc, &rp->asked, &rp->nasked, old,
			sizeof(*rp->asked)) != 0)
			return (ENOMEM);
		for (uint32_t k = rp->nasked; k > old; k--) {
			rp->asked[k - 1].next = rp->asked_free;
			rp->asked_free = k;
		}
		i = rp->asked_free;
	}
	rp->asked_free = rp->asked[i - 1].next;
	rp->asked[i - 1] = (struct asked){ va, cpu, h->asked };
	h->asked = i;
	return (0);
}

/* Buffers in use, over time or lines */

static inline void
replay_sample(struct replay *rp)
{
	if (rp->sample)
		rp->buffers_sum += (double)rp->mc->bufs.now;
}

static void
replay_integrate(struct replay *rp)
{
	const uint64_t now = rp->mc->clock_ns;

	rp->buffers_sum +=
	    (double)rp->mc->bufs.now * (double)(now - rp->clock_last);
	rp->clock_last = now;
}

/* Operations on a mapped handle */

static int
replay_touch(
    struct replay *rp, struct handle *h, unsigned cpu, enum eph_touch touch)
{
	const struct asked *a = h->asked != 0 ? replay_asked(rp, h, cpu) : NULL;
	uint32_t reached;
	int error;

	if (eph_unlikely(rp->this_cpu && cpu != h->cpu)) {
		error = eph_machine_refuse(rp->mc,
		    "a mapping of CPU %u cannot be used on CPU %u", h->cpu,
		    cpu);
		return (replay_refused(rp, error));
	}
	error = machine_access_inline(
	    rp->mc, a != NULL ? a->va : h->va, touch, h->m, &reached);
	if (eph_unlikely(error != 0))
		return (replay_refused(rp, error));
	return (0);
}

static int
replay_kva(struct replay *rp, struct handle *h, unsigned cpu)
{
	const eph_va_t va = rp->ops->kva(rp->state, h->obj);

	if (va == 0)
		return (replay_refused(rp, ENOTSUP));
	if (replay_note_asked(rp, h, cpu, va) != 0)
		return (replay_fail(rp, ENOMEM, "out of memory"));
	return (0);
}

static int
replay_unmap(struct replay *rp, struct handle *h)
{
	const int error = rp->ops->unmap(rp->state, h->obj);

	if (error != 0)
		return (replay_refused(rp, error));
	replay_forget_asked(rp, h);
	h->state = HANDLE_GONE;
	rp->mapped--;
	return (0);
}

/* k, r, w, u of a handle whose map has returned. */
static int
replay_use(struct replay *rp, const struct eph_op *op, struct handle *h)
{
	if (h->state == HANDLE_FAILED) {
		if (op->kind == EPH_OP_UNMAP)
			h->state = HANDLE_GONE;
		return (0);
	}
	cpu_enter_inline(rp->mc, op->cpu);
	switch (op->kind) {
	case EPH_OP_KVA:
		return (replay_kva(rp, h, op->cpu));
	case EPH_OP_READ:
		return (replay_touch(rp, h, op->cpu, EPH_TOUCH_READ));
	case EPH_OP_WRITE:
		return (replay_touch(rp, h, op->cpu, EPH_TOUCH_WRITE));
	default:
		return (replay_unmap(rp, h));
	}
}

static int
replay_park(struct replay *rp, const struct eph_op *op, struct handle *h)
{
	struct parked *p = eph_machine_alloc(rp->mc, sizeof(*p));

	if (p == NULL)
		return (replay_fail(rp, ENOMEM, "out of memory"));
	p->op = *op;
	p->line = rp->mc->step;
	p->number = rp->mc->op;
	EPH_NOTE(rp->mc, "waits: the map of its handle sleeps");
	*h->parked_end = p;
	h->parked_end = &p->next;
	return (op->kind == EPH_OP_UNMAP ? replay_lose_slot(rp, h) : 0);
}

static unsigned
replay_flags(unsigned opf)
{
	unsigned flags = SFB_DEFAULT;

	if ((opf & EPH_OPF_PRIVATE) != 0)
		flags |= SFB_CPUPRIVATE;
	if ((opf & EPH_OPF_NOWAIT) != 0)
		flags |= SFB_NOWAIT;
	if ((opf & EPH_OPF_CATCH) != 0)
		flags |= SFB_CATCH;
	return (flags);
}

static struct vm_page *
replay_page(struct replay *rp, uint32_t page)
{
	struct vm_page *m = vm_page_get_inline(rp->mc, page);

	if (eph_unlikely(m == NULL))
		(void)replay_fail(
		    rp, ENOMEM, "more pages than the machine has frames");
	return (m);
}

/* Map; may sleep, so that nothing of the block is looked at afterwards. */
static int
replay_map(struct replay *rp, const struct eph_op *op, struct handle *h)
{
	const unsigned flags = replay_flags(op->flags);
	struct vm_page *m = replay_page(rp, op->page);
	struct eph_mapping mp;
	int error;

	if (m == NULL)
		return (rp->error);
	cpu_enter_inline(rp->mc, op->cpu);
	h->state = HANDLE_MAPPING;
	h->m = m;
	h->cpu = op->cpu;
	rp->res->references++;
	if ((flags & ~rp->keep_flags & SFB_NOWAIT) != 0)
		rp->res->nowait_ignored = true;
	if (rp->wires)
		vm_page_wire(rp->mc, m);
	error = rp->ops->map(rp->state, m, flags & rp->keep_flags, &mp);
	if (error == 0) {
		h->obj = mp.obj;
		h->va = mp.va;
		h->state = HANDLE_MAPPED;
		rp->mapped++;
		return (0);
	}
	if (error != EAGAIN && error != EINTR)
		return (replay_refused(rp, error));
	if (rp->wires)
		vm_page_unwire(rp->mc, m);
	h->state = HANDLE_FAILED;
	return (0);
}

/* Play what waited for the handle; maps among it may sleep again. */
static int
replay_unpark(struct replay *rp, struct handle *h)
{
	int error = 0;

	while (error == 0 && h->parked != NULL) {
		struct parked *p = h->parked;
		const struct eph_op op = p->op;

		h->parked = p->next;
		if (h->parked == NULL)
			h->parked_end = &h->parked;
		rp->mc->step = p->line;
		rp->mc->op = p->number;
		eph_machine_free(rp->mc, p, sizeof(*p));
		error = op.kind == EPH_OP_MAP ? replay_map(rp, &op, h)
					      : replay_use(rp, &op, h);
	}
	if (error == 0 && h->state == HANDLE_GONE) {
		if (h->slot == EPH_NONE)
			replay_unname(rp, h);
		replay_handle_gone(rp, h);
	}
	return (error);
}

/* m: a new handle, or one that waits for an earlier map of its own. */
static int
replay_map_op(struct replay *rp, const struct eph_op *op)
{
	struct handle **hp = replay_slot(rp, op->slot);
	struct handle *h;
	int error;

	if (hp == NULL)
		return (rp->error);
	h = *hp;
	if (h == NULL && rp->nnames != 0)
		h = replay_by_name(rp, op->slot);
	if (h != NULL && h->state == HANDLE_MAPPING)
		return (replay_park(rp, op, h));
	if (h != NULL && h->state == HANDLE_MAPPED)
		return (
		    replay_fail(rp, EINVAL, "the handle is mapped already"));
	if (h == NULL && (h = replay_handle_new(rp, op->slot)) == NULL)
		return (replay_fail(rp, ENOMEM, "out of memory for handles"));
	error = replay_map(rp, op, h);
	if (eph_unlikely(error == 0 && h->parked != NULL))
		error = replay_unpark(rp, h);
	return (error);
}

/* A line with a handle. */
static int
replay_handle_op(struct replay *rp, const struct eph_op *op)
{
	struct handle **hp;
	struct handle *h;
	int error;

	if (op->kind == EPH_OP_MAP)
		return (replay_map_op(rp, op));
	hp = replay_slot(rp, op->slot);
	if (hp == NULL || (h = *hp) == NULL)
		return (replay_fail(rp, EINVAL, "the handle is not mapped"));
	if (eph_unlikely(h->state == HANDLE_MAPPING))
		return (replay_park(rp, op, h));
	error = replay_use(rp, op, h);
	if (error == 0 && h->state == HANDLE_GONE)
		replay_handle_gone(rp, h);
	return (error);
}

/* p lines */

static void
replay_ref_unmap(struct eph_machine *mc, void *arg)
{
	struct held_ref *hr = arg;
	struct replay *rp = hr->rp;
	int error;

	(void)mc;
	replay_integrate(rp);
	error = rp->ops->unmap(rp->state, hr->obj);
	if (error != 0)
		(void)replay_refused(rp, error);
	hr->next = rp->held_free;
	rp->held_free = hr;
	rp->nheld--;
}

static int
replay_ref_hold(struct replay *rp, void *obj, unsigned cpu)
{
	struct held_ref *hr = rp->held_free;

	if (hr != NULL)
		rp->held_free = hr->next;
	else
		hr = eph_machine_alloc(rp->mc, sizeof(*hr));
	if (hr == NULL)
		return (replay_fail(rp, ENOMEM, "out of memory"));
	hr->rp = rp;
	hr->obj = obj;
	rp->nheld++;
	if (rp->mc->exec->timer(rp->mc, rp->mc->clock_ns + rp->cfg->hold_ns,
		cpu, replay_ref_unmap, hr) != 0)
		return (replay_fail(rp, ENOMEM, "out of memory"));
	return (0);
}

static inline int
replay_ref(struct replay *rp, const struct eph_op *op)
{
	struct eph_machine *mc = rp->mc;
	const unsigned cpu = op->cpu;
	struct vm_page *m;
	struct eph_mapping mp;
	uint32_t reached;
	int error;

	cpu_enter_inline(mc, cpu);
	if (eph_unlikely((m = replay_page(rp, op->page)) == NULL))
		return (rp->error);
	rp->res->references++;
	if (eph_unlikely(rp->wires))
		vm_page_wire(mc, m);
	error = rp->ops->map(rp->state, m, rp->ref_flags, &mp);
	if (eph_unlikely(error != 0)) {
		if (error != EAGAIN && error != EINTR)
			return (replay_refused(rp, error));
		if (rp->wires)
			vm_page_unwire(mc, m);
		return (0);
	}
	if (rp->cfg->touch != EPH_TOUCH_NONE) {
		if (eph_unlikely(rp->ask_first) &&
		    (mp.va = rp->ops->kva(rp->state, mp.obj)) == 0)
			return (replay_refused(rp, ENOTSUP));
		error = machine_access_inline(
		    mc, mp.va, rp->cfg->touch, m, &reached);
		if (eph_unlikely(error != 0))
			return (replay_refused(rp, error));
	}
	replay_sample(rp);
	if (eph_unlikely(rp->cfg->hold_ns != 0))
		return (replay_ref_hold(rp, mp.obj, cpu));
	error = rp->ops->unmap(rp->state, mp.obj);
	return (eph_likely(error == 0) ? 0 : replay_refused(rp, error));
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
		return (replay_ref(rp, op));
	case EPH_OP_DELAY:
		return (replay_delay(rp, eph_op_delay_ns(op)));
	default:
		error = replay_handle_op(rp, op);
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
	(void)replay_fail(rp, EINVAL, text);
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
	if (src->line(src->arg, rp->n - 1) - rp->line_base != rp->n - 1)
		rp->line_base = 0;
	return (true);
}

/* The line number of operation `i` of the block. */
static inline uint64_t
replay_line(struct replay *rp, size_t i)
{
	if (eph_likely(rp->line_base != 0))
		return (rp->line_base + i);
	return (rp->src->line(rp->src->arg, i));
}

/* Let a timer that a held `p` line waits for come due. */
static bool
replay_finish_holds(struct replay *rp)
{
	const uint64_t at = eph_lockstep_next_timer(rp->mc);

	if (rp->nheld == 0 || at == UINT64_MAX)
		return (false);
	return (replay_delay(rp, at - rp->mc->clock_ns) == 0);
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
		size_t i;

		if (rp->i == rp->n && !replay_block(rp))
			return (rp->error == 0 && replay_finish_holds(rp));
		i = rp->i++;
		op = &rp->ops_now[i];
		rp->mc->step = replay_line(rp, i);
		rp->mc->op = rp->res->lines++;
		if (!replay_cpu_ok(rp, op))
			return (false);
		if (eph_unlikely(rp->log != NULL))
			eph__replay_log_begin(rp->log, op, i);
		if (eph_unlikely(replay_op(rp, op) != 0))
			return (false);
		if (eph_unlikely(rp->log != NULL))
			eph__replay_log_end(rp->log);
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

static int
replay_design(struct replay *rp)
{
	const struct eph_policy_env env = { .seed = rp->cfg->seed,
		.params = rp->cfg->policy_params,
		.next_use = rp->src->next_use != NULL ? replay_next_use : NULL,
		.next_use_arg = rp };

	return (eph__run_design(
	    rp->mc, rp->cfg, rp->src->npages_hint, &env, &rp->state, rp->err));
}

static void
replay_flags_init(struct replay *rp)
{
	const struct eph_design_ops *ops = rp->ops;

	rp->keep_flags = SFB_CATCH;
	if ((ops->flags & EPH_DESIGN_PRIVATE) != 0)
		rp->keep_flags |= SFB_CPUPRIVATE;
	if ((ops->flags & EPH_DESIGN_NOWAIT) != 0)
		rp->keep_flags |= SFB_NOWAIT;
	rp->ref_flags = rp->cfg->flags & rp->keep_flags;
	rp->wires = (ops->flags & EPH_DESIGN_WIRES) != 0;
	rp->ask_first = ops->validity == EPH_VALID_GENERATION;
	rp->this_cpu = ops->validity == EPH_VALID_THIS_CPU;
	rp->sample = !rp->src->has_time && rp->cfg->hold_ns == 0;
	if ((rp->cfg->flags & ~rp->keep_flags & SFB_NOWAIT) != 0)
		rp->res->nowait_ignored = true;
}

static double
replay_buffers_mean(const struct replay *rp)
{
	const double over =
	    rp->sample ? (double)rp->res->lines : (double)rp->mc->clock_ns;

	return (over > 0 ? rp->buffers_sum / over : 0);
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

	eph__run_result(rp->mc, res);
	res->held_at_end = rp->mapped;
	res->buffers_mean = replay_buffers_mean(rp);
	res->wires_leaked = replay_wires_leaked(rp);
}

static void
replay_free_handle(struct replay *rp, struct handle *h)
{
	while (h->parked != NULL) {
		struct parked *p = h->parked;

		h->parked = p->next;
		eph_machine_free(rp->mc, p, sizeof(*p));
	}
	eph_machine_free(rp->mc, h, sizeof(*h));
}

static void
replay_free_handles(struct replay *rp, struct handle *h)
{
	while (h != NULL) {
		struct handle *next = h->next;

		replay_free_handle(rp, h);
		h = next;
	}
}

static void
replay_free(struct replay *rp)
{
	struct eph_machine *mc = rp->mc;

	for (uint32_t i = 0; i < rp->nslots; i++) {
		if (rp->slots[i] != NULL)
			replay_free_handle(rp, rp->slots[i]);
	}
	for (uint32_t i = 0; rp->names != NULL && i < REPLAY_NAMES; i++)
		replay_free_handles(rp, rp->names[i]);
	replay_free_handles(rp, rp->handle_free);
	while (rp->held_free != NULL) {
		struct held_ref *hr = rp->held_free;

		rp->held_free = hr->next;
		eph_machine_free(mc, hr, sizeof(*hr));
	}
	if (rp->names != NULL)
		eph_machine_free(
		    mc, rp->names, REPLAY_NAMES * sizeof(*rp->names));
	eph_machine_free(mc, rp->slots, rp->nslots * sizeof(*rp->slots));
	eph_machine_free(mc, rp->asked, rp->nasked * sizeof(*rp->asked));
}

static int
replay_play(struct replay *rp)
{
	const struct eph_run_config *cfg = rp->cfg;
	double t0;

	if (cfg->log != NULL &&
	    (rp->log = eph__replay_log_create(rp->mc, rp->src, cfg->log)) ==
		NULL)
		return (eph_err_set(rp->err, ENOMEM, "out of memory"));
	t0 = eph__run_seconds();
	rp->res->asleep = eph_lockstep_loop(rp->mc, replay_step, rp);
	rp->res->host_seconds = eph__run_seconds() - t0;
	eph__replay_log_destroy(rp->log);
	return (rp->error);
}

static int
replay_with_machine(struct replay *rp)
{
	const struct eph_run_config *cfg = rp->cfg;
	int error;

	if (cfg->costs != NULL)
		rp->mc->costs = *cfg->costs;
	if ((error = replay_design(rp)) != 0)
		return (error);
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
	replay_free(rp);
	rp->ops->destroy(rp->state);
	return (error);
}

int
eph_replay_run(const struct eph_run_config *cfg, struct eph_op_source *src,
    struct eph_run_result *res, struct eph_err *err)
{
	const struct eph_machine_config mcfg = {
		.model = cfg->machine,
		.tlb = cfg->tlb,
		.ncpus = cfg->cpus,
		.seed = cfg->seed,
		.contents = cfg->contents,
	};
	struct replay rp = { .ops = cfg->design,
		.cfg = cfg,
		.src = src,
		.res = res,
		.err = err };
	int error;

	if (cfg->threads)
		return (eph__replay_threads(cfg, src, res, err));
	memset(res, 0, sizeof(*res));
	if ((error = eph_machine_create(&mcfg, &rp.mc, err)) != 0)
		return (error);
	rp.mc->page_name = src->page_name;
	rp.mc->page_name_arg = src->arg;
	replay_flags_init(&rp);
	error = replay_with_machine(&rp);
	if (eph_machine_destroy(rp.mc) != 0 && error == 0)
		PANIC("a run did not give back all its memory");
	return (error);
}
