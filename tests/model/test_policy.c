/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Every policy of the table through the conformance kit, in lockstep with
 * its naive twin; and the kit itself, with policies that
 * break one rule each.
 */

#include "test_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/prng.h"
#include "ephmap/policy_check.h"
#include "naive_kit.h"

static void
check(struct eph_policy_check *c, const struct eph_policy_ops *ops)
{
	struct eph_err err = { "" };
	const int error = (c->policy = ops, eph_policy_check(c, &err));

	if (error != 0)
		(void)fprintf(stderr, "%s\n", err.text);
	CU_ASSERT_EQUAL(error, 0);
}

/* All sizes from one slot up, with more and with fewer pages than fit. */
static void
check_everywhere(struct eph_policy_check *c)
{
	static const uint32_t sizes[] = { 1, 2, 3, 7, 17, 64 };

	for (size_t p = 0; eph_policies[p] != NULL; p++) {
		c->reference = naive_find(eph_policies[p]->name);
		CU_ASSERT_PTR_NOT_NULL_FATAL(c->reference);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			c->nslots = sizes[i];
			c->npages = 4 * sizes[i];
			c->seed = i;
			check(c, eph_policies[p]);
			c->npages = sizes[i] + 1;
			c->seed = i + 1;
			check(c, eph_policies[p]);
		}
	}
}

static uint32_t
steps(void)
{
	return (test_long ? 100000 : 1000);
}

static void
test_without_holding(void)
{
	struct eph_policy_check c = { .steps = steps() };

	check_everywhere(&c);
}

static void
test_with_holding(void)
{
	struct eph_policy_check c = {
		.steps = steps(), .hold = 200, .unhold = 200, .priced = true
	};

	check_everywhere(&c);
}

static void
test_with_nearly_all_held_and_pages_lost(void)
{
	struct eph_policy_check c = { .steps = steps(),
		.hold = 400,
		.unhold = 250,
		.forget = 50,
		.priced = true };

	check_everywhere(&c);
}

/* Fewer pages than slots: there is room, and only forget() makes misses. */
static void
test_with_room_left(void)
{
	struct eph_policy_check c = {
		.nslots = 64, .npages = 20, .steps = 2 * steps(), .forget = 50
	};

	for (size_t p = 0; eph_policies[p] != NULL; p++) {
		c.reference = naive_find(eph_policies[p]->name);
		check(&c, eph_policies[p]);
	}
}

/*
 * What changes by periods, or once in a while, does so many times: with
 * many misses, and with room left.
 */
static void
test_with_many_periods(void)
{
	static const char *const names[] = { "wtinylfu", "lhd", "cacheus",
		"merlin" };
	struct eph_policy_check c = { .steps = 15 * steps() };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		c.reference = naive_find(names[i]);
		c.params =
		    strcmp(names[i], "lhd") == 0 ? "ages=32,period=100" : NULL;
		for (c.nslots = 64; c.nslots > 0; c.nslots /= 15) {
			c.npages = 3 * c.nslots;
			c.forget = 0;
			check(&c, eph_policy_find(names[i]));
			c.npages = c.nslots / 3 + 1;
			c.forget = 50;
			check(&c, eph_policy_find(names[i]));
		}
	}
}

/* So many pages that what a policy grows by itself has to grow, twice. */
static void
test_with_tables_that_grow(void)
{
	struct eph_policy_check c = {
		.nslots = 400, .seed = 1, .steps = test_long ? 100000 : 4000
	};

	for (size_t p = 0; eph_policies[p] != NULL; p++) {
		c.reference = naive_find(eph_policies[p]->name);
		c.npages = 2900;
		check(&c, eph_policies[p]);
		c.npages = 401; /* most are used again, and many times */
		check(&c, eph_policies[p]);
	}
}

