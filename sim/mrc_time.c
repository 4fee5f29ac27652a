/* SPDX-License-Identifier: BSD-2-Clause */

#include "mrc_time.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "interval.h"
#include "options.h"
#include "plot.h"
#include "record.h"
#include "table.h"
#include "text.h"

/* What was missed in each part; part 0 is the warm-up. */
struct over_time {
	const struct setup *s;
	const struct eph_policy_choice *choice;
	size_t npolicies;
	uint32_t nbufs;
	size_t nparts;
	size_t *ends;
	struct eph_policy_counts *counts;
};

int
mrc_time_check(const struct setup *s, size_t nsizes)
{
	if (s->o->interval == 0)
		return (OPTIONS_OK);
	if (s->o->events)
		return (options_refuse(s->command,
		    "--interval is of policies alone; of a design's events it "
		    "is an option of `ephmap run'"));
	if (s->o->shards < 1 || s->o->promotions)
		return (options_refuse(s->command,
		    "--interval, --shards and --promotions exclude each "
		    "other"));
	if (s->o->sizes == NULL || nsizes != 1)
		return (options_refuse(s->command,
		    "--interval: expected one number of buffers, --sizes N"));
	return (OPTIONS_OK);
}

static uint64_t
part_references(const struct over_time *t, size_t i)
{
	return (t->ends[i] - t->ends[i - 1]);
}

static double
part_missed(const struct over_time *t, size_t policy, size_t i)
{
	const double n = (double)part_references(t, i);

	return ((n - (double)t->counts[policy * t->nparts + i].hits) / n);
}

static void
print_json(const struct over_time *t)
{
	json_t *all = json_array();

	for (size_t p = 0; p < t->npolicies; p++) {
		json_t *o = json_object(), *parts = json_array();

		for (size_t i = 1; i < t->nparts; i++) {
			json_t *x = json_object();

			json_object_set_new(x, "first",
			    json_integer((json_int_t)t->ends[i - 1] + 1));
			json_object_set_new(x, "references",
			    json_integer((json_int_t)part_references(t, i)));
			json_object_set_new(
			    x, "miss_ratio", json_real(part_missed(t, p, i)));
			json_array_append_new(parts, x);
		}
		json_object_set_new(
		    o, "policy", json_string(t->choice[p].text));
		json_object_set_new(o, "nbufs", json_integer(t->nbufs));
		json_object_set_new(o, "intervals", parts);
		json_array_append_new(all, o);
	}
	json_print(all, stdout);
}

static void
print_csv(const struct over_time *t)
{
	(void)printf("policy,nbufs,first,references,miss_ratio\n");
	for (size_t p = 0; p < t->npolicies; p++) {
		for (size_t i = 1; i < t->nparts; i++) {
			csv_text(t->choice[p].text, stdout);
			(void)printf(",%u,%zu,%" PRIu64 ",%.9g\n",
			    (unsigned)t->nbufs, t->ends[i - 1] + 1,
			    part_references(t, i), part_missed(t, p, i));
		}
	}
}

static void
print_table(const struct over_time *t)
{
	char *align = must_alloc(NULL, t->npolicies + 2, 1);
	char number[NUMBER_MAX], nbufs[NUMBER_MAX];
	struct table *table;

	memset(align, 'r', t->npolicies + 1);
	align[t->npolicies + 1] = '\0';
	table = table_create(align);
	table_cell(table, "from");
	for (size_t p = 0; p < t->npolicies; p++)
		table_cell(table, "%s", t->choice[p].text);
	table_rule(table);
	for (size_t i = 1; i < t->nparts; i++) {
		table_cell(table, "%s", number_u64(number, t->ends[i - 1] + 1));
		for (size_t p = 0; p < t->npolicies; p++)
			table_cell(table, "%.4f", part_missed(t, p, i));
	}
	text_printf(stdout,
	    "Miss ratio of each %s references, %s buffers, holds ignored.\n\n",
	    number_u64(number, t->s->o->interval), number_u64(nbufs, t->nbufs));
	table_print(table, stdout);
	table_destroy(table);
	free(align);
}

static void
print(const struct over_time *t)
{
	if (t->s->o->format == FORMAT_JSON)
		print_json(t);
	else if (t->s->o->format == FORMAT_CSV)
		print_csv(t);
	else
		print_table(t);
}

static double
plot_value(const void *arg, size_t line, size_t i, double *error)
{
	*error = 0;
	return (part_missed(arg, line, i + 1));
}

static int
draw(const struct over_time *t, bool file)
{
	const char *to = t->s->o->plot;
	const struct plot frame = {
		.title = t->s->trace, .x = "references", .y = "miss ratio"
	};
	const char **names;
	uint32_t *at;
	struct eph_err err;
	int error;

	if (!plot_turn(to, file))
		return (EXIT_OK);
	names = must_alloc(NULL, t->npolicies, sizeof(*names));
	at = must_alloc(NULL, t->nparts, sizeof(*at));
	for (size_t p = 0; p < t->npolicies; p++)
		names[p] = t->choice[p].text;
	for (size_t i = 1; i < t->nparts; i++)
		at[i - 1] = (uint32_t)t->ends[i - 1];
	error = plot_numbers(&frame, at, t->nparts - 1, false, names,
	    t->npolicies, plot_value, t, to, &err);
	free(names);
	free(at);
	return (error == 0 ? EXIT_OK
			   : options_refuse(t->s->command, "%s", err.text));
}

int
mrc_time(const struct setup *s, struct eph_op_source *src, struct eph_refs *r,
    const struct eph_mrc_config *cfg, const struct eph_policy_choice *choice)
{
	struct over_time t = { .s = s,
		.choice = choice,
		.npolicies = cfg->npolicies,
		.nbufs = cfg->sizes[0] };
	const uint64_t every = s->o->interval;
	size_t at = (size_t)s->warmup;
	struct eph_err err;
	int status;

	if (eph_refs_read(r, src, &err) != 0)
		return (options_refuse(s->command, "%s", err.text));
	if (interval_check(s, r->n) != OPTIONS_OK)
		return (EXIT_BAD);
	t.ends = must_alloc(
	    NULL, (size_t)((r->n - at) / every) + 2, sizeof(*t.ends));
	for (t.ends[t.nparts++] = at; at < r->n; t.ends[t.nparts++] = at)
		at = r->n - at > every ? at + (size_t)every : r->n;
	t.counts = must_alloc(NULL, t.npolicies * t.nparts, sizeof(*t.counts));
	if (eph_mrc_run_parts(r, cfg, t.ends, t.nparts, t.counts, &err) != 0)
		status = options_refuse(s->command, "%s", err.text);
	else if ((status = draw(&t, true)) == EXIT_OK) {
		print(&t);
		status = draw(&t, false);
	}
	free(t.ends);
	free(t.counts);
	return (status);
}
