/* SPDX-License-Identifier: BSD-2-Clause */

/* An exploration: a search, a replay, or runs on real threads. */

#include <errno.h>
#include <stdlib.h>

#include "scenario/search.h"

int
eph_explore(const struct eph_explore_config *cfg, struct eph_explore_result *r,
    struct eph_err *err)
{
	struct search s;
	int error;

	*r = (struct eph_explore_result){ 0 };
	if (cfg->threads)
		return (eph__search_threads(cfg, r, err));
	error = eph__search_open(&s, cfg, err);
	if (error == 0)
		error = cfg->replay != NULL
		    ? eph__search_replay_text(&s, r, err)
		    : eph__search_run(&s, r, err);
	if (error == 0 && s.mc->refusal[0] != '\0')
		error = eph_err_set(err, ENOTSUP, "%s", s.mc->refusal);
	eph__search_close(&s);
	if (error != 0)
		eph_explore_free(r);
	return (error);
}

void
eph_explore_free(struct eph_explore_result *r)
{
	free(r->schedule);
	free(r->timeline);
	free(r->odds);
	r->schedule = r->timeline = NULL;
	r->odds = NULL;
}
