/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_IMPORT_H
#define EPHMAP_IMPORT_H

/*
 * Importers: logs and research formats to operation traces.
 *
 * Every format is read as a stream, plain or compressed with zstd, gzip, xz,
 * bzip2 or lz4.
 * A call or request that covers bytes [offset, offset + n) is one page
 * reference for each 4 KiB page of that range, in order.  Holds are kept
 * where they were recorded (m ... u lines); everything else becomes p
 * lines, with d lines between them where times are known.
 * ephmap/sdk/importer.h says how to write an importer.
 */

#include "ephmap/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which calls of a log of calls count: a sum of these, 0 for sendfile. */
enum eph_import_calls {
	EPH_CALLS_SENDFILE = 0x01,
	EPH_CALLS_READ = 0x02,	/* read, readv: files only */
	EPH_CALLS_PREAD = 0x04, /* pread64, preadv, preadv2 */
	EPH_CALLS_SPLICE = 0x08,
	EPH_CALLS_COPY = 0x10, /* copy_file_range: the source */
	EPH_CALLS_MMAP = 0x20, /* pages mapped, touched or not */
	EPH_CALLS_PIPE = 0x40, /* writes to pipes: the writer's buffer is
				* mapped; alone only */
};

/* Where a reference's CPU comes from. */
enum eph_import_cpu {
	EPH_CPU_DEFAULT, /* the log's column, else by process */
	EPH_CPU_PID,	 /* processes, numbered by their first counted call */
	EPH_CPU_THREAD,	 /* the same of threads */
	EPH_CPU_COLUMN,	 /* the log's CPU column */
	EPH_CPU_FIXED,	 /* `cpu` */

	/* Each reference by itself, to `cpu` CPUs: not for calls and holds. */
	EPH_CPU_ROBIN,	/* in turn */
	EPH_CPU_HASH,	/* by the page: one page is one CPU's */
	EPH_CPU_RANDOM, /* by `seed` */
};

/* Unit of a log's times. */
enum eph_import_unit {
	EPH_UNIT_DEFAULT, /* the format's; csv: by name or size of the number */
	EPH_UNIT_S,
	EPH_UNIT_MS,
	EPH_UNIT_US,
	EPH_UNIT_NS,
};

/* How processes or threads share `fold` CPUs. */
enum eph_import_fold {
	EPH_FOLD_PROCESS, /* number N goes to CPU N mod fold, and stays */
	EPH_FOLD_ROBIN,	  /* each call goes to the next CPU */
	EPH_FOLD_LOAD,	  /* each stays; the busiest first, to the idlest */
};

struct eph_import_format;

struct eph_import_options {
	const char *from; /* a format's name; NULL: guess */

	/* One's own, of ephmap/sdk/importer.h, instead of `from'; or NULL. */
	const struct eph_import_format *format;
	unsigned calls; /* EPH_CALLS_*, or 0 */
	enum eph_import_cpu cpu_of;
	unsigned cpu;  /* EPH_CPU_FIXED; _ROBIN, _HASH, _RANDOM: how many */
	uint64_t seed; /* EPH_CPU_RANDOM */
	unsigned fold; /* CPUs to share, at most; 0: as many as needed */
	enum eph_import_fold fold_by;
	bool no_holds;	      /* p lines even where holds are recorded */
	bool split;	      /* objects of a size are cut into pages */
	uint64_t block_bytes; /* size of a block in the log; 0: 4096 */

	/*
	 * Which columns of a table, fields of a binary record or members of
	 * a JSON object are what: "time=1,id=3,size=4" by number from 1, or
	 * by name ("url=request.uri").  NULL: the format's own.
	 *
	 *	tables, records	time id size op; disks: disk offset size
	 *	JSON		time method url status size, or request
	 */
	const char *columns;
	char delimiter; /* between columns; 0: told by the content */
	bool no_header; /* the first line of a table is data */
	enum eph_import_unit time_unit;
	const char *record; /* binary: "<IQI", as Python's struct */

	/* Bytes of a header to take from those of each response of a web log. */
	uint64_t header_bytes;
	bool header_auto; /* told by responses without a body */

	/* Told now and then how much of the file is read; may be NULL. */
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *progress_arg;
};

#define EPH_IMPORT_TOLD_MAX 6144

struct eph_import_result {
	const char *format;
	bool guessed;  /* by content: eph_import_options.from was NULL */
	unsigned cpus; /* highest CPU that referred to a page, plus one */
	uint64_t references;
	uint64_t unique_pages;
	uint64_t calls;	  /* calls or requests, those that failed included */
	uint64_t partial; /* of these, sent less than asked */
	uint64_t failed;  /* of these, failed */
	uint64_t again;	  /* returned EAGAIN: not calls, they map nothing */
	uint64_t skipped; /* lines that should be calls but cannot be read */
	uint64_t first_skipped; /* line number of the first one */
	uint64_t unfinished;	/* calls without a result: killed, or cut off */

	/*
	 * Lines, each ended by a newline, for the person at the terminal: the
	 * first states what the log was taken for, what was counted, what was
	 * left out and why; others warn of what the log does not tell.
	 */
	char told[EPH_IMPORT_TOLD_MAX];
};

/*
 * Read the log `path` into `w`, which is then told where it came from.
 * Returns 0 and fills *res, or an errno value with `err` set: EINVAL for
 * bad options or contents (file and line, or byte offset), and for a log
 * without a single page reference, `err` saying what was in it.
 */
int eph_trace_import(const char *path, const struct eph_import_options *o,
    struct eph_trace_writer *w, struct eph_import_result *res,
    struct eph_err *err);

/*
 * Which format the log has.  Returns 0 and sets *formatp, or an errno value
 * with `err` set, EINVAL when it looks like none.
 */
int eph_trace_import_guess(
    const char *path, const char **formatp, struct eph_err *err);

/* Formats by index, NULL past the last. */
const char *eph_trace_import_format(unsigned i);
const char *eph_trace_import_format_desc(unsigned i);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_IMPORT_H */
