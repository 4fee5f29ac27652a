/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_TRACE_H
#define EPHMAP_TRACE_H

/*
 * Operation traces: reading and writing ephmap's text and binary forms.
 *
 * Text, one operation a line, `#` starts a comment, first line
 * "ephmap-trace 1":
 *
 *	m CPU PAGE HANDLE [private|shared] [nowait|catch]
 *	k CPU HANDLE	r CPU HANDLE	w CPU HANDLE	u CPU HANDLE
 *	d NS
 *	p CPU PAGE
 *
 * A reader makes ids dense: pages are numbered from 0 in order of first
 * sight, handles get slots that are used again after their `u`.  It checks
 * that handles are mapped before they are used and not mapped twice.
 */

#include "ephmap/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum eph_op_kind {
	EPH_OP_MAP,   /* m */
	EPH_OP_KVA,   /* k */
	EPH_OP_READ,  /* r */
	EPH_OP_WRITE, /* w */
	EPH_OP_UNMAP, /* u */
	EPH_OP_DELAY, /* d */
	EPH_OP_REF,   /* p */
	EPH_OP_KINDS
};

/* Flags of EPH_OP_MAP. */
enum {
	EPH_OPF_PRIVATE = 0x1,
	EPH_OPF_NOWAIT = 0x2,
	EPH_OPF_CATCH = 0x4,
};

/*
 * One operation.  MAP uses page and slot; KVA, READ, WRITE and UNMAP slot;
 * REF page; DELAY the 64 bits of eph_op_delay_ns() and no CPU.
 */
struct eph_op {
	uint8_t kind;
	uint8_t flags;
	uint16_t cpu;
	uint32_t page; /* dense id; DELAY: low half */
	uint32_t slot; /* dense id; DELAY: high half */
};

static inline uint64_t
eph_op_delay_ns(const struct eph_op *op)
{
	return ((uint64_t)op->slot << 32 | op->page);
}

/* What is known of a trace as a whole; exact when `complete`. */
struct eph_trace_meta {
	bool complete;
	unsigned cpus;	     /* highest CPU plus one, at least 1 */
	uint64_t ops;	     /* operations of any kind */
	uint64_t references; /* m and p lines */
	uint64_t unique_pages;
	uint32_t slots;	      /* handles mapped at once, at most */
	uint64_t duration_ns; /* sum of the d lines */
	double held_mean;     /* handles mapped at once, over time if there
				 * are d lines, else over lines */
	uint64_t held_max;
	uint64_t held_at_end;
	uint64_t ops_of[EPH_OP_KINDS];

	/* Of the log it was imported from; `imported` 0: not imported. */
	uint64_t imported;
	uint64_t calls;	  /* calls, or requests served; EAGAIN is none */
	uint64_t partial; /* of these, calls that sent less than asked */
	uint64_t failed;  /* of these, calls that failed */
	char source[16];  /* format it was imported from */
};

/* How references are spread over CPUs, each by itself. */
enum eph_spread {
	EPH_SPREAD_NONE,   /* the CPU that the trace says */
	EPH_SPREAD_ROBIN,  /* in turn */
	EPH_SPREAD_HASH,   /* by the page's id: one page is one CPU's */
	EPH_SPREAD_RANDOM, /* by a seed */
};

struct eph_trace;

/*
 * Open `path`, text or binary by content.  Returns 0 and sets *tp, or an
 * errno value with `err` set: ENOENT and friends from the system, EISDIR,
 * EINVAL for what is not a trace (a raw log is named, with the import
 * command to type).  A text trace is read through once, for its meta data
 * and its errors; a binary one only its header and index.
 */
int eph_trace_open(
    const char *path, struct eph_trace **tp, struct eph_err *err);
void eph_trace_close(struct eph_trace *t);

const struct eph_trace_meta *eph_trace_meta(const struct eph_trace *t);

/* In text form; else binary. */
bool eph_trace_is_text(const struct eph_trace *t);

/*
 * The next operations, in order: sets *opsp to *np of them, valid until
 * the next call; *np is 0 at the end.  Returns 0, or EINVAL with `err`
 * set (file, and line or byte offset).
 */
int eph_trace_next(struct eph_trace *t, const struct eph_op **opsp, size_t *np,
    struct eph_err *err);

/*
 * Give times to a trace that has none: so many references (m and p lines) a
 * second, 1 to 10^9, evenly.  From here on the trace has d lines, of which
 * its meta data tells; call it before anything is read.  Returns 0, EINVAL
 * with `err` set where there are d lines already or the references would
 * take more than 31 years, or ENOMEM.
 */
int eph_trace_rate(
    struct eph_trace *t, uint64_t per_second, struct eph_err *err);

/* Start again from the first operation.  Returns as eph_trace_next. */
int eph_trace_rewind(struct eph_trace *t, struct eph_err *err);

/*
 * Name operation `i` of the block got last, for messages: "file:line" in
 * text, "file: operation n" in binary.  Writes at most `size` bytes.
 */
void eph_trace_where(
    const struct eph_trace *t, size_t i, char *buf, size_t size);

/* The same for a line number got from eph_trace_line(). */
void eph_trace_where_line(
    const struct eph_trace *t, uint64_t line, char *buf, size_t size);

/* Line number in text, operation number from 1 in binary. */
uint64_t eph_trace_line(const struct eph_trace *t, size_t i);

/* The 64-bit id behind a dense page id that was delivered. */
uint64_t eph_trace_page_name(const struct eph_trace *t, uint32_t page);

/* The id of the handle in operation `i` of the block got last. */
uint64_t eph_trace_handle_name(const struct eph_trace *t, size_t i);

/* Writing.  `path` appears when eph_trace_writer_commit() succeeds. */
struct eph_trace_writer;

enum eph_trace_form { EPH_TRACE_BINARY, EPH_TRACE_TEXT, EPH_TRACE_ORACLE };

/*
 * Returns 0 and sets *wp, or an errno value with `err` set.  The file is
 * written beside its place and renamed at the end, so that no partial file
 * is ever seen.  "-" writes text to standard output.
 */
int eph_trace_writer_open(const char *path, enum eph_trace_form form,
    struct eph_trace_writer **wp, struct eph_err *err);

/*
 * Append one operation, ids as in the text form: `page` and `handle` are
 * names, not dense.  `ns` counts for EPH_OP_DELAY only.  Returns 0, or an
 * errno value with `err` set.
 */
int eph_trace_write(struct eph_trace_writer *w, enum eph_op_kind kind,
    unsigned flags, unsigned cpu, uint64_t page, uint64_t handle, uint64_t ns,
    struct eph_err *err);

/* Note where it came from (imported, calls, partial, failed, source). */
void eph_trace_writer_origin(
    struct eph_trace_writer *w, const struct eph_trace_meta *meta);

/*
 * What was written so far: ops_of, references, unique_pages, cpus, slots
 * and duration_ns of *meta are set, the rest is of no meaning.
 */
void eph_trace_writer_so_far(
    const struct eph_trace_writer *w, struct eph_trace_meta *meta);

/* Finish and rename, or throw away.  Both free `w`. */
int eph_trace_writer_commit(struct eph_trace_writer *w, struct eph_err *err);
void eph_trace_writer_abort(struct eph_trace_writer *w);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_TRACE_H */
