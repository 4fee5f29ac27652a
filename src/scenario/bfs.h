/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SCENARIO_BFS_H
#define SCENARIO_BFS_H

/* All states of a small machine, nearest first. */

#include "scenario/search.h"

/*
 * Fills the part of *r that is about states; s->failure says if one failed,
 * and *schedule is then a shortest way there.  Returns 0, ENOMEM or ENOTSUP
 * (this build cannot), and `err` says why.
 */
int eph__search_bfs(struct search *s, const struct eph_explore_config *cfg,
    struct eph_explore_result *r, struct ex_schedule *schedule,
    struct eph_err *err);

#endif /* !SCENARIO_BFS_H */
