/* SPDX-License-Identifier: BSD-2-Clause */

#include "ephmap/sdk/shootdown.h"
#include "setup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axis.h"
#include "costs.h"
#include "input.h"
#include "options.h"
#include "plot.h"
#include "table.h"
#include "values.h"

const char *
flags_text(unsigned flags, char buf[64])
{
	(void)snprintf(buf, 64, "%s%s%s",
	    (flags & SFB_CPUPRIVATE) != 0 ? "private" : "shared",
	    (flags & SFB_NOWAIT) != 0 ? ",nowait" : "",
	    (flags & SFB_CATCH) != 0 ? ",catch" : "");
	return (buf);
}

static size_t
at_least_one(size_t n)
{
	return (n > 0 ? n : 1);
}

/*
 * In a comparison a design that has no choice of policy appears once, with
 * its own; a single run is told so by the library.
 */
static bool
takes_policy(const struct setup *s, const struct eph_design_ops *d)
{
	return (!s->lists || (d->flags & EPH_DESIGN_POLICY) != 0);
}

struct point_list {
	struct point *point;
	size_t n;
};

/* The name as the tables hold it: it lives as long as the program. */
static const char *
table_name(enum axis_id id, const char *name)
{
	const int row = axis_find(id, name, "");

	return (axes[id].name((unsigned)row));
}

/* The axes that are multiplied out, the slowest first. */
enum {
	BY_MACHINE,
	BY_TLB,
	BY_SHOOTDOWN,
	BY_FLAGS,
	BY_TOUCH,
	BY_HOLD,
	BY_CPUS,
	BY_NBUFS,
	BY_POLICY,
	BY_SEED,
	BYS,
};

static void
add_point(struct point_list *l, const struct setup *s,
    const struct axis_values *v, const struct eph_design_ops *d,
    const size_t *at)
{
	const struct words *machine = &v->rows[AXIS_MACHINE];
	const struct words *tlb = &v->rows[AXIS_TLB];
	const struct words *shootdown = &v->rows[AXIS_SHOOTDOWN];
	struct eph_run_config *cfg;
	struct point *p;

	l->point = must_alloc(l->point, l->n + 1, sizeof(*l->point));
	memset(&l->point[l->n], 0, sizeof(*l->point));
	p = &l->point[l->n++];
	cfg = &p->cfg;
	cfg->design = d;
	cfg->model = eph_machine_model_find(
	    machine->n > 0 ? machine->word[at[BY_MACHINE]] : DEFAULT_MACHINE);
	if (machine->n > 0 && v->profile[at[BY_MACHINE]] != NULL) {
		p->profile = profile_share(v->profile[at[BY_MACHINE]]);
		cfg->model = profile_model(p->profile);
	}
	cfg->machine = cfg->model->name;
	if (tlb->n > 0)
		cfg->tlb = table_name(AXIS_TLB, tlb->word[at[BY_TLB]]);
	if (shootdown->n > 0)
		cfg->shootdown =
		    eph_shootdown_find(shootdown->word[at[BY_SHOOTDOWN]]);
	if (v->npolicies > 0 && takes_policy(s, d)) {
		p->policy = v->policy[at[BY_POLICY]];
		cfg->policy = p->policy.ops;
	}
	cfg->cpus = v->cpus[at[BY_CPUS]];
	cfg->nbufs = v->nbufs[at[BY_NBUFS]];
	cfg->seed = v->seed[at[BY_SEED]];
	cfg->touch = (enum eph_touch)v->touch[at[BY_TOUCH]];
	cfg->threads = s->o->executor == 1;
	cfg->hold_ns = v->hold[at[BY_HOLD]].ns;
	cfg->hold_refs = v->hold[at[BY_HOLD]].refs;
	cfg->flags = v->flags[at[BY_FLAGS]];
	cfg->spread = s->spread;
	cfg->spread_seed = s->spread_seed;
	cfg->warmup = s->warmup;
	cfg->time = s->timed ? &s->time : NULL;
}

/* An axis that means nothing to the design is not multiplied out. */
static void
add_design(struct point_list *l, const struct setup *s,
    const struct axis_values *v, const struct eph_design_ops *d)
{
	const size_t dim[BYS] = {
		[BY_MACHINE] = at_least_one(v->rows[AXIS_MACHINE].n),
		[BY_TLB] = at_least_one(v->rows[AXIS_TLB].n),
		[BY_SHOOTDOWN] = at_least_one(v->rows[AXIS_SHOOTDOWN].n),
		[BY_FLAGS] = v->nflags,
		[BY_TOUCH] = v->ntouches,
		[BY_HOLD] = v->nholds,
		[BY_CPUS] = v->ncpus,
		[BY_NBUFS] = (d->flags & EPH_DESIGN_NBUFS) != 0 ? v->nnbufs : 1,
		[BY_POLICY] =
		    takes_policy(s, d) ? at_least_one(v->npolicies) : 1,
		[BY_SEED] = v->nseeds,
	};
	size_t total = 1;

	for (unsigned i = 0; i < BYS; i++)
		total *= dim[i];
	for (size_t k = 0; k < total; k++) {
		size_t at[BYS], rest = k;

		for (unsigned i = BYS; i-- > 0; rest /= dim[i])
			at[i] = rest % dim[i];
		add_point(l, s, v, d, at);
	}
}

