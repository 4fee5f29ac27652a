/* SPDX-License-Identifier: BSD-2-Clause */

#include "analysis/native_witness.h"

void
eph__witness_choose(
    struct eph_native_result *res, bool by_row, bool nobody_runs)
{
	const bool row = by_row &&
	    (!res->has_tracepoint || res->row == res->traced ||
		(nobody_runs && res->row < res->traced));

	res->has_row = by_row;
	res->witness =
	    row ? "row TLB of /proc/interrupts" : "tracepoint tlb:tlb_flush";
	res->measured = row ? res->row : res->traced;
	res->at_most = nobody_runs && res->measured != 0 &&
	    !(by_row && res->has_tracepoint);
}

bool
eph__witness_again(const struct eph_native_result *best)
{
	if (best->wrong != 0)
		return (false);
	return (best->measured > best->predicted ||
	    (best->measured < best->predicted && best->preempted != 0));
}

static uint64_t
off_by(const struct eph_native_result *res)
{
	return (res->measured > res->predicted
		? res->measured - res->predicted
		: res->predicted - res->measured);
}

bool
eph__witness_better(
    const struct eph_native_result *res, const struct eph_native_result *best)
{
	if (res->wrong != 0 || !eph__witness_again(res))
		return (true);
	if ((res->preempted == 0) != (best->preempted == 0))
		return (res->preempted == 0);
	return (off_by(res) < off_by(best));
}

#ifdef __linux__

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROW_MAX (32u * 1024u) /* a line of /proc/interrupts, 1,024 CPUs */

/* Column of CPU `cpu` in the heading, from 0; -1: it has none. */
static int
row_column(const char *heading, unsigned cpu)
{
	int column = 0;

	for (const char *s = heading; (s = strstr(s, "CPU")) != NULL;
	     column++) {
		s += 3;
		if (strtoul(s, NULL, 10) == cpu)
			return (column);
	}
	return (-1);
}

static uint64_t
row_value(const char *row, int column)
{
	const char *s = strchr(row, ':');
	uint64_t value = 0;
	char *end;

	if (s == NULL || column < 0)
		return (0);
	s++;
	for (int i = 0; i <= column; i++) {
		value = strtoull(s, &end, 10);
		if (end == s)
			return (0);
		s = end;
	}
	return (value);
}

/* The row's sum; *found says whether there is one. */
static uint64_t
row_read(const struct witness *w, bool *found)
{
	FILE *f = fopen("/proc/interrupts", "re");
	char *heading = malloc(ROW_MAX), *row = malloc(ROW_MAX);
	uint64_t sum = 0;

	*found = false;
	if (f != NULL && heading != NULL && row != NULL &&
	    fgets(heading, ROW_MAX, f) != NULL) {
		while (fgets(row, ROW_MAX, f) != NULL) {
			const char *s = row + strspn(row, " ");

			if (strncmp(s, "TLB:", 4) != 0)
				continue;
			*found = true;
			for (unsigned i = 0; i < w->ncpus; i++)
				sum += row_value(
				    s, row_column(heading, w->cpu[i]));
			break;
		}
	}
	free(heading);
	free(row);
	if (f != NULL)
		(void)fclose(f);
	return (sum);
}

static long
tracepoint_id(void)
{
	static const char *const roots[] = { "/sys/kernel/tracing",
		"/sys/kernel/debug/tracing" };
	long id = -1;

	for (unsigned i = 0; i < 2 && id < 0; i++) {
		char path[128];
		FILE *f;

		(void)snprintf(
		    path, sizeof(path), "%s/events/tlb/tlb_flush/id", roots[i]);
		if ((f = fopen(path, "re")) == NULL)
			continue;
		if (fscanf(f, "%ld", &id) != 1)
			id = -1;
		(void)fclose(f);
	}
	return (id);
}

/* A counter of the tracepoint's `filter': of a thread, or of a CPU. */
static int
tracepoint_count(const struct witness *w, int cpu, const char *filter)
{
	struct perf_event_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.type = PERF_TYPE_TRACEPOINT;
	attr.size = sizeof(attr);
	attr.config = (uint64_t)w->tracepoint_id;
	fd = (int)syscall(SYS_perf_event_open, &attr, cpu < 0 ? 0 : -1, cpu, -1,
	    PERF_FLAG_FD_CLOEXEC);
	if (fd >= 0 && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter) != 0) {
		(void)close(fd);
		fd = -1;
	}
	return (fd);
}

void
eph__witness_open(struct witness *w, const unsigned *cpu, unsigned ncpus)
{
	memset(w, 0, sizeof(*w));
	w->ncpus = ncpus;
	memcpy(w->cpu, cpu, ncpus * sizeof(*cpu));
	(void)row_read(w, &w->has_row);
	w->tracepoint_id = tracepoint_id();
	w->has_tracepoint = w->tracepoint_id >= 0;
	if (!w->has_tracepoint)
		(void)snprintf(w->why_no_tracepoint,
		    sizeof(w->why_no_tracepoint),
		    "tlb:tlb_flush is not to be seen (as root: mount -t "
		    "tracefs tracefs /sys/kernel/tracing)");
	/* "remote wrong CPU", as the tracepoint's own format says. */
	for (unsigned i = 0; i < ncpus; i++)
		w->stray[i] = w->has_tracepoint
		    ? tracepoint_count(w, (int)cpu[i], "reason==5")
		    : -1;
}

void
eph__witness_close(struct witness *w)
{
	for (unsigned i = 0; i < w->ncpus; i++) {
		if (w->stray[i] >= 0)
			(void)close(w->stray[i]);
	}
	w->ncpus = 0;
}

uint64_t
eph__witness_row(const struct witness *w)
{
	bool found;
	uint64_t row = row_read(w, &found);

	for (unsigned i = 0; i < w->ncpus; i++)
		row -= eph__witness_read(w->stray[i]);
	return (row);
}

int
eph__witness_count(struct witness *w)
{
	int fd;

	if (!w->has_tracepoint)
		return (-1);
	/* "remote IPI send" */
	fd = tracepoint_count(w, -1, "reason==4");
	if (fd < 0) {
		(void)snprintf(w->why_no_tracepoint,
		    sizeof(w->why_no_tracepoint),
		    "tlb:tlb_flush cannot be counted: %s", strerror(errno));
		w->has_tracepoint = false;
	}
	return (fd);
}

uint64_t
eph__witness_read(int fd)
{
	uint64_t value;

	if (fd < 0 || read(fd, &value, sizeof(value)) != sizeof(value))
		return (0);
	return (value);
}

#else

typedef int eph__witness_is_linux_only;

#endif
