/* SPDX-License-Identifier: BSD-2-Clause */

/* `ephmap report': a database of results as a page. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "database.h"
#include "groups.h"
#include "input.h"
#include "page.h"
#include "table.h"
#include "text.h"

#define COMMAND "ephmap report"

static bool
print_command(void *arg, sqlite3_stmt *row)
{
	html_text(arg, (const char *)sqlite3_column_text(row, 0));
	(void)fputs(" -o results.db\n", arg);
	return (true);
}

static bool
print_input(void *arg, sqlite3_stmt *row)
{
	FILE *f = arg;

	(void)fputs("<li><b>", f);
	html_text(f, (const char *)sqlite3_column_text(row, 0));
	(void)fprintf(f,
	    "</b>: %s references to %s pages by %s CPUs, digest "
	    "%s</li>\n",
	    (const char *)sqlite3_column_text(row, 1),
	    (const char *)sqlite3_column_text(row, 2),
	    (const char *)sqlite3_column_text(row, 3),
	    (const char *)sqlite3_column_text(row, 4));
	return (true);
}

/* How it was made, to be made again. */
static int
print_origin(
    FILE *f, struct database *db, const char *path, struct eph_err *err)
{
	int error;

	(void)fputs("<h2>To repeat it</h2>\n<pre>", f);
	error = db_query(db, "SELECT text FROM command ORDER BY rowid",
	    print_command, f, err);
	(void)fputs("ephmap report results.db -o report.html</pre>\n"
		    "<ul class=\"soft\">\n",
	    f);
	if (error == 0)
		error = db_query(db,
		    "SELECT name, printf('%,d', refs), printf('%,d', pages), "
		    "cpus, digest FROM input ORDER BY name",
		    print_input, f, err);
	(void)fputs("</ul>\n<p class=\"soft\">From ", f);
	html_text(f, path);
	(void)fputs(".</p>\n", f);
	return (error);
}

/* The charts may be missing, and are then said to be. */
static int
print_page(FILE *f, struct database *db, const struct groups *gs,
    const char *question, const char *path)
{
	struct eph_err err;
	int error;

	page_begin(f, question);
	(void)fprintf(f, "<p class=\"soft\">%zu combinations.</p>\n", gs->n);
	page_answer(f, gs);
	if (page_charts(f, gs, &err) != 0)
		text_note(COMMAND ": no charts: %s", err.text);
	page_table(f, gs);
	if ((error = print_origin(f, db, path, &err)) != 0)
		(void)options_refuse(COMMAND, "%s", err.text);
	page_end(f);
	return (error);
}

static int
write_page(struct database *db, const struct groups *gs, const char *question,
    const char *path, const char *to)
{
	struct text page;
	struct eph_err err;

	if (strcmp(to, "-") == 0)
		return (print_page(stdout, db, gs, question, path) != 0
			? EXIT_BAD
			: EXIT_OK);
	if (print_page(text_begin(&page), db, gs, question, path) != 0) {
		text_drop(&page);
		return (EXIT_BAD);
	}
	if (text_end_file(&page, to, &err) != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	return (EXIT_OK);
}

int
cmd_report(const struct opts *o, int n, char **operands)
{
	const char *question = o->question != NULL
	    ? o->question
	    : "What does each way of managing ephemeral mappings cost?";
	struct database db;
	struct groups gs;
	struct eph_err err;
	int status;

	(void)n;
	if (o->page == NULL)
		return (options_refuse(COMMAND, "expected -o FILE.html"));
	if (input_spare(COMMAND, operands[0], o->page) != OPTIONS_OK)
		return (EXIT_BAD);
	if (db_open(operands[0], false, &db, &err) != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	if (groups_read(&db, o->where, &gs, &err) != 0)
		status = options_refuse(COMMAND, "%s", err.text);
	else {
		status = write_page(&db, &gs, question, operands[0], o->page);
		groups_free(&gs);
	}
	db_close(&db);
	return (status);
}
