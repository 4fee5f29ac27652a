/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EXEC_EXPLORE_SPACE_H
#define EXEC_EXPLORE_SPACE_H

/*
 * The states of a program under explore: take the machine apart, tell equal
 * states from new ones, bring one back, and make one step from it.
 */

#include "exec/explore.h"

struct ex_space;

enum ex_space_how {
	EX_SPACE_LATE,	/* what TLBs do unasked as late as a step could tell */
	EX_SPACE_EVERY, /* each state there is */
	EX_SPACE_CHECK, /* the same, with nothing left out, and compared */
};

enum ex_space_result {
	EX_SPACE_STATE, /* the program goes on: a state to save */
	EX_SPACE_END,	/* it ended; ex->verdict says how */
};

/*
 * For the machine of `ex`, marked, with its threads created.  The memory
 * that steps write to is learned by random runs.  Until it is destroyed the
 * machine's memory is watched (base/writes.h).  Returns 0 or
 *	ENOMEM
 *	ENOTSUP	this build's stacks cannot be taken apart; `err` says why
 */
int eph__space_create(struct explore *ex, enum ex_space_how how,
    struct ex_space **spp, struct eph_err *err);
void eph__space_destroy(struct ex_space *sp);

/* Forget all states; the first one, number 0, is the program's start. */
int eph__space_restart(struct ex_space *sp);

uint32_t eph__space_states(const struct ex_space *sp);
size_t eph__space_bytes(const struct ex_space *sp);
unsigned eph__space_words(const struct ex_space *sp);

/* Do TLBs act only where the next step could tell? */
bool eph__space_late(const struct ex_space *sp);

/* Make state `id` the machine's. */
void eph__space_load(struct ex_space *sp, uint32_t id);

/*
 * Make state `id` the machine's, whose choices will all be tried now.  What
 * entities do there, threads, interrupts and store buffers, is put in
 * choice[], which has room for EX_ENTITIES; returns how many.  What leads
 * nowhere else than other choices do is left out.  States from `next_level` on
 * are a step farther from the start than this one.
 */
unsigned eph__space_open(struct ex_space *sp, uint32_t id, uint32_t next_level,
    struct ex_choice *choice);

/* Let it happen.  After that load a state again, or save this one. */
enum ex_space_result eph__space_step(
    struct ex_space *sp, struct ex_choice choice);

/*
 * Between steps that no load separates: stacks of handlers that ended are as
 * a load would leave them.
 */
void eph__space_handlers(struct ex_space *sp);

/*
 * After a step that ended the program, and checks that may have written to
 * memory: what is no part of states is as it was.
 */
void eph__space_ended(struct ex_space *sp);

/*
 * The state after a step from the one that was loaded is one of the space's:
 * now or, for speed, at the next eph__space_flush().  Returns 0, or -1 when
 * out of memory.
 */
int eph__space_save(struct ex_space *sp, struct ex_choice choice);
int eph__space_flush(struct ex_space *sp);

/* The number of the state that was flushed last. */
uint32_t eph__space_last(const struct ex_space *sp);

/*
 * In state `id` the TLB of CPU `c` loads or forgets ex->page[i], whichever
 * it can; *choice says which.  Returns as eph__space_save(), or 1 where
 * there is nothing to load and nothing to forget, or it can be left out.
 */
int eph__space_tlb(struct ex_space *sp, uint32_t id, unsigned c, unsigned i,
    struct ex_choice *choice);

/*
 * After each step that led to a state: did it write to memory that is not part
 * of one?  Then that is part of it from now on, and false is returned: all
 * states are void, eph__space_restart().  `now`: words that no program can
 * decide by, too.
 */
bool eph__space_intact(struct ex_space *sp, bool now);

/* How `id` was reached first. */
uint32_t eph__space_parent(const struct ex_space *sp, uint32_t id);
struct ex_choice eph__space_choice(const struct ex_space *sp, uint32_t id);

/* Compare the machine as it is with state `id`, word by word. */
bool eph__space_equals(struct ex_space *sp, uint32_t id);

extern const struct ex_strategy eph__ex_states;

#endif /* !EXEC_EXPLORE_SPACE_H */
