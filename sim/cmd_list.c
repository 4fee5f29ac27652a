/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * `ephmap list': the rows of the library's tables.  Each kind makes an
 * array of objects; the three formats are views of it.
 */

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "costs.h"
#include "help.h"
#include "options.h"
#include "report.h"
#include "table.h"

#include "ephmap/claims.h"
#include "ephmap/sdk/design.h"
#include "ephmap/explore.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/policy.h"
#include "ephmap/sdk/scenario.h"
#include "ephmap/sdk/shootdown.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/workload.h"

#define CELLS_MAX   6
#define WIDTH	    79 /* of running text */
#define TEXT_INDENT 6

struct kind {
	const char *name;
	json_t *(*rows)(void);
	const char *align;		  /* of the cells */
	const char *cells[CELLS_MAX + 1]; /* keys that share the first line */
	const char *lines[4];		  /* keys with a line of their own */
};

static void
set_text(json_t *o, const char *key, const char *value)
{
	json_object_set_new(o, key, json_string(value != NULL ? value : ""));
}

static void
set_number(json_t *o, const char *key, uint64_t value)
{
	json_object_set_new(o, key, json_integer((json_int_t)value));
}

/* What the design's own interface has, in words. */
static json_t *
design_features(const struct eph_design_ops *d)
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
	json_t *a = json_array();

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((d->flags & words[i].flag) != 0)
			json_array_append_new(a, json_string(words[i].name));
	}
	return (a);
}

static json_t *
design_rows(void)
{
	json_t *rows = json_array();

	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		const struct eph_design_ops *d = eph_designs[i];
		json_t *o = json_object(), *names = json_array();

		set_text(o, "name", d->name);
		set_text(o, "origin", d->origin);
		set_text(o, "date", d->date);
		set_text(o, "validity", eph_validity_name(d->validity));
		set_text(o, "summary", d->summary);
		set_text(o, "holes", d->holes);
		set_text(o, "shootdown", d->shootdown);
		set_text(o, "policy", d->policy);
		json_object_set_new(o, "features", design_features(d));
		for (const struct eph_sysctl *c = eph_design_sysctls(d);
		     c->name != NULL; c++)
			json_array_append_new(names, json_string(c->name));
		json_object_set_new(o, "sysctls", names);
		json_array_append_new(rows, o);
	}
	return (rows);
}

static json_t *
policy_rows(void)
{
	json_t *rows = json_array();

	for (size_t i = 0; eph_policies[i] != NULL; i++) {
		const struct eph_policy_ops *p = eph_policies[i];
		json_t *o = json_object();

		set_text(o, "name", p->name);
		set_text(o, "origin", p->origin);
		set_text(o, "summary", p->summary);
		set_text(o, "params", p->params);
		json_object_set_new(o, "offline", json_boolean(p->offline));
		json_array_append_new(rows, o);
	}
	return (rows);
}

static json_t *
shootdown_rows(void)
{
	json_t *rows = json_array();

	for (size_t i = 0; eph_shootdowns[i] != NULL; i++) {
		const struct eph_shootdown_ops *p = eph_shootdowns[i];
		json_t *o = json_object();

		set_text(o, "name", p->name);
		set_text(o, "origin", p->origin);
		set_text(o, "summary", p->summary);
		json_object_set_new(o, "acked", json_boolean(p->acked));
		json_array_append_new(rows, o);
	}
	return (rows);
}

static json_t *
machine_rows(void)
{
	json_t *rows = json_array();

	for (size_t i = 0; eph_machine_models[i] != NULL; i++) {
		const struct eph_machine_model *m = eph_machine_models[i];
		json_t *o = json_object(), *costs = json_object();

		set_text(o, "name", m->name);
		set_text(o, "origin", m->origin);
		set_text(o, "summary", m->summary);
		set_text(o, "tlb", m->tlb);
		set_number(o, "levels", m->levels);
		set_number(o, "kva_pages", m->kva_pages);
		set_number(o, "mhz", m->mhz);
		for (unsigned c = 0; cost_name(c) != NULL; c++)
			set_number(
			    costs, cost_name(c), cost_value(&m->costs, c));
		json_object_set_new(o, "costs", costs);
		json_array_append_new(rows, o);
	}
	return (rows);
}

static json_t *
tlb_rows(void)
{
	json_t *rows = json_array();

	for (size_t i = 0; eph_tlb_models[i] != NULL; i++) {
		const struct eph_tlb_model *g = eph_tlb_models[i];
		json_t *o = json_object();

		set_text(o, "name", g->name);
		set_text(o, "origin", g->origin);
		json_object_set_new(o, "infinite", json_boolean(g->infinite));
		set_number(o, "l1_sets", g->l1.sets);
		set_number(o, "l1_ways", g->l1.ways);
		set_number(o, "l2_sets", g->l2.sets);
		set_number(o, "l2_ways", g->l2.ways);
		json_array_append_new(rows, o);
	}
	return (rows);
}

static json_t *
scenario_rows(void)
{
	json_t *rows = json_array();

	for (size_t i = 0; eph_scenarios[i] != NULL; i++) {
		const struct eph_scenario *sc = eph_scenarios[i];
		json_t *o = json_object(), *designs = json_array();

		set_text(o, "name", sc->name);
		set_text(o, "origin", sc->origin);
		set_text(o, "summary", sc->summary);
		set_number(o, "cpus", sc->cpus);
		json_object_set_new(
		    o, "needs_design", json_boolean(!sc->no_design));
		for (size_t d = 0; eph_designs[d] != NULL && !sc->no_design;
		     d++) {
			if (sc->applies == NULL || sc->applies(eph_designs[d]))
				json_array_append_new(
				    designs, json_string(eph_designs[d]->name));
		}
		json_object_set_new(o, "designs", designs);
		json_array_append_new(rows, o);
	}
	return (rows);
}

static json_t *
bug_rows(void)
{
	json_t *rows = json_array();

	for (size_t i = 0; eph_bugs[i] != NULL; i++) {
		const struct eph_bug *b = eph_bugs[i];
		json_t *o = json_object();

		set_text(o, "name", b->name);
		set_text(o, "date", b->date);
		set_text(o, "origin", b->origin);
		set_text(o, "symptom", b->symptom);
		set_text(o, "form", b->form);
		set_text(o, "fails", eph_failure_name(b->fails));
		set_text(o, "repair", b->repair);
		set_text(o, "scenario", b->scenario->name);
		set_text(o, "design", b->design);
		json_array_append_new(rows, o);
	}
	return (rows);
}

/* "key=default: text" for each parameter. */
static json_t *
param_list(const struct eph_work_param *p)
{
	json_t *a = json_array();

	for (; p->name != NULL; p++) {
		char text[400];
		int n = snprintf(
		    text, sizeof(text), "%s=%s: %s", p->name, p->def, p->desc);

		for (size_t i = 0; p->choices != NULL && p->choices[i] != NULL;
		     i++)
			n += snprintf(text + n, sizeof(text) - (size_t)n,
			    "%s%s%s", i == 0 ? " (" : ", ", p->choices[i],
			    p->choices[i + 1] == NULL ? ")" : "");
		json_array_append_new(a, json_string(text));
	}
	return (a);
}

/* All parameters as one text, for the table. */
static void
set_param_text(json_t *o, json_t *params)
{
	char text[2000];
	size_t n = 0, i;
	json_t *p;

	text[0] = '\0';
	json_array_foreach(params, i, p)
	{
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
		    i > 0 ? "; " : "", json_string_value(p));
	}
	set_text(o, "params", text);
}

static json_t *
workload_rows(void)
{
	json_t *rows = json_array();

	for (size_t i = 0; eph_workloads[i] != NULL; i++) {
		const struct eph_workload_ops *w = eph_workloads[i];
		json_t *o = json_object();
		json_t *params = param_list(w->params);

		set_text(o, "name", w->name);
		set_text(o, "origin", w->origin);
		set_text(o, "summary", w->summary);
		set_number(o, "cpus", w->cpus);
		json_object_set_new(o, "trace", json_boolean(w->tap != NULL));
		set_param_text(o, params);
		json_decref(params);
		json_array_append_new(rows, o);
	}
	return (rows);
}

static json_t *
claim_rows(void)
{
	json_t *rows = json_array();

	for (size_t i = 0; eph_claims[i] != NULL; i++) {
		const struct eph_claim *c = eph_claims[i];
		json_t *o = json_object();

		set_number(o, "claim", c->number);
		set_text(o, "name", c->name);
		set_text(o, "group", c->group);
		set_text(o, "title", c->title);
		set_text(o, "text", c->text);
		set_text(o, "origin", c->origin);
		set_text(o, "date", c->date);
		set_text(o, "method", c->method);
		set_text(o, "rule", c->rule);
		json_array_append_new(rows, o);
	}
	return (rows);
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
	    { "summary", "origin" } },
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

#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

static void
print_cell(struct table *t, const json_t *v)
{
	char number[NUMBER_MAX];

	if (json_is_integer(v))
		table_cell(t, "%s",
		    number_u64(number, (uint64_t)json_integer_value(v)));
	else if (json_is_boolean(v))
		table_cell(t, "%s", json_is_true(v) ? "yes" : "no");
	else
		table_cell(t, "%s",
		    *json_string_value(v) != '\0' ? json_string_value(v) : "-");
}

/* "key: text" below a row, indented and broken between words. */
static void
print_text(struct table *t, const char *key, const char *text)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "    ");

	/* A summary needs no name. */
	if (strcmp(key, "summary") != 0)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%s:", key);
	while (*(text += strspn(text, " ")) != '\0') {
		int word = (int)strcspn(text, " ");

		if (word > WIDTH)
			word = WIDTH;
		if (n + 1 + word > WIDTH && n > TEXT_INDENT) {
			table_line(t, line);
			n = snprintf(
			    line, sizeof(line), "%*s", TEXT_INDENT, "");
		}
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%s%.*s",
		    line[n - 1] != ' ' ? " " : "", word, text);
		text += word;
	}
	table_line(t, line);
}

static void
print_table(const struct kind *k, const json_t *rows)
{
	struct table *t = table_create(k->align);
	json_t *row;
	size_t i;

	for (unsigned c = 0; k->cells[c] != NULL; c++)
		table_cell(t, "%s", k->cells[c]);
	table_rule(t);
	json_array_foreach(rows, i, row)
	{
		for (unsigned c = 0; k->cells[c] != NULL; c++)
			print_cell(t, json_object_get(row, k->cells[c]));
		for (unsigned c = 0; k->lines[c] != NULL; c++) {
			const char *text = json_string_value(
			    json_object_get(row, k->lines[c]));

			if (*text != '\0')
				print_text(t, k->lines[c], text);
		}
	}
	table_print(t, stdout);
	table_destroy(t);
}

/* One field for each value; an object's members have a field each. */
static void
print_csv_line(json_t *row, bool heading)
{
	const char *key, *inner_key, *sep = "";
	json_t *v, *inner;
	size_t i;

	json_object_foreach(row, key, v)
	{
		if (json_is_object(v)) {
			json_object_foreach(v, inner_key, inner)
			{
				(void)fputs(sep, stdout);
				if (heading)
					(void)fputs(inner_key, stdout);
				else
					report_print_field(inner, stdout);
			}
			continue;
		}
		(void)fputs(sep, stdout);
		sep = ",";
		if (heading)
			(void)fputs(key, stdout);
		else if (json_is_array(v)) {
			json_array_foreach(v, i, inner)(void) printf(
			    "%s%s", i > 0 ? " " : "", json_string_value(inner));
		} else
			report_print_field(v, stdout);
	}
	(void)fputc('\n', stdout);
}

static void
print_csv(const json_t *rows)
{
	json_t *row;
	size_t i;

	if (json_array_size(rows) > 0)
		print_csv_line(json_array_get(rows, 0), true);
	json_array_foreach(rows, i, row) print_csv_line(row, false);
}

static int
refuse_kind(const char *command, const char *name)
{
	const char *names[NKINDS + 1];
	const char *near;

	for (size_t i = 0; i < NKINDS; i++)
		names[i] = kinds[i].name;
	names[NKINDS] = NULL;
	near = nearest_name(name, names);
	return (options_refuse(command,
	    "unknown list \"%s\"%s%s; `ephmap list --help' shows them", name,
	    near != NULL ? "; did you mean " : "", near != NULL ? near : ""));
}

int
cmd_list(const struct opts *o, int n, char **operands)
{
	json_t *rows;

	if (n == 0) {
		help_command(stdout, o->command);
		return (EXIT_OK);
	}
	for (size_t i = 0; i < NKINDS; i++) {
		if (strcmp(kinds[i].name, operands[0]) != 0)
			continue;
		rows = kinds[i].rows();
		if (o->format == FORMAT_JSON) {
			report_print_json(rows, stdout);
			return (EXIT_OK);
		}
		if (o->format == FORMAT_CSV)
			print_csv(rows);
		else
			print_table(&kinds[i], rows);
		json_decref(rows);
		return (EXIT_OK);
	}
	return (refuse_kind("ephmap list", operands[0]));
}
