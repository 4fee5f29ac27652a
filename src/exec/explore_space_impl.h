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
#define SPACE_GROUP  16u   /* words of a piece, but in large programs */
#define SPACE_GROUPS 256u  /* groups of words in large programs, about */
#define SPACE_PIECES 512u  /* of a state: groups and stacks */
#define SPACE_GAP    3u	   /* words that never change, between two that do */
#define SPACE_BELOW  2048u /* bytes of stack that a step may dirty */
#define SPACE_SLACK  ((size_t)8 << 20) /* of region that steps may take */
#define SPACE_LINE   32u	       /* words that are compared at once */
#define SPACE_PAGE   512u	       /* words that are before these */
#define SPACE_CELLS  12u /* addresses whose cells are made at first */
#define SPACE_BATCH  32u /* states on their way into the table */
#define SPACE_CHUNK  18u /* states of a chunk, as a power of two */
#define SPACE_CHUNKS 4096u
#define SPACE_ACT    8u		/* pieces of an action of a TLB */
#define SPACE_MEMOS  (1u << 16) /* actions that are remembered, twice */
#define SPACE_LABELS 32u	/* actions of TLBs that are told apart */
#define SPACE_WALKS  200u	/* random runs that look for words, */
#define SPACE_QUIET  24u	/* or so many in a row that find none */
#define SPACE_STRIDE 8u		/* steps of one between two looks */
#define SPACE_CACHED 8u		/* words of a line that is looked at */

/* Memory that steps may write to. */
struct space_area {
	char *p;
	size_t bytes;
	size_t image; /* its offset in the image of the start */
};

/* A word that steps change and that is set back after each. */
struct space_dead {
	uint64_t *p;
	uint64_t start; /* its value there */
};

/* Lines of memory, one after the other, that are the same in all states. */
struct space_same {
	uint64_t *p;
	const uint64_t *want; /* NULL: they are zero */
	size_t n;	      /* words */
};

/* A line of memory in which words that no state has hold these values. */
struct space_line {
	uint64_t *p;
	uint64_t want[SPACE_CACHED];
	uint64_t mask[SPACE_CACHED]; /* all ones: such a word; else 0 */
};

/* Words of memory, one after the other, that are part of a state. */
struct space_run {
	uint64_t *p;
	uint32_t n;
	uint32_t at; /* in held[] */
};

struct space_cell {
	struct eph_cpu *cpu;
	struct eph_shadow *sh;
};

/* States that follow each other. */
struct space_chunk {
	uint64_t *row;
	uint32_t *parent;
	uint32_t *mark; /* of choices: what sleeps, or is owed */
	struct ex_choice *choice;
};

/* Where a piece's number is in a row. */
struct space_field {
	uint16_t word;
	uint8_t shift;
	uint8_t bits;
};

/* Pieces that an action of a TLB depends on. */
struct space_act {
	uint16_t piece[SPACE_ACT];
	uint8_t n;
	bool many; /* more than that: not remembered */
};

/* What a step changes: these pieces become those. */
struct space_delta {
	unsigned n;
	uint16_t piece[SPACE_PIECES];
	uint32_t becomes[SPACE_PIECES];
};

/* A state on its way into the table; its row is in queued[]. */
struct space_waiting {
	uint64_t hash;
	uint32_t parent;
	uint32_t mark;
	struct ex_choice choice;
};

/*
 * An action that was made: the key up to `kind`, and what came of it.  They
 * are looked up all over their table: what is needed of most of them, which
 * change one piece or two, is one line of a cache.
 */
struct space_memo {
	_Alignas(64) uint32_t cpu;
	uint32_t page;
	uint32_t piece[SPACE_ACT];
	uint8_t kind;
	bool possible;
	bool full;
	uint16_t nchanged;
	struct {
		uint32_t piece;
		uint32_t becomes;
	} change[SPACE_ACT];
};

#define SPACE_OF_PTES  (EX_CPUS + 0u) /* a piece of page-table entries */
#define SPACE_OF_OTHER (EX_CPUS + 1u)

struct ex_space {
	struct explore *ex;
	struct space_area area[SPACE_AREAS];
	unsigned nareas;
	struct space_area skip[SPACE_SKIP]; /* held at the start's value */
	unsigned nskip;
	char *image;
	size_t used; /* of the region, at the start */
	size_t most; /* of it, in any state so far */

	uint64_t **word; /* that some step changed, by address */
	size_t nwords;
	size_t word_room;
	struct space_dead *dead; /* by address */
	size_t ndead;
	size_t dead_room;
	struct space_cell *cell; /* TLB cells that steps changed */
	size_t ncells;
	size_t cell_room;

	struct space_run *run; /* by address */
	uint64_t *held;	       /* what is in the words of run[] now */
	unsigned ngroups;
	uint32_t first[SPACE_PIECES + 1]; /* of a group, in run[] */
	uint32_t bytes[SPACE_PIECES];	  /* of a group */
	bool tables;		  /* entries are where they were at the start */
	uint8_t of[SPACE_PIECES]; /* a CPU's TLB: that; or: */
	unsigned npieces; /* groups, then a stack for each entity, then one */
	unsigned entity[EX_THREADS + EX_CPUS]; /* whose stack is a piece */
	unsigned nentities;
	struct intern piece[SPACE_PIECES];
	uint32_t now[SPACE_PIECES]; /* in memory now; UINT32_MAX: unknown */
	struct space_delta delta;   /* of now[] to base[] */

