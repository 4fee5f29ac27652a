/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Counters and statistics of an mbuf pool.
 *
 * What is in use is the difference of two counters, so that no CPU writes
 * another one's line to keep a gauge.  Sums are exact while nothing runs.
 */

#include "io/mbuf_impl.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

struct counter_row {
	const char *name;
	const char *desc;
	size_t offset;
};

#define COUNTER_ROW(name, desc)                                                \
	{ #name, desc, offsetof(struct mbuf_counters, name) },

static const struct counter_row counter_rows[] = { MBUF_COUNTERS(COUNTER_ROW) };

#define NCOUNTERS (sizeof(counter_rows) / sizeof(counter_rows[0]))

const char *
mbuf_counter_name(unsigned i)
{
	return (i < NCOUNTERS ? counter_rows[i].name : NULL);
}

const char *
mbuf_counter_desc(unsigned i)
{
	return (i < NCOUNTERS ? counter_rows[i].desc : NULL);
}

uint64_t
mbuf_counter_value(const struct mbuf_counters *c, unsigned i)
{
	uint64_t value;

	memcpy(&value, (const char *)c + counter_rows[i].offset, sizeof(value));
	return (value);
}

void
mbuf_counters(const struct mbuf_pool *mp, struct mbuf_counters *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < mp->mc->ncpus; i++) {
		const struct mb_cpu *cpu = mp->cpus[i];

#define COUNTER_ADD(name, desc) out->name += cpu->c.name;
		MBUF_COUNTERS(COUNTER_ADD)
#undef COUNTER_ADD
		out->cycles += cpu->clock;
	}
}

uint64_t
mbuf_clock(const struct mbuf_pool *mp, unsigned cpu)
{
	return (mp->cpus[cpu]->clock);
}

uint64_t
mbuf_clock_max(const struct mbuf_pool *mp)
{
	uint64_t max = 0;

	for (unsigned i = 0; i < mp->mc->ncpus; i++) {
		if (mp->cpus[i]->clock > max)
			max = mp->cpus[i]->clock;
	}
	return (max);
}

void
mbuf_stats(struct mbuf_pool *mp, struct mbuf_stats *st)
{
	struct mbuf_counters c;

	mbuf_counters(mp, &c);
	memset(st, 0, sizeof(*st));
	st->mbufs_used = c.mbuf_get - c.mbuf_put;
	st->mbufs_total = mp->alloc->total(mp->alloc_state, MB_MBUF);
	st->mbufs_cached = st->mbufs_total - st->mbufs_used;
	st->mbufs_max = mp->max[MB_MBUF];
	st->clusters_used = c.cluster_get - c.cluster_put;
	st->clusters_total = mp->alloc->total(mp->alloc_state, MB_CLUSTER);
	st->clusters_cached = st->clusters_total - st->clusters_used;
	st->clusters_max = mp->max[MB_CLUSTER];
	st->packets_cached = mp->alloc->packets(mp->alloc_state);
	st->refs_used = c.ref_get - c.ref_put;
	st->tags_used = c.tag_get - c.tag_put;
	for (unsigned t = 0; t < MT_NTYPES; t++) {
		int64_t used = 0;

		for (unsigned i = 0; i < mp->mc->ncpus; i++)
			used += mp->cpus[i]->types[t];
		st->type_used[t] = (uint64_t)used;
	}
	st->bytes_used = st->mbufs_used * MSIZE + st->clusters_used * MCLBYTES;
	st->bytes_total =
	    st->mbufs_total * MSIZE + st->clusters_total * MCLBYTES;
	st->denied = c.denied;
	st->delayed = c.delayed;
	st->drained = c.migrate;
}

static void
stats_limit(uint64_t max, FILE *out)
{
	if (max == 0)
		(void)fprintf(out, "unlimited");
	else
		(void)fprintf(out, "%" PRIu64, max);
}

void
mbuf_stats_print(const struct mbuf_stats *st, FILE *out)
{
	static const char *const names[MT_NTYPES] = { "data", "packet headers",
		"socket names and addresses", "control" };

	(void)fprintf(out, "%" PRIu64 "/%" PRIu64 "/%" PRIu64 "/",
	    st->mbufs_used, st->mbufs_cached, st->mbufs_total);
	stats_limit(st->mbufs_max, out);
	(void)fprintf(out,
	    " mbufs in use (current/cache/total/max)\n"
	    "%" PRIu64 "/%" PRIu64 "/%" PRIu64 "/",
	    st->clusters_used, st->clusters_cached, st->clusters_total);
	stats_limit(st->clusters_max, out);
	(void)fprintf(out,
	    " mbuf clusters in use (current/cache/total/max)\n"
	    "%" PRIu64 " mbufs kept with their cluster\n",
	    st->packets_cached);
	for (unsigned t = 0; t < MT_NTYPES; t++) {
		if (st->type_used[t] != 0)
			(void)fprintf(out,
			    "\t%" PRIu64 " mbufs allocated to %s\n",
			    st->type_used[t], names[t]);
	}
	(void)fprintf(out,
	    "%" PRIu64 " counters of external storage, %" PRIu64
	    " tags in use\n"
	    "%" PRIu64 "K bytes allocated to network, of %" PRIu64 "K\n"
	    "%" PRIu64 " requests for memory denied\n"
	    "%" PRIu64 " requests for memory delayed\n"
	    "%" PRIu64 " page buckets moved between CPUs\n",
	    st->refs_used, st->tags_used, st->bytes_used / 1024,
	    st->bytes_total / 1024, st->denied, st->delayed, st->drained);
}
