/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A consumer driven by a trace.
 *
 * The trace is replayed on a design that is made for the run: its map() is
 * the consumer's use of a page, its unmap() the end of the use, and below
 * it lies the real design.  So parking, sleeping, delivery and counting are
 * the replay's, and the bytes are the consumer's.
 *
 * A page gets its bytes when the trace's reader first sees it, before any
 * CPU can: on real threads the whole trace is read before they start.
 */

#include <errno.h>
#include <string.h>

#include "ephmap/sdk/digest.h"
#include "workload/run.h"
#include "workload/work.h"

struct tap {
	const struct eph_run_config *cfg; /* the caller's */
	const struct eph_design_ops *inner;
	void *state;		  /* the real design's */
	struct eph_op_source src; /* the trace */
	struct eph_work w;
	struct eph_work_use **free; /* by CPU, which alone takes and gives */
	const struct eph_workload *wl;
	struct eph_work_result *wres;
	bool opened;
};

static void
tap_destroy(void *state)
{
	struct tap *t = state;
	struct eph_machine *mc = t->w.mc;

	if (t->opened)
		t->wl->ops->tap->close(&t->w);
	for (unsigned c = 0; t->free != NULL && c < mc->ncpus; c++) {
		while (t->free[c] != NULL) {
			struct eph_work_use *use = t->free[c];

			t->free[c] = use->next;
			eph_machine_free(mc, use, sizeof(*use));
		}
	}
	eph_machine_free(mc, t->free, mc->ncpus * sizeof(*t->free));
	t->inner->destroy(t->state);
}

static int
tap_create(struct eph_machine *mc, const struct eph_design_config *dc,
    void **statep, struct eph_err *err)
{
	struct tap *t = dc->arg;
	int error = eph_design_create(t->inner, mc, dc, &t->state, err);

	if (error != 0)
		return (error);
	t->w.mc = mc;
	t->w.ops = t->wl->ops;
	t->w.seed = mc->seed;
	t->w.res = t->wres;
	t->w.err = err;
	memcpy(t->w.value, t->wl->value, sizeof(t->w.value));
	eph_mapper_init(&t->w.map, mc, t->inner, t->state);
	t->w.map.repaired = t->wl->repaired;
	*statep = t;
	t->free = eph_machine_alloc(mc, mc->ncpus * sizeof(*t->free));
	error = t->free != NULL ? t->wl->ops->tap->open(&t->w) : ENOMEM;
	if (error != 0) {
		tap_destroy(t);
		return (error);
	}
	t->opened = true;
	return (0);
}

static struct eph_work_use *
tap_use_new(struct tap *t)
{
	struct eph_work_use **head = &t->free[eph_curcpu(t->w.mc)->id];
	struct eph_work_use *use = *head;

	if (use != NULL)
		*head = use->next;
	else
		use = eph_machine_alloc(t->w.mc, sizeof(*use));
	return (use);
}

static void
tap_use_free(struct tap *t, struct eph_work_use *use)
{
	struct eph_work_use **head = &t->free[eph_curcpu(t->w.mc)->id];

	use->next = *head;
	*head = use;
}

static int
tap_map(void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct tap *t = state;
	struct eph_work_use *use = tap_use_new(t);
	int error;

	if (use == NULL)
		return (ENOMEM);
	use->mapped.m = m;
	use->mapped.cpu = eph_curcpu(t->w.mc)->id;
	error = t->wl->ops->tap->begin(&t->w, m, flags, use);
	eph_work_operation(&t->w, error);
	if (error != 0) {
		tap_use_free(t, use);
		return (error);
	}
	mp->obj = use;
	mp->va = use->mapped.map.va;
	return (0);
}

static int
tap_unmap(void *state, void *obj)
{
	struct tap *t = state;

	t->wl->ops->tap->end(&t->w, obj);
	tap_use_free(t, obj);
	return (0);
}

static eph_va_t
tap_kva(void *state, void *obj)
{
	struct tap *t = state;
	const struct eph_work_use *use = obj;

	return (t->inner->kva(t->state, use->mapped.map.obj));
}

static struct vm_page *
tap_page(void *state, void *obj)
{
	(void)state;
	return (((struct eph_work_use *)obj)->mapped.m);
}

static void
tap_switch_out(void *state)
{
	struct tap *t = state;

	eph_design_switch_out(t->inner, t->state);
}

static void
tap_switch_in(void *state)
{
	struct tap *t = state;

	eph_design_switch_in(t->inner, t->state);
}

static void
tap_check(void *state, uint64_t held)
{
	struct tap *t = state;

	eph_design_check(t->inner, t->state, held);
}

/* The caller's hooks know the real design. */

static int
tap_at_start(
    void *arg, struct eph_machine *mc, void *state, struct eph_err *err)
{
	struct tap *t = arg;

	(void)state;
	if (t->cfg->at_start == NULL)
		return (0);
	return (t->cfg->at_start(t->cfg->hook_arg, mc, t->state, err));
}

static void
tap_at_end(void *arg, struct eph_machine *mc, void *state)
{
	struct tap *t = arg;

	(void)state;
	eph__work_sum(&t->w);
	/* Wires are undone one use at a time; the rest stays. */
	t->wres->wires_left = vm_pages_wired(mc);
	if (t->cfg->at_end != NULL)
		t->cfg->at_end(t->cfg->hook_arg, mc, t->state);
}

