/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The queue of calls: a call's time is that of its first half, the log is in
 * order of the second.  Calls that count stand here in order of their start
 * and leave at the head when they are complete.
 */

#include <string.h>

#include "trace/strace.h"

struct strace_call *
eph__strace_queue_at(struct strace *s, uint64_t place)
{
	return (&s->queue[place % s->queue_cap]);
}

int
eph__strace_queue_push(
    struct strace *s, uint64_t pid, uint64_t ns, uint64_t *placep)
{
	const size_t n = (size_t)(s->queue_next - s->queue_first);
	struct strace_call *c;

	if (n == s->queue_cap) {
		const size_t cap = s->queue_cap == 0 ? 64 : 2 * s->queue_cap;
		struct strace_call *ring = malloc(cap * sizeof(ring[0]));

		if (ring == NULL)
			return (eph__strace_no_memory(s));
		for (size_t i = 0; i < n; i++)
			ring[(s->queue_first + i) % cap] =
			    *eph__strace_queue_at(s, s->queue_first + i);
		free(s->queue);
		s->queue = ring;
		s->queue_cap = cap;
	}
	*placep = s->queue_next++;
	c = eph__strace_queue_at(s, *placep);
	memset(c, 0, sizeof(*c));
	c->state = CALL_OPEN;
	c->pid = pid;
	c->ns = ns;
	return (0);
}

static int
call_write(struct strace *s, const struct strace_call *c)
{
	struct import *im = s->im;
	uint32_t file;
	unsigned cpu;
	int error;

	if (c->bytes == 0)
		return (0);
	if ((error = eph__import_cpu(im, c->pid, 0, &cpu)) != 0 ||
	    (error = eph__import_at(im, c->ns)) != 0)
		return (error);
	if (!c->pipe) {
		if ((file = eph__idmap_get(&s->sent, c->file)) == EPH_NONE)
			return (eph__strace_no_memory(s));
		return (
		    eph__import_file_range(im, cpu, file, c->offset, c->bytes));
	}
	for (uint64_t page = c->offset / EPH_PAGE_SIZE;
	     error == 0 && page <= (c->offset + c->bytes - 1) / EPH_PAGE_SIZE;
	     page++)
		error = eph__import_ref(
		    im, cpu, (c->pid << STRACE_PIPE_PID_SHIFT) + page);
	return (error);
}

int
eph__strace_queue_drain(struct strace *s, bool all)
{
	int error = 0;

	while (error == 0 && s->queue_first < s->queue_next) {
		struct strace_call *c = eph__strace_queue_at(s, s->queue_first);

		if (c->state == CALL_OPEN && !all)
			break;
		if (c->state == CALL_OPEN)
			s->im->res->unfinished++;
		s->queue_first++;
		if (c->state == CALL_DONE)
			error = call_write(s, c);
	}
	return (error);
}
