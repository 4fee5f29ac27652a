/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ANALYSIS_CLAIMS_IMPL_H
#define ANALYSIS_CLAIMS_IMPL_H

/*
 * What the measurements of claims share.
 *
 * An error sticks: after one, every call does nothing and returns zeros,
 * and eph_claim_measure() returns it.  So measurements are written straight
 * through.
 */

#include "ephmap/claims.h"
#include "ephmap/run.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/workload.h"

struct eph_claim_run {
	const struct eph_claim_config *cfg;
	struct eph_claim_result *res;
	struct eph_err *err;
	int error;
	uint64_t seed;
	uint64_t violations; /* of all runs; a verdict needs none */
	char violation[256]; /* the first */
};

#if defined(__GNUC__)
#define CLAIM_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define CLAIM_PRINTF(f, a)
#endif

void eph__claim_error(struct eph_claim_run *r, int error);
CLAIM_PRINTF(4, 5)
void eph__claim_fact(struct eph_claim_run *r, double value, const char *unit,
    const char *fmt, ...);
CLAIM_PRINTF(2, 3)
void eph__claim_step(struct eph_claim_run *r, const char *fmt, ...);

/* The next part, EPH_CANNOT_TELL until the caller says otherwise. */
struct eph_claim_part *eph__claim_part(
    struct eph_claim_run *r, const char *text);

/* printf into an array, as much as it has room for. */
CLAIM_PRINTF(3, 4)
void eph__claim_say(char *buf, size_t size, const char *fmt, ...);
#define SAY(array, ...) eph__claim_say((array), sizeof(array), __VA_ARGS__)

/*
 * Verdict from cases: all `of` of them, none, or some; or EPH_CANNOT_TELL
 * where the control does not show what it must.
 */
enum eph_verdict eph__claim_cases(bool control, unsigned yes, unsigned of);

/* Share of `part` in `whole`, in percent; 0 of nothing. */
double eph__claim_percent(double part, double whole);

/* Streams of operations, made here. */
struct claim_stream {
	struct eph_op_array read; /* first: what the run that reads it gets */
	char name[64];		  /* as a file: NAME.ept */
	struct eph_op *ops;
	size_t n;
	size_t room;
	uint32_t npages;
	unsigned cpus;
	bool has_time;
};

void eph__claim_stream_free(struct claim_stream *s);

/* Append an operation; CPUs and pages are noted. */
void eph__claim_op(struct eph_claim_run *r, struct claim_stream *s,
    enum eph_op_kind kind, unsigned flags, unsigned cpu, uint32_t page,
    uint32_t handle);
void eph__claim_delay(
    struct eph_claim_run *r, struct claim_stream *s, uint64_t ns);

/* It is complete: name it as a step, and save it where that is wanted. */
CLAIM_PRINTF(3, 4)
void eph__claim_stream_done(
    struct eph_claim_run *r, struct claim_stream *s, const char *fmt, ...);

/* Which file a connection sends next. */
enum claim_choice {
	CLAIM_SAME, /* all send the same file */
	CLAIM_OWN,  /* each its own */
	CLAIM_ZIPF, /* file k with probability 1/(k+1), of `files` */
	CLAIM_NEXT, /* the next of `files` in a circle, which all share */
};

/*
 * Parallel sendfiles, open loop: every connection sends a file after the
 * other, a page every `gap_ns`.  A page is mapped on the connection's CPU,
 * read there if `touch` is set (a checksum in software), and unmapped on
 * the next CPU when the acknowledgement comes.  Hold times have the shape
 * that was measured behind nginx: p10 0.15, p50 0.5, p90 2.6, p99 6.4 of
 * the mean; `even` makes them all alike.
 */
struct claim_sendfile {
	const char *name;
	enum claim_choice choice;
	unsigned conns;
	uint32_t files;
	uint32_t pages; /* of each file */
	uint32_t sends; /* of each connection */
	uint64_t gap_ns;
	uint64_t hold_ns; /* mean */
	unsigned cpus;
	bool touch;
	bool even;
};

void eph__claim_sendfile(struct eph_claim_run *r,
    const struct claim_sendfile *p, struct claim_stream *s);

/* The capture of --trace, if there is one; false: none. */
bool eph__claim_capture(struct eph_claim_run *r, struct claim_stream *s);

struct eph_op_source eph__claim_stream_source(struct claim_stream *s);

/* Replay a stream through a design; zeros where it is refused. */
bool eph__claim_replay(struct eph_claim_run *r, struct claim_stream *s,
    const char *design, unsigned cpus, uint32_t nbufs,
    struct eph_run_result *out);
bool eph__claim_replay_ops(struct eph_claim_run *r, struct claim_stream *s,
    const struct eph_design_ops *design, unsigned cpus, uint32_t nbufs,
    struct eph_run_result *out);

/* Invalidations of either kind, and interrupts. */
uint64_t eph__claim_invalidations(const struct eph_counters *c);

/*
 * Run a workload given as on the command line, and say so as a step.  One
 * that loses or changes a byte, or leaves a thread asleep, proves nothing.
 */
void eph__claim_workload(struct eph_claim_run *r, const char *text,
    const char *design, unsigned cpus, uint32_t nbufs,
    struct eph_run_result *out, struct eph_work_result *wout);

/* The same for a sweep, whose step the caller says. */
void eph__claim_workload_swept(struct eph_claim_run *r, const char *text,
    const char *design, unsigned cpus, uint32_t nbufs,
    struct eph_run_result *out, struct eph_work_result *wout);

/* A number that the workload reports; an error if it does not. */
uint64_t eph__claim_work_fact(struct eph_claim_run *r,
    const struct eph_work_result *work, const char *name);

/* A size of the measurement, as small as the configuration wants it. */
uint32_t eph__claim_scaled(
    const struct eph_claim_run *r, uint32_t size, uint32_t least);

#endif /* !ANALYSIS_CLAIMS_IMPL_H */
