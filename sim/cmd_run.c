/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * `ephmap run': one trace through one design.
 *
 * --sysctl NAME=VALUE is set when the design has been made, NAME is read
 * when the trace has been played.  kern.ipc.nsfbufs and kern.ipc.msfbufs
 * were tunables of the boot loader: set, they are --nbufs.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "axis.h"
#include "command.h"
#include "input.h"
#include "options.h"
#include "interval.h"
#include "log_json.h"
#include "progress.h"
#include "plot.h"
#include "report.h"
#include "setup.h"
#include "table.h"
#include "text.h"
#include "timeline.h"

#include "ephmap/sdk/machine.h"

struct sysctl {
	const struct eph_sysctl *ctl;
	bool set;
	uint64_t value; /* to set; when the run has ended, as read */
};

struct run {
	struct setup setup;
	struct sysctl sysctl[OPT_WORDS_MAX];
	unsigned nsysctls;
	struct timeline *timeline; /* NULL: none */
	bool json;		   /* --log-format json */
	struct log_json log_json;
	struct intervals intervals; /* of --interval */
	struct eph_oplist *ops;	    /* NULL: read as it is played */
	struct eph_oplist_cursor cursor;
};

static const char *const loader_tunables[] = { "kern.ipc.nsfbufs",
	"kern.ipc.msfbufs" };

static const struct eph_sysctl *
find_sysctl(const struct eph_design_ops *d, const char *name, size_t n)
{
	const struct eph_sysctl *c = eph_design_sysctls(d);

	for (; c->name != NULL; c++) {
		if (strlen(c->name) == n && strncmp(c->name, name, n) == 0)
			return (c);
	}
	return (NULL);
}

static int
refuse_sysctl(
    const struct run *r, const struct eph_design_ops *d, const char *word)
{
	const struct eph_sysctl *c = eph_design_sysctls(d);
	const char *names[64];
	char name[64], where[128];
	size_t n = 0;

	for (; n < 64 && c[n].name != NULL; n++)
		names[n] = c[n].name;
	(void)snprintf(
	    name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	(void)snprintf(where, sizeof(where),
	    "`ephmap list designs --format json' shows those of %s", d->name);
	return (
	    refuse_unknown(r->setup.command, "sysctl", name, names, n, where));
}

static bool
is_loader_tunable(const struct eph_sysctl *c)
{
	for (size_t i = 0; i < 2; i++) {
		if (strcmp(c->name, loader_tunables[i]) == 0)
			return (true);
	}
	return (false);
}

/* NAME or NAME=VALUE. */
static int
take_sysctl(struct run *r, struct point *p, const char *word)
{
	const struct eph_design_ops *d = p->cfg.design;
	const size_t n = strcspn(word, "=");
	struct sysctl *c = &r->sysctl[r->nsysctls];

	if ((c->ctl = find_sysctl(d, word, n)) == NULL)
		return (refuse_sysctl(r, d, word));
	for (unsigned i = 0; i < r->nsysctls; i++) {
		if (r->sysctl[i].ctl == c->ctl)
			return (options_refuse(r->setup.command,
			    "--sysctl: %s is given twice", c->ctl->name));
	}
	r->nsysctls++;
	if (word[n] == '\0')
		return (OPTIONS_OK);
	c->set = true;
	if (parse_u64(word + n + 1, INT64_MAX, &c->value) != 0)
		return (options_refuse(r->setup.command,
		    "--sysctl: %s: expected a number from 0 to %" PRId64
		    ", got \"%s\"",
		    c->ctl->name, INT64_MAX, word + n + 1));
	if (!is_loader_tunable(c->ctl))
		return (OPTIONS_OK);
	if (r->setup.o->nbufs != NULL)
		return (options_refuse(r->setup.command,
		    "--sysctl %s and --nbufs are the same number",
		    c->ctl->name));
	if (c->value < 1 || c->value > UINT32_MAX)
		return (options_refuse(r->setup.command,
		    "--sysctl: %s: expected a number from 1 to %u",
		    c->ctl->name, UINT32_MAX));
	p->cfg.nbufs = (uint32_t)c->value;
	c->set = false;
	return (OPTIONS_OK);
}

