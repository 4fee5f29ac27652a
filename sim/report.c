/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What is derived from counters stands in one list, DERIVED, from which
 * the JSON keys, the CSV columns and the lines of the table expand.
 */

#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "costs.h"
#include "table.h"

#include "ephmap/version.h"

static uint64_t
hits(const struct eph_counters *c)
{
	return (c->hit_active + c->hit_inactive);
}

/* a / b; NaN, which is null in JSON, when there were none. */
static double
ratio(double a, double b)
{
	return (b > 0 ? a / b : NAN);
}

static double
hit_ratio(const struct eph_counters *c)
{
	return (ratio((double)hits(c), (double)(hits(c) + c->miss)));
}

static double
per_map(const struct eph_counters *c, uint64_t events)
{
	return (ratio((double)events, (double)c->map_calls));
}

static json_t *
real(double v)
{
	return (isfinite(v) ? json_real(v) : json_null());
}

static json_t *
whole(uint64_t v)
{
	return (json_integer((json_int_t)v));
}

static json_t *
text_or_null(const char *s)
{
	return (s != NULL ? json_string(s) : json_null());
}

/* X(key, value of result r, meaning) */
/* clang-format off */
#define DERIVED(X)                                                             \
	X(hit_ratio, real(hit_ratio(&r->counters)),                            \
	    "of the maps that got a mapping, those that found one")            \
	X(cycles_per_map, real(per_map(&r->counters, r->counters.cycles)),     \
	    "modelled cycles, by the cost profile")                            \
	X(buffers_mean, real(r->buffers_mean),                                 \
	    "mappings in use at once, mean over the trace")                    \
	X(buffers_peak, whole(r->buffers_peak),                                \
	    "mappings in use at once, at most")                                \
	X(sleepers_peak, whole(r->sleepers_peak),                              \
	    "maps that slept at once, at most")                                \
	X(asleep, whole(r->asleep),                                            \
	    "maps that still sleep when the trace ends")                       \
	X(held_at_end, whole(r->held_at_end),                                  \
	    "handles that the trace never unmaps")                             \
	X(ipiq_kick, whole(r->ipiq_kick),                                      \
	    "interrupts because an IPI queue was half full")                   \
	X(wires_leaked, whole(r->wires_leaked),                                \
	    "wirings of pages that nobody will undo")                          \
	X(kva_peak_pages, whole(r->kva_peak_pages),                            \
	    "pages of kernel address space in use, at most")                   \
	X(operations, whole(r->lines),                                         \
	    "operations of the trace that were played")                        \
	X(references, whole(r->references),                                    \
	    "maps that the trace asks for")                                    \
	X(violations_total, whole(r->violations_total),                        \
	    "stale or impossible uses")                                        \
	X(memory_bytes, whole(r->memory_bytes),                                \
	    "bytes of the host that machine and design take")
/* clang-format on */

static json_t *
config_json(const struct setup *s, const struct point *p)
{
	const struct eph_run_config *cfg = &p->cfg;
	json_t *costs = json_object();
	json_t *c = json_object();
	char version[32], flags[64];

	(void)snprintf(version, sizeof(version), "%d.%d.%d",
	    EPHMAP_VERSION_MAJOR, EPHMAP_VERSION_MINOR, EPHMAP_VERSION_PATCH);
	for (unsigned i = 0; cost_name(i) != NULL; i++)
		json_object_set_new(
		    costs, cost_name(i), whole(cost_value(&p->costs, i)));
	json_object_set_new(c, "ephmap", json_string(version));
	json_object_set_new(c, "design", json_string(cfg->design->name));
	json_object_set_new(c, "policy", text_or_null(point_policy(p)));
	json_object_set_new(
	    c, "policy_params", text_or_null(cfg->policy_params));
	json_object_set_new(c, "shootdown", text_or_null(point_shootdown(p)));
	json_object_set_new(c, "machine", json_string(cfg->machine));
	json_object_set_new(c, "tlb", json_string(point_tlb(p)));
	json_object_set_new(
	    c, "executor", json_string(opt_choice(executor, s->o->executor)));
	json_object_set_new(c, "cpus", whole(cfg->cpus));
	json_object_set_new(
	    c, "nbufs", point_has_nbufs(p) ? whole(cfg->nbufs) : json_null());
	json_object_set_new(c, "seed", whole(cfg->seed));
	json_object_set_new(
	    c, "touch", json_string(opt_choice(touch, cfg->touch)));
	json_object_set_new(c, "hold", whole(cfg->hold_ns));
	json_object_set_new(
	    c, "flags", json_string(flags_text(cfg->flags, flags)));
	json_object_set_new(c, "plugin", text_or_null(s->o->plugin));
	json_object_set_new(c, "trace", text_or_null(s->trace));
	if (s->o->workload != NULL)
		json_object_set_new(c, "workload", json_string(s->o->workload));
	json_object_set_new(c, "costs", costs);
	return (c);
}

