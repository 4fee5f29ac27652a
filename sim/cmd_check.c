/* SPDX-License-Identifier: BSD-2-Clause */

/* `ephmap check': the conformance kit on a policy from outside. */

#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "setup.h"
#include "table.h"
#include "text.h"

#include "ephmap/policy_check.h"

#define COMMAND "ephmap check"

int
check_policy(const struct eph_policy_ops *policy, const char *params,
    uint32_t steps, unsigned *casesp, struct eph_err *err)
{
	/* Few and many buffers, pages that fit and that do not, mixes. */
	static const struct {
		uint32_t nslots, npages;
		unsigned hold, unhold, forget;
	} cases[] = {
		{ 1, 3, 0, 0, 0 },
		{ 1, 3, 200, 300, 50 },
		{ 2, 2, 0, 0, 0 },
		{ 7, 20, 150, 200, 20 },
		{ 64, 50, 100, 150, 10 },
		{ 64, 200, 0, 0, 0 },
		{ 64, 200, 300, 300, 30 },
		{ 256, 4096, 50, 60, 5 },
	};

	*casesp = 0;
	for (unsigned i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		const struct eph_policy_check c = { .policy = policy,
			.params = params,
			.nslots = cases[i / 2].nslots,
			.npages = cases[i / 2].npages,
			.steps = steps,
			.seed = i + 1,
			.hold = cases[i / 2].hold,
			.unhold = cases[i / 2].unhold,
			.forget = cases[i / 2].forget,
			.priced = i % 2 == 1 };
		const int error = eph_policy_check(&c, err);

		if (error != 0)
			return (error);
		++*casesp;
	}
	return (0);
}

/* Are all rules kept?  Says so, or which is not. */
static bool
check_one(const struct opts *o, const struct eph_policy_ops *policy)
{
	struct eph_err err;
	char steps[NUMBER_MAX];
	unsigned cases;

	if (check_policy(policy, o->check_params, (uint32_t)o->check_steps,
		&cases, &err) != 0) {
		text_printf(stdout, "%s: case %u: %s\n", policy->name,
		    cases + 1, err.text);
		return (false);
	}
	text_printf(stdout, "%s: %u cases of %s steps, every rule kept\n",
	    policy->name, cases, number_u64(steps, o->check_steps));
	return (true);
}

int
cmd_check(const struct opts *o, int n, char **operands)
{
	struct plugins p = { .loaded = false };
	int status = EXIT_OK;

	(void)n;
	(void)operands;
	if (o->plugin.n == 0)
		return (options_refuse(COMMAND, "expected --plugin FILE.so"));
	if (plugins_load(COMMAND, &o->plugin, &p) != OPTIONS_OK)
		return (EXIT_BAD);
	if (p.npolicies == 0)
		return (options_refuse(COMMAND,
		    "%s: a design and no policy; `ephmap explore --plugin' "
		    "searches designs for failures",
		    o->plugin.word[0]));
	if (p.npolicies > 1 && o->check_params != NULL)
		return (options_refuse(COMMAND,
		    "--policy-params: expected one policy that they are for"));
	for (size_t i = 0; i < p.npolicies; i++) {
		if (!check_one(o, p.policy[i]))
			status = EXIT_FOUND;
	}
	return (status);
}
