/* SPDX-License-Identifier: BSD-2-Clause */

/* What a search found or did not, as text and as an object. */

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "report_explore.h"
#include "table.h"
#include "text.h"

#include "ephmap/explore.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/scenario.h"

#define ODDS_BAR   30	/* characters that are all */
#define ODDS_ALIKE 0.08 /* of a share: drawn as one row */

json_t *
report_explore_seconds(const struct opts *o, double seconds)
{
	return (o->timings ? json_real(seconds) : json_null());
}

void
report_explore_took(const struct opts *o, double seconds, FILE *f)
{
	if (o->timings)
		(void)fprintf(f, ", %.3f s", seconds);
}

static json_t *
text_json(const char *text)
{
	return (text != NULL ? json_string(text) : json_null());
}

static json_t *
estimate_json(const struct eph_explore_result *r)
{
	return (r->total > 0
		? json_pack("{s:f, s:f, s:b}", "schedules", r->total, "error",
		      r->total_error, "all", r->total_all)
		: json_null());
}

static json_t *
odds_json(const struct eph_explore_result *r)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->nodds; i++)
		json_array_append_new(array,
		    json_pack("{s:I, s:s, s:f}", "step",
			(json_int_t)r->odds[i].step, "after", r->odds[i].after,
			"share", r->odds[i].share));
	return (array);
}

/* One search, as an object. */
json_t *
report_explore_json(const struct opts *o, const struct eph_explore_config *cfg,
    const struct eph_explore_result *r)
{
	const bool found = r->failure != EPH_FAIL_NONE;
	json_t *j = json_object();

	json_object_set_new(j, "design",
	    cfg->design != NULL ? json_string(cfg->design->name) : json_null());
	json_object_set_new(j, "scenario", json_string(cfg->scenario->name));
	json_object_set_new(
	    j, "bug", o->bug != NULL ? json_string(o->bug) : json_null());
	/* An exhibit is broken, though its design may be repaired. */
	json_object_set_new(j, "repaired",
	    json_boolean(o->bug != NULL ? o->repaired : cfg->repaired));
	json_object_set_new(j, "cpus",
	    json_integer((json_int_t)(cfg->ncpus != 0 ? cfg->ncpus
						      : cfg->scenario->cpus)));
	json_object_set_new(
	    j, "strategy", json_string(opt_choice(strategy, o->strategy)));
	json_object_set_new(j, "seed", json_integer((json_int_t)o->seed));
	json_object_set_new(j, "weak_memory", json_boolean(cfg->weak_memory));
	json_object_set_new(j, "failure",
	    found ? json_string(eph_failure_name(r->failure)) : json_null());
	json_object_set_new(
	    j, "what", found ? json_string(r->what) : json_null());
	json_object_set_new(
	    j, "schedules", json_integer((json_int_t)r->schedules));
	json_object_set_new(j, "pruned", json_integer((json_int_t)r->pruned));
	json_object_set_new(j, "points", json_integer((json_int_t)r->steps));
	json_object_set_new(
	    j, "seconds", report_explore_seconds(o, r->seconds));
	json_object_set_new(j, "guarantee",
	    r->guarantee > 0 ? json_real(r->guarantee) : json_null());
	json_object_set_new(j, "exhausted", json_boolean(r->exhausted));
	json_object_set_new(j, "program", json_string(r->program));
	json_object_set_new(j, "states", json_integer((json_int_t)r->states));
	json_object_set_new(
	    j, "frontier", json_integer((json_int_t)r->frontier));
	json_object_set_new(j, "levels", json_integer((json_int_t)r->levels));
	json_object_set_new(
	    j, "memory_bytes", json_integer((json_int_t)r->memory_bytes));
	json_object_set_new(j, "bounded", json_boolean(r->bounded));
	json_object_set_new(j, "schedule", text_json(r->schedule));
	json_object_set_new(
	    j, "timeline", text_json(found ? r->timeline : NULL));
	json_object_set_new(j, "estimate", estimate_json(r));
	json_object_set_new(j, "odds", odds_json(r));
	json_object_set_new(j, "no_return",
	    r->nodds > 0 ? json_integer((json_int_t)r->no_return)
			 : json_null());
	return (j);
}

/* All states, or what is missing to all. */
static void
print_proof(const struct eph_explore_config *cfg,
    const struct eph_explore_result *r, FILE *f)
{
	char buf[NUMBER_MAX];

	if (!r->exhausted) {
		(void)fprintf(
		    f, "not finished: %s states, ", number_u64(buf, r->states));
		(void)fprintf(f, "frontier %s\n", number_u64(buf, r->frontier));
		return;
	}
	/* States that differ only in names are different ones. */
	(void)fprintf(f, "none: %s, fills %s%s, renaming off%s: ", r->program,
	    cfg->no_adversary ? "off" : "on",
	    r->late ? ", as late as can be" : "",
	    cfg->weak_memory ? ", late stores" : "");
	(void)fprintf(f, "%s states, all of them%s\n",
	    number_u64(buf, r->states),
	    r->bounded ? " where TLBs load at 16 addresses only" : "");
}

