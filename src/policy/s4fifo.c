/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * S4-FIFO: S3-FIFO with two more knobs, which its authors set from a
 * model of the workload.  As it stands here it is S3-FIFO to the last hit.
 *
 * `skip`: hits on the newest pages of the small queue do not count, those
 * with fewer arrivals since their own than that share of its size.
 * `ghost_threshold`: a remembered page goes to the main queue only if it
 * was hit that often, in the small queue and while remembered together.
 *
 * "Learning-Augmented Heuristics", OSDI 2026, and the authors' code for
 * libCacheSim.  A later form of that code has no counter of ghosts: any
 * threshold above 0 then means never.
 */

#define POLICY(fn)	s4fifo_##fn
#define s4fifo_pin	lists_pin
#define s4fifo_release	lists_release
#define s4fifo_forget	lists_forget
#define S3_FREQ_MAX	3u
#define S3_SKIP		1
#define S3_GHOST_COUNTS 1
#define S3_WARM_MAIN	0

#include "policy/s3fifo_template.h"

static const struct eph_policy_param s4fifo_params[] = {
	{ "small", 0.1, 0, 1, "share of the buffers in the small queue" },
	{ "ghost", 0.9, 0, 8, "pages remembered, as a share of the buffers" },
	{ "threshold", 2, 1, S3_FREQ_MAX,
	    "hits in the small queue that lead to the main one" },
	{ "ghost_threshold", 0, 0, 255,
	    "hits of a remembered page that lead to the main queue" },
	{ "skip", 0, 0, 1,
	    "share of the small queue, its newest, where hits do not count" },
	{ NULL, 0, 0, 0, NULL },
};

static int
s4fifo_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[5];
	const int error =
	    eph_policy_params(&eph_policy_s4fifo, env->params, v, err);
	struct s3 *s;

	if (error != 0)
		return (error);
	if ((s = s4fifo_state(env, v[0], v[1])) == NULL)
		return (eph__policy_nomem(env, "s4fifo", err));
	s->threshold = (uint32_t)v[2];
	s->ghost_threshold = (uint32_t)v[3];
	s->l.both = s->ghost_threshold > 0;
	s->skip = policy_share(env->nslots - s->main_max, v[4], 0);
	*psp = s;
	return (0);
}

const struct eph_policy_ops eph_policy_s4fifo = {
	.name = "s4fifo",
	.summary = "S3-FIFO with knobs for its newest pages and its ghosts",
	.origin = "Learning-Augmented Heuristics, OSDI 2026",
	.aka = "s4-fifo",
	.params = s4fifo_params,
	POLICY_CALLS,
};