static json_t *
counters_json(const struct eph_counters *c)
{
	json_t *o = json_object();

	for (unsigned i = 0; eph_counter_name(i) != NULL; i++)
		json_object_set_new(
		    o, eph_counter_name(i), whole(eph_counter_value(c, i)));
	return (o);
}

static json_t *
derived_json(const struct eph_run_result *r)
{
	json_t *rates = json_object();
	json_t *o = json_object();

#define DERIVED_JSON(key, value, meaning) json_object_set_new(o, #key, value);
	DERIVED(DERIVED_JSON)
#undef DERIVED_JSON
	for (unsigned i = 0; eph_counter_name(i) != NULL; i++)
		json_object_set_new(rates, eph_counter_name(i),
		    real(per_map(
			&r->counters, eph_counter_value(&r->counters, i))));
	json_object_set_new(o, "events_per_map", rates);
	return (o);
}

/* X(key, meaning): what a workload did, and what it left behind */
/* clang-format off */
#define WORK(X)                                                                \
	X(operations, "operations, as `ephmap list workloads' names them")     \
	X(failures, "of these, ended with an error")                           \
	X(bytes, "bytes that arrived")                                         \
	X(checked, "streams compared by checksum")                             \
	X(corrupt, "of these, not what was sent")                              \
	X(asleep, "threads that sleep for ever")                               \
	X(map_sleeps, "times a map slept for a buffer")                        \
	X(map_spurious, "of these, woken for nothing")                         \
	X(map_asleep, "maps that never ended")                                 \
	X(maps_left, "mappings that nobody freed")                             \
	X(wires_left, "wirings that nobody undid")                             \
	X(wires_of_design, "of these, leaked by the design as shipped")        \
	X(wires_of_history, "of these, leaked by the consumer as shipped")     \
	X(holds_left, "page holds that nobody undid")                          \
	X(pages_left, "pages that did not become free")                        \
	X(mbufs_left, "mbufs, clusters and tags not freed")                    \
	X(bytes_left, "bytes of the machine not given back")
/* clang-format on */

static json_t *
work_json(const struct eph_work_result *wr)
{
	json_t *facts = json_object();
	json_t *o = json_object();

#define WORK_JSON(key, meaning) json_object_set_new(o, #key, whole(wr->key));
	WORK(WORK_JSON)
#undef WORK_JSON
	for (unsigned i = 0; i < wr->nfacts; i++)
		json_object_set_new(
		    facts, wr->fact[i].name, whole(wr->fact[i].value));
	json_object_set_new(o, "facts", facts);
	return (o);
}

/* The keys of the configuration that stand beside "config" too. */
static const char *const top_keys[] = { "design", "policy", "shootdown",
	"machine", "tlb", "executor", "cpus", "nbufs", "seed", "trace", NULL };

json_t *
report_json(const struct setup *s, const struct point *p)
{
	json_t *config = config_json(s, p);
	json_t *violations = json_array();
	json_t *root = json_object();

	for (unsigned i = 0; top_keys[i] != NULL; i++)
		json_object_set(
		    root, top_keys[i], json_object_get(config, top_keys[i]));
	json_object_set_new(root, "config", config);
	if (p->status != 0) {
		json_object_set_new(root, "refused", json_string(p->err.text));
		json_decref(violations);
		return (root);
	}
	json_object_set_new(root, "counters", counters_json(&p->res->counters));
	json_object_set_new(root, "derived", derived_json(p->res));
	if (s->o->workload != NULL)
		json_object_set_new(
		    root, "workload", json_string(s->o->workload));
	if (p->work != NULL)
		json_object_set_new(root, "work", work_json(p->work));
	for (unsigned i = 0; i < p->res->violations; i++)
		json_array_append_new(
		    violations, json_string(p->res->violation[i].text));
	json_object_set_new(root, "violations", violations);
	if (p->work != NULL)
		json_object_set_new(root, "failed",
		    text_or_null(p->unsound ? p->err.text : NULL));
	return (root);
}

