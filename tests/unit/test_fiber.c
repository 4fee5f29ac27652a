/* SPDX-License-Identifier: BSD-2-Clause */

/* Fibers. */

#include <string.h>

#include "base/fiber.h"
#include "test_main.h"

struct pingpong {
	struct fiber *host;
	struct fiber *f[2];
	char said[32];
	double sum;
};

static void
ping(void *arg)
{
	struct pingpong *pp = arg;
	volatile double x = 0.5; /* floating-point state survives */

	for (int i = 0; i < 3; i++) {
		(void)strcat(pp->said, "a");
		x *= 2;
		eph__fiber_switch(pp->f[0], pp->f[1]);
	}
	pp->sum += x;
	for (;;)
		eph__fiber_switch(pp->f[0], pp->host);
}

static void
pong(void *arg)
{
	struct pingpong *pp = arg;

	for (;;) {
		(void)strcat(pp->said, "b");
		pp->sum += 1;
		eph__fiber_switch(pp->f[1], pp->f[0]);
	}
}

static void
fibers_keep_their_stacks(void)
{
	struct pingpong pp = { .said = "" };

	pp.host = eph__fiber_create_host();
	pp.f[0] = eph__fiber_create(1 << 16, ping, &pp);
	pp.f[1] = eph__fiber_create(1 << 16, pong, &pp);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pp.f[1]);
	eph__fiber_switch(pp.host, pp.f[0]);
	CU_ASSERT_STRING_EQUAL(pp.said, "ababab");
	CU_ASSERT_EQUAL(pp.sum, 7);
	/* From the start again, the other way round. */
	pp.said[0] = '\0';
	eph__fiber_reset(pp.f[0], ping, &pp);
	eph__fiber_reset(pp.f[1], pong, &pp);
	eph__fiber_switch(pp.host, pp.f[1]);
	CU_ASSERT_STRING_EQUAL(pp.said, "bababab");
	eph__fiber_destroy(pp.f[0]);
	eph__fiber_destroy(pp.f[1]);
	eph__fiber_destroy(pp.host);
	eph__fiber_destroy(NULL);
}

static CU_TestInfo tests[] = {
	TEST(fibers_keep_their_stacks),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "fiber", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
