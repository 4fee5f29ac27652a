/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * S3-FIFO: a small FIFO (10 % of the buffers) that new pages pass through,
 * a main one with second chances, and as many ghosts as 90 % of the
 * buffers.
 *
 * Yang, Zhang, Qiu, Yue, Vigfusson, SOSP 2023.
 */

#define POLICY(fn)	s3fifo_##fn
#define s3fifo_pin	lists_pin
#define s3fifo_release	lists_release
#define s3fifo_forget	lists_forget
#define S3_FREQ_MAX	3u
#define S3_SKIP		0
#define S3_GHOST_COUNTS 0
#define S3_WARM_MAIN	0

#include "policy/s3fifo_template.h"

static const struct eph_policy_param s3fifo_params[] = {
	{ "small", 0.1, 0, 1, "share of the buffers in the small queue" },
	{ "ghost", 0.9, 0, 8, "pages remembered, as a share of the buffers" },
	{ "threshold", 2, 1, S3_FREQ_MAX,
	    "hits in the small queue that lead to the main one" },
	{ NULL, 0, 0, 0, NULL },
};

static int
s3fifo_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[3];
	const int error =
	    eph_policy_params(&eph_policy_s3fifo, env->params, v, err);
	struct s3 *s;

	if (error != 0)
		return (error);
	if ((s = s3fifo_state(env, v[0], v[1])) == NULL)
		return (eph__policy_nomem(env, "s3fifo", err));
	s->threshold = (uint32_t)v[2];
	*psp = s;
	return (0);
}

const struct eph_policy_ops eph_policy_s3fifo = {
	.name = "s3fifo",
	.summary = "small FIFO, main FIFO with second chances, ghosts",
	.origin = "Yang et al., SOSP 2023",
	.aka = "s3-fifo",
	.params = s3fifo_params,
	.by_page = true,
	POLICY_CALLS,
};
