/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Streams for claims.
 *
 * A stream is an array of operations.  Parallel senders are made as events
 * with a time each and sorted; the distances become delays.  All arithmetic
 * is on integers, so that a seed means the same stream everywhere.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/claims_impl.h"
#include "base/prng.h"

void
eph__claim_stream_free(struct claim_stream *s)
{
	free(s->ops);
	memset(s, 0, sizeof(*s));
}

static void
append(struct eph_claim_run *r, struct claim_stream *s, const struct eph_op *op)
{
	struct eph_op *ops;

	if (r->error != 0)
		return;
	if (s->n == s->room) {
		s->room = s->room == 0 ? 1024 : s->room * 2;
		ops = realloc(s->ops, s->room * sizeof(*ops));
		if (ops == NULL) {
			eph__claim_error(
			    r, eph_err_set(r->err, ENOMEM, "out of memory"));
			return;
		}
		s->ops = ops;
	}
	s->ops[s->n++] = *op;
}

void
eph__claim_op(struct eph_claim_run *r, struct claim_stream *s,
    enum eph_op_kind kind, unsigned flags, unsigned cpu, uint32_t page,
    uint32_t handle)
{
	const struct eph_op op = { .kind = (uint8_t)kind,
		.flags = (uint8_t)flags,
		.cpu = (uint16_t)cpu,
		.page = page,
		.slot = handle };

	append(r, s, &op);
	if (page >= s->npages)
		s->npages = page + 1;
	if (cpu >= s->cpus)
		s->cpus = cpu + 1;
}

void
eph__claim_delay(struct eph_claim_run *r, struct claim_stream *s, uint64_t ns)
{
	const struct eph_op op = { .kind = EPH_OP_DELAY,
		.page = (uint32_t)ns,
		.slot = (uint32_t)(ns >> 32) };

	append(r, s, &op);
	s->has_time = true;
}

static void
save(struct eph_claim_run *r, const struct claim_stream *s)
{
	struct eph_trace_writer *w;
	char path[1024];
	int error;

	(void)snprintf(path, sizeof(path), "%s/%s.ept", r->cfg->save, s->name);
	error = eph_trace_writer_open(path, EPH_TRACE_BINARY, &w, r->err);
	if (error != 0) {
		eph__claim_error(r, error);
		return;
	}
	for (size_t i = 0; i < s->n && error == 0; i++) {
		const struct eph_op *op = &s->ops[i];

		error = eph_trace_write(w, op->kind, op->flags, op->cpu,
		    op->page, op->slot, eph_op_delay_ns(op), r->err);
	}
	if (error == 0)
		error = eph_trace_writer_commit(w, r->err);
	else
		eph_trace_writer_abort(w);
	eph__claim_error(r, error);
}

void
eph__claim_stream_done(
    struct eph_claim_run *r, struct claim_stream *s, const char *fmt, ...)
{
	char what[384];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	eph__claim_step(r, "stream %s.ept: %s", s->name, what);
	if (r->cfg->save != NULL && r->error == 0)
		save(r, s);
}

/* An operation and when it happens; `seq` keeps the order of equal times. */
struct event {
	uint64_t t;
	uint32_t seq;
	struct eph_op op;
};

static int
by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->t != y->t)
		return (x->t < y->t ? -1 : 1);
	return (x->seq < y->seq ? -1 : x->seq > y->seq);
}

/* A hold time, of the measured shape; 1/1000 of the mean at each decile. */
static uint64_t
hold_time(struct prng *rng, const struct claim_sendfile *p)
{
	/* Of a thousand holds: up to rank[i] are below at[i]. */
	static const uint32_t rank[] = { 0, 100, 500, 900, 990, 1000 };
	static const uint32_t at[] = { 40, 120, 400, 2056, 5120, 10000 };
	const uint32_t u = prng_below(rng, 1000);
	unsigned i = 0;
	uint64_t milli;

	if (p->even)
		return (p->hold_ns);
	while (u >= rank[i + 1])
		i++;
	milli = at[i] +
	    (uint64_t)(at[i + 1] - at[i]) * (u - rank[i]) /
		(rank[i + 1] - rank[i]);
	return (p->hold_ns * milli / 1000);
}

/* File k with a probability of 1/(k+1): by the sum of these, scaled. */
static uint32_t
zipf_choice(struct prng *rng, const uint64_t *sum, uint32_t files)
{
	const uint64_t u = prng_next(rng) % sum[files - 1];
	uint32_t lo = 0, hi = files - 1;

	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;

		if (sum[mid] > u)
			hi = mid;
		else
			lo = mid + 1;
	}
	return (lo);
}

struct sender {
	struct eph_claim_run *r;
	const struct claim_sendfile *p;
	struct prng rng;
	uint64_t *sum; /* CLAIM_ZIPF */
	uint32_t next; /* CLAIM_NEXT */
	struct event *ev;
	size_t n;
	uint32_t handle;
};

static uint32_t
choose_file(struct sender *sd, unsigned conn, uint32_t send)
{
	const struct claim_sendfile *p = sd->p;

	switch (p->choice) {
	case CLAIM_SAME:
		return (0);
	case CLAIM_OWN:
		return (conn);
	case CLAIM_NEXT:
		return ((send * p->conns + conn) % p->files);
	case CLAIM_ZIPF:
		break;
	}
	return (zipf_choice(&sd->rng, sd->sum, p->files));
}

