/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_GEN_H
#define TRACE_GEN_H

/*
 * What generators share.  A generator is a row, of a file of its own, in the
 * table of generate.c; its name and a line about it stand in the program's
 * list of kinds.
 */

#include "base/prng.h"
#include "ephmap/generate.h"

struct gen {
	const struct eph_generate *g;
	struct eph_trace_writer *w;
	struct eph_err *err;
	struct prng pages, cpus; /* streams of g->seed */
	uint64_t done;		 /* references written */
};

struct generator {
	int (*run)(struct gen *x); /* write x->g->refs references */
	unsigned uses;		   /* EPH_GEN_USES_* */
};

extern const struct generator eph__gen_zipf, eph__gen_scan, eph__gen_loop,
    eph__gen_uniform, eph__gen_hotspot, eph__gen_phases, eph__gen_zipf_scan,
    eph__gen_zipf_loop, eph__gen_latest, eph__gen_sendfile;

/* A p line at its time, on a CPU by chance.  Both return 0, or an errno. */
int eph__gen_ref(struct gen *x, uint64_t page);
int eph__gen_no_memory(struct gen *x); /* ENOMEM */

/* A share that was asked for, or the kind's own. */
static inline double
gen_share(double share, double own)
{
	return (share > 0 ? share : own);
}

/* Ranks from 0 by Zipf's law. */
struct zipf {
	uint32_t pages;
	uint64_t *cdf;	 /* cdf[k]: below it, page k or one before */
	uint32_t *guide; /* first page to look at */
};

int eph__zipf_init(struct zipf *z, uint32_t pages, double alpha); /* ENOMEM */
void eph__zipf_free(struct zipf *z);

#define ZIPF_CDF_BITS 53

static inline uint32_t
zipf_draw(const struct zipf *z, struct prng *r)
{
	const uint64_t u = prng_next(r) >> (64 - ZIPF_CDF_BITS);
	uint32_t page = z->guide[(u >> (ZIPF_CDF_BITS - 32)) * z->pages >> 32];

	while (z->cdf[page] <= u)
		page++;
	return (page);
}

#endif /* !TRACE_GEN_H */