/* The parameters, each away from its default. */
static const struct {
	const char *policy, *params;
} param_cases[] = {
	{ "2q", "kin=0" },
	{ "2q", "kin=0.7,kout=2" },
	{ "2q", "kin=1,kout=0" },
	{ "mq", "lifetime=1" },
	{ "mq", "lifetime=10,out=0" },
	{ "mq", "lifetime=500,out=3" },
	{ "slru", "protected=0" },
	{ "slru", "protected=1" },
	{ "slru", "segments=4,protected=0.75" },
	{ "slru", "segments=8" },
	{ "s3fifo", "small=0" },
	{ "s3fifo", "small=0.4,threshold=1" },
	{ "s3fifo", "threshold=3,ghost=0.2" },
	{ "s3fifo", "ghost=3,small=1" },
	{ "lirs", "hir=0.3" },
	{ "lirs", "hir=1" },
	{ "lirs", "ghosts=0" },
	{ "lirs", "ghosts=0.5,hir=0.1" },
	{ "lecar", "rate=0,weight=0.9" },
	{ "lecar", "rate=3,discount=0.5" },
	{ "lecar", "history=0" },
	{ "lecar", "history=2,weight=0.2" },
	{ "lru-k", "k=1" },
	{ "lru-k", "k=3" },
	{ "lru-k", "k=8,history=0.5" },
	{ "merlin", "filter=0.3,ghost=3" },
	{ "merlin", "staging=0.4,ghost=0.3" },
	{ "merlin", "epochs=1,filter=0" },
	{ "merlin", "filter=1" },
	{ "hyperbolic", "samples=1" },
	{ "hyperbolic", "samples=5" },
	{ "price-aware", "depth=1" },
	{ "price-aware", "depth=3" },
	{ "wtinylfu", "adapt=0" },
	{ "wtinylfu", "adapt=0,window=0.4" },
	{ "wtinylfu", "window=0.5" },
	{ "wtinylfu", "window=1" },
	{ "wtinylfu", "window=0,protected=0" },
	{ "wtinylfu", "protected=1,window=0.2" },
	{ "s4fifo", "skip=0.4,ghost=0.2" },
	{ "s4fifo", "small=0.3,ghost_threshold=1,threshold=2" },
	{ "s4fifo", "skip=0.7,ghost_threshold=3,threshold=3,small=0.5" },
	{ "clock2q+", "window=1,small=0.3" },
	{ "clock2q+", "window=0,small=0.4,ghost=2" },
	{ "delay-fr", "delay=0.5" },
	{ "delay-fr", "delay=0,bits=2" },
	{ "age", "scale=0.4" },
	{ "age", "scale=1,each=1" },
	{ "lru-k", "correlated=3" },
	{ "lru-k", "history=0.5,correlated=40" },
	{ "lru-k", "history=0" },
	{ "merlin", "minimal=1" },
	{ "lhd", "ages=64,period=20,coarse=5" },
	{ "lhd", "ages=16,period=7,coarse=0" },
	{ "lhd", "ages=4096,period=30" },
};

static bool
is_tried(const char *policy, const char *param)
{
	const size_t n = sizeof(param_cases) / sizeof(param_cases[0]);

	for (size_t i = 0; i < n; i++) {
		const char *at = param_cases[i].params;

		if (strcmp(param_cases[i].policy, policy) != 0)
			continue;
		for (; at != NULL; at = strchr(at, ',')) {
			at += *at == ',';
			if (strncmp(at, param, strlen(param)) == 0 &&
			    at[strlen(param)] == '=')
				return (true);
		}
	}
	return (false);
}

static void
test_every_param_has_a_case(void)
{
	for (size_t p = 0; eph_policies[p] != NULL; p++) {
		const struct eph_policy_param *q = eph_policies[p]->params;

		for (; q != NULL && q->name != NULL; q++)
			if (!is_tried(eph_policies[p]->name, q->name)) {
				(void)printf(
				    "%s:%s\n", eph_policies[p]->name, q->name);
				CU_FAIL("a parameter that no case tries");
			}
	}
}

static void
test_with_params(void)
{
	const size_t n = sizeof(param_cases) / sizeof(param_cases[0]);
	struct eph_policy_check c = { .steps = steps(),
		.hold = 100,
		.unhold = 100,
		.forget = 10,
		.priced = true };

	for (size_t i = 0; i < n; i++) {
		c.reference = naive_find(param_cases[i].policy);
		c.params = param_cases[i].params;
		for (c.seed = 1; c.seed < 4; c.seed++) {
			c.nslots = 1 + 29 * (uint32_t)(c.seed - 1);
			c.npages = 4 * c.nslots;
			check(&c, eph_policy_find(param_cases[i].policy));
		}
	}
}

/* 30 streams at 13 sizes, without holding: every victim is the twin's. */
static void
test_thirty_streams_at_thirteen_sizes(void)
{
	static const uint32_t sizes[] = { 1, 2, 3, 5, 8, 12, 18, 25, 34, 45, 60,
		80, 100 };
	static const struct {
		const char *name, *params;
	} policies[] = { { "mq", NULL }, { "car", NULL }, { "2q", NULL },
		{ "slru", NULL }, { "lecar", NULL }, { "merlin", NULL },
		{ "lru-k", NULL }, { "clockpro", NULL }, { "cacheus", NULL },
		{ "hyperbolic", NULL }, { "lhd", NULL },
		{ "lhd", "ages=256,period=50,coarse=2" } };
	struct eph_policy_check c = { .steps = 2000 };

	if (!test_long) {
		(void)printf("skipped: needs --long; ");
		return;
	}
	for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
		c.reference = naive_find(policies[p].name);
		c.params = policies[p].params;
		CU_ASSERT_PTR_NOT_NULL_FATAL(c.reference);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			c.nslots = sizes[i];
			c.npages = 4 * sizes[i] + 1;
			for (c.seed = 1; c.seed <= 30; c.seed++)
				check(&c, eph_policy_find(policies[p].name));
		}
	}
}

