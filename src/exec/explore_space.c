/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * States of a program under explore.
 *
 * Idea.  A state is memory: the words of the machine's region and of the
 * scheduler that any step has ever changed, and the live part of each stack.
 * All entities wait at the same place, in states_pick(), so a step is: write
 * a state's words back, switch to the entity that was chosen, and read the
 * words when it waits there again.  The words are kept in pieces of a few,
 * each piece once (explore_intern.c); a state is a row of pieces' numbers,
 * and two states are equal if their rows are.  So memory is compared with
 * memory, and no hash decides anything.
 *
 * Why equal rows mean equal futures.  What runs next is a function of the
 * words that a step may read, and these are words of the row, words that no
 * step has changed since the start, or words that canonical() has set to a
 * constant because no code that a program can reach decides by them (event
 * counters, who stored an entry last, steps since the start).  So from equal
 * rows every choice runs the same instructions on the same values, to rows
 * that are equal again, and by induction any sequence of choices does.
 *
 * The first half is checked: memory outside the row is compared with the
 * start (eph__space_intact), and a word that changed joins the row, and all
 * begins again.  What canonical() leaves out is checked by running a state's
 * choices from the start once more (eph__space_equals).
 *
 * Renaming (of CPUs, pages, buffers) is off: memory is full of pointers.
 */

#include "exec/explore_space_impl.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/fiber.h"
#include "base/kassert.h"
#include "base/mem.h"
#include "machine/access.h"

/* Steps */

/* What is in memory is no state that is known. */
static void
space_forget(struct ex_space *sp)
{
	for (unsigned k = 0; k < sp->npieces; k++)
		sp->now[k] = UINT32_MAX;
}

static struct ex_choice
states_pick(struct explore *ex, uint64_t enabled, unsigned cur)
{
	struct ex_space *sp = ex->strategy_state;

	(void)enabled;
	sp->yielded = true;
	eph__fiber_switch(ex->running, ex->host);
	/* Chosen. */
	return ((struct ex_choice){ EX_RUN, (uint8_t)cur, 0 });
}

static int
states_create(struct explore *ex)
{
	(void)ex;
	return (0);
}

static void
states_nothing(struct explore *ex)
{
	(void)ex;
}

static bool
states_next(struct explore *ex, enum ex_verdict v)
{
	(void)ex;
	(void)v;
	return (false);
}

const struct ex_strategy eph__ex_states = {
	.name = "bfs",
	.create = states_create,
	.destroy = states_nothing,
	.begin = states_nothing,
	.pick = states_pick,
	.next = states_next,
};

static void
space_run(struct ex_space *sp, unsigned who)
{
	struct explore *ex = sp->ex;
	struct ex_entity *e = &ex->entity[who];

	eph__ex_enter(ex, e);
	eph__fiber_scrub(e->fiber, SPACE_BELOW);
	ex->running = e->fiber;
	sp->yielded = false;
	ex->nchoices = 0;
	eph__fiber_switch(ex->host, e->fiber);
	ex->running = ex->host;
}

enum ex_space_result
eph__space_step(struct ex_space *sp, struct ex_choice c)
{
	struct explore *ex = sp->ex;

	if (c.kind != EX_RUN) {
		eph__ex_tlb_acts(ex, c);
		return (EX_SPACE_STATE);
	}
	if (c.who >= EX_BUFFER(0)) {
		eph__ex_buffer_drain_one(ex, c.who - EX_BUFFER(0));
		if (eph__ex_settle(ex))
			return (EX_SPACE_STATE);
		ex->verdict = eph__ex_quiet_verdict(ex);
		space_forget(sp);
		return (EX_SPACE_END);
	}
	space_run(sp, c.who);
	if (sp->yielded)
		return (EX_SPACE_STATE);
	space_forget(sp);
	return (EX_SPACE_END);
}

/* What entities could do. */
unsigned
eph__space_runs(struct ex_space *sp, struct ex_choice *choice, unsigned max)
{
	unsigned n = 0;

	for (uint64_t w = eph__ex_enabled(sp->ex); w != 0 && n < max;
	     w &= w - 1)
		choice[n++] = (struct ex_choice){ EX_RUN,
			(uint8_t)eph_cpuword_first(w), 0 };
	return (n);
}

/* The same, and what TLBs could do. */
static unsigned
space_choices(struct ex_space *sp, struct ex_choice *choice, unsigned max)
{
	struct explore *ex = sp->ex;
	unsigned n = eph__space_runs(sp, choice, max);

	if (!ex->adversary)
		return (n);
	for (unsigned c = 0; c < ex->mc->ncpus; c++) {
		for (unsigned i = 0; i < ex->npages && n < max; i++) {
			struct ex_choice t = { EX_FILL, (uint8_t)c,
				(uint16_t)ex->page[i] };

			if (!eph__explore_can_act(ex, t))
				t.kind = EX_DROP;
			if (t.kind == EX_FILL || eph__explore_can_act(ex, t))
				choice[n++] = t;
		}
	}
	return (n);
}

