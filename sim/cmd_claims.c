/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * `ephmap claims': measure what was claimed, and say what came out.
 */

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "options.h"
#include "progress.h"
#include "record.h"
#include "table.h"
#include "text.h"

#include "ephmap/claims.h"
#include "ephmap/names.h"
#include "ephmap/trace.h"

#define COMMAND	   "ephmap claims"
#define CLAIMS_MAX 64

struct chosen {
	const struct eph_claim *claim[CLAIMS_MAX];
	struct eph_claim_result res[CLAIMS_MAX];
	size_t n;
};

static size_t
claims_count(void)
{
	size_t n = 0;

	while (eph_claims[n] != NULL)
		n++;
	return (n);
}

static int
refuse_group(const char *group)
{
	const char *names[CLAIMS_MAX + 1], *near;
	const size_t n = claims_count();

	for (size_t i = 0; i < n; i++)
		names[i] = eph_claims[i]->group;
	names[n] = NULL;
	near = eph_nearest_name(group, names);
	return (options_refuse(COMMAND,
	    "no claim is of group \"%s\"%s%s; `ephmap list claims' shows them",
	    group, near != NULL ? "; did you mean " : "",
	    near != NULL ? near : ""));
}

/* Operands are numbers; none: all of them. */
static int
choose(const struct opts *o, int n, char **operands, struct chosen *ch)
{
	const size_t all = claims_count();
	bool want[CLAIMS_MAX] = { false }, in_group = false;

	for (int i = 0; i < n; i++) {
		uint64_t number;

		if (parse_u64(operands[i], all, &number) != 0 || number == 0)
			return (options_refuse(COMMAND,
			    "\"%s\" is not a claim; expected a number from 1 "
			    "to %zu",
			    operands[i], all));
		want[number - 1] = true;
	}
	ch->n = 0;
	for (size_t i = 0; i < all; i++) {
		if (o->group != NULL &&
		    strcmp(o->group, eph_claims[i]->group) != 0)
			continue;
		in_group = true;
		if (n == 0 || want[i])
			ch->claim[ch->n++] = eph_claims[i];
	}
	if (!in_group)
		return (refuse_group(o->group));
	if (ch->n == 0)
		return (options_refuse(COMMAND,
		    "none of these claims is of group \"%s\"", o->group));
	return (OPTIONS_OK);
}

static json_t *
parts_json(const struct eph_claim_result *res)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < res->nparts; i++) {
		const struct eph_claim_part *p = &res->part[i];
		json_t *o = json_object();

		json_object_set_new(o, "claim", json_string(p->text));
		json_object_set_new(
		    o, "verdict", json_string(eph_verdict_name(p->verdict)));
		json_object_set_new(o, "condition",
		    p->verdict == EPH_HOLDS_IF ? json_string(p->condition)
					       : json_null());
		json_object_set_new(o, "measured", json_string(p->measured));
		json_object_set_new(o, "why", json_string(p->why));
		json_array_append_new(a, o);
	}
	return (a);
}

static json_t *
facts_json(const struct eph_claim_result *res)
{
	json_t *a = json_array();

	for (size_t i = 0; i < res->nfacts; i++) {
		const struct eph_claim_fact *f = &res->fact[i];
		json_t *o = json_object();

		json_object_set_new(o, "what", json_string(f->what));
		json_object_set_new(o, "value", json_real(f->value));
		json_object_set_new(o, "unit", json_string(f->unit));
		json_array_append_new(a, o);
	}
	return (a);
}

static json_t *
claim_json(const struct eph_claim *c, const struct eph_claim_result *res)
{
	json_t *o = json_object(), *steps = json_array();

	json_object_set_new(o, "claim", json_integer((json_int_t)c->number));
	json_object_set_new(o, "name", json_string(c->name));
	json_object_set_new(o, "group", json_string(c->group));
	json_object_set_new(o, "title", json_string(c->title));
	json_object_set_new(o, "text", json_string(c->text));
	json_object_set_new(o, "origin", json_string(c->origin));
	json_object_set_new(o, "date", json_string(c->date));
	json_object_set_new(o, "method", json_string(c->method));
	json_object_set_new(o, "rule", json_string(c->rule));
	json_object_set_new(
	    o, "verdict", json_string(eph_verdict_name(res->verdict)));
	json_object_set_new(o, "condition",
	    res->verdict == EPH_HOLDS_IF ? json_string(res->condition)
					 : json_null());
	json_object_set_new(o, "measured", json_string(res->measured));
	json_object_set_new(o, "parts", parts_json(res));
	json_object_set_new(o, "facts", facts_json(res));
	for (size_t i = 0; i < res->nsteps; i++)
		json_array_append_new(steps, json_string(res->step[i]));
	json_object_set_new(o, "run", steps);
	return (o);
}

