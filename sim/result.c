/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What is derived from counters stands in one list, DERIVED, and what a
 * workload left behind in another, WORK; every view expands from them.
 */

#include "result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "costs.h"
#include "table.h"

#include "ephmap/version.h"

double
per_map(const struct eph_counters *c, uint64_t events)
{
	if (c->map_calls == 0)
		return (NAN);
	return ((double)events / (double)c->map_calls);
}

double
hit_ratio(const struct eph_counters *c)
{
	const double hits = (double)(c->hit_active + c->hit_inactive);
	const double all = hits + (double)c->miss;

	return (all > 0 ? hits / all : NAN);
}

double
price_of(const struct point *p)
{
	const struct eph_counters *c = &p->res->counters;

	return (per_map(c, c->cycles) * 1000 / p->cfg.model->mhz);
}

/* X(key, value of result r, meaning) */
/* clang-format off */
#define DERIVED(X)                                                             \
	X(hit_ratio, value_real(hit_ratio(&r->counters)),                            \
	    "of the maps that got a mapping, those that found one")            \
	X(cycles_per_map, value_real(per_map(&r->counters, r->counters.cycles)),     \
	    "modelled cycles, by the cost profile")                            \
	X(buffers_mean, value_real(r->buffers_mean),                                 \
	    "mappings in use at once, mean over the trace")                    \
	X(buffers_peak, value_whole(r->buffers_peak),                                \
	    "mappings in use at once, at most")                                \
	X(sleepers_peak, value_whole(r->sleepers_peak),                              \
	    "maps that slept at once, at most")                                \
	X(asleep, value_whole(r->asleep),                                            \
	    "maps that still sleep when the trace ends")                       \
	X(held_at_end, value_whole(r->held_at_end),                                  \
	    "handles that the trace never unmaps")                             \
	X(ipiq_kick, value_whole(r->ipiq_kick),                                      \
	    "interrupts because an IPI queue was half full")                   \
	X(wires_leaked, value_whole(r->wires_leaked),                                \
	    "wirings of pages that will not be undone")                        \
	X(kva_peak_pages, value_whole(r->kva_peak_pages),                            \
	    "pages of kernel address space in use, at most")                   \
	X(operations, value_whole(r->lines),                                         \
	    "operations of the trace that were played")                        \
	X(references, value_whole(r->references),                                    \
	    "maps that the trace asks for")                                    \
	X(violations_total, value_whole(r->violations_total),                        \
	    "stale or impossible uses")                                        \
	X(memory_bytes, value_whole(r->memory_bytes),                                \
	    "bytes of the host that machine and design take")
/* clang-format on */

/* The axes, which stand at the top and in the configuration. */
static void
add_axes(struct record *r, const char *object, const struct setup *s,
    const struct point *p)
{
	const struct eph_run_config *cfg = &p->cfg;

	record_add(r, object, "design", NULL, value_text(cfg->design->name));
	record_add(r, object, "policy", NULL, value_text(point_policy(p)));
	if (object != NULL)
		record_add(r, object, "policy_params", NULL,
		    value_text(cfg->policy_params));
	record_add(
	    r, object, "shootdown", NULL, value_text(point_shootdown(p)));
	record_add(r, object, "machine", NULL, value_text(cfg->machine));
	record_add(r, object, "tlb", NULL, value_text(point_tlb(p)));
	record_add(r, object, "executor", NULL,
	    value_text(opt_choice(executor, s->o->executor)));
	record_add(r, object, "cpus", NULL, value_whole(cfg->cpus));
	record_add(r, object, "nbufs", NULL,
	    point_has_nbufs(p) ? value_whole(cfg->nbufs) : value_none());
	record_add(r, object, "seed", NULL, value_whole(cfg->seed));
}

static void
add_config(struct record *r, const struct setup *s, const struct point *p)
{
	static const char config[] = "config";
	const struct eph_run_config *cfg = &p->cfg;
	const struct hold held = { cfg->hold_ns, cfg->hold_refs };
	char version[32], flags[64], hold[HOLD_TEXT];

	(void)snprintf(version, sizeof(version), "%d.%d.%d",
	    EPHMAP_VERSION_MAJOR, EPHMAP_VERSION_MINOR, EPHMAP_VERSION_PATCH);
	(void)flags_text(cfg->flags, flags);
	(void)hold_text(&held, hold);
	record_add(r, config, "ephmap", NULL,
	    value_text(record_own(r, must_copy(version, strlen(version)))));
	add_axes(r, config, s, p);
	record_add(r, config, "touch", NULL,
	    value_text(opt_choice(touch, cfg->touch)));
	record_add(r, config, "hold", NULL,
	    cfg->hold_refs == 0
		? value_whole(cfg->hold_ns)
		: value_text(record_own(r, must_copy(hold, strlen(hold)))));
	record_add(r, config, "flags", NULL,
	    value_text(record_own(r, must_copy(flags, strlen(flags)))));
	record_add(r, config, "plugin", NULL,
	    value_text(record_own(r, plugins_files(&s->o->plugin))));
	record_add(r, config, "trace", NULL, value_text(s->trace));
	/* In a database the input's name says it. */
	if (s->warmup > 0 && !s->sweep)
		record_add(r, config, "warmup", NULL, value_whole(s->warmup));
	if (s->spread != EPH_SPREAD_NONE && !s->sweep)
		record_add(r, config, "cpu_of", NULL, value_text(s->o->spread));
	if (s->workload != NULL)
		record_add(
		    r, config, "workload", NULL, value_text(s->workload));
	for (unsigned i = 0; cost_name(i) != NULL; i++) {
		/* From here on, prices that only clocks ask for. */
		if (strcmp(cost_name(i), "ipi_deliver") == 0 &&
		    cfg->time == NULL)
			break;
		record_add(r, "config.costs", cost_name(i), NULL,
		    value_whole(cost_value(&p->costs, i)));
	}
}