/* Loading and saving */

static void
space_load_piece(struct ex_space *sp, unsigned k, uint32_t id)
{
	size_t bytes;
	const char *p = intern_piece(&sp->piece[k], id, &bytes);

	sp->now[k] = id;
	if (k < sp->ngroups) {
		const struct space_word *w = &sp->word[sp->first[k]];

		for (size_t i = 0; i < bytes / 8; i++)
			memcpy(w[i].p, p + 8 * i, 8);
	} else if (k < sp->ngroups + sp->nentities) {
		struct ex_entity *e =
		    &sp->ex->entity[sp->entity[k - sp->ngroups]];

		eph__fiber_put(e->fiber, p, bytes);
	} else {
		size_t used;

		memcpy(&used, p, sizeof(used));
		eph__mem_set_used(sp->ex->mc->mem, used);
	}
}

void
eph__space_load(struct ex_space *sp, uint32_t id)
{
	const uint32_t *row = &sp->row[(size_t)id * (sp->npieces + 2)];

	/* What is constant in states may be anything behind an end. */
	if (sp->now[0] == UINT32_MAX)
		eph__canonical(sp);
	for (unsigned k = 0; k < sp->npieces; k++) {
		if (sp->now[k] != row[k])
			space_load_piece(sp, k, row[k]);
	}
	ex_set_quiet(sp->ex, false);
	sp->loads++;
}

/* A piece of memory as it is; `buf` may hold it. */
static const void *
space_piece(struct ex_space *sp, unsigned k, uint64_t *buf, size_t *bytes)
{
	size_t n;

	if (k < sp->ngroups) {
		const struct space_word *w = &sp->word[sp->first[k]];

		n = sp->first[k + 1] - sp->first[k];
		for (size_t i = 0; i < n; i++)
			buf[i] = *w[i].p;
		*bytes = n * 8;
		return (buf);
	}
	if (k < sp->ngroups + sp->nentities) {
		const struct ex_entity *e =
		    &sp->ex->entity[sp->entity[k - sp->ngroups]];

		/* Who has ended, or not begun, needs no stack. */
		if (e->status == EX_OFF) {
			*bytes = 0;
			return (buf);
		}
		return (eph__fiber_live(e->fiber, bytes));
	}
	(void)eph__mem_region(sp->ex->mc->mem, &n);
	buf[0] = n;
	*bytes = 8;
	return (buf);
}

/* The numbers of the pieces in memory, into now[].  False: no memory. */
bool
eph__space_capture(struct ex_space *sp)
{
	uint64_t buf[SPACE_GROUP];

	eph__canonical(sp);
	/* Memory that no area covers would be no part of the state. */
	if (sp->most > sp->area[0].bytes)
		return (false);
	for (unsigned k = 0; k < sp->npieces; k++) {
		size_t bytes, had;
		const void *p = space_piece(sp, k, buf, &bytes);
		const void *was = sp->now[k] == UINT32_MAX
		    ? NULL
		    : intern_piece(&sp->piece[k], sp->now[k], &had);

		if (was != NULL && had == bytes && memcmp(was, p, bytes) == 0)
			continue;
		sp->now[k] = eph__intern(&sp->piece[k], p, bytes);
		if (sp->now[k] == UINT32_MAX)
			return (false);
	}
	return (true);
}

int
eph__space_save(struct ex_space *sp, uint32_t parent, struct ex_choice choice)
{
	if (!eph__space_capture(sp))
		return (-1);
	return (eph__space_queue(sp, sp->now, parent, choice));
}

bool
eph__space_equals(struct ex_space *sp, uint32_t id)
{
	return (eph__space_capture(sp) &&
	    memcmp(&sp->row[(size_t)id * (sp->npieces + 2)], sp->now,
		sp->npieces * 4) == 0);
}

/* Life */

/* A run by chance, for the words that it writes to. */
static void
space_walk(struct ex_space *sp, uint64_t number)
{
	struct explore *ex = sp->ex;
	struct ex_choice choice[128];
	unsigned n;

	eph__prng_init(&ex->prng, ex->seed, number);
	eph__space_start(sp);
	ex_set_quiet(ex, false);
	for (uint32_t i = 0; i < ex->steps_max; i++) {
		n = space_choices(sp, choice, 128);
		if (eph__space_step(sp, choice[prng_below(&ex->prng, n)]) ==
		    EX_SPACE_END)
			return;
		eph__canonical(sp);
		(void)eph__space_learn(sp);
		if (sp->nwords > SPACE_WORDS)
			return;
	}
}

