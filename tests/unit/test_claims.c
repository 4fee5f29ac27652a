/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Each claim is a test: its measurement decides, comes out the same twice,
 * and as recorded here.  A verdict that changes is a change of a design or
 * of the machine, and must be understood.
 */

#include <stdio.h>
#include <string.h>

#include "analysis/claims_impl.h"
#include "test_main.h"

/*
 * As measured, by number: the verdict, and those of the parts, by first
 * letters of `holds', `if', `not'.
 */
static const struct {
	enum eph_verdict verdict;
	const char *parts;
} recorded[] = {
	{ EPH_CANNOT_TELL, "" },
	{ EPH_HOLDS, "h" },
	{ EPH_HOLDS, "hh" },
	{ EPH_HOLDS_IF, "i" },
	{ EPH_HOLDS_IF, "hi" },
	{ EPH_HOLDS, "h" },
	{ EPH_HOLDS_IF, "hhi" },
	{ EPH_HOLDS_IF, "i" },
	{ EPH_HOLDS, "h" },
	{ EPH_HOLDS_IF, "ihii" },
	{ EPH_HOLDS_IF, "ih" },
	{ EPH_HOLDS, "hh" },
	{ EPH_HOLDS_IF, "ii" },
	{ EPH_HOLDS, "h" },
	{ EPH_HOLDS, "hh" },
	{ EPH_HOLDS_IF, "hnn" },
	{ EPH_HOLDS_IF, "nnnnh" },
	{ EPH_HOLDS_IF, "hhhnnn" },
	{ EPH_HOLDS, "h" },
	{ EPH_HOLDS_NOT, "n" },
};

/* Small sizes have the same verdicts; the long test takes the whole ones. */
#define SCALE 16

static struct eph_claim_config
config(uint64_t seed)
{
	return ((struct eph_claim_config){
	    .seed = seed, .scale = test_long ? 1 : SCALE });
}

static void
check_parts(const struct eph_claim_result *res, const char *expected)
{
	static const char letters[] = { 'h', 'n', 'i', '?' };

	CU_ASSERT_EQUAL(res->nparts, strlen(expected));
	for (unsigned i = 0; i < res->nparts; i++) {
		CU_ASSERT_EQUAL(letters[res->part[i].verdict], expected[i]);
		CU_ASSERT_TRUE(res->part[i].why[0] != '\0');
		CU_ASSERT_TRUE(res->part[i].measured[0] != '\0');
	}
}

static void
check_claim(const struct eph_claim *c, uint64_t seed)
{
	const struct eph_claim_config cfg = config(seed);
	struct eph_claim_result res;
	struct eph_err err = { "" };

	if (eph_claim_measure(c, &cfg, &res, &err) != 0) {
		(void)printf("claim %u: %s\n", c->number, err.text);
		CU_FAIL("a measurement failed");
		return;
	}
	if (res.verdict != recorded[c->number].verdict)
		(void)printf("claim %u %s: %s\n", c->number,
		    eph_verdict_name(res.verdict), res.measured);
	CU_ASSERT_EQUAL(res.verdict, recorded[c->number].verdict);
	CU_ASSERT_TRUE(res.nparts > 0 && res.nfacts > 0 && res.nsteps > 0);
	CU_ASSERT_EQUAL(res.verdict == EPH_HOLDS_IF, res.condition[0] != '\0');
	check_parts(&res, recorded[c->number].parts);
	eph_claim_free(&res);
}

static void
test_every_claim_comes_out_as_recorded(void)
{
	const uint64_t seeds = test_long ? 3 : 1;
	unsigned n = 0;

	for (; eph_claims[n] != NULL; n++) {
		CU_ASSERT_EQUAL(eph_claims[n]->number, n + 1);
		for (uint64_t seed = 1; seed <= seeds; seed++)
			check_claim(eph_claims[n], seed);
	}
	CU_ASSERT_EQUAL(n + 1, sizeof(recorded) / sizeof(*recorded));
}

