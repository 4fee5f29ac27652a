/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_IMPORTER_H
#define EPHMAP_SDK_IMPORTER_H

/*
 * For those who write an importer: its row, and what it calls.
 *
 * An importer reads one form of log, from its start to its end, and writes a
 * trace.  examples/importer.c is a whole one: a loop over eph_import_line(),
 * and for each line eph_import_count(), eph_import_clock(), eph_import_cpu_of()
 * and eph_import_ref().  A plug-in brings it (eph_import_load()), or a program
 * gives its row to eph_trace_import() itself.
 *
 * Nothing is guessed or skipped in silence: what is left out is counted, and
 * the import says it in the end (eph_import_skip(), eph_import_left_out()).
 *
 * Only the thread that runs the importer calls what is here.  What returns
 * int returns 0, or an errno value with im->err set, which run() returns in
 * its turn.
 */

#include "ephmap/import.h"
#include "ephmap/version.h"

/*
 * A page of a file is named FILE * 10^9 + PAGE, so that a person reads
 * both in the decimal number; files are numbered from 0.
 */
#define EPH_IMPORT_FILE_PAGES ((uint64_t)1000000000)
#define EPH_IMPORT_FILES_MAX  ((uint64_t)1 << 32)

/*
 * Which options a format can obey; others are refused before it runs.  What
 * is marked with a star is obeyed by the calls below; the others are the
 * format's to look at, in im->o.
 */
enum {
	EPH_IMPORT_CALLS = 0x01,  /* --calls */
	EPH_IMPORT_PID = 0x02,	  /* * knows processes */
	EPH_IMPORT_COLUMN = 0x04, /* * has a CPU column */
	EPH_IMPORT_HOLDS = 0x08,  /* --no-holds */
	EPH_IMPORT_BLOCK = 0x10,  /* --block: im->block_bytes */
	EPH_IMPORT_SPLIT = 0x20,  /* * --split, of eph_import_object() */
	EPH_IMPORT_TABLE =
	    0x40, /* columns by number: --delimiter, --no-header */
	EPH_IMPORT_FIELDS = 0x80,  /* columns or fields by name */
	EPH_IMPORT_UNIT = 0x100,   /* --time-unit */
	EPH_IMPORT_HEADER = 0x200, /* bytes may have a header's in them */
	EPH_IMPORT_RECORD = 0x400, /* --record */
	EPH_IMPORT_THREAD = 0x800, /* knows threads, and loads */
};

struct eph_import_own;

/* One import that is under way. */
struct eph_import {
	const struct eph_import_options *o; /* with the format's defaults */
	struct eph_trace_writer *w;	    /* for holds: eph_trace_write() */
	struct eph_import_result *res;
	struct eph_err *err;
	const char *unit;     /* the row's; may be changed while it runs */
	uint64_t block_bytes; /* of --block, or a page */
	bool block_given;
	bool started;		    /* now_ns is known */
	uint64_t now_ns;	    /* time of what was written last */
	struct eph_import_own *own; /* the library's */
};

struct eph_import_format {
	unsigned abi;	  /* EPHMAP_ABI; first, whatever else changes */
	const char *name; /* as typed behind --from */
	const char *desc; /* one line */
	const char *unit; /* what its calls are, in the plural, or NULL */
	unsigned options; /* EPH_IMPORT_* it obeys */

	/*
	 * Could a file that starts with these bytes be one?  NULL: never
	 * guessed.
	 */
	bool (*guess)(const char *p, size_t n);

	/* Read the log and write the trace. */
	int (*run)(struct eph_import *im);
};

/*
 * Load an importer from a shared object that exports
 *	const struct eph_import_format ephmap_import;
 * Returns 0 and sets *formatp, for eph_import_options.format; or ENOENT when
 * the file cannot be loaded, ESRCH when it exports no importer, EINVAL (built
 * for another interface, or a slot is not set); `err` says why, and nothing
 * stays loaded.  What was accepted stays until the process ends.
 */
int eph_import_load(const char *path, const struct eph_import_format **formatp,
    struct eph_err *err);

/* Reading: lines */

/*
 * The next line, ended by NUL in place of its newline; it may be changed,
 * and is there until the next call.  *linep is NULL at the end.
 */
int eph_import_line(struct eph_import *im, char **linep, size_t *lenp);

/* Number of the line taken last, from 1; 0: none was. */
uint64_t eph_import_lineno(const struct eph_import *im);

/* Reading: bytes */