bool
eph__space_intact(struct ex_space *sp, bool now)
{
	size_t found;

	if (sp->ex->npages == sp->npages && !now && !sp->check &&
	    sp->loads < SPACE_EVERY)
		return (true);
	sp->loads = 0;
	found = eph__space_learn(sp) + sp->ex->npages - sp->npages;
	return (found == 0);
}

static int
space_pieces(struct ex_space *sp)
{
	const unsigned before = sp->npieces;

	if (!eph__space_groups(sp))
		return (ENOMEM);
	sp->npieces = sp->ngroups + sp->nentities + 1;
	if (sp->npieces > SPACE_PIECES)
		return (ENOMEM);
	for (unsigned k = 0; k < sp->npieces; k++) {
		if (k < before)
			eph__intern_clear(&sp->piece[k]);
		else if (eph__intern_create(&sp->piece[k]) != 0)
			return (ENOMEM);
	}
	return (0);
}

int
eph__space_restart(struct ex_space *sp)
{
	if (space_pieces(sp) != 0)
		return (ENOMEM);
	eph__space_pages(sp);
	memset(sp->memo, 0, SPACE_MEMOS * sizeof(*sp->memo));
	sp->nmemos = 0;
	free(sp->row);
	free(sp->table);
	sp->row = NULL;
	sp->row_room = sp->n = 0;
	sp->mask = 0xffff;
	sp->table = calloc((size_t)sp->mask + 1, sizeof(*sp->table));
	if (sp->table == NULL)
		return (ENOMEM);
	eph__space_start(sp);
	space_forget(sp);
	for (unsigned i = 0; i < sp->npages * sp->ex->mc->ncpus; i++)
		eph__space_act_find(sp, i / sp->npages, i % sp->npages);
	sp->nbatch = 0;
	return (eph__space_save(sp, 0, (struct ex_choice){ 0 }) != 0 ||
		    eph__space_flush(sp) != 0
		? ENOMEM
		: 0);
}

int
eph__space_create(struct explore *ex, unsigned walks, bool check,
    struct ex_space **spp, struct eph_err *err)
{
	struct ex_space *sp;

	if (!eph__fiber_opens())
		return (eph_err_set(err, ENOTSUP,
		    "this build's stacks cannot be saved (a sanitizer, or "
		    "swapcontext): expected a release build"));
	if ((sp = calloc(1, sizeof(*sp))) == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	*spp = sp;
	sp->ex = ex;
	sp->check = check;
	ex->strategy_state = sp;
	for (uint64_t w = ex->entities; w != 0; w &= w - 1)
		sp->entity[sp->nentities++] = eph_cpuword_first(w);
	sp->memo = calloc(SPACE_MEMOS, sizeof(*sp->memo));
	if (sp->memo == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	eph_machine_rewind(ex->mc);
	eph__ex_reset(ex);
	eph__space_shadows(ex->mc);
	eph__space_areas(sp);
	eph__canonical(sp);
	if (!eph__space_image(sp))
		return (eph_err_set(err, ENOMEM, "out of memory"));
	eph__ex_arm(ex);
	for (unsigned i = 0; i < walks && sp->nwords <= SPACE_WORDS; i++)
		space_walk(sp, i);
	if (sp->nwords > SPACE_WORDS)
		return (eph_err_set(err, ENOTSUP,
		    "bfs: this program's states are more than %u words of "
		    "memory: expected a smaller program, or another strategy",
		    SPACE_WORDS));
	if (eph__space_restart(sp) != 0)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	return (0);
}

void
eph__space_destroy(struct ex_space *sp)
{
	if (sp == NULL)
		return;
	sp->ex->strategy_state = NULL;
	for (unsigned k = 0; k < sp->npieces; k++)
		eph__intern_destroy(&sp->piece[k]);
	free(sp->word);
	free(sp->dead);
	free(sp->cell);
	free(sp->image);
	free(sp->memo);
	free(sp->row);
	free(sp->table);
	free(sp);
}

unsigned
eph__space_words(const struct ex_space *sp)
{
	return ((unsigned)sp->nwords);
}

size_t
eph__space_bytes(const struct ex_space *sp)
{
	size_t bytes =
	    (size_t)sp->row_room * (sp->npieces + 2) * sizeof(*sp->row) +
	    ((size_t)sp->mask + 1) * sizeof(*sp->table);

	for (unsigned k = 0; k < sp->npieces; k++)
		bytes += eph__intern_bytes(&sp->piece[k]);
	return (bytes);
}
