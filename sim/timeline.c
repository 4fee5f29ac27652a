/* SPDX-License-Identifier: BSD-2-Clause */

#include "text.h"
#include "timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_PROTOBUF_C
#include <timeline.pb-c.h> /* generated */
#endif
#include "table.h"
#include "whole_file.h"

#include "ephmap/explore.h"
#include "ephmap/sdk/clock.h"
#include "ephmap/sdk/machine.h"

#ifndef HAVE_PROTOBUF_C

int
timeline_open(const char *path, const char *name, unsigned ncpus, unsigned mhz,
    struct timeline **tp, struct eph_err *err)
{
	(void)path, (void)name, (void)ncpus, (void)mhz, (void)tp;
	return (eph_err_set(err, ENOTSUP,
	    "--timeline: this ephmap was built without protobuf-c (Debian: "
	    "libprotobuf-c-dev and protobuf-c-compiler)"));
}

int
timeline_close(struct timeline *t, bool keep, struct eph_err *err)
{
	(void)t, (void)keep, (void)err;
	return (0);
}

void
timeline_warn(const struct timeline *t, const char *command)
{
	(void)t, (void)command;
}

void
timeline_moment(void *t, struct eph_machine *mc, const struct eph_run_moment *m)
{
	(void)t, (void)mc, (void)m;
}

void
timeline_event(void *t, const struct eph_event *ev)
{
	(void)t, (void)ev;
}

void
timeline_thread_event(void *t, const struct eph_event *ev, unsigned thread)
{
	(void)t, (void)ev, (void)thread;
}

#else

#define BYTES_MAX (64u << 20) /* of a file; Perfetto takes it in seconds */
#define LANES	  16u	      /* sleepers, or windows, of a CPU at once */
#define THREADS	  32u
#define FLOWS	  256u		      /* interrupts under way */
#define NOBODY	  (EPH_NO_THREAD - 1) /* the CPU's only thread */
#define STEP	  1000u /* nanoseconds of an event without clocks */
#define NAME_LEN  160

enum { ON_CPU, IN_HANDLER, ASLEEP, OUTDATED, OF_THREAD }; /* kinds of tracks */

struct track {
	uint64_t uuid; /* 0: not yet declared */
	uint64_t last;
};

struct lane {
	struct track track;
	bool busy;
	uint64_t key; /* the line that sleeps, or the address */
};

struct cpu {
	struct track track;
	struct track handler;
	struct track thread[THREADS]; /* of explore */
	struct lane asleep[LANES];
	struct lane outdated[LANES];
	bool open; /* a slice of an operation */
	uint64_t line;
	uint64_t flushes; /* translations from before are gone */
};

/* A translation that a CPU has loaded. */
struct held {
	eph_va_t va; /* 0: free */
	unsigned cpu;
	bool gone;
	uint64_t flushes; /* of the CPU, when it was loaded */
};

struct flow {
	uint64_t id; /* 0: none */
	unsigned from, to;
	eph_va_t va;
	bool call;
};

struct timeline {
	struct whole_file file;
	char *path;
	int error;
	uint64_t bytes;
	uint64_t lost, lost_line; /* events behind the end of the file */
	uint64_t crowded;	  /* that found no lane */
	uint64_t tick;
	uint64_t line;
	unsigned mhz; /* 0: no clocks */
	unsigned ncpus;
	struct eph_machine *mc;
	struct cpu *cpu;
	struct flow flow[FLOWS];
	uint64_t nflows;
	struct held *held; /* by address and CPU */
	size_t held_n, held_size;
};

typedef Perfetto__Protos__TracePacket packet;
typedef Perfetto__Protos__TrackEvent track_event;

/* -- the file ------------------------------------------------------------ */

/* A trace is packets one after another, so each can be a trace. */
static void
put_packet(struct timeline *t, packet *p)
{
	Perfetto__Protos__Trace trace = PERFETTO__PROTOS__TRACE__INIT;
	uint8_t buf[1024];
	size_t n;

	trace.n_packet = 1;
	trace.packet = &p;
	p->has_trusted_packet_sequence_id = true;
	p->trusted_packet_sequence_id = 1;
	n = perfetto__protos__trace__get_packed_size(&trace);
	if (n > sizeof(buf))
		return;
	(void)perfetto__protos__trace__pack(&trace, buf);
	if (fwrite(buf, 1, n, t->file.f) != n && t->error == 0)
		t->error = errno;
	t->bytes += n;
}

