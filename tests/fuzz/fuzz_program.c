/* SPDX-License-Identifier: BSD-2-Clause */

/* What the program reads: options, studies, costs, results, schedules. */

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

const struct fuzz_target fuzz_program[] = {
	{ "costs", "files of costs", run_costs },
	{ "profile", "machines in files", run_profile },
	{ "spec", "files of sweep", run_spec },
	{ "options", "command lines", run_options },
	{ "shares", "numbers of the command line", run_shares },
	{ "database", "results of sweep", run_database },
	{ "schedule", "schedules of explore", run_schedule },
	{ "workload", "workloads in words", run_workload },
	{ NULL, NULL, NULL },
};
