/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Shrinking a schedule: cut pieces out, halves first, then quarters, down
 * to single tokens and counts, and keep what still fails in the same way.
 * What follows the cut runs by the default rule, so that a switch that does
 * not matter goes away.
 */

#include "scenario/search.h"

#include <errno.h>

#define SHRINK_TRIES 4000u

struct shrinker {
	struct search *s;
	struct ex_schedule *best;
	struct ex_schedule try;
	enum eph_failure failure;
	unsigned tries;
};

/* Does the candidate fail in the same way?  Then it is the best. */
static bool
shrink_accept(struct shrinker *sh)
{
	struct ex_schedule swap;

	if (sh->tries++ > SHRINK_TRIES ||
	    eph__search_replay(sh->s, &sh->try) != sh->failure)
		return (false);
	swap = *sh->best;
	*sh->best = sh->try;
	sh->try = swap;
	return (true);
}

/* The best without `n` tokens from `first`, into the candidate. */
static int
shrink_without(struct shrinker *sh, size_t first, size_t n)
{
	sh->try.n = 0;
	for (size_t i = 0; i < sh->best->n; i++) {
		if (i >= first && i < first + n)
			continue;
		if (eph__ex_schedule_add(&sh->try, sh->best->token[i].choice,
			sh->best->token[i].count) != 0)
			return (ENOMEM);
	}
	return (0);
}

static int
shrink_pieces(struct shrinker *sh, size_t n, bool *better)
{
	for (size_t i = sh->best->n; i > 0;) {
		const size_t first = i > n ? i - n : 0;

		if (shrink_without(sh, first, i - first) != 0)
			return (ENOMEM);
		if (shrink_accept(sh)) {
			*better = true;
			i = first < sh->best->n ? first : sh->best->n;
		} else {
			i = first;
		}
	}
	return (0);
}

/* Make the count of each token as small as it can be. */
static int
shrink_counts(struct shrinker *sh, bool *better)
{
	for (size_t i = 0; i < sh->best->n; i++) {
		uint32_t low = 1;

		while (low < sh->best->token[i].count) {
			const uint32_t mid =
			    low + (sh->best->token[i].count - low) / 2;

			if (eph__ex_schedule_copy(&sh->try, sh->best) != 0)
				return (ENOMEM);
			sh->try.token[i].count = mid;
			if (shrink_accept(sh))
				*better = true;
			else
				low = mid + 1;
		}
	}
	return (0);
}

int
eph__search_shrink(
    struct search *s, struct ex_schedule *schedule, enum eph_failure failure)
{
	struct shrinker sh = { .s = s, .best = schedule, .failure = failure };
	int error = 0;
	bool better;

	do {
		better = false;
		for (size_t n = schedule->n; n > 0 && error == 0; n /= 2)
			error = shrink_pieces(&sh, n, &better);
		if (error == 0)
			error = shrink_counts(&sh, &better);
	} while (better && error == 0 && sh.tries < SHRINK_TRIES);
	eph__ex_schedule_free(&sh.try);
	return (error);
}