/* The trace, read with an eye on its pages. */

static int
tap_fill(struct tap *t, uint32_t page)
{
	struct vm_page *m = vm_page_get(t->w.mc, page);

	if (m == NULL)
		return (ENOMEM);
	if (m->owned == 0) {
		m->owned = 1;
		eph_page_stream(t->w.mc, m, 0, m->frame, 0, EPH_PAGE_SIZE);
	}
	return (0);
}

static int
tap_next(void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	struct tap *t = arg;
	int error = t->src.next(t->src.arg, opsp, np, err);

	for (size_t i = 0; error == 0 && i < *np; i++) {
		const struct eph_op *op = &(*opsp)[i];

		if ((op->kind == EPH_OP_MAP || op->kind == EPH_OP_REF) &&
		    tap_fill(t, op->page) != 0)
			error = eph_err_set(err, ENOMEM, "out of memory");
	}
	return (error);
}

static void
tap_where(void *arg, size_t i, char *buf, size_t size)
{
	const struct tap *t = arg;

	t->src.where(t->src.arg, i, buf, size);
}

static uint64_t
tap_line(void *arg, size_t i)
{
	const struct tap *t = arg;

	return (t->src.line(t->src.arg, i));
}

static uint64_t
tap_page_name(void *arg, uint32_t page)
{
	const struct tap *t = arg;

	return (t->src.page_name(t->src.arg, page));
}

static uint64_t
tap_handle_name(void *arg, size_t i)
{
	const struct tap *t = arg;

	return (t->src.handle_name(t->src.arg, i));
}

static struct eph_op_source
tap_source(struct tap *t, struct eph_trace *trace)
{
	struct eph_op_source src;

	t->src = eph_trace_source(trace);
	src = t->src;
	src.next = tap_next;
	src.where = tap_where;
	src.line = tap_line;
	src.page_name = tap_page_name;
	src.handle_name = tap_handle_name;
	src.arg = t;
	return (src);
}

int
eph__workload_tap_run(const struct eph_run_config *cfg,
    const struct eph_workload *wl, struct eph_run_result *res,
    struct eph_work_result *wres, struct eph_err *err)
{
	struct tap t = {
		.cfg = cfg, .inner = cfg->design, .wl = wl, .wres = wres
	};
	struct eph_design_ops ops = *cfg->design;
	struct eph_run_config rc = *cfg;
	struct eph_op_source src;
	struct eph_trace *trace;
	int error;

	ops.create = tap_create;
	ops.destroy = tap_destroy;
	ops.map = tap_map;
	ops.unmap = tap_unmap;
	ops.kva = tap_kva;
	ops.ref = NULL;
	ops.page = tap_page;
	ops.switch_out = tap_switch_out;
	ops.switch_in = tap_switch_in;
	ops.check = tap_check;
	ops.sysctls = NULL;
	/* The consumer wires. */
	ops.flags &= ~(unsigned)EPH_DESIGN_WIRES;
	rc.design = &ops;
	rc.design_arg = &t;
	rc.contents = EPH_CONTENTS_FULL;
	rc.at_start = tap_at_start;
	rc.at_end = tap_at_end;
	rc.hook_arg = &t;
	if ((error = eph_trace_open(wl->trace, &trace, err)) != 0)
		return (error);
	src = tap_source(&t, trace);
	error = eph_replay_run(&rc, &src, res, err);
	eph_trace_close(trace);
	wres->asleep = res->asleep;
	res->wires_leaked = wres->wires_of_design;
	return (error);
}

/* Consumers that map a page for themselves, for a moment. */

void
eph_work_compare_page(
    struct eph_work *w, const struct vm_page *m, const void *buf)
{
	struct eph_digest sent = { 0 }, arrived = { 0 };

	eph_digest_page(&sent, w->mc, m, 0, EPH_PAGE_SIZE);
	eph_digest_add(&arrived, w->mc, buf, 0, EPH_PAGE_SIZE);
	eph_work_compare(w, &sent, &arrived);
}

static int
private_open(struct eph_work *w)
{
	(void)w;
	return (0);
}

static int
private_begin(struct eph_work *w, struct vm_page *m, unsigned flags,
    struct eph_work_use *use)
{
	char buf[EPH_PAGE_SIZE];
	int error;

	error =
	    eph_mapper_map(&w->map, m, flags | SFB_CPUPRIVATE, &use->mapped);
	if (error != 0)
		return (error);
	error = eph_mapper_read(&w->map, &use->mapped, 0, buf, sizeof(buf));
	if (error != 0) {
		eph_mapper_unmap(&w->map, &use->mapped);
		return (error);
	}
	eph_work_compare_page(w, m, buf);
	return (0);
}

static void
private_end(struct eph_work *w, struct eph_work_use *use)
{
	eph_mapper_unmap(&w->map, &use->mapped);
}

static void
private_close(struct eph_work *w)
{
	(void)w;
}

const struct eph_work_tap eph_work_private_tap = {
	.open = private_open,
	.begin = private_begin,
	.end = private_end,
	.close = private_close,
};
