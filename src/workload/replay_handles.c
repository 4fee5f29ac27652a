/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Handles of a replay: lines m, k, r, w and u, parked while a map sleeps.
 * See replay.c.
 */

#include "ephmap/sdk/design.h"
#include "workload/replay_impl.h"

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
		(void)eph__replay_fail(rp, ENOMEM, "out of memory for handles");
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

/*
 * Nesting.  A thread that sleeps in a map unmaps nothing.  So where the lines
 * of a CPU nest as a thread's do, and a mapping is unmapped that was made
 * before one that still sleeps though its own u line has passed, the trace
 * lets that thread do what it could not: a kernel would have stood still.
 */

/* Line m of a new handle. */
static int
nest_map(struct replay *rp, struct handle *h, unsigned cpu)
{
	const size_t size = rp->mc->ncpus * sizeof(*rp->nest);
	struct nest *n;

	if (rp->nest == NULL &&
	    (rp->nest = eph_machine_alloc(rp->mc, size)) == NULL)
		return (eph__replay_fail(rp, ENOMEM, "out of memory"));
	n = &rp->nest[cpu];
	h->below = n->top;
	n->top = h;
	return (0);
}

/* The lines of a CPU do not nest. */
static void
nest_break(struct replay *rp, unsigned cpu)
{
	rp->nests -= !rp->nest[cpu].broken;
	rp->nest[cpu].broken = true;
}

/* Line u; `waits': the handle sleeps, and so does the line. */
static void
nest_unmap(struct replay *rp, struct handle *h, unsigned cpu, bool waits)
{
	struct nest *n = &rp->nest[h->cpu];

	if (n->broken)
		return;
	if (n->top != h || cpu != h->cpu) {
		nest_break(rp, h->cpu);
	} else {
		n->top = h->below;
		if (waits) {
			n->late++;
			h->late = n->hits + 1;
		} else if (n->late != 0) {
			rp->res->slept_holding += n->late;
			n->late = 0;
			n->hits++;
		}
	}
}

/* The handle's map has returned. */
static void
nest_woken(struct replay *rp, struct handle *h)
{
	struct nest *n = &rp->nest[h->cpu];

	n->late -= h->late == n->hits + 1;
	h->late = 0;
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
		return (eph__replay_fail(rp, ENOMEM, "out of memory"));
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
		return (eph__replay_refused(rp, error));
	}
	error = machine_access_inline(
	    rp->mc, a != NULL ? a->va : h->va, touch, h->m, &reached);
	if (eph_unlikely(error != 0))
		return (eph__replay_refused(rp, error));
	return (0);
}

static int
replay_kva(struct replay *rp, struct handle *h, unsigned cpu)
{
	const eph_va_t va = rp->ops->kva(rp->state, h->obj);

	if (va == 0)
		return (eph__replay_refused(rp, ENOTSUP));
	if (replay_note_asked(rp, h, cpu, va) != 0)
		return (eph__replay_fail(rp, ENOMEM, "out of memory"));
	return (0);
}

static int
replay_unmap(struct replay *rp, struct handle *h)
{
	const uint64_t since = eph_clock_now(rp->mc);
	const int error = rp->ops->unmap(rp->state, h->obj);

	eph_clock_unmapped(rp->mc, since);
	if (error != 0)
		return (eph__replay_refused(rp, error));
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
		return (eph__replay_fail(rp, ENOMEM, "out of memory"));
	p->op = *op;
	p->line = rp->mc->step;
	p->number = rp->mc->op;
	EPH_NOTE(rp->mc, "waits: the map of its handle sleeps");
	*h->parked_end = p;
	h->parked_end = &p->next;
	if (op->kind != EPH_OP_UNMAP)
		return (0);
	if (rp->nests != 0)
		nest_unmap(rp, h, op->cpu, true);
	return (replay_lose_slot(rp, h));
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

/* Map; may sleep, so that nothing of the block is looked at afterwards. */
static int
replay_map(struct replay *rp, const struct eph_op *op, struct handle *h)
{
	const unsigned flags = replay_flags(op->flags);
	struct vm_page *m = replay_page(rp, op->page);
	struct eph_mapping mp;
	uint64_t since;
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
	since = eph_clock_now(rp->mc);
	error = rp->ops->map(rp->state, m, flags & rp->keep_flags, &mp);
	if (error == 0) {
		eph_clock_mapped(rp->mc, since);
		h->obj = mp.obj;
		h->va = mp.va;
		h->state = HANDLE_MAPPED;
		rp->mapped++;
		return (0);
	}
	if (error != EAGAIN && error != EINTR)
		return (eph__replay_refused(rp, error));
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

	if (h->late != 0)
		nest_woken(rp, h);
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
	if (h != NULL && h->state == HANDLE_MAPPING) {
		if (rp->nests != 0)
			nest_break(rp, h->cpu);
		return (replay_park(rp, op, h));
	}
	if (h != NULL && h->state == HANDLE_MAPPED)
		return (eph__replay_fail(
		    rp, EINVAL, "the handle is mapped already"));
	if (h == NULL && (h = replay_handle_new(rp, op->slot)) == NULL)
		return (
		    eph__replay_fail(rp, ENOMEM, "out of memory for handles"));
	if (rp->nests != 0 && (error = nest_map(rp, h, op->cpu)) != 0)
		return (error);
	error = replay_map(rp, op, h);
	if (eph_unlikely(error == 0 && h->parked != NULL))
		error = replay_unpark(rp, h);
	return (error);
}

/* A line with a handle. */
int
eph__replay_handle_op(struct replay *rp, const struct eph_op *op)
{
	struct handle **hp;
	struct handle *h;
	int error;

	if (op->kind == EPH_OP_MAP)
		return (replay_map_op(rp, op));
	hp = replay_slot(rp, op->slot);
	if (hp == NULL || (h = *hp) == NULL)
		return (
		    eph__replay_fail(rp, EINVAL, "the handle is not mapped"));
	if (eph_unlikely(h->state == HANDLE_MAPPING))
		return (replay_park(rp, op, h));
	if (op->kind == EPH_OP_UNMAP && rp->nests != 0)
		nest_unmap(rp, h, op->cpu, false);
	error = replay_use(rp, op, h);
	if (error == 0 && h->state == HANDLE_GONE)
		replay_handle_gone(rp, h);
	return (error);
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

void
eph__replay_handles_free(struct replay *rp)
{
	struct eph_machine *mc = rp->mc;

	for (uint32_t i = 0; i < rp->nslots; i++) {
		if (rp->slots[i] != NULL)
			replay_free_handle(rp, rp->slots[i]);
	}
	for (uint32_t i = 0; rp->names != NULL && i < REPLAY_NAMES; i++)
		replay_free_handles(rp, rp->names[i]);
	replay_free_handles(rp, rp->handle_free);
	if (rp->names != NULL)
		eph_machine_free(
		    mc, rp->names, REPLAY_NAMES * sizeof(*rp->names));
	eph_machine_free(mc, rp->slots, rp->nslots * sizeof(*rp->slots));
	if (rp->nest != NULL)
		eph_machine_free(mc, rp->nest, mc->ncpus * sizeof(*rp->nest));
	eph_machine_free(mc, rp->asked, rp->nasked * sizeof(*rp->asked));
}