/* Prices and parameters; the array has its final place now. */
static int
price_points(const struct setup *s, struct point_list *l)
{
	struct cost_file *cf = NULL;
	struct eph_err err;

	if (s->o->costs != NULL && costs_read(s->o->costs, &cf, &err) != 0)
		return (options_refuse(
		    opt_as(s->o, costs, s->command), "%s", err.text));
	for (size_t i = 0; i < l->n; i++) {
		struct point *p = &l->point[i];

		p->costs = p->cfg.model->costs;
		if (cf != NULL)
			costs_apply(cf, &p->costs);
		p->cfg.costs = &p->costs;
		/* One value for each would not fit a table, or a line. */
		if (p->cfg.time != NULL && s->o->format == FORMAT_JSON)
			p->cfg.time_cpus = p->cpu =
			    must_alloc(NULL, p->cfg.cpus, sizeof(*p->cpu));
		if (p->policy.params[0] != '\0')
			p->cfg.policy_params = p->policy.params;
	}
	costs_free(cf);
	return (OPTIONS_OK);
}

int
setup_check_trace(const struct setup *s, const struct eph_trace_meta *meta)
{
	char origin[96] = "";

	if (meta->references != 0)
		return (OPTIONS_OK);
	if (meta->imported != 0)
		(void)snprintf(origin, sizeof(origin),
		    ", imported from %s: %" PRIu64 " calls, %" PRIu64 " failed",
		    meta->source, meta->calls, meta->failed);
	return (options_refuse(s->command,
	    "%s: no page reference (m or p line) in this trace; it has %" PRIu64
	    " operations, %" PRIu64 " of them delays%s",
	    s->trace, meta->ops, meta->ops_of[EPH_OP_DELAY], origin));
}

/* A hold must mean something, and end before the trace does. */
static int
check_hold(const struct setup *s, const struct eph_trace_meta *meta,
    const struct hold *h)
{
	if (h->ns == 0 && h->refs == 0)
		return (OPTIONS_OK);
	if (s->workload != NULL)
		return (options_refuse(opt_as(s->o, sweep_holds, s->command),
		    "--hold is of a trace's p lines, and a workload has none"));
	if (s->trace != NULL && meta->ops_of[EPH_OP_REF] == 0)
		return (options_refuse(opt_as(s->o, sweep_holds, s->command),
		    "--hold is of p lines: %s has none, its u lines say how "
		    "long pages are held",
		    s->trace));
	if (h->refs != 0 && (s->timed || s->o->executor == 1))
		return (options_refuse(opt_as(s->o, sweep_holds, s->command),
		    "--hold: references are counted without --time, in "
		    "lockstep; under clocks a hold is in time (1us)"));
	if (h->refs == 0 && s->trace != NULL && !s->timed &&
	    meta->ops_of[EPH_OP_DELAY] == 0)
		return (options_refuse(opt_as(s->o, sweep_holds, s->command),
		    "--hold: %s has no time (no d line): pages would be held "
		    "to its end; hold them for references (20r), give it a "
		    "time (--rate), or use --time",
		    s->trace));
	return (OPTIONS_OK);
}

/* robin, hash or random[:SEED], or what the trace has. */
static int
setup_spread(struct setup *s, const struct eph_trace_meta *meta)
{
	static const char *const names[] = { "column", "robin", "hash",
		"random", NULL };
	const char *text = s->o->spread;
	unsigned rule = 0;
	size_t n;

	s->spread = EPH_SPREAD_NONE;
	s->spread_seed = 1;
	if (text == NULL)
		return (OPTIONS_OK);
	n = strcspn(text, ":");
	while (names[rule] != NULL &&
	    (strlen(names[rule]) != n || strncmp(text, names[rule], n) != 0))
		rule++;
	if (names[rule] == NULL ||
	    (text[n] != '\0' &&
		(rule != EPH_SPREAD_RANDOM ||
		    parse_u64(text + n + 1, INT64_MAX, &s->spread_seed) != 0)))
		return (options_refuse(opt_as(s->o, spread, s->command),
		    "--cpu-of: expected column, robin, hash or random[:SEED] "
		    "(over as many CPUs as --cpus), got \"%s\"",
		    text));
	if (s->workload != NULL)
		return (options_refuse(opt_as(s->o, spread, s->command),
		    "--cpu-of is of a trace's lines, and a workload has none"));
	if (rule != 0 && s->o->cpus == NULL && meta->cpus == 1)
		return (options_refuse(opt_as(s->o, spread, s->command),
		    "--cpu-of: the trace has one CPU; expected --cpus N, over "
		    "which its references are spread"));
	s->spread = (enum eph_spread)rule;
	return (OPTIONS_OK);
}

