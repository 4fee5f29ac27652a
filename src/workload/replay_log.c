/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The log of a replay.
 *
 *	12: m 0 7 3 private
 *	    CPU 0: miss: buffer 2, taken from frame 5
 *	    CPU 0: entry 0xffff800000003000: frame 5 -A -> frame 6
 *	    CPU 0: invlpg 0xffff800000003000
 *	    = miss 1, evict 1, pte_store 1, invlpg_local 1
 *
 * Frames are numbered in order of first sight; the line that first names a
 * page says which frame it is.
 */

#include "workload/replay_log.h"

#include <inttypes.h>
#include <string.h>

struct replay_log {
	struct eph_machine *mc;
	struct eph_op_source *src;
	FILE *out;
	uint64_t line;		    /* being played */
	struct eph_counters before; /* when its summary was last printed */
	uint32_t frames_named;	    /* frames below it have been introduced */
};

static const char *
log_flags(unsigned flags)
{
	static const char *const names[8] = {
		"",
		" private",
		" nowait",
		" private nowait",
		" catch",
		" private catch",
		" nowait catch",
		" private nowait catch",
	};

	return (names[flags & 7]);
}

static void
log_pte(FILE *out, eph_pte_t pte)
{
	if ((pte & EPH_PTE_V) == 0) {
		(void)fprintf(out, "not valid");
		return;
	}
	(void)fprintf(out, "frame %" PRIu32 "%s%s%s", EPH_PTE_FRAME(pte),
	    (pte & EPH_PTE_A) != 0 ? " accessed" : "",
	    (pte & EPH_PTE_M) != 0 ? " modified" : "",
	    (pte & EPH_PTE_RW) != 0 ? "" : " read-only");
}

static void
log_event_ipi(struct replay_log *log, const struct eph_event *ev)
{
	static const char *const what[] = {
		"to invalidate it",
		"to flush its TLB",
		"with a message",
	};

	if (ev->old != 0)
		(void)fprintf(log->out, "tells CPU %u through the hardware\n",
		    ev->target);
	else
		(void)fprintf(log->out, "interrupts CPU %u %s\n", ev->target,
		    what[ev->new < 3 ? ev->new : 2]);
}

/* A TLB forgets, an address or everything. */
static void
log_event_forget(FILE *out, const struct eph_event *ev)
{
	if (ev->kind == EPH_EV_INVLPG && ev->old != 0)
		(void)fprintf(out,
		    "invalidates %#" PRIx64 ", told by hardware\n", ev->va);
	else if (ev->kind == EPH_EV_FLUSH)
		(void)fprintf(out, "CPU %u flushes its TLB%s%s\n", ev->target,
		    ev->new != 0 ? ", global entries too" : "",
		    ev->old != 0 ? ", told by hardware" : "");
	else if (ev->target == ev->cpu)
		(void)fprintf(out, "invlpg %#" PRIx64 "\n", ev->va);
	else
		(void)fprintf(out,
		    "CPU %u executes invlpg %#" PRIx64 " for it\n", ev->target,
		    ev->va);
}

