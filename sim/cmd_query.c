/* SPDX-License-Identifier: BSD-2-Clause */

/* `ephmap query': what a database of results says. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "database.h"
#include "groups.h"
#include "record.h"
#include "table.h"
#include "text.h"

#define COMMAND	    "ephmap query"
#define COLUMNS_MAX 200

/* -- rows as they are ---------------------------------------------------- */

struct rows {
	unsigned format;
	struct table *table; /* FORMAT_TABLE, once there is a row */
	json_t *all;	     /* FORMAT_JSON */
	size_t n;
};

static void
row_record(sqlite3_stmt *row, struct record *r)
{
	for (int c = 0; c < sqlite3_column_count(row); c++)
		record_add(r, NULL, sqlite3_column_name(row, c), NULL,
		    db_value(row, c));
}

static void
start_table(struct rows *rows, const struct record *r)
{
	char align[COLUMNS_MAX + 1];

	for (size_t c = 0; c < r->n; c++)
		align[c] = r->field[c].value.kind == VALUE_TEXT ? 'l' : 'r';
	align[r->n] = '\0';
	rows->table = table_create(align);
	for (size_t c = 0; c < r->n; c++)
		table_cell(rows->table, "%s", r->field[c].key);
	table_rule(rows->table);
}

static bool
take_row(void *arg, sqlite3_stmt *row)
{
	struct rows *rows = arg;
	struct record r;
	char buf[VALUE_MAX];

	record_init(&r);
	row_record(row, &r);
	if (rows->format == FORMAT_JSON) {
		json_array_append_new(rows->all, record_json(&r));
	} else if (rows->format == FORMAT_CSV) {
		if (rows->n == 0)
			record_csv(&r, true, stdout);
		record_csv(&r, false, stdout);
	} else if (r.n <= COLUMNS_MAX) {
		if (rows->n == 0)
			start_table(rows, &r);
		for (size_t c = 0; c < r.n; c++)
			table_cell(rows->table, "%s",
			    value_format(&r.field[c].value, 3, buf));
	}
	rows->n++;
	record_free(&r);
	return (true);
}

static int
print_query(const struct opts *o, struct database *db, const char *sql)
{
	struct rows rows = { .format = o->format };
	struct eph_err err;

	if (o->format == FORMAT_JSON)
		rows.all = json_array();
	if (db_query(db, sql, take_row, &rows, &err) != 0) {
		json_decref(rows.all);
		return (options_refuse(COMMAND, "%s", err.text));
	}
	if (rows.all != NULL)
		json_print(rows.all, stdout);
	if (rows.table != NULL) {
		table_print(rows.table, stdout);
		table_destroy(rows.table);
	}
	return (EXIT_OK);
}

static int
print_runs(const struct opts *o, struct database *db)
{
	char sql[8192];
	const int n = snprintf(sql, sizeof(sql),
	    "SELECT %s FROM result WHERE (%s) ORDER BY trace, cell",
	    o->query_columns != NULL ? o->query_columns : "*",
	    o->where != NULL ? o->where : "1");

	if (n < 0 || (size_t)n >= sizeof(sql))
		return (options_refuse(
		    COMMAND, "--where: an expression of %d bytes", n));
	return (print_query(o, db, sql));
}

/* -- groups ------------------------------------------------------------- */

static void
group_record(const struct group *g, struct record *r, char keys[METRICS][40])
{
	for (unsigned a = 0; a < GROUP_AXES; a++) {
		const char *s = g->axis[a];

		record_add(r, NULL, group_axes[a].column, NULL,
		    *s == '\0' ? value_none()
			: group_number(a, s)
			? value_whole(strtoull(s, NULL, 10))
			: value_text(s));
	}
	record_add(r, NULL, "runs", NULL, value_whole(g->runs));
	for (unsigned m = 0; m < METRICS; m++) {
		(void)snprintf(
		    keys[m], 40, "%s_deviation", group_metrics[m].key);
		record_add(r, NULL, group_metrics[m].key, NULL,
		    value_real(g->mean[m]));
		record_add(r, NULL, keys[m], NULL,
		    value_real(group_deviation(g, (enum group_metric)m)));
	}
	record_add(
	    r, NULL, "violations_total", NULL, value_whole(g->violations));
	record_add(r, NULL, "failed", NULL, value_bool(g->failed));
	record_add(r, NULL, "refused", NULL, value_text(g->refused));
}

