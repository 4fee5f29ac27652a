/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

/*
 * Command lines, by table.
 *
 * Each command lists its options as an array of struct opt; the word, the
 * value's kind and range, the help text and where the value goes stand in
 * one row.  Options stand before or after the operands.  Refused, with one
 * line on standard error that says what was expected: an unknown option or
 * name (with the nearest known one), an option given twice, a missing
 * value, a number with junk after it, out of range or too large for its
 * type, and too few or too many operands.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opt_kind {
	OPT_FLAG,   /* value: bool */
	OPT_STRING, /* value: const char * */
	OPT_U64,    /* value: uint64_t, from min to max */
	OPT_REAL,   /* value: double, from min to max */
	OPT_CHOICE, /* value: unsigned, index into choices */
	OPT_WORDS,  /* value: struct opt_words; may be given again */
};

#define OPT_WORDS_MAX 32

struct opt_words {
	unsigned n;
	const char *word[OPT_WORDS_MAX];
};

struct opt {
	const char *name; /* "design", for --design; NULL ends a table */
	char letter;	  /* 'o' for -o too; 0: none */
	enum opt_kind kind;
	void *value;  /* where it goes; left alone when not given */
	bool *given;  /* set to true when given; may be NULL */
	uint64_t min; /* OPT_U64, OPT_REAL */
	uint64_t max;
	const char *const *choices; /* OPT_CHOICE: names, ended by NULL */
	const char *arg;	    /* "N" in the help text */
	const char *help;	    /* one line */
};

struct options {
	const char *command;  /* "ephmap trace info", for messages */
	const char *synopsis; /* what stands behind it: "[OPTION]... FILE" */
	const char *about;    /* for --help: below the options; may be NULL */
	const struct opt *table; /* ended by a row with name NULL */
	int operands_min;
	int operands_max;
};

enum {
	OPTIONS_OK = 0,
	OPTIONS_HELP = 1, /* help was printed: exit 0 */
	OPTIONS_BAD = 2,  /* a message was printed: exit 2 */
};

/*
 * Parse argv[1..argc-1].  Moves the operands to the end of argv and sets
 * *firstp to the first of them; there are argc - *firstp.
 */
int options_parse(const struct options *o, int argc, char **argv, int *firstp);

/* Print "COMMAND: message" on standard error; returns OPTIONS_BAD. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int
options_refuse(const char *command, const char *fmt, ...);

/*
 * Decimal digits only, nothing before or after them.  Returns 0, EINVAL
 * when that is not what `s` is, or ERANGE when it exceeds `max`.
 */
int parse_u64(const char *s, uint64_t max, uint64_t *out);

/* As parse_u64, for a finite decimal number in [min, max]. */
int parse_real(const char *s, double min, double max, double *out);

/*
 * The known name nearest to a misspelt one, or NULL when none is near.
 * `names` is ended by NULL.
 */
const char *nearest_name(const char *name, const char *const *names);

/* For --format: the choices and what their indices mean. */
enum format { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON };
extern const char *const format_choices[];

#endif /* !SIM_OPTIONS_H */