static void
declare(struct timeline *t, struct track *k, uint64_t uuid, uint64_t parent,
    const char *name)
{
	Perfetto__Protos__TrackDescriptor d =
	    PERFETTO__PROTOS__TRACK_DESCRIPTOR__INIT;
	packet p = PERFETTO__PROTOS__TRACE_PACKET__INIT;

	d.has_uuid = true;
	d.uuid = k->uuid = uuid;
	d.has_parent_uuid = parent != 0;
	d.parent_uuid = parent;
	d.name = (char *)(uintptr_t)name;
	p.track_descriptor = &d;
	put_packet(t, &p);
}

/* The track of a CPU, declared when it is first used. */
static struct track *
track_of(struct timeline *t, unsigned cpu, unsigned kind, unsigned i)
{
	static const char *const names[] = { "", ": handlers", ": sleepers",
		": outdated translations", ": thread " };
	static const char letters[THREADS + 1] =
	    "abcdefghijklmnopqrstuvwxyz{|}~#$";
	struct cpu *c = &t->cpu[cpu];
	struct track *k = kind == ON_CPU ? &c->track
	    : kind == IN_HANDLER	 ? &c->handler
	    : kind == ASLEEP		 ? &c->asleep[i].track
	    : kind == OUTDATED		 ? &c->outdated[i].track
					 : &c->thread[i];
	const uint64_t uuid =
	    ((uint64_t)cpu + 1) << 16 | (uint64_t)kind << 8 | i;
	char name[64];

	if (k->uuid == 0) {
		(void)snprintf(name, sizeof(name), "CPU %u%s%.*s", cpu,
		    names[kind], kind == OF_THREAD, &letters[i]);
		declare(t, k, uuid, 1, name);
	}
	return (k);
}

/* Time on a CPU: its clock's, or events counted. */
static uint64_t
time_on(struct timeline *t, unsigned cpu)
{
	struct eph_time_cpu tc;
	uint64_t cycles = 0;

	if (t->mhz == 0)
		return (t->tick += STEP);
	eph_clock_cpu(t->mc, cpu, &tc);
	for (unsigned i = 0; i < EPH_CYCLES_N; i++)
		cycles += tc.cycles[i];
	return (cycles * 1000 / t->mhz);
}

/* Nothing begins when the file is full; what is open may end. */
static bool
is_full(struct timeline *t)
{
	if (t->bytes < BYTES_MAX)
		return (false);
	if (t->lost++ == 0)
		t->lost_line = t->line;
	return (true);
}

static void
put_event(struct timeline *t, struct track *k, uint64_t at, int type,
    const char *name, uint64_t flow, bool ends)
{
	track_event e = PERFETTO__PROTOS__TRACK_EVENT__INIT;
	packet p = PERFETTO__PROTOS__TRACE_PACKET__INIT;

	k->last = at > k->last ? at : k->last;
	e.has_type = true;
	e.type = (Perfetto__Protos__TrackEvent__Type)type;
	e.has_track_uuid = true;
	e.track_uuid = k->uuid;
	e.name = (char *)(uintptr_t)name;
	if (flow != 0 && ends) {
		e.n_terminating_flow_ids = 1;
		e.terminating_flow_ids = &flow;
	} else if (flow != 0) {
		e.n_flow_ids = 1;
		e.flow_ids = &flow;
	}
	p.has_timestamp = true;
	p.timestamp = k->last;
	p.track_event = &e;
	put_packet(t, &p);
}

#define BEGIN	PERFETTO__PROTOS__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN
#define END	PERFETTO__PROTOS__TRACK_EVENT__TYPE__TYPE_SLICE_END
#define INSTANT PERFETTO__PROTOS__TRACK_EVENT__TYPE__TYPE_INSTANT

/* -- lanes --------------------------------------------------------------- */

/* Slices that overlap stand on tracks of their own. */
static void
lane_begin(struct timeline *t, unsigned cpu, unsigned kind, uint64_t key,
    const char *name)
{
	struct lane *lane =
	    kind == ASLEEP ? t->cpu[cpu].asleep : t->cpu[cpu].outdated;
	unsigned i = 0;

	while (i < LANES && lane[i].busy)
		i++;
	t->crowded += i == LANES;
	if (i == LANES || is_full(t))
		return;
	lane[i].busy = true;
	lane[i].key = key;
	put_event(t, track_of(t, cpu, kind, i), time_on(t, cpu), BEGIN, name, 0,
	    false);
}

/* End the slice of that key, or all. */
static void
lane_end(
    struct timeline *t, unsigned cpu, unsigned kind, bool all, uint64_t key)
{
	struct lane *lane =
	    kind == ASLEEP ? t->cpu[cpu].asleep : t->cpu[cpu].outdated;