int
setup_warmup(struct setup *s, uint64_t references)
{
	const char *text = s->o->warmup;

	s->warmup = 0;
	if (text == NULL)
		return (OPTIONS_OK);
	if (s->workload != NULL)
		return (options_refuse(opt_as(s->o, warmup, s->command),
		    "--warmup counts a trace's references, and a workload has "
		    "none"));
	if (s->timed || s->o->executor == 1)
		return (options_refuse(opt_as(s->o, warmup, s->command),
		    "--warmup needs lockstep without --time: clocks and "
		    "threads have no moment at which it ends"));
	if (parse_share(text, references, INT64_MAX, &s->warmup) != 0)
		return (options_refuse(opt_as(s->o, warmup, s->command),
		    "--warmup: expected a number of references, or a share of "
		    "them (10%% or 0.1), got \"%s\"",
		    text));
	if (s->warmup >= references)
		return (options_refuse(opt_as(s->o, warmup, s->command),
		    "--warmup: %s has %" PRIu64 " references; expected fewer, "
		    "so that something is counted",
		    s->trace, references));
	return (OPTIONS_OK);
}

/* What belongs to --time. */
static int
setup_time(struct setup *s)
{
	const struct opts *o = s->o;

	s->timed |= o->time;
	if (!s->timed && (opt_given(o, load) || opt_given(o, think_ns)))
		return (options_refuse(s->command,
		    "--load and --think say how --time is to pass"));
	if (s->timed && o->executor == 1)
		return (options_refuse(s->command,
		    "--time has clocks in lockstep only, not with threads"));
	if (s->workload != NULL &&
	    (opt_given(o, load) || opt_given(o, think_ns)))
		return (options_refuse(s->command,
		    "--load and --think are of a trace's lines, and "
		    "a workload has none"));
	if (s->timed && s->workload != NULL && s->wl.trace[0] != '\0')
		return (options_refuse(s->command,
		    "--time has no clocks for a workload that a trace drives"));
	s->time = (struct eph_time_config){
		.load = (enum eph_load)o->load,
		.think_ns = o->think_ns,
	};
	return (OPTIONS_OK);
}

int
setup_points(struct setup *s, const struct eph_trace_meta *meta,
    struct point **pp, size_t *np)
{
	struct axis_values v;
	struct point_list l = { NULL, 0 };
	int status;