/* S4-FIFO as it stands is S3-FIFO, victim by victim. */
static void
test_s4fifo_is_s3fifo(void)
{
	struct eph_policy_check c = {
		.steps = steps(), .hold = 50, .unhold = 50, .forget = 10
	};

	c.reference = naive_find("s3fifo");
	for (c.nslots = 1; c.nslots <= 100; c.nslots = 2 * c.nslots + 1) {
		c.npages = 3 * c.nslots;
		check(&c, eph_policy_find("s4fifo"));
	}
}

static void
test_table_names_are_unique_and_found(void)
{
	for (size_t p = 0; eph_policies[p] != NULL; p++) {
		const struct eph_policy_ops *ops = eph_policies[p];

		CU_ASSERT_PTR_EQUAL(eph_policy_find(ops->name), ops);
		CU_ASSERT(ops->summary[0] != '\0' && ops->origin[0] != '\0');
	}
	CU_ASSERT_PTR_NULL(eph_policy_find("no such policy"));
}

static uint64_t
never_again(void *arg)
{
	(void)arg;
	return (UINT64_MAX);
}

static int
create(const struct eph_policy_ops *ops, const char *params, bool knows_future,
    struct eph_err *err)
{
	struct eph_policy_env env = { .nslots = 10, .params = params };
	void *ps;
	int error;

	if ((env.mem = eph__mem_create(true)) == NULL)
		return (-1);
	if (knows_future)
		env.next_use = never_again;
	if ((error = ops->create(&env, &ps, err)) == 0)
		ops->destroy(ps);
	CU_ASSERT_EQUAL(eph__mem_destroy(env.mem), 0);
	return (error);
}

/* The defaults that a row prints are accepted as typed. */
static void
test_params_printed_are_accepted(void)
{
	struct eph_err err;
	char text[EPH_POLICY_TEXT];

	for (size_t p = 0; eph_policies[p] != NULL; p++) {
		CU_ASSERT(eph_policy_defaults(eph_policies[p], text,
			      sizeof(text)) < sizeof(text));
		CU_ASSERT_EQUAL(create(eph_policies[p], text, true, &err), 0);
	}
}

/* The ends of every range are accepted, and nothing beyond them. */
static void
test_ranges_of_params_are_those_described(void)
{
	struct eph_err err;
	char text[EPH_POLICY_TEXT];

	for (size_t p = 0; eph_policies[p] != NULL; p++) {
		const struct eph_policy_param *q = eph_policies[p]->params;

		for (; q != NULL && q->name != NULL; q++) {
			const double at[] = { q->min, q->max,
				q->min - (q->max - q->min) / 1000,
				q->max + (q->max - q->min) / 1000 };

			CU_ASSERT(q->def >= q->min && q->def <= q->max);
			CU_ASSERT(q->summary[0] != '\0');
			for (unsigned i = 0; i < 4; i++) {
				(void)snprintf(text, sizeof(text), "%s=%.17g",
				    q->name, at[i]);
				CU_ASSERT_EQUAL(
				    create(eph_policies[p], text, true, &err),
				    i < 2 ? 0 : EINVAL);
			}
		}
	}
}

static void
expect_choice(const char *typed, const char *text, const char *params)
{
	struct eph_policy_choice c;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL(eph_policy_choose(typed, &c, &err), 0);
	CU_ASSERT_STRING_EQUAL(c.text, text);
	CU_ASSERT_STRING_EQUAL(c.params, params);
	CU_ASSERT_EQUAL(strncmp(c.ops->name, text, strlen(c.ops->name)), 0);
}

static void
expect_refused(const char *typed, const char *why)
{
	struct eph_policy_choice *list = NULL;
	struct eph_err err = { "" };
	size_t n = 0;

	CU_ASSERT_EQUAL(eph_policy_choose_list(typed, &list, &n, &err), EINVAL);
	CU_ASSERT_PTR_NULL(list);
	if (strstr(err.text, why) == NULL) {
		(void)fprintf(
		    stderr, "%s: wanted '%s': %s\n", typed, why, err.text);
		CU_FAIL("another reason");
	}
}

/* A choice has room for EPH_POLICY_TEXT - 1 letters. */
static void
expect_length(void)
{
	char text[EPH_POLICY_TEXT + 1], why[40];
	struct eph_policy_choice c;
	struct eph_err err;

	memset(text, 'a', sizeof(text));
	text[EPH_POLICY_TEXT] = '\0';
	(void)snprintf(why, sizeof(why), "expected at most %u letters",
	    EPH_POLICY_TEXT - 1);
	CU_ASSERT_EQUAL(eph_policy_choose(text, &c, &err), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, why));
	text[EPH_POLICY_TEXT - 1] = '\0';
	CU_ASSERT_EQUAL(eph_policy_choose(text, &c, &err), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "unknown policy"));
}