void
report_print_json(json_t *root, FILE *out)
{
	(void)json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	(void)fputc('\n', out);
	json_decref(root);
}

void
report_print_field(const json_t *v, FILE *out)
{
	const char *s;

	if (json_is_string(v)) {
		s = json_string_value(v);
		if (strpbrk(s, ",\"\n") == NULL) {
			(void)fputs(s, out);
			return;
		}
		(void)fputc('"', out);
		for (; *s != '\0'; s++)
			(void)fprintf(out, *s == '"' ? "\"\"" : "%c", *s);
		(void)fputc('"', out);
	} else if (json_is_integer(v)) {
		(void)fprintf(
		    out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	} else if (json_is_real(v)) {
		(void)fprintf(out, "%.12g", json_real_value(v));
	} else if (json_is_boolean(v)) {
		(void)fputs(json_is_true(v) ? "true" : "false", out);
	}
}

/* CSV columns: where a value stands in the object of a run. */
struct column {
	const char *object; /* NULL: at the top */
	const char *key;
};

static size_t
csv_columns(struct column *col)
{
	static const char *const config_keys[] = { "touch", "hold", "flags" };
	size_t n = 0;

	for (unsigned i = 0; top_keys[i] != NULL; i++)
		col[n++] = (struct column){ NULL, top_keys[i] };
	for (unsigned i = 0; i < 3; i++)
		col[n++] = (struct column){ "config", config_keys[i] };
	for (unsigned i = 0; eph_counter_name(i) != NULL; i++)
		col[n++] = (struct column){ "counters", eph_counter_name(i) };
#define DERIVED_COLUMN(key, value, meaning)                                    \
	col[n++] = (struct column){ "derived", #key };
	DERIVED(DERIVED_COLUMN)
#undef DERIVED_COLUMN
	col[n++] = (struct column){ NULL, "refused" };
	col[n++] = (struct column){ NULL, "failed" };
	return (n);
}

#define CSV_COLUMNS_MAX 128

/* A workload stands in the trace's column. */
static const json_t *
csv_value(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (strcmp(key, "trace") == 0 && json_is_null(v))
		return (json_object_get(o, "workload"));
	return (v);
}

void
report_print_csv(
    const struct setup *s, const struct point *p, size_t n, FILE *out)
{
	struct column col[CSV_COLUMNS_MAX];
	const size_t ncols = csv_columns(col);

	for (size_t c = 0; c < ncols; c++)
		(void)fprintf(out, "%s%s", c > 0 ? "," : "", col[c].key);
	(void)fputc('\n', out);
	for (size_t i = 0; i < n; i++) {
		json_t *run = report_json(s, &p[i]);

		for (size_t c = 0; c < ncols; c++) {
			const json_t *o = col[c].object != NULL
			    ? json_object_get(run, col[c].object)
			    : run;

			if (c > 0)
				(void)fputc(',', out);
			report_print_field(csv_value(o, col[c].key), out);
		}
		(void)fputc('\n', out);
		json_decref(run);
	}
}

static const char *
or_dash(const char *s)
{
	return (s != NULL ? s : "-");
}

/* "1,024 pages", "1 page" */
static void
print_counted(FILE *out, uint64_t n, const char *thing)
{
	char number[NUMBER_MAX];

	(void)fprintf(
	    out, "%s %s%s", number_u64(number, n), thing, n == 1 ? "" : "s");
}

static void
print_workload_line(const struct setup *s, FILE *out)
{
	(void)fprintf(out, "workload %s: %s\n  %s\n", s->o->workload,
	    s->wl.ops->summary, s->wl.ops->origin);
}

static void
print_trace_line(
    const struct setup *s, const struct eph_trace_meta *meta, FILE *out)
{
	if (s->o->workload != NULL) {
		print_workload_line(s, out);
		return;
	}
	(void)fprintf(out, "%s: ", s->trace);
	print_counted(out, meta->references, "reference");
	(void)fputs(" to ", out);
	print_counted(out, meta->unique_pages, "page");
	(void)fputs(" by ", out);
	print_counted(out, meta->cpus, "CPU");
	if (meta->duration_ns > 0)
		(void)fprintf(
		    out, " in %.3f s", (double)meta->duration_ns / 1e9);
	(void)fputs(".\n", out);
}

/* How p lines, which leave it open, were done. */
static void
print_p_lines(
    const struct setup *s, const struct eph_trace_meta *meta, FILE *out)
{
	char flags[64], ns[NUMBER_MAX];

	if (meta->ops_of[EPH_OP_REF] > 0)
		(void)fprintf(out, "p lines: %s, touch %s, held %s ns.  ",
		    flags_text(s->sfb_flags, flags),
		    opt_choice(touch, s->o->touch),
		    number_u64(ns, s->o->hold_ns));
	(void)fprintf(out, "Seed %" PRIu64 ".\n", s->o->seed);
}

static void
print_run_header(const struct setup *s, const struct eph_trace_meta *meta,
    const struct point *p, FILE *out)
{
	const struct eph_design_ops *d = p->cfg.design;

	(void)fprintf(
	    out, "%s: %s\n  %s, %s\n", d->name, d->summary, d->origin, d->date);
	(void)fprintf(out, "  machine %s, ", p->cfg.machine);
	print_counted(out, p->cfg.cpus, "CPU");
	(void)fprintf(out, ", TLB %s, shootdown %s, policy %s", point_tlb(p),
	    or_dash(point_shootdown(p)), or_dash(point_policy(p)));
	if (point_has_nbufs(p)) {
		(void)fputs(", ", out);
		print_counted(out, p->cfg.nbufs, "buffer");
	}
	(void)fputc('\n', out);
	print_trace_line(s, meta, out);
	print_p_lines(s, meta, out);
}

/* Counters that counted; then the names of those that did not. */
static void
print_run_counters(const struct eph_counters *c, FILE *out)
{
	struct table *t = table_create("lrr");
	unsigned zeros = 0;

	table_cell(t, "event");
	table_cell(t, "count");
	table_cell(t, "per 1,000 maps");
	table_rest(t, "what one is");
	table_rule(t);
	for (unsigned i = 0; eph_counter_name(i) != NULL; i++) {
		const uint64_t v = eph_counter_value(c, i);
		const double rate = per_map(c, v) * 1000;
		char number[NUMBER_MAX];

		if (v == 0) {
			zeros++;
			continue;
		}
		table_cell(t, "%s", eph_counter_name(i));
		table_cell(t, "%s", number_u64(number, v));
		table_cell(t, "%s",
		    isfinite(rate) ? number_real(number, rate, 1) : "-");
		table_rest(t, eph_counter_desc(i));
	}
	table_print(t, out);
	table_destroy(t);
	if (zeros == 0)
		return;
	(void)fputs("none of:", out);
	for (unsigned i = 0; eph_counter_name(i) != NULL; i++) {
		if (eph_counter_value(c, i) == 0)
			(void)fprintf(out, " %s", eph_counter_name(i));
	}
	(void)fputc('\n', out);
}

static void
derived_row(struct table *t, const char *key, json_t *v, const char *meaning)
{
	char number[NUMBER_MAX];

	table_cell(t, "%s", key);
	if (json_is_integer(v))
		table_cell(t, "%s",
		    number_u64(number, (uint64_t)json_integer_value(v)));
	else if (json_is_real(v))
		table_cell(t, "%s", number_real(number, json_real_value(v), 3));
	else
		table_cell(t, "-");
	table_rest(t, meaning);
	json_decref(v);
}

static void
print_run_derived(const struct eph_run_result *r, FILE *out)
{
	struct table *t = table_create("lr");

#define DERIVED_ROW(key, value, meaning) derived_row(t, #key, value, meaning);
	DERIVED(DERIVED_ROW)
#undef DERIVED_ROW
	table_print(t, out);
	table_destroy(t);
}

static void
print_work(const struct eph_work_result *wr, FILE *out)
{
	struct table *t = table_create("lr");
	char number[NUMBER_MAX];

#define WORK_ROW(key, meaning) derived_row(t, #key, whole(wr->key), meaning);
	WORK(WORK_ROW)
#undef WORK_ROW
	for (unsigned i = 0; i < wr->nfacts; i++) {
		table_cell(t, "%s", wr->fact[i].name);
		table_cell(t, "%s", number_u64(number, wr->fact[i].value));
		table_rest(t, "of this workload");
	}
	table_print(t, out);
	table_destroy(t);
}

static void
print_violations(const struct eph_run_result *r, FILE *out)
{
	char total[NUMBER_MAX];

	if (r->violations_total == 0)
		return;
	(void)fprintf(
	    out, "\nVIOLATIONS: %s", number_u64(total, r->violations_total));
	if (r->violations < r->violations_total)
		(void)fprintf(out, ", the first %u", r->violations);
	(void)fputs("\n", out);
	for (unsigned i = 0; i < r->violations; i++)
		(void)fprintf(out, "%2u. %s\n", i + 1, r->violation[i].text);
}

void
report_print_run(const struct setup *s, const struct eph_trace_meta *meta,
    const struct point *p, FILE *out)
{
	print_run_header(s, meta, p, out);
	(void)fputc('\n', out);
	print_run_counters(&p->res->counters, out);
	(void)fputc('\n', out);
	print_run_derived(p->res, out);
	if (p->work != NULL) {
		(void)fputc('\n', out);
		print_work(p->work, out);
	}
	print_violations(p->res, out);
	if (p->unsound)
		(void)fprintf(out, "\nFAILED: %s.%s\n", p->err.text,
		    p->work->map_asleep > 0 ? "  More --nbufs may do." : "");
}

/* Which columns a comparison needs: an axis is shown where it varies. */
struct shown {
	bool policy;
	bool shootdown;
	bool machine;
	bool tlb;
	bool cpus;
	bool nbufs;
	bool in_use; /* mappings are held, not only used and freed */
	bool violations;
};

static bool
same_text(const char *a, const char *b)
{
	return (strcmp(or_dash(a), or_dash(b)) == 0);
}

static struct shown
find_shown(const struct point *p, size_t n)
{
	struct shown w = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct eph_run_config *a = &p[0].cfg, *b = &p[i].cfg;

		/* Only what was chosen: the designs' own differ anyway. */
		w.policy |= b->policy != NULL;
		w.shootdown |= b->shootdown != NULL;
		w.machine |= strcmp(a->machine, b->machine) != 0;
		w.tlb |= !same_text(a->tlb, b->tlb);
		w.cpus |= a->cpus != b->cpus;
		w.nbufs |= a->nbufs != b->nbufs;
		w.in_use |= p[i].status == 0 && p[i].res->buffers_peak > 1;
		w.violations |=
		    p[i].status == 0 && p[i].res->violations_total > 0;
	}
	return (w);
}

/* Modelled nanoseconds per map: what rows are ordered by. */
static double
price_of(const struct point *p)
{
	const struct eph_machine_model *m =
	    eph_machine_model_find(p->cfg.machine);
	const struct eph_counters *c = &p->res->counters;

	return (per_map(c, c->cycles) * 1000 / m->mhz);
}

/* The cheapest first, those without a price behind, refused ones last. */
static int
compare_points(const void *va, const void *vb)
{
	const struct point *a = *(const struct point *const *)va;
	const struct point *b = *(const struct point *const *)vb;
	double pa, pb;

	if (a->status != 0 || b->status != 0)
		return (a->status != 0 && b->status != 0
			? (a > b) - (a < b)
			: (a->status != 0) - (b->status != 0));
	pa = price_of(a);
	pb = price_of(b);
	if (isnan(pa) != isnan(pb))
		return (isnan(pa) ? 1 : -1);
	if (pa != pb && !isnan(pa))
		return (pa < pb ? -1 : 1);
	return ((a > b) - (a < b)); /* as they were typed */
}

static void
print_heading(struct table *t, const struct shown *w)
{
	table_cell(t, "design");
	if (w->policy)
		table_cell(t, "policy");
	if (w->shootdown)
		table_cell(t, "shootdown");
	if (w->machine)
		table_cell(t, "machine");
	if (w->tlb)
		table_cell(t, "TLB");
	if (w->cpus)
		table_cell(t, "CPUs");
	if (w->nbufs)
		table_cell(t, "buffers");
	table_cell(t, "hit %%");
	table_cell(t, "invlpg");
	table_cell(t, "flush");
	table_cell(t, "IPI");
	table_cell(t, "TLB miss");
	table_cell(t, "sleep");
	if (w->in_use) {
		table_cell(t, "in use");
		table_cell(t, "at most");
	}
	table_cell(t, "cycles/map");
	table_cell(t, "price");
	if (w->violations)
		table_cell(t, "violations");
	table_rule(t);
}

static void
rate_cell(struct table *t, const struct eph_counters *c, uint64_t events)
{
	char number[NUMBER_MAX];
	const double rate = per_map(c, events) * 1000;

	table_cell(
	    t, "%s", isfinite(rate) ? number_real(number, rate, 1) : "-");
}

static void
buffers_cells(struct table *t, const struct eph_run_result *r)
{
	char number[NUMBER_MAX];

	table_cell(t, "%s",
	    isfinite(r->buffers_mean) ? number_real(number, r->buffers_mean, 1)
				      : "-");
	table_cell(t, "%s", number_u64(number, r->buffers_peak));
}

static void
print_axes(struct table *t, const struct shown *w, const struct point *p)
{
	char number[NUMBER_MAX];

	table_cell(t, "%s", p->cfg.design->name);
	if (w->policy)
		table_cell(t, "%s", or_dash(point_policy(p)));
	if (w->shootdown)
		table_cell(t, "%s", or_dash(point_shootdown(p)));
	if (w->machine)
		table_cell(t, "%s", p->cfg.machine);
	if (w->tlb)
		table_cell(t, "%s", point_tlb(p));
	if (w->cpus)
		table_cell(t, "%u", p->cfg.cpus);
	if (w->nbufs)
		table_cell(t, "%s",
		    point_has_nbufs(p) ? number_u64(number, p->cfg.nbufs)
				       : "-");
}

static void
print_point(struct table *t, const struct shown *w, const struct point *p,
    double cheapest)
{
	const struct eph_counters *c = &p->res->counters;
	char number[NUMBER_MAX];
	const double hit = hit_ratio(c) * 100, price = price_of(p);

	print_axes(t, w, p);
	table_cell(t, "%s", isfinite(hit) ? number_real(number, hit, 1) : "-");
	rate_cell(t, c, c->invlpg_local + c->invlpg_remote);
	rate_cell(t, c, c->flush_local + c->flush_remote);
	rate_cell(t, c, c->ipi_sent);
	rate_cell(t, c, c->tlb_miss);
	rate_cell(t, c, p->work != NULL ? p->work->map_sleeps : c->sleep);
	if (w->in_use)
		buffers_cells(t, p->res);
	table_cell(t, "%s",
	    isfinite(price) ? number_real(number, per_map(c, c->cycles), 1)
			    : "-");
	table_cell(t, "%s%s",
	    isfinite(price) && cheapest > 0
		? number_real(number, price / cheapest, 2)
		: "-",
	    isfinite(price) && cheapest > 0 ? "x" : "");
	if (w->violations)
		table_cell(
		    t, "%s", number_u64(number, p->res->violations_total));
	if (p->unsound)
		table_rest(t, p->err.text);
}

static const struct point **
sort_points(const struct point *p, size_t n)
{
	const struct point **order = must_alloc(NULL, n, sizeof(*order));

	for (size_t i = 0; i < n; i++)
		order[i] = &p[i];
	qsort(order, n, sizeof(*order), compare_points);
	return (order);
}

/*
 * What prices are printed against: the cheapest run that costs anything.
 * (With --touch none a direct map costs nothing.)
 */
static double
price_unit(const struct point *const *order, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (order[i]->status == 0 && price_of(order[i]) > 0)
			return (price_of(order[i]));
	}
	return (NAN);
}

