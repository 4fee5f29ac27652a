/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * `ephmap score': a policy of one's own as one line of JSON.
 *
 * Everything runs in a child, which writes its line to a pipe: a policy that
 * crashes, panics or does not end costs its score and nothing else.
 */

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "axis.h"
#include "check.h"
#include "command.h"
#include "input.h"
#include "setup.h"
#include "table.h"

#include "ephmap/explore.h"
#include "ephmap/sdk/scenario.h"

#define COMMAND	    "ephmap score"
#define CHECK_STEPS 4000u
#define WHY_MAX	    640

struct score {
	const struct opts *o;
	const struct eph_policy_ops *policy;
	unsigned runs;
	unsigned cases;
	uint64_t references, misses, ipi, invlpg, cycles, violations;
	uint64_t explored; /* schedules */
};

static void
add_run(struct score *sc, const struct eph_run_result *r)
{
	const struct eph_counters *c = &r->counters;

	sc->runs++;
	sc->references += c->map_calls;
	sc->misses += c->miss;
	sc->ipi += c->ipi_sent;
	sc->invlpg += c->invlpg_local + c->invlpg_remote;
	sc->cycles += c->cycles;
	sc->violations += r->violations_total;
}

static int
run_points(struct score *sc, struct setup *s, struct eph_trace *trace)
{
	struct eph_oplist_cursor cursor;
	struct eph_op_source source;
	struct eph_oplist *ops;
	struct point *points;
	struct eph_err err;
	size_t n;
	int status = OPTIONS_OK;

	if (setup_points(s, eph_trace_meta(trace), &points, &n) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (eph_oplist_read(trace, &ops, &err) != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	if (sc->policy->offline && eph_oplist_foresee(ops) != 0)
		return (options_refuse(COMMAND, "out of memory"));
	for (size_t i = 0; i < n && status == OPTIONS_OK; i++) {
		struct point *p = &points[i];

		source = eph_oplist_source(ops, &cursor);
		p->res = must_alloc(NULL, 1, sizeof(*p->res));
		if (eph_replay_run(&p->cfg, &source, p->res, &p->err) != 0)
			status = options_refuse(COMMAND, "%s", p->err.text);
		else
			add_run(sc, p->res);
	}
	setup_free(points, n);
	eph_oplist_free(ops);
	return (status);
}

static int
run_trace(struct score *sc, struct setup *s, const char *path)
{
	struct eph_trace *trace;
	int status;

	if (input_open(COMMAND, path, &trace) != OPTIONS_OK)
		return (OPTIONS_BAD);
	s->trace = path;
	status = run_points(sc, s, trace);
	eph_trace_close(trace);
	return (status);
}

/* The line: in the order in which it was filled, and ended. */
static void
print_line(json_t *j)
{
	(void)json_dumpf(j, stdout, JSON_PRESERVE_ORDER);
	(void)putchar('\n');
	json_decref(j);
}

/* A policy without a score. */
static int
say_why(const struct eph_policy_ops *policy, const char *why)
{
	json_t *j = json_object();

	json_object_set_new(j, "policy",
	    policy != NULL ? json_string(policy->name) : json_null());
	json_object_set_new(j, "ok", json_false());
	json_object_set_new(j, "why", json_string(why));
	print_line(j);
	return (EXIT_FOUND);
}

static void
say_score(const struct score *sc)
{
	json_t *j = json_object();

#define SET(name, value)                                                       \
	json_object_set_new(j, name, json_integer((json_int_t)(value)))
	json_object_set_new(j, "policy", json_string(sc->policy->name));
	json_object_set_new(j, "ok", json_boolean(sc->violations == 0));
	SET("runs", sc->runs);
	SET("references", sc->references);
	SET("misses", sc->misses);
	SET("ipi", sc->ipi);
	SET("invlpg", sc->invlpg);
	SET("cycles", sc->cycles);
	SET("violations", sc->violations);
	SET("checked", sc->cases * CHECK_STEPS);
	SET("explored", sc->explored);
#undef SET
	print_line(j);
}

/*
 * The design with this policy in each scenario that it can be in.  What the
 * design itself is known to get wrong is repaired: no policy is judged for
 * it.  Returns EXIT_OK, or EXIT_FOUND with `why', or EXIT_BAD.
 */
