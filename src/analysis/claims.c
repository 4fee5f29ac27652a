/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Claims: the frame around a measurement, and the runs that measurements
 * are made of.
 *
 * Each claim is one row in a file of its group; it runs, records facts, and
 * decides its parts.  Nothing here knows what was claimed.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/claims_impl.h"
#include "base/kassert.h"
#include "workload/run.h"

/* Count what makes every verdict worthless. */
static void
note_violations(struct eph_claim_run *r, const struct eph_run_result *res)
{
	if (r->violations == 0 && res->violations > 0)
		SAY(r->violation, "%s", res->violation[0].text);
	r->violations += res->violations_total;
}

void
eph__claim_workload_swept(struct eph_claim_run *r, const char *text,
    const char *design, unsigned cpus, uint32_t nbufs,
    struct eph_run_result *out, struct eph_work_result *wout)
{
	struct eph_run_config cfg = { .design = eph_design_find(design),
		.cpus = cpus,
		.nbufs = nbufs,
		.seed = r->seed };
	struct eph_workload wl;
	int error;

	memset(out, 0, sizeof(*out));
	memset(wout, 0, sizeof(*wout));
	if (r->error != 0)
		return;
	if ((error = eph_workload_parse(text, &wl, r->err)) == 0)
		error =
		    eph_workload_run(&cfg, &wl, out, wout, NULL, NULL, r->err);
	eph__claim_error(r, error);
	note_violations(r, out);
	if ((wout->corrupt != 0 || wout->checked == 0 || wout->asleep != 0) &&
	    r->violations++ == 0)
		SAY(r->violation, "%s on %s: %s", text, design,
		    wout->asleep != 0 ? "threads sleep for ever"
				      : "data did not arrive unchanged");
}

void
eph__claim_workload(struct eph_claim_run *r, const char *text,
    const char *design, unsigned cpus, uint32_t nbufs,
    struct eph_run_result *out, struct eph_work_result *wout)
{
	eph__claim_workload_swept(r, text, design, cpus, nbufs, out, wout);
	eph__claim_step(r,
	    "ephmap run --design %s --cpus %u --nbufs %" PRIu32
	    " --seed %" PRIu64 " --workload %s",
	    design, cpus, nbufs, r->seed, text);
}

uint64_t
eph__claim_work_fact(struct eph_claim_run *r,
    const struct eph_work_result *work, const char *name)
{
	for (unsigned i = 0; i < work->nfacts; i++) {
		if (strcmp(work->fact[i].name, name) == 0)
			return (work->fact[i].value);
	}
	if (r->error == 0)
		r->error = eph_err_set(
		    r->err, ENOENT, "the workload reports no \"%s\"", name);
	return (0);
}

uint32_t
eph__claim_scaled(const struct eph_claim_run *r, uint32_t size, uint32_t least)
{
	const uint32_t n = r->cfg->scale > 1 ? size / r->cfg->scale : size;

	return (n > least ? n : least);
}

uint64_t
eph__claim_invalidations(const struct eph_counters *c)
{
	return (c->invlpg_local + c->invlpg_remote + c->flush_local +
	    c->flush_remote + c->ipi_sent);
}

bool
eph__claim_replay_ops(struct eph_claim_run *r, struct claim_stream *s,
    const struct eph_design_ops *design, unsigned cpus, uint32_t nbufs,
    struct eph_run_result *out)
{
	const struct eph_run_config cfg = { .design = design,
		.cpus = cpus > s->cpus ? cpus : s->cpus,
		.nbufs = nbufs,
		.seed = r->seed,
		.touch = EPH_TOUCH_READ };
	struct eph_op_source src;
	struct eph_err err = { "" };
	int error;

	memset(out, 0, sizeof(*out));
	if (r->error != 0)
		return (false);
	src = eph__claim_stream_source(s);
	error = eph_replay_run(&cfg, &src, out, &err);
	if (error == ENOTSUP) {
		memset(out, 0, sizeof(*out));
		return (false);
	}
	if (error != 0) {
		eph__claim_error(r, eph_err_set(r->err, error, "%s", err.text));
		return (false);
	}
	note_violations(r, out);
	return (true);
}

bool
eph__claim_replay(struct eph_claim_run *r, struct claim_stream *s,
    const char *design, unsigned cpus, uint32_t nbufs,
    struct eph_run_result *out)
{
	return (eph__claim_replay_ops(
	    r, s, eph_design_find(design), cpus, nbufs, out));
}

/* Append "sep text", as far as there is room. */
static void
join(char *to, size_t size, const char *sep, const char *text)
{
	const size_t n = strlen(to);

	(void)snprintf(to + n, size - n, "%s%s", n > 0 ? sep : "", text);
}

/* A run that broke a rule of the machine proves nothing. */
static void
refuse_violations(struct eph_claim_run *r)
{
	for (unsigned i = 0; r->violations > 0 && i < r->res->nparts; i++) {
		r->res->part[i].verdict = EPH_CANNOT_TELL;
		SAY(r->res->part[i].why, "a run broke a rule: %.200s",
		    r->violation);
	}
}

static void
conclude_condition(struct eph_claim_result *res)
{
	char text[512];

	for (unsigned i = 0; i < res->nparts; i++) {
		const struct eph_claim_part *p = &res->part[i];

		text[0] = '\0';
		if (p->verdict == EPH_HOLDS_NOT)
			SAY(text, "not: %s", p->text);
		else if (p->verdict == EPH_HOLDS_IF)
			SAY(text, "%s%s%s", res->nparts > 1 ? p->text : "",
			    res->nparts > 1 ? ": if " : "", p->condition);
		if (text[0] != '\0')
			join(
			    res->condition, sizeof(res->condition), "; ", text);
	}
}

/* The verdict of the whole, from its parts. */
static void
conclude(struct eph_claim_result *res)
{
	unsigned of[4] = { 0 };

	for (unsigned i = 0; i < res->nparts; i++) {
		of[res->part[i].verdict]++;
		join(res->measured, sizeof(res->measured), "; ",
		    res->part[i].measured);
	}
	if (res->nparts == 0 || of[EPH_CANNOT_TELL] > 0)
		res->verdict = EPH_CANNOT_TELL;
	else if (of[EPH_HOLDS] == res->nparts)
		res->verdict = EPH_HOLDS;
	else if (of[EPH_HOLDS_NOT] == res->nparts)
		res->verdict = EPH_HOLDS_NOT;
	else
		res->verdict = EPH_HOLDS_IF;
	if (res->verdict == EPH_HOLDS_IF)
		conclude_condition(res);
}

int
eph_claim_measure(const struct eph_claim *claim,
    const struct eph_claim_config *cfg, struct eph_claim_result *res,
    struct eph_err *err)
{
	struct eph_claim_run r = { .cfg = cfg,
		.res = res,
		.err = err,
		.seed = cfg->seed != 0 ? cfg->seed : 1 };
	const double start = eph__run_seconds();

	memset(res, 0, sizeof(*res));
	claim->measure(&r);
	if (r.error != 0) {
		eph_claim_free(res);
		return (r.error);
	}
	refuse_violations(&r);
	conclude(res);
	res->seconds = eph__run_seconds() - start;
	return (0);
}

void
eph_claim_free(struct eph_claim_result *res)
{
	for (size_t i = 0; i < res->nsteps; i++)
		free(res->step[i]);
	free(res->step);
	free(res->fact);
	res->step = NULL;
	res->fact = NULL;
	res->nsteps = res->nfacts = 0;
}
