/* SPDX-License-Identifier: BSD-2-Clause */

/* Operations from memory, and random ones; for programs without CUnit too. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/sdk/design.h"
#include "rig.h"

static uint64_t
lines_line(void *arg, size_t i)
{
	const struct rig_lines *rl = arg; /* its first member */

	return (i + rl->first);
}

static void
lines_where(void *arg, size_t i, char *buf, size_t size)
{
	(void)snprintf(buf, size, "line %" PRIu64, lines_line(arg, i));
}

static uint64_t
lines_handle(void *arg, size_t i)
{
	const struct rig_lines *rl = arg;

	return (rl->handle[i]);
}

struct eph_op_source
rig_lines_source(struct rig_lines *rl)
{
	struct eph_op_source src = eph_op_array_source(&rl->ops);

	src.line = lines_line;
	src.where = lines_where;
	src.handle_name = lines_handle;
	return (src);
}

int
rig_replay(const struct eph_run_config *cfg, const struct eph_op *op, size_t n,
    struct eph_run_result *res, struct eph_err *err)
{
	struct eph_op_array a = { .op = op, .n = n };
	struct eph_op_source src = eph_op_array_source(&a);

	return (eph_replay_run(cfg, &src, res, err));
}

/* Random traces */

#define HANDLES 48u

struct gen {
	const struct eph_design_ops *ops;
	struct prng rng;
	unsigned ncpus;
	unsigned pages;
	unsigned most; /* handles at once */
	unsigned top;  /* next slot never used */
	unsigned cpu_of[HANDLES];
	uint64_t asked[HANDLES][2]; /* CPUs that asked since the map */
	bool private[HANDLES];
	bool mapped[HANDLES];
	unsigned stack[HANDLES]; /* handles in order of mapping */
	unsigned depth;
	struct eph_op *op;
	size_t n;
};

static void
gen_emit(struct gen *g, enum eph_op_kind kind, unsigned cpu, unsigned slot,
    unsigned page, unsigned flags)
{
	g->op[g->n++] = (struct eph_op){ .kind = (uint8_t)kind,
		.flags = (uint8_t)flags,
		.cpu = (uint16_t)cpu,
		.page = page,
		.slot = slot };
}

static bool
gen_has_asked(const struct gen *g, unsigned h, unsigned cpu)
{
	return ((g->asked[h][cpu / 64] >> (cpu % 64)) & 1);
}

static void
gen_map(struct gen *g)
{
	const unsigned cpu = (unsigned)prng_below(&g->rng, g->ncpus);
	const bool private = prng_below(&g->rng, 2) == 0;
	unsigned h = 0;

	while (g->mapped[h])
		h++;
	g->mapped[h] = true;
	g->private[h] = private;
	g->cpu_of[h] = cpu;
	g->asked[h][0] = g->asked[h][1] = 0;
	g->stack[g->depth++] = h;
	gen_emit(g, EPH_OP_MAP, cpu, h, (unsigned)prng_below(&g->rng, g->pages),
	    private ? EPH_OPF_PRIVATE : 0);
}

static void
gen_unmap(struct gen *g)
{
	const bool pinned = g->ops->validity == EPH_VALID_THIS_CPU;
	const unsigned at =
	    pinned ? g->depth - 1 : (unsigned)prng_below(&g->rng, g->depth);
	const unsigned h = g->stack[at];

	g->mapped[h] = false;
	g->depth--;
	memmove(&g->stack[at], &g->stack[at + 1],
	    (g->depth - at) * sizeof(g->stack[0]));
	gen_emit(g, EPH_OP_UNMAP,
	    pinned ? g->cpu_of[h] : (unsigned)prng_below(&g->rng, g->ncpus), h,
	    0, 0);
}

/* A CPU on which handle `h` may be touched, or asked for. */
static unsigned
gen_cpu(struct gen *g, unsigned h)
{
	const bool here = g->ops->validity == EPH_VALID_THIS_CPU ||
	    (g->ops->validity == EPH_VALID_MASK && g->private[h]);

	return (here ? g->cpu_of[h] : (unsigned)prng_below(&g->rng, g->ncpus));
}

static void
gen_touch(struct gen *g)
{
	const unsigned h = g->stack[prng_below(&g->rng, g->depth)];
	const unsigned cpu = gen_cpu(g, h);
	const bool generation = g->ops->validity == EPH_VALID_GENERATION;
	const bool must_ask = generation ||
	    (g->ops->validity == EPH_VALID_ASKED && cpu != g->cpu_of[h]);

	if ((must_ask && !gen_has_asked(g, h, cpu)) ||
	    prng_below(&g->rng, 8) == 0) {
		gen_emit(g, EPH_OP_KVA, cpu, h, 0, 0);
		g->asked[h][cpu / 64] |= (uint64_t)1 << (cpu % 64);
	}
	gen_emit(g,
	    !generation && prng_below(&g->rng, 3) == 0 ? EPH_OP_WRITE
						       : EPH_OP_READ,
	    cpu, h, 0, 0);
}

static void
gen_step(struct gen *g)
{
	const uint64_t dice = prng_below(&g->rng, 10);

	if (g->depth == 0 || (dice < 3 && g->depth < g->most))
		gen_map(g);
	else if (dice < 6 || g->depth == g->most)
		gen_unmap(g);
	else
		gen_touch(g);
}

/* Start a trace for a design on so many CPUs. */
static void
gen_start(struct gen *g, const char *design, unsigned ncpus, uint64_t seed)
{
	g->ops = eph_design_find(design);
	eph__prng_init(&g->rng, seed, 0);
	g->ncpus = ncpus;
	g->pages = 13;
	/* On one CPU, at worst. */
	g->most = g->ops->validity != EPH_VALID_THIS_CPU ? 12
	    : (g->ops->flags & EPH_DESIGN_ALONE) != 0	 ? 1
	    : g->ops->nest != 0 && g->ops->nest < 4	 ? g->ops->nest
							 : 4;
	g->n = 0;
}

static void
gen_run(struct gen *g, unsigned ops)
{
	while (g->n < ops)
		gen_step(g);
	while (g->depth > 0)
		gen_unmap(g);
}

static struct eph_op *
gen_room(unsigned ops)
{
	struct eph_op *op = calloc(2 * (size_t)ops + 2 * HANDLES, sizeof(*op));

	if (op == NULL)
		abort();
	return (op);
}

struct eph_op *
rig_random_ops(
    const char *design, unsigned ncpus, uint64_t seed, unsigned ops, size_t *np)
{
	struct gen g = { .op = gen_room(ops) };

	gen_start(&g, design, ncpus, seed);
	gen_run(&g, ops);
	*np = g.n;
	return (g.op);
}
