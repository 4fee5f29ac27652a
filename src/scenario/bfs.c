/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * All states of a small machine, nearest first: so the first failure met has
 * a shortest schedule, and a search that ends without one has proved that
 * there is none.
 *
 * Every state is tried with every choice: each thread and interrupt that can
 * go on, each late store, each translation that a TLB could load or forget.
 * Ends early, and claims nothing, at a budget of states, memory or time.
 */

#include "scenario/bfs.h"

#include <errno.h>
#include <string.h>

#include "base/kassert.h"
#include "exec/explore_impl.h"
#include "exec/explore_space.h"

#define BFS_RESTARTS 200u
#define BFS_LOOK     4096u /* states between two looks at the clock */

struct bfs {
	struct search *s;
	struct ex_space *sp;
	struct eph_explore_result *r;
	const struct eph_explore_config *cfg;
	uint64_t steps;
	uint32_t at; /* the state whose choices are tried */
	uint32_t level_end;
	struct ex_choice last; /* that failed, from `at` */
	double end;	       /* when time is up; 0: never */
};

enum bfs_end { BFS_ON, BFS_FAILED, BFS_AGAIN, BFS_BUDGET, BFS_MEMORY };

/* From the start to a state, then one choice more. */
static int
bfs_path(const struct bfs *b, uint32_t id, const struct ex_choice *last,
    struct ex_schedule *schedule)
{
	uint32_t n = 0, at = id;
	struct ex_schedule back = { 0 };
	int error = 0;

	schedule->n = 0;
	for (; at != 0; at = eph__space_parent(b->sp, at))
		n++;
	for (at = id; at != 0 && error == 0;
	     at = eph__space_parent(b->sp, at)) {
		/* Backwards, and so that nothing is merged. */
		error =
		    eph__ex_schedule_push(&back, eph__space_choice(b->sp, at));
	}
	for (; n > 0 && error == 0; n--)
		error =
		    eph__ex_schedule_add(schedule, back.token[n - 1].choice, 1);
	if (error == 0 && last != NULL)
		error = eph__ex_schedule_add(schedule, *last, 1);
	eph__ex_schedule_free(&back);
	return (error);
}

/* The same state by a run from the start: is it the same? */
static bool
bfs_same_again(
    struct bfs *b, uint32_t parent, struct ex_choice last, uint32_t id)
{
	struct ex_schedule path = { 0 };
	bool same = bfs_path(b, parent, &last, &path) == 0;

	eph__space_load(b->sp, 0);
	for (size_t i = 0; i < path.n && same; i++) {
		for (uint32_t k = 0; k < path.token[i].count && same; k++) {
			eph__space_handlers(b->sp);
			same = eph__space_step(b->sp, path.token[i].choice) ==
			    EX_SPACE_STATE;
		}
	}
	eph__ex_schedule_free(&path);
	return (same && eph__space_equals(b->sp, id));
}

static enum bfs_end
bfs_ended(struct bfs *b, struct ex_choice c)
{
	struct search *s = b->s;

	ex_set_quiet(s->ex, true);
	s->verdict = s->ex->verdict;
	s->failure = eph__search_verdict(s, s->verdict);
	eph__ex_arm(s->ex);
	b->r->ends++;
	b->last = c;
	if (s->failure != EPH_FAIL_NONE)
		return (BFS_FAILED);
	eph__space_ended(b->sp);
	return (BFS_ON);
}

/* A state was reached from `at`: `error` is what saving it returned. */
static enum bfs_end
bfs_reached(struct bfs *b, struct ex_choice c, int error)
{
	if (error != 0)
		return (BFS_MEMORY);
	if (!eph__space_intact(b->sp, false))
		return (BFS_AGAIN);
	if (b->cfg->check_states) {
		if (eph__space_flush(b->sp) != 0)
			return (BFS_MEMORY);
		if (bfs_same_again(b, b->at, c, eph__space_last(b->sp)))
			return (BFS_ON);
		eph__ex_disarm(b->s->ex);
		PANIC("two states are taken for one and differ");
	}
	return (BFS_ON);
}

static enum bfs_end
bfs_run(struct bfs *b, struct ex_choice c)
{
	eph__space_load(b->sp, b->at);
	b->steps++;
	if (eph__space_step(b->sp, c) == EX_SPACE_END)
		return (bfs_ended(b, c));
	return (bfs_reached(b, c, eph__space_save(b->sp, c)));
}