static void
test_same_seed_same_numbers(void)
{
	const struct eph_claim_config cfg = config(7);
	const struct eph_claim *c = eph_claims[9];
	struct eph_claim_result a, b;

	CU_ASSERT_EQUAL_FATAL(eph_claim_measure(c, &cfg, &a, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(eph_claim_measure(c, &cfg, &b, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(a.nfacts, b.nfacts);
	CU_ASSERT_TRUE(a.nfacts > 0);
	for (size_t i = 0; i < a.nfacts; i++) {
		CU_ASSERT_STRING_EQUAL(a.fact[i].what, b.fact[i].what);
		CU_ASSERT_EQUAL(a.fact[i].value, b.fact[i].value);
	}
	eph_claim_free(&a);
	eph_claim_free(&b);
}

static void
test_verdict_from_cases(void)
{
	CU_ASSERT_EQUAL(eph__claim_cases(true, 3, 3), EPH_HOLDS);
	CU_ASSERT_EQUAL(eph__claim_cases(true, 0, 3), EPH_HOLDS_NOT);
	CU_ASSERT_EQUAL(eph__claim_cases(true, 1, 3), EPH_HOLDS_IF);
	/* Without a control that shows something, or without a case. */
	CU_ASSERT_EQUAL(eph__claim_cases(false, 3, 3), EPH_CANNOT_TELL);
	CU_ASSERT_EQUAL(eph__claim_cases(true, 0, 0), EPH_CANNOT_TELL);
}

/* Measurements that say what they are told. */
static void
two_parts(struct eph_claim_run *r, enum eph_verdict a, enum eph_verdict b)
{
	struct eph_claim_part *p = eph__claim_part(r, "one");

	p->verdict = a;
	SAY(p->condition, "%s", a == EPH_HOLDS_IF ? "so" : "");
	p = eph__claim_part(r, "two");
	p->verdict = b;
}

static void
measure_both(struct eph_claim_run *r)
{
	two_parts(r, EPH_HOLDS, EPH_HOLDS);
}

static void
measure_one_fails(struct eph_claim_run *r)
{
	two_parts(r, EPH_HOLDS, EPH_HOLDS_NOT);
}

static void
measure_none(struct eph_claim_run *r)
{
	two_parts(r, EPH_HOLDS_NOT, EPH_HOLDS_NOT);
}

static void
measure_undecided(struct eph_claim_run *r)
{
	two_parts(r, EPH_HOLDS, EPH_CANNOT_TELL);
}

static void
measure_violation(struct eph_claim_run *r)
{
	two_parts(r, EPH_HOLDS, EPH_HOLDS);
	r->violations = 1;
}

static void
measure_nothing(struct eph_claim_run *r)
{
	(void)r;
}

static enum eph_verdict
verdict_of(void (*measure)(struct eph_claim_run *r))
{
	const struct eph_claim claim = { .number = 1, .measure = measure };
	const struct eph_claim_config cfg = { .seed = 1 };
	struct eph_claim_result res;

	CU_ASSERT_EQUAL_FATAL(eph_claim_measure(&claim, &cfg, &res, NULL), 0);
	eph_claim_free(&res);
	return (res.verdict);
}

static void
test_verdict_of_parts(void)
{
	CU_ASSERT_EQUAL(verdict_of(measure_both), EPH_HOLDS);
	CU_ASSERT_EQUAL(verdict_of(measure_one_fails), EPH_HOLDS_IF);
	CU_ASSERT_EQUAL(verdict_of(measure_none), EPH_HOLDS_NOT);
	CU_ASSERT_EQUAL(verdict_of(measure_undecided), EPH_CANNOT_TELL);
	CU_ASSERT_EQUAL(verdict_of(measure_nothing), EPH_CANNOT_TELL);
}

static void
test_violation_proves_nothing(void)
{
	CU_ASSERT_EQUAL(verdict_of(measure_violation), EPH_CANNOT_TELL);
}

static void
test_missing_capture_is_an_error(void)
{
	const struct eph_claim_config cfg = { .seed = 1,
		.trace = "no-such-file.ept" };
	struct eph_claim_result res;
	struct eph_err err = { "" };

	CU_ASSERT_NOT_EQUAL(
	    eph_claim_measure(eph_claims[1], &cfg, &res, &err), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no-such-file.ept"));
}

static CU_TestInfo tests[] = {
	TEST(test_every_claim_comes_out_as_recorded),
	TEST(test_same_seed_same_numbers),
	TEST(test_verdict_from_cases),
	TEST(test_verdict_of_parts),
	TEST(test_violation_proves_nothing),
	TEST(test_missing_capture_is_an_error),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "claims", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
