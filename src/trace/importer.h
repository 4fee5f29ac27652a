/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_IMPORTER_H
#define TRACE_IMPORTER_H

/*
 * What the importers share (import_kit.c).  An importer is one file, and one
 * row of the table in import.c, which alone knows them all.
 */

#include <stdlib.h>

#include "ephmap/import.h"
#include "base/prng.h"
#include "trace/idmap.h"
#include "trace/input.h"
#include "trace/names.h"

/*
 * A page of a file is named FILE * 10^9 + PAGE, so that a person reads
 * both in the decimal number; files are numbered from 0.
 */
#define IMPORT_FILE_PAGES ((uint64_t)1000000000)
#define IMPORT_FILES_MAX  ((uint64_t)1 << 32)

/* Which options a format can obey. */
enum {
	IMPORT_CALLS = 0x01,
	IMPORT_PID = 0x02,     /* knows processes */
	IMPORT_COLUMN = 0x04,  /* has a CPU column */
	IMPORT_THREAD = 0x800, /* knows threads, and loads */
	IMPORT_HOLDS = 0x08,
	IMPORT_BLOCK = 0x10,
	IMPORT_SPLIT = 0x20,
	IMPORT_TABLE = 0x40,   /* columns by number: --delimiter, --no-header */
	IMPORT_FIELDS = 0x80,  /* columns or fields by name */
	IMPORT_UNIT = 0x100,   /* --time-unit */
	IMPORT_HEADER = 0x200, /* bytes may have a header's in them */
	IMPORT_RECORD = 0x400, /* --record */
};

#define IMPORT_REASONS 16

/* What an import will say of itself when it has ended (import_told.c). */
struct import_told {
	const char *unit; /* what calls are: "requests"; NULL: no calls */
	char found[512];
	char warnings[3072]; /* lines */
	struct {
		const char *why;
		uint64_t n;
		uint64_t first_line; /* 0: not lines */
	} left[IMPORT_REASONS];
	unsigned nleft;
};

/* One import that is under way. */
struct import {
	const struct eph_import_options *o;
	struct eph_trace_writer *w;
	struct eph_import_result *res;
	struct eph_err *err;
	struct input *in;
	uint64_t block_bytes;
	bool block_given;
	uint64_t now_ns;    /* time of what was written last */
	bool started;	    /* now_ns is known */
	uint64_t back;	    /* times that the log's clock ran backwards */
	uint64_t back_line; /* the first of them */
	uint64_t back_ns;   /* by that much at most */
	unsigned turn;	    /* EPH_FOLD_ROBIN, EPH_CPU_ROBIN */
	struct prng rng;    /* EPH_CPU_RANDOM */
	struct idmap pids;  /* dense: their CPUs */
	struct names files; /* paths or URLs */
	struct import_told told;
};

struct import_format {
	const char *name;
	const char *desc;
	const char *unit; /* what its calls are, in the plural, or NULL */
	unsigned options; /* IMPORT_* it obeys */
	/* Could a file that starts with these bytes be one? */
	bool (*guess)(const char *p, size_t n);
	int (*run)(struct import *im);
};

extern const struct import_format eph__import_strace;
extern const struct import_format eph__import_truss;
extern const struct import_format eph__import_kdump;
extern const struct import_format eph__import_perf_trace;
extern const struct import_format eph__import_filemap;
extern const struct import_format eph__import_sendfile_tsv;
extern const struct import_format eph__import_hold_tsv;
extern const struct import_format eph__import_nasa_tsv;
extern const struct import_format eph__import_clf;
extern const struct import_format eph__import_weblog_json;
extern const struct import_format eph__import_w3c;
extern const struct import_format eph__import_squid;
extern const struct import_format eph__import_haproxy;
extern const struct import_format eph__import_ids;
extern const struct import_format eph__import_oracle_general;
extern const struct import_format eph__import_oracle_general_op;
extern const struct import_format eph__import_lcs;
extern const struct import_format eph__import_binary;
extern const struct import_format eph__import_msr;
extern const struct import_format eph__import_twitter;
extern const struct import_format eph__import_alibaba_block;
extern const struct import_format eph__import_tencent_block;
extern const struct import_format eph__import_meta_kv;
extern const struct import_format eph__import_meta_cdn;
extern const struct import_format eph__import_wiki_cdn;
extern const struct import_format eph__import_umass_spc;
extern const struct import_format eph__import_webcachesim;
extern const struct import_format eph__import_fio_iolog;
extern const struct import_format eph__import_blkparse;
extern const struct import_format eph__import_vscsi;
extern const struct import_format eph__import_csv;
extern const struct import_format eph__import_arc;
extern const struct import_format eph__import_lirs;

/*
 * All return 0 or an errno value with im->err set, unless stated.
 */

/* The next line, without its end; *linep is NULL at the end. */
int eph__import_line(struct import *im, char **linep, size_t *lenp);

/* Refuse the line taken last: "FILE:LINE: ...".  Returns EINVAL. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int
eph__import_refuse(struct import *im, const char *fmt, ...);

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
 * the result wrong, with what would help.  unit: im->told.unit, preset from
 * the format's row, may be changed while the import runs.
 *
 * An import without a reference is refused with the same words.
 */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void
eph__import_found(struct import *im, const char *fmt, ...);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void
eph__import_warn(struct import *im, const char *fmt, ...);
void eph__import_left_out(struct import *im, const char *why, uint64_t n);
void eph__import_skip(struct import *im);

/* Write the statement into im->res; EINVAL when there is no reference. */
int eph__import_tell(struct import *im);

/* Let time pass until `ns`, if that is later than what came before. */
int eph__import_at(struct import *im, uint64_t ns);

/*
 * The same by a clock that a log's lines should have in order: where it
 * runs backwards no time passes, which is counted and said.
 */
int eph__import_clock(struct import *im, uint64_t ns);
void eph__import_clock_tell(struct import *im);

/* The CPU of a reference by process and CPU column, by the chosen rule. */
int eph__import_cpu(
    struct import *im, uint64_t pid, uint64_t column, unsigned *cpup);

/* One reference to a page. */
int eph__import_ref(struct import *im, unsigned cpu, uint64_t page);

/* One reference for each page of [offset, offset + bytes) of a file. */
int eph__import_file_range(struct import *im, unsigned cpu, uint64_t file,
    uint64_t offset, uint64_t bytes);

/* The same of something whose pages are numbered from 0. */
int eph__import_range(
    struct import *im, unsigned cpu, uint64_t offset, uint64_t bytes);

/* Count a call or request that transferred `got` of `asked` bytes. */
void eph__import_count(struct import *im, uint64_t got, uint64_t asked);

/*
 * Cut `line` at each `separator` (a blank: at any number of blanks and
 * tabs); returns the number of fields, at most `max`, the rest uncut.
 */
size_t eph__import_fields(
    char *line, char separator, char **fields, size_t max);

/* A field that must be a decimal number up to `max`. */
int eph__import_number(struct import *im, const char *field, const char *what,
    uint64_t max, uint64_t *out);

/* Decimal digits only, up to `max`; false otherwise. */
bool eph__import_digits(const char *s, uint64_t max, uint64_t *out);

/*
 * Guessing: call `line` on each whole line (at most 20) of p[0..n), cut by
 * NUL; true if there is one and all pass.
 */
bool eph__import_all_lines(
    const char *p, size_t n, bool (*line)(char *line, size_t i));

#endif /* !TRACE_IMPORTER_H */
