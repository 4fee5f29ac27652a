/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Question: how many references a second does the whole machine replay in
 * memory (map, touch, unmap, page table, TLB, events, oracle), and what
 * does each part cost?
 *
 * Baseline, in the same run: sf_buf.accessed without touching (no TLB, no
 * oracle).  Host nanoseconds compare parts and designs with one another;
 * they say nothing about a kernel's time.
 *
 * usage: bench_replay [--smoke] [--trace FILE] [--design NAME]
 * Without --trace: Zipf 0.8 over 10,000 pages, 2 CPUs, 1.1 million
 * references.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "bench_support.h"
#include "ephmap/run.h"
#include "ephmap/sdk/design.h"

struct refs {
	struct eph_op *ops;
	size_t n;
};

static struct refs
refs_zipf(size_t n)
{
	uint32_t *pages = bench_zipf(10000, n, 0.8, 1);
	struct refs r = { calloc(n, sizeof(struct eph_op)), n };
	struct prng rnd;

	if (r.ops == NULL)
		abort();
	eph__prng_init(&rnd, 1, 1);
	for (size_t i = 0; i < n; i++)
		r.ops[i] = (struct eph_op){ .kind = EPH_OP_REF,
			.cpu = (uint16_t)prng_below(&rnd, 2),
			.page = pages[i] };
	free(pages);
	return (r);
}

/* Keep the m and p lines of a trace as references. */
static struct refs
refs_trace(const char *path)
{
	struct refs r = { NULL, 0 };
	struct eph_trace *t;
	struct eph_oplist *l;
	struct eph_err err;

	if (eph_trace_open(path, &t, &err) != 0 ||
	    eph_oplist_read(t, &l, &err) != 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		exit(2);
	}
	r.ops = calloc(eph_oplist_count(l) + 1, sizeof(*r.ops));
	if (r.ops == NULL)
		abort();
	for (size_t i = 0; i < eph_oplist_count(l); i++) {
		const struct eph_op *op = &eph_oplist_ops(l)[i];

		if (op->kind == EPH_OP_REF || op->kind == EPH_OP_MAP)
			r.ops[r.n++] = (struct eph_op){ .kind = EPH_OP_REF,
				.cpu = op->cpu,
				.page = op->page };
	}
	eph_oplist_free(l);
	eph_trace_close(t);
	return (r);
}

static void
measure(const struct refs *r, const char *design, const char *tlb,
    enum eph_touch touch, unsigned cpus, unsigned reps)
{
	struct eph_op_array array = { .op = r->ops, .n = r->n };
	const struct eph_run_config cfg = {
		.design = eph_design_find(design),
		.tlb = tlb,
		.cpus = cpus,
		.nbufs = 1024,
		.touch = touch,
	};
	struct bench_times t = { .n = 0 };
	struct eph_run_result res;
	struct eph_err err;
	char what[96];

	for (unsigned i = 0; i < reps; i++) {
		struct eph_op_source src = eph_op_array_source(&array);

		if (eph_replay_run(&cfg, &src, &res, &err) != 0) {
			(void)fprintf(stderr, "%s\n", err.text);
			exit(2);
		}
		bench_add(&t, res.host_seconds);
	}
	(void)snprintf(what, sizeof(what), "%s, TLB %s, %s, %u CPUs", design,
	    tlb != NULL ? tlb : "skylake",
	    touch == EPH_TOUCH_NONE	  ? "no touch"
		: touch == EPH_TOUCH_READ ? "read"
					  : "write",
	    cpus);
	bench_row(what, &t, (double)r->n);
}

int
main(int argc, char **argv)
{
	const bool smoke = bench_smoke(argc, argv);
	const char *trace = bench_option(argc, argv, "--trace");
	const char *design = bench_option(argc, argv, "--design");
	const unsigned reps = smoke ? 1 : 9;
	struct refs r = trace != NULL ? refs_trace(trace)
				      : refs_zipf(smoke ? 1000 : 1100000);

	printf("%zu references, 1,024 buffers; per reference, map + touch + "
	       "unmap\n",
	    r.n);
	if (design != NULL) {
		measure(&r, design, NULL, EPH_TOUCH_READ, 2, reps);
		free(r.ops);
		return (0);
	}
	measure(&r, "sf_buf.accessed", NULL, EPH_TOUCH_NONE, 2, reps);
	measure(&r, "sf_buf.accessed", NULL, EPH_TOUCH_READ, 2, reps);
	measure(&r, "sf_buf.accessed", "infinite", EPH_TOUCH_READ, 2, reps);
	measure(&r, "sf_buf.accessed", NULL, EPH_TOUCH_WRITE, 2, reps);
	measure(&r, "sf_buf.accessed", NULL, EPH_TOUCH_READ, 64, reps);
	for (size_t i = 0; eph_designs[i] != NULL; i++)
		measure(
		    &r, eph_designs[i]->name, NULL, EPH_TOUCH_READ, 2, reps);
	free(r.ops);
	return (0);
}