static void
print_json(const struct chosen *ch)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < ch->n; i++)
		json_array_append_new(
		    rows, claim_json(ch->claim[i], &ch->res[i]));
	json_print(rows, stdout);
}

static void
print_csv(const struct chosen *ch)
{
	for (size_t i = 0; i < ch->n; i++) {
		const struct eph_claim *c = ch->claim[i];
		const struct eph_claim_result *res = &ch->res[i];
		const bool only_if = res->verdict == EPH_HOLDS_IF;
		const struct field field[] = {
			{ NULL, "claim", NULL, value_whole(c->number) },
			{ NULL, "name", NULL, value_text(c->name) },
			{ NULL, "group", NULL, value_text(c->group) },
			{ NULL, "title", NULL, value_text(c->title) },
			{ NULL, "origin", NULL, value_text(c->origin) },
			{ NULL, "date", NULL, value_text(c->date) },
			{ NULL, "verdict", NULL,
			    value_text(eph_verdict_name(res->verdict)) },
			{ NULL, "condition", NULL,
			    value_text(only_if ? res->condition : NULL) },
			{ NULL, "measured", NULL, value_text(res->measured) },
		};
		struct record r;

		record_init(&r);
		for (size_t k = 0; k < sizeof(field) / sizeof(field[0]); k++)
			record_add(
			    &r, NULL, field[k].key, NULL, field[k].value);
		if (i == 0)
			record_csv(&r, true, stdout);
		record_csv(&r, false, stdout);
		record_free(&r);
	}
}

/* "label text", broken between words, later lines indented. */
static void
print_text(unsigned indent, const char *label, const char *text)
{
	const unsigned hang = indent + (*label != '\0' ? 10 : 0);

	(void)printf("%*s%-*s", (int)indent, "", (int)(hang - indent), label);
	text_wrap(stdout, hang, hang, text);
}

/*
 * The numbers of each part; of a claim of time, what was fitted to what, and
 * why what does not fit does not, once where parts have that in common.
 */
static void
print_numbers(const struct eph_claim *c, const struct eph_claim_result *res)
{
	const bool why = strcmp(c->group, "timing") == 0;

	for (unsigned k = 0; k < res->nparts; k++) {
		const struct eph_claim_part *p = &res->part[k];

		print_text(4, "", p->measured);
		if (why &&
		    (k + 1 == res->nparts || strcmp(p->why, p[1].why) != 0))
			print_text(6, "", p->why);
	}
}

static void
print_table(const struct chosen *ch)
{
	struct table *t = table_create("rlll");

	table_cell(t, "#");
	table_cell(t, "claim");
	table_cell(t, "date");
	table_cell(t, "verdict");
	table_rule(t);
	for (size_t i = 0; i < ch->n; i++) {
		table_cell(t, "%u", ch->claim[i]->number);
		table_cell(t, "%s", ch->claim[i]->title);
		table_cell(t, "%s", ch->claim[i]->date);
		table_cell(t, "%s", eph_verdict_name(ch->res[i].verdict));
	}
	table_print(t, stdout);
	table_destroy(t);
	text_printf(
	    stdout, "\nThe numbers, and for which conditions a claim holds:\n");
	for (size_t i = 0; i < ch->n; i++) {
		const struct eph_claim_result *res = &ch->res[i];

		text_printf(stdout, "\n%2u  %s: %s\n", ch->claim[i]->number,
		    ch->claim[i]->name, eph_verdict_name(res->verdict));
		print_numbers(ch->claim[i], res);
		if (res->verdict == EPH_HOLDS_IF)
			print_text(4, "only if", res->condition);
	}
	text_printf(stdout,
	    "\n`ephmap claims N --explain' says what was run and why the "
	    "verdict follows.\n");
}

