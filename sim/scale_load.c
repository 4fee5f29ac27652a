/* SPDX-License-Identifier: BSD-2-Clause */

/* See scale_load.h. */

#include "scale_load.h"

#include <stdlib.h>

#include "table.h"

/* A number that looks random, from its place. */
static uint64_t
mixed(uint64_t v)
{
	v = (v + 1) * 0x9e3779b97f4a7c15u;
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
	v = (v ^ v >> 27) * 0x94d049bb133111ebu;
	return (v ^ v >> 31);
}

/* The references of a CPU are the same, however many CPUs there are. */
static struct eph_op *
make_load(const struct load_stream *ls, const struct load *l, size_t n)
{
	const uint64_t seed = ls->seed << 48;
	struct eph_op *op = must_alloc(NULL, n, sizeof(*op));
	uint32_t fresh = LOAD_SHARED_PAGES;

	for (size_t i = 0; i < n; i++) {
		const uint64_t cpu = i % l->cpus, k = i / l->cpus;
		const uint64_t v = mixed(seed + (cpu << 32) + k);

		op[i] = (struct eph_op){ .kind = EPH_OP_REF,
			.cpu = (uint16_t)cpu,
			.page = v % 100 < l->hits
			    ? (uint32_t)(v >> 32) % LOAD_SHARED_PAGES
			    : fresh++ };
	}
	return (op);
}

int
load_play(const struct load_stream *ls, const struct load *l,
    const struct eph_run_config *cfg, struct eph_run_result *res,
    struct eph_err *err)
{
	struct eph_run_config mine = *cfg;
	struct eph_oplist_cursor cursor;
	struct eph_op_array made;
	struct eph_op_source src;
	struct eph_op *op = NULL;
	int error;

	mine.cpus = l->cpus;
	mine.hold_ns = l->hold_ns;
	mine.time_cpus = NULL;
	if (ls->trace != NULL) {
		src = eph_oplist_source(ls->trace, &cursor);
	} else {
		made.n = (size_t)ls->refs * l->cpus;
		made.op = op = make_load(ls, l, made.n);
		src = eph_op_array_source(&made);
	}
	error = eph_replay_run(&mine, &src, res, err);
	free(op);
	return (error);
}
