/* SPDX-License-Identifier: BSD-2-Clause */

/* What measurements note: errors, facts, steps, parts with a verdict. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/claims_impl.h"
#include "base/kassert.h"

const char *
eph_verdict_name(enum eph_verdict v)
{
	static const char *const names[] = { "holds", "does not hold",
		"holds only if", "cannot tell" };

	return (names[v]);
}

void
eph__claim_error(struct eph_claim_run *r, int error)
{
	if (r->error == 0)
		r->error = error;
}

static void
out_of_memory(struct eph_claim_run *r)
{
	if (r->error == 0)
		r->error = eph_err_set(r->err, ENOMEM, "out of memory");
}

void
eph__claim_fact(struct eph_claim_run *r, double value, const char *unit,
    const char *fmt, ...)
{
	struct eph_claim_result *res = r->res;
	struct eph_claim_fact *f;
	va_list ap;

	if (r->error != 0)
		return;
	f = realloc(res->fact, (res->nfacts + 1) * sizeof(*f));
	if (f == NULL) {
		out_of_memory(r);
		return;
	}
	res->fact = f;
	f = &res->fact[res->nfacts++];
	f->value = value;
	SAY(f->unit, "%s", unit);
	va_start(ap, fmt);
	(void)vsnprintf(f->what, sizeof(f->what), fmt, ap);
	va_end(ap);
}

void
eph__claim_step(struct eph_claim_run *r, const char *fmt, ...)
{
	struct eph_claim_result *res = r->res;
	char line[512], **step;
	va_list ap;

	if (r->error != 0)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	step = realloc(res->step, (res->nsteps + 1) * sizeof(*step));
	if (step != NULL)
		res->step = step;
	if (step == NULL || (step[res->nsteps] = strdup(line)) == NULL) {
		out_of_memory(r);
		return;
	}
	res->nsteps++;
}

struct eph_claim_part *
eph__claim_part(struct eph_claim_run *r, const char *text)
{
	struct eph_claim_part *p;

	KASSERT(r->res->nparts < EPH_CLAIM_PARTS, "parts have room");
	p = &r->res->part[r->res->nparts++];
	p->verdict = EPH_CANNOT_TELL;
	SAY(p->text, "%s", text);
	return (p);
}

void
eph__claim_say(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf, size, fmt, ap);
	va_end(ap);
}

enum eph_verdict
eph__claim_cases(bool control, unsigned yes, unsigned of)
{
	if (!control || of == 0)
		return (EPH_CANNOT_TELL);
	if (yes == 0)
		return (EPH_HOLDS_NOT);
	return (yes == of ? EPH_HOLDS : EPH_HOLDS_IF);
}

double
eph__claim_percent(double part, double whole)
{
	return (whole > 0 ? 100 * part / whole : 0);
}
