/* SPDX-License-Identifier: BSD-2-Clause */

#include "groups.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#include "ephmap/sdk/machine.h"

#define SQL_MAX 8192

const struct group_axis_info group_axes[GROUP_AXES] = {
	[GROUP_TRACE] = { "trace", "trace", false },
	[GROUP_DESIGN] = { "design", "design", false },
	[GROUP_POLICY] = { "policy", "policy", false },
	[GROUP_SHOOTDOWN] = { "shootdown", "shootdown", false },
	[GROUP_MACHINE] = { "machine", "machine", false },
	[GROUP_TLB] = { "tlb", "TLB", false },
	[GROUP_EXECUTOR] = { "executor", "executor", false },
	[GROUP_CPUS] = { "cpus", "CPUs", true },
	[GROUP_NBUFS] = { "nbufs", "buffers", true },
	[GROUP_TOUCH] = { "touch", "touch", false },
	[GROUP_HOLD] = { "hold", "hold", true },
	[GROUP_FLAGS] = { "flags", "flags", false },
	[GROUP_COSTS] = { "costs", "costs", false },
	[GROUP_PLUGIN] = { "plugin", "plug-in", false },
};

const struct group_metric_info group_metrics[METRICS] = {
	[METRIC_HIT] = { "hit_percent", "hit %" },
	[METRIC_INVLPG] = { "invlpg", "invlpg" },
	[METRIC_FLUSH] = { "flush", "flush" },
	[METRIC_IPI] = { "ipi", "IPI" },
	[METRIC_TLB_MISS] = { "tlb_miss", "TLB miss" },
	[METRIC_SLEEP] = { "sleep", "sleep" },
	[METRIC_CYCLES] = { "cycles_per_map", "cycles/map" },
	[METRIC_PRICE] = { "ns_per_map", "ns/map" },
	[METRIC_RATE] = { "million_maps_per_second", "Mmaps/s" },
	[METRIC_OWN] = { "tlb_percent", "walks, own invalidations" },
	[METRIC_ASK] = { "ask_percent", "sending IPIs, waiting" },
	[METRIC_HANDLE] = { "handle_percent", "handling IPIs" },
	[METRIC_LOCK] = { "lock_percent", "locks, lines of others" },
	[METRIC_IDLE] = { "idle_percent", "idle" },
};

/*
 * The metrics as SQL gives them, but for the price, which comes from the
 * machine's clock.
 */
#define SHARE	 " * 100.0 / nullif(total_cycles, 0)"
#define PER_1000 " * 1000.0 / nullif(map_calls, 0)"
static const char metric_columns[] =
    "hit_ratio * 100, (invlpg_local + invlpg_remote)" PER_1000
    ", (flush_local + flush_remote)" PER_1000 ", ipi_sent" PER_1000
    ", tlb_miss" PER_1000 ", sleep" PER_1000 ", cycles_per_map";

/* The same of runs under clocks; without, a database has no such columns. */
static const char time_columns[] =
    "maps_per_second / 1e6, (cycles_walk + cycles_invlpg)" SHARE
    ", (cycles_send + cycles_ack)" SHARE ", cycles_handle" SHARE
    ", (cycles_lock + cycles_line)" SHARE
    ", (cycles_idle + cycles_sleep)" SHARE;

/* Columns of the query behind the axes. */
enum {
	COLUMN_DIGEST = GROUP_AXES,
	COLUMN_REFUSED,
	COLUMN_FAILED,
	COLUMN_VIOLATIONS,
	COLUMN_METRICS,
};

static char *
column_text(sqlite3_stmt *row, int column)
{
	const char *s = (const char *)sqlite3_column_text(row, column);

	return (must_copy(s != NULL ? s : "", s != NULL ? strlen(s) : 0));
}

/* Rows come in order of the axes, so a group's runs are neighbours. */
static bool
same_group(const struct group *g, sqlite3_stmt *row)
{
	for (int a = 0; a <= GROUP_AXES; a++) {
		const char *have = a < GROUP_AXES ? g->axis[a] : g->digest;
		const char *s = (const char *)sqlite3_column_text(row, a);

		if (strcmp(have, s != NULL ? s : "") != 0)
			return (false);
	}
	return (true);
}

static struct group *
add_group(struct groups *gs, sqlite3_stmt *row)
{
	struct group *g;

	if (gs->n % 64 == 0)
		gs->group =
		    must_alloc(gs->group, gs->n + 64, sizeof(*gs->group));
	g = &gs->group[gs->n++];
	memset(g, 0, sizeof(*g));
	for (int a = 0; a < GROUP_AXES; a++)
		g->axis[a] = column_text(row, a);
	g->digest = column_text(row, COLUMN_DIGEST);
	for (unsigned m = 0; m < METRICS; m++)
		g->mean[m] = NAN;
	return (g);
}

/* Welford's: mean and sum of squares, one value after the other. */
static void
add_value(struct group *g, unsigned m, double x)
{
	double d;

	if (g->runs == 1 || isnan(g->mean[m])) {
		g->mean[m] = x;
		return;
	}
	d = x - g->mean[m];
	g->mean[m] += d / g->runs;
	g->m2[m] += d * (x - g->mean[m]);
}

/* The clock of a machine of the table, or of one's own, beside its prices. */
static unsigned long
machine_mhz(const struct group *g)
{
	static const char key[] = "\"mhz\":";
	const struct eph_machine_model *machine =
	    eph_machine_model_find(g->axis[GROUP_MACHINE]);
	const char *own = strstr(g->axis[GROUP_COSTS], key);

	if (machine != NULL)
		return (machine->mhz);
	return (own != NULL ? strtoul(own + sizeof(key) - 1, NULL, 10) : 0);
}