static void
print_facts(const struct eph_claim_result *res)
{
	struct table *t = table_create("lrl");
	char number[NUMBER_MAX];

	for (size_t i = 0; i < res->nfacts; i++) {
		const struct eph_claim_fact *f = &res->fact[i];
		const bool whole = fabs(f->value - nearbyint(f->value)) < 1e-9;

		table_cell(t, "  %s", f->what);
		table_cell(
		    t, "%s", number_real(number, f->value, whole ? 0 : 2));
		table_cell(t, "%s", f->unit);
	}
	table_print(t, stdout);
	table_destroy(t);
}

static void
print_command(const char *text)
{
	(void)printf("  ");
	text_command(stdout, 2, text);
}

static void
print_explanation(const struct eph_claim *c, const struct eph_claim_result *res)
{
	text_printf(stdout, "%u. %s\n\n", c->number, c->title);
	print_text(2, "claim", c->text);
	text_printf(stdout, "  who       %s, %s\n", c->origin, c->date);
	print_text(2, "measure", c->method);
	print_text(2, "rule", c->rule);
	(void)printf("  verdict   %s\n", eph_verdict_name(res->verdict));
	if (res->verdict == EPH_HOLDS_IF)
		print_text(2, "only if", res->condition);
	for (unsigned i = 0; i < res->nparts; i++) {
		const struct eph_claim_part *p = &res->part[i];

		text_printf(stdout, "\n  %s: %s\n", p->text,
		    eph_verdict_name(p->verdict));
		print_text(4, "numbers", p->measured);
		if (p->verdict == EPH_HOLDS_IF)
			print_text(4, "only if", p->condition);
		print_text(4, "why", p->why);
	}
	(void)printf("\nWhat was run (--save DIR keeps the streams):\n");
	for (size_t i = 0; i < res->nsteps; i++) {
		if (strncmp(res->step[i], "ephmap ", 7) == 0)
			print_command(res->step[i]);
		else
			print_text(2, "", res->step[i]);
	}
	(void)printf("\nWhat was measured:\n");
	print_facts(res);
}

/* Claims that take no capture would not notice a wrong one. */
static int
check_files(const struct opts *o)
{
	struct eph_trace *t;
	struct eph_err err;
	struct stat st;

	if (o->save != NULL &&
	    (stat(o->save, &st) != 0 || !S_ISDIR(st.st_mode)))
		return (options_refuse(
		    COMMAND, "%s: expected a directory", o->save));
	if (o->claims_trace == NULL)
		return (OPTIONS_OK);
	if (eph_trace_open(o->claims_trace, &t, &err) != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	eph_trace_close(t);
	return (OPTIONS_OK);
}

static int
measure(const struct opts *o, struct chosen *ch)
{
	const struct eph_claim_config cfg = { .seed = o->claims_seed,
		.trace = o->claims_trace,
		.save = o->save };
	struct progress bar;
	struct eph_err err;
	int error = 0;
	size_t i;

	progress_start(&bar, "claims", ch->n);
	for (i = 0; i < ch->n; i++) {
		error =
		    eph_claim_measure(ch->claim[i], &cfg, &ch->res[i], &err);
		if (error != 0)
			break;
		progress_step(&bar, i + 1);
	}
	progress_end(&bar);
	if (error == 0)
		return (OPTIONS_OK);
	while (i > 0)
		eph_claim_free(&ch->res[--i]);
	return (options_refuse(COMMAND, "%s", err.text));
}

static int
report(const struct opts *o, struct chosen *ch)
{
	int status = EXIT_OK;

	if (o->format == FORMAT_JSON)
		print_json(ch);
	else if (o->format == FORMAT_CSV)
		print_csv(ch);
	else if (!o->explain)
		print_table(ch);
	for (size_t i = 0; i < ch->n; i++) {
		if (o->format == FORMAT_TABLE && o->explain) {
			if (i > 0)
				(void)putchar('\n');
			print_explanation(ch->claim[i], &ch->res[i]);
		}
		if (ch->res[i].verdict == EPH_CANNOT_TELL)
			status = EXIT_FOUND;
		eph_claim_free(&ch->res[i]);
	}
	return (status);
}

int
cmd_claims(const struct opts *o, int n, char **operands)
{
	struct chosen *ch;
	int status;

	if (check_files(o) != OPTIONS_OK)
		return (EXIT_BAD);
	ch = must_alloc(NULL, 1, sizeof(*ch));
	status = choose(o, n, operands, ch);
	if (status == OPTIONS_OK)
		status = measure(o, ch);
	status = status == OPTIONS_OK ? report(o, ch) : EXIT_BAD;
	free(ch);
	return (status);
}