static void
test_a_policy_is_chosen_with_its_params(void)
{
	expect_choice("lru", "lru", "");
	expect_choice("lru:", "lru", "");
	expect_choice("2q:kin=0.5", "2q:kin=0.5", "kin=0.5");
	expect_choice("s3fifo:small=0.2,threshold=1",
	    "s3fifo:small=0.2,threshold=1", "small=0.2,threshold=1");
	expect_refused("LRU", "did you mean lru?");
	expect_refused("Belady", "did you mean opt?");
	expect_refused("s3-fifo", "did you mean s3fifo?");
	expect_refused("nothing like it", "ephmap list policies");
	expect_refused("lru:x=1", "policy lru has no parameters");
	expect_refused("2q:kinn=1", "did you mean kin?");
	expect_refused("2q:kin=0.5,kin=0.5", "given twice");
	expect_refused("2q:kin=2", "between 0 and 1, got 2");
	expect_refused("2q:kin=0x1", "not a number");
	expect_refused("2q:kin= 1", "not a number");
	expect_refused("2q:kin=nan", "between 0 and 1");
	expect_refused("2q:kin", "needs a number");
	/* Of 31 letters, and of 32. */
	expect_choice("2q:kin=0.50000000000000000000000000000",
	    "2q:kin=0.50000000000000000000000000000",
	    "kin=0.50000000000000000000000000000");
	expect_refused(
	    "2q:kin=0.500000000000000000000000000000", "needs a number");
	expect_refused("lru,,arc", "both sides of a comma");
	expect_refused("lru,", "both sides of a comma");
	expect_refused("", "both sides of a comma");
	expect_refused("lru,arc,lru", "policy lru is given twice");
	expect_refused("arc,lru,lru", "policy lru is given twice");
	expect_refused("kin=1", "unknown policy");
	expect_refused("lru/arc", "`/' stands between values");
	expect_length();
}

/* By any of its other names, whichever of the list. */
static void
test_a_policy_is_told_by_other_names(void)
{
	for (size_t i = 0; eph_policies[i] != NULL; i++) {
		char words[128], why[64];

		if (eph_policies[i]->aka == NULL)
			continue;
		(void)snprintf(
		    words, sizeof(words), "%s", eph_policies[i]->aka);
		(void)snprintf(why, sizeof(why), "did you mean %s?",
		    eph_policies[i]->name);
		for (char *w = strtok(words, ","); w != NULL;
		     w = strtok(NULL, ","))
			expect_refused(w, why);
	}
}

static void
test_lists_of_policies_and_of_values(void)
{
	static const char *const want[] = { "lru",
		"s3fifo:small=0.1,threshold=1", "s3fifo:small=0.1,threshold=2",
		"s3fifo:small=0.2,threshold=1", "s3fifo:small=0.2,threshold=2",
		"slru:segments=4", "arc" };
	struct eph_policy_choice *list;
	struct eph_err err = { "" };
	size_t n;

	CU_ASSERT_EQUAL_FATAL(
	    eph_policy_choose_list("lru,s3fifo:small=0.1/0.2,threshold=1/2,"
				   "slru:segments=4,arc",
		&list, &n, &err),
	    0);
	CU_ASSERT_EQUAL_FATAL(n, 7);
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_STRING_EQUAL(list[i].text, want[i]);
	free(list);
}

static void
test_help_has_every_param(void)
{
	char text[2000], few[10];

	for (size_t p = 0; eph_policies[p] != NULL; p++) {
		const struct eph_policy_param *q = eph_policies[p]->params;
		const size_t n =
		    eph_policy_help(eph_policies[p], text, sizeof(text));

		CU_ASSERT(n < sizeof(text) && n == strlen(text));
		CU_ASSERT_EQUAL(
		    eph_policy_help(eph_policies[p], few, sizeof(few)), n);
		CU_ASSERT_EQUAL(strlen(few), sizeof(few) - 1);
		if (q == NULL)
			CU_ASSERT_PTR_NOT_NULL(strstr(text, "no parameters"));
		for (; q != NULL && q->name != NULL; q++)
			CU_ASSERT_PTR_NOT_NULL(strstr(text, q->summary));
	}
}