/* As `ephmap compare' prints: axes that vary, and what was counted. */
static void
print_heading(struct table *t, const struct groups *gs)
{
	for (unsigned a = 0; a < GROUP_AXES; a++) {
		if (gs->varies[a] || a == GROUP_DESIGN)
			table_cell(t, "%s", group_axes[a].title);
	}
	if (gs->repeated)
		table_cell(t, "runs");
	for (unsigned m = 0; m < METRIC_PRICE; m++)
		table_cell(t, "%s", group_metrics[m].title);
	if (gs->timed)
		table_cell(t, "%s", group_metrics[METRIC_RATE].title);
	if (gs->repeated)
		table_cell(t, "+-");
	table_rule(t);
}

static void
metric_cell(struct table *t, double v)
{
	char number[NUMBER_MAX];

	table_cell(t, "%s", isnan(v) ? "-" : number_real(number, v, 1));
}

static void
print_group(struct table *t, const struct groups *gs, const struct group *g)
{
	char number[NUMBER_MAX];

	for (unsigned a = 0; a < GROUP_AXES; a++) {
		if (!gs->varies[a] && a != GROUP_DESIGN)
			continue;
		if (g->axis[a][0] == '\0')
			table_cell(t, "-");
		else if (group_number(a, g->axis[a]))
			table_cell(t, "%s",
			    number_u64(number, strtoull(g->axis[a], NULL, 10)));
		else
			table_cell(t, "%s", g->axis[a]);
	}
	if (g->runs == 0) {
		table_rest(t, g->refused);
		return;
	}
	if (gs->repeated)
		table_cell(t, "%u", g->runs);
	for (unsigned m = 0; m < METRIC_PRICE; m++)
		metric_cell(t, g->mean[m]);
	if (gs->timed)
		metric_cell(t, g->mean[METRIC_RATE]);
	if (gs->repeated)
		metric_cell(t, group_deviation(g, METRIC_CYCLES));
	if (g->violations > 0 || g->failed)
		table_rest(t, g->failed ? "FAILED" : "VIOLATIONS");
}

static void
print_groups_table(const struct groups *gs)
{
	char align[GROUP_AXES + METRICS + 4];
	struct table *t;
	size_t n = 0;

	for (unsigned a = 0; a < GROUP_AXES; a++) {
		if (gs->varies[a] || a == GROUP_DESIGN)
			align[n++] = group_axes[a].number ? 'r' : 'l';
	}
	(void)snprintf(align + n, sizeof(align) - n, "%srrrrrrr%s%s",
	    gs->repeated ? "r" : "", gs->timed ? "r" : "",
	    gs->repeated ? "r" : "");
	t = table_create(align);
	table_keys(t, (unsigned)n);
	print_heading(t, gs);
	for (size_t i = 0; i < gs->n; i++)
		print_group(t, gs, &gs->group[i]);
	table_print(t, stdout);
	table_destroy(t);
	text_printf(stdout,
	    "\nEvents per 1,000 maps%s; cycles/map is modelled.\n",
	    gs->repeated ? ", means of the runs, +- their standard deviation "
			   "of cycles/map"
			 : "");
}

static void
print_groups(const struct opts *o, const struct groups *gs)
{
	json_t *all = NULL;

	if (o->format == FORMAT_TABLE) {
		print_groups_table(gs);
		return;
	}
	if (o->format == FORMAT_JSON)
		all = json_array();
	for (size_t i = 0; i < gs->n; i++) {
		char keys[METRICS][40];
		struct record r;

		record_init(&r);
		group_record(&gs->group[i], &r, keys);
		if (all != NULL)
			json_array_append_new(all, record_json(&r));
		else if (i == 0)
			record_csv(&r, true, stdout);
		if (all == NULL)
			record_csv(&r, false, stdout);
		record_free(&r);
	}
	if (all != NULL)
		json_print(all, stdout);
}

int
cmd_query(const struct opts *o, int n, char **operands)
{
	struct database db;
	struct groups gs;
	struct eph_err err;
	int status;

	(void)n;
	if (o->sql != NULL && (o->where != NULL || o->runs))
		return (options_refuse(
		    COMMAND, "--sql stands alone: no --where, no --runs"));
	if (o->query_columns != NULL && !o->runs)
		return (options_refuse(COMMAND, "--columns needs --runs"));
	if (db_open(operands[0], false, &db, &err) != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	if (o->sql != NULL || o->runs) {
		status = o->sql != NULL ? print_query(o, &db, o->sql)
					: print_runs(o, &db);
	} else if (groups_read(&db, o->where, &gs, &err) != 0) {
		status = options_refuse(COMMAND, "%s", err.text);
	} else {
		print_groups(o, &gs);
		groups_free(&gs);
		status = EXIT_OK;
	}
	db_close(&db);
	return (status);
}
