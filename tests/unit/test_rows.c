/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Rows of the space of states: each once, by whom it was reached first, and
 * what is marked on it when it is reached again.
 */

#include <stdlib.h>
#include <string.h>

#include "exec/explore_space_impl.h"
#include "test_main.h"

#define PIECES 3u

static struct ex_space *
rows_create(bool late)
{
	struct ex_space *sp = calloc(1, sizeof(*sp));

	CU_ASSERT_PTR_NOT_NULL_FATAL(sp);
	sp->late = late;
	sp->npieces = PIECES;
	for (unsigned k = 0; k < PIECES; k++)
		CU_ASSERT_EQUAL_FATAL(eph__intern_create(&sp->piece[k]), 0);
	CU_ASSERT_EQUAL_FATAL(eph__space_rows_clear(sp), 0);
	return (sp);
}

static void
rows_destroy(struct ex_space *sp)
{
	for (unsigned k = 0; k < PIECES; k++)
		eph__intern_destroy(&sp->piece[k]);
	eph__space_rows_free(sp);
	free(sp);
}

/* From state `parent` a state of these pieces is reached, not flushed yet. */
static void
rows_reach(struct ex_space *sp, uint32_t parent, const uint32_t *piece,
    uint32_t mark, unsigned who)
{
	static struct space_delta delta;

	if (sp->n != 0)
		eph__space_unpack(sp, parent);
	delta.n = PIECES;
	for (unsigned k = 0; k < PIECES; k++) {
		delta.piece[k] = (uint16_t)k;
		delta.becomes[k] = piece[k];
		if (sp->piece[k].n <= piece[k])
			sp->piece[k].n = piece[k] + 1;
	}
	sp->marks = mark;
	CU_ASSERT_EQUAL_FATAL(eph__space_queue(sp, &delta, ex_run(who)), 0);
}

/* The same at once; its number. */
static uint32_t
rows_put(
    struct ex_space *sp, uint32_t parent, uint32_t a, uint32_t b, uint32_t mark)
{
	const uint32_t piece[PIECES] = { a, b, a + b };

	rows_reach(sp, parent, piece, mark, a);
	CU_ASSERT_EQUAL_FATAL(eph__space_flush(sp), 0);
	return (eph__space_last(sp));
}

static void
a_state_is_who_reached_it_first(void)
{
	struct ex_space *sp = rows_create(true);

	CU_ASSERT_EQUAL(rows_put(sp, 0, 0, 0, 0), 0);
	CU_ASSERT_EQUAL(rows_put(sp, 0, 1, 0, 0), 1);
	CU_ASSERT_EQUAL(rows_put(sp, 0, 0, 1, 0), 2);
	CU_ASSERT_EQUAL(rows_put(sp, 1, 1, 1, 0), 3);
	CU_ASSERT_EQUAL(rows_put(sp, 2, 1, 1, 0), 3);
	CU_ASSERT_EQUAL(rows_put(sp, 2, 0, 0, 0), 0);
	CU_ASSERT_EQUAL(eph__space_states(sp), 4);
	CU_ASSERT_EQUAL(eph__space_parent(sp, 3), 1);
	CU_ASSERT_EQUAL(eph__space_choice(sp, 2).who, 0);
	CU_ASSERT_EQUAL(eph__space_choice(sp, 3).who, 1);
	rows_destroy(sp);
}

/*
 * Reached three times with these marks, when states from `next_level` on are
 * a step farther: what is marked?
 */
static uint32_t
marked(bool late, uint32_t next_level, bool at_once)
{
	static const uint32_t mark[3] = { 0x7, 0xe, 0xd };
	static const uint32_t piece[PIECES] = { 5, 6, 7 };
	struct ex_space *sp = rows_create(late);
	uint32_t is;

	(void)rows_put(sp, 0, 0, 0, 0);
	sp->next_level = next_level;
	for (unsigned i = 0; i < 3; i++) {
		rows_reach(sp, 0, piece, mark[i], i);
		if (!at_once)
			CU_ASSERT_EQUAL(eph__space_flush(sp), 0);
	}
	CU_ASSERT_EQUAL(eph__space_flush(sp), 0);
	CU_ASSERT_EQUAL(eph__space_states(sp), 2);
	is = eph__space_row_mark(sp, 1);
	rows_destroy(sp);
	return (is);
}

/* Late TLBs owe what all ways into a state owe; who sleeps on one sleeps. */
static void
marks_are_merged_within_a_level(void)
{
	for (unsigned at_once = 0; at_once < 2; at_once++) {
		CU_ASSERT_EQUAL(marked(true, 1, at_once != 0), 0x4);
		CU_ASSERT_EQUAL(marked(false, 1, at_once != 0), 0xf);
	}
}

/* A way that is a step longer changes nothing. */
static void
marks_stay_at_an_earlier_level(void)
{
	CU_ASSERT_EQUAL(marked(true, 2, false), 0x7);
	CU_ASSERT_EQUAL(marked(false, 2, false), 0x7);
}

/* Fields grow and all is packed anew, the table too: nothing is lost. */
static void
many_states_are_kept(void)
{
	const uint32_t n = 100000;
	struct ex_space *sp = rows_create(false);
	unsigned lost = 0;

	(void)rows_put(sp, 0, 0, 0, 0);
	for (uint32_t i = 1; i < n; i++) {
		const uint32_t piece[PIECES] = { i % 7, i / 7, i * 3 };

		rows_reach(sp, i / 2 < sp->n ? i / 2 : 0, piece, i, i % 32);
	}
	CU_ASSERT_EQUAL(eph__space_flush(sp), 0);
	CU_ASSERT_EQUAL(eph__space_states(sp), n);
	for (uint32_t i = 1; i < n; i++) {
		eph__space_unpack(sp, i);
		lost += sp->base[0] != i % 7 || sp->base[1] != i / 7 ||
		    sp->base[2] != i * 3 || eph__space_row_mark(sp, i) != i ||
		    eph__space_choice(sp, i).who != i % 32;
	}
	CU_ASSERT_EQUAL(lost, 0);
	CU_ASSERT_EQUAL(rows_put(sp, 3, 0, 0, 0), 0);
	CU_ASSERT_EQUAL(eph__space_states(sp), n);
	rows_destroy(sp);
}

static CU_TestInfo tests[] = {
	TEST(a_state_is_who_reached_it_first),
	TEST(marks_are_merged_within_a_level),
	TEST(marks_stay_at_an_earlier_level),
	TEST(many_states_are_kept),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "rows", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
