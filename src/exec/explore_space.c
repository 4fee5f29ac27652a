/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * States of a program under explore.
 *
 * Idea.  A state is memory: the words of the machine's region and of the
 * scheduler that any step has ever changed, and the live part of each stack.
 * All entities wait at the same place, in states_stop(), so a step is: write
 * a state's words back, switch to the entity that was chosen, and read the
 * words when it waits there again.  The words are kept in pieces of a few,
 * each piece once (explore_intern.c); a state is a row of pieces' numbers
 * (explore_rows.c), and two states are equal if their rows are.  So memory is
 * compared with memory, and no hash decides anything.
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
 * start after each step (explore_look.c), and a word that changed joins the
 * row, and all begins again.  What canonical() leaves out is checked by running
 * a state's choices from the start once more (eph__space_equals).
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
#include "base/writes.h"
#include "ephmap/kernel/kva.h"
#include "machine/access.h"

/* Steps */

/* What is in memory is no state that is known. */
static void
space_forget(struct ex_space *sp)
{
	for (unsigned k = 0; k < sp->npieces; k++)
		sp->now[k] = UINT32_MAX;
}

/*
 * Values that are not needed any more, but lie in the frames of who waits,
 * tell states apart.  So as little as can be is done here, and who can move is
 * found out in another file, whose code is in no such frame.
 */
static bool
states_stop(struct explore *ex)
{
	struct ex_space *sp = ex->strategy_state;

	if (!eph__ex_settle(ex))
		return (false);
	sp->yielded = true;
	eph__fiber_switch(ex->running, ex->host);
	return (true);
}

static void
states_begin(struct explore *ex)
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
	.begin = states_begin,
	.stop = states_stop,
	.next = states_next,
};

static void
space_run(struct ex_space *sp, unsigned who)
{
	struct explore *ex = sp->ex;
	struct ex_entity *e = &ex->entity[who];

	eph__ex_enter(ex, e);
	eph__fiber_scrub(e->fiber, SPACE_BELOW + sp->deep);
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
	sp->stepped = ex->entity[c.who].op;
	space_run(sp, c.who);
	if (sp->yielded)
		return (EX_SPACE_STATE);
	space_forget(sp);
	return (EX_SPACE_END);
}

/* What entities could do. */
static unsigned
space_runs(uint64_t enabled, struct ex_choice *choice)
{
	unsigned n = 0;

	for (uint64_t w = enabled; w != 0; w &= w - 1)
		choice[n++] = (struct ex_choice){ EX_RUN,
			(uint8_t)eph_cpuword_first(w), 0 };
	return (n);
}

/* Which choices of the state that is loaded are tried? */
static void
space_look(struct ex_space *sp, uint32_t id, uint64_t enabled)
{
	sp->mark = eph__space_row_mark(sp, id);
	sp->awake = sp->acts = ~(uint32_t)0;
	if (sp->late)
		eph__space_late_look(sp, enabled);
	else if (sp->sleeps)
		eph__space_sleep_look(sp, enabled);
}

static bool
space_tries(const struct ex_space *sp, struct ex_choice c)
{
	unsigned k = 0;

	if (c.who >= EX_BUFFER(0))
		return (true);
	while (sp->entity[k] != c.who)
		k++;
	return (k >= SPACE_LABELS || (sp->awake >> k & 1) != 0);
}

unsigned
eph__space_open(struct ex_space *sp, uint32_t id, uint32_t next_level,
    struct ex_choice *choice)
{
	uint64_t enabled;
	unsigned n = 0, all;

	eph__space_load(sp, id);
	enabled = eph__ex_enabled(sp->ex);
	KASSERT(enabled != 0, "a state where nothing can happen");
	sp->next_level = next_level;
	space_look(sp, id, enabled);
	all = space_runs(enabled, choice);
	for (unsigned i = 0; i < all; i++) {
		if (space_tries(sp, choice[i]))
			choice[n++] = choice[i];
	}
	return (n);
}

