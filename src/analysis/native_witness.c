/* SPDX-License-Identifier: BSD-2-Clause */

#include "analysis/native_witness.h"

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

void
eph__witness_open(struct witness *w, const unsigned *cpu, unsigned ncpus)
{
	memset(w, 0, sizeof(*w));
	w->ncpus = ncpus;
	memcpy(w->cpu, cpu, ncpus * sizeof(*cpu));
	(void)row_read(w, &w->has_row);
	w->tracepoint_id = tracepoint_id();
	if (w->tracepoint_id < 0) {
		(void)snprintf(w->why_no_tracepoint,
		    sizeof(w->why_no_tracepoint),
		    "tlb:tlb_flush is not to be seen (as root: mount -t "
		    "tracefs tracefs /sys/kernel/tracing)");
		return;
	}
	w->has_tracepoint = true;
}

uint64_t
eph__witness_row(const struct witness *w)
{
	bool found;

	return (row_read(w, &found));
}

int
eph__witness_count(struct witness *w)
{
	struct perf_event_attr attr;
	int fd;

	if (!w->has_tracepoint)
		return (-1);
	memset(&attr, 0, sizeof(attr));
	attr.type = PERF_TYPE_TRACEPOINT;
	attr.size = sizeof(attr);
	attr.config = (uint64_t)w->tracepoint_id;
	fd = (int)syscall(
	    SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	/* "remote IPI send", as the tracepoint's own format says. */
	if (fd >= 0 && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, "reason==4") != 0) {
		(void)close(fd);
		fd = -1;
	}
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