static void
test_bad_params_are_named(void)
{
	struct eph_err err;

	for (size_t p = 0; eph_policies[p] != NULL; p++)
		CU_ASSERT_EQUAL(
		    create(eph_policies[p], "nonsense=1", true, &err), EINVAL);
	CU_ASSERT_EQUAL(
	    create(eph_policy_find("2q"), "kin=2", true, &err), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "kin"));
	CU_ASSERT_EQUAL(
	    create(eph_policy_find("2q"), "kin=0.3x", true, &err), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "0.3x"));
	CU_ASSERT_EQUAL(
	    create(eph_policy_find("2q"), "kin", true, &err), EINVAL);
	CU_ASSERT_EQUAL(
	    create(eph_policy_find("2q"), "kin=", true, &err), EINVAL);
	CU_ASSERT_EQUAL(
	    create(eph_policy_find("2q"), "kin=0.3,kout=1", true, &err), 0);
}

/*
 * Of two pages of about the same age, one hit once after long and one never
 * hit, the latter leaves: it is in a class below, whose first guess of
 * density is half of the other's.  Time passes by hits of a pinned page.
 */
static void
test_lhd_tells_never_hit_from_hit_late(void)
{
	const struct eph_policy_ops *lhd = eph_policy_find("lhd");
	struct eph_policy_env env = { .nslots = 3,
		.params = "ages=16,coarse=0" };
	struct eph_err err;
	void *ps;

	CU_ASSERT_PTR_NOT_NULL_FATAL(env.mem = eph__mem_create(true));
	CU_ASSERT_EQUAL_FATAL(lhd->create(&env, &ps, &err), 0);
	lhd->insert(ps, 2, 2); /* the clock, pinned from now on */
	lhd->insert(ps, 0, 0);
	lhd->release(ps, 0);
	for (int i = 0; i < 9; i++)
		lhd->hit(ps, 2);
	lhd->hit(ps, 0);
	lhd->insert(ps, 1, 1);
	lhd->release(ps, 1);
	for (int i = 0; i < 4; i++)
		lhd->hit(ps, 2);
	CU_ASSERT_EQUAL(lhd->victim(ps, 3), 1);
	lhd->destroy(ps);
	CU_ASSERT_EQUAL(eph__mem_destroy(env.mem), 0);
}

/* A policy with three or more buffers and a stream that the test writes. */
struct played {
	const struct eph_policy_ops *ops;
	struct eph_policy_env env;
	struct eph_policy_replay r;
	uint32_t slot_of[SEQ_MAX], page_of[NAIVE_SLOTS_MAX];
	void *ps;
};

static void
played_open(struct played *p, const struct eph_policy_ops *ops,
    const char *params, uint32_t nslots)
{
	struct eph_err err;

	p->ops = ops;
	p->env = (struct eph_policy_env){
		.mem = eph__mem_create(true), .nslots = nslots, .params = params
	};
	memset(p->slot_of, 0xff, sizeof(p->slot_of));
	memset(p->page_of, 0xff, sizeof(p->page_of));
	p->r = (struct eph_policy_replay){
		.slot_of = p->slot_of, .page_of = p->page_of, .nslots = nslots
	};
	CU_ASSERT_PTR_NOT_NULL_FATAL(p->env.mem);
	CU_ASSERT_EQUAL_FATAL(ops->create(&p->env, &p->ps, &err), 0);
}

static void
played_ref(struct played *p, uint32_t page)
{
	(void)eph_policy_replay_by_calls(p->ops, p->ps, &p->r, &page, 1);
}

static void
played_close(struct played *p)
{
	p->ops->destroy(p->ps);
	CU_ASSERT_EQUAL(eph__mem_destroy(p->env.mem), 0);
}

/*
 * How often a page that stays changes its place, counted by hand.  slru: 0
 * and 1 go up, 2 goes up and 0 down.  mq: page 0 goes up at its hit, and
 * down when the lifetime is over.  lirs: the hit makes 2 LIR and 0 HIR; that
 * of 0, which is off the stack, makes it the newest.  clockpro: the search
 * for the victim finds 2 used.
 */
