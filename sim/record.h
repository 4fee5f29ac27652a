/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_RECORD_H
#define SIM_RECORD_H

/*
 * A result as fields in order: a key, a value and what it means.  Tables,
 * CSV, JSON and databases are views of it; none is made from another.
 *
 * Keys, texts and meanings are borrowed, and must live as long as the
 * record.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum value_kind {
	VALUE_NONE, /* null in JSON, nothing in CSV, "-" in a table */
	VALUE_WHOLE,
	VALUE_REAL, /* finite */
	VALUE_BOOL,
	VALUE_TEXT,
	VALUE_NAMES, /* an array in JSON, words in CSV */
	VALUE_EMPTY, /* an object that may stay empty */
};

struct value {
	enum value_kind kind;
	size_t n; /* of VALUE_NAMES */
	union {
		uint64_t whole;
		double real;
		bool yes;
		const char *text;
		const char *const *names;
	} u;
};

struct field {
	const char *object; /* it is in: "config.costs"; NULL: at the top */
	const char *key;
	const char *meaning; /* may be NULL */
	struct value value;
};

struct record {
	struct field *field;
	size_t n;
	void **owned;
	size_t nowned;
};

struct value value_whole(uint64_t v);
struct value value_real(double v);	/* none, when it is not finite */
struct value value_text(const char *s); /* none, when it is NULL */
struct value value_bool(bool yes);
struct value value_none(void);
struct value value_names(const char *const *names, size_t n);

void record_init(struct record *r);
void record_free(struct record *r);
void record_add(struct record *r, const char *object, const char *key,
    const char *meaning, struct value v);

/* Let record_free() free what a field borrows; returns p. */
void *record_own(struct record *r, void *p);

/* The field, or NULL. */
const struct field *record_find(
    const struct record *r, const char *object, const char *key);

/* Objects appear where their first field does. */
json_t *record_json(const struct record *r);
json_t *value_json(const struct value *v);

/* Text as a CSV field, quoted where needed. */
void csv_text(const char *s, FILE *out);
void csv_value(const struct value *v, FILE *out);

/* All fields of one line: their keys, or their values. */
void record_csv(const struct record *r, bool keys, FILE *out);

/* Print it, with a newline, and give up the reference. */
void json_print(json_t *root, FILE *out);

/* As people read it: digits in groups, reals with `decimals'. */
#define VALUE_MAX 64
const char *value_format(
    const struct value *v, int decimals, char buf[VALUE_MAX]);

#endif /* !SIM_RECORD_H */
