/* SPDX-License-Identifier: BSD-2-Clause */

#include "sweep_ranks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "database.h"
#include "options.h"

#define PATH_MAX_ 4096
#define POLL_NS	  100000000

void
ranks_find(struct ranks *r)
{
	static const struct {
		const char *rank, *size;
	} starters[] = { { "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE" },
		{ "PMI_RANK", "PMI_SIZE" },
		{ "SLURM_PROCID", "SLURM_STEP_NUM_TASKS" } };

	r->rank = 0;
	r->size = 1;
	for (size_t i = 0; i < sizeof(starters) / sizeof(starters[0]); i++) {
		const char *rank = getenv(starters[i].rank);
		const char *size = getenv(starters[i].size);
		uint64_t a, b;

		if (rank == NULL || size == NULL ||
		    parse_u64(rank, UINT32_MAX, &a) != 0 ||
		    parse_u64(size, UINT32_MAX, &b) != 0 || a >= b)
			continue;
		r->rank = a;
		r->size = b;
		return;
	}
}

void
part_name(const char *path, uint64_t i, uint64_t n, char *buf, size_t size)
{
	const size_t len = strlen(path);
	const bool db = len > 3 && strcmp(path + len - 3, ".db") == 0;

	(void)snprintf(buf, size, "%.*s.%" PRIu64 "of%" PRIu64 ".db",
	    (int)(db ? len - 3 : len), path, i, n);
}

/* Take over what the parts have so far. */
static int
join_parts(struct database *db, const char *path, const struct ranks *r,
    struct eph_err *err)
{
	char part[PATH_MAX_];
	size_t new;
	int error = 0;

	for (uint64_t i = 1; i <= r->size && error == 0; i++) {
		part_name(path, i, r->size, part, sizeof(part));
		/* A rank that starts late has made none yet, or half of it. */
		error = db_merge(db, part, &new, err);
		if (error == ENOENT || error == EINVAL)
			error = 0;
	}
	return (error);
}

/* Are all cells there?  Negative: an error. */
static int
have_all(struct database *db, const char *const *cells, size_t n,
    struct eph_err *err)
{
	for (size_t i = 0; i < n; i++) {
		const int have = db_have(db, cells[i], err);

		if (have <= 0)
			return (have);
	}
	return (1);
}

int
ranks_join(const char *path, const struct ranks *r, const char *const *cells,
    size_t n, struct eph_err *err)
{
	const struct timespec pause = { 0, POLL_NS };
	struct database db;
	char part[PATH_MAX_];
	int error, all = 0;

	if ((error = db_open(path, true, &db, err)) != 0)
		return (error);
	while (error == 0 && all == 0) {
		if ((error = join_parts(&db, path, r, err)) != 0)
			break;
		if ((all = have_all(&db, cells, n, err)) == 0)
			(void)nanosleep(&pause, NULL);
	}
	db_close(&db);
	if (error != 0 || all < 0)
		return (error != 0 ? error : -all);
	for (uint64_t i = 1; i <= r->size; i++) {
		part_name(path, i, r->size, part, sizeof(part));
		(void)unlink(part);
	}
	return (0);
}