static void
test_promotions_by_hand(void)
{
	static const struct {
		const char *policy, *params, *pages;
		uint64_t promotions;
	} cases[] = {
		{ "fifo", NULL, "01201301", 0 },
		{ "slru", NULL, "01201", 2 },
		{ "slru", NULL, "012012", 4 },
		{ "mq", "lifetime=2", "001", 1 },
		{ "mq", "lifetime=2", "00123", 2 },
		{ "lirs", NULL, "012", 0 },
		{ "lirs", NULL, "0122", 2 },
		{ "lirs", NULL, "01220", 3 },
		{ "clockpro", NULL, "0123", 0 },
		{ "clockpro", NULL, "01223", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct played p;

		played_open(
		    &p, eph_policy_find(cases[i].policy), cases[i].params, 3);
		for (const char *at = cases[i].pages; *at != '\0'; at++)
			played_ref(&p, (uint32_t)(*at - '0'));
		CU_ASSERT_EQUAL(p.ops->promotions(p.ps), cases[i].promotions);
		played_close(&p);
	}
}

/* W-TinyLFU and its twin, of `nslots` buffers. */
static void
tinylfu_open(struct played pair[2], uint32_t nslots)
{
	played_open(&pair[0], eph_policy_find("wtinylfu"), NULL, nslots);
	played_open(&pair[1], naive_find("wtinylfu"), NULL, nslots);
}

static void
tinylfu_ref(struct played pair[2], uint32_t page)
{
	played_ref(&pair[0], page);
	played_ref(&pair[1], page);
	CU_ASSERT_EQUAL(
	    memcmp(pair[0].slot_of, pair[1].slot_of, sizeof(pair[0].slot_of)),
	    0);
}

static void
tinylfu_close(struct played pair[2])
{
	played_close(&pair[0]);
	played_close(&pair[1]);
}

/*
 * The steps of the window start anew when the rate of hits moved by exactly
 * 5 %, up or down: of 160 references, 8 hit first, then none.
 */
static void
test_wtinylfu_restarts_at_five_percent(void)
{
	struct played pair[2];

	tinylfu_open(pair, 16);
	for (uint32_t i = 0; i < 800; i++)
		tinylfu_ref(pair, i < 16 && i % 2 == 1 ? i - 1 : i);
	tinylfu_close(pair);
}

/* Pages used six times, and no more, lose: but for one in 128. */
static void
test_wtinylfu_lets_few_losers_in(void)
{
	struct played pair[2];

	tinylfu_open(pair, 16);
	for (uint32_t page = 16; page < 1024; page++) {
		for (uint32_t hot = 0; hot < 15; hot++)
			tinylfu_ref(pair, hot);
		for (unsigned use = 0; use < 6; use++)
			tinylfu_ref(pair, page);
	}
	tinylfu_close(pair);
}

/*
 * LHD, its twin beside it, with one page used for long while others wait: so
 * that there are events of every age when ages become longer or shorter.
 */
static void
test_lhd_learns_at_every_age(void)
{
	static const char *const params[] = { "ages=16,period=3000,coarse=9",
		"ages=16,period=300,coarse=2", "ages=17,period=3000,coarse=9" };

	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		struct played p, q;
		struct prng rng;

		eph__prng_init(&rng, i, 0);
		played_open(&p, eph_policy_find("lhd"), params[i], 6);
		played_open(&q, naive_find("lhd"), params[i], 6);
		for (unsigned n = 0; n < 2000; n++) {
			const uint32_t page = prng_below(&rng, 12);
			uint32_t times = prng_below(&rng, 8);

			if (times == 0)
				times = prng_below(&rng, 1000);
			while (times-- > 0) {
				played_ref(&p, page);
				played_ref(&q, page);
			}
			CU_ASSERT_EQUAL(
			    memcmp(p.slot_of, q.slot_of, sizeof(p.slot_of)), 0);
		}
		played_close(&q);
		played_close(&p);
	}
}

/* Every policy beside its twin: `n` references to pages of the array. */
static void
expect_twins(const struct eph_policy_ops *ops, const char *params,
    uint32_t nslots, const uint32_t *page, size_t n)
{
	struct played p, q;

	played_open(&p, ops, params, nslots);
	played_open(&q, naive_find(ops->name), params, nslots);
	for (size_t i = 0; i < n; i++) {
		played_ref(&p, page[i]);
		played_ref(&q, page[i]);
		CU_ASSERT_EQUAL(
		    memcmp(p.slot_of, q.slot_of, sizeof(p.slot_of)), 0);
	}
	played_close(&q);
	played_close(&p);
}

/*
 * A page whose number is far above all others, and comes back: tables by page
 * have 1,024 entries at first and double.
 */
static void
test_with_pages_far_above(void)
{
	static const uint32_t far[] = { 1023, 1024, 1025, 2047, 2048, 2049,
		2999 };

	for (size_t p = 0; eph_policies[p] != NULL; p++) {
		if (eph_policies[p] == eph_policy_find("opt"))
			continue;
		for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
			const uint32_t x = far[i],
				       page[] = { 0, 1, x, 2, 3, x, 4, 5, 0, x,
					       6, x, 7, x, 8, x - 1, 9, x };

			expect_twins(eph_policies[p], NULL, 2, page,
			    sizeof(page) / sizeof(page[0]));
			expect_twins(eph_policies[p], NULL, 3, page,
			    sizeof(page) / sizeof(page[0]));
		}
	}
}

/*
 * MQ's rings: of 400 pages that nothing makes go down all are used as often,
 * so that one ring has them all, then the next, and has to grow.
 */