	for (unsigned i = 0; i < LANES; i++) {
		if (!lane[i].busy || (!all && lane[i].key != key))
			continue;
		lane[i].busy = false;
		put_event(t, track_of(t, cpu, kind, i), time_on(t, cpu), END,
		    NULL, 0, false);
	}
}

/* -- who holds which translation ------------------------------------------ */

static struct held *
held_find(struct timeline *t, eph_va_t va, unsigned cpu)
{
	size_t i =
	    (size_t)((va >> 12) * 1024 + cpu) * 0x9e3779b97f4a7c15ull >> 20;

	for (i &= t->held_size - 1; t->held[i].va != 0;
	     i = (i + 1) & (t->held_size - 1)) {
		if (t->held[i].va == va && t->held[i].cpu == cpu)
			break;
	}
	return (&t->held[i]);
}

static void
held_grow(struct timeline *t)
{
	struct held *old = t->held;
	const size_t n = t->held_size;

	t->held_size = n == 0 ? 1024 : n * 2;
	t->held = must_alloc(NULL, t->held_size, sizeof(*t->held));
	memset(t->held, 0, t->held_size * sizeof(*t->held));
	for (size_t i = 0; i < n; i++) {
		if (old[i].va != 0)
			*held_find(t, old[i].va, old[i].cpu) = old[i];
	}
	free(old);
}

/* A walk loaded it. */
static void
hold(struct timeline *t, eph_va_t va, unsigned cpu)
{
	struct held *h;

	if (2 * t->held_n >= t->held_size)
		held_grow(t);
	h = held_find(t, va, cpu);
	t->held_n += h->va == 0;
	*h = (struct held){ va, cpu, false, t->cpu[cpu].flushes };
}

static void
drop(struct timeline *t, eph_va_t va, unsigned cpu)
{
	if (t->held_size > 0)
		held_find(t, va, cpu)->gone = true;
	lane_end(t, cpu, OUTDATED, false, va);
}

/* An entry that was valid is another now: who loaded it is outdated. */
static void
outdate(struct timeline *t, const struct eph_event *ev)
{
	char name[NAME_LEN];

	if ((ev->old & EPH_PTE_V) == 0 || t->held_size == 0 ||
	    ((ev->new &EPH_PTE_V) != 0 &&
		EPH_PTE_FRAME(ev->old) == EPH_PTE_FRAME(ev->new)))
		return;
	(void)snprintf(name, sizeof(name), "%#" PRIx64 " still frame %" PRIu32,
	    ev->va, EPH_PTE_FRAME(ev->old));
	for (unsigned c = 0; c < t->ncpus; c++) {
		const struct held *h = held_find(t, ev->va, c);

		if (h->va != 0 && !h->gone && h->flushes == t->cpu[c].flushes)
			lane_begin(t, c, OUTDATED, ev->va, name);
	}
}

/* -- interrupts ---------------------------------------------------------- */

static uint64_t
flow_begin(struct timeline *t, const struct eph_event *ev)
{
	struct flow *f = &t->flow[t->nflows++ % FLOWS];

	*f = (struct flow){ t->nflows, ev->cpu, ev->target, ev->va,
		ev->new > 1 };
	return (f->id);
}

/* The interrupt that this is the handling of; 0: none that is known. */
static uint64_t
flow_end(struct timeline *t, const struct eph_event *ev, bool handler)
{
	struct flow *best = NULL;
	uint64_t id;

	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow *f = &t->flow[i];

		if (f->id == 0 || f->to != ev->target ||
		    (ev->cpu != ev->target && f->from != ev->cpu) ||
		    (!f->call && f->va != ev->va) ||
		    (ev->cpu == ev->target && !handler && !f->call))
			continue;
		if (best == NULL || f->id < best->id)
			best = f;
	}
	if (best == NULL)
		return (0);
	id = best->id;
	best->id = 0;
	return (id);
}

/* A CPU invalidates: for itself, or as the handler of an interrupt. */
static void
put_invalidation(
    struct timeline *t, const struct eph_event *ev, unsigned thread)
{
	const uint64_t flow = flow_end(t, ev, thread == EPH_NO_THREAD);
	const bool handler =
	    flow != 0 || ev->cpu != ev->target || thread == EPH_NO_THREAD;
	struct track *k = handler ? track_of(t, ev->target, IN_HANDLER, 0)
	    : thread < THREADS	  ? track_of(t, ev->target, OF_THREAD, thread)
				  : track_of(t, ev->target, ON_CPU, 0);
	const uint64_t at = time_on(t, ev->target);
	char name[NAME_LEN];

