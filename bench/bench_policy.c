/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Policy replay: references a second, without holding, from memory.
 *
 *	bench_policy [--smoke] [--refs N] [--runs N] [--all] [--scaling]
 *
 * The baseline of the same run is a textbook LRU: a chained hash table and
 * a doubly linked list of pointers, one block a page, no trace of dense
 * ids.  --all adds the policies without a bar, --scaling goes from 10^4 to
 * 10^8 references and from 10^3 to 10^7 pages.
 */

#include <string.h>

#include "bench_refs.h"
#include "ephmap/sdk/policy.h"

/* Textbook LRU. */
struct entry {
	struct entry *chain, *prev, *next;
	uint64_t page;
};

struct textbook {
	struct entry **hash;
	struct entry *entries, list;
	size_t mask;
	uint32_t used, nslots;
};

static size_t
textbook_bucket(const struct textbook *t, uint64_t page)
{
	return ((size_t)(page * 0x9e3779b97f4a7c15u >> 20) & t->mask);
}

static void
textbook_to_head(struct textbook *t, struct entry *e)
{
	e->next = t->list.next;
	e->prev = &t->list;
	e->next->prev = t->list.next = e;
}

static void
textbook_unlink(struct entry *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
}

static struct entry *
textbook_recycle(struct textbook *t)
{
	struct entry *e, **p;

	if (t->used < t->nslots)
		return (&t->entries[t->used++]);
	e = t->list.prev;
	textbook_unlink(e);
	for (p = &t->hash[textbook_bucket(t, e->page)]; *p != e;)
		p = &(*p)->chain;
	*p = e->chain;
	return (e);
}

static uint64_t
textbook_play(struct textbook *t, const struct eph_refs *r)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < r->n; i++) {
		const size_t b = textbook_bucket(t, r->page[i]);
		struct entry *e = t->hash[b];

		while (e != NULL && e->page != r->page[i])
			e = e->chain;
		if (e != NULL) {
			hits++;
			textbook_unlink(e);
		} else {
			e = textbook_recycle(t);
			e->page = r->page[i];
			e->chain = t->hash[b];
			t->hash[b] = e;
		}
		textbook_to_head(t, e);
	}
	return (hits);
}

struct job {
	const struct eph_refs *refs;
	const struct eph_policy_ops *policy;
	uint32_t nslots;
	uint64_t hits;
	uint64_t promotions;
};

static void
run_textbook(void *arg)
{
	struct job *j = arg;
	struct textbook t = { .mask = 1, .nslots = j->nslots };

	while (t.mask < 2 * (size_t)j->nslots)
		t.mask *= 2;
	t.mask--;
	t.hash = calloc(t.mask + 1, sizeof(*t.hash));
	t.entries = calloc(j->nslots, sizeof(*t.entries));
	if (t.hash == NULL || t.entries == NULL)
		bench_fail("out of memory");
	t.list.prev = t.list.next = &t.list;
	j->hits = j->promotions = textbook_play(&t, j->refs);
	free(t.hash);
	free(t.entries);
}

static void
run_policy(void *arg)
{
	struct job *j = arg;
	struct eph_err err;

	struct eph_policy_counts counts;

	if (eph_mrc_replay(
		j->refs, j->policy, NULL, j->nslots, 1, &counts, &err) != 0)
		bench_fail(err.text);
	j->hits = counts.hits;
	j->promotions = counts.promotions;
}

/* Bars at 16 k pages and 1,024 buffers; 0: none. */
static const struct bar {
	const char *policy;
	double near; /* 16 k pages, 1,024 buffers */
	double far;  /* 763 k pages, 76 k buffers: 3 x libCacheSim */
} bars[] = {
	{ "lru", 65, 42 },
	{ "fifo", 120, 54 },
	{ "clock", 95, 42 },
	{ "sieve", 75, 57 },
	{ "arc", 45, 30 },
	{ "s3fifo", 35, 18 },
	{ "opt", 25, 0 },
};

static void
print_rate(const char *name, const struct bench_rate *r, double base,
    double bar, const struct job *j)
{
	(void)printf("%-12s %8.1f %8.1f %8.1f %7.2f", name, r->min, r->median,
	    r->max, r->median / base);
	if (bar > 0)
		(void)printf(
		    " %6.0f %-6s", bar, r->median >= bar ? "met" : "missed");
	else
		(void)printf(" %6s %-6s", "-", "-");
	(void)printf(" %9.4f %10.1f\n",
	    1 - (double)j->hits / (double)j->refs->n,
	    1000 * (double)j->promotions / (double)j->refs->n);
}

static void
bench_size(const struct eph_refs *refs, uint32_t nslots, unsigned runs,
    bool all, bool far)
{
	struct job j = { .refs = refs, .nslots = nslots };
	struct bench_rate r;
	double base;

	(void)printf("\n%u pages, %u buffers, %zu references\n", refs->npages,
	    nslots, refs->n);
	(void)printf("%-12s %8s %8s %8s %7s %6s %-6s %9s %10s\n", "policy",
	    "min", "median", "max", "ratio", "bar", "", "missratio",
	    "promotions");
	r = bench_measure(run_textbook, &j, (double)refs->n, runs);
	base = r.median;
	print_rate("textbook lru", &r, base, 0, &j);
	for (size_t i = 0; eph_policies[i] != NULL; i++) {
		double bar = 0;

		for (size_t b = 0; b < sizeof(bars) / sizeof(bars[0]); b++) {
			if (strcmp(bars[b].policy, eph_policies[i]->name) == 0)
				bar = far ? bars[b].far : bars[b].near;
		}
		if (bar == 0 && !all)
			continue;
		j.policy = eph_policies[i];
		r = bench_measure(run_policy, &j, (double)refs->n, runs);
		print_rate(j.policy->name, &r, base, bar, &j);
	}
}

static void
bench_stream(uint32_t pages, uint32_t nslots, size_t n, unsigned runs, bool all)
{
	struct eph_refs refs;
	struct eph_err err;

	bench_refs_zipf(&refs, pages, n, 1.0);
	if (eph_refs_future(&refs, &err) != 0)
		bench_fail(err.text);
	bench_size(&refs, nslots, runs, all, pages > 100000);
	eph_refs_free(&refs);
}

static void
bench_scaling(unsigned runs)
{
	for (size_t n = 10000; n <= 100000000; n *= 10)
		bench_stream(16384, 1024, n, runs, false);
	for (uint32_t pages = 1000; pages <= 10000000; pages *= 10)
		bench_stream(pages, pages / 10, 10000000, runs, false);
}

int
main(int argc, char **argv)
{
	const struct bench_stream_options o =
	    bench_stream_options(argc, argv, "bench_policy", true);

	(void)printf("million references a second\n");
	if (o.smoke) {
		bench_stream(1000, 64, 10000, 1, o.all);
	} else if (o.scaling) {
		bench_scaling(o.runs);
	} else {
		bench_stream(16384, 1024, o.refs, o.runs, o.all);
		bench_stream(1000000, 76000, o.refs, o.runs, o.all);
	}
	return (0);
}
