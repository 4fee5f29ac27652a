/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EXEC_EXPLORE_SPACE_IMPL_H
#define EXEC_EXPLORE_SPACE_IMPL_H

/*
 * What the files of the space of states share: words of memory and rows of
 * states at the bottom, states above, what TLBs do on top.
 */

#include "exec/explore_impl.h"
#include "exec/explore_intern.h"
#include "exec/explore_space.h"

#define SPACE_AREAS  (8u + EX_CPUS)
#define SPACE_SKIP   (16u + 8u * EX_CPUS)
#define SPACE_GROUP  16u   /* words of a piece */
#define SPACE_PIECES 96u   /* of a state: groups and stacks */
#define SPACE_WORDS  1024u /* of a state, without stacks */
#define SPACE_BELOW  2048u /* bytes of stack that a step may find dirty */
#define SPACE_SLACK  (512u << 10) /* bytes of region that steps may take */
#define SPACE_TAG    27u	  /* bits of a state's number */
#define SPACE_LINE   32u	  /* words that are compared at once */
#define SPACE_CELLS  12u	  /* addresses whose cells are made at first */
#define SPACE_BATCH  32u	  /* states on their way into the table */
#define SPACE_ACT    4u		  /* pieces of an action of a TLB */
#define SPACE_MEMOS  (1u << 14)	  /* actions that are remembered, twice */
#define SPACE_EVERY  256u	  /* loads between two looks at all memory */

/* Memory that steps may write to. */
struct space_area {
	char *p;
	size_t bytes;
	size_t image; /* its offset in the image of the start */
};

/* A word that some step changed. */
struct space_word {
	uint64_t *p;
	uint64_t start; /* its value there */
};

struct space_cell {
	struct eph_cpu *cpu;
	struct eph_shadow *sh;
};

/* Pieces that an action of a TLB depends on. */
struct space_act {
	uint8_t piece[SPACE_ACT];
	uint8_t n;
	bool many; /* more than that: not remembered */
};

/* A state on its way into the table. */
struct space_waiting {
	uint64_t hash;
	uint32_t parent;
	struct ex_choice choice;
	uint32_t row[SPACE_PIECES];
};

/* An action that was made: the key up to `kind`, and what came of it. */
struct space_memo {
	uint32_t cpu;
	uint32_t page;
	uint32_t piece[SPACE_ACT];
	uint32_t kind;
	uint32_t nchanged;
	uint32_t changed[SPACE_ACT];
	uint32_t becomes[SPACE_ACT];
	bool possible;
	bool full;
};

struct ex_space {
	struct explore *ex;
	struct space_area area[SPACE_AREAS];
	unsigned nareas;
	struct space_area skip[SPACE_SKIP]; /* held at the start's value */
	unsigned nskip;
	char *image;
	size_t used; /* of the region, at the start */
	size_t most; /* of it, in any state so far */

	struct space_word *word; /* by address */
	size_t nwords;
	size_t word_room;
	struct space_word *dead; /* changed, and set back after each step */
	size_t ndead;
	size_t dead_room;
	struct space_cell *cell; /* TLB cells that steps changed */
	size_t ncells;
	size_t cell_room;

	unsigned ngroups;
	uint32_t first[SPACE_PIECES + 1]; /* of a group, in word[] */
	unsigned npieces; /* groups, then a stack for each entity, then one */
	unsigned entity[EX_THREADS + EX_CPUS]; /* whose stack is a piece */
	unsigned nentities;
	struct intern piece[SPACE_PIECES];
	uint32_t now[SPACE_PIECES]; /* in memory now; UINT32_MAX: unknown */

	uint32_t *row; /* npieces + 2 of each state: parent, choice */
	uint32_t n;
	uint32_t row_room;
	uint32_t *table;
	uint32_t mask;

	struct space_act act[EX_CPUS * EX_PAGES];
	struct space_memo *memo;
	uint32_t nmemos;
	unsigned npages; /* addresses that TLBs act on */
	struct space_waiting batch[SPACE_BATCH];
	unsigned nbatch;
	uint32_t last; /* the state that was flushed last */
	bool yielded;  /* the step came to its next choice */
	bool check;
	unsigned loads; /* since memory was looked at */
};

/* explore_words.c */

void eph__space_areas(struct ex_space *sp);

size_t eph__space_learn(struct ex_space *sp);

void eph__canonical(struct ex_space *sp);

/* The memory of the start, in a moment when nothing runs. */
void eph__space_start(struct ex_space *sp);

bool eph__space_image(struct ex_space *sp);

/* The pages that TLBs act on are no part of a state: all of them, sorted. */
void eph__space_pages(struct ex_space *sp);

/* Every address has its cells from the start: they do not move. */
void eph__space_shadows(struct eph_machine *mc);

/* Words of one kind, a few of them, are a piece. */
bool eph__space_groups(struct ex_space *sp);

/* Which pieces does the TLB of `c` need for page[i]? */
void eph__space_act_find(struct ex_space *sp, unsigned c, unsigned i);

/* explore_rows.c */

int eph__space_queue(struct ex_space *sp, const uint32_t *now, uint32_t parent,
    struct ex_choice choice);

/* explore_space.c */

/* The numbers of the pieces in memory, into now[].  False: no memory. */
bool eph__space_capture(struct ex_space *sp);

#endif /* !EXEC_EXPLORE_SPACE_IMPL_H */