static void
log_event(void *arg, const struct eph_event *ev)
{
	struct replay_log *log = arg;
	FILE *out = log->out;

	/* A violation says more than a fault. */
	if (ev->kind == EPH_EV_LOCK || ev->kind == EPH_EV_ATOMIC ||
	    ev->kind == EPH_EV_FAULT)
		return;
	if (log->mc->step != log->line) {
		log->line = log->mc->step;
		(void)fprintf(out, "%" PRIu64 ": goes on\n", log->line);
	}
	(void)fprintf(out, "    CPU %u: ", ev->cpu);
	switch (ev->kind) {
	case EPH_EV_NOTE:
	case EPH_EV_VIOLATION:
		(void)fprintf(out, "%s\n", ev->text);
		break;
	case EPH_EV_PTE:
		(void)fprintf(out, "entry %#" PRIx64 ": ", ev->va);
		log_pte(out, ev->old);
		(void)fprintf(out, " -> ");
		log_pte(out, ev->new);
		(void)fputc('\n', out);
		break;
	case EPH_EV_INVLPG:
	case EPH_EV_FLUSH:
		log_event_forget(out, ev);
		break;
	case EPH_EV_IPI:
		log_event_ipi(log, ev);
		break;
	case EPH_EV_WALK:
		(void)fprintf(out,
		    ev->old == EPH_ACCESS_STORE_AGAIN
			? "store through a clean translation at %#" PRIx64
			  ", walks again: "
			: "TLB miss at %#" PRIx64 ", walks: ",
		    ev->va);
		log_pte(out, ev->new);
		(void)fputc('\n', out);
		break;
	case EPH_EV_HIT:
		(void)fprintf(out,
		    "TLB hit at %#" PRIx64 ", reaches frame %" PRIu64 "\n",
		    ev->va, ev->new);
		break;
	case EPH_EV_SLEEP:
		(void)fprintf(out, "sleeps on \"%s\"\n", ev->text);
		break;
	case EPH_EV_WAKEUP:
		(void)fprintf(out, "wakes the sleeper of CPU %u\n", ev->target);
		break;
	default:
		(void)fputc('\n', out);
		break;
	}
}

struct replay_log *
eph__replay_log_create(
    struct eph_machine *mc, struct eph_op_source *src, FILE *out)
{
	struct replay_log *log = eph_machine_alloc(mc, sizeof(*log));

	if (log == NULL)
		return (NULL);
	log->mc = mc;
	log->src = src;
	log->out = out;
	eph_machine_set_observer(mc, log_event, log);
	return (log);
}

void
eph__replay_log_destroy(struct replay_log *log)
{
	if (log == NULL)
		return;
	eph_machine_set_observer(log->mc, NULL, NULL);
	eph_machine_free(log->mc, log, sizeof(*log));
}

/* A page seen for the first time: which frame it got. */
static void
log_page(struct replay_log *log, const struct eph_op *op)
{
	if (op->page < log->frames_named)
		return;
	log->frames_named = op->page + 1;
	(void)fprintf(log->out, "    page %" PRIu64 " is frame %" PRIu32 "\n",
	    log->src->page_name(log->src->arg, op->page), op->page);
}

void
eph__replay_log_begin(struct replay_log *log, const struct eph_op *op, size_t i)
{
	static const char letters[EPH_OP_KINDS] = { 'm', 'k', 'r', 'w', 'u',
		'd', 'p' };
	struct eph_op_source *src = log->src;
	FILE *out = log->out;

	log->line = log->mc->step;
	(void)fprintf(out, "%" PRIu64 ": %c ", log->line, letters[op->kind]);
	switch (op->kind) {
	case EPH_OP_DELAY:
		(void)fprintf(out, "%" PRIu64 "\n", eph_op_delay_ns(op));
		break;
	case EPH_OP_REF:
		(void)fprintf(out, "%u %" PRIu64 "\n", op->cpu,
		    src->page_name(src->arg, op->page));
		log_page(log, op);
		break;
	case EPH_OP_MAP:
		(void)fprintf(out, "%u %" PRIu64 " %" PRIu64 "%s\n", op->cpu,
		    src->page_name(src->arg, op->page),
		    src->handle_name(src->arg, i), log_flags(op->flags));
		log_page(log, op);
		break;
	default:
		(void)fprintf(out, "%u %" PRIu64 "\n", op->cpu,
		    src->handle_name(src->arg, i));
		break;
	}
}

void
eph__replay_log_end(struct replay_log *log)
{
	struct eph_counters now, diff;
	const char *sep = "    = ";

	eph_machine_counters(log->mc, &now);
	eph_counters_sub(&diff, &now, &log->before);
	for (unsigned i = 0; eph_counter_name(i) != NULL; i++) {
		const uint64_t n = eph_counter_value(&diff, i);

		if (n == 0 || strcmp(eph_counter_name(i), "cycles") == 0)
			continue;
		(void)fprintf(
		    log->out, "%s%s %" PRIu64, sep, eph_counter_name(i), n);
		sep = ", ";
	}
	if (sep[0] == ',')
		(void)fputc('\n', log->out);
	log->before = now;
}
