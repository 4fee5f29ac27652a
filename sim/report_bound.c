/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What OPT is for misses, for interrupts: a bound under the table, where
 * opt is among the policies.
 */

#include <string.h>

#include "table.h"
#include "report.h"
#include "setup.h"
#include "text.h"

#include "ephmap/mrc.h"
#include "ephmap/sdk/policy.h"

#define BOUNDS_MAX 8u /* sizes and numbers of CPUs that are told */

/* Designs that interrupt all others for a buffer whose page was touched. */
static const char *const interrupting[] = { "sf_buf.lru", "sf_buf.cpumask",
	"sf_buf.accessed" };

static bool
bound_applies(const struct point *p)
{
	if (p->status != 0 || p->cfg.policy == NULL || p->cfg.threads ||
	    !p->cfg.policy->offline || p->cfg.shootdown != NULL ||
	    p->cfg.cpus < 2)
		return (false);
	for (size_t i = 0; i < sizeof(interrupting) / sizeof(*interrupting);
	     i++) {
		if (strcmp(p->cfg.design->name, interrupting[i]) == 0)
			return (true);
	}
	return (false);
}

/* A mapping for one CPU interrupts no other when it is made. */
static bool
bound_all_shared(const struct setup *s, const struct eph_mrc_ops *ops)
{
	if ((s->sfb_flags & SFB_CPUPRIVATE) != 0)
		return (false);
	for (size_t i = 0; i < ops->n; i++) {
		if (ops->ops[i].kind == EPH_OP_MAP &&
		    (ops->ops[i].flags & EPH_OPF_PRIVATE) != 0)
			return (false);
	}
	return (true);
}

static bool
bound_told(const struct point *p, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (bound_applies(&p[k]) && p[k].cfg.cpus == p[i].cfg.cpus &&
		    p[k].cfg.nbufs == p[i].cfg.nbufs)
			return (true);
	}
	return (false);
}

static void
bound_print(FILE *f, const struct eph_trace_meta *meta, const struct point *p,
    uint64_t reuses)
{
	/* A buffer's first page is paid for like one that was touched. */
	const uint64_t first = meta->unique_pages < p->cfg.nbufs
	    ? meta->unique_pages
	    : p->cfg.nbufs;
	const double maps = (double)p->res->references;
	const double ipis = (double)(first + reuses) * (p->cfg.cpus - 1);
	char number[NUMBER_MAX], nbufs[NUMBER_MAX];

	(void)fprintf(f, "  %s buffers, %u CPUs: IPI %s\n",
	    number_u64(nbufs, p->cfg.nbufs), p->cfg.cpus,
	    number_real(number, maps > 0 ? 1000 * ipis / maps : 0, 1));
}

void
report_bound(const struct setup *s, const struct eph_trace_meta *meta,
    const struct eph_oplist *list, const struct point *p, size_t n)
{
	const struct eph_mrc_ops ops = { .ops = eph_oplist_ops(list),
		.n = eph_oplist_count(list) };
	struct text text;
	unsigned told = 0;
	FILE *f;

	/* It is of the whole trace. */
	if (s->warmup > 0 || s->o->format != FORMAT_TABLE ||
	    !bound_all_shared(s, &ops))
		return;
	f = text_begin(&text);
	for (size_t i = 0; i < n && told < BOUNDS_MAX; i++) {
		struct eph_err err;
		uint64_t reuses;

		if (!bound_applies(&p[i]) || bound_told(p, i) ||
		    eph_mrc_reuse_bound(&ops, p[i].cfg.nbufs,
			p[i].cfg.touch != EPH_TOUCH_NONE, &reuses, &err) != 0)
			continue;
		if (told++ == 0)
			(void)fputs("\nWhere reusing a buffer whose page was "
				    "touched interrupts all other CPUs "
				    "(sf_buf.lru, .cpumask, .accessed), no "
				    "choice of victims, though it knew the "
				    "future, comes below:\n",
			    f);
		bound_print(f, meta, &p[i], reuses);
	}
	text_end(&text, stdout);
}
