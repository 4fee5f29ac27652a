/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Claim: reference counts of shared external storage raced, and one atomic
 * decrement that decides repairs them.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analysis/claims_impl.h"
#include "ephmap/explore.h"

#define NO_BOUND 200u /* preemptions; the programs here have fewer steps */

/* What became of one exhibit. */
struct race {
	bool found;	 /* in its broken form */
	bool survived;	 /* repaired, in every schedule searched */
	bool all;	 /* and these were all there are */
	uint64_t needed; /* schedules until it was found */
	uint64_t proof;	 /* schedules of the systematic search */
};

static void
search_broken(
    struct eph_claim_run *r, const struct eph_bug *bug, struct race *race)
{
	struct eph_explore_result x;

	eph__claim_error(
	    r, eph_bug_search(bug, false, 20000, r->seed, 0, &x, r->err));
	if (r->error != 0)
		return;
	race->found = x.failure == bug->fails;
	race->needed = x.schedules;
	eph__claim_fact(r, (double)x.schedules, "schedules", "%s: %s",
	    bug->name,
	    x.failure == EPH_FAIL_NONE ? "nothing found"
				       : eph_failure_name(x.failure));
	eph_explore_free(&x);
}

static void
prove_repaired(
    struct eph_claim_run *r, const struct eph_bug *bug, struct race *race)
{
	struct eph_explore_config cfg;
	struct eph_explore_result x;

	memset(&cfg, 0, sizeof(cfg));
	eph_bug_config(bug, true, &cfg);
	cfg.strategy = "systematic";
	cfg.preemptions = NO_BOUND;
	cfg.budget = 1000000;
	cfg.seed = r->seed;
	eph__claim_error(r, eph_explore(&cfg, &x, r->err));
	if (r->error != 0)
		return;
	race->survived = x.failure == EPH_FAIL_NONE;
	race->all = x.exhausted && !x.bounded;
	race->proof = x.schedules;
	eph__claim_fact(r, (double)x.schedules, "schedules",
	    "%s, repaired: %s%s", bug->name,
	    race->survived ? "survives" : eph_failure_name(x.failure),
	    race->all ? ", all there are" : "");
	eph_explore_free(&x);
}

static void
measure_race(struct eph_claim_run *r)
{
	static const char *const names[] = { "mref-2005-lock-inside",
		"mbuf-2001-decrement-then-cmpset",
		"mbuf-2006-inverted-fetchadd", NULL };
	unsigned found = 0, survived = 0, proved = 0, of = 0;
	uint64_t needed = 0, proof = 0;
	struct eph_claim_part *p;

	for (; names[of] != NULL && r->error == 0; of++) {
		struct race race = { 0 };

		search_broken(r, eph_bug_find(names[of]), &race);
		if (r->error == 0)
			prove_repaired(r, eph_bug_find(names[of]), &race);
		found += race.found;
		survived += race.survived;
		proved += race.survived && race.all;
		needed = race.needed > needed ? race.needed : needed;
		proof += race.proof;
		eph__claim_step(r, "ephmap explore --bug %s", names[of]);
		eph__claim_step(r,
		    "ephmap explore --bug %s --repaired "
		    "--strategy systematic --preemptions %u",
		    names[of], NO_BOUND);
	}
	p = eph__claim_part(r, "the counts raced as shipped");
	p->verdict = eph__claim_cases(of > 0, found, of);
	SAY(p->condition, "%u of %u forms", found, of);
	SAY(p->measured,
	    "%u of %u shipped forms fail, found within %" PRIu64 " schedules",
	    found, of, needed);
	SAY(p->why,
	    "Two CPUs drop the last two references of one cluster in every "
	    "order that the search tries; the failure must be the one the "
	    "commit describes.");
	p = eph__claim_part(r, "one atomic step that decides repairs them");
	p->verdict = survived < of
	    ? eph__claim_cases(true, survived, of)
	    : (proved == of ? EPH_HOLDS : EPH_CANNOT_TELL);
	SAY(p->condition, "%u of %u forms", survived, of);
	SAY(p->measured,
	    "%u of %u repaired forms survive all their %" PRIu64 " schedules",
	    proved, of, proof);
	SAY(p->why,
	    "The systematic search ended without a bound that cut anything: "
	    "up to the order of operations that commute these schedules are "
	    "all there are, so that the repair is proved for this program.");
}

const struct eph_claim eph__claim_race = {
	.number = 11,
	.name = "refcount-race",
	.group = "races",
	.title = "reference counts of shared storage raced, and the fix holds",
	.text = "A counter that is decremented in one step and judged in "
		"another frees storage twice or never; one atomic step that "
		"does both repairs it.",
	.origin = "FreeBSD mb_alloc and mb_free_ext; DragonFly 321e057fb4",
	.date = "2001 to 2008",
	.method = "Exploration of the three shipped forms until they fail, "
		  "and of their repaired forms through all schedules.",
	.rule = "holds if every shipped form fails as recorded, and every "
		"repaired form survives a systematic search that was "
		"exhausted and not bounded",
	.measure = measure_race,
};
