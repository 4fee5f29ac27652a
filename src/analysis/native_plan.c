/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Plans: recorded from a run, or one of the built-in schedules.
 *
 * The recorder watches the machine.  An entry stored is a map or an unmap of
 * its address, a hit or a walk is a touch.  Addresses become slots in order
 * of first sight: nothing in a plan depends on where an address lies.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ephmap/native.h"
#include "ephmap/sdk/machine.h"

struct recorder {
	struct eph_native_plan *plan;
	struct eph_machine *mc;
	uint32_t *slot_of; /* by page of the window; EPH_NONE: unseen */
	uint32_t npages;
	uint32_t *frame_of; /* by slot: mapped now; EPH_NONE: not */
};

static void
plan_add(struct eph_native_plan *p, enum eph_native_kind kind, unsigned cpu,
    uint32_t slot, uint32_t frame)
{
	if (p->n == p->room) {
		const size_t room = p->room != 0 ? p->room * 2 : 4096;
		struct eph_native_step *step =
		    realloc(p->step, room * sizeof(*step));

		if (step == NULL) {
			p->error = ENOMEM;
			return;
		}
		p->step = step;
		p->room = room;
	}
	p->step[p->n++] = (struct eph_native_step){ .slot = slot,
		.frame = frame,
		.cpu = (uint16_t)cpu,
		.kind = (uint16_t)kind };
	if (kind == EPH_NATIVE_MAP && frame >= p->nframes)
		p->nframes = frame + 1;
	if (cpu >= p->cpus)
		p->cpus = cpu + 1;
}

static uint32_t
recorder_slot(struct recorder *r, eph_va_t va)
{
	const uint64_t page = eph_atop(va - r->mc->kva_base);

	if (va < r->mc->kva_base || page >= r->npages)
		return (EPH_NONE);
	if (r->slot_of[page] == EPH_NONE) {
		r->slot_of[page] = r->plan->nslots;
		r->frame_of[r->plan->nslots++] = EPH_NONE;
	}
	return (r->slot_of[page]);
}

static void
recorder_pte(struct recorder *r, const struct eph_event *ev)
{
	const uint32_t slot = recorder_slot(r, ev->va);
	const bool valid = (ev->new &EPH_PTE_V) != 0;

	if (slot == EPH_NONE || (!valid && r->frame_of[slot] == EPH_NONE))
		return;
	r->frame_of[slot] = valid ? EPH_PTE_FRAME(ev->new) : EPH_NONE;
	plan_add(r->plan, valid ? EPH_NATIVE_MAP : EPH_NATIVE_UNMAP, ev->cpu,
	    slot, valid ? r->frame_of[slot] : 0);
}

static void
recorder_touch(struct recorder *r, const struct eph_event *ev)
{
	const uint32_t slot = recorder_slot(r, ev->va);

	/* A host that shoots down what changes has no stale entry to use. */
	if (slot == EPH_NONE || r->frame_of[slot] == EPH_NONE)
		return;
	plan_add(r->plan, EPH_NATIVE_LOAD, ev->cpu, slot, r->frame_of[slot]);
}

static void
recorder_watch(void *arg, const struct eph_event *ev)
{
	struct recorder *r = arg;

	if (ev->kind == EPH_EV_PTE)
		recorder_pte(r, ev);
	else if (ev->kind == EPH_EV_HIT || ev->kind == EPH_EV_WALK)
		recorder_touch(r, ev);
}

