/* SPDX-License-Identifier: BSD-2-Clause */

#include "log_json.h"

#include <inttypes.h>
#include <string.h>

#include "ephmap/sdk/machine.h"

static const char *
truth(bool yes)
{
	return (yes ? "true" : "false");
}

static void
put_text(FILE *out, const char *text)
{
	json_t *s = text != NULL ? json_string(text) : NULL;

	if (s == NULL) /* or not UTF-8 */
		s = json_null();
	(void)json_dumpf(s, out, JSON_ENCODE_ANY);
	json_decref(s);
}

static void
put_frame(const struct log_json *log, uint32_t frame)
{
	(void)fprintf(log->out, "\"frame\":%" PRIu32, frame);
	if (log->mc->page_name != NULL)
		(void)fprintf(log->out, ",\"page\":%" PRIu64,
		    log->mc->page_name(log->mc->page_name_arg, frame));
}

static void
put_entry(const struct log_json *log, const char *key, eph_pte_t pte)
{
	FILE *out = log->out;

	if ((pte & EPH_PTE_V) == 0) {
		(void)fprintf(out, ",\"%s\":null", key);
		return;
	}
	(void)fprintf(out, ",\"%s\":{", key);
	put_frame(log, EPH_PTE_FRAME(pte));
	(void)fprintf(out,
	    ",\"writable\":%s,\"accessed\":%s,\"modified\":%s,"
	    "\"global\":%s}",
	    truth((pte & EPH_PTE_RW) != 0), truth((pte & EPH_PTE_A) != 0),
	    truth((pte & EPH_PTE_M) != 0), truth((pte & EPH_PTE_G) != 0));
}

static void
put_va(FILE *out, eph_va_t va)
{
	(void)fprintf(out, ",\"va\":\"%#" PRIx64 "\"", va);
}

static void
put_access(const struct log_json *log, const struct eph_event *ev)
{
	static const char *const how[] = {
		[EPH_EV_HIT] = "hit",
		[EPH_EV_WALK] = "miss",
		[EPH_EV_FAULT] = "fault",
	};
	const bool again = ev->old == EPH_ACCESS_STORE_AGAIN;

	put_va(log->out, ev->va);
	(void)fprintf(log->out, ",\"tlb\":\"%s\"",
	    again ? "clean and outdated" : how[ev->kind]);
	if (ev->kind == EPH_EV_FAULT)
		return;
	(void)fputc(',', log->out);
	put_frame(log,
	    ev->kind == EPH_EV_HIT ? (uint32_t)ev->new
				   : EPH_PTE_FRAME(ev->new));
}

static void
put_ipi(FILE *out, const struct eph_event *ev)
{
	static const char *const what[] = { "invlpg", "flush", "call" };

	(void)fprintf(out, ",\"to\":%u,\"what\":\"%s\"", ev->target,
	    ev->old != 0 ? "hardware" : what[ev->new < 3 ? ev->new : 2]);
}

static const char *
event_word(const struct eph_event *ev)
{
	switch (ev->kind) {
	case EPH_EV_NOTE:
		return ("note");
	case EPH_EV_PTE:
		return ("pte");
	case EPH_EV_INVLPG:
		return ("invlpg");
	case EPH_EV_FLUSH:
		return ("flush");
	case EPH_EV_IPI:
		return ("ipi");
	case EPH_EV_WALK:
	case EPH_EV_HIT:
	case EPH_EV_FAULT:
		return (ev->old == EPH_ACCESS_LOAD ? "load" : "store");
	case EPH_EV_SLEEP:
		return ("sleep");
	case EPH_EV_WAKEUP:
		return ("wakeup");
	case EPH_EV_VIOLATION:
		return ("violation");
	default:
		return (NULL);
	}
}

