/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A web server by sendfile.  Files stand one behind another in the pages,
 * 1 to 256 pages long, twice as many at half the length; Zipf's law says
 * which is asked for.  A request maps its pages at once on its CPU and loads
 * nothing; page i of it is unmapped when the client has acknowledged it: a
 * round trip and i + 1 pages on a link of 1 Gbit/s later, on CPU 0, which
 * has the network card.
 */

#include "trace/gen.h"

#include <stdlib.h>

#include "trace/trace_rate.h"

#define FILE_PAGES_LOG 8
#define RATE	       50000u	/* pages a second */
#define ROUND_TRIP     1000000u /* ns */
#define PAGE_NS	       32768u	/* of 4096 bytes at 1 Gbit/s */

struct unmap {
	uint64_t at;
	uint64_t handle;
};

struct server {
	struct gen *x;
	uint32_t nfiles;
	uint64_t *first;   /* page of a file, and of the one behind the last */
	struct unmap *due; /* a heap, the next one first */
	size_t ndue;
	size_t room;
	uint64_t ns; /* written */
};

/* Lengths double, and each is half as likely as the one before. */
static uint64_t
file_length(struct prng *r)
{
	const uint64_t bits = prng_next(r);
	unsigned k = 0;

	while (k < FILE_PAGES_LOG - 1 && (bits >> k & 1) != 0)
		k++;
	return (((uint64_t)1 << k) + (bits >> 32) % ((uint64_t)1 << k));
}

static int
make_files(struct server *s)
{
	const uint64_t pages = s->x->g->pages;
	uint64_t at = 0;

	if ((s->first = malloc((pages + 1) * sizeof(*s->first))) == NULL)
		return (eph__gen_no_memory(s->x));
	while (at < pages) {
		s->first[s->nfiles++] = at;
		at += file_length(&s->x->pages);
	}
	s->first[s->nfiles] = pages;
	return (0);
}

static bool
before(const struct unmap *a, const struct unmap *b)
{
	return (a->at != b->at ? a->at < b->at : a->handle < b->handle);
}

static int
due_push(struct server *s, struct unmap u)
{
	size_t i = s->ndue;

	if (s->ndue == s->room) {
		const size_t room = s->room == 0 ? 1024 : 2 * s->room;
		struct unmap *due = realloc(s->due, room * sizeof(*due));

		if (due == NULL)
			return (eph__gen_no_memory(s->x));
		s->due = due;
		s->room = room;
	}
	s->ndue++;
	for (; i > 0 && before(&u, &s->due[(i - 1) / 2]); i = (i - 1) / 2)
		s->due[i] = s->due[(i - 1) / 2];
	s->due[i] = u;
	return (0);
}

static struct unmap
due_pop(struct server *s)
{
	const struct unmap first = s->due[0], last = s->due[--s->ndue];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= s->ndue)
			break;
		if (child + 1 < s->ndue &&
		    before(&s->due[child + 1], &s->due[child]))
			child++;
		if (!before(&s->due[child], &last))
			break;
		s->due[i] = s->due[child];
		i = child;
	}
	s->due[i] = last;
	return (first);
}

static int
pass_to(struct server *s, uint64_t ns)
{
	int error = 0;

	if (ns > s->ns)
		error = eph_trace_write(
		    s->x->w, EPH_OP_DELAY, 0, 0, 0, 0, ns - s->ns, s->x->err);
	s->ns = ns;
	return (error);
}

/* What was acknowledged by then. */
static int
unmap_until(struct server *s, uint64_t ns)
{
	int error = 0;

	while (error == 0 && s->ndue > 0 && s->due[0].at <= ns) {
		const struct unmap u = due_pop(s);

		if ((error = pass_to(s, u.at)) == 0)
			error = eph_trace_write(s->x->w, EPH_OP_UNMAP, 0, 0, 0,
			    u.handle, 0, s->x->err);
	}
	return (error);
}

static int
request(struct server *s, const struct zipf *z)
{
	struct gen *x = s->x;
	const struct eph_generate *g = x->g;
	const uint64_t rtt = g->hold_ns > 0 ? g->hold_ns : ROUND_TRIP;
	const uint64_t ns = rate_ns(x->done, g->rate > 0 ? g->rate : RATE);
	const uint32_t file = zipf_draw(z, &x->pages);
	const unsigned cpu = prng_below(&x->cpus, g->cpus);
	int error;

	if ((error = unmap_until(s, ns)) != 0 || (error = pass_to(s, ns)) != 0)
		return (error);
	for (uint64_t p = s->first[file];
	     error == 0 && p < s->first[file + 1] && x->done < g->refs; p++) {
		const struct unmap u = {
			ns + rtt + (p - s->first[file] + 1) * PAGE_NS, x->done++
		};

		error = eph_trace_write(
		    x->w, EPH_OP_MAP, 0, cpu, p, u.handle, 0, x->err);
		if (error == 0)
			error = due_push(s, u);
	}
	return (error);
}

static int
sendfile_run(struct gen *x)
{
	struct server s = { .x = x };
	struct zipf z = { 0 };
	int error = make_files(&s);

	if (error == 0 && eph__zipf_init(&z, s.nfiles, x->g->alpha) != 0)
		error = eph__gen_no_memory(x);
	while (error == 0 && x->done < x->g->refs) {
		error = request(&s, &z);
		if (x->g->progress != NULL)
			x->g->progress(x->g->progress_arg, x->done, x->g->refs);
	}
	if (error == 0)
		error = unmap_until(&s, UINT64_MAX);
	if (z.cdf != NULL)
		eph__zipf_free(&z);
	free(s.first);
	free(s.due);
	return (error);
}

const struct generator eph__gen_sendfile = { sendfile_run,
	EPH_GEN_USES_ALPHA | EPH_GEN_USES_HOLD };
