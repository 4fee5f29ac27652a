/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_SCALE_LOAD_H
#define SIM_SCALE_LOAD_H

/*
 * What `ephmap scale' plays: a trace, whose p lines are dealt to the CPUs, or
 * a load that is made.  In that each CPU maps, touches and unmaps a page, again
 * and again; a reference of `hits' per cent is to one of a few pages that all
 * CPUs share, any other to a page that nobody has seen.
 */

#include "ephmap/run.h"

#define LOAD_SHARED_PAGES 64u

struct load {
	unsigned cpus;
	unsigned hits; /* per cent; of a load that is made */
	uint64_t hold_ns;
};

struct load_stream {
	struct eph_oplist *trace; /* NULL: made */
	uint64_t refs;		  /* of each CPU */
	uint64_t seed;
};

/* Play the load, else as `cfg' says; eph_replay_run()'s error. */
int load_play(const struct load_stream *ls, const struct load *l,
    const struct eph_run_config *cfg, struct eph_run_result *res,
    struct eph_err *err);

#endif /* !SIM_SCALE_LOAD_H */
