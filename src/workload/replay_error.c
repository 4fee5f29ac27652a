/* SPDX-License-Identifier: BSD-2-Clause */

/* How a replay ends at a line that goes wrong. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "ephmap/sdk/design.h"
#include "workload/replay_impl.h"

int
eph__replay_fail(struct replay *rp, int error, const char *what)
{
	const size_t i = rp->i > 0 ? rp->i - 1 : 0;
	char where[400];

	if (rp->error != 0)
		return (rp->error);
	if (rp->n > 0 && replay_line(rp, i) == rp->mc->step)
		rp->src->where(rp->src->arg, i, where, sizeof(where));
	else
		(void)snprintf(where, sizeof(where),
		    "line %" PRIu64 ", which had slept", rp->mc->step);
	rp->error = eph_err_set(rp->err, error, "%s: %s", where, what);
	return (error);
}

int
eph__replay_refused(struct replay *rp, int error)
{
	char text[600];

	if (error == ENOMEM)
		return (eph__replay_fail(rp, ENOMEM, "out of memory"));
	(void)snprintf(text, sizeof(text), "%s cannot do this: %s",
	    rp->ops->name, rp->mc->refusal);
	return (eph__replay_fail(rp, ENOTSUP, text));
}
