/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * `ephmap native': a design's mappings on the host's MMU.
 */

#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "options.h"
#include "record.h"
#include "report.h"
#include "setup.h"
#include "table.h"
#include "text.h"

#include "ephmap/native.h"

/* What one plan came to. */
struct outcome {
	const char *name;
	const struct eph_native_plan *plan;
	struct eph_native_result res;
};

static bool
outcome_differs(const struct outcome *o)
{
	const struct eph_native_result *r = &o->res;

	return (r->wrong != 0 ||
	    (r->at_most ? r->measured < r->predicted
			: r->measured != r->predicted));
}

static json_t *
outcome_json(const struct outcome *o)
{
	const struct eph_native_result *r = &o->res;

	return (json_pack(
	    "{s:s, s:I, s:s, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:b, s:i, s:f, "
	    "s:I, s:i, s:f, s:f}",
	    "name", o->name, "steps", (json_int_t)o->plan->n, "witness",
	    r->witness, "predicted", (json_int_t)r->predicted, "measured",
	    (json_int_t)r->measured, "at_most", (int)r->at_most, "difference",
	    (json_int_t)(r->measured - r->predicted), "loads",
	    (json_int_t)r->loads, "wrong_loads", (json_int_t)r->wrong,
	    "ipi_sent", (json_int_t)o->plan->ipi_sent, "needless_ipi",
	    (json_int_t)o->plan->needless_ipi, "fifo", (int)r->fifo, "threads",
	    (int)r->threads, "seconds", r->seconds, "preempted",
	    (json_int_t)r->preempted, "tries", (int)r->tries,
	    "ns_remap_shootdown", r->ns_shot, "ns_remap", r->ns_quiet));
}

static void
outcome_line(const char *what, uint64_t value, const char *note)
{
	char number[NUMBER_MAX];

	text_printf(stdout, "  %-22s %14s%s%s\n", what,
	    number_u64(number, value), note[0] != '\0' ? "  " : "", note);
}

static void
outcome_print(const struct outcome *o)
{
	const struct eph_native_result *r = &o->res;
	const int64_t difference = (int64_t)(r->measured - r->predicted);
	char number[NUMBER_MAX];

	(void)printf("%s\n", o->name);
	outcome_line(
	    "predicted", r->predicted, "CPUs interrupted, by Linux's rule");
	if (o->plan->references != 0)
		outcome_line("ephmap's count",
		    o->plan->ipi_sent - o->plan->needless_ipi,
		    "ipi_sent - needless_ipi of this run");
	outcome_line(r->at_most ? "measured at most" : "measured", r->measured,
	    r->witness);
	if (r->has_row && r->has_tracepoint)
		outcome_line(
		    "the other witness", r->row + r->traced - r->measured, "");
	(void)printf("  %-22s %+14" PRId64 "\n", "difference", difference);
	outcome_line("loads checked", r->loads, "");
	outcome_line("saw another page", r->wrong, "");
	text_printf(stdout,
	    "  %-22s %14.0f ns with a shootdown, %.0f ns without\n",
	    "a remap took", r->ns_shot, r->ns_quiet);
	text_printf(stdout, "%u threads%s, %s steps in %.3f s.\n", r->threads,
	    r->fifo ? ""
		    : " without a real-time priority: one that was "
		      "preempted is not interrupted",
	    number_u64(number, o->plan->n), r->seconds);
}

/* A thread that is off its CPU is not interrupted: less than predicted. */
static void
outcome_note(const struct outcome *o)
{
	const struct eph_native_result *r = &o->res;

	if (r->measured < r->predicted && r->preempted != 0)
		text_note(
		    "ephmap native: %s: the host took a thread off its CPU "
		    "%lu times, in each of %u tries at least once: it is not "
		    "interrupted there",
		    o->name, r->preempted, r->tries);
}

static void
outcome_row(const struct outcome *o)
{
	const struct eph_native_result *r = &o->res;

	(void)printf("%-32s %9" PRIu64 " %9" PRIu64 " ", o->name, r->predicted,
	    r->measured);
	/* What nobody can tell is no difference. */
	if (r->at_most)
		(void)printf("%6s", "?");
	else
		(void)printf(
		    "%+6" PRId64, (int64_t)(r->measured - r->predicted));
	(void)printf(" %9" PRIu64 " %6" PRIu64 "\n", r->loads, r->wrong);
}

static int
native_schedules(const struct opts *o)
{
	json_t *all = json_array();
	int status = EXIT_OK;

	for (unsigned i = 0; status != EXIT_BAD; i++) {
		struct outcome out = { .name = "" };
		struct eph_native_plan *plan;
		enum eph_native_others others;
		struct eph_err err;

		if (eph_native_schedule(i, &out.name, &others, &plan) != 0) {
			status =
			    options_refuse("ephmap native", "out of memory");
			break;
		}
		if (plan == NULL)
			break;
		out.plan = plan;
		if (eph_native_play(plan, others, &out.res, &err) != 0)
			status =
			    options_refuse("ephmap native", "%s", err.text);
		else if (outcome_differs(&out))
			status = EXIT_FOUND;
		if (status != EXIT_BAD && o->format == FORMAT_JSON)
			json_array_append_new(all, outcome_json(&out));
		else if (status != EXIT_BAD) {
			if (i == 0)
				(void)printf("%-32s %9s %9s %6s %9s %6s\n",
				    "schedule", "predicted", "measured",
				    "differ", "loads", "wrong");
			outcome_row(&out);
			outcome_note(&out);
			if (!out.res.fifo && i == 0)
				text_note(
				    "ephmap native: no real-time priority to "
				    "be had: a thread that is preempted is not "
				    "interrupted");
		}
		eph_native_free(plan);
	}
	if (status != EXIT_BAD && o->format == FORMAT_JSON)
		json_print(all, stdout);
	else
		json_decref(all);
	return (status);
}

static int
native_plan(struct setup *s, struct eph_trace *trace, struct point *p)
{
	struct outcome out = { .name = p->cfg.design->name };
	struct eph_op_source source = eph_trace_source(trace);
	struct eph_native_plan *plan;
	struct eph_err err;
	int status = EXIT_BAD;

	if (eph_native_record(&p->cfg, &source, &plan, &err) != 0)
		return (options_refuse(s->command, "%s", err.text));
	out.plan = plan;
	if (plan->nframes == 0)
		(void)options_refuse(s->command,
		    "%s stored no page-table entry on this trace: there is "
		    "nothing to play",
		    p->cfg.design->name);
	else if (eph_native_play(plan, (enum eph_native_others)s->o->others,
		     &out.res, &err) != 0)
		(void)options_refuse(s->command, "%s", err.text);
	else {
		if (s->o->format == FORMAT_JSON)
			json_print(outcome_json(&out), stdout);
		else
			outcome_print(&out);
		outcome_note(&out);
		status = outcome_differs(&out) ? EXIT_FOUND : EXIT_OK;
	}
	eph_native_free(plan);
	return (status);
}

int
cmd_native(const struct opts *o, int n, char **operands)
{
	struct setup s = { .command = "ephmap native", .o = o };
	struct eph_trace *trace;
	struct eph_err err;
	struct point *points;
	size_t npoints;
	int status = EXIT_BAD;

	if (o->format == FORMAT_CSV)
		return (options_refuse(
		    s.command, "--format: expected table or json"));
	if (o->schedules && (n != 0 || o->design != NULL))
		return (options_refuse(
		    s.command, "--schedules takes no trace and no design"));
	if (o->schedules)
		return (native_schedules(o));
	if (o->design == NULL)
		return (options_refuse(
		    s.command, "expected --design D, or --schedules"));
	if (setup_trace(&s, n, operands) != OPTIONS_OK)
		return (EXIT_BAD);
	if (eph_trace_open(s.trace, &trace, &err) != 0)
		return (options_refuse(s.command, "%s", err.text));
	if (setup_points(&s, eph_trace_meta(trace), &points, &npoints) ==
	    OPTIONS_OK) {
		status = native_plan(&s, trace, &points[0]);
		setup_free(points, npoints);
	}
	eph_trace_close(trace);
	return (status);
}
