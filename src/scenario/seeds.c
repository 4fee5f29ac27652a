/* SPDX-License-Identifier: BSD-2-Clause */

/* One search from many seeds, in one machine: how soon does it fail? */

#include <errno.h>

#include "scenario/search.h"

/* The number of the first schedule that fails, or 0. */
static uint64_t
seeds_first(struct search *s, uint64_t budget)
{
	for (uint64_t i = 0; i < budget; i++) {
		s->ex->nschedule = i;
		if (eph__search_once(s) != EPH_FAIL_NONE)
			return (i + 1);
		if (!s->ex->strategy->next(s->ex, s->verdict))
			break;
	}
	return (0);
}

int
eph_explore_seeds(const struct eph_explore_config *cfg, uint64_t n,
    uint64_t *first, struct eph_err *err)
{
	const uint64_t budget = cfg->budget != 0 ? cfg->budget : SEARCH_BUDGET;
	struct search s;
	int error;

	error = eph__search_open(&s, cfg, err);
	for (uint64_t i = 0; i < n && error == 0; i++) {
		/* As a search of its own: nothing learned is kept. */
		s.ex->seed = cfg->seed + i;
		s.ex->k = 0;
		if (eph__explore_set_strategy(s.ex, s.ex->strategy) != 0)
			error = eph_err_set(err, ENOMEM, "out of memory");
		else
			first[i] = seeds_first(&s, budget);
		if (error == 0 && s.mc->refusal[0] != '\0')
			error = eph_err_set(err, ENOTSUP, "%s", s.mc->refusal);
	}
	eph__search_close(&s);
	return (error);
}
