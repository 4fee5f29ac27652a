/* SPDX-License-Identifier: BSD-2-Clause */

#include "interval.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "options.h"
#include "plot.h"
#include "result.h"
#include "table.h"
#include "text.h"

#define INTERVALS_MAX 100000u

void
interval_take(void *arg, const struct eph_run_sample *s)
{
	struct intervals *iv = arg;

	/* At the end: what came behind the last reference. */
	if (iv->n > 1 && iv->references[iv->n - 1] == s->references)
		iv->n--;
	if (iv->n == iv->room) {
		iv->room = iv->room == 0 ? 64 : 2 * iv->room;
		iv->references = must_alloc(
		    iv->references, iv->room, sizeof(*iv->references));
		iv->ns = must_alloc(iv->ns, iv->room, sizeof(*iv->ns));
		iv->counters =
		    must_alloc(iv->counters, iv->room, sizeof(*iv->counters));
	}
	iv->references[iv->n] = s->references;
	iv->ns[iv->n] = s->ns;
	iv->counters[iv->n++] = *s->counters;
}

void
interval_free(struct intervals *iv)
{
	free(iv->references);
	free(iv->ns);
	free(iv->counters);
}

int
interval_check(const struct setup *s, uint64_t references)
{
	const uint64_t every = s->o->interval;

	if (every == 0 && s->o->plot != NULL)
		return (options_refuse(s->command,
		    "--plot draws what changes over time: it needs "
		    "--interval N"));
	if (every == 0)
		return (OPTIONS_OK);
	if (s->workload != NULL)
		return (options_refuse(s->command,
		    "--interval counts a trace's references, and a workload "
		    "has none"));
	if (s->o->executor == 1)
		return (options_refuse(
		    s->command, "--interval needs the executor lockstep"));
	if ((references - s->warmup - 1) / every >= INTERVALS_MAX)
		return (options_refuse(s->command,
		    "--interval %" PRIu64 ": more than %u intervals; expected "
		    "at least %" PRIu64,
		    every, INTERVALS_MAX,
		    (references - s->warmup - 1) / INTERVALS_MAX + 1));
	if (s->o->plot != NULL && references > UINT32_MAX)
		return (options_refuse(
		    s->command, "--plot: more than 4 G references"));
	return (OPTIONS_OK);
}

/* What was counted in interval `i'. */
static struct eph_counters
counted(const struct intervals *iv, size_t i)
{
	struct eph_counters c;

	eph_counters_sub(&c, &iv->counters[i + 1], &iv->counters[i]);
	return (c);
}

/* Of the maps that got a mapping. */
static double
miss_ratio(const struct eph_counters *c)
{
	const uint64_t got = c->hit_active + c->hit_inactive + c->miss;

	return (got == 0 ? NAN : (double)c->miss / (double)got);
}

json_t *
interval_json(const struct intervals *iv)
{
	json_t *all = json_array();

	for (size_t i = 0; i + 1 < iv->n; i++) {
		const struct eph_counters c = counted(iv, i);
		json_t *o = json_object(), *counters = json_object();
		const double missed = miss_ratio(&c);

		json_object_set_new(o, "first",
		    json_integer((json_int_t)iv->references[i] + 1));
		json_object_set_new(o, "references",
		    json_integer((json_int_t)(iv->references[i + 1] -
			iv->references[i])));
		json_object_set_new(
		    o, "ns", json_integer((json_int_t)iv->ns[i]));
		json_object_set_new(o, "miss_ratio",
		    isnan(missed) ? json_null() : json_real(missed));
		for (unsigned k = 0; eph_counter_name(k) != NULL; k++)
			json_object_set_new(counters, eph_counter_name(k),
			    json_integer((json_int_t)eph_counter_value(&c, k)));
		json_object_set_new(o, "counters", counters);
		json_array_append_new(all, o);
	}
	return (all);
}

double
interval_misses(const struct intervals *iv, size_t i)
{
	const struct eph_counters c = counted(iv, i);

	return (miss_ratio(&c));
}

double
interval_ipis(const struct intervals *iv, size_t i)
{
	const struct eph_counters c = counted(iv, i);

	return (per_map(&c, c.ipi_sent));
}

void
interval_csv_head(FILE *out)
{
	(void)fputs("first,references,ns,miss_ratio", out);
	for (unsigned k = 0; eph_counter_name(k) != NULL; k++)
		(void)fprintf(out, ",%s", eph_counter_name(k));
	(void)fputc('\n', out);
}

