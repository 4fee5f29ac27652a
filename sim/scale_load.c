/* SPDX-License-Identifier: BSD-2-Clause */

/* See scale_load.h. */

#include "scale_load.h"

#include <stdio.h>
#include <stdlib.h>

#include "table.h"

/* A load that is made, as a source of operations. */
struct stream {
	struct eph_op *op;
	size_t n;
	bool done;
};

static int
stream_next(
    void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	struct stream *st = arg;

	(void)err;
	*opsp = st->op;
	*np = st->done ? 0 : st->n;
	st->done = true;
	return (0);
}

static void
stream_where(void *arg, size_t i, char *buf, size_t size)
{
	(void)arg;
	(void)snprintf(buf, size, "reference %zu", i + 1);
}

static uint64_t
stream_line(void *arg, size_t i)
{
	(void)arg;
	return (i + 1);
}

static uint64_t
stream_page(void *arg, uint32_t page)
{
	(void)arg;
	return (page);
}

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
static void
stream_make(
    const struct load_stream *ls, const struct load *l, struct stream *st)
{
	const uint64_t seed = ls->seed << 48;
	uint32_t fresh = LOAD_SHARED_PAGES;

	st->n = (size_t)ls->refs * l->cpus;
	st->done = false;
	st->op = must_alloc(NULL, st->n, sizeof(*st->op));
	for (size_t i = 0; i < st->n; i++) {
		const uint64_t cpu = i % l->cpus, k = i / l->cpus;
		const uint64_t v = mixed(seed + (cpu << 32) + k);

		st->op[i] = (struct eph_op){ .kind = EPH_OP_REF,
			.cpu = (uint16_t)cpu,
			.page = v % 100 < l->hits
			    ? (uint32_t)(v >> 32) % LOAD_SHARED_PAGES
			    : fresh++ };
	}
}

int
load_play(const struct load_stream *ls, const struct load *l,
    const struct eph_run_config *cfg, struct eph_run_result *res,
    struct eph_err *err)
{
	struct eph_run_config mine = *cfg;
	struct eph_oplist_cursor cursor;
	struct stream st = { .op = NULL };
	struct eph_op_source src = { .next = stream_next,
		.where = stream_where,
		.line = stream_line,
		.page_name = stream_page,
		.arg = &st };
	int error;

	mine.cpus = l->cpus;
	mine.hold_ns = l->hold_ns;
	mine.time_cpus = NULL;
	if (ls->trace != NULL)
		src = eph_oplist_source(ls->trace, &cursor);
	else
		stream_make(ls, l, &st);
	error = eph_replay_run(&mine, &src, res, err);
	free(st.op);
	return (error);
}