static void
event(struct sender *sd, uint64_t t, enum eph_op_kind kind, unsigned cpu,
    uint32_t page)
{
	struct event *e = &sd->ev[sd->n];

	*e = (struct event){ t, (uint32_t)sd->n,
		{ .kind = (uint8_t)kind,
		    .cpu = (uint16_t)cpu,
		    .page = page,
		    .slot = sd->handle } };
	sd->n++;
}

static void
send_page(struct sender *sd, unsigned conn, uint32_t page, uint64_t t)
{
	const struct claim_sendfile *p = sd->p;
	const unsigned cpu = conn % p->cpus;

	event(sd, t, EPH_OP_MAP, cpu, page);
	if (p->touch)
		event(sd, t, EPH_OP_READ, cpu, page);
	event(sd, t + 1 + hold_time(&sd->rng, p), EPH_OP_UNMAP,
	    (cpu + 1) % p->cpus, page);
	sd->handle++;
}

static void
send_all(struct sender *sd)
{
	const struct claim_sendfile *p = sd->p;

	for (unsigned c = 0; c < p->conns; c++) {
		uint64_t t =
		    p->even ? c : prng_below(&sd->rng, (uint32_t)p->gap_ns + 1);

		for (uint32_t s = 0; s < p->sends; s++) {
			const uint32_t file = choose_file(sd, c, s);

			for (uint32_t i = 0; i < p->pages; i++) {
				send_page(sd, c, file * p->pages + i, t);
				t += p->gap_ns;
			}
		}
	}
}

static void
events_to_stream(struct sender *sd, struct claim_stream *s)
{
	uint64_t now = 0;

	qsort(sd->ev, sd->n, sizeof(*sd->ev), by_time);
	for (size_t i = 0; i < sd->n; i++) {
		const struct event *e = &sd->ev[i];

		if (e->t > now)
			eph__claim_delay(sd->r, s, e->t - now);
		now = e->t;
		eph__claim_op(
		    sd->r, s, e->op.kind, 0, e->op.cpu, e->op.page, e->op.slot);
	}
}

static uint64_t *
zipf_sums(uint32_t files)
{
	uint64_t *sum = malloc(files * sizeof(*sum)), total = 0;

	for (uint32_t k = 0; sum != NULL && k < files; k++)
		sum[k] = total += ((uint64_t)1 << 40) / (k + 1);
	return (sum);
}

void
eph__claim_sendfile(struct eph_claim_run *r, const struct claim_sendfile *p,
    struct claim_stream *s)
{
	static const char *const choices[] = { "the same file",
		"a file of its own", "files chosen by Zipf's law",
		"the next file in a circle" };
	struct sender sd = { .r = r, .p = p };
	const size_t room = (size_t)p->conns * p->sends * p->pages * 3;

	memset(s, 0, sizeof(*s));
	if (r->error != 0)
		return;
	SAY(s->name, "%s", p->name);
	eph__prng_init(&sd.rng, r->seed, 0x636c61696d);
	sd.ev = malloc(room * sizeof(*sd.ev));
	sd.sum = zipf_sums(p->files > 0 ? p->files : 1);
	if (sd.ev == NULL || sd.sum == NULL) {
		eph__claim_error(
		    r, eph_err_set(r->err, ENOMEM, "out of memory"));
	} else {
		send_all(&sd);
		events_to_stream(&sd, s);
		eph__claim_stream_done(r, s,
		    "%u connections on %u CPUs, each sends %s %" PRIu32
		    " times; %" PRIu32 " pages a file%s, one every %" PRIu64
		    " us, held %" PRIu64 " us%s",
		    p->conns, p->cpus, choices[p->choice], p->sends, p->pages,
		    p->choice == CLAIM_ZIPF || p->choice == CLAIM_NEXT
			? " of many"
			: "",
		    p->gap_ns / 1000, p->hold_ns / 1000,
		    p->even ? "" : " on average");
	}
	free(sd.sum);
	free(sd.ev);
}

/* All operations of an open trace. */
static int
read_all(struct eph_claim_run *r, struct eph_trace *t, struct claim_stream *s)
{
	const struct eph_op *ops;
	size_t n;
	int error;

	while ((error = eph_trace_next(t, &ops, &n, r->err)) == 0 && n > 0) {
		for (size_t i = 0; i < n; i++)
			append(r, s, &ops[i]);
	}
	return (error);
}

bool
eph__claim_capture(struct eph_claim_run *r, struct claim_stream *s)
{
	const struct eph_trace_meta *meta;
	struct eph_trace *t;
	int error;

	memset(s, 0, sizeof(*s));
	if (r->error != 0 || r->cfg->trace == NULL)
		return (false);
	if ((error = eph_trace_open(r->cfg->trace, &t, r->err)) != 0) {
		eph__claim_error(r, error);
		return (false);
	}
	eph__claim_error(r, read_all(r, t, s));
	meta = eph_trace_meta(t);
	s->npages = (uint32_t)meta->unique_pages;
	s->cpus = meta->cpus;
	s->has_time = meta->duration_ns != 0;
	eph_trace_close(t);
	eph__claim_step(r, "capture %s", r->cfg->trace);
	return (r->error == 0);
}

static void
cs_where(void *arg, size_t i, char *buf, size_t size)
{
	const struct claim_stream *s = arg; /* its first member */

	(void)snprintf(buf, size, "%s: operation %zu", s->name, i + 1);
}

/* Read by one run at a time. */
struct eph_op_source
eph__claim_stream_source(struct claim_stream *s)
{
	struct eph_op_source src;

	s->read = (struct eph_op_array){ .op = s->ops, .n = s->n };
	src = eph_op_array_source(&s->read);
	src.where = cs_where;
	src.npages_hint = s->npages;
	src.has_time = s->has_time;
	return (src);
}