static int
set_sysctls(void *arg, struct eph_machine *mc, void *state, struct eph_err *err)
{
	struct run *r = arg;

	(void)mc;
	for (unsigned i = 0; i < r->nsysctls; i++) {
		struct sysctl *c = &r->sysctl[i];
		int error;

		if (!c->set)
			continue;
		error = c->ctl->set(state, c->value);
		if (error == EPERM)
			return (eph_err_set(
			    err, EINVAL, "%s is read only", c->ctl->name));
		if (error != 0)
			return (eph_err_set(err, EINVAL,
			    "%s cannot be set to %" PRIu64, c->ctl->name,
			    c->value));
	}
	return (0);
}

/* Sysctls are set before anybody watches. */
static int
start_run(void *arg, struct eph_machine *mc, void *state, struct eph_err *err)
{
	struct run *r = arg;
	const int error = set_sysctls(arg, mc, state, err);

	if (error == 0 && r->timeline != NULL)
		eph_machine_set_observer(mc, timeline_event, r->timeline);
	if (error == 0 && r->json)
		log_json_start(&r->log_json, mc, stdout);
	return (error);
}

static void
get_sysctls(void *arg, struct eph_machine *mc, void *state)
{
	struct run *r = arg;

	(void)mc;
	for (unsigned i = 0; i < r->nsysctls; i++)
		r->sysctl[i].value = r->sysctl[i].ctl->get(state);
}

static json_t *
sysctls_json(const struct run *r)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < r->nsysctls; i++) {
		const struct sysctl *c = &r->sysctl[i];
		json_t *o = json_object();

		json_object_set_new(
		    o, "value", json_integer((json_int_t)c->value));
		json_object_set_new(
		    o, "description", json_string(c->ctl->desc));
		json_object_set_new(o, "truth",
		    c->ctl->truth != NULL ? json_string(c->ctl->truth)
					  : json_null());
		json_object_set_new(all, c->ctl->name, o);
	}
	return (all);
}

static void
print_sysctls(const struct run *r)
{
	char number[NUMBER_MAX];

	for (unsigned i = 0; i < r->nsysctls; i++) {
		const struct sysctl *c = &r->sysctl[i];

		text_printf(stdout, "%s%s: %s  (%s)\n", i == 0 ? "\n" : "",
		    c->ctl->name, number_u64(number, c->value), c->ctl->desc);
		if (c->ctl->truth != NULL)
			text_printf(stdout, "    but: %s\n", c->ctl->truth);
	}
}

static json_t *
result_json(const struct run *r, const struct point *p)
{
	json_t *root = report_json(&r->setup, p);

	if (r->nsysctls > 0)
		json_object_set_new(root, "sysctl", sysctls_json(r));
	if (r->setup.o->interval > 0)
		json_object_set_new(
		    root, "intervals", interval_json(&r->intervals));
	return (root);
}

static void
print_result(struct run *r, const struct eph_trace_meta *meta, struct point *p)
{
	if (p->res->violations > r->setup.o->violations)
		p->res->violations = (unsigned)r->setup.o->violations;
	if (r->json) {
		log_json_result(&r->log_json, result_json(r, p));
		return;
	}
	switch (r->setup.o->format) {
	case FORMAT_JSON:
		json_print(result_json(r, p), stdout);
		break;
	case FORMAT_CSV:
		if (r->setup.o->interval > 0)
			interval_csv(&r->intervals, stdout);
		else
			report_print_csv(&r->setup, p, 1, stdout);
		break;
	default:
		report_print_run(&r->setup, meta, p, stdout);
		print_sysctls(r);
		if (r->setup.o->interval > 0)
			interval_table(&r->intervals, stdout);
		break;
	}
}

static int
plot_intervals(const struct run *r, const struct point *p, bool file)
{
	const char *to = r->setup.o->plot;
	char title[512];
	struct eph_err err;

	if (!plot_turn(to, file))
		return (OPTIONS_OK);
	(void)snprintf(title, sizeof(title), "%s: %s", r->setup.trace,
	    p->cfg.design->name);
	if (interval_plot(&r->intervals, title, to, &err) != 0)
		return (options_refuse(r->setup.command, "%s", err.text));
	return (OPTIONS_OK);
}

static bool
has_log(const struct setup *s)
{
	return (s->o->log || opt_given(s->o, log_format));
}

/* How fast the host was; for people only. */
static void
print_speed(const struct eph_run_result *res)
{
	char refs[NUMBER_MAX];

	if (!isatty(STDERR_FILENO) || res->host_seconds <= 0)
		return;
	text_note("%s references in %.3f s of this host: %.1f million a second",
	    number_u64(refs, res->references), res->host_seconds,
	    (double)res->references / res->host_seconds / 1e6);
}

