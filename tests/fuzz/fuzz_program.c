/* SPDX-License-Identifier: BSD-2-Clause */

/* What the program reads: options, studies, costs, results, schedules. */

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "costs.h"
#include "database.h"
#include "groups.h"
#include "options.h"
#include "profile.h"
#include "spec.h"

#include "ephmap/explore.h"
#include "ephmap/policy_check.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/policy.h"
#include "ephmap/workload.h"

#include "fuzz.h"

#define WORDS_MAX    64
#define SCHEDULE_MAX 512u

static void
run_costs(const uint8_t *data, size_t n)
{
	struct eph_costs costs = { 0 };
	struct cost_file *cf;
	struct eph_err err;

	if (costs_read(fuzz_file(data, n), &cf, &err) != 0)
		return;
	costs_apply(cf, &costs);
	costs_free(cf);
}

/* A machine, in a file of the form of those that are installed. */
static void
run_profile(const uint8_t *data, size_t n)
{
	struct profile *p;
	struct eph_err err;

	if (profile_read(fuzz_file(data, n), &p, &err) == 0)
		profile_free(p);
}

static void
run_spec(const uint8_t *data, size_t n)
{
	static struct opts typed, o;
	struct spec spec;

	memset(&typed, 0, sizeof(typed));
	typed.command = &command_table[CMD_SWEEP];
	(void)spec_read(fuzz_file(data, n), &typed, &o, &spec);
	spec_free(&spec);
}

/* A byte that chooses a command, then a word a line. */
static void
run_options(const uint8_t *data, size_t n)
{
	static struct opts o;
	char *text, *more, *argv[WORDS_MAX + 1] = { NULL };
	int argc = 0, first;

	if (n == 0)
		return;
	text = fuzz_text(data + 1, n - 1);
	for (char *word = strtok_r(text, "\n", &more);
	     word != NULL && argc < WORDS_MAX;
	     word = strtok_r(NULL, "\n", &more))
		argv[argc++] = word;
	if (argc > 0)
		(void)options_parse(
		    &command_table[data[0] % COMMANDS], &o, argc, argv, &first);
	free(text);
}

static void
run_shares(const uint8_t *data, size_t n)
{
	char *s = fuzz_text(data, n);
	uint64_t v;
	double real;

	(void)parse_u64(s, UINT64_MAX, &v);
	(void)parse_real(s, -1e300, 1e300, &real);
	(void)parse_share(s, 1000, UINT32_MAX, &v);
	free(s);
}

static void
run_database(const uint8_t *data, size_t n)
{
	struct database db;
	struct groups gs = { 0 };
	struct eph_err err;

	if (db_open(fuzz_file(data, n), false, &db, &err) != 0)
		return;
	if (groups_read(&db, NULL, &gs, &err) == 0)
		groups_free(&gs);
	db_close(&db);
}

/* A scenario from a file; what was read is played a little. */
static void
run_scenario(const uint8_t *data, size_t n)
{
	struct eph_explore_config cfg = { .design = eph_design_find(
					      "sf_buf.accessed"),
		.strategy = "random",
		.budget = 2 };
	struct eph_explore_result r;
	struct eph_err err;

	if (eph_scenario_read(fuzz_file(data, n), &cfg.scenario, &err) != 0)
		return;
	if (eph_explore(&cfg, &r, &err) == 0)
		eph_explore_free(&r);
	eph_scenario_free(cfg.scenario);
}

/* A byte that chooses an exhibit, then the schedule. */
static void
run_schedule(const uint8_t *data, size_t n)
{
	struct eph_explore_config cfg = { 0 };
	struct eph_explore_result r;
	struct eph_err err;
	size_t bugs = 0;
	char *s;

	if (n == 0 || n > SCHEDULE_MAX)
		return;
	while (eph_bugs[bugs] != NULL)
		bugs++;
	s = fuzz_text(data + 1, n - 1);
	eph_bug_config(eph_bugs[data[0] % bugs], false, &cfg);
	cfg.replay = s;
	if (eph_explore(&cfg, &r, &err) == 0)
		eph_explore_free(&r);
	free(s);
}

static void
run_workload(const uint8_t *data, size_t n)
{
	struct eph_workload wl;
	struct eph_err err;
	char *s = fuzz_text(data, n);

	(void)eph_workload_parse(s, &wl, &err);
	free(s);
}

/* Rows of a design and a policy, of which words are not set. */
static void
spoil(void *row, size_t size, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const size_t word = data[i] % (size / sizeof(void *));

		memset((char *)row + word * sizeof(void *), 0, sizeof(void *));
	}
}

/*
 * Two bytes that are added to the interfaces' numbers, then words to clear:
 * of the design, and from the middle on of the policy.
 */
static void
run_plugin(const uint8_t *data, size_t n)
{
	static struct eph_design_ops *design;
	static struct eph_policy_ops *policy;
	struct eph_policy_check check = {
		.nslots = 4, .npages = 9, .steps = 200, .seed = 1, .forget = 20
	};
	const struct eph_design_ops *d;
	const struct eph_policy_ops *p;
	struct eph_err err;

	if (design == NULL) {
		void *object = dlopen(FUZZ_PLUGIN, RTLD_NOW | RTLD_LOCAL);

		if (object == NULL ||
		    (design = dlsym(object, "ephmap_plugin")) == NULL ||
		    (policy = dlsym(object, "ephmap_policy")) == NULL)
			abort();
	}
	if (n < 2 || n > WORDS_MAX)
		return;
	*design = *eph_design_find("dmap");
	*policy = *eph_policy_find("lru");
	design->abi += data[0];
	policy->abi += data[1];
	spoil(design, sizeof(*design), data + 2, (n - 2) / 2);
	spoil(policy, sizeof(*policy), data + 2 + (n - 2) / 2,
	    n - 2 - (n - 2) / 2);
	if (eph_design_load(FUZZ_PLUGIN, &d, &err) == 0 &&
	    eph_design_sysctls(d) == NULL)
		abort();
	if (eph_policy_load(FUZZ_PLUGIN, &p, &err) != 0)
		return;
	check.policy = p;
	(void)eph_policy_check(&check, &err);
}

const struct fuzz_target fuzz_program[] = {
	{ "plugin", "rows of plug-ins", run_plugin },
	{ "costs", "files of costs", run_costs },
	{ "profile", "machines in files", run_profile },
	{ "spec", "files of sweep", run_spec },
	{ "options", "command lines", run_options },
	{ "shares", "numbers of the command line", run_shares },
	{ "database", "results of sweep", run_database },
	{ "scenario", "scenarios of explore, from a file", run_scenario },
	{ "schedule", "schedules of explore", run_schedule },
	{ "workload", "workloads in words", run_workload },
	{ NULL, NULL, NULL },
};
