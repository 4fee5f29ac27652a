/* SPDX-License-Identifier: BSD-2-Clause */

/* What exit status 0 does not say. */

#include <stdio.h>

#include "report.h"
#include "table.h"
#include "text.h"

/* The most of something that any run of one design had. */
static uint64_t
most_of(uint64_t (*count)(const struct eph_run_result *r),
    const struct point *p, size_t n, const struct eph_design_ops *design)
{
	uint64_t most = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i].cfg.design == design && p[i].status == 0 &&
		    count(p[i].res) > most)
			most = count(p[i].res);
	}
	return (most);
}

static uint64_t
warn_nowait(const struct eph_run_result *r)
{
	return (r->nowait_ignored);
}

static uint64_t
warn_held(const struct eph_run_result *r)
{
	return (r->held_at_end);
}

static uint64_t
warn_asleep(const struct eph_run_result *r)
{
	return (r->asleep);
}

static uint64_t
warn_holding(const struct eph_run_result *r)
{
	return (r->slept_holding);
}

static uint64_t
warn_wires(const struct eph_run_result *r)
{
	return (r->wires_leaked);
}

static const struct warning {
	uint64_t (*count)(const struct eph_run_result *r);
	const char *text;
	bool which;    /* name the designs */
	bool how_many; /* print the numbers */
	bool at_end;   /* because the trace ended */
} warnings[] = {
	{ warn_nowait,
	    "nowait is ignored, and maps sleep as shipped, where the design "
	    "has no such flag",
	    true, false, false },
	{ warn_held, "handles still mapped when the trace ends", false, true,
	    true },
	{ warn_asleep, "maps still asleep when the trace ends", true, true,
	    true },
	{ warn_holding,
	    "maps slept until their own thread unmapped another page, which "
	    "no thread that sleeps can do: a kernel stands still here",
	    true, true, false },
	{ warn_wires, "wirings of pages leaked, as shipped", true, true,
	    false },
};

/* One line, which names each design at most once. */
static void
warn_about(const struct setup *s, const struct warning *w,
    const struct point *p, size_t n)
{
	char number[NUMBER_MAX];
	const char *sep = ":";
	struct text t;
	FILE *f = text_begin(&t);

	for (size_t i = 0; i < n; i++) {
		const struct eph_design_ops *d = p[i].cfg.design;
		const uint64_t most = most_of(w->count, p, n, d);

		if (most == 0 || (i > 0 && p[i - 1].cfg.design == d))
			continue;
		if (*sep == ':')
			(void)fprintf(
			    f, "%s: warning: %s", s->command, w->text);
		(void)fputs(sep, f);
		if (w->which)
			(void)fprintf(f, " %s", d->name);
		if (w->how_many)
			(void)fprintf(f, " %s", number_u64(number, most));
		sep = ",";
		if (!w->which)
			break;
	}
	text_end_note(&t);
}

void
report_warn(const struct setup *s, const struct point *p, size_t n)
{
	/* A workload's own result says these. */
	const bool ended = s->workload == NULL || s->wl.trace[0] != '\0';

	for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++)
		if (ended || !warnings[i].at_end)
			warn_about(s, &warnings[i], p, n);
}