/*
 * Look at the next bytes without taking them: at least `want` (up to 65536)
 * of them, unless the log ends before.
 */
int eph_import_peek(
    struct eph_import *im, size_t want, const char **pp, size_t *np);

/* Take `n` of the bytes shown last. */
void eph_import_take(struct eph_import *im, size_t n);

/* Begin again at the log's start, for a second pass. */
int eph_import_rewind(struct eph_import *im);

/* What a line is made of */

/*
 * Cut `line` at each `separator` (a blank: at any number of blanks and
 * tabs); returns the number of fields, at most `max`, the rest uncut.
 */
size_t eph_import_fields(char *line, char separator, char **fields, size_t max);

/* A field that must be a decimal number up to `max`. */
int eph_import_number(struct eph_import *im, const char *field,
    const char *what, uint64_t max, uint64_t *out);

/* Decimal digits only, up to `max`; false otherwise. */
bool eph_import_digits(const char *s, uint64_t max, uint64_t *out);

/*
 * Guessing: call `line` on each whole line (at most 20) of p[0..n), cut by
 * NUL; true if there is one and all pass.
 */
bool eph_import_all_lines(
    const char *p, size_t n, bool (*line)(char *line, size_t i));

/* Writing: time */

/* Let time pass until `ns`, if that is later than what came before. */
int eph_import_at(struct eph_import *im, uint64_t ns);

/*
 * The same by a clock that a log's lines should have in order: where it
 * runs backwards no time passes, which is counted and said.
 */
int eph_import_clock(struct eph_import *im, uint64_t ns);

/* Writing: references */

/* The CPU of a reference by process and CPU column, by the chosen rule. */
int eph_import_cpu_of(
    struct eph_import *im, uint64_t pid, uint64_t column, unsigned *cpup);

/* The number of a path or an URL of `len` bytes, in order of first sight. */
int eph_import_name(
    struct eph_import *im, const char *s, size_t len, uint32_t *idp);

/* One reference to a page. */
int eph_import_ref(struct eph_import *im, unsigned cpu, uint64_t page);

/* One reference for each page of [offset, offset + bytes) of a file. */
int eph_import_file_range(struct eph_import *im, unsigned cpu, uint64_t file,
    uint64_t offset, uint64_t bytes);

/* The same of something whose pages are numbered from 0. */
int eph_import_range(
    struct eph_import *im, unsigned cpu, uint64_t offset, uint64_t bytes);

/*
 * A request as cache simulators and block tracers have them: for an object of
 * `bytes', or for bytes [offset, offset + bytes) of a disk.
 */
struct eph_import_object {
	uint64_t ns;
	uint64_t id; /* of the object or, on_disk, of the disk */
	uint64_t bytes;
	uint64_t offset;
	uint64_t times; /* as often as that; 0: once */
	bool timed;	/* ns is known */
	bool on_disk;
};

/*
 * Count it and write it.  An object is the page, as in the simulators, so
 * that results can be compared.  With --split it is `bytes' of pages of its
 * own; with --split --block B its id counts blocks of B bytes of one disk, and
 * the pages are the disk's.  Disks are numbered in order of first sight.
 */
int eph_import_object(
    struct eph_import *im, const struct eph_import_object *ob);

/* Count a call or request that transferred `got` of `asked` bytes. */
void eph_import_count(struct eph_import *im, uint64_t got, uint64_t asked);

/*
 * What the import says in the end, always, in one line:
 *
 *   LOG: FORMAT (guessed): 12 requests, 30 references to 9 pages by 1 CPU;
 *   FOUND; left out: 2 malformed lines (first: line 7), 3 WHY
 *
 * found: a clause on what the log is ("no header line", "24 threads of 1
 * process").  left_out: `n` more lines or calls that do not count, and why,
 * in words that follow the number ("HEAD requests", "with status 404");
 * `why` must be a literal, the same for the same reason.  skip: a line that
 * should count but cannot be read.  warn: a line of its own for what may make
 * the result wrong, with what would help.
 *
 * An import without a reference is refused with the same words.
 */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void
eph_import_found(struct eph_import *im, const char *fmt, ...);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void
eph_import_warn(struct eph_import *im, const char *fmt, ...);
void eph_import_left_out(struct eph_import *im, const char *why, uint64_t n);
void eph_import_skip(struct eph_import *im);

/* Refuse the line taken last: "FILE:LINE: ...".  Returns EINVAL. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int
eph_import_refuse(struct eph_import *im, const char *fmt, ...);

#endif /* !EPHMAP_SDK_IMPORTER_H */
