/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * `ephmap explore': every interleaving of a small program, or all the
 * bugs of the museum.
 */

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axis.h"
#include "command.h"
#include "options.h"
#include "progress.h"
#include "record.h"
#include "report_explore.h"
#include "setup.h"
#include "table.h"
#include "text.h"
#include "timeline.h"

#include "ephmap/explore.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/scenario.h"
#include "ephmap/sdk/shootdown.h"

#define COMMAND	  "ephmap explore"
#define NAMES_MAX 128

static void
show_progress(void *arg, uint64_t schedules, uint64_t budget)
{
	(void)budget;
	progress_step(arg, schedules);
}

static int
refuse_scenario(const char *name)
{
	const char *names[NAMES_MAX];
	size_t n = 0;

	for (; n < NAMES_MAX && eph_scenarios[n] != NULL; n++)
		names[n] = eph_scenarios[n]->name;
	return (refuse_unknown(COMMAND, "scenario", name, names, n,
	    "`ephmap list scenarios` lists them"));
}

static int
refuse_bug(const char *name)
{
	const char *names[NAMES_MAX];
	size_t n = 0;

	for (; n < NAMES_MAX && eph_bugs[n] != NULL; n++)
		names[n] = eph_bugs[n]->name;
	return (refuse_unknown(
	    COMMAND, "bug", name, names, n, "`ephmap list bugs` lists them"));
}

/* A file for the schedule that will be drawn. */
static int
open_timeline(
    const struct opts *o, struct eph_explore_config *cfg, struct timeline **tp)
{
	char name[256];
	struct eph_err err;

	if (o->timeline == NULL)
		return (OPTIONS_OK);
	(void)snprintf(name, sizeof(name), "%s%s%s",
	    cfg->design != NULL ? cfg->design->name : "",
	    cfg->design != NULL ? ", " : "", cfg->scenario->name);
	if (timeline_open(o->timeline, name,
		cfg->ncpus != 0 ? cfg->ncpus : cfg->scenario->cpus, 0, tp,
		&err) != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	cfg->watch = timeline_thread_event;
	cfg->watch_arg = *tp;
	return (OPTIONS_OK);
}

/* Without a failure and a schedule nothing was drawn. */
static int
close_timeline(const struct opts *o, struct timeline *t, bool drawn)
{
	struct eph_err err;

	if (t == NULL)
		return (OPTIONS_OK);
	if (drawn)
		timeline_warn(t, COMMAND);
	if (timeline_close(t, drawn, &err) != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	if (!drawn)
		text_note(
		    COMMAND ": no failure, so there is no %s", o->timeline);
	return (OPTIONS_OK);
}

static int
run_one(const struct opts *o, struct eph_explore_config *cfg, json_t *out)
{
	struct timeline *timeline = NULL;
	struct eph_explore_result r;
	struct progress bar = { 0 };
	struct eph_err err = { "" };
	int error, status;

	cfg->columns = text_columns() - 1;
	if (open_timeline(o, cfg, &timeline) != OPTIONS_OK)
		return (EXIT_BAD);
	progress_start(&bar, cfg->scenario->name, cfg->budget);
	cfg->progress = show_progress;
	cfg->progress_arg = &bar;
	error = eph_explore(cfg, &r, &err);
	progress_end(&bar);
	if (error != 0 && timeline != NULL)
		(void)timeline_close(timeline, false, NULL);
	if (error != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	if (close_timeline(o, timeline, r.timeline != NULL) != OPTIONS_OK) {
		eph_explore_free(&r);
		return (EXIT_BAD);
	}
	if (out != NULL)
		json_array_append_new(out, report_explore_json(o, cfg, &r));
	else
		report_explore_print(o, cfg, &r);
	status = r.failure != EPH_FAIL_NONE ? EXIT_FOUND : EXIT_OK;
	eph_explore_free(&r);
	return (status);
}

/* One search prints an object, several an array. */
static void
print_json(json_t *array, bool many)
{
	json_t *one;

	if (many || json_array_size(array) != 1) {
		json_print(array, stdout);
		return;
	}
	one = json_incref(json_array_get(array, 0));
	json_decref(array);
	json_print(one, stdout);
}

/* The scenario that was asked for, or all that make sense. */
static int
run_scenarios(const struct opts *o, struct eph_explore_config *cfg)
{
	json_t *out = o->xp_format == 1 ? json_array() : NULL;
	const bool many = cfg->scenario == NULL;
	struct opts named = *o;
	int status = EXIT_OK;

	for (size_t i = 0; eph_scenarios[i] != NULL && status != EXIT_BAD;
	     i++) {
		const struct eph_scenario *sc =
		    many ? eph_scenarios[i] : cfg->scenario;
		struct eph_explore_config one = *cfg;
		int s;

		if (many &&
		    (!eph_scenario_applies(sc, cfg->design) ||
			(cfg->threads && sc->watches)))
			continue;
		one.scenario = sc;
		if (many)
			named.xp_scenario = sc->name;
		s = run_one(&named, &one, out);
		status = s > status ? s : status;
		if (!many)
			break;
	}
	if (out != NULL && status != EXIT_BAD)
		print_json(out, many);
	else
		json_decref(out);
	return (status);
}

static bool
ends_with(const char *name, const char *end)
{
	const size_t n = strlen(name), m = strlen(end);

	return (n > m && strcmp(name + n - m, end) == 0);
}

/* A scenario of the user's own, not one of the table: text, or a plug-in. */
static bool
is_text(const char *name)
{
	return (!ends_with(name, ".so") &&
	    (strcmp(name, "-") == 0 || strchr(name, '/') != NULL ||
		ends_with(name, ".scn")));
}

static int
find_scenario(const char *name, const struct eph_scenario **scp)
{
	struct eph_err err;

	if (!is_text(name) && !ends_with(name, ".so")) {
		*scp = eph_scenario_find(name);
		return (*scp != NULL ? OPTIONS_OK : refuse_scenario(name));
	}
	if ((is_text(name) ? eph_scenario_read(name, scp, &err)
			   : eph_scenario_load(name, scp, &err)) != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	return (OPTIONS_OK);
}

/* A design to search, or a policy for the design that is. */
static int
take_plugin(const struct opts *o, struct eph_explore_config *cfg)
{
	struct plugins p = { .loaded = false };

	if (plugins_load(COMMAND, &o->plugin, &p) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (p.ndesigns > 1 || p.npolicies > 1)
		return (options_refuse(COMMAND,
		    "--plugin: expected one design, one policy or one of each"));
	if (p.ndesigns > 0)
		cfg->design = p.design[0];
	cfg->policy = p.policy[0];
	if (cfg->design != NULL && o->design != NULL)
		return (options_refuse(
		    COMMAND, "--plugin is the design; leave out --design"));
	if (cfg->design == NULL && o->design == NULL)
		return (options_refuse(COMMAND,
		    "%s: a policy and no design; expected --design too",
		    o->plugin.word[0]));
	return (OPTIONS_OK);
}

/*
 * --repaired where nothing is to be repaired is a search of what shipped; and
 * a repair may be a protocol, which is stronger than --shootdown.
 */
static void
say_repair(const struct opts *o, struct eph_explore_config *cfg)
{
	const struct eph_shootdown_ops *protocol = cfg->shootdown;
	struct eph_design_ops design;
	bool known = false;

	if (!cfg->repaired)
		return;
	if (cfg->design != NULL) {
		design = *cfg->design;
		known = eph_design_repair(&design, &protocol);
	}
	if (o->shootdown != NULL && protocol != cfg->shootdown)
		text_note(COMMAND ": %s repaired takes %s, not %s",
		    cfg->design->name, protocol->name, o->shootdown);
	if (known || o->bug != NULL)
		return;
	cfg->repaired = false;
	if (cfg->design != NULL)
		text_note(COMMAND ": %s has no repair: it runs as it shipped",
		    cfg->design->name);
	else
		text_note(COMMAND ": no design, so nothing to repair");
}

/* From options to a configuration. */
static int
configure(const struct opts *o, struct eph_explore_config *cfg)
{
	int row;

	*cfg = (struct eph_explore_config){
		.strategy = opt_choice(strategy, o->strategy),
		.budget = o->budget,
		.seed = o->seed,
		.depth = (unsigned)o->depth,
		.preemptions = (unsigned)o->preemptions,
		.fills = (unsigned)o->fills,
		.weak_memory = o->weak_memory,
		.replay = o->replay,
		.repaired = o->repaired,
		.check_states = o->check_states,
		.every_state = o->every_state,
		.estimate = !o->no_estimate,
		.odds = (uint32_t)o->odds,
		.seconds = o->xp_seconds,
		.memory_bytes = (size_t)o->xp_memory << 20,
	};
	if (o->executor == 1) {
		cfg->threads = true;
		if (!opt_given(o, budget))
			cfg->budget = 0;
	} else if (strcmp(cfg->strategy, "bfs") == 0) {
		/* A budget of states is one that was asked for. */
		if (!opt_given(o, budget))
			cfg->budget = 0;
		cfg->no_adversary = o->fills == 0;
	}
	if (o->bug != NULL) {
		if (eph_bug_find(o->bug) == NULL)
			return (refuse_bug(o->bug));
		eph_bug_config(eph_bug_find(o->bug), o->repaired, cfg);
	}
	if (o->xp_cpus != 0)
		cfg->ncpus = (unsigned)o->xp_cpus;
	if (o->xp_nbufs != 0)
		cfg->nbufs = (uint32_t)o->xp_nbufs;
	cfg->pages = (uint32_t)o->xp_pages;
	cfg->ops = (uint32_t)o->xp_ops;
	if (o->plugin.n > 0 && take_plugin(o, cfg) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (o->design != NULL) {
		if ((row = axis_find(AXIS_DESIGN, o->design, COMMAND)) < 0)
			return (OPTIONS_BAD);
		cfg->design = eph_designs[row];
	}
	if (o->shootdown != NULL) {
		row = axis_find(AXIS_SHOOTDOWN, o->shootdown, COMMAND);
		if (row < 0)
			return (OPTIONS_BAD);
		cfg->shootdown = eph_shootdowns[row];
	}
	if (o->xp_scenario != NULL &&
	    find_scenario(o->xp_scenario, &cfg->scenario) != OPTIONS_OK)
		return (OPTIONS_BAD);
	say_repair(o, cfg);
	return (OPTIONS_OK);
}

/* The museum */

struct visit {
	const struct eph_bug *bug;
	struct eph_explore_result found;
	struct eph_explore_result clean;
	bool ok; /* found as what it is, and the repaired form survives */
};

static int
visit_bug(const struct opts *o, struct visit *v)
{
	struct eph_err err = { "" };
	const uint64_t budget = opt_given(o, budget) ? o->budget : 0;

	if (eph_bug_search(v->bug, false, budget, o->seed, text_columns() - 1,
		&v->found, &err) != 0)
		return (
		    options_refuse(COMMAND, "%s: %s", v->bug->name, err.text));
	if (eph_bug_search(v->bug, true, budget, o->seed, text_columns() - 1,
		&v->clean, &err) != 0) {
		eph_explore_free(&v->found);
		return (
		    options_refuse(COMMAND, "%s: %s", v->bug->name, err.text));
	}
	v->ok = v->found.failure == v->bug->fails &&
	    v->clean.failure == EPH_FAIL_NONE;
	return (OPTIONS_OK);
}

static json_t *
visit_json(const struct opts *o, const struct visit *v)
{
	const struct eph_bug *b = v->bug;
	json_t *j = json_object();

	json_object_set_new(j, "bug", json_string(b->name));
	json_object_set_new(j, "date", json_string(b->date));
	json_object_set_new(j, "origin", json_string(b->origin));
	json_object_set_new(j, "symptom", json_string(b->symptom));
	json_object_set_new(j, "form", json_string(b->form));
	json_object_set_new(j, "repair", json_string(b->repair));
	json_object_set_new(
	    j, "found", json_boolean(v->found.failure == b->fails));
	json_object_set_new(
	    j, "failure", json_string(eph_failure_name(v->found.failure)));
	json_object_set_new(
	    j, "schedules", json_integer((json_int_t)v->found.schedules));
	json_object_set_new(
	    j, "seconds", report_explore_seconds(o, v->found.seconds));
	json_object_set_new(j, "schedule",
	    v->found.schedule != NULL ? json_string(v->found.schedule)
				      : json_null());
	json_object_set_new(j, "timeline",
	    v->found.timeline != NULL ? json_string(v->found.timeline)
				      : json_null());
	json_object_set_new(j, "repaired_clean",
	    json_boolean(v->clean.failure == EPH_FAIL_NONE));
	json_object_set_new(j, "repaired_schedules",
	    json_integer((json_int_t)v->clean.schedules));
	json_object_set_new(
	    j, "repaired_seconds", report_explore_seconds(o, v->clean.seconds));
	return (j);
}

static void
visit_print(const struct opts *o, const struct visit *v)
{
	const struct eph_bug *b = v->bug;
	char buf[NUMBER_MAX];
	struct text text;
	FILE *f = text_begin(&text);

	(void)fprintf(f, "%s (%s)\n    %s\n    %s\n    %s: ", b->name, b->date,
	    b->origin, b->symptom, b->form);
	if (v->found.failure == EPH_FAIL_NONE)
		(void)fprintf(f, "NOT FOUND");
	else
		(void)fprintf(f, "%s%s",
		    v->found.failure == b->fails ? "" : "NOT AS EXPECTED, ",
		    eph_failure_name(v->found.failure));
	(void)fprintf(
	    f, " after %s schedules", number_u64(buf, v->found.schedules));
	report_explore_took(o, v->found.seconds, f);
	(void)fprintf(f, "\n    repaired (%s): %s in %s schedules\n\n",
	    b->repair,
	    v->clean.failure == EPH_FAIL_NONE
		? "nothing"
		: eph_failure_name(v->clean.failure),
	    number_u64(buf, v->clean.schedules));
	if (v->found.timeline != NULL)
		(void)fprintf(f, "%s\n", v->found.timeline);
	if (v->clean.timeline != NULL)
		(void)fprintf(f, "repaired:\n%s\n", v->clean.timeline);
	text_end(&text, stdout);
}

static int
walk_museum(const struct opts *o)
{
	json_t *out = o->xp_format == 1 ? json_array() : NULL;
	struct progress bar = { 0 };
	int status = EXIT_OK;
	uint64_t n = 0;

	while (eph_bugs[n] != NULL)
		n++;
	progress_start(&bar, "museum", n);
	for (size_t i = 0; i < n; i++) {
		struct visit v = { .bug = eph_bugs[i] };

		if (visit_bug(o, &v) != OPTIONS_OK) {
			progress_end(&bar);
			json_decref(out);
			return (EXIT_BAD);
		}
		progress_end(&bar);
		if (out != NULL)
			json_array_append_new(out, visit_json(o, &v));
		else
			visit_print(o, &v);
		progress_step(&bar, i + 1);
		if (!v.ok)
			status = EXIT_FOUND;
		eph_explore_free(&v.found);
		eph_explore_free(&v.clean);
	}
	progress_end(&bar);
	if (out != NULL)
		json_print(out, stdout);
	return (status);
}

/* Options that the searches of the museum bring themselves. */
static bool
museum_brings(const struct opts *o)
{
	return (opt_given(o, strategy) || opt_given(o, depth) ||
	    opt_given(o, preemptions) || opt_given(o, fills) ||
	    opt_given(o, odds) || o->no_estimate || o->shootdown != NULL ||
	    o->xp_cpus != 0 || o->xp_nbufs != 0 || o->xp_pages != 0 ||
	    o->xp_ops != 0 || o->weak_memory || o->repaired ||
	    o->check_states || o->every_state || opt_given(o, xp_seconds) ||
	    opt_given(o, xp_memory));
}

/* Options that the strategy does not look at. */
static int
check_strategy(const struct opts *o)
{
	const char *name = opt_choice(strategy, o->strategy);
	const bool threads = o->executor == 1;
	const bool pct = strcmp(name, "pct") == 0;
	const bool bfs = strcmp(name, "bfs") == 0;
	const bool bounded =
	    strcmp(name, "systematic") == 0 || strcmp(name, "delay") == 0;
	const struct {
		const char *option;
		const char *of;
		bool given;
		bool heeded;
	} row[] = {
		{ "--depth", "pct", opt_given(o, depth), pct },
		{ "--preemptions", "systematic or delay",
		    opt_given(o, preemptions), bounded },
		{ "--seconds", "bfs", opt_given(o, xp_seconds), bfs },
		{ "--memory", "bfs", opt_given(o, xp_memory), bfs },
		{ "--every-state", "bfs", o->every_state, bfs },
		{ "--check-states", "bfs", o->check_states, bfs },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (row[i].given && (threads || !row[i].heeded))
			return (options_refuse(COMMAND,
			    "%s is of --strategy %s, not of %s", row[i].option,
			    row[i].of, threads ? "the host's threads" : name));
	}
	return (OPTIONS_OK);
}

/* What was typed, as a whole. */
static int
check_options(const struct opts *o)
{
	if (o->museum &&
	    (o->design != NULL || o->xp_scenario != NULL || o->bug != NULL ||
		o->plugin.n > 0 || o->replay != NULL || o->timeline != NULL))
		return (options_refuse(COMMAND,
		    "--museum takes no design, scenario, bug, plug-in, "
		    "schedule or timeline"));
	if (o->museum && museum_brings(o))
		return (options_refuse(COMMAND,
		    "--museum brings its own searches, broken and repaired: "
		    "of their options it takes --budget and --seed"));
	if (o->bug != NULL &&
	    (o->xp_scenario != NULL || o->design != NULL || o->plugin.n > 0))
		return (options_refuse(
		    COMMAND, "--bug brings its own scenario and design"));
	if (!o->museum && o->bug == NULL && o->xp_scenario == NULL &&
	    o->design == NULL && o->plugin.n == 0)
		return (options_refuse(COMMAND,
		    "expected --design or --plugin, --scenario, --bug or "
		    "--museum"));
	if (o->timeline != NULL && o->xp_scenario == NULL && o->bug == NULL)
		return (options_refuse(COMMAND,
		    "--timeline draws one schedule: it needs --scenario or "
		    "--bug"));
	if (o->executor == 1 &&
	    (o->museum || o->replay != NULL || o->timeline != NULL ||
		opt_given(o, strategy) || o->weak_memory))
		return (options_refuse(COMMAND,
		    "--executor threads has no schedule: leave out --museum, "
		    "--replay, --timeline, --strategy and --weak-memory"));
	if (o->replay != NULL && o->xp_scenario == NULL && o->bug == NULL)
		return (options_refuse(COMMAND,
		    "--replay needs the --scenario or --bug it is of"));
	return (check_strategy(o));
}

int
cmd_explore(const struct opts *o, int n, char **operands)
{
	struct eph_explore_config cfg;
	int status;

	(void)n;
	(void)operands;
	if (check_options(o) != OPTIONS_OK)
		return (EXIT_BAD);
	if (o->museum)
		return (walk_museum(o));
	if (configure(o, &cfg) != OPTIONS_OK)
		return (EXIT_BAD);
	status = run_scenarios(o, &cfg);
	if (o->xp_scenario != NULL && is_text(o->xp_scenario))
		eph_scenario_free(cfg.scenario);
	return (status);
}