static int
recorder_start(
    void *arg, struct eph_machine *mc, void *state, struct eph_err *err)
{
	struct recorder *r = arg;

	(void)state;
	r->mc = mc;
	r->npages = mc->kva_pages;
	r->slot_of = malloc(r->npages * sizeof(*r->slot_of));
	r->frame_of = malloc(r->npages * sizeof(*r->frame_of));
	if (r->slot_of == NULL || r->frame_of == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	memset(r->slot_of, 0xff, r->npages * sizeof(*r->slot_of));
	eph_machine_set_observer(mc, recorder_watch, r);
	return (0);
}

static void
recorder_end(void *arg, struct eph_machine *mc, void *state)
{
	(void)arg, (void)state;
	eph_machine_set_observer(mc, NULL, NULL);
}

int
eph_native_record(const struct eph_run_config *cfg, struct eph_op_source *src,
    struct eph_native_plan **planp, struct eph_err *err)
{
	struct eph_run_config rc = *cfg;
	struct eph_run_result *res = calloc(1, sizeof(*res));
	struct eph_native_plan *plan = calloc(1, sizeof(*plan));
	struct recorder r = { .plan = plan };
	int error;

	if (res == NULL || plan == NULL) {
		free(res);
		free(plan);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	rc.at_start = recorder_start;
	rc.at_end = recorder_end;
	rc.hook_arg = &r;
	rc.threads = false;
	rc.log = NULL;
	error = eph_replay_run(&rc, src, res, err);
	if (error == 0 && plan->error != 0)
		error = eph_err_set(err, plan->error, "out of memory");
	plan->references = res->references;
	plan->ipi_sent = res->counters.ipi_sent;
	plan->needless_ipi = res->counters.needless_ipi;
	free(r.slot_of);
	free(r.frame_of);
	free(res);
	if (error != 0)
		eph_native_free(plan);
	else
		*planp = plan;
	return (error);
}

void
eph_native_free(struct eph_native_plan *plan)
{
	if (plan == NULL)
		return;
	free(plan->step);
	free(plan);
}

uint64_t
eph_native_predict(const struct eph_native_plan *plan)
{
	bool *present = calloc((size_t)plan->nslots + 1, sizeof(*present));
	uint64_t shot = 0;

	if (present == NULL)
		return (UINT64_MAX);
	for (size_t i = 0; i < plan->n; i++) {
		const struct eph_native_step *s = &plan->step[i];
		const uint32_t n = s->kind == EPH_NATIVE_DROP ? s->frame : 1;

		if (s->kind == EPH_NATIVE_LOAD) {
			present[s->slot] = true;
			continue;
		}
		/* One for each mapping of the host's, and each is one page. */
		for (uint32_t k = 0; k < n; k++) {
			shot += present[s->slot + k];
			present[s->slot + k] = false;
		}
	}
	free(present);
	return (shot);
}

/*
 * Built-in schedules.  `ring' drops `batch' slots in a row by one call and
 * fills them one by one; else the least recently used slot is mapped anew.
 */
struct schedule {
	const char *name;
	uint32_t nslots;
	unsigned touch; /* percent of the references */
	enum eph_native_others others;
	uint32_t batch; /* 0: LRU */
};

#define SCHEDULE_PAGES 4096u
#define SCHEDULE_REFS  20000u

static const struct schedule schedules[] = {
	{ "LRU of 64 slots", 64, 100, EPH_NATIVE_SPIN, 0 },
	{ "LRU of 256 slots", 256, 100, EPH_NATIVE_SPIN, 0 },
	{ "LRU of 1024 slots", 1024, 100, EPH_NATIVE_SPIN, 0 },
	{ "LRU of 256, no second thread", 256, 100, EPH_NATIVE_ALONE, 0 },
	{ "LRU of 256, second thread asleep", 256, 100, EPH_NATIVE_SLEEP, 0 },
	{ "LRU of 256, no page touched", 256, 0, EPH_NATIVE_SPIN, 0 },
	{ "LRU of 256, 25 % touched", 256, 25, EPH_NATIVE_SPIN, 0 },
	{ "LRU of 256, 50 % touched", 256, 50, EPH_NATIVE_SPIN, 0 },
	{ "LRU of 256, 75 % touched", 256, 75, EPH_NATIVE_SPIN, 0 },
	{ "ring of 256, 1 by 1", 256, 100, EPH_NATIVE_SPIN, 1 },
	{ "ring of 256, 2 by 2", 256, 100, EPH_NATIVE_SPIN, 2 },
	{ "ring of 256, 8 by 8", 256, 100, EPH_NATIVE_SPIN, 8 },
	{ "ring of 256, 32 by 32", 256, 100, EPH_NATIVE_SPIN, 32 },
	{ "ring of 231, 33 by 33", 231, 100, EPH_NATIVE_SPIN, 33 },
	{ "ring of 256, 64 by 64", 256, 100, EPH_NATIVE_SPIN, 64 },
	{ "LRU of 256, 50 %, again", 256, 50, EPH_NATIVE_SPIN, 0 },
	{ "LRU of 256, 50 %, again", 256, 50, EPH_NATIVE_SPIN, 0 },
	{ "LRU of 256, 50 %, again", 256, 50, EPH_NATIVE_SPIN, 0 },
	{ "LRU of 256, 50 %, again", 256, 50, EPH_NATIVE_SPIN, 0 },
	{ "LRU of 256, 50 %, again", 256, 50, EPH_NATIVE_SPIN, 0 },
};

/* Marsaglia's xorshift of 64 bits, with his seed. */
static uint64_t
xorshift(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return (*s);
}

/* References, Zipf 0.8, and which of them touch; 0 or ENOMEM. */
static int
schedule_refs(uint32_t *page, bool *touched, unsigned percent)
{
	double *below = malloc(SCHEDULE_PAGES * sizeof(*below));
	uint64_t seed = UINT64_C(88172645463325252);
	double sum = 0;

	if (below == NULL)
		return (ENOMEM);
	for (uint32_t i = 0; i < SCHEDULE_PAGES; i++) {
		sum += pow(i + 1, -0.8);
		below[i] = sum;
	}
	for (uint32_t i = 0; i < SCHEDULE_REFS; i++) {
		const double u =
		    (double)(xorshift(&seed) >> 11) * 0x1p-53 * sum;
		uint32_t lo = 0, hi = SCHEDULE_PAGES - 1;

		while (lo < hi) {
			const uint32_t mid = (lo + hi) / 2;

			if (below[mid] < u)
				lo = mid + 1;
			else
				hi = mid;
		}
		page[i] = lo;
	}
	for (uint32_t i = 0; i < SCHEDULE_REFS; i++)
		touched[i] = xorshift(&seed) % 100 < percent;
	free(below);
	return (0);
}

struct player {
	const struct schedule *s;
	struct eph_native_plan *plan;
	uint32_t page[SCHEDULE_REFS];
	bool touched[SCHEDULE_REFS];
	uint32_t where[SCHEDULE_PAGES]; /* slot of a page */
	uint32_t holds[1024];		/* page of a slot */
	uint32_t last[1024];		/* its last use, from 1; 0: empty */
	uint32_t misses;
	uint32_t first; /* ring: the slots dropped last begin here */
	uint32_t left;	/* ring: of these, not filled yet */
};

static uint32_t
lru_slot(struct player *p)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < p->s->nslots && p->last[best] != 0; i++) {
		if (p->last[i] < p->last[best])
			best = i;
	}
	if (p->last[best] != 0)
		p->where[p->holds[best]] = EPH_NONE;
	return (best);
}

