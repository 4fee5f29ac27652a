/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Clock2Q+: S3-FIFO for block traffic, where one access of a program is
 * often several of a page within a moment.  A hit in the small queue counts
 * only after as many arrivals there as half its size (the correlation
 * window); one hit that counts leads to the main queue, a clock with one
 * bit.
 *
 * VMware vSAN, arXiv 2511.21958, and the authors' code for libCacheSim,
 * from which the filling is: until the first page leaves, what the small
 * queue has no room for arrives in the main one.
 */

#define POLICY(fn)	    clock2qplus_##fn
#define clock2qplus_pin	    lists_pin
#define clock2qplus_release lists_release
#define clock2qplus_forget  lists_forget
#define S3_FREQ_MAX	    1u
#define S3_SKIP		    1
#define S3_GHOST_COUNTS	    0
#define S3_WARM_MAIN	    1

#include <math.h>

#include "policy/s3fifo_template.h"

static const struct eph_policy_param clock2qplus_params[] = {
	{ "small", 0.1, 0, 1, "share of the buffers in the small queue" },
	{ "ghost", 0.9, 0, 8, "pages remembered, as a share of the buffers" },
	{ "window", 0.5, 0, 1,
	    "share of the small queue, its newest, where hits do not count" },
	{ NULL, 0, 0, 0, NULL },
};

static int
clock2qplus_create(
    const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[3];
	const int error =
	    eph_policy_params(&eph_policy_clock2qplus, env->params, v, err);
	struct s3 *s;

	if (error != 0)
		return (error);
	if ((s = clock2qplus_state(env, v[0], v[1])) == NULL)
		return (eph__policy_nomem(env, "clock2q+", err));
	s->threshold = 1;
	s->skip = (uint32_t)ceil((env->nslots - s->main_max) * v[2]);
	*psp = s;
	return (0);
}

const struct eph_policy_ops eph_policy_clock2qplus = {
	.name = "clock2q+",
	.summary = "small FIFO with a correlation window, main clock, ghosts",
	.origin = "VMware vSAN, arXiv 2511.21958, 2025",
	.aka = "clock2qplus,clock2q",
	.params = clock2qplus_params,
	.by_page = true,
	POLICY_CALLS,
};