/* A number of which no more than two digits are known. */
static void
print_about(double n, FILE *f)
{
	char buf[NUMBER_MAX];
	double unit = 1;

	while (n >= unit * 100)
		unit *= 10;
	n = round(n / unit) * unit;
	if (n < 1e6)
		(void)fprintf(f, "%s", number_u64(buf, (uint64_t)n));
	else if (n < 1e9)
		(void)fprintf(f, "%g million", n / 1e6);
	else
		(void)fprintf(f, "%.1e", n);
}

/*
 * " of about 1.3 million (two standard errors: 1.1 million to 1.5 million;
 * often too narrow)": doc/explore.md has how often.
 */
static void
print_estimate(const struct eph_explore_result *r, FILE *f)
{
	const double low = r->total - 2 * r->total_error;

	if (r->total == 0)
		return;
	(void)fprintf(f, " of about ");
	print_about(r->total, f);
	(void)fprintf(f, " (two standard errors: ");
	print_about(low > 1 ? low : 1, f);
	(void)fprintf(f, " to ");
	print_about(r->total + 2 * r->total_error, f);
	(void)fprintf(f, "; often too narrow)");
}

/* What a search that found nothing is worth. */
static void
print_assurance(const struct opts *o, const struct eph_explore_config *cfg,
    const struct eph_explore_result *r, FILE *f)
{
	char buf[NUMBER_MAX];

	if (strcmp(cfg->strategy, "bfs") == 0 && o->replay == NULL) {
		print_proof(cfg, r, f);
		return;
	}
	if (cfg->threads) {
		(void)fprintf(f,
		    "no failure in %s runs on the host's threads\n",
		    number_u64(buf, r->schedules));
		return;
	}
	if (o->replay != NULL) {
		(void)fprintf(
		    f, "no failure in this schedule\n\n%s\n", r->timeline);
		return;
	}
	(void)fprintf(
	    f, "no failure in %s schedules", number_u64(buf, r->schedules));
	print_estimate(r, f);
	if (r->exhausted && !r->bounded)
		(void)fprintf(f,
		    ": these are all there are, up to the order of "
		    "operations that commute\n");
	else if (r->exhausted && strcmp(cfg->strategy, "dpor") == 0)
		(void)fprintf(f,
		    ": one of each class of those with at most %" PRIu64
		    " TLB action%s, whatever the number of preemptions\n",
		    o->fills, o->fills == 1 ? "" : "s");
	else if (r->exhausted)
		(void)fprintf(f,
		    ": all with at most %" PRIu64 " %s and %" PRIu64
		    " TLB actions\n",
		    o->preemptions,
		    strcmp(cfg->strategy, "delay") == 0 ? "delays"
							: "preemptions",
		    o->fills);
	else if (r->guarantee > 0)
		(void)fprintf(f,
		    "\npct: a bug of depth %" PRIu64
		    " in %u entities and %" PRIu32
		    " steps is met with a probability of at least "
		    "1/(n k^(d-1)) = %.3g in each schedule\n",
		    o->depth,
		    r->threads +
			(cfg->ncpus != 0 ? cfg->ncpus : cfg->scenario->cpus),
		    r->steps_max, r->guarantee);
	else
		(void)fprintf(f, "\n");
}

/* Rows whose share is about that of the first. */
static size_t
odds_alike(const struct eph_explore_result *r, size_t i)
{
	size_t k = i + 1;

	while (k < r->nodds && r->odds[k].step != r->no_return &&
	    fabs(r->odds[k].share - r->odds[i].share) < ODDS_ALIKE)
		k++;
	return (k);
}

/* How likely a failure is from each step on, under the timeline. */
static void
print_odds(const struct opts *o, const struct eph_explore_result *r, FILE *f)
{
	size_t next;

	if (r->nodds == 0)
		return;
	(void)fprintf(f,
	    "of %" PRIu64 " random continuations fail, from each step on:\n",
	    o->odds);
	for (size_t i = 0; i < r->nodds; i = next) {
		const struct eph_odds *at = &r->odds[i];
		const int bar = (int)(at->share * ODDS_BAR + 0.5);

		next = odds_alike(r, i);
		(void)fprintf(f, "  step %4" PRIu32 "  %-6s %3.0f %% |%.*s%s\n",
		    at->step, at->after, at->share * 100, bar,
		    "##############################",
		    at->step == r->no_return ? " point of no return" : "");
	}
	(void)fprintf(f, "\n");
}

