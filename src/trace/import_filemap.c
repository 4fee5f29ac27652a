/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * filemap tracepoints of Linux (since 6.12): which pages of the page cache
 * were asked for, by inode, on which CPU, whatever call asked.
 *
 *   nginx  4321 [001]  6659.313656: filemap:mm_filemap_get_pages: \
 *       dev=254:0 ino=a7206f ofs=0-65535			perf script
 *   nginx-4321 [001] .....  6659.313656: mm_filemap_get_pages: \
 *       dev=254:0 ino=a7206f ofs=0-65535			ftrace
 *
 * mm_filemap_get_pages is a read, sendfile or splice.  The kernel comes back
 * for the rest of a range when it got fewer pages than it asked for: an event
 * of the same task and file with the same end and a later start is no new
 * reference.  The range is what was asked for; it may end past the end of the
 * file where the reader asks for more than there is.  Lines
 *
 *   # file dev=254:0 ino=a7206f size=300000
 *
 * say how long a file is, and cut it.
 *
 * mm_filemap_map_pages and mm_filemap_fault are page faults of mmap, of pages
 * mapped around the one that was touched; they count with --calls mmap.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "trace/importer.h"
#include "trace/tracepoint.h"

#define MARK "mm_filemap_"

struct filemap_event {
	uint64_t ns;
	uint64_t task;
	uint64_t cpu;
	uint64_t first, last; /* bytes, both inclusive */
	const char *name;     /* after MARK */
	const char *file;     /* "254:0 a7206f": dev and ino */
	size_t file_len;
};

/* What a task asked for last, and how long files are. */
struct filemap {
	struct eph_import *im;
	struct idmap tasks;
	struct range {
		uint32_t file;
		uint64_t first, last;
	} * asked; /* by task */
	size_t cap_asked;
	uint64_t *sizes; /* by file: bytes + 1, or 0 */
	size_t cap_sizes;
	uint64_t others, faults, reads, again, past_end, unbounded;
};

/* "dev=254:0 ino=a7206f", also without the signs; what follows in *pp. */
static bool
take_file(const char **pp, struct filemap_event *e)
{
	const char *p = strstr(*pp, "dev"), *ino;
	uint64_t v;

	if (p == NULL || (ino = strstr(p, " ino")) == NULL || p[3] == '\0')
		return (false);
	e->file = p + 4;
	p = ino + 5;
	if (strncmp(p, "0x", 2) == 0)
		p += 2;
	if (ino[4] == '\0' || !eph__tracepoint_number(&p, 16, &v))
		return (false);
	e->file_len = (size_t)(p - e->file);
	*pp = p;
	return (true);
}

/*
 * False: no event of ours.  *othersp: one of the page cache that is no use of
 * it; *brokenp: one that cannot be read.
 */
static bool
take_event(
    const char *line, struct filemap_event *e, uint64_t *othersp, bool *brokenp)
{
	const char *mark = strstr(line, MARK), *end, *p;

	*brokenp = false;
	if (mark == NULL)
		return (false);
	e->name = mark + strlen(MARK);
	*othersp += strncmp(e->name, "add_to_page_cache:", 18) == 0 ||
	    strncmp(e->name, "delete_from_page_cache:", 23) == 0;
	if (strncmp(e->name, "get_pages:", 10) != 0 &&
	    strncmp(e->name, "map_pages:", 10) != 0 &&
	    strncmp(e->name, "fault:", 6) != 0)
		return (false);
	end = mark;
	if (end - line > 8 && strncmp(end - 8, "filemap:", 8) == 0)
		end -= 8;
	p = e->name;
	*brokenp = true;
	if (!eph__tracepoint_head(line, end, &e->task, &e->cpu, &e->ns) ||
	    !take_file(&p, e) || strncmp(p, " ofs=", 5) != 0)
		return (false);
	p += 5;
	if (!eph__tracepoint_number(&p, 10, &e->first))
		return (false);
	e->last = e->first + EPH_PAGE_SIZE - 1;
	if (*p == '-' && (p++, !eph__tracepoint_number(&p, 10, &e->last)))
		return (false);
	*brokenp = e->last < e->first;
	return (!*brokenp);
}

/* Room for one more in an array by id. */
static bool
reserve(void *arrayp, size_t *cap, size_t id, size_t size)
{
	const size_t to = 2 * (id + 8);
	char *bigger, **p = arrayp;

	if (id < *cap)
		return (true);
	if ((bigger = realloc(*p, to * size)) == NULL)
		return (false);
	memset(bigger + *cap * size, 0, (to - *cap) * size);
	*p = bigger;
	*cap = to;
	return (true);
}

static int
no_memory(const struct filemap *f)
{
	return (eph_err_set(f->im->err, ENOMEM, "out of memory"));
}

/* "# file dev=254:0 ino=a7206f size=300000" */
static int
take_size(struct filemap *f, const char *line)
{
	struct filemap_event e = { 0 };
	const char *p = line;
	uint64_t size;
	uint32_t file;

	if (!take_file(&p, &e) || strncmp(p, " size=", 6) != 0)
		return (0);
	p += 6;
	if (!eph__tracepoint_number(&p, 10, &size) || size == UINT64_MAX)
		return (0);
	file = eph__names_get(&f->im->own->files, e.file, e.file_len);
	if (file == EPH_NONE ||
	    !reserve(&f->sizes, &f->cap_sizes, file, sizeof(f->sizes[0])))
		return (no_memory(f));
	f->sizes[file] = size + 1;
	return (0);
}