static void
test_mq_with_rings_that_grow(void)
{
	static uint32_t page[8000];
	size_t n = 0;

	for (uint32_t use = 0; use < 9; use++) {
		for (uint32_t i = 0; i < 400; i++)
			page[n++] = i * 7 % 400;
		/* Some once more, which leave gaps. */
		for (uint32_t i = 0; i < 400; i += 3)
			page[n++] = i;
	}
	for (uint32_t i = 0; i < 800; i++)
		page[n++] = 400 + i;
	expect_twins(eph_policy_find("mq"), "lifetime=1000000", 400, page, n);
}

/*
 * Counts beyond the 1,024 that have a list each: pages 0 and 1 are used 1,100
 * times in the end, and 0 last, after many that came once.
 */
static void
test_counts_beyond_the_lists(void)
{
	static const char *const names[] = { "lfu", "lfu-aging", "lecar",
		"cacheus" };
	static uint32_t page[12000];
	size_t n = 0;

	for (unsigned use = 0; use < 1100; use++) {
		if (use > 0)
			page[n++] = 0;
		page[n++] = 1;
	}
	for (uint32_t once = 10; once < 30; once++)
		page[n++] = once;
	page[n++] = 0;
	for (uint32_t x = 2; x < 7; x++) {
		for (unsigned use = 0; use < 1100 + x % 2; use++)
			page[n++] = x;
	}
	for (uint32_t once = 10; once < 30; once++)
		page[n++] = once;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect_twins(eph_policy_find(names[i]), NULL, 3, page, n);
}

static void
test_opt_needs_the_future(void)
{
	struct eph_err err;

	CU_ASSERT_EQUAL(
	    create(eph_policy_find("opt"), NULL, false, &err), ENOTSUP);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "future"));
}

/*
 * Broken on purpose: a policy around fifo that breaks one rule each, to see
 * that the kit notices.
 */
struct broken {
	struct eph_mem *mem;
	void *fifo;
	uint32_t calls;
	uint32_t last;
};

static const struct eph_policy_ops *
fifo(void)
{
	return (eph_policy_find("fifo"));
}

static int
broken_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	struct broken *b = eph_mem_alloc(env->mem, sizeof(*b));
	int error;

	if (b == NULL)
		return (ENOMEM);
	b->mem = env->mem;
	if ((error = fifo()->create(env, &b->fifo, err)) != 0) {
		eph_mem_free(env->mem, b, sizeof(*b));
		return (error);
	}
	*psp = b;
	return (0);
}

/* Whatever it is asked for, it takes the defaults. */
static int
careless_create(
    const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	struct eph_policy_env plain = *env;

	plain.params = NULL;
	return (broken_create(&plain, psp, err));
}

static void
broken_destroy(void *ps)
{
	struct broken *b = ps;

	fifo()->destroy(b->fifo);
	eph_mem_free(b->mem, b, sizeof(*b));
}

static void
leaking_destroy(void *ps)
{
	fifo()->destroy(((struct broken *)ps)->fifo);
}

static void
broken_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct broken *b = ps;

	b->last = slot;
	fifo()->insert(b->fifo, slot, page);
}

static void
broken_hit(void *ps, uint32_t slot)
{
	fifo()->hit(((struct broken *)ps)->fifo, slot);
}

static void
broken_pin(void *ps, uint32_t slot)
{
	fifo()->pin(((struct broken *)ps)->fifo, slot);
}

static void
broken_release(void *ps, uint32_t slot)
{
	fifo()->release(((struct broken *)ps)->fifo, slot);
}

static void
broken_forget(void *ps, uint32_t slot)
{
	fifo()->forget(((struct broken *)ps)->fifo, slot);
}

static uint32_t
right_victim(void *ps, uint32_t page)
{
	return (fifo()->victim(((struct broken *)ps)->fifo, page));
}

/* The newest, pinned or not. */
static uint32_t
pinned_victim(void *ps, uint32_t page)
{
	struct broken *b = ps;

	(void)page;
	fifo()->forget(b->fifo, b->last);
	return (b->last);
}

static uint32_t
lazy_victim(void *ps, uint32_t page)
{
	return (++((struct broken *)ps)->calls % 50 == 0
		? EPH_NONE
		: right_victim(ps, page));
}

static uint32_t
other_victim(void *ps, uint32_t page)
{
	struct broken *b = ps;

	if (++b->calls % 50 == 0 && b->last != 0) {
		fifo()->forget(b->fifo, b->last);
		return (b->last);
	}
	return (right_victim(ps, page));
}

static uint64_t
broken_promotions(const void *ps)
{
	return (fifo()->promotions(((const struct broken *)ps)->fifo));
}

static void
broken_check(void *ps)
{
	fifo()->check(((struct broken *)ps)->fifo);
}

