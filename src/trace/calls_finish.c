/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The end of a log of calls: CPUs are given out, pages written, and what the
 * log does not tell is said.
 *
 * A log has no CPUs.  By default processes are numbered in the order in which
 * they first map something, so that pinned workers get CPUs 0, 1, ...
 * whatever else their parents did; threads of one process are one CPU.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/calls.h"

static uint64_t
call_pages(const struct call *call)
{
	return ((call->offset + call->bytes - 1) / EPH_PAGE_SIZE -
	    call->offset / EPH_PAGE_SIZE + 1);
}

/* Call `fn` for each spooled call, in order. */
static int
spool_each(struct calls *c, int (*fn)(struct calls *c, const struct call *call))
{
	struct call buffer[256];
	int error = 0;
	size_t n;

	if (c->spilled != NULL) {
		rewind(c->spilled);
		while (error == 0 &&
		    (n = fread(buffer, sizeof(buffer[0]), 256, c->spilled)) >
			0) {
			for (size_t i = 0; error == 0 && i < n; i++)
				error = fn(c, &buffer[i]);
		}
		if (error == 0 && ferror(c->spilled) != 0)
			error = eph_err_set(
			    c->im->err, EIO, "cannot read a temporary file");
	}
	for (size_t i = 0; error == 0 && i < c->nspool; i++)
		error = fn(c, &c->spool[i]);
	return (error);
}

/* -- CPUs --------------------------------------------------------------- */

/* The task whose CPU a call is on. */
static uint32_t
cpu_task(const struct calls *c, uint32_t task)
{
	return (c->im->o->cpu_of == EPH_CPU_THREAD
		? task
		: eph__calls_leader(c, task));
}

static int
count_call(struct calls *c, const struct call *call)
{
	c->tasks[call->task].counted = true;
	c->tasks[cpu_task(c, call->task)].pages += call_pages(call);
	return (0);
}

struct loaded {
	uint64_t pages;
	uint32_t task;
};

static int
by_load(const void *a, const void *b)
{
	const struct loaded *la = a, *lb = b;

	if (la->pages != lb->pages)
		return (la->pages < lb->pages ? 1 : -1);
	return (la->task < lb->task ? -1 : la->task > lb->task);
}

/* The busiest first, on the CPU that has the least. */
static int
fold_by_load(struct calls *c)
{
	uint64_t load[EPH_CPUS_MAX] = { 0 };
	const unsigned n = c->im->o->fold;
	struct loaded *busy = malloc((c->ntasks + 1) * sizeof(busy[0]));
	size_t nbusy = 0;

	if (busy == NULL)
		return (eph__calls_no_memory(c));
	for (uint32_t i = 0; i < c->ntasks; i++) {
		if (c->tasks[i].pages > 0)
			busy[nbusy++] = (struct loaded){ c->tasks[i].pages, i };
	}
	qsort(busy, nbusy, sizeof(busy[0]), by_load);
	for (size_t i = 0; i < nbusy; i++) {
		unsigned least = 0;

		for (unsigned cpu = 1; cpu < n; cpu++) {
			if (load[cpu] < load[least])
				least = cpu;
		}
		c->tasks[busy[i].task].cpu = least;
		load[least] += busy[i].pages;
	}
	free(busy);
	return (0);
}

static int
write_call(struct calls *c, const struct call *call)
{
	struct eph_import *im = c->im;
	struct task *t = &c->tasks[cpu_task(c, call->task)];
	uint64_t base, last;
	unsigned cpu = t->cpu;
	uint32_t file;
	int error = 0;

	if (t->cpu == EPH_NONE &&
	    (error = eph_import_cpu_of(
		 im, (uint64_t)(t - c->tasks), 0, &cpu)) != 0)
		return (error);
	if ((error = eph_import_at(im, call->ns)) != 0)
		return (error);
	if (call->file != EPH_NONE) {
		if ((file = eph__idmap_get(&c->sent, call->file)) == EPH_NONE)
			return (eph__calls_no_memory(c));
		return (eph_import_file_range(
		    im, cpu, file, call->offset, call->bytes));
	}
	base = c->tasks[call->task].pid << CALLS_PIPE_PID_SHIFT;
	last = (call->offset + call->bytes - 1) / EPH_PAGE_SIZE;
	for (uint64_t page = call->offset / EPH_PAGE_SIZE;
	     error == 0 && page <= last; page++)
		error = eph_import_ref(im, cpu, base + page);
	return (error);
}

