/* SPDX-License-Identifier: BSD-2-Clause */

#include "known.h"
#include "text.h"

#include <math.h>
#include <stdio.h>

json_t *
known_json(double x)
{
	return (isnan(x) ? json_null() : json_real(x));
}

const char *
known_csv(char *buf, size_t size, double x)
{
	(void)snprintf(buf, size, "%.9g", x);
	return (isnan(x) ? "" : buf);
}

void
warn_unknown(const struct eph_mrc_point *points, size_t n)
{
	size_t unknown = 0;

	for (size_t i = 0; i < n; i++)
		unknown += isnan(points[i].miss_ratio) ? 1 : 0;
	if (unknown > 0)
		text_note(
		    "ephmap mrc: the sample tells nothing of %zu of %zu "
		    "points: fewer than 16 buffers or 64 pages stand for "
		    "them, which a higher --shards changes, or the policy "
		    "cannot be scaled (lfu, lhd, mru)",
		    unknown, n);
}