static bool
add_row(void *arg, sqlite3_stmt *row)
{
	struct groups *gs = arg;
	struct group *g = gs->n > 0 ? &gs->group[gs->n - 1] : NULL;
	unsigned long mhz;

	if (g == NULL || !same_group(g, row))
		g = add_group(gs, row);
	if (sqlite3_column_type(row, COLUMN_REFUSED) != SQLITE_NULL) {
		free(g->refused);
		g->refused = column_text(row, COLUMN_REFUSED);
		return (true);
	}
	g->runs++;
	gs->repeated |= g->runs > 1;
	g->failed |= sqlite3_column_type(row, COLUMN_FAILED) != SQLITE_NULL;
	g->violations += (uint64_t)sqlite3_column_int64(row, COLUMN_VIOLATIONS);
	for (int m = 0; m < METRICS; m++) {
		const int column = COLUMN_METRICS + m - (m > METRIC_PRICE);

		if (m != METRIC_PRICE &&
		    sqlite3_column_type(row, column) != SQLITE_NULL)
			add_value(
			    g, (unsigned)m, sqlite3_column_double(row, column));
	}
	gs->timed |= !isnan(g->mean[METRIC_RATE]);
	mhz = machine_mhz(g);
	if (mhz != 0 && !isnan(g->mean[METRIC_CYCLES]))
		add_value(g, METRIC_PRICE,
		    sqlite3_column_double(row, COLUMN_METRICS + METRIC_CYCLES) *
			1000 / (double)mhz);
	return (true);
}

static double
or_last(double v)
{
	return (isnan(v) ? INFINITY : v);
}

static int
compare_groups(const void *va, const void *vb)
{
	const struct group *a = va, *b = vb;
	const double pa = or_last(a->mean[METRIC_PRICE]);
	const double pb = or_last(b->mean[METRIC_PRICE]);
	int c = strcmp(a->axis[GROUP_TRACE], b->axis[GROUP_TRACE]);

	if (c != 0)
		return (c);
	if ((a->runs == 0) != (b->runs == 0))
		return (a->runs == 0 ? 1 : -1);
	if (pa < pb || pb < pa)
		return (pa < pb ? -1 : 1);
	for (int i = 0; i < GROUP_AXES && c == 0; i++)
		c = group_axes[i].number
		    ? (atoll(a->axis[i]) > atoll(b->axis[i])) -
			(atoll(a->axis[i]) < atoll(b->axis[i]))
		    : strcmp(a->axis[i], b->axis[i]);
	return (c);
}

bool
group_number(unsigned axis, const char *value)
{
	return (group_axes[axis].number && *value != '\0' &&
	    value[strspn(value, "0123456789")] == '\0');
}

/*
 * An axis varies where two groups differ in it; one that comes with the
 * design (or a TLB with the machine) where two of one design do.
 */
static void
find_varying(struct groups *gs)
{
	static const enum group_axis comes_with[GROUP_AXES] = {
		[GROUP_POLICY] = GROUP_DESIGN,
		[GROUP_SHOOTDOWN] = GROUP_DESIGN,
		[GROUP_NBUFS] = GROUP_DESIGN,
		[GROUP_TLB] = GROUP_MACHINE,
	};

	for (size_t i = 0; i < gs->n; i++) {
		const struct group *g = &gs->group[i];

		for (unsigned a = 0; a < GROUP_AXES; a++) {
			const enum group_axis by = comes_with[a];
			size_t k = 0;

			while (by != 0 &&
			    strcmp(gs->group[k].axis[by], g->axis[by]) != 0)
				k++;
			gs->varies[a] |=
			    strcmp(gs->group[k].axis[a], g->axis[a]) != 0;
		}
	}
}

int
groups_read(struct database *db, const char *where, struct groups *gs,
    struct eph_err *err)
{
	char sql[SQL_MAX], axes[1024] = "";
	size_t n = 0;
	bool timed;
	int error;

	memset(gs, 0, sizeof(*gs));
	if (db_number(db,
		"SELECT count(*) FROM sqlite_master WHERE name = 'run'") == 0)
		return (0);
	for (unsigned a = 0; a < GROUP_AXES; a++)
		n += (size_t)snprintf(axes + n, sizeof(axes) - n, "%s%s",
		    a > 0 ? ", " : "", group_axes[a].column);
	timed = db_number(db,
		    "SELECT count(*) FROM pragma_table_info('run') WHERE name "
		    "= 'maps_per_second'") > 0;
	n = (size_t)snprintf(sql, sizeof(sql),
	    "SELECT %s, digest, refused, failed, violations_total, %s, %s FROM "
	    "result WHERE (%s) ORDER BY %s, digest, seed",
	    axes, metric_columns,
	    timed ? time_columns : "NULL, NULL, NULL, NULL, NULL, NULL",
	    where != NULL ? where : "1", axes);
	if (n >= sizeof(sql))
		return (eph_err_set(
		    err, EINVAL, "--where: an expression of %zu bytes", n));
	if ((error = db_query(db, sql, add_row, gs, err)) != 0) {
		groups_free(gs);
		return (error);
	}
	find_varying(gs);
	if (gs->n > 0)
		qsort(gs->group, gs->n, sizeof(*gs->group), compare_groups);
	return (0);
}

void
groups_free(struct groups *gs)
{
	for (size_t i = 0; i < gs->n; i++) {
		for (unsigned a = 0; a < GROUP_AXES; a++)
			free(gs->group[i].axis[a]);
		free(gs->group[i].digest);
		free(gs->group[i].refused);
	}
	free(gs->group);
	memset(gs, 0, sizeof(*gs));
}

double
group_deviation(const struct group *g, enum group_metric m)
{
	return (g->runs > 1 ? sqrt(g->m2[m] / (g->runs - 1)) : 0);
}