/*
 * Where the run takes its operations from: the trace as it is read, or, for
 * a policy that must know the future, the whole of it in memory.
 */
static int
run_source(struct run *r, struct eph_trace *trace, const struct point *p,
    struct eph_op_source *source)
{
	struct eph_err err;

	*source = eph_trace_source(trace);
	if (p->cfg.policy == NULL || !p->cfg.policy->offline)
		return (OPTIONS_OK);
	if (eph_oplist_read(trace, &r->ops, &err) != 0)
		return (options_refuse(r->setup.command, "%s", err.text));
	if (eph_oplist_foresee(r->ops) != 0)
		return (options_refuse(
		    r->setup.command, "out of memory for the trace"));
	*source = eph_oplist_source(r->ops, &r->cursor);
	return (OPTIONS_OK);
}

static void
show_progress(void *arg, uint64_t done)
{
	progress_step(arg, done);
}

/* The log is the better progress bar. */
static void
replay_point(struct run *r, const struct eph_trace_meta *meta, struct point *p,
    struct eph_op_source *source)
{
	struct progress bar;

	if (!has_log(&r->setup)) {
		progress_start(&bar, "run", meta->ops);
		p->cfg.progress = show_progress;
		p->cfg.progress_arg = &bar;
	}
	p->res = must_alloc(NULL, 1, sizeof(*p->res));
	p->status = eph_replay_run(&p->cfg, source, p->res, &p->err);
	if (!has_log(&r->setup))
		progress_end(&bar);
}

static int
open_timeline(struct run *r, struct point *p)
{
	const char *input =
	    r->setup.workload != NULL ? r->setup.workload : r->setup.trace;
	char name[256];
	struct eph_err err;

	if (input_spare(r->setup.command, r->setup.trace,
		r->setup.o->timeline) != OPTIONS_OK)
		return (OPTIONS_BAD);
	(void)snprintf(name, sizeof(name), "%s, %s, %u CPUs",
	    p->cfg.design->name, input, p->cfg.cpus);
	if (timeline_open(r->setup.o->timeline, name, p->cfg.cpus,
		r->setup.o->time ? eph_machine_model_find(p->cfg.machine)->mhz
				 : 0,
		&r->timeline, &err) != 0)
		return (options_refuse(r->setup.command, "%s", err.text));
	p->cfg.watch = timeline_moment;
	p->cfg.watch_arg = r->timeline;
	return (OPTIONS_OK);
}

/* A run that failed has its own message. */
static int
close_timeline(struct run *r, const struct point *p)
{
	struct eph_err err;

	if (p->status == 0)
		timeline_warn(r->timeline, r->setup.command);
	if (timeline_close(r->timeline, p->status == 0, &err) != 0)
		return (options_refuse(r->setup.command, "%s", err.text));
	return (OPTIONS_OK);
}

/* What came of it. */
static int
tell(struct run *r, const struct eph_trace_meta *meta, struct point *p)
{
	if (plot_intervals(r, p, true) != OPTIONS_OK)
		return (EXIT_BAD);
	print_result(r, meta, p);
	if (r->ops != NULL)
		report_bound(&r->setup, meta, r->ops, p, 1);
	report_warn(&r->setup, p, 1);
	print_speed(p->res);
	if (plot_intervals(r, p, false) != OPTIONS_OK)
		return (EXIT_BAD);
	return (point_found(p) ? EXIT_FOUND : EXIT_OK);
}