static void
print_how_to_read(const struct setup *s, const struct eph_trace_meta *meta,
    const struct shown *w, const struct point *p, FILE *out)
{
	(void)fputc('\n', out);
	print_trace_line(s, meta, out);
	if (!w->machine)
		(void)fprintf(out, "Machine %s", p->cfg.machine);
	else
		(void)fputs("Machines as shown", out);
	if (!w->tlb)
		(void)fprintf(out, ", TLB %s",
		    w->machine ? "of the machine" : point_tlb(p));
	if (!w->cpus) {
		(void)fputs(", ", out);
		print_counted(out, p->cfg.cpus, "CPU");
	}
	if (!w->nbufs) {
		(void)fputs(", ", out);
		print_counted(out, p->cfg.nbufs, "buffer");
	}
	(void)fputs(".  ", out);
	print_p_lines(s, meta, out);
	(void)fputs(
	    "\nFrom invlpg to sleep: events per 1,000 maps, on all CPUs "
	    "together, counted exactly.\n"
	    "  hit %     maps that found the page still mapped\n"
	    "  invlpg    single TLB entries invalidated\n"
	    "  flush     whole TLBs flushed\n"
	    "  IPI       CPUs interrupted to invalidate\n"
	    "  TLB miss  touches of the mapping that had to walk the page "
	    "table\n"
	    "  sleep     sleeps for a free buffer, woken for nothing or not\n",
	    out);
	if (w->in_use)
		(void)fputs(
		    "in use, at most: buffers that somebody holds, mean and "
		    "peak of the run.\n",
		    out);
	(void)fputs(
	    "cycles/map is modelled: those events times the machine's prices "
	    "(--costs for yours).\n"
	    "price is cycles/map",
	    out);
	(void)fputs(w->machine ? ", in time," : "", out);
	(void)fputs(" against the cheapest that costs "
		    "anything.\n",
	    out);
}