	if (ev->kind == EPH_EV_INVLPG)
		(void)snprintf(name, sizeof(name), "invlpg %#" PRIx64, ev->va);
	else
		(void)snprintf(name, sizeof(name), "flush%s",
		    ev->new != 0 ? ", global entries too" : "");
	if (is_full(t)) {
		/* What it ends, still ends. */
	} else if (handler) {
		put_event(t, k, at, BEGIN, name, flow, true);
		put_event(t, k, k->last + STEP / 2, END, NULL, 0, false);
	} else {
		put_event(t, k, at, INSTANT, name, 0, false);
	}
	if (ev->kind == EPH_EV_INVLPG) {
		drop(t, ev->va, ev->target);
	} else {
		t->cpu[ev->target].flushes++;
		lane_end(t, ev->target, OUTDATED, true, 0);
	}
}

/* -- events -------------------------------------------------------------- */

/* What an event is called; false: it has no place. */
static bool
event_name(const struct eph_event *ev, char *to, size_t n)
{
	switch (ev->kind) {
	case EPH_EV_NOTE:
	case EPH_EV_VIOLATION:
		(void)snprintf(to, n, "%s", ev->text);
		return (true);
	case EPH_EV_PTE:
		if ((ev->new &EPH_PTE_V) != 0)
			(void)snprintf(to, n,
			    "entry %#" PRIx64 ": frame %" PRIu32, ev->va,
			    EPH_PTE_FRAME(ev->new));
		else
			(void)snprintf(
			    to, n, "entry %#" PRIx64 ": not valid", ev->va);
		return (true);
	case EPH_EV_IPI:
		(void)snprintf(to, n, "%s CPU %u",
		    ev->old != 0 ? "tells by hardware" : "interrupts",
		    ev->target);
		return (true);
	case EPH_EV_WALK:
		(void)snprintf(to, n, "TLB miss %#" PRIx64 ": frame %" PRIu32,
		    ev->va, EPH_PTE_FRAME(ev->new));
		return (true);
	case EPH_EV_HIT:
		(void)snprintf(to, n, "TLB hit %#" PRIx64 ": frame %" PRIu64,
		    ev->va, ev->new);
		return (true);
	case EPH_EV_SLEEP:
		(void)snprintf(to, n, "sleeps on \"%s\"", ev->text);
		return (true);
	case EPH_EV_WAKEUP:
		(void)snprintf(
		    to, n, "wakes the sleeper of CPU %u", ev->target);
		return (true);
	case EPH_EV_LOCK:
		(void)snprintf(
		    to, n, "%s %s", ev->new != 0 ? "lock" : "unlock", ev->text);
		return (true);
	case EPH_EV_ATOMIC:
		(void)snprintf(to, n, "%s (%" PRIu64 " -> %" PRIu64 ")",
		    ev->text, ev->old, ev->new);
		return (true);
	default:
		return (false);
	}
}

/* A lock is a slice from its taking to its release. */
static int
event_type(const struct eph_event *ev)
{
	if (ev->kind != EPH_EV_LOCK)
		return (INSTANT);
	return (ev->new != 0 ? BEGIN : END);
}

/* An operation that sleeps leaves its CPU to others. */
static void
fall_asleep(struct timeline *t, unsigned cpu, const char *name)
{
	struct cpu *c = &t->cpu[cpu];

	if (!c->open)
		return;
	put_event(t, track_of(t, cpu, ON_CPU, 0), time_on(t, cpu), END, NULL, 0,
	    false);
	c->open = false;
	lane_begin(t, cpu, ASLEEP, c->line, name);
}

void
timeline_thread_event(void *arg, const struct eph_event *ev, unsigned thread)
{
	struct timeline *t = arg;
	char name[NAME_LEN];
	struct track *k;
	uint64_t flow = 0;

	if (ev->kind == EPH_EV_INVLPG || ev->kind == EPH_EV_FLUSH) {
		put_invalidation(t, ev, thread);
		return;
	}
	if (!event_name(ev, name, sizeof(name)))
		return;
	if (ev->kind == EPH_EV_WALK)
		hold(t, ev->va, ev->cpu);
	if (ev->kind == EPH_EV_PTE)
		outdate(t, ev);
	if (ev->kind == EPH_EV_IPI)
		flow = flow_begin(t, ev);
	if (!is_full(t)) {
		k = thread == EPH_NO_THREAD
		    ? track_of(t, ev->cpu, IN_HANDLER, 0)
		    : thread < THREADS ? track_of(t, ev->cpu, OF_THREAD, thread)
				       : track_of(t, ev->cpu, ON_CPU, 0);
		put_event(t, k, time_on(t, ev->cpu), event_type(ev), name, flow,
		    false);
	}
	if (ev->kind == EPH_EV_SLEEP && thread == NOBODY)
		fall_asleep(t, ev->cpu, name);
}

