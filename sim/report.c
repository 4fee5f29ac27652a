/* SPDX-License-Identifier: BSD-2-Clause */

/* One run as text, and runs as CSV and JSON. */

#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "result.h"
#include "table.h"
#include "text.h"

/* What each CPU did under clocks. */
static json_t *
cpus_json(const struct point *p)
{
	json_t *all = json_array();

	for (unsigned c = 0; c < p->res->time.cpus; c++) {
		json_t *one = json_object(), *cycles = json_object();

		json_object_set_new(one, "maps",
		    json_integer((json_int_t)p->cpu[c].operations));
		for (unsigned i = 0; eph_cycles_name(i) != NULL; i++)
			json_object_set_new(cycles, eph_cycles_name(i),
			    json_integer((json_int_t)p->cpu[c].cycles[i]));
		json_object_set_new(one, "cycles", cycles);
		json_array_append_new(all, one);
	}
	return (all);
}

json_t *
report_json(const struct setup *s, const struct point *p)
{
	struct record r;
	json_t *root;

	record_init(&r);
	result_record(&r, s, p);
	root = record_json(&r);
	record_free(&r);
	if (p->cpu != NULL && p->status == 0 && p->res->time.on)
		json_object_set_new(
		    json_object_get(root, "time"), "cpu", cpus_json(p));
	return (root);
}

void
report_print_csv(
    const struct setup *s, const struct point *p, size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		struct record all, line;

		record_init(&all);
		record_init(&line);
		result_record(&all, s, &p[i]);
		result_flat(&line, &all, s->o->time);
		if (i == 0)
			record_csv(&line, true, out);
		record_csv(&line, false, out);
		record_free(&line);
		record_free(&all);
	}
}

const char *
or_dash(const char *s)
{
	return (s != NULL ? s : "-");
}

/* "1,024 pages", "1 page" */
void
print_counted(FILE *out, uint64_t n, const char *thing)
{
	char number[NUMBER_MAX];

	(void)fprintf(
	    out, "%s %s%s", number_u64(number, n), thing, n == 1 ? "" : "s");
}

static void
print_workload_line(const struct setup *s, FILE *out)
{
	(void)fprintf(out, "workload %s: %s\n  %s\n", s->workload,
	    s->wl.ops->summary, s->wl.ops->origin);
}

void
print_trace_line(
    const struct setup *s, const struct eph_trace_meta *meta, FILE *out)
{
	if (s->workload != NULL) {
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
void
print_p_lines(
    const struct setup *s, const struct eph_trace_meta *meta, FILE *out)
{
	char flags[64], held[NUMBER_MAX];
	const bool refs = s->hold.refs != 0;

	if (meta->ops_of[EPH_OP_REF] > 0)
		(void)fprintf(out, "p lines: %s, touch %s, held %s %s.  ",
		    flags_text(s->sfb_flags, flags),
		    opt_choice(touch, s->o->touch),
		    number_u64(held, refs ? s->hold.refs : s->hold.ns),
		    refs ? "references" : "ns");
	if (s->warmup > 0)
		(void)fprintf(out, "The first %s references not counted.  ",
		    number_u64(held, s->warmup));
	if (s->spread != EPH_SPREAD_NONE)
		(void)fprintf(out, "On CPUs by %s.  ", s->o->spread);
	(void)fprintf(out, "Seed %" PRIu64 ".\n", s->o->seed);
}

static void
print_run_header(const struct setup *s, const struct eph_trace_meta *meta,
    const struct point *p, FILE *out)
{
	const struct eph_design_ops *d = p->cfg.design;
	struct text text;
	FILE *f = text_begin(&text);

	(void)fprintf(
	    f, "%s: %s\n  %s, %s\n", d->name, d->summary, d->origin, d->date);
	(void)fprintf(f, "  machine %s, ", p->cfg.machine);
	print_counted(f, p->cfg.cpus, "CPU");
	(void)fprintf(f, ", TLB %s, shootdown %s, policy %s", point_tlb(p),
	    or_dash(point_shootdown(p)), or_dash(point_policy(p)));
	if (point_has_nbufs(p)) {
		(void)fputs(", ", f);
		print_counted(f, p->cfg.nbufs, "buffer");
	}
	(void)fputc('\n', f);
	print_trace_line(s, meta, f);
	print_p_lines(s, meta, f);
	text_end(&text, out);
}

/* Counters that counted; then the names of those that did not. */
static void
print_run_counters(const struct eph_counters *c, FILE *out)
{
	struct table *t = table_create("lrr");
	unsigned zeros = 0;
	struct text text;
	FILE *f;

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
	f = text_begin(&text);
	(void)fputs("none of:", f);
	for (unsigned i = 0; eph_counter_name(i) != NULL; i++) {
		if (eph_counter_value(c, i) == 0)
			(void)fprintf(f, " %s", eph_counter_name(i));
	}
	text_end(&text, out);
}

/* Keys, values and what they mean. */
static void
print_meanings(const struct record *r, FILE *out)
{
	struct table *t = table_create("lr");
	char buf[VALUE_MAX];

	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->field[i];

		if (f->value.kind == VALUE_EMPTY)
			continue;
		table_cell(t, "%s", f->key);
		table_cell(t, "%s", value_format(&f->value, 3, buf));
		table_rest(t, f->meaning);
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
		text_printf(out, "%2u. %s\n", i + 1, r->violation[i].text);
}

void
report_print_run(const struct setup *s, const struct eph_trace_meta *meta,
    const struct point *p, FILE *out)
{
	struct record r;

	print_run_header(s, meta, p, out);
	(void)fputc('\n', out);
	print_run_counters(&p->res->counters, out);
	(void)fputc('\n', out);
	record_init(&r);
	result_derived(&r, p->res);
	print_meanings(&r, out);
	record_free(&r);
	if (p->res->time.on) {
		(void)fputc('\n', out);
		result_time(&r, &p->res->time);
		print_meanings(&r, out);
		record_free(&r);
	}
	if (p->work != NULL) {
		(void)fputc('\n', out);
		result_work(&r, &p->res->time, p->work);
		print_meanings(&r, out);
		record_free(&r);
	}
	print_violations(p->res, out);
	if (p->unsound)
		text_printf(out, "\nFAILED: %s.%s\n", p->err.text,
		    p->work->map_asleep > 0 ? "  More --nbufs may do." : "");
}