/* -- what must be said -------------------------------------------------- */

/* Threads and processes whose calls count. */
static void
count_tasks(
    struct calls *c, unsigned *threads, unsigned *processes, unsigned *unknown)
{
	*threads = *processes = *unknown = 0;
	for (uint32_t i = 0; i < c->ntasks; i++) {
		struct task *leader = &c->tasks[eph__calls_leader(c, i)];

		if (!c->tasks[i].counted)
			continue;
		++*threads;
		*unknown += !c->tasks[i].known;
		*processes += !leader->leads;
		leader->leads = true;
	}
}

static void
say_tasks(struct calls *c)
{
	unsigned threads, processes, unknown;

	count_tasks(c, &threads, &processes, &unknown);
	if (unknown > 1 && processes > 1)
		eph_import_found(c->im,
		    "%u threads or processes, %u as far as the log tells",
		    threads, processes);
	else if (threads > processes)
		eph_import_found(c->im, "%u threads of %u process%s", threads,
		    processes, processes == 1 ? "" : "es");
	else if (processes > 1)
		eph_import_found(c->im, "%u processes", processes);
	if (unknown > 1 && processes > 1 && c->im->o->cpu_of == EPH_CPU_PID &&
	    c->im->o->fold == 0)
		eph_import_warn(c->im,
		    "%u tasks have no clone line, so that threads and "
		    "processes cannot be told apart and each became a CPU; "
		    "strace -f from the start tells, --fold N shares N CPUs",
		    unknown);
}

static void
say_cpus(struct calls *c, unsigned cpus)
{
	const long here = sysconf(_SC_NPROCESSORS_ONLN);
	const bool told = c->host_cpus > 0;
	const unsigned most = told ? c->host_cpus
	    : here > 0		   ? (unsigned)here
				   : 1;

	if ((c->im->o->cpu_of != EPH_CPU_PID &&
		c->im->o->cpu_of != EPH_CPU_THREAD) ||
	    c->im->o->fold != 0 || cpus <= most)
		return;
	eph_import_warn(c->im,
	    "%u %s became %u CPUs, and %s %u: these cannot be CPUs of a "
	    "scheduler; --fold %u puts them on that many",
	    cpus, c->im->o->cpu_of == EPH_CPU_PID ? "processes" : "threads",
	    cpus, told ? "the log shows a machine of" : "this machine has",
	    most, most);
}

static const struct {
	const char *calls; /* as --calls names them */
	const char *what;
} kinds[CALLS_KINDS] = {
	[CALLS_SENDFILE] = { "sendfile", "sendfile" },
	[CALLS_READ] = { "read", "read" },
	[CALLS_PREAD] = { "read", "pread64" },
	[CALLS_SPLICE] = { "splice", "splice" },
	[CALLS_COPY] = { "copy_file_range", "copy_file_range" },
	[CALLS_MMAP] = { "mmap", "mmap" },
	[CALLS_PIPE] = { "pipe", "pipe write" },
};

/* What else is in the log: all of it where there is nothing. */
static void
say_others(struct calls *c)
{
	char text[400] = "", which[80] = "";
	uint64_t sum = 0;
	size_t n = 0;

	for (int k = 0; k < CALLS_KINDS; k++) {
		if (c->other[k] == 0)
			continue;
		sum += c->other[k];
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "%s%" PRIu64 " %s", n > 0 ? ", " : "", c->other[k],
		    kinds[k].what);
		if (strstr(which, kinds[k].calls) == NULL)
			(void)snprintf(which + strlen(which),
			    sizeof(which) - strlen(which), "%s%s",
			    which[0] != '\0' ? "," : "", kinds[k].calls);
	}
	for (int k = 0; k < CALLS_KINDS && c->im->res->calls == 0; k++) {
		if ((c->mask & 1u << k) != 0)
			eph_import_found(c->im, "no %s", kinds[k].what);
	}
	if (n > 0)
		eph_import_found(c->im,
		    "%s call%s on files, which --calls %s would count", text,
		    sum == 1 ? "" : "s", which);
	else if (c->im->res->calls == 0 && c->async == 0)
		eph_import_found(c->im,
		    "%" PRIu64 " other calls, none of which reads a file's "
		    "pages",
		    c->lines);
}