/* There is one point, and an open trace or (NULL) a workload. */
static int
run_point(struct run *r, struct eph_trace *trace,
    const struct eph_trace_meta *meta, struct point *p)
{
	struct eph_op_source source;
	FILE *log = NULL;

	if (interval_check(&r->setup, meta->references) != OPTIONS_OK)
		return (EXIT_BAD);
	if (trace != NULL && run_source(r, trace, p, &source) != OPTIONS_OK)
		return (EXIT_BAD);

	for (unsigned i = 0; i < r->setup.o->sysctl.n; i++) {
		if (take_sysctl(r, p, r->setup.o->sysctl.word[i]) != OPTIONS_OK)
			return (EXIT_BAD);
	}
	p->cfg.at_start = start_run;
	p->cfg.at_end = get_sysctls;
	p->cfg.hook_arg = r;
	if (r->setup.o->interval > 0) {
		p->cfg.interval = r->setup.o->interval;
		p->cfg.sample = interval_take;
		p->cfg.sample_arg = &r->intervals;
	}
	if (r->json) {
		p->cfg.watch = log_json_moment;
		p->cfg.watch_arg = &r->log_json;
	} else if (has_log(&r->setup)) {
		p->cfg.log = log = text_stream(
		    r->setup.o->format == FORMAT_TABLE ? stdout : stderr);
	}
	if (r->setup.o->timeline != NULL && open_timeline(r, p) != OPTIONS_OK)
		return (EXIT_BAD);
	if (trace == NULL)
		setup_run_workload(&r->setup, p);
	else
		replay_point(r, meta, p, &source);
	if (r->timeline != NULL && close_timeline(r, p) != OPTIONS_OK)
		return (EXIT_BAD);
	if (log != NULL)
		(void)fclose(log);
	if (p->status != 0)
		return (options_refuse(r->setup.command, "%s", p->err.text));
	if (log != NULL && r->setup.o->format == FORMAT_TABLE)
		(void)putchar('\n');
	return (tell(r, meta, p));
}

static int
run_workload(struct run *r)
{
	struct eph_trace_meta meta;
	struct point *points;
	size_t n;
	int status;

	if (has_log(&r->setup))
		return (options_refuse(r->setup.command,
		    "--log tells the lines of a trace; a workload has none"));
	if (setup_workload_meta(&r->setup, &meta) != OPTIONS_OK ||
	    setup_points(&r->setup, &meta, &points, &n) != OPTIONS_OK)
		return (EXIT_BAD);
	status = run_point(r, NULL, &meta, &points[0]);
	setup_free(points, n);
	return (status);
}

static int
run_trace(struct run *r)
{
	struct eph_trace *trace;
	struct point *points;
	size_t n;
	int status = EXIT_BAD;

	if (setup_open(&r->setup, &trace) != OPTIONS_OK)
		return (EXIT_BAD);
	if (setup_points(&r->setup, eph_trace_meta(trace), &points, &n) ==
	    OPTIONS_OK) {
		status = run_point(r, trace, eph_trace_meta(trace), &points[0]);
		setup_free(points, n);
		eph_oplist_free(r->ops);
	}
	eph_trace_close(trace);
	return (status);
}

static int
check_log(const struct setup *s)
{
	const struct opts *o = s->o;

	if (strcmp(opt_choice(log_format, o->log_format), "json") != 0)
		return (OPTIONS_OK);
	if (opt_given(o, format) && o->format != FORMAT_JSON)
		return (options_refuse(s->command,
		    "--log-format json: the last line is the result; no other "
		    "--format than json"));
	if (strcmp(opt_choice(executor, o->executor), "lockstep") != 0)
		return (options_refuse(
		    s->command, "--log-format needs the executor lockstep"));
	return (OPTIONS_OK);
}

static int
check_timeline(const struct setup *s)
{
	const struct opts *o = s->o;

	if (o->timeline == NULL)
		return (OPTIONS_OK);
	if (has_log(s))
		return (options_refuse("ephmap run",
		    "--timeline and --log watch the same machine; give one"));
	if (o->workload != NULL)
		return (options_refuse("ephmap run",
		    "--timeline draws the lines of a trace; a workload has "
		    "none"));
	if (strcmp(opt_choice(executor, o->executor), "lockstep") != 0)
		return (options_refuse(
		    "ephmap run", "--timeline needs the executor lockstep"));
	return (OPTIONS_OK);
}

int
cmd_run(const struct opts *o, int n, char **operands)
{
	struct run r = { .setup = { .command = "ephmap run", .o = o } };
	int status;

	if (setup_policy_help(&r.setup))
		return (EXIT_OK);
	if (setup_trace(&r.setup, n, operands) != OPTIONS_OK ||
	    check_log(&r.setup) != OPTIONS_OK ||
	    check_timeline(&r.setup) != OPTIONS_OK)
		return (EXIT_BAD);
	if (setup_plot(&r.setup) != OPTIONS_OK)
		return (EXIT_BAD);
	r.json = strcmp(opt_choice(log_format, o->log_format), "json") == 0;
	status = o->workload != NULL ? run_workload(&r) : run_trace(&r);
	interval_free(&r.intervals);
	return (status);
}