void
report_print_comparison(const struct setup *s,
    const struct eph_trace_meta *meta, const struct point *p, size_t n,
    FILE *out)
{
	const struct shown w = find_shown(p, n);
	const struct point **order = sort_points(p, n);
	char align[24] = "l";
	struct table *t;
	double cheapest;

	(void)snprintf(align, sizeof(align), "l%s%s%s%s%s%srrrrrrrr%s%s",
	    w.policy ? "l" : "", w.shootdown ? "l" : "", w.machine ? "l" : "",
	    w.tlb ? "l" : "", w.cpus ? "r" : "", w.nbufs ? "r" : "",
	    w.in_use ? "rr" : "", w.violations ? "r" : "");
	t = table_create(align);
	print_heading(t, &w);
	cheapest = price_unit(order, n);
	for (size_t i = 0; i < n; i++) {
		if (order[i]->status == 0) {
			print_point(t, &w, order[i], cheapest);
			continue;
		}
		print_axes(t, &w, order[i]);
		table_rest(t, order[i]->err.text);
	}
	table_print(t, out);
	table_destroy(t);
	print_how_to_read(s, meta, &w, order[0], out);
	free(order);
}

/* The most of something that any run of one design had. */
static uint64_t
most_of(uint64_t (*count)(const struct eph_run_result *r),
    const struct point *p, size_t n, const struct eph_design_ops *design)
{
	uint64_t most = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i].cfg.design == design && p[i].status == 0 &&
		    count(p[i].res) > most)
			most = count(p[i].res);
	}
	return (most);
}