void
result_counters(struct record *r, const struct eph_counters *c)
{
	for (unsigned i = 0; eph_counter_name(i) != NULL; i++)
		record_add(r, "counters", eph_counter_name(i),
		    eph_counter_desc(i), value_whole(eph_counter_value(c, i)));
}

void
result_derived(struct record *rec, const struct eph_run_result *r)
{
#define DERIVED_FIELD(key, value, meaning)                                     \
	record_add(rec, "derived", #key, meaning, value);
	DERIVED(DERIVED_FIELD)
#undef DERIVED_FIELD
}

static void
add_rates(struct record *r, const struct eph_counters *c)
{
	for (unsigned i = 0; eph_counter_name(i) != NULL; i++)
		record_add(r, "derived.events_per_map", eph_counter_name(i),
		    NULL, value_real(per_map(c, eph_counter_value(c, i))));
}

/* Cycles in nanoseconds. */
static struct value
value_ns(const struct eph_time *t, uint64_t cycles)
{
	return (value_real((double)cycles * 1000 / t->mhz));
}

/* X(key, value of time t, meaning) */
/* clang-format off */
#define TIME(X)                                                                \
	X(maps_per_second, value_real(eph_time_rate(t)),                       \
	    "maps that returned a simulated second, of all CPUs")              \
	X(elapsed_ns, value_ns(t, t->elapsed),                                 \
	    "simulated nanoseconds until the last CPU ended")                  \
	X(map_p50_ns, value_ns(t, t->map.p50), "a map, half are quicker")      \
	X(map_p90_ns, value_ns(t, t->map.p90), "9 of 10 are")                  \
	X(map_p99_ns, value_ns(t, t->map.p99), "99 of 100 are")                \
	X(map_p999_ns, value_ns(t, t->map.p999), "999 of 1,000 are")           \
	X(map_max_ns, value_ns(t, t->map.max), "the slowest")                  \
	X(unmap_p50_ns, value_ns(t, t->unmap.p50), "an unmap, half are quicker")       \
	X(unmap_p90_ns, value_ns(t, t->unmap.p90), "9 of 10 are")                       \
	X(unmap_p99_ns, value_ns(t, t->unmap.p99), "99 of 100 are")                       \
	X(unmap_p999_ns, value_ns(t, t->unmap.p999), "999 of 1,000 are")                     \
	X(unmap_max_ns, value_ns(t, t->unmap.max), "the slowest")                       \
	X(total_cycles, value_whole((uint64_t)t->cpus * t->elapsed),           \
	    "of all CPUs; the sum of those below")
/* clang-format on */

void
result_time(struct record *r, const struct eph_time *t)
{
#define TIME_FIELD(key, value, meaning)                                        \
	record_add(r, "time", #key, meaning, value);
	TIME(TIME_FIELD)
#undef TIME_FIELD
	for (unsigned i = 0; eph_cycles_name(i) != NULL; i++)
		record_add(r, "time.cycles", eph_cycles_name(i),
		    eph_cycles_desc(i), value_whole(t->cycles[i]));
}

/* X(key, meaning): what a workload did, and what it left behind */
/* clang-format off */
#define WORK(X)                                                                \
	X(operations, "operations, as `ephmap list workloads' names them")     \
	X(failures, "of these, ended with an error")                           \
	X(bytes, "bytes that arrived")                                         \
	X(checked, "streams compared by checksum")                             \
	X(corrupt, "of these, not what was sent")                              \
	X(asleep, "threads that sleep for ever")                               \
	X(map_sleeps, "times a map slept for a buffer")                        \
	X(map_spurious, "of these, woken for nothing")                         \
	X(map_asleep, "maps that never ended")                                 \
	X(maps_left, "mappings that were not freed")                           \
	X(wires_left, "wirings that were not undone")                          \
	X(wires_of_design, "of these, leaked by the design as shipped")        \
	X(wires_of_history, "of these, leaked by the consumer as shipped")     \
	X(holds_left, "page holds that were not undone")                       \
	X(pages_left, "pages that did not become free")                        \
	X(mbufs_left, "mbufs, clusters and tags not freed")                    \
	X(bytes_left, "bytes of the machine not given back")
/* clang-format on */

/* What a second of simulated time saw. */
static void
add_work_rates(struct record *r, const struct eph_time *t,
    const struct eph_work_result *wr)
{
	const double seconds = (double)t->elapsed / (t->mhz * 1e6);

	record_add(r, "work", "operations_per_second", "of simulated time",
	    value_real((double)wr->operations / seconds));
	record_add(r, "work", "bytes_per_second", "of simulated time",
	    value_real((double)wr->bytes / seconds));
}

void
result_work(struct record *r, const struct eph_time *t,
    const struct eph_work_result *wr)
{
#define WORK_FIELD(key, meaning)                                               \
	record_add(r, "work", #key, meaning, value_whole(wr->key));
	WORK(WORK_FIELD)
#undef WORK_FIELD
	if (t->on)
		add_work_rates(r, t, wr);
	record_add(
	    r, "work", "facts", NULL, (struct value){ .kind = VALUE_EMPTY });
	for (unsigned i = 0; i < wr->nfacts; i++)
		record_add(r, "work.facts", wr->fact[i].name,
		    "of this workload", value_whole(wr->fact[i].value));
}

static void
add_violations(struct record *r, const struct eph_run_result *res)
{
	const char **text =
	    must_alloc(NULL, res->violations + 1, sizeof(*text));

	for (unsigned i = 0; i < res->violations; i++)
		text[i] = res->violation[i].text;
	record_add(r, NULL, "violations", NULL,
	    value_names(record_own(r, text), res->violations));
}

void
result_record(struct record *r, const struct setup *s, const struct point *p)
{
	add_axes(r, NULL, s, p);
	record_add(r, NULL, "trace", NULL, value_text(s->trace));
	add_config(r, s, p);
	if (p->status != 0) {
		record_add(r, NULL, "refused", NULL, value_text(p->err.text));
		return;
	}
	result_counters(r, &p->res->counters);
	result_derived(r, p->res);
	add_rates(r, &p->res->counters);
	if (p->res->time.on)
		result_time(r, &p->res->time);
	if (s->workload != NULL)
		record_add(r, NULL, "workload", NULL, value_text(s->workload));
	if (p->work != NULL)
		result_work(r, &p->res->time, p->work);
	add_violations(r, p->res);
	if (p->work != NULL)
		record_add(r, NULL, "failed", NULL,
		    value_text(p->unsound ? p->err.text : NULL));
}

/* A key of the flat form, and its value where there is one. */
static void
add_flat(struct record *r, const struct record *from, const char *object,
    const char *key)
{
	const struct field *f = record_find(from, object, key);

	record_add(r, NULL, key, NULL, f != NULL ? f->value : value_none());
}

void
result_flat(struct record *r, const struct record *from, bool timed)
{
	static const char *const axes[] = { "design", "policy", "shootdown",
		"machine", "tlb", "executor", "cpus", "nbufs", "seed" };
	static const char *const config[] = { "touch", "hold", "flags" };
	const struct field *trace = record_find(from, NULL, "trace");
	const struct field *f;

	for (size_t i = 0; i < sizeof(axes) / sizeof(axes[0]); i++)
		add_flat(r, from, NULL, axes[i]);
	/* A workload stands in the trace's column. */
	if (trace->value.kind == VALUE_NONE)
		trace = record_find(from, "config", "workload");
	record_add(r, NULL, "trace", NULL, trace->value);
	for (size_t i = 0; i < sizeof(config) / sizeof(config[0]); i++)
		add_flat(r, from, "config", config[i]);
	for (unsigned i = 0; eph_counter_name(i) != NULL; i++)
		add_flat(r, from, "counters", eph_counter_name(i));
#define DERIVED_FLAT(key, value, meaning) add_flat(r, from, "derived", #key);
	DERIVED(DERIVED_FLAT)
#undef DERIVED_FLAT
/* Counters have some of these names too. */
#define CYCLES_FLAT(key, desc)                                                 \
	f = record_find(from, "time.cycles", #key);                            \
	record_add(r, NULL, "cycles_" #key, NULL,                              \
	    f != NULL ? f->value : value_none());
#define TIME_FLAT(key, value, meaning) add_flat(r, from, "time", #key);
	if (timed) {
		TIME(TIME_FLAT)
		EPH_CYCLES(CYCLES_FLAT)
	}
#undef TIME_FLAT
#undef CYCLES_FLAT
	add_flat(r, from, NULL, "refused");
	add_flat(r, from, NULL, "failed");
}