/* The same, and what TLBs could do. */
static unsigned
space_choices(struct ex_space *sp, struct ex_choice *choice, unsigned max)
{
	struct explore *ex = sp->ex;
	unsigned n = space_runs(eph__ex_enabled(ex), choice);

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

/* Runs are short: four words at once, and no more than that. */
static inline const uint64_t *
space_run_put(const struct space_run *r, const uint64_t *held)
{
	uint64_t *p = r->p;
	uint32_t n = r->n;

	for (; n >= 4; n -= 4, p += 4, held += 4)
		memcpy(p, held, 4 * sizeof(*p));
	for (; n > 0; n--)
		*p++ = *held++;
	return (held);
}

static inline uint64_t
space_run_get(const struct space_run *r, uint64_t *restrict held)
{
	const uint64_t *restrict p = r->p;
	uint64_t differ = 0;
	uint32_t n = r->n;

	for (; n >= 4; n -= 4, p += 4, held += 4) {
		differ |= (p[0] ^ held[0]) | (p[1] ^ held[1]) |
		    (p[2] ^ held[2]) | (p[3] ^ held[3]);
		memcpy(held, p, 4 * sizeof(*p));
	}
	for (; n > 0; n--) {
		differ |= *p ^ *held;
		*held++ = *p++;
	}
	return (differ);
}

static void
space_load_words(
    struct ex_space *sp, unsigned k, const uint64_t *p, size_t bytes)
{
	const struct space_run *r = &sp->run[sp->first[k]];
	const struct space_run *end = &sp->run[sp->first[k + 1]];
	uint64_t *held = &sp->held[r->at];

	for (size_t i = 0; i < bytes / 8; i++)
		held[i] = p[i];
	for (const uint64_t *from = held; r < end; r++)
		from = space_run_put(r, from);
}

static void
space_load_piece(struct ex_space *sp, unsigned k, uint32_t id)
{
	size_t bytes;
	const void *p = intern_piece(&sp->piece[k], id, &bytes);

	sp->now[k] = id;
	if (k < sp->ngroups) {
		space_load_words(sp, k, p, bytes);
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
	eph__space_unpack(sp, id);
	for (unsigned k = 0; k < sp->npieces; k++) {
		if (sp->now[k] != sp->base[k])
			space_load_piece(sp, k, sp->base[k]);
	}
	ex_set_quiet(sp->ex, false);
	sp->stepped_since = true;
}

/* Words of memory as they are, into held[]; did any change? */
static bool
space_words_changed(struct ex_space *sp, unsigned k)
{
	const struct space_run *r = &sp->run[sp->first[k]];
	const struct space_run *end = &sp->run[sp->first[k + 1]];
	uint64_t differ = 0;

	for (; r < end; r++)
		differ |= space_run_get(r, &sp->held[r->at]);
	return (differ != 0);
}

/* Another piece than words, as it is; `buf` may hold it. */
static const void *
space_other(struct ex_space *sp, unsigned k, uint64_t *buf, size_t *bytes)
{
	const struct ex_entity *e;
	const void *p;

	if (k == sp->ngroups + sp->nentities) {
		size_t n;

		(void)eph__mem_region(sp->ex->mc->mem, &n);
		*buf = n;
		*bytes = 8;
		return (buf);
	}
	e = &sp->ex->entity[sp->entity[k - sp->ngroups]];
	/* Who has ended, or not begun, needs no stack. */
	if (e->status == EX_OFF) {
		*bytes = 0;
		return (buf);
	}
	p = eph__fiber_live(e->fiber, bytes);
	if (*bytes > sp->deep)
		sp->deep = *bytes;
	return (p);
}

/* The piece has these contents now. */
static bool
space_becomes(struct ex_space *sp, unsigned k, const void *p, size_t bytes)
{
	sp->now[k] = eph__intern(&sp->piece[k], p, bytes);
	return (sp->now[k] != UINT32_MAX);
}

static bool
space_capture_other(struct ex_space *sp, unsigned k)
{
	uint64_t buf;
	size_t bytes, had;
	const void *p = space_other(sp, k, &buf, &bytes);

	if (sp->now[k] != UINT32_MAX) {
		const void *was = intern_piece(&sp->piece[k], sp->now[k], &had);

		if (had == bytes && memcmp(was, p, bytes) == 0)
			return (true);
	}
	return (space_becomes(sp, k, p, bytes));
}

/* The numbers of the pieces in memory, into now[].  False: no memory. */
bool
eph__space_capture(struct ex_space *sp)
{
	eph__canonical(sp);
	/* Memory that no area covers would be no part of the state. */
	if (sp->most > sp->area[0].bytes)
		return (false);
	for (unsigned k = 0; k < sp->ngroups; k++) {
		if (!space_words_changed(sp, k) && sp->now[k] != UINT32_MAX)
			continue;
		if (!space_becomes(sp, k, &sp->held[sp->run[sp->first[k]].at],
			sp->bytes[k]))
			return (false);
	}
	for (unsigned k = sp->ngroups; k < sp->npieces; k++) {
		if (!space_capture_other(sp, k))
			return (false);
	}
	sp->delta.n = 0;
	for (unsigned k = 0; k < sp->npieces; k++) {
		if (sp->now[k] == sp->base[k])
			continue;
		sp->delta.piece[sp->delta.n] = (uint16_t)k;
		sp->delta.becomes[sp->delta.n++] = sp->now[k];
	}
	return (true);
}

int
eph__space_save(struct ex_space *sp, struct ex_choice choice)
{
	if (!eph__space_capture(sp))
		return (-1);
	if ((sp->late || sp->sleeps) && choice.kind == EX_RUN &&
	    !eph__space_late_holds(sp, choice.who, sp->stepped))
		sp->breaks = true;
	sp->marks = 0;
	return (eph__space_queue(sp, &sp->delta, choice));
}

bool
eph__space_equals(struct ex_space *sp, uint32_t id)
{
	if (!eph__space_capture(sp))
		return (false);
	eph__space_unpack(sp, id);
	return (memcmp(sp->base, sp->now, sp->npieces * 4) == 0);
}

/* Life */

/* A run by chance, for the words that it writes to; how many were new. */
static size_t
space_walk(struct ex_space *sp, uint64_t number)
{
	struct explore *ex = sp->ex;
	struct ex_choice choice[128];
	size_t found = 0, bytes;
	uint64_t none;
	unsigned n;

	eph__prng_init(&ex->prng, ex->seed, number);
	eph__space_start(sp);
	ex_set_quiet(ex, false);
	for (uint32_t i = 0; i < ex->steps_max; i++) {
		n = space_choices(sp, choice, 128);
		if (eph__space_step(sp, choice[prng_below(&ex->prng, n)]) ==
		    EX_SPACE_END)
			break;
		eph__canonical(sp);
		for (unsigned k = 0; k < sp->nentities; k++)
			(void)space_other(sp, sp->ngroups + k, &none, &bytes);
		if (i % SPACE_STRIDE == 0)
			found += eph__space_learn(sp);
	}
	eph__canonical(sp);
	return (found + eph__space_learn(sp));
}

static int
space_pieces(struct ex_space *sp)
{
	const unsigned before = sp->npieces;

	if (eph__space_groups(sp) != 0)
		return (ENOMEM);
	sp->npieces = sp->ngroups + sp->nentities + 1;
	for (unsigned k = 0; k < sp->npieces; k++) {
		if (k < before)
			eph__intern_clear(&sp->piece[k]);
		else if (eph__intern_create(&sp->piece[k]) != 0)
			return (ENOMEM);
	}
	return (0);
}

/* Which choices may be left out?  Late TLBs, or choices that sleep, or none. */
static void
space_reductions(struct ex_space *sp)
{
	const struct explore *ex = sp->ex;
	const bool can = sp->how != EX_SPACE_CHECK && !sp->breaks &&
	    !ex->weak && ex->mc->shootflags == 0 &&
	    sp->nentities < SPACE_LABELS;

	sp->late = can && sp->how == EX_SPACE_LATE &&
	    ex->mc->ncpus * ex->npages <= SPACE_LABELS;
	sp->sleeps =
	    can && !sp->late && ex->switch_in == NULL && ex->switch_out == NULL;
}

int
eph__space_restart(struct ex_space *sp)
{
	space_reductions(sp);
	if (space_pieces(sp) != 0 || eph__space_rows_clear(sp) != 0)
		return (ENOMEM);
	eph__space_pages(sp);
	memset(sp->memo, 0, SPACE_MEMOS * sizeof(*sp->memo));
	sp->nmemos = 0;
	eph__space_look_away(sp);
	eph__space_start(sp);
	sp->tables = kva_has_entry(sp->ex->mc, 0);
	space_forget(sp);
	memset(sp->base, 0xff, sizeof(sp->base));
	for (unsigned i = 0; i < sp->npages * sp->ex->mc->ncpus; i++)
		eph__space_act_find(sp, i / sp->npages, i % sp->npages);
	sp->marks = 0;
	return (!eph__space_capture(sp) || eph__space_look_on(sp) != 0 ||
		    eph__space_queue(sp, &sp->delta, (struct ex_choice){ 0 }) !=
			0 ||
		    eph__space_flush(sp) != 0
		? ENOMEM
		: 0);
}

/* Runs by chance, until many in a row found nothing. */
static void
space_walks(struct ex_space *sp)
{
	unsigned quiet = 0;

	for (unsigned i = 0; i < SPACE_WALKS && quiet < SPACE_QUIET; i++)
		quiet = space_walk(sp, i) == 0 ? quiet + 1 : 0;
}

int
eph__space_create(struct explore *ex, enum ex_space_how how,
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
	sp->how = how;
	ex->strategy_state = sp;
	for (uint64_t w = ex->entities; w != 0; w &= w - 1)
		sp->entity[sp->nentities++] = eph_cpuword_first(w);
	sp->memo = eph__space_memory(SPACE_MEMOS * sizeof(*sp->memo));
	if (sp->memo == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	eph_machine_rewind(ex->mc);
	eph__ex_reset(ex);
	ex->clears = true;
	eph__space_shadows(ex->mc);
	eph__space_areas(sp);
	sp->writes = eph__writes_create(sp->area[0].p, sp->area[0].bytes);
	if (sp->writes == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	eph__canonical(sp);
	if (!eph__space_image(sp))
		return (eph_err_set(err, ENOMEM, "out of memory"));
	eph__ex_arm(ex);
	eph__space_take_scheduler(sp);
	space_walks(sp);
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
	sp->ex->clears = false;
	for (unsigned k = 0; k < sp->npieces; k++)
		eph__intern_destroy(&sp->piece[k]);
	eph__space_rows_free(sp);
	eph__space_look_free(sp);
	free(sp->word);
	free(sp->dead);
	free(sp->cell);
	free(sp->run);
	free(sp->held);
	free(sp->image);
	free(sp->memo);
	free(sp);
}

bool
eph__space_late(const struct ex_space *sp)
{
	return (sp->late);
}

unsigned
eph__space_words(const struct ex_space *sp)
{
	return ((unsigned)sp->nwords);
}

size_t
eph__space_bytes(const struct ex_space *sp)
{
	size_t bytes = eph__space_row_bytes(sp);

	for (unsigned k = 0; k < sp->npieces; k++)
		bytes += eph__intern_bytes(&sp->piece[k]);
	return (bytes);
}
