/* SPDX-License-Identifier: BSD-2-Clause */

#include "ephmap/sdk/shootdown.h"
#include "setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axis.h"
#include "costs.h"
#include "options.h"
#include "table.h"
#include "words.h"

#define NBUFS_MAX (1u << 28)

/* Historical auto-sizing of nsfbufs: see nbufs_from_memory(). */
#define MAXUSERS_MIN 32
#define MAXUSERS_MAX 384

/* The values of every axis, as rows of its table or as numbers. */
struct axis_values {
	size_t ndesigns;
	const struct eph_design_ops **design;
	size_t npolicies; /* 0: the design's own */
	struct eph_policy_choice *policy;
	struct words rows[AXES]; /* names, checked; n 0: the default */
	size_t ncpus;
	unsigned *cpus;
	size_t nnbufs;
	uint32_t *nbufs;
};

/* words_cut, and one value where no list is expected. */
static int
cut_list(const struct setup *s, const char *option, const char *text,
    struct words *w)
{
	int status = words_cut(s->command, option, text, w);

	if (status == OPTIONS_OK && w->n > 1 && !s->lists) {
		status = options_refuse(s->command,
		    "--%s: expected one value, got \"%s\" (`ephmap compare' "
		    "takes lists)",
		    option, text);
		words_free(w);
	}
	return (status);
}

static int
find_designs(const struct setup *s, struct axis_values *v)
{
	const struct words *w = &v->rows[AXIS_DESIGN];
	const struct eph_design_ops *plugin = s->plugin_design;
	size_t n = 0;

	while (eph_designs[n] != NULL)
		n++;
	v->design =
	    must_alloc(NULL, (w->n > n ? w->n : n) + 1, sizeof(*v->design));
	for (size_t i = 0; i < w->n; i++) {
		int row;

		if (plugin != NULL && strcmp(plugin->name, w->word[i]) == 0) {
			v->design[v->ndesigns++] = plugin;
			continue;
		}
		row = axis_find(AXIS_DESIGN, w->word[i], s->command);
		if (row < 0)
			return (OPTIONS_BAD);
		v->design[v->ndesigns++] = eph_designs[row];
	}
	if (w->n > 0)
		return (OPTIONS_OK);
	if (s->lists) {
		for (; v->ndesigns < n; v->ndesigns++)
			v->design[v->ndesigns] = eph_designs[v->ndesigns];
	}
	if (plugin != NULL)
		v->design[v->ndesigns++] = plugin;
	if (v->ndesigns == 0)
		return (options_refuse(s->command,
		    "--design is missing; `ephmap list designs` "
		    "shows what there is"));
	return (OPTIONS_OK);
}

static int
check_names(const struct setup *s, const struct axis_values *v)
{
	for (unsigned a = AXIS_DESIGN + 1; a < AXES; a++) {
		for (size_t i = 0; i < v->rows[a].n; i++) {
			if (axis_find((enum axis_id)a, v->rows[a].word[i],
				s->command) < 0)
				return (OPTIONS_BAD);
		}
	}
	return (OPTIONS_OK);
}

static int
find_cpus(const struct setup *s, const struct eph_trace_meta *meta,
    struct axis_values *v)
{
	struct words w;
	uint64_t n;
	int status = cut_list(s, "cpus", s->o->cpus, &w);

	v->cpus = must_alloc(NULL, w.n + 1, sizeof(*v->cpus));
	if (w.n == 0)
		v->cpus[v->ncpus++] = meta->cpus;
	for (size_t i = 0; status == OPTIONS_OK && i < w.n; i++) {
		if (parse_u64(w.word[i], EPH_CPUS_MAX, &n) != 0 || n == 0)
			status = options_refuse(s->command,
			    "--cpus: expected a number from 1 to %u, got "
			    "\"%s\"",
			    EPH_CPUS_MAX, w.word[i]);
		else
			v->cpus[v->ncpus++] = (unsigned)n;
	}
	words_free(&w);
	return (status);
}

/*
 * What the kernels gave themselves: nsfbufs = 512 + 16 maxusers, and
 * maxusers one for each 2 MiB of memory, at least 32 and at most 384.
 */
static uint32_t
nbufs_from_memory(uint64_t bytes)
{
	uint64_t maxusers = bytes >> 21;

	if (maxusers < MAXUSERS_MIN)
		maxusers = MAXUSERS_MIN;
	if (maxusers > MAXUSERS_MAX)
		maxusers = MAXUSERS_MAX;
	return ((uint32_t)(512 + 16 * maxusers));
}

