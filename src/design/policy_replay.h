/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Template: one policy's replay without holding.
 *
 * A policy's file defines POLICY(fn) as the name of its own function `fn`
 * and includes this at its end; the compiler then sees the loop and the
 * policy together and inlines one into the other.  It is the sequence of
 * calls that policy.h prescribes for a reference that is released at once,
 * so that the fast path and the path of the designs are one algorithm.
 *
 * POLICY_HOLDS is defined by policies for which pin() and release() of a
 * cached page change more than a mark (they order by release); for the
 * others the pair is left out after a hit.
 *
 * Large tables.  The page's table entry and its slot are asked for some
 * references ahead; with tables in the cache that would only cost.
 * POLICY_NEAR(ps, slot) names the memory of a slot to ask for, and POLICY_BY
 * more of it.  For a page
 * that will be missed POLICY_PAST(ps, page) asks for what the policy
 * remembers of it, and POLICY_NEXT(ps) is a page that is likely to leave at
 * the next miss, whose entry is asked for when the one before has left.
 *
 * POLICY_LISTS(ps) is defined by policies whose state is a struct lists and
 * that take slots by page: those have a second loop, without tables.
 * POLICY_RANKS(ps) is the same for a struct ranks; others define
 * POLICY_CACHED(ps, page) and POLICY_BY_PAGE(ps, early, late), which asks for
 * what there is of two pages: one that comes later, and one that comes soon.
 * In that loop POLICY_AHEAD(ps, page) asks for what else there is of a page.
 */

#include "ephmap/sdk/policy.h"

#define REPLAY_AHEAD 24
#define REPLAY_SOON  8

EPH_INLINE void
POLICY(replay_prefetch)(
    void *ps, const uint32_t *slot_of, const uint32_t *pages, size_t left)
{
	uint32_t slot;

	const uint32_t soon = pages[left > REPLAY_SOON ? REPLAY_SOON : 0];

	eph_prefetch(&slot_of[pages[left > REPLAY_AHEAD ? REPLAY_AHEAD : 0]]);
	slot = slot_of[soon];
#ifdef POLICY_NEAR
	if (slot != EPH_NONE) {
		eph_prefetch(POLICY_NEAR(ps, slot));
#ifdef POLICY_BY
		eph_prefetch(POLICY_BY(ps, slot));
#endif
	}
#else
	(void)ps;
	(void)slot;
#endif
#ifdef POLICY_PAST
	if (slot == EPH_NONE)
		POLICY_PAST(ps, soon);
#endif
}

EPH_INLINE uint64_t
POLICY(replay_loop)(void *ps, struct eph_policy_replay *r,
    const uint32_t *pages, size_t n, const bool far)
{
	uint32_t *const slot_of = r->slot_of;
	uint32_t *const page_of = r->page_of;
	const uint64_t first = r->now;
	uint64_t hits = 0;

	for (size_t i = 0; i < n; i++) {
		const uint32_t page = pages[i];
		uint32_t slot = slot_of[page];

		r->now = first + i;
		/* clang-format off */
		if (far)
			POLICY(replay_prefetch)(ps, slot_of, pages + i, n - i);
		/* clang-format on */
		if (slot != EPH_NONE) {
			hits++;
			POLICY(hit)(ps, slot);
#ifdef POLICY_HOLDS
			POLICY(pin)(ps, slot);
			POLICY(release)(ps, slot);
#endif
			continue;
		}
		if (eph_likely(r->used == r->nslots)) {
			slot = POLICY(victim)(ps, page);
			slot_of[page_of[slot]] = EPH_NONE;
		} else {
			slot = r->used++;
		}
		slot_of[page] = slot;
		page_of[slot] = page;
		POLICY(insert)(ps, slot, page);
		POLICY(release)(ps, slot);
#ifdef POLICY_NEXT
		if (far) {
			const uint32_t next = POLICY_NEXT(ps);

			eph_prefetch(&slot_of[next]);
			POLICY_PAST(ps, next);
		}
#endif
	}
	r->now = first + n;
	return (hits);
}

#if defined(POLICY_LISTS)
#define POLICY_CACHED(ps, page) lists_cached(POLICY_LISTS(ps), page)
#define POLICY_BY_PAGE(ps, early, late)                                        \
	lists_ahead(POLICY_LISTS(ps), early, late)
#elif defined(POLICY_RANKS)
#define POLICY_CACHED(ps, page) rank_cached(POLICY_RANKS(ps), page)
#define POLICY_BY_PAGE(ps, early, late)                                        \
	rank_ahead(POLICY_RANKS(ps), early, late)
#endif

#ifdef POLICY_CACHED
static uint64_t
POLICY(replay_by_page)(
    void *ps, struct eph_policy_replay *r, const uint32_t *pages, size_t n)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < n; i++) {
		const uint32_t page = pages[i];

		const uint32_t early =
		    pages[i + REPLAY_AHEAD < n ? i + REPLAY_AHEAD : i];

		const uint32_t late =
		    pages[i + REPLAY_SOON < n ? i + REPLAY_SOON : i];

		POLICY_BY_PAGE(ps, early, late);
#ifdef POLICY_AHEAD
		POLICY_AHEAD(ps, early);
#endif
		if (POLICY_CACHED(ps, page)) {
			hits++;
			POLICY(hit)(ps, page);
			continue;
		}
		if (eph_likely(r->used == r->nslots))
			(void)POLICY(victim)(ps, page);
		else
			r->used++;
		POLICY(insert)(ps, page, page);
		POLICY(release)(ps, page);
	}
	r->now += n;
	return (hits);
}
#endif

static uint64_t
POLICY(replay)(const struct eph_policy_ops *ops, void *ps,
    struct eph_policy_replay *r, const uint32_t *pages, size_t n)
{
	(void)ops;
#ifdef POLICY_CACHED
	if (r->by_page)
		return (POLICY(replay_by_page)(ps, r, pages, n));
#endif
	if (r->far)
		return (POLICY(replay_loop)(ps, r, pages, n, true));
	return (POLICY(replay_loop)(ps, r, pages, n, false));
}