static uint64_t
lying_replay(const struct eph_policy_ops *ops, void *ps,
    struct eph_policy_replay *r, const uint32_t *pages, size_t n)
{
	return (eph_policy_replay_by_calls(ops, ps, r, pages, n) + 1);
}

static struct eph_policy_ops
broken_ops(void)
{
	return ((struct eph_policy_ops){ .abi = EPHMAP_ABI,
	    .name = "broken",
	    .create = broken_create,
	    .destroy = broken_destroy,
	    .insert = broken_insert,
	    .hit = broken_hit,
	    .pin = broken_pin,
	    .release = broken_release,
	    .forget = broken_forget,
	    .victim = right_victim,
	    .promotions = broken_promotions,
	    .check = broken_check,
	    .replay = eph_policy_replay_by_calls });
}

static void
expect_caught(const struct eph_policy_ops *ops, unsigned hold, const char *why)
{
	struct eph_policy_check c = { .policy = ops,
		.reference = naive_find("fifo"),
		.nslots = 8,
		.npages = 40,
		.steps = 1000,
		.hold = hold,
		.unhold = hold };
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL(eph_policy_check(&c, &err), why == NULL ? 0 : EINVAL);
	if (why != NULL && strstr(err.text, why) == NULL) {
		(void)fprintf(stderr, "wanted '%s': %s\n", why, err.text);
		CU_FAIL("another reason");
	}
}

static void
test_kit_catches_broken_policies(void)
{
	struct eph_policy_ops ops = broken_ops();

	expect_caught(&ops, 100, NULL);
	ops.victim = pinned_victim;
	expect_caught(&ops, 400, "the victim is pinned");
	ops.victim = lazy_victim;
	expect_caught(&ops, 0, "no victim");
	ops.victim = other_victim;
	expect_caught(&ops, 0, "reference's victim");
	ops = broken_ops();
	ops.replay = lying_replay;
	expect_caught(&ops, 0, "replay()");
	ops = broken_ops();
	ops.create = careless_create;
	expect_caught(&ops, 0, "unknown parameter");
	ops = broken_ops();
	ops.destroy = leaking_destroy;
	expect_caught(&ops, 0, "memory was not given back");
}

/* Rows from outside: what is said of them has its room, and `values' too. */
static void
test_tables_of_params_have_bounds(void)
{
	struct eph_policy_param table[EPH_POLICY_PARAMS + 2] = { { 0 } };
	struct eph_policy_ops ops = eph_policy_lru;
	double values[EPH_POLICY_PARAMS + 1] = { 0 };
	struct eph_err err;

	for (unsigned i = 0; i < EPH_POLICY_PARAMS; i++) {
		table[i].name = "a-parameter-with-a-name-of-31-ll";
		table[i].def = 1;
	}
	ops.params = table;
	CU_ASSERT_EQUAL(eph_policy_params(&ops, "x=1", values, &err), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "it has a-parameter-with"));
	CU_ASSERT_EQUAL(eph_policy_params(&ops, "", values, &err), 0);
	table[EPH_POLICY_PARAMS] = table[0];
	values[EPH_POLICY_PARAMS] = 0;
	CU_ASSERT_EQUAL(eph_policy_params(&ops, "", values, &err), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "at most 8 parameters"));
	CU_ASSERT_EQUAL(values[EPH_POLICY_PARAMS], 0);
}

static CU_TestInfo tests[] = {
	TEST(test_tables_of_params_have_bounds),
	TEST(test_without_holding),
	TEST(test_with_holding),
	TEST(test_with_nearly_all_held_and_pages_lost),
	TEST(test_with_room_left),
	TEST(test_with_many_periods),
	TEST(test_with_tables_that_grow),
	TEST(test_every_param_has_a_case),
	TEST(test_with_params),
	TEST(test_thirty_streams_at_thirteen_sizes),
	TEST(test_s4fifo_is_s3fifo),
	TEST(test_table_names_are_unique_and_found),
	TEST(test_params_printed_are_accepted),
	TEST(test_ranges_of_params_are_those_described),
	TEST(test_a_policy_is_chosen_with_its_params),
	TEST(test_a_policy_is_told_by_other_names),
	TEST(test_lists_of_policies_and_of_values),
	TEST(test_help_has_every_param),
	TEST(test_bad_params_are_named),
	TEST(test_lhd_tells_never_hit_from_hit_late),
	TEST(test_promotions_by_hand),
	TEST(test_wtinylfu_restarts_at_five_percent),
	TEST(test_wtinylfu_lets_few_losers_in),
	TEST(test_lhd_learns_at_every_age),
	TEST(test_with_pages_far_above),
	TEST(test_mq_with_rings_that_grow),
	TEST(test_counts_beyond_the_lists),
	TEST(test_opt_needs_the_future),
	TEST(test_kit_catches_broken_policies),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "policy", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
