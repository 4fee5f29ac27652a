/* SPDX-License-Identifier: BSD-2-Clause */

/* The table of generators, and what is checked before one runs. */

#include "ephmap/generate.h"

#include <errno.h>

#include "trace/gen.h"
#include "trace/trace_rate.h"

#define ALPHA_MAX 10.0

enum { STREAM_PAGES, STREAM_CPUS };

/* By enum eph_generator. */
static const struct generator *const generators[EPH_GENERATORS] = {
	[EPH_GEN_ZIPF] = &eph__gen_zipf,
	[EPH_GEN_SCAN] = &eph__gen_scan,
	[EPH_GEN_LOOP] = &eph__gen_loop,
	[EPH_GEN_UNIFORM] = &eph__gen_uniform,
	[EPH_GEN_HOTSPOT] = &eph__gen_hotspot,
	[EPH_GEN_PHASES] = &eph__gen_phases,
	[EPH_GEN_ZIPF_SCAN] = &eph__gen_zipf_scan,
	[EPH_GEN_ZIPF_LOOP] = &eph__gen_zipf_loop,
	[EPH_GEN_LATEST] = &eph__gen_latest,
	[EPH_GEN_SENDFILE] = &eph__gen_sendfile,
};

unsigned
eph_generator_uses(enum eph_generator kind)
{
	return (generators[kind]->uses);
}

static int
check(const struct eph_generate *g, struct eph_err *err)
{
	if (g->pages < 1 || g->pages > EPH_FRAMES_MAX ||
	    g->refs > EPH_GEN_REFS_MAX || g->cpus < 1 ||
	    g->cpus > EPH_CPUS_MAX || !(g->alpha >= 0) || g->alpha > ALPHA_MAX)
		return (eph_err_set(err, EINVAL,
		    "generate: expected 1 to %u pages, up to %llu references, "
		    "1 to %u CPUs and an alpha from 0 to %g",
		    EPH_FRAMES_MAX, (unsigned long long)EPH_GEN_REFS_MAX,
		    EPH_CPUS_MAX, ALPHA_MAX));
	if (g->rate > RATE_MAX ||
	    (g->rate > 0 && g->refs / g->rate > RATE_SECONDS))
		return (eph_err_set(err, EINVAL,
		    "generate: expected up to %u references a second, and no "
		    "more than %u seconds",
		    RATE_MAX, RATE_SECONDS));
	if (!(g->share >= 0 && g->share <= 1 && g->weight >= 0 &&
		g->weight <= 1) ||
	    g->phases > EPH_FRAMES_MAX)
		return (eph_err_set(err, EINVAL,
		    "generate: expected shares from 0 to 1, and up to %u "
		    "phases",
		    EPH_FRAMES_MAX));
	return (0);
}

int
eph_trace_generate(const struct eph_generate *g, struct eph_trace_writer *w,
    struct eph_err *err)
{
	struct gen x = { .g = g, .w = w, .err = err };
	const int error = check(g, err);

	if (error != 0)
		return (error);
	eph__prng_init(&x.pages, g->seed, STREAM_PAGES);
	eph__prng_init(&x.cpus, g->seed, STREAM_CPUS);
	return (generators[g->kind]->run(&x));
}