	/* explore_rows.c: states are rows of pieces' numbers, packed. */
	struct space_field field[SPACE_PIECES];
	unsigned width; /* words of a row */
	struct space_chunk chunk[SPACE_CHUNKS];
	uint32_t n;
	uint32_t row_room;
	uint32_t base_id; /* the state that was unpacked last */
	uint32_t base[SPACE_PIECES];
	uint32_t *table;
	uint32_t mask;
	unsigned id_bits; /* of a place in the table; the rest is hash */
	struct space_waiting batch[SPACE_BATCH];
	uint64_t *queued;
	unsigned nbatch;
	uint32_t last; /* the state that was flushed last */

	/* Of the state whose choices are tried. */
	bool late;	     /* TLBs act late: explore_late.c; or else */
	bool sleeps;	     /* choices sleep: explore_sleep.c */
	uint32_t mark;	     /* what sleeps, or is owed */
	uint32_t awake;	     /* entities to try, by their place in entity[] */
	uint32_t acts;	     /* actions of TLBs to try, by their labels */
	uint32_t marks;	     /* the mark of the state that is saved next */
	uint32_t next_level; /* states from here on are a step farther */
	uint32_t enabled;    /* entities, by their place */
	struct ex_op op[EX_THREADS + EX_CPUS];
	struct ex_op stepped; /* what the last step waited to do */
	bool breaks; /* a step did something else: none sleeps, none is late */

	struct space_act act[EX_CPUS * EX_PAGES];
	struct space_memo *memo;
	uint32_t nmemos;
	unsigned npages; /* addresses that TLBs act on */
	size_t deep;	 /* bytes of stack in use, at the most */
	bool yielded;	 /* the step came to its next choice */
	enum ex_space_how how;

	/* explore_look.c: memory that is no part of states. */
	struct writes *writes; /* to the region */
	uint32_t seen;	       /* of what is written to: its lines are there */
	struct space_same *same;
	size_t nsame;
	size_t same_room;
	struct space_line *line;
	size_t nlines;
	size_t line_room;
	bool stepped_since; /* since memory was looked at */
};

/* explore_words.c */

void eph__space_areas(struct ex_space *sp);

/* The words of memory that steps changed, of now; how many are news. */
size_t eph__space_learn(struct ex_space *sp);
void eph__space_take_scheduler(struct ex_space *sp);

/* Is it a word that is part of states, or one that is set back? */
bool eph__space_has(const struct ex_space *sp, const uint64_t *p);

void eph__canonical(struct ex_space *sp);

/* The memory of the start, in a moment when nothing runs. */
void eph__space_start(struct ex_space *sp);

bool eph__space_image(struct ex_space *sp);

/* The pages that TLBs act on are no part of a state: all of them, sorted. */
void eph__space_pages(struct ex_space *sp);

/* Every address has its cells from the start: they do not move. */
void eph__space_shadows(struct eph_machine *mc);

/* Words of one kind, a few of them, are a piece.  0 or ENOMEM. */
int eph__space_groups(struct ex_space *sp);

/* Is the word a page-table entry? */
bool eph__space_is_entry(const struct eph_machine *mc, const uint64_t *p);

/* Which pieces does the TLB of `c` need for page[i]? */
void eph__space_act_find(struct ex_space *sp, unsigned c, unsigned i);

/* explore_look.c */

/* Steps may write to all memory, and none of that is noted. */
void eph__space_look_away(struct ex_space *sp);

/* From now on it is; all is as it was at the start, but for states' words. */
int eph__space_look_on(struct ex_space *sp);
void eph__space_look_free(struct ex_space *sp);

/* explore_rows.c */

/* No states; the fields are those of as few pieces as there are. */
int eph__space_rows_clear(struct ex_space *sp);
void *eph__space_memory(size_t bytes);
void eph__space_rows_free(struct ex_space *sp);
size_t eph__space_row_bytes(const struct ex_space *sp);

/* The numbers of a state's pieces, into base[]. */
void eph__space_unpack(struct ex_space *sp, uint32_t id);

/*
 * The state that is base[] with `delta`, behind it by `choice`: new or known.
 * For the first one base[] is nothing.  0, or -1 when out of memory.
 */
int eph__space_queue(
    struct ex_space *sp, const struct space_delta *delta, struct ex_choice);

uint32_t eph__space_row_mark(const struct ex_space *sp, uint32_t id);

/*
 * explore_late.c, explore_sleep.c: into awake and acts which choices of the
 * state that is loaded are tried; and the mark of a state behind an action.
 */
void eph__space_late_look(struct ex_space *sp, uint64_t enabled);
void eph__space_sleep_look(struct ex_space *sp, uint64_t enabled);
uint32_t eph__space_late_mark(
    const struct ex_space *sp, unsigned c, unsigned i);
uint32_t eph__space_sleep_mark(
    const struct ex_space *sp, unsigned c, unsigned i);

/* Did the step of `who`, which waited to do `op`, do what it may? */
bool eph__space_late_holds(
    const struct ex_space *sp, unsigned who, struct ex_op op);

/* explore_space.c */

/* The numbers of the pieces in memory, into now[].  False: no memory. */
bool eph__space_capture(struct ex_space *sp);

#endif /* !EXEC_EXPLORE_SPACE_IMPL_H */