void
interval_csv_line(const struct intervals *iv, size_t i, FILE *out)
{
	const struct eph_counters c = counted(iv, i);
	const double missed = miss_ratio(&c);

	(void)fprintf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64,
	    iv->references[i] + 1, iv->references[i + 1] - iv->references[i],
	    iv->ns[i]);
	if (isnan(missed))
		(void)fputc(',', out);
	else
		(void)fprintf(out, ",%.9g", missed);
	for (unsigned k = 0; eph_counter_name(k) != NULL; k++)
		(void)fprintf(out, ",%" PRIu64, eph_counter_value(&c, k));
	(void)fputc('\n', out);
}

void
interval_csv(const struct intervals *iv, FILE *out)
{
	interval_csv_head(out);
	for (size_t i = 0; i + 1 < iv->n; i++)
		interval_csv_line(iv, i, out);
}

static void
put_rate(struct table *t, const struct eph_counters *c, uint64_t events)
{
	const double rate = per_map(c, events) * 1000;
	char number[NUMBER_MAX];

	table_cell(
	    t, "%s", isfinite(rate) ? number_real(number, rate, 1) : "-");
}

bool
interval_timed(const struct intervals *iv)
{
	return (iv->n > 0 && iv->ns[iv->n - 1] > 0);
}

void
interval_from_head(struct table *t, bool timed)
{
	table_cell(t, "from");
	if (timed)
		table_cell(t, "seconds");
}

void
interval_from(struct table *t, const struct intervals *iv, size_t i, bool timed)
{
	char number[NUMBER_MAX];

	table_cell(t, "%s", number_u64(number, iv->references[i] + 1));
	if (timed)
		table_cell(t, "%.3f", (double)iv->ns[i] / 1e9);
}

void
interval_events_head(struct table *t)
{
	static const char *const heads[] = { "miss %", "invlpg", "flush", "IPI",
		"TLB miss", "sleep", "cycles/map" };

	for (unsigned i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_cell(t, "%s", heads[i]);
	table_rule(t);
}

void
interval_events(struct table *t, const struct intervals *iv, size_t i)
{
	const struct eph_counters c = counted(iv, i);
	const double missed = miss_ratio(&c), cycles = per_map(&c, c.cycles);
	char number[NUMBER_MAX];

	if (isnan(missed))
		table_cell(t, "-");
	else
		table_cell(t, "%.1f", 100 * missed);
	put_rate(t, &c, c.invlpg_local + c.invlpg_remote);
	put_rate(t, &c, c.flush_local + c.flush_remote);
	put_rate(t, &c, c.ipi_sent);
	put_rate(t, &c, c.tlb_miss);
	put_rate(t, &c, c.sleep);
	table_cell(
	    t, "%s", isfinite(cycles) ? number_real(number, cycles, 1) : "-");
}

void
interval_table(const struct intervals *iv, FILE *out)
{
	const bool timed = interval_timed(iv);
	struct table *t = table_create(timed ? "rrrrrrrrr" : "rrrrrrrr");

	interval_from_head(t, timed);
	interval_events_head(t);
	for (size_t i = 0; i + 1 < iv->n; i++) {
		interval_from(t, iv, i, timed);
		interval_events(t, iv, i);
	}
	(void)fputc('\n', out);
	table_print(t, out);
	text_printf(out,
	    "\nEach row: from that reference on; events per 1,000 maps that "
	    "returned in it.\n");
	table_destroy(t);
}

static double
plot_value(const void *arg, size_t line, size_t i, double *error)
{
	const struct intervals *iv = arg;
	const struct eph_counters c = counted(iv, i);

	*error = 0;
	switch (line) {
	case 0:
		return (miss_ratio(&c));
	case 1:
		return (per_map(&c, c.invlpg_local + c.invlpg_remote));
	default:
		return (interval_ipis(iv, i));
	}
}

int
interval_plot(const struct intervals *iv, const char *title, const char *to,
    struct eph_err *err)
{
	static const char *const names[] = { "misses", "invlpg", "IPIs" };
	const struct plot frame = {
		.title = title, .x = "references", .y = "events per reference"
	};
	uint32_t *at = must_alloc(NULL, iv->n + 1, sizeof(*at));
	int error;

	for (size_t i = 0; i < iv->n; i++)
		at[i] = (uint32_t)iv->references[i];
	error = plot_numbers(&frame, at, iv->n > 0 ? iv->n - 1 : 0, false,
	    names, 3, plot_value, iv, to, err);
	free(at);
	return (error);
}
