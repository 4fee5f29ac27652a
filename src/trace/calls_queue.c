/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The queue of calls, and the spool.
 *
 * A call's time is that of its first half, the log is in order of the second.
 * Calls that count stand in the queue in order of their start and leave it
 * at the head when they are complete.
 *
 * They leave for the spool, not for the trace: which tasks are threads of one
 * process, and how many CPUs there are, is known when the log has ended.  The
 * spool is an array, and a temporary file when there are many.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "trace/calls.h"

#define SPOOL_MAX ((size_t)1 << 17) /* calls kept in memory: 5 MB */

struct call *
eph__calls_at(struct calls *c, uint64_t place)
{
	return (&c->queue[place & (c->queue_cap - 1)]);
}

static bool
queue_grow(struct calls *c)
{
	const size_t n = (size_t)(c->queue_next - c->queue_first);
	const size_t cap = c->queue_cap == 0 ? 64 : 2 * c->queue_cap;
	struct call *ring = malloc(cap * sizeof(ring[0]));

	if (ring == NULL)
		return (false);
	for (size_t i = 0; i < n; i++)
		ring[(c->queue_first + i) & (cap - 1)] =
		    *eph__calls_at(c, c->queue_first + i);
	free(c->queue);
	c->queue = ring;
	c->queue_cap = cap;
	return (true);
}

int
eph__calls_push(struct calls *c, uint32_t task, uint64_t ns, uint64_t *placep)
{
	struct call *call;

	if (c->queue_next - c->queue_first == c->queue_cap && !queue_grow(c))
		return (eph__calls_no_memory(c));
	*placep = c->queue_next++;
	call = eph__calls_at(c, *placep);
	memset(call, 0, sizeof(*call));
	call->state = CALL_OPEN;
	call->task = task;
	call->ns = ns;
	return (0);
}

void
eph__calls_done(struct calls *c, const struct words *w, uint32_t file,
    uint64_t offset, uint64_t bytes)
{
	struct call *call = eph__calls_at(c, w->place);

	call->state = CALL_DONE;
	call->file = file;
	call->offset = offset;
	call->bytes = bytes;
}

void
eph__calls_drop(struct calls *c, const struct words *w)
{
	if (w->queued && eph__calls_at(c, w->place)->state == CALL_OPEN)
		eph__calls_at(c, w->place)->state = CALL_DROPPED;
}

void
eph__calls_half_drop(struct calls *c, uint32_t task)
{
	struct task *t = &c->tasks[task];

	if (t->half_open && t->half_queued) {
		eph__calls_at(c, t->half_place)->state = CALL_DROPPED;
		c->im->res->unfinished++;
	}
	t->half_open = t->half_queued = t->half_child = false;
}

/* Write the spool to its file. */
static int
spool_spill(struct calls *c)
{
	if (c->spilled == NULL && (c->spilled = tmpfile()) == NULL)
		return (eph_err_set(c->im->err, errno,
		    "cannot make a temporary file: %s", strerror(errno)));
	if (fwrite(c->spool, sizeof(c->spool[0]), c->nspool, c->spilled) !=
	    c->nspool)
		return (eph_err_set(c->im->err, EIO,
		    "cannot write a temporary file: %s", strerror(errno)));
	c->nspilled += c->nspool;
	c->nspool = 0;
	return (0);
}

static int
spool_push(struct calls *c, const struct call *call)
{
	int error;

	if (call->bytes == 0)
		return (0);
	if (c->nspool == SPOOL_MAX && (error = spool_spill(c)) != 0)
		return (error);
	if (!eph__calls_grow(
		&c->spool, &c->cap_spool, c->nspool, sizeof(c->spool[0])))
		return (eph__calls_no_memory(c));
	c->spool[c->nspool++] = *call;
	return (0);
}

int
eph__calls_drain(struct calls *c, bool all)
{
	int error = 0;

	while (error == 0 && c->queue_first < c->queue_next) {
		struct call *call = eph__calls_at(c, c->queue_first);

		if (call->state == CALL_OPEN && !all)
			break;
		if (call->state == CALL_OPEN)
			c->im->res->unfinished++;
		c->queue_first++;
		if (call->state == CALL_DONE)
			error = spool_push(c, call);
	}
	return (error);
}