/* Is it the rest of what the task asked for before? */
static bool
goes_on(const struct range *asked, uint32_t file, const struct filemap_event *e)
{
	return (asked->last > 0 && asked->file == file &&
	    asked->last == e->last && e->first > asked->first);
}

static int
filemap_event(struct filemap *f, const struct filemap_event *e)
{
	struct eph_import *im = f->im;
	const bool fault = e->name[0] != 'g';
	const bool counts = fault
	    ? (im->o->calls & EPH_CALLS_MMAP) != 0
	    : (im->o->calls & ~(unsigned)EPH_CALLS_MMAP) != 0;
	uint64_t last = e->last, end;
	struct range *asked;
	uint32_t task, file;
	unsigned cpu;
	bool rest;
	int error;

	task = eph__idmap_get(&f->tasks, e->task);
	file = eph__names_get(&im->own->files, e->file, e->file_len);
	if (task == EPH_NONE || file == EPH_NONE ||
	    !reserve(&f->asked, &f->cap_asked, task, sizeof(f->asked[0])) ||
	    !reserve(&f->sizes, &f->cap_sizes, file, sizeof(f->sizes[0])))
		return (no_memory(f));
	f->faults += fault;
	f->reads += !fault;
	if (!counts)
		return (0);
	asked = &f->asked[task];
	rest = !fault && goes_on(asked, file, e);
	asked->file = file;
	asked->first = e->first;
	asked->last = e->last;
	f->again += rest;
	if (rest)
		return (0);
	if ((end = f->sizes[file]) > 0 && last >= end - 1) {
		f->past_end += last / EPH_PAGE_SIZE - (end - 1) / EPH_PAGE_SIZE;
		last = end - 1 > 0 ? end - 2 : 0;
	}
	f->unbounded += end == 0;
	if (e->first > last)
		return (0);
	eph_import_count(im, last - e->first + 1, last - e->first + 1);
	if ((error = eph_import_cpu_of(im, e->task, e->cpu, &cpu)) != 0 ||
	    (error = eph_import_clock(im, e->ns)) != 0)
		return (error);
	return (eph_import_file_range(
	    im, cpu, file, e->first, last - e->first + 1));
}

/* What must be said when all is read. */
static void
filemap_tell(struct filemap *f)
{
	struct eph_import *im = f->im;

	if (im->res->calls == 0 && f->faults + f->reads == 0)
		eph_import_found(im,
		    "%" PRIu64 " events of pages that came into the page cache "
		    "or left it, which are no uses; Linux 6.12 and later has "
		    "mm_filemap_get_pages",
		    f->others);
	else if (im->res->calls == 0)
		eph_import_found(im,
		    "%" PRIu64 " page faults of mmap, which --calls mmap "
		    "counts, and %" PRIu64 " reads",
		    f->faults, f->reads);
	else if ((im->o->calls & EPH_CALLS_MMAP) == 0)
		eph_import_left_out(
		    im, "page faults of mmap (--calls mmap)", f->faults);
	if (f->again > 0)
		eph_import_found(im,
		    "%" PRIu64 " events ask for the rest of the one before",
		    f->again);
	if (f->unbounded > 0)
		eph_import_warn(im,
		    "%" PRIu64 " of %" PRIu64 " ranges are of files whose "
		    "length the log does not tell: pages past the end count "
		    "where a reader asked for more than there is; lines \"# "
		    "file dev=D:D ino=X size=BYTES\" tell",
		    f->unbounded, im->res->calls);
}

static int
filemap_run(struct eph_import *im)
{
	struct filemap f = { .im = im };
	uint64_t lost = 0;
	bool broken;
	char *line;
	size_t len;
	int error;

	if (eph__idmap_init(&f.tasks) != 0)
		return (no_memory(&f));
	while (
	    (error = eph_import_line(im, &line, &len)) == 0 && line != NULL) {
		struct filemap_event e = { 0 };

		if (line[0] == '#')
			error = take_size(&f, line);
		else if (take_event(line, &e, &f.others, &broken))
			error = filemap_event(&f, &e);
		else if (broken)
			eph_import_skip(im);
		else
			lost += strstr(line, "LOST") != NULL;
		if (error != 0)
			break;
	}
	if (lost > 0)
		eph_import_warn(im,
		    "the tracer says %" PRIu64 " times that it lost events; a "
		    "larger buffer (perf record -m, buffer_size_kb) keeps them",
		    lost);
	filemap_tell(&f);
	eph__idmap_destroy(&f.tasks);
	free(f.asked);
	free(f.sizes);
	return (error);
}

static bool
filemap_guess(const char *p, size_t n)
{
	struct filemap_event e;
	uint64_t others = 0;
	bool broken;

	while (n > 0) {
		const char *nl = memchr(p, '\n', n);
		const size_t len = nl != NULL ? (size_t)(nl - p) : n;
		char copy[512];

		if (len < sizeof(copy)) {
			memcpy(copy, p, len);
			copy[len] = '\0';
			if (strlen(copy) == len && copy[0] != '#' &&
			    (take_event(copy, &e, &others, &broken) ||
				others > 0))
				return (true);
		}
		if (nl == NULL)
			break;
		n -= len + 1;
		p = nl + 1;
	}
	return (false);
}

const struct eph_import_format eph__import_filemap = {
	.abi = EPHMAP_ABI,
	.name = "filemap",
	.desc = "filemap tracepoints of Linux (perf script, ftrace), by inode",
	.unit = "ranges",
	.options = EPH_IMPORT_CALLS | EPH_IMPORT_PID | EPH_IMPORT_COLUMN,
	.guess = filemap_guess,
	.run = filemap_run,
};
