/* SPDX-License-Identifier: BSD-2-Clause */

/* `ephmap diff': what changed between two databases, beyond the spread. */

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

#define COMMAND "ephmap diff"

struct diff {
	const struct opts *o;
	struct groups old, new;
	bool varies[GROUP_AXES];
	struct table *table;	    /* FORMAT_TABLE */
	char align[GROUP_AXES + 5]; /* of the table */
	json_t *all;		    /* FORMAT_JSON */
	size_t lines;
	size_t same;
};

/* By what they were played on: the trace's contents, not its name. */
static int
compare_axes(const struct group *a, const struct group *b)
{
	int c = strcmp(a->digest, b->digest);

	for (unsigned i = GROUP_TRACE + 1; i < GROUP_AXES && c == 0; i++)
		c = strcmp(a->axis[i], b->axis[i]);
	return (c);
}

static int
compare_for_sort(const void *a, const void *b)
{
	return (compare_axes(a, b));
}

/* Where one has no number and the other has, or where they are apart. */
static bool
differs(const struct diff *d, const struct group *a, const struct group *b,
    enum group_metric m)
{
	const double by = fabs(a->mean[m] - b->mean[m]);
	const double da = group_deviation(a, m), db = group_deviation(b, m);
	double limit = d->o->tolerance * fabs(a->mean[m]);

	if (isnan(a->mean[m]) || isnan(b->mean[m]))
		return (isnan(a->mean[m]) != isnan(b->mean[m]));
	if (a->runs > 0 && b->runs > 0)
		limit += 2 * sqrt(da * da / a->runs + db * db / b->runs);
	/* Databases keep all digits; a sum of means may lose the last. */
	return (by > limit && by > 1e-9 * fabs(a->mean[m]));
}

static void
add_line(struct diff *d, const struct group *g, const char *what, double old,
    double new, const char *note)
{
	char number[NUMBER_MAX];
	struct record r;

	record_init(&r);
	for (unsigned a = 0; a < GROUP_AXES; a++)
		record_add(&r, NULL, group_axes[a].column, NULL,
		    value_text(g->axis[a]));
	record_add(&r, NULL, "what", NULL, value_text(what));
	record_add(&r, NULL, "old", NULL, value_real(old));
	record_add(&r, NULL, "new", NULL, value_real(new));
	record_add(&r, NULL, "change", NULL, value_real((new - old) / old));
	record_add(&r, NULL, "note", NULL, value_text(note));
	if (d->o->format == FORMAT_JSON)
		json_array_append_new(d->all, record_json(&r));
	else if (d->o->format == FORMAT_CSV) {
		if (d->lines == 0)
			record_csv(&r, true, stdout);
		record_csv(&r, false, stdout);
	} else {
		for (unsigned a = 0; a < GROUP_AXES; a++) {
			if (d->varies[a] || a == GROUP_DESIGN)
				table_cell(d->table, "%s",
				    g->axis[a][0] != '\0' ? g->axis[a] : "-");
		}
		table_cell(d->table, "%s", what);
		table_cell(d->table, "%s",
		    isnan(old) ? "-" : number_real(number, old, 1));
		table_cell(d->table, "%s",
		    isnan(new) ? "-" : number_real(number, new, 1));
		if (note != NULL)
			table_rest(d->table, note);
		else
			table_cell(d->table, old != 0 ? "%+.2f%%" : "-",
			    (new - old) / old * 100);
	}
	d->lines++;
	record_free(&r);
}

static void
compare_pair(struct diff *d, const struct group *a, const struct group *b)
{
	const size_t before = d->lines;

	if ((a->refused != NULL) != (b->refused != NULL))
		add_line(d, a, "refused", NAN, NAN,
		    b->refused != NULL ? b->refused : "no longer refused");
	else if ((a->violations > 0) != (b->violations > 0))
		add_line(d, a, "violations", (double)a->violations,
		    (double)b->violations, "violations");
	else if (a->failed != b->failed)
		add_line(d, a, "failed", a->failed, b->failed, "failed");
	for (unsigned m = 0; m < METRIC_PRICE; m++) {
		if (differs(d, a, b, (enum group_metric)m))
			add_line(d, a, group_metrics[m].title, a->mean[m],
			    b->mean[m], NULL);
	}
	d->same += d->lines == before;
}