static enum bfs_end
bfs_tlbs(struct bfs *b)
{
	const struct explore *ex = b->s->ex;
	enum bfs_end end = BFS_ON;

	if (!ex->adversary)
		return (BFS_ON);
	for (unsigned c = 0; c < ex->mc->ncpus; c++) {
		for (unsigned i = 0; i < ex->npages && end == BFS_ON; i++) {
			struct ex_choice choice;
			const int error =
			    eph__space_tlb(b->sp, b->at, c, i, &choice);

			if (error == 1)
				continue;
			b->steps++;
			end = bfs_reached(b, choice, error);
		}
	}
	return (end);
}

static enum bfs_end
bfs_state(struct bfs *b)
{
	struct ex_choice choice[EX_ENTITIES];
	enum bfs_end end = BFS_ON;
	unsigned n;

	n = eph__space_open(b->sp, b->at, b->level_end, choice);
	for (unsigned i = 0; i < n && end == BFS_ON; i++)
		end = bfs_run(b, choice[i]);
	if (end == BFS_ON)
		end = bfs_tlbs(b);
	if (end == BFS_ON && eph__space_flush(b->sp) != 0)
		end = BFS_MEMORY;
	return (end);
}

/* Is a budget used up? */
static enum bfs_end
bfs_budget(struct bfs *b)
{
	const struct eph_explore_config *cfg = b->cfg;

	if (cfg->budget != 0 && eph__space_states(b->sp) >= cfg->budget)
		return (BFS_BUDGET);
	if (b->at % BFS_LOOK != 0)
		return (BFS_ON);
	if (cfg->progress != NULL)
		cfg->progress(
		    cfg->progress_arg, eph__space_states(b->sp), cfg->budget);
	if (b->end != 0 && search_now() >= b->end)
		return (BFS_BUDGET);
	if (cfg->memory_bytes != 0 &&
	    eph__space_bytes(b->sp) >= cfg->memory_bytes)
		return (BFS_BUDGET);
	return (BFS_ON);
}

/* All states, until something comes between. */
static enum bfs_end
bfs_round(struct bfs *b)
{
	enum bfs_end end;

	b->steps = 0;
	b->at = 0;
	b->level_end = 1;
	b->r->levels = b->r->ends = 0;
	if (eph__space_restart(b->sp) != 0)
		return (BFS_MEMORY);
	for (; b->at < eph__space_states(b->sp); b->at++) {
		if (b->at == b->level_end) {
			b->level_end = eph__space_states(b->sp);
			b->r->levels++;
		}
		if ((end = bfs_state(b)) != BFS_ON ||
		    (end = bfs_budget(b)) != BFS_ON)
			return (end);
	}
	return (eph__space_intact(b->sp, true) ? BFS_ON : BFS_AGAIN);
}

static void
bfs_result(struct bfs *b, enum bfs_end end)
{
	struct eph_explore_result *r = b->r;

	r->states = eph__space_states(b->sp);
	r->steps = b->steps;
	r->frontier = r->states - b->at;
	r->memory_bytes = eph__space_bytes(b->sp);
	r->words = eph__space_words(b->sp);
	r->late = eph__space_late(b->sp) && b->s->ex->adversary;
	r->exhausted = end == BFS_ON;
	r->bounded = b->s->ex->pages_full;
	r->schedules = 0;
}

int
eph__search_bfs(struct search *s, const struct eph_explore_config *cfg,
    struct eph_explore_result *r, struct ex_schedule *schedule,
    struct eph_err *err)
{
	struct bfs b = { .s = s, .cfg = cfg, .r = r };
	enum bfs_end end = BFS_AGAIN;
	int error;

	if (cfg->seconds > 0)
		b.end = search_now() + cfg->seconds;
	error = eph__space_create(s->ex,
	    cfg->check_states	   ? EX_SPACE_CHECK
		: cfg->every_state ? EX_SPACE_EVERY
				   : EX_SPACE_LATE,
	    &b.sp, err);
	for (unsigned i = 0; error == 0 && end == BFS_AGAIN; i++) {
		if (i == BFS_RESTARTS)
			PANIC("a state has no end of words");
		end = bfs_round(&b);
	}
	if (error == 0) {
		bfs_result(&b, end);
		if (end == BFS_FAILED &&
		    bfs_path(&b, b.at, &b.last, schedule) != 0)
			error = eph_err_set(err, ENOMEM, "out of memory");
	}
	eph__space_destroy(b.sp);
	eph__ex_disarm(s->ex);
	return (error);
}