static uint32_t
ring_slot(struct player *p)
{
	const uint32_t batch = p->s->batch;
	uint32_t slot;

	if (p->misses <= p->s->nslots)
		return (p->misses - 1);
	if (p->left == 0) {
		for (uint32_t i = 0; i < batch; i++)
			p->where[p->holds[p->first + i]] = EPH_NONE;
		plan_add(p->plan, EPH_NATIVE_DROP, 0, p->first, batch);
		p->left = batch;
	}
	slot = p->first + batch - p->left--;
	if (p->left == 0)
		p->first = (p->first + batch) % p->s->nslots;
	return (slot);
}

static void
schedule_play(struct player *p)
{
	for (uint32_t i = 0; i < SCHEDULE_REFS; i++) {
		const uint32_t page = p->page[i];
		uint32_t slot = p->where[page];

		if (slot == EPH_NONE) {
			p->misses++;
			slot = p->s->batch != 0 ? ring_slot(p) : lru_slot(p);
			p->holds[slot] = page;
			p->where[page] = slot;
			plan_add(p->plan, EPH_NATIVE_MAP, 0, slot, page);
		}
		p->last[slot] = i + 1;
		if (!p->touched[i])
			continue;
		plan_add(p->plan, EPH_NATIVE_LOAD, 0, slot, page);
		if (p->s->others == EPH_NATIVE_SPIN)
			plan_add(p->plan, EPH_NATIVE_LOAD, 1, slot, page);
	}
}

int
eph_native_schedule(unsigned i, const char **namep,
    enum eph_native_others *othersp, struct eph_native_plan **planp)
{
	struct player *p;
	int error;

	*planp = NULL;
	if (i >= sizeof(schedules) / sizeof(schedules[0]))
		return (0);
	p = calloc(1, sizeof(*p));
	if (p == NULL || (p->plan = calloc(1, sizeof(*p->plan))) == NULL) {
		free(p);
		return (ENOMEM);
	}
	p->s = &schedules[i];
	memset(p->where, 0xff, sizeof(p->where));
	error = schedule_refs(p->page, p->touched, p->s->touch);
	p->plan->nslots = p->s->nslots;
	if (error == 0)
		schedule_play(p);
	error = error != 0 ? error : p->plan->error;
	*namep = p->s->name;
	*othersp = p->s->others;
	if (error != 0)
		eph_native_free(p->plan);
	else
		*planp = p->plan;
	free(p);
	return (error);
}