/* Everything that the run depended on, as one command. */
static void
print_command(const struct opts *o, const char *schedule)
{
	struct text text;
	FILE *f = text_begin(&text);

	(void)fprintf(f, "ephmap explore");
	if (o->bug != NULL)
		(void)fprintf(f, " --bug %s", o->bug);
	if (o->design != NULL)
		(void)fprintf(f, " --design %s", o->design);
	for (unsigned i = 0; i < o->plugin.n; i++)
		(void)fprintf(f, " --plugin '%s'", o->plugin.word[i]);
	if (o->shootdown != NULL)
		(void)fprintf(f, " --shootdown %s", o->shootdown);
	if (o->bug == NULL)
		(void)fprintf(f, " --scenario %s", o->xp_scenario);
	if (o->xp_cpus != 0)
		(void)fprintf(f, " --cpus %" PRIu64, o->xp_cpus);
	if (o->xp_nbufs != 0)
		(void)fprintf(f, " --nbufs %" PRIu64, o->xp_nbufs);
	if (o->xp_pages != 0)
		(void)fprintf(f, " --pages %" PRIu64, o->xp_pages);
	if (o->xp_ops != 0)
		(void)fprintf(f, " --ops %" PRIu64, o->xp_ops);
	if (o->weak_memory)
		(void)fprintf(f, " --weak-memory");
	if (o->repaired)
		(void)fprintf(f, " --repaired");
	(void)fprintf(f, " --replay '%s'", schedule);
	(void)printf("again: ");
	text_end_command(&text, stdout, 7);
}

/* Has a schedule a letter of `set' that no sign stands before? */
static bool
has_alone(const char *schedule, const char *set)
{
	for (const char *p = schedule; (p = strpbrk(p, set)) != NULL; p++) {
		if (p == schedule || strchr("+-!", p[-1]) == NULL)
			return (true);
	}
	return (false);
}

/* A schedule, and what its letters mean. */
static void
print_schedule(const struct opts *o, const char *schedule)
{
	static const struct {
		const char *set;
		const char *meaning;
	} letters[] = {
		{ "abcdefghijklmnopqrstuvwxyz{",
		    "a, b ... the threads, in the order of creation" },
		{ "ABCDEFGHIJKLMNOP",
		    "A, B ... the interrupt of CPU 0, 1 ..." },
		{ "+", "+A4      the TLB of CPU 0 loads address 4" },
		{ "-", "-A4      the TLB of CPU 0 forgets address 4" },
		{ "!", "!A       the oldest late store of CPU 0 is seen" },
		{ "0123456789", "a3       three steps of a" },
	};

	(void)printf("schedule: %s\n", schedule);
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (has_alone(schedule, letters[i].set))
			(void)printf("    %s\n", letters[i].meaning);
	}
	print_command(o, schedule);
}

void
report_explore_print(const struct opts *o, const struct eph_explore_config *cfg,
    const struct eph_explore_result *r)
{
	char buf[NUMBER_MAX];
	struct text text;
	FILE *f = text_begin(&text);

	(void)fprintf(f,
	    "%s%s%s%s%s: ", cfg->design != NULL ? cfg->design->name : "",
	    cfg->design != NULL ? ", " : "", cfg->scenario->name,
	    o->bug != NULL ? ", " : "", o->bug != NULL ? o->bug : "");
	if (r->failure == EPH_FAIL_NONE) {
		print_assurance(o, cfg, r, f);
		text_end(&text, stdout);
		return;
	}
	(void)fprintf(f, "%s", eph_failure_name(r->failure));
	if (cfg->threads) {
		(void)fprintf(f, " in run %s on the host's threads\n=> %s\n",
		    number_u64(buf, r->failed_at), r->what);
		text_end(&text, stdout);
		return;
	}
	if (o->replay == NULL && strcmp(cfg->strategy, "bfs") == 0)
		(void)fprintf(f,
		    ", and no way to a failure is shorter (%s, %s "
		    "states seen)",
		    r->program, number_u64(buf, r->states));
	else if (o->replay == NULL)
		(void)fprintf(f, " in schedule %s (seed %" PRIu64 ")",
		    number_u64(buf, r->failed_at), o->seed);
	if (o->replay == NULL)
		report_explore_took(o, r->seconds, f);
	(void)fprintf(f, "\n\n%s\n", r->timeline);
	print_odds(o, r, f);
	text_end(&text, stdout);
	print_schedule(o, r->schedule);
}