void
timeline_event(void *arg, const struct eph_event *ev)
{
	/* The words of --log say more than a picture needs. */
	if (ev->kind != EPH_EV_LOCK && ev->kind != EPH_EV_ATOMIC)
		timeline_thread_event(arg, ev, NOBODY);
}

static void
end_moment(struct timeline *t, const struct eph_run_moment *m)
{
	struct cpu *c = &t->cpu[m->cpu];

	if (!c->open || c->line != m->line) {
		lane_end(t, m->cpu, ASLEEP, false, m->line);
		return;
	}
	c->open = false;
	put_event(t, track_of(t, m->cpu, ON_CPU, 0), time_on(t, m->cpu), END,
	    NULL, 0, false);
}

void
timeline_moment(
    void *arg, struct eph_machine *mc, const struct eph_run_moment *m)
{
	static const char *const words[EPH_OP_KINDS] = { "map page",
		"ask for the address of", "read through", "write through",
		"unmap", "", "map, touch and unmap page" };
	struct timeline *t = arg;
	char name[NAME_LEN];

	t->mc = mc;
	t->line = m->line;
	if (m->kind == EPH_OP_DELAY) {
		if (m->begins)
			t->tick += t->mhz == 0 ? m->id : 0;
		return;
	}
	if (!m->begins) {
		end_moment(t, m);
		return;
	}
	if (is_full(t))
		return;
	(void)snprintf(name, sizeof(name), "%s %" PRIu64 ", line %" PRIu64,
	    words[m->kind], m->id, m->line);
	put_event(t, track_of(t, m->cpu, ON_CPU, 0), time_on(t, m->cpu), BEGIN,
	    name, 0, false);
	t->cpu[m->cpu].open = true;
	t->cpu[m->cpu].line = m->line;
}

/* -- begin and end ------------------------------------------------------- */

int
timeline_open(const char *path, const char *name, unsigned ncpus, unsigned mhz,
    struct timeline **tp, struct eph_err *err)
{
	struct timeline *t = must_alloc(NULL, 1, sizeof(*t));
	struct track all;
	int error;

	memset(t, 0, sizeof(*t));
	t->path = must_copy(path, strlen(path));
	if ((error = whole_file_open(&t->file, t->path, err)) != 0) {
		free(t->path);
		free(t);
		return (error);
	}
	t->mhz = mhz;
	t->ncpus = ncpus;
	t->cpu = must_alloc(NULL, ncpus, sizeof(*t->cpu));
	memset(t->cpu, 0, ncpus * sizeof(*t->cpu));
	declare(t, &all, 1, 0, name);
	*tp = t;
	return (0);
}

/* What is open when the run ends, ends with it. */
static void
end_all(struct timeline *t)
{
	for (unsigned c = 0; c < t->ncpus; c++) {
		struct cpu *cpu = &t->cpu[c];

		for (unsigned kind = ASLEEP; kind <= OUTDATED; kind++) {
			struct lane *lane =
			    kind == ASLEEP ? cpu->asleep : cpu->outdated;

			for (unsigned i = 0; i < LANES; i++) {
				if (lane[i].busy)
					put_event(t, &lane[i].track,
					    t->tick + STEP, END, NULL, 0,
					    false);
			}
		}
		if (cpu->open)
			put_event(t, &cpu->track, t->tick + STEP, END, NULL, 0,
			    false);
	}
}

int
timeline_close(struct timeline *t, bool keep, struct eph_err *err)
{
	int error;

	if (keep)
		end_all(t);
	error = whole_file_close(&t->file, keep, t->error, err);
	free(t->path);
	free(t->held);
	free(t->cpu);
	free(t);
	return (error);
}

void
timeline_warn(const struct timeline *t, const char *command)
{
	char lost[NUMBER_MAX], line[NUMBER_MAX];

	if (t->lost > 0)
		text_note(
		    "%s: %s ends at line %s of the trace, where it has %u MiB: "
		    "%s later events are left out; the counts are of all",
		    command, t->path, number_u64(line, t->lost_line),
		    BYTES_MAX >> 20, number_u64(lost, t->lost));
	if (t->crowded > 0)
		text_note("%s: %s: %s sleepers or outdated translations had no "
			  "track: a CPU has %u of each",
		    command, t->path, number_u64(lost, t->crowded), LANES);
}

#endif /* HAVE_PROTOBUF_C */