static int
explore_policy(struct score *sc, const struct eph_design_ops *design,
    char why[static WHY_MAX])
{
	struct eph_explore_config cfg = { .design = design,
		.policy = sc->policy,
		.policy_params = sc->o->check_params,
		.budget = sc->o->score_explore,
		.seed = 1,
		.repaired = true };
	struct eph_explore_result r;
	struct eph_err err;
	bool fails = false;

	for (size_t i = 0; cfg.budget > 0 && eph_scenarios[i] != NULL && !fails;
	     i++) {
		cfg.scenario = eph_scenarios[i];
		if (!eph_scenario_applies(cfg.scenario, design))
			continue;
		if (eph_explore(&cfg, &r, &err) != 0)
			return (options_refuse(COMMAND, "scenario %s: %s",
			    cfg.scenario->name, err.text));
		sc->explored += r.schedules;
		fails = r.failure != EPH_FAIL_NONE;
		if (fails)
			(void)snprintf(why, WHY_MAX, "scenario %s: %s: %s",
			    cfg.scenario->name, eph_failure_name(r.failure),
			    r.what);
		eph_explore_free(&r);
	}
	return (fails ? EXIT_FOUND : EXIT_OK);
}

/* The child: everything, and its line. */
static int
score_here(const struct opts *o, int n, char **operands)
{
	/* The options of a comparison of one design. */
	struct opts run = *o;
	struct setup s = { .command = COMMAND, .lists = true, .o = &run };
	struct score sc = { .o = o };
	char why[WHY_MAX];
	struct eph_err err;
	int row, status;

	run.design = o->score_design != NULL
	    ? o->score_design
	    : opt_table[OPT_ID_score_design].def;
	run.nbufs = o->score_nbufs != NULL ? o->score_nbufs
					   : opt_table[OPT_ID_score_nbufs].def;
	run.policy_params = NULL;
	run.seed = 1;
	run.touch = EPH_TOUCH_READ;
	if (plugins_load(COMMAND, &o->plugin, &s.plugins) != OPTIONS_OK)
		return (EXIT_BAD);
	if (s.plugins.npolicies != 1)
		return (options_refuse(COMMAND,
		    "%s: expected one file that exports ephmap_policy",
		    o->plugin.word[0]));
	sc.policy = s.plugins.policy[0];
	if ((row = axis_find(AXIS_DESIGN, run.design, COMMAND)) < 0)
		return (EXIT_BAD);
	if (check_policy(sc.policy, o->check_params, CHECK_STEPS, &sc.cases,
		&err) != 0) {
		(void)snprintf(why, sizeof(why), "check, case %u: %s",
		    sc.cases + 1, err.text);
		return (say_why(sc.policy, why));
	}
	if (o->check_params != NULL) {
		run.policy = sc.policy->name;
		run.policy_params = o->check_params;
	}
	for (int i = 0; i < n; i++) {
		if (run_trace(&sc, &s, operands[i]) != OPTIONS_OK)
			return (EXIT_BAD);
	}
	if ((status = explore_policy(&sc, eph_designs[row], why)) != EXIT_OK)
		return (status == EXIT_BAD ? status : say_why(sc.policy, why));
	say_score(&sc);
	return (sc.violations == 0 ? EXIT_OK : EXIT_FOUND);
}

/* SIGALRM ends the child, as any other signal would. */
static int
judge(const struct opts *o, int status)
{
	char why[WHY_MAX];

	if (WIFEXITED(status) && WEXITSTATUS(status) <= EXIT_BAD)
		return (WEXITSTATUS(status));
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		(void)snprintf(why, sizeof(why),
		    "more than %" PRIu64 " seconds", o->seconds);
	else
		(void)snprintf(why, sizeof(why), "%s %d",
		    WIFSIGNALED(status) ? "signal" : "exit",
		    WIFSIGNALED(status) ? WTERMSIG(status)
					: WEXITSTATUS(status));
	return (say_why(NULL, why));
}

int
cmd_score(const struct opts *o, int n, char **operands)
{
	int status;
	pid_t pid;

	if (o->plugin.n == 0)
		return (options_refuse(COMMAND, "expected --plugin FILE.so"));
	for (int i = 0; i < n; i++) {
		if (input_settle(COMMAND, operands[i]) != OPTIONS_OK)
			return (EXIT_BAD);
	}
	if ((pid = fork()) < 0)
		return (options_refuse(COMMAND, "%s", strerror(errno)));
	if (pid == 0) {
		(void)alarm((unsigned)o->seconds);
		status = score_here(o, n, operands);
		_exit(fflush(stdout) == 0 ? status : EXIT_BAD);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return (options_refuse(COMMAND, "%s", strerror(errno)));
	}
	return (judge(o, status));
}
