/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * `ephmap list': the rows of the library's tables.  Each kind makes a
 * record of each row; the three formats are views of them.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "costs.h"
#include "help.h"
#include "options.h"
#include "record.h"
#include "table.h"

#include "ephmap/claims.h"
#include "ephmap/sdk/design.h"
#include "ephmap/explore.h"
#include "ephmap/names.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/policy.h"
#include "ephmap/sdk/scenario.h"
#include "ephmap/sdk/shootdown.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/workload.h"

#define CELLS_MAX 6

struct rows {
	struct record *row;
	size_t n;
};

struct kind {
	const char *name;
	void (*rows)(struct rows *rows);
	const char *align;		  /* of the cells */
	const char *cells[CELLS_MAX + 1]; /* keys that share the first line */
	const char *lines[5];		  /* keys with a line of their own */
};

static struct record *
add_row(struct rows *rows)
{
	rows->row = must_alloc(rows->row, rows->n + 1, sizeof(*rows->row));
	record_init(&rows->row[rows->n]);
	return (&rows->row[rows->n++]);
}

static void
set_text(struct record *o, const char *key, const char *value)
{
	record_add(o, NULL, key, NULL, value_text(value != NULL ? value : ""));
}

static void
set_number(struct record *o, const char *key, uint64_t value)
{
	record_add(o, NULL, key, NULL, value_whole(value));
}

static void
set_bool(struct record *o, const char *key, bool value)
{
	record_add(o, NULL, key, NULL, value_bool(value));
}

/* The record takes the array. */
static void
set_names(struct record *o, const char *key, const char **names, size_t n)
{
	record_add(o, NULL, key, NULL, value_names(record_own(o, names), n));
}

/* What the design's own interface has, in words. */
static void
set_features(struct record *o, const struct eph_design_ops *d)
{
	static const struct {
		unsigned flag;
		const char *name;
	} words[] = {
		{ EPH_DESIGN_PRIVATE, "private" },
		{ EPH_DESIGN_NOWAIT, "nowait" },
		{ EPH_DESIGN_CACHE, "cache" },
		{ EPH_DESIGN_POLICY, "policy" },
		{ EPH_DESIGN_NBUFS, "nbufs" },
		{ EPH_DESIGN_SLEEPS, "sleeps" },
		{ EPH_DESIGN_WIRES, "wires" },
		{ EPH_DESIGN_OURS, "ours" },
	};
	const size_t all = sizeof(words) / sizeof(words[0]);
	const char **names = must_alloc(NULL, all, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < all; i++) {
		if ((d->flags & words[i].flag) != 0)
			names[n++] = words[i].name;
	}
	set_names(o, "features", names, n);
}

static void
set_sysctls(struct record *o, const struct eph_design_ops *d)
{
	const struct eph_sysctl *c = eph_design_sysctls(d);
	const char **names;
	size_t n = 0;

	while (c[n].name != NULL)
		n++;
	names = must_alloc(NULL, n + 1, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = c[i].name;
	set_names(o, "sysctls", names, n);
}

static void
design_row(struct rows *rows, const struct eph_design_ops *d)
{
	struct record *o = add_row(rows);

	set_text(o, "name", d->name);
	set_text(o, "origin", d->origin);
	set_text(o, "date", d->date);
	set_text(o, "validity", eph_validity_name(d->validity));
	set_text(o, "summary", d->summary);
	set_text(o, "holes", d->holes);
	set_text(o, "shootdown", d->shootdown);
	set_text(o, "policy", d->policy);
	set_features(o, d);
	set_sysctls(o, d);
	set_text(o, "from", d->from);
	set_text(o, "costs", d->costs);
}

static void
design_rows(struct rows *rows)
{
	for (size_t i = 0; eph_designs[i] != NULL; i++)
		design_row(rows, eph_designs[i]);
}

/* By date, as text: a decade stands before its years. */
static int
design_before(const void *a, const void *b)
{
	const struct eph_design_ops *const *x = a, *const *y = b;
	const int order = strncmp((*x)->date, (*y)->date, 4);

	if (order != 0)
		return (order);
	if ((strcmp((*x)->date, (*y)->date)) != 0)
		return (strcmp((*x)->date, (*y)->date));
	return (strcmp((*x)->name, (*y)->name));
}

static void
timeline_rows(struct rows *rows)
{
	const struct eph_design_ops **all;
	size_t n = 0;

	while (eph_designs[n] != NULL)
		n++;
	all = must_alloc(NULL, n, sizeof(*all));
	memcpy(all, eph_designs, n * sizeof(*all));
	qsort(all, n, sizeof(*all), design_before);
	for (size_t i = 0; i < n; i++)
		design_row(rows, all[i]);
	free(all);
}

static void
policy_rows(struct rows *rows)
{
	for (size_t i = 0; eph_policies[i] != NULL; i++) {
		const struct eph_policy_ops *p = eph_policies[i];
		struct record *o = add_row(rows);
		char params[EPH_POLICY_TEXT];

		(void)eph_policy_defaults(p, params, sizeof(params));
		set_text(o, "name", p->name);
		set_text(o, "origin", p->origin);
		set_text(o, "summary", p->summary);
		set_text(o, "params",
		    record_own(o, must_copy(params, strlen(params))));
		set_bool(o, "offline", p->offline);
	}
}

static void
shootdown_rows(struct rows *rows)
{
	for (size_t i = 0; eph_shootdowns[i] != NULL; i++) {
		const struct eph_shootdown_ops *p = eph_shootdowns[i];
		struct record *o = add_row(rows);

		set_text(o, "name", p->name);
		set_text(o, "origin", p->origin);
		set_text(o, "summary", p->summary);
		set_bool(o, "acked", p->acked);
	}
}

/* "4 published, 15 assumed" */
static void
set_prices(struct record *o, const struct eph_machine_model *m)
{
	char *text = must_alloc(NULL, 128, 1);
	unsigned of[EPH_COST_KINDS] = { 0 };
	size_t n = 0;

	text[0] = '\0';
	for (unsigned c = 0; c < EPH_COSTS_N; c++)
		of[m->note[c].kind]++;
	for (unsigned k = EPH_COST_KINDS; k-- > 0;) {
		if (of[k] > 0)
			n += (size_t)snprintf(text + n, 128 - n, "%s%u %s",
			    n > 0 ? ", " : "", of[k],
			    eph_cost_kind_name((enum eph_cost_kind)k));
	}
	set_text(o, "prices", record_own(o, text));
}

static void
machine_rows(struct rows *rows)
{
	for (size_t i = 0; eph_machine_models[i] != NULL; i++) {
		const struct eph_machine_model *m = eph_machine_models[i];
		struct record *o = add_row(rows);

		set_text(o, "name", m->name);
		set_text(o, "origin", m->origin);
		set_text(o, "summary", m->summary);
		set_text(o, "tlb", m->tlb);
		set_number(o, "levels", m->levels);
		set_number(o, "kva_pages", m->kva_pages);
		set_number(o, "mhz", m->mhz);
		set_prices(o, m);
		for (unsigned c = 0; cost_name(c) != NULL; c++)
			record_add(o, "costs", cost_name(c), NULL,
			    value_whole(cost_value(&m->costs, c)));
		for (unsigned c = 0; cost_name(c) != NULL; c++) {
			record_add(o, "kinds", cost_name(c), NULL,
			    value_text(eph_cost_kind_name(m->note[c].kind)));
			record_add(o, "sources", cost_name(c), NULL,
			    value_text(m->note[c].source));
		}
	}
}

static void
tlb_rows(struct rows *rows)
{
	for (size_t i = 0; eph_tlb_models[i] != NULL; i++) {
		const struct eph_tlb_model *g = eph_tlb_models[i];
		struct record *o = add_row(rows);

		set_text(o, "name", g->name);
		set_text(o, "origin", g->origin);
		set_bool(o, "infinite", g->infinite);
		set_number(o, "l1_sets", g->l1.sets);
		set_number(o, "l1_ways", g->l1.ways);
		set_number(o, "l2_sets", g->l2.sets);
		set_number(o, "l2_ways", g->l2.ways);
	}
}

static void
set_designs(struct record *o, const struct eph_scenario *sc)
{
	const char **names;
	size_t all = 0, n = 0;

	while (eph_designs[all] != NULL)
		all++;
	names = must_alloc(NULL, all + 1, sizeof(*names));
	for (size_t d = 0; d < all; d++) {
		if (eph_scenario_applies(sc, eph_designs[d]))
			names[n++] = eph_designs[d]->name;
	}
	set_names(o, "designs", names, n);
}

static void
scenario_rows(struct rows *rows)
{
	for (size_t i = 0; eph_scenarios[i] != NULL; i++) {
		const struct eph_scenario *sc = eph_scenarios[i];
		struct record *o = add_row(rows);

		set_text(o, "name", sc->name);
		set_text(o, "origin", sc->origin);
		set_text(o, "summary", sc->summary);
		set_number(o, "cpus", sc->cpus);
		set_number(o, "nbufs", sc->nbufs);
		set_number(o, "pages", sc->pages + sc->pages_cpu * sc->cpus);
		set_number(o, "ops", sc->ops);
		set_bool(o, "needs_design", !sc->no_design);
		set_designs(o, sc);
	}
}

static void
bug_rows(struct rows *rows)
{
	for (size_t i = 0; eph_bugs[i] != NULL; i++) {
		const struct eph_bug *b = eph_bugs[i];
		struct record *o = add_row(rows);

		set_text(o, "name", b->name);
		set_text(o, "date", b->date);
		set_text(o, "origin", b->origin);
		set_text(o, "symptom", b->symptom);
		set_text(o, "form", b->form);
		set_text(o, "fails", eph_failure_name(b->fails));
		set_text(o, "repair", b->repair);
		set_text(o, "scenario", b->scenario->name);
		set_text(o, "design", b->design);
	}
}

/* "key=default: text" for each parameter, in one text. */
static void
set_params(struct record *o, const struct eph_work_param *p)
{
	char text[2000] = "";
	size_t n = 0;

	for (const struct eph_work_param *q = p; q->name != NULL; q++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s=%s: %s",
		    q > p ? "; " : "", q->name, q->def, q->desc);
		for (size_t i = 0; q->choices != NULL && q->choices[i] != NULL;
		     i++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s%s%s", i == 0 ? " (" : ", ", q->choices[i],
			    q->choices[i + 1] == NULL ? ")" : "");
	}
	set_text(o, "params", record_own(o, must_copy(text, n)));
}

static void
workload_rows(struct rows *rows)
{
	for (size_t i = 0; eph_workloads[i] != NULL; i++) {
		const struct eph_workload_ops *w = eph_workloads[i];
		struct record *o = add_row(rows);

		set_text(o, "name", w->name);
		set_text(o, "origin", w->origin);
		set_text(o, "summary", w->summary);
		set_number(o, "cpus", w->cpus);
		set_bool(o, "trace", w->tap != NULL);
		set_params(o, w->params);
	}
}

static void
claim_rows(struct rows *rows)
{
	for (size_t i = 0; eph_claims[i] != NULL; i++) {
		const struct eph_claim *c = eph_claims[i];
		struct record *o = add_row(rows);

		set_number(o, "claim", c->number);
		set_text(o, "name", c->name);
		set_text(o, "group", c->group);
		set_text(o, "title", c->title);
		set_text(o, "text", c->text);
		set_text(o, "origin", c->origin);
		set_text(o, "date", c->date);
		set_text(o, "method", c->method);
		set_text(o, "rule", c->rule);
	}
}

static const struct kind kinds[] = {
	{ "designs", design_rows, "llll",
	    { "name", "date", "validity", "shootdown" },
	    { "summary", "origin", "holes" } },
	{ "policies", policy_rows, "ll", { "name", "offline" },
	    { "summary", "origin", "params" } },
	{ "shootdowns", shootdown_rows, "ll", { "name", "acked" },
	    { "summary", "origin" } },
	{ "machines", machine_rows, "llrrr",
	    { "name", "tlb", "levels", "kva_pages", "mhz" },
	    { "summary", "origin", "prices" } },
	{ "workloads", workload_rows, "lrl", { "name", "cpus", "trace" },
	    { "summary", "origin", "params" } },
	{ "tlbs", tlb_rows, "llrrrr",
	    { "name", "infinite", "l1_sets", "l1_ways", "l2_sets", "l2_ways" },
	    { "origin" } },
	{ "scenarios", scenario_rows, "lrl", { "name", "cpus", "needs_design" },
	    { "summary", "origin" } },
	{ "bugs", bug_rows, "lll", { "name", "date", "form" },
	    { "symptom", "origin", "repair" } },
	{ "claims", claim_rows, "rlll", { "claim", "name", "group", "date" },
	    { "text", "origin", "method" } },
};

static const struct kind timeline = { "designs", timeline_rows, "lll",
	{ "date", "name", "from" }, { "summary", "origin", "costs", "holes" } };

#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

/* "key: text" below a row; a summary needs no name. */
static void
print_text(struct table *t, const char *key, const char *text)
{
	const bool named = strcmp(key, "summary") != 0;
	const size_t n = strlen(key) + strlen(text) + 8;
	char *line = must_alloc(NULL, n, 1);

	(void)snprintf(
	    line, n, "    %s%s%s", named ? key : "", named ? ": " : "", text);
	table_line(t, line);
	free(line);
}

static void
print_row(struct table *t, const struct kind *k, const struct record *row)
{
	char buf[VALUE_MAX];

	for (unsigned c = 0; k->cells[c] != NULL; c++)
		table_cell(t, "%s",
		    value_format(
			&record_find(row, NULL, k->cells[c])->value, 0, buf));
	for (unsigned c = 0; k->lines[c] != NULL; c++) {
		const struct field *f = record_find(row, NULL, k->lines[c]);

		if (*f->value.u.text != '\0')
			print_text(t, k->lines[c], f->value.u.text);
	}
}

static void
print_table(const struct kind *k, const struct rows *rows)
{
	struct table *t = table_create(k->align);

	for (unsigned c = 0; k->cells[c] != NULL; c++)
		table_cell(t, "%s", k->cells[c]);
	table_rule(t);
	for (size_t i = 0; i < rows->n; i++)
		print_row(t, k, &rows->row[i]);
	table_print(t, stdout);
	table_destroy(t);
}

static void
print_rows(const struct kind *k, const struct rows *rows, unsigned format)
{
	json_t *all;

	if (format == FORMAT_TABLE) {
		print_table(k, rows);
		return;
	}
	all = json_array();
	for (size_t i = 0; i < rows->n; i++) {
		if (format == FORMAT_JSON) {
			json_array_append_new(all, record_json(&rows->row[i]));
			continue;
		}
		if (i == 0)
			record_csv(&rows->row[i], true, stdout);
		record_csv(&rows->row[i], false, stdout);
	}
	if (format == FORMAT_JSON)
		json_print(all, stdout);
	else
		json_decref(all);
}

static int
refuse_kind(const char *command, const char *name)
{
	const char *names[NKINDS + 1];
	const char *near;

	for (size_t i = 0; i < NKINDS; i++)
		names[i] = kinds[i].name;
	names[NKINDS] = NULL;
	near = eph_nearest_name(name, names);
	return (options_refuse(command,
	    "unknown list \"%s\"%s%s; `ephmap list --help' shows them", name,
	    near != NULL ? "; did you mean " : "", near != NULL ? near : ""));
}

static int
list_kind(const struct kind *k, unsigned format)
{
	struct rows rows = { NULL, 0 };

	k->rows(&rows);
	print_rows(k, &rows, format);
	for (size_t r = 0; r < rows.n; r++)
		record_free(&rows.row[r]);
	free(rows.row);
	return (EXIT_OK);
}

int
cmd_list(const struct opts *o, int n, char **operands)
{
	if (n == 0) {
		help_command(stdout, o->command);
		return (EXIT_OK);
	}
	if (o->by_year && strcmp(operands[0], timeline.name) != 0)
		return (options_refuse("ephmap list",
		    "--timeline is for designs, not %s", operands[0]));
	for (size_t i = 0; i < NKINDS; i++) {
		if (strcmp(kinds[i].name, operands[0]) == 0)
			return (list_kind(
			    o->by_year ? &timeline : &kinds[i], o->format));
	}
	return (refuse_kind("ephmap list", operands[0]));
}