	if (setup_time(s) != OPTIONS_OK || setup_spread(s, meta) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (s->workload != NULL && s->o->rate > 0)
		return (options_refuse(opt_as(s->o, rate, s->command),
		    "--rate is of a trace's lines, and a workload has none"));
	if (s->trace != NULL && setup_check_trace(s, meta) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (setup_warmup(s, meta->references) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (s->o->all && s->o->design != NULL)
		return (options_refuse(
		    s->command, "--all and --design exclude each other"));
	if (plugins_load(s->command, &s->o->plugin, &s->plugins) != OPTIONS_OK)
		return (OPTIONS_BAD);
	status = values_find(s, meta, &v);
	for (size_t i = 0; status == OPTIONS_OK && i < v.nholds; i++)
		status = check_hold(s, meta, &v.hold[i]);
	if (status == OPTIONS_OK) {
		s->sfb_flags = v.flags[0];
		s->hold = v.hold[0];
	}
	for (size_t i = 0; status == OPTIONS_OK && i < v.ndesigns; i++)
		add_design(&l, s, &v, v.design[i]);
	values_free(&v);
	if (status == OPTIONS_OK)
		status = price_points(s, &l);
	if (status != OPTIONS_OK) {
		setup_free(l.point, l.n);
		return (status);
	}
	*pp = l.point;
	*np = l.n;
	return (OPTIONS_OK);
}

void
setup_free(struct point *points, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(points[i].res);
		free(points[i].work);
		free(points[i].cpu);
		profile_free(points[i].profile);
	}
	free(points);
}

int
setup_workload_meta(const struct setup *s, struct eph_trace_meta *meta)
{
	struct eph_trace *trace;
	struct eph_err err;

	memset(meta, 0, sizeof(*meta));
	meta->cpus = s->wl.ops->cpus;
	if (s->wl.trace[0] == '\0')
		return (OPTIONS_OK);
	if (eph_trace_open(s->wl.trace, &trace, &err) != 0)
		return (options_refuse(s->command, "%s", err.text));
	*meta = *eph_trace_meta(trace);
	eph_trace_close(trace);
	return (OPTIONS_OK);
}

void
setup_run_workload(const struct setup *s, struct point *p)
{
	p->res = must_alloc(NULL, 1, sizeof(*p->res));
	p->work = must_alloc(NULL, 1, sizeof(*p->work));
	p->status = eph_workload_run(
	    &p->cfg, &s->wl, p->res, p->work, NULL, NULL, &p->err);
	p->unsound =
	    p->status == 0 && !eph_workload_sound(&s->wl, p->work, &p->err);
}

bool
point_found(const struct point *p)
{
	return (p->status == 0 && (p->unsound || p->res->violations_total > 0));
}

int
setup_workload(struct setup *s, const char *text)
{
	struct eph_err err;

	s->trace = NULL;
	s->workload = text;
	if (eph_workload_parse(text, &s->wl, &err) != 0)
		return (options_refuse(opt_as(s->o, workload, s->command),
		    "--workload: %s", err.text));
	return (OPTIONS_OK);
}

int
setup_trace(struct setup *s, int n, char **operands)
{
	if (s->o->workload != NULL && (n > 0 || s->o->trace != NULL))
		return (options_refuse(s->command,
		    "a workload and a trace exclude each other: --workload %s "
		    "and %s (a workload takes trace=FILE)",
		    s->o->workload, n > 0 ? operands[0] : s->o->trace));
	if (s->o->workload != NULL)
		return (setup_workload(s, s->o->workload));
	if (n > 1)
		return (options_refuse(s->command,
		    "unexpected operand \"%s\"; expected one trace",
		    operands[1]));
	if (n == 1 && s->o->trace != NULL)
		return (options_refuse(s->command,
		    "the trace is given twice: --trace %s and %s", s->o->trace,
		    operands[0]));
	s->trace = n == 1 ? operands[0] : s->o->trace;
	if (s->trace == NULL)
		return (options_refuse(s->command,
		    "a trace is missing; `ephmap trace generate` makes one, "
		    "`ephmap trace import` reads a log"));
	return (OPTIONS_OK);
}

/* Times that would be shown nowhere are refused. */
static int
check_rate(const struct setup *s)
{
	if (s->o->executor == 1)
		return (options_refuse(opt_as(s->o, rate, s->command),
		    "--rate: real threads have no trace time; it needs the "
		    "executor lockstep"));
	if (s->o->time && s->o->load == 0)
		return (options_refuse(opt_as(s->o, rate, s->command),
		    "--rate with --time says when lines come: it needs --load "
		    "open"));
	return (OPTIONS_OK);
}

int
setup_open(const struct setup *s, struct eph_trace **tp)
{
	struct eph_err err;

	if (s->o->rate > 0 && check_rate(s) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (input_open(s->command, s->trace, tp) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (s->o->rate == 0 || eph_trace_rate(*tp, s->o->rate, &err) == 0)
		return (OPTIONS_OK);
	eph_trace_close(*tp);
	*tp = NULL;
	return (
	    options_refuse(s->command, "--rate: %s: %s", s->trace, err.text));
}

static const char *
none_if_empty(const char *name)
{
	return (name != NULL && *name != '\0' ? name : NULL);
}

const char *
point_policy(const struct point *p)
{
	if (p->cfg.policy != NULL)
		return (p->policy.text);
	return (none_if_empty(p->cfg.design->policy));
}

const char *
point_shootdown(const struct point *p)
{
	if (p->cfg.shootdown != NULL)
		return (p->cfg.shootdown->name);
	return (none_if_empty(p->cfg.design->shootdown));
}

const char *
point_tlb(const struct point *p)
{
	if (p->cfg.tlb != NULL)
		return (p->cfg.tlb);
	return (p->cfg.model->tlb);
}

bool
point_has_nbufs(const struct point *p)
{
	return ((p->cfg.design->flags & EPH_DESIGN_NBUFS) != 0);
}

int
setup_plot(const struct setup *s)
{
	const char *to = s->o->plot;

	if (to != NULL && plot_check(to) != 0)
		return (options_refuse(s->command,
		    "--plot: expected terminal, or a file that ends in .svg, "
		    ".png or .pdf, got \"%s\"",
		    to));
	if (to != NULL && strcmp(to, "terminal") == 0 &&
	    s->o->format != FORMAT_TABLE)
		return (options_refuse(s->command,
		    "--plot terminal and --format csv or json would both go "
		    "to standard output"));
	return (OPTIONS_OK);
}