static uint64_t
warn_nowait(const struct eph_run_result *r)
{
	return (r->nowait_ignored);
}

static uint64_t
warn_held(const struct eph_run_result *r)
{
	return (r->held_at_end);
}

static uint64_t
warn_asleep(const struct eph_run_result *r)
{
	return (r->asleep);
}

static uint64_t
warn_wires(const struct eph_run_result *r)
{
	return (r->wires_leaked);
}

static const struct warning {
	uint64_t (*count)(const struct eph_run_result *r);
	const char *text;
	bool which;    /* name the designs */
	bool how_many; /* print the numbers */
	bool at_end;   /* because the trace ended */
} warnings[] = {
	{ warn_nowait,
	    "nowait is ignored, and maps sleep as shipped, where the design "
	    "has no such flag",
	    true, false, false },
	{ warn_held, "handles still mapped when the trace ends", false, true,
	    true },
	{ warn_asleep, "maps still asleep when the trace ends", true, true,
	    true },
	{ warn_wires, "wirings of pages leaked, as shipped", true, true,
	    false },
};

/* One line, which names each design at most once. */
static void
warn_about(const struct setup *s, const struct warning *w,
    const struct point *p, size_t n)
{
	char number[NUMBER_MAX];
	const char *sep = ":";

	for (size_t i = 0; i < n; i++) {
		const struct eph_design_ops *d = p[i].cfg.design;
		const uint64_t most = most_of(w->count, p, n, d);

		if (most == 0 || (i > 0 && p[i - 1].cfg.design == d))
			continue;
		if (*sep == ':')
			(void)fprintf(
			    stderr, "%s: warning: %s", s->command, w->text);
		(void)fputs(sep, stderr);
		if (w->which)
			(void)fprintf(stderr, " %s", d->name);
		if (w->how_many)
			(void)fprintf(stderr, " %s", number_u64(number, most));
		sep = ",";
		if (!w->which)
			break;
	}
	if (*sep == ',')
		(void)fputc('\n', stderr);
}

void
report_warn(const struct setup *s, const struct point *p, size_t n)
{
	/* A workload's own result says these. */
	const bool ended = s->o->workload == NULL || s->wl.trace[0] != '\0';

	for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++)
		if (ended || !warnings[i].at_end)
			warn_about(s, &warnings[i], p, n);
}
