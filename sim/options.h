/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

/*
 * Command lines, by table.
 *
 * options.def has a row for each option of each command, commands.def one
 * for each command; both are expanded here and in command_table.c, and
 * nowhere else is an option named.  Options stand before or after the
 * operands.  Refused, with one line on standard error that says what was
 * expected: an unknown option or name (with the nearest known one), an
 * option given twice, a missing value, a number with junk after it, out of
 * range or too large for its type, and too few or too many operands.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEFAULT_MACHINE "amd64-skylake"
#define DEFAULT_NBUFS	"1024"

enum opt_kind {
	OPT_FLAG,   /* bool */
	OPT_TEXT,   /* const char *; NULL: not given */
	OPT_COUNT,  /* uint64_t, from min to max */
	OPT_REAL,   /* double, from min to max */
	OPT_CHOICE, /* unsigned, index into choices */
	OPT_WORDS,  /* struct opt_words; may be given again */
};

#define OPT_WORDS_MAX 32

struct opt_words {
	unsigned n;
	const char *word[OPT_WORDS_MAX];
	const char *from[OPT_WORDS_MAX]; /* as opts.from, of each */
};

#define OPT_TYPE_FLAG	bool
#define OPT_TYPE_TEXT	const char *
#define OPT_TYPE_COUNT	uint64_t
#define OPT_TYPE_REAL	double
#define OPT_TYPE_CHOICE unsigned
#define OPT_TYPE_WORDS	struct opt_words

enum opt_id {
#define OPTION(member, kind, ...) OPT_ID_##member,
#include "options.def"
#undef OPTION
	OPT_IDS,
};

enum command_id {
#define COMMAND(id, ...) CMD_##id,
#include "commands.def"
#undef COMMAND
	COMMANDS,
};

struct command;

/* Every value, and which of them were typed. */
struct opts {
	const struct command *command;
	bool given[OPT_IDS];
	const char *from[OPT_IDS]; /* a file's line, as messages say it; NULL:
				    * the command line */
#define OPTION(member, kind, ...) OPT_TYPE_##kind member;
#include "options.def"
#undef OPTION
};

#define opt_given(o, member) ((o)->given[OPT_ID_##member])

/* A row of options.def. */
struct opt {
	const char *name;
	const char *arg;
	const char *def;
	const char *from;
	const char *help;
	const char *more;
	const char *const *choices; /* ended by NULL */
	uint64_t min;
	uint64_t max;
	size_t offset;	/* of the value in struct opts */
	unsigned where; /* 1 << CMD_*, of the commands that have it */
	unsigned lists; /* of those in which it takes a list */
	enum opt_kind kind;
	char letter;
};

/* A word, and what it means. */
struct term {
	const char *name; /* NULL ends a list */
	const char *text;
};

/* A row of commands.def. */
struct command {
	const char *name;
	const char *summary;
	const char *synopsis;
	const char *about;
	const char *from;
	const struct term *terms;
	bool (*term)(unsigned i, struct term *t); /* or of another's table */
	int operands_min;
	int operands_max;
};

extern const struct opt opt_table[OPT_IDS];
extern const struct command command_table[COMMANDS];
extern const struct term list_kinds[];	   /* for `ephmap list' */
extern const struct term generate_kinds[]; /* for `ephmap trace generate' */

/* The i-th word that a command explains; false: there are no more. */
bool command_term(const struct command *c, unsigned i, struct term *t);

/* The name of a value of a CHOICE. */
#define opt_choice(member, value) (opt_table[OPT_ID_##member].choices[(value)])

/* Has the command that option? */
static inline bool
opt_applies(const struct opt *p, const struct command *c)
{
	return ((p->where >> (c - command_table) & 1u) != 0);
}

enum {
	OPTIONS_OK = 0,
	OPTIONS_HELP = 1, /* help was printed: exit 0 */
	OPTIONS_BAD = 2,  /* a message was printed: exit 2 */
};

/* The values of a command of which no option is given. */
void options_defaults(const struct command *c, struct opts *o);

/*
 * Which of the choices of `p' a text is.  OPTIONS_OK, or OPTIONS_BAD with a
 * message printed, which begins with `as' and names the nearest.
 */
int option_choice(
    const char *as, const struct opt *p, const char *text, unsigned *value);

/*
 * Give an option its value, and say that it was given; text is kept, not
 * copied.  Messages begin with `as'.
 */
int option_set(
    const char *as, const struct opt *p, struct opts *o, const char *text);

/* What messages about a value begin with: where it was given. */
#define opt_as(o, member, command)                                             \
	((o)->from[OPT_ID_##member] != NULL ? (o)->from[OPT_ID_##member]       \
					    : (command))

/*
 * Parse argv[1..argc-1] for a command, from the defaults on.  Moves the
 * operands to the end of argv and sets *firstp to the first of them; there
 * are argc - *firstp.
 */
int options_parse(const struct command *c, struct opts *o, int argc,
    char **argv, int *firstp);

/* Print "ephmap COMMAND: message" on standard error; returns OPTIONS_BAD. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int
options_refuse(const char *command, const char *fmt, ...);

/*
 * Numbers, which have one form everywhere: decimal digits, and behind them
 * K, M, G or T for a multiple of 1,024, nothing before or after.  Return 0,
 * EINVAL when that is not what `s' is, or ERANGE when it exceeds `max'.
 */
int parse_u64(const char *s, uint64_t max, uint64_t *out);

/* As parse_u64, for a finite decimal number, or one in %, in [min, max]. */
int parse_real(const char *s, double min, double max, double *out);

/*
 * A number as of parse_u64, or a share of `pages': 10%, or 0.1, which is at
 * least one page.
 */
int parse_share(const char *s, uint64_t pages, uint64_t max, uint64_t *out);

/*
 * As parse_share(), or A..B, which stands for A, its doublings below B, and B:
 * *firstp and *lastp, from 1 to `max'.  `pages' 0: no shares.  0 or EINVAL.
 */
int parse_doublings(const char *s, uint64_t pages, uint64_t max,
    uint64_t *firstp, uint64_t *lastp);
#define DOUBLINGS_MAX 64

/* How long a page is held; at most one of the two is not 0. */
struct hold {
	uint64_t ns;
	uint64_t refs; /* references asked for meanwhile */
};

/*
 * A number as of parse_u64 with its unit behind it: ns (or none), us, ms, s,
 * or r for references.  Returns as parse_u64().
 */
int parse_hold(const char *s, struct hold *out);

#define HOLD_TEXT 32

/* The same back, without a unit for nanoseconds; returns `buf'. */
const char *hold_text(const struct hold *h, char buf[HOLD_TEXT]);

/* For --format: what the choices mean. */
enum format { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON };

#endif /* !SIM_OPTIONS_H */
