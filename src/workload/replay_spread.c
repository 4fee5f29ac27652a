/* SPDX-License-Identifier: BSD-2-Clause */

#include "workload/replay_spread.h"

#include <errno.h>
#include <stdlib.h>

static int
spread_next(
    void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	struct spread_source *s = arg;
	const struct eph_op *ops;
	const int error = s->src->next(s->src->arg, &ops, np, err);
	struct eph_op *room;

	if (error != 0)
		return (error);
	if (*np > s->room) {
		if ((room = realloc(s->ops, *np * sizeof(*room))) == NULL)
			return (eph_err_set(err, ENOMEM, "out of memory"));
		s->ops = room;
		s->room = *np;
	}
	for (size_t i = 0; i < *np; i++) {
		struct eph_op *op = &s->ops[i];

		*op = ops[i];
		if (op->kind == EPH_OP_REF)
			op->cpu = (uint16_t)spread_cpu(&s->spread,
			    s->src->page_name(s->src->arg, op->page));
		else if (op->kind != EPH_OP_DELAY)
			op->cpu = (uint16_t)(op->cpu % s->spread.cpus);
	}
	*opsp = s->ops;
	return (0);
}

static void
spread_where(void *arg, size_t i, char *buf, size_t size)
{
	const struct spread_source *s = arg;

	s->src->where(s->src->arg, i, buf, size);
}

static uint64_t
spread_line(void *arg, size_t i)
{
	const struct spread_source *s = arg;

	return (s->src->line(s->src->arg, i));
}

static uint64_t
spread_page_name(void *arg, uint32_t page)
{
	const struct spread_source *s = arg;

	return (s->src->page_name(s->src->arg, page));
}

static uint64_t
spread_handle_name(void *arg, size_t i)
{
	const struct spread_source *s = arg;

	return (s->src->handle_name(s->src->arg, i));
}

static uint64_t
spread_next_use(void *arg, uint64_t op)
{
	const struct spread_source *s = arg;

	return (s->src->next_use(s->src->arg, op));
}

struct eph_op_source
eph__spread_source(struct spread_source *s, const struct eph_run_config *cfg,
    struct eph_op_source *src)
{
	struct eph_op_source out = *src;

	*s = (struct spread_source){ .src = src };
	spread_init(&s->spread, cfg->spread, cfg->cpus, cfg->spread_seed);
	out.cpus = cfg->cpus;
	out.next = spread_next;
	out.where = spread_where;
	out.line = spread_line;
	out.page_name = spread_page_name;
	if (src->handle_name != NULL)
		out.handle_name = spread_handle_name;
	if (src->next_use != NULL)
		out.next_use = spread_next_use;
	out.arg = s;
	return (out);
}

void
eph__spread_free(struct spread_source *s)
{
	free(s->ops);
}