static void
put_event(void *arg, const struct eph_event *ev)
{
	const struct log_json *log = arg;
	const char *word = event_word(ev);
	const bool forgets =
	    ev->kind == EPH_EV_INVLPG || ev->kind == EPH_EV_FLUSH;
	FILE *out = log->out;

	if (word == NULL)
		return;
	(void)fprintf(out, "{\"line\":%" PRIu64 ",\"event\":\"%s\",\"cpu\":%u",
	    log->mc->step, word, forgets ? ev->target : ev->cpu);
	switch (ev->kind) {
	case EPH_EV_PTE:
		put_va(out, ev->va);
		put_entry(log, "old", ev->old);
		put_entry(log, "new", ev->new);
		break;
	case EPH_EV_INVLPG:
		put_va(out, ev->va);
		(void)fprintf(out, ",\"executed\":%s", truth(ev->old == 0));
		break;
	case EPH_EV_FLUSH:
		(void)fprintf(out, ",\"global\":%s,\"executed\":%s",
		    truth(ev->new != 0), truth(ev->old == 0));
		break;
	case EPH_EV_IPI:
		put_ipi(out, ev);
		break;
	case EPH_EV_WALK:
	case EPH_EV_HIT:
	case EPH_EV_FAULT:
		put_access(log, ev);
		break;
	case EPH_EV_WAKEUP:
		(void)fprintf(out, ",\"of\":%u", ev->target);
		break;
	default:
		(void)fputs(",\"text\":", out);
		put_text(out, ev->text);
		break;
	}
	(void)fputs("}\n", out);
}

void
log_json_start(struct log_json *log, struct eph_machine *mc, FILE *out)
{
	*log = (struct log_json){ .out = out, .mc = mc };
	eph_machine_counters(mc, &log->before);
	eph_machine_set_observer(mc, put_event, log);
}

static void
put_flags(FILE *out, unsigned flags)
{
	if ((flags & EPH_OPF_PRIVATE) != 0)
		(void)fputs(",\"private\":true", out);
	if ((flags & EPH_OPF_NOWAIT) != 0)
		(void)fputs(",\"nowait\":true", out);
	if ((flags & EPH_OPF_CATCH) != 0)
		(void)fputs(",\"catch\":true", out);
}

static void
put_begin(FILE *out, const struct eph_run_moment *m)
{
	static const char letters[EPH_OP_KINDS] = { 'm', 'k', 'r', 'w', 'u',
		'd', 'p' };

	(void)fprintf(out,
	    "{\"line\":%" PRIu64 ",\"event\":\"begin\",\"op\":\"%c\"", m->line,
	    letters[m->kind]);
	if (m->kind == EPH_OP_DELAY) {
		(void)fprintf(out, ",\"ns\":%" PRIu64 "}\n", m->id);
		return;
	}
	(void)fprintf(out, ",\"cpu\":%u", m->cpu);
	if (m->kind == EPH_OP_MAP || m->kind == EPH_OP_REF)
		(void)fprintf(out, ",\"page\":%" PRIu64, m->id);
	if (m->kind != EPH_OP_REF)
		(void)fprintf(out, ",\"handle\":%" PRIu64, m->handle);
	put_flags(out, m->flags);
	(void)fputs("}\n", out);
}

static void
put_end(struct log_json *log, const struct eph_run_moment *m)
{
	struct eph_counters now, diff;
	const char *sep = "";

	eph_machine_counters(log->mc, &now);
	eph_counters_sub(&diff, &now, &log->before);
	log->before = now;
	(void)fprintf(log->out,
	    "{\"line\":%" PRIu64 ",\"event\":\"end\",\"counters\":{", m->line);
	for (unsigned i = 0; eph_counter_name(i) != NULL; i++) {
		const uint64_t n = eph_counter_value(&diff, i);

		if (n == 0 || strcmp(eph_counter_name(i), "cycles") == 0)
			continue;
		(void)fprintf(
		    log->out, "%s\"%s\":%" PRIu64, sep, eph_counter_name(i), n);
		sep = ",";
	}
	(void)fputs("}}\n", log->out);
}

void
log_json_moment(
    void *log, struct eph_machine *mc, const struct eph_run_moment *m)
{
	const struct log_json *l = log;

	(void)mc;
	if (m->begins)
		put_begin(l->out, m);
	else
		put_end(log, m);
}

void
log_json_result(struct log_json *log, json_t *result)
{
	json_t *line = json_object();

	json_object_set_new(line, "event", json_string("result"));
	json_object_set_new(line, "result", result);
	(void)json_dumpf(
	    line, log->out, JSON_COMPACT | JSON_REAL_PRECISION(12));
	(void)fputc('\n', log->out);
	json_decref(line);
}
