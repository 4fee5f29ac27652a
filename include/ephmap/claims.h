/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_CLAIMS_H
#define EPHMAP_CLAIMS_H

/*
 * Claims: what the authors of ephemeral mappings said, put to the test.
 *
 * A claim is a sentence of a source document, and a measurement that can
 * come out against it.  The measurement makes its streams itself, from
 * documented parameters and a seed, runs designs and consumers on them in
 * lockstep, where counts are exact, and compares.  The verdict follows from
 * the numbers by the rule that the claim's row states in words.
 */

#include "ephmap/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum eph_verdict {
	EPH_HOLDS,
	EPH_HOLDS_NOT,
	EPH_HOLDS_IF,	 /* under `condition` only */
	EPH_CANNOT_TELL, /* the measurement does not decide: a failure */
};

/* "holds", "does not hold", "holds only if", "cannot tell". */
const char *eph_verdict_name(enum eph_verdict v);

/* One number that was measured. */
struct eph_claim_fact {
	char what[112];
	char unit[24];
	double value;
};

/* A claim may say several things; each is decided for itself. */
struct eph_claim_part {
	char text[128];
	enum eph_verdict verdict;
	char condition[256]; /* EPH_HOLDS_IF; else "" */
	char measured[256];  /* the numbers that decide, in one line */
	char why[768];	     /* why the verdict follows from them */
};

#define EPH_CLAIM_PARTS 6

/*
 * `verdict` is that of all parts if they agree, else EPH_HOLDS_IF, and
 * `condition` then says under which condition, and which part fails; a part
 * that cannot tell makes the whole so.
 */
struct eph_claim_result {
	enum eph_verdict verdict;
	char condition[1024];
	char measured[1024];
	double seconds; /* it took */
	unsigned nparts;
	struct eph_claim_part part[EPH_CLAIM_PARTS];
	struct eph_claim_fact *fact;
	size_t nfacts;
	char **step; /* what was run, in order: a line each */
	size_t nsteps;
};

struct eph_claim_config {
	uint64_t seed;	   /* 0: 1 */
	const char *trace; /* a capture to be used in addition; or NULL */
	const char *save;  /* a directory for the streams; or NULL */
	unsigned scale;	   /* 2 and more: sizes divided by about that */
};

struct eph_claim_run;

struct eph_claim {
	unsigned number; /* from 1 */
	const char *name;
	const char *group;
	const char *title; /* the claim, in one line */
	const char *text;  /* the same in full */
	const char *origin;
	const char *date;
	const char *method; /* how it is measured */
	const char *rule;   /* from numbers to the verdict */
	void (*measure)(struct eph_claim_run *r);
};

/* NULL-terminated, in the order of their numbers. */
extern const struct eph_claim *const eph_claims[];

/*
 * Measure.  Returns 0 and fills *res, which eph_claim_free() gives back; or
 * ENOMEM, or the error of a run, a file or a directory; `err` says which.
 */
int eph_claim_measure(const struct eph_claim *claim,
    const struct eph_claim_config *cfg, struct eph_claim_result *res,
    struct eph_err *err);
void eph_claim_free(struct eph_claim_result *res);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_CLAIMS_H */
