/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * `ephmap score': a policy of one's own as one line of JSON.
 *
 * Everything runs in a child, which writes its line to a pipe: a policy that
 * crashes, panics or does not end costs its score and nothing else.
 */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "command.h"
#include "input.h"
#include "setup.h"
#include "table.h"

#define COMMAND	    "ephmap score"
#define CHECK_STEPS 4000u

struct score {
	const struct opts *o;
	const struct eph_policy_ops *policy;
	unsigned runs;
	unsigned cases;
	uint64_t references, misses, ipi, invlpg, cycles, violations;
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

/* The child: everything, and its line. */
static int
score_here(const struct opts *o, int n, char **operands)
{
	/* The options of a comparison of one design. */
	struct opts run = *o;
	struct setup s = { .command = COMMAND, .lists = true, .o = &run };
	struct score sc = { .o = o };
	struct eph_err err;

	run.design = o->score_design != NULL
	    ? o->score_design
	    : opt_table[OPT_ID_score_design].def;
	run.nbufs = o->score_nbufs != NULL ? o->score_nbufs
					   : opt_table[OPT_ID_score_nbufs].def;
	run.policy_params = NULL;
	run.seed = 1;
	run.touch = EPH_TOUCH_READ;
	if (setup_plugin(&s) != OPTIONS_OK)
		return (EXIT_BAD);
	if ((sc.policy = s.plugin_policy) == NULL)
		return (options_refuse(
		    COMMAND, "%s: exports no ephmap_policy", o->plugin));
	if (check_policy(sc.policy, o->check_params, CHECK_STEPS, &sc.cases,
		&err) != 0) {
		(void)printf("{\"policy\": \"%s\", \"ok\": false, \"why\": "
			     "\"check, case %u: %.200s\"}\n",
		    sc.policy->name, sc.cases + 1, err.text);
		return (EXIT_FOUND);
	}
	if (o->check_params != NULL) {
		run.policy = sc.policy->name;
		run.policy_params = o->check_params;
	}
	for (int i = 0; i < n; i++) {
		if (run_trace(&sc, &s, operands[i]) != OPTIONS_OK)
			return (EXIT_BAD);
	}
	(void)printf("{\"policy\": \"%s\", \"ok\": %s, \"runs\": %u, "
		     "\"references\": %" PRIu64 ", \"misses\": %" PRIu64
		     ", \"ipi\": %" PRIu64 ", \"invlpg\": %" PRIu64
		     ", \"cycles\": %" PRIu64 ", \"violations\": %" PRIu64
		     ", \"checked\": %u}\n",
	    sc.policy->name, sc.violations == 0 ? "true" : "false", sc.runs,
	    sc.references, sc.misses, sc.ipi, sc.invlpg, sc.cycles,
	    sc.violations, sc.cases * CHECK_STEPS);
	return (sc.violations == 0 ? EXIT_OK : EXIT_FOUND);
}

/* SIGALRM ends the child, as any other signal would. */
static int
judge(const struct opts *o, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) <= EXIT_BAD)
		return (WEXITSTATUS(status));
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		(void)printf("{\"policy\": null, \"ok\": false, \"why\": "
			     "\"more than %" PRIu64 " seconds\"}\n",
		    o->seconds);
	else
		(void)printf("{\"policy\": null, \"ok\": false, \"why\": "
			     "\"%s %d\"}\n",
		    WIFSIGNALED(status) ? "signal" : "exit",
		    WIFSIGNALED(status) ? WTERMSIG(status)
					: WEXITSTATUS(status));
	return (EXIT_FOUND);
}

int
cmd_score(const struct opts *o, int n, char **operands)
{
	int status;
	pid_t pid;

	if (o->plugin == NULL)
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