static void
say_positions(struct calls *c)
{
	if (c->async > 0 && c->im->res->calls == 0)
		eph_import_found(c->im,
		    "%" PRIu64 " calls of io_submit or io_uring_enter, whose "
		    "reads no log of calls shows (filemap tracepoints do)",
		    c->async);
	else if (c->async > 0)
		eph_import_warn(c->im,
		    "%" PRIu64 " calls of io_submit or io_uring_enter, whose "
		    "reads no log of calls shows, do not count; filemap "
		    "tracepoints show them",
		    c->async);
	if (c->unseen_position > 0)
		eph_import_warn(c->im,
		    "%" PRIu64 " of %" PRIu64 " calls at the file's position "
		    "(offset NULL) are on files whose opening the log does not "
		    "show: their offsets are not known, taken from the start "
		    "of the file for each new receiver; strace from the start "
		    "with -e trace=%%desc tells",
		    c->unseen_position, c->from_position);
	if (c->from_position > c->unseen_position && !c->read_seen &&
	    (c->mask & 1u << CALLS_READ) == 0)
		eph_import_warn(c->im,
		    "%" PRIu64 " calls are at the file's position (offset "
		    "NULL), and the log has no read and no lseek, which move "
		    "it: strace -e trace=%%desc tells",
		    c->from_position - c->unseen_position);
	if (c->untold_name > 0)
		eph_import_warn(c->im,
		    "files whose name the log does not show, told apart by "
		    "descriptor alone: %" PRIu64 "; strace -yy names them",
		    c->untold_name);
	if (c->mapped > 0)
		eph_import_warn(c->im,
		    "mmap: %" PRIu64 " pages were mapped, and all count; which "
		    "were touched no log of calls tells (filemap tracepoints "
		    "do)",
		    c->mapped);
	eph_import_left_out(c->im, "calls whose offset the log does not print",
	    c->untold_offset);
}

/* One "attached with N threads", and as many tasks without a clone line. */
static void
use_attach_lines(struct calls *c)
{
	uint32_t first = EPH_NONE, unknown = 0;

	if (c->attach_lines != 1 || c->attached_threads < 2)
		return;
	for (uint32_t i = 0; i < c->ntasks; i++)
		unknown += !c->tasks[i].known;
	if (unknown > c->attached_threads)
		return;
	for (uint32_t i = 0; i < c->ntasks; i++) {
		if (c->tasks[i].known)
			continue;
		if (first == EPH_NONE)
			first = i;
		else
			eph__calls_same_process(c, first, i);
		c->tasks[i].known = true;
	}
}

int
eph__calls_finish(struct calls *c)
{
	struct eph_import *im = c->im;
	int error;

	if ((error = eph__calls_drain(c, true)) != 0)
		return (error);
	use_attach_lines(c);
	if ((error = spool_each(c, count_call)) != 0)
		return (error);
	if (im->o->fold != 0 && im->o->fold_by == EPH_FOLD_LOAD &&
	    (error = fold_by_load(c)) != 0)
		return (error);
	if ((error = spool_each(c, write_call)) != 0)
		return (error);
	say_tasks(c);
	say_cpus(c, im->own->pids.n);
	say_others(c);
	say_positions(c);
	return (0);
}

int
eph__calls_run(
    struct eph_import *im, int (*read_line)(struct calls *c, char *line))
{
	struct calls c;
	char *line;
	size_t len;
	int error;

	if ((error = eph__calls_start(&c, im)) == 0) {
		while ((error = eph_import_line(im, &line, &len)) == 0 &&
		    line != NULL) {
			if ((error = read_line(&c, line)) != 0)
				break;
		}
	}
	if (error == 0)
		error = eph__calls_finish(&c);
	eph__calls_destroy(&c);
	return (error);
}