static void
walk(struct diff *d)
{
	size_t i = 0, j = 0;

	while (i < d->old.n || j < d->new.n) {
		const struct group *a = &d->old.group[i];
		const struct group *b = &d->new.group[j];
		const int c = i == d->old.n ? 1
		    : j == d->new.n	    ? -1
					    : compare_axes(a, b);

		if (c < 0)
			add_line(
			    d, a, "runs", a->runs, NAN, "only in the old file");
		else if (c > 0)
			add_line(
			    d, b, "runs", NAN, b->runs, "only in the new file");
		else
			compare_pair(d, a, b);
		i += c <= 0;
		j += c >= 0;
	}
}

static void
start_table(struct diff *d)
{
	size_t n = 0;

	for (unsigned a = 0; a < GROUP_AXES; a++) {
		if (d->varies[a] || a == GROUP_DESIGN)
			d->align[n++] = 'l';
	}
	(void)snprintf(d->align + n, sizeof(d->align) - n, "lrrr");
	d->table = table_create(d->align);
	table_keys(d->table, (unsigned)n + 1);
	for (unsigned a = 0; a < GROUP_AXES; a++) {
		if (d->varies[a] || a == GROUP_DESIGN)
			table_cell(d->table, "%s", group_axes[a].title);
	}
	table_cell(d->table, "what");
	table_cell(d->table, "old");
	table_cell(d->table, "new");
	table_cell(d->table, "change");
	table_rule(d->table);
}

static int
read_groups(const struct opts *o, const char *path, struct groups *gs)
{
	struct database db;
	struct eph_err err;
	int error;

	if (db_open(path, false, &db, &err) != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	error = groups_read(&db, o->where, gs, &err);
	db_close(&db);
	if (error != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	if (gs->n > 0)
		qsort(gs->group, gs->n, sizeof(*gs->group), compare_for_sort);
	return (OPTIONS_OK);
}

static void
print_diff(struct diff *d)
{
	char same[NUMBER_MAX], lines[NUMBER_MAX];

	if (d->o->format == FORMAT_TABLE)
		start_table(d);
	if (d->o->format == FORMAT_JSON)
		d->all = json_array();
	walk(d);
	if (d->o->format == FORMAT_JSON)
		json_print(d->all, stdout);
	if (d->o->format != FORMAT_TABLE)
		return;
	if (d->lines > 0) {
		table_print(d->table, stdout);
		(void)putchar('\n');
	}
	table_destroy(d->table);
	text_printf(stdout, "%s combinations are the same, %s differences.\n",
	    number_u64(same, d->same), number_u64(lines, d->lines));
}

/* Is an axis, which varies in neither file, another in the other? */
static bool
between_files(const struct diff *d, unsigned a)
{
	return (d->old.n > 0 && d->new.n > 0 &&
	    strcmp(d->old.group[0].axis[a], d->new.group[0].axis[a]) != 0);
}

int
cmd_diff(const struct opts *o, int n, char **operands)
{
	struct diff d = { .o = o };
	int status = EXIT_BAD;

	(void)n;
	if (read_groups(o, operands[0], &d.old) == OPTIONS_OK &&
	    read_groups(o, operands[1], &d.new) == OPTIONS_OK) {
		for (unsigned a = 0; a < GROUP_AXES; a++)
			d.varies[a] = d.old.varies[a] || d.new.varies[a] ||
			    between_files(&d, a);
		print_diff(&d);
		status = d.lines > 0 ? EXIT_FOUND : EXIT_OK;
	}
	groups_free(&d.old);
	groups_free(&d.new);
	return (status);
}