/* `pages' are those of the trace; 0: a workload's, which are not known. */
static int
parse_nbufs(
    const struct setup *s, uint64_t pages, const char *text, uint32_t *nbufsp)
{
	static const char prefix[] = "from-memory:";
	uint64_t n;

	if (strncmp(text, prefix, sizeof(prefix) - 1) == 0) {
		const char *size = text + sizeof(prefix) - 1;

		if (strpbrk(size, "KMGT") == NULL ||
		    parse_u64(size, UINT64_MAX, &n) != 0)
			return (options_refuse(s->command,
			    "--nbufs: expected from-memory:SIZE with a unit "
			    "(512M), got \"%s\"",
			    text));
		*nbufsp = nbufs_from_memory(n);
		return (OPTIONS_OK);
	}
	if (pages == 0 && strpbrk(text, ".%") != NULL)
		return (options_refuse(s->command,
		    "--nbufs: a share of the pages, \"%s\", needs a trace "
		    "that has pages",
		    text));
	if (parse_share(text, pages, NBUFS_MAX, &n) != 0 || n == 0)
		return (options_refuse(s->command,
		    "--nbufs: expected a number from 1 to %u, a share of the "
		    "pages (10%% or 0.1) or from-memory:SIZE, got \"%s\"",
		    NBUFS_MAX, text));
	*nbufsp = (uint32_t)n;
	return (OPTIONS_OK);
}

static int
find_nbufs(const struct setup *s, const struct eph_trace_meta *meta,
    struct axis_values *v)
{
	struct words w;
	int status = cut_list(
	    s, "nbufs", s->o->nbufs != NULL ? s->o->nbufs : DEFAULT_NBUFS, &w);

	v->nbufs = must_alloc(NULL, w.n, sizeof(*v->nbufs));
	for (size_t i = 0; status == OPTIONS_OK && i < w.n; i++)
		status = parse_nbufs(
		    s, meta->unique_pages, w.word[i], &v->nbufs[v->nnbufs++]);
	words_free(&w);
	return (status);
}

bool
setup_policy_help(const struct setup *s)
{
	static const char help[] = ":help";
	const char *text = s->o->policy;
	const size_t n = text == NULL ? 0 : strlen(text);
	struct eph_policy_choice c;
	char name[EPH_POLICY_TEXT], lines[2000];

	if (n < sizeof(help) || n >= sizeof(name) ||
	    strcmp(text + n - (sizeof(help) - 1), help) != 0)
		return (false);
	(void)snprintf(
	    name, sizeof(name), "%.*s", (int)(n - (sizeof(help) - 1)), text);
	if (eph_policy_choose(name, &c, NULL) != 0)
		return (false);
	(void)eph_policy_help(c.ops, lines, sizeof(lines));
	(void)fputs(lines, stdout);
	return (true);
}

int
setup_policies(const struct setup *s, const char *text, bool lists,
    struct eph_policy_choice **listp, size_t *np)
{
	const char *params = s->o->policy_params;
	char with[2 * EPH_POLICY_TEXT];
	struct eph_err err;

	if (params != NULL) {
		if (s->o->policy == NULL || strpbrk(text, ",:") != NULL)
			return (options_refuse(s->command,
			    "--policy-params: expected one --policy that they "
			    "are for (--policy NAME:K=V,... has its own)"));
		(void)snprintf(with, sizeof(with), "%s:%s", text, params);
		text = with;
	}
	if (text == NULL)
		return (OPTIONS_OK);
	if (eph_policy_choose_list(text, listp, np, &err) != 0)
		return (options_refuse(s->command, "--policy: %s", err.text));
	if (*np == 1 || lists)
		return (OPTIONS_OK);
	free(*listp);
	*listp = NULL;
	return (options_refuse(s->command,
	    "--policy: expected one value, got \"%s\" (`ephmap compare' "
	    "takes lists)",
	    text));
}

static int
find_values(const struct setup *s, const struct eph_trace_meta *meta,
    struct axis_values *v)
{
	const char *const typed[AXES] = { s->o->design, NULL, s->o->shootdown,
		s->o->machine, s->o->tlb };

	memset(v, 0, sizeof(*v));
	for (unsigned a = 0; a < AXES; a++) {
		if (cut_list(s, axes[a].option, typed[a], &v->rows[a]) !=
		    OPTIONS_OK)
			return (OPTIONS_BAD);
	}
	if (find_designs(s, v) != OPTIONS_OK || check_names(s, v) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (setup_policies(s, s->o->policy, s->lists, &v->policy,
		&v->npolicies) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (find_cpus(s, meta, v) != OPTIONS_OK)
		return (OPTIONS_BAD);
	return (find_nbufs(s, meta, v));
}

static void
values_free(struct axis_values *v)
{
	for (unsigned a = 0; a < AXES; a++)
		words_free(&v->rows[a]);
	free(v->design);
	free(v->policy);
	free(v->cpus);
	free(v->nbufs);
}

/* --flags: one word of each kind. */
static int
parse_flags(struct setup *s)
{
	static const struct {
		const char *name;
		unsigned kind; /* two of one kind exclude each other */
		unsigned flags;
	} words[] = {
		{ "shared", 0, 0 },
		{ "private", 0, SFB_CPUPRIVATE },
		{ "nowait", 1, SFB_NOWAIT },
		{ "catch", 1, SFB_CATCH },
	};
	const char *first[2] = { NULL, NULL };
	const struct setup lists = { .command = s->command, .lists = true };
	struct words w;
	int status = cut_list(&lists, "flags", s->o->flags, &w);

	for (size_t i = 0; status == OPTIONS_OK && i < w.n; i++) {
		size_t k = 0;

		while (k < 4 && strcmp(words[k].name, w.word[i]) != 0)
			k++;
		if (k == 4) {
			status = options_refuse(s->command,
			    "--flags: expected shared or private, nowait or "
			    "catch, got \"%s\"",
			    w.word[i]);
			break;
		}
		if (first[words[k].kind] != NULL)
			status = options_refuse(s->command,
			    "--flags: %s and %s are two flags of one kind",
			    first[words[k].kind], words[k].name);
		first[words[k].kind] = words[k].name;
		s->sfb_flags |= words[k].flags;
	}
	words_free(&w);
	return (status);
}

const char *
flags_text(unsigned flags, char buf[64])
{
	(void)snprintf(buf, 64, "%s%s%s",
	    (flags & SFB_CPUPRIVATE) != 0 ? "private" : "shared",
	    (flags & SFB_NOWAIT) != 0 ? ",nowait" : "",
	    (flags & SFB_CATCH) != 0 ? ",catch" : "");
	return (buf);
}

int
load_plugin(const char *command, const char *file,
    const struct eph_design_ops **designp)
{
	struct eph_err err;
	char *path;
	size_t n;
	int error;

	/* A name without a slash is a file here, not one of the system's. */
	n = strlen(file) + sizeof("./");
	path = must_alloc(NULL, n, 1);
	(void)snprintf(
	    path, n, "%s%s", strchr(file, '/') != NULL ? "" : "./", file);
	error = eph_design_load(path, designp, &err);
	free(path);
	if (error != 0)
		return (options_refuse(command, "%s", err.text));
	return (OPTIONS_OK);
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
enum { BY_MACHINE, BY_TLB, BY_SHOOTDOWN, BY_CPUS, BY_NBUFS, BY_POLICY, BYS };

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
	cfg->machine = table_name(AXIS_MACHINE,
	    machine->n > 0 ? machine->word[at[BY_MACHINE]] : DEFAULT_MACHINE);
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
	cfg->seed = s->o->seed;
	cfg->touch = (enum eph_touch)s->o->touch;
	cfg->threads = s->o->executor == 1;
	cfg->hold_ns = s->o->hold_ns;
	cfg->flags = s->sfb_flags;
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
		[BY_CPUS] = v->ncpus,
		[BY_NBUFS] = (d->flags & EPH_DESIGN_NBUFS) != 0 ? v->nnbufs : 1,
		[BY_POLICY] =
		    takes_policy(s, d) ? at_least_one(v->npolicies) : 1,
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
		return (options_refuse(s->command, "%s", err.text));
	for (size_t i = 0; i < l->n; i++) {
		struct point *p = &l->point[i];

		p->costs = eph_machine_model_find(p->cfg.machine)->costs;
		if (cf != NULL)
			costs_apply(cf, &p->costs);
		p->cfg.costs = &p->costs;
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

int
setup_points(struct setup *s, const struct eph_trace_meta *meta,
    struct point **pp, size_t *np)
{
	struct axis_values v;
	struct point_list l = { NULL, 0 };
	int status;

	if (s->trace != NULL && setup_check_trace(s, meta) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (s->o->all && s->o->design != NULL)
		return (options_refuse(
		    s->command, "--all and --design exclude each other"));
	if (parse_flags(s) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (s->o->plugin != NULL &&
	    load_plugin(s->command, s->o->plugin, &s->plugin_design) !=
		OPTIONS_OK)
		return (OPTIONS_BAD);
	status = find_values(s, meta, &v);
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

/* --workload: there must be no trace beside it. */
static int
setup_workload(struct setup *s, int n, char **operands)
{
	struct eph_err err;

	if (n > 0 || s->o->trace != NULL)
		return (options_refuse(s->command,
		    "a workload and a trace exclude each other: --workload %s "
		    "and %s (a workload takes trace=FILE)",
		    s->o->workload, n > 0 ? operands[0] : s->o->trace));
	if (eph_workload_parse(s->o->workload, &s->wl, &err) != 0)
		return (options_refuse(s->command, "--workload: %s", err.text));
	return (OPTIONS_OK);
}

int
setup_trace(struct setup *s, int n, char **operands)
{
	if (s->o->workload != NULL)
		return (setup_workload(s, n, operands));
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
	return (eph_machine_model_find(p->cfg.machine)->tlb);
}

bool
point_has_nbufs(const struct point *p)
{
	return ((p->cfg.design->flags & EPH_DESIGN_NBUFS) != 0);
}
