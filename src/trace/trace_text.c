/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Text traces: one scanner for validation and for delivery.
 *
 * Lines come in windows that end with a newline, so that the scanner never
 * asks whether there is a next byte: every loop stops at the newline at the
 * latest.  A line is read field by field into one operation; page names are
 * put aside and made dense for the whole block at once, with the hash slots
 * prefetched, because that lookup is what a line costs when there are many
 * pages.
 *
 * Opening reads the trace through once, in full: every error is found
 * before anything is simulated, and the meta data is exact.  Delivery is
 * the same code again.
 *
 * Leniencies: blanks are spaces and tabs in any number, also before the
 * operation and at the end; a carriage return before the newline is
 * ignored; the last line may lack its newline; a # starts a comment
 * anywhere.  Everything else is refused.
 */

#include "trace/trace_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/idmap.h"
#include "trace/ledger.h"

#define BLOCK_OPS      4096
#define PREFETCH_AHEAD 16
#define TOKEN_SHOWN    32

struct trace_text {
	struct input *in;
	struct idmap pages;
	struct ledger ledger;
	struct eph_trace_meta meta; /* of the whole trace */
	const char *at;		    /* unread lines of the window */
	const char *end;
	uint64_t lineno; /* of the line read last */
	size_t n;	 /* operations in the block */
	struct eph_op ops[BLOCK_OPS];
	uint64_t page_names[BLOCK_OPS];	  /* MAP, REF */
	uint64_t handle_names[BLOCK_OPS]; /* MAP to UNMAP */
	uint64_t lines[BLOCK_OPS];
};

/* What a field must be, for messages. */
static const char what_cpu[] = "a CPU from " EPH_CPUS_TEXT;
static const char what_page[] = "a page id, a decimal number below 2^64";
static const char what_handle[] = "a handle, a decimal number below 2^64";
static const char what_ns[] = "nanoseconds, a decimal number below 2^63";

static inline bool
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

/* Ends a field. */
static inline bool
is_break(char c)
{
	return (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '#');
}

static inline const char *
skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return (p);
}

/* The field at `p` as it can be printed. */
static const char *
token_text(const char *p, char buf[4 * TOKEN_SHOWN + 8])
{
	char *to = buf;

	if (is_break(*p))
		return ("the end of the line");
	*to++ = '"';
	for (int n = 0; !is_break(*p); p++, n++) {
		const unsigned char c = (unsigned char)*p;

		if (n == TOKEN_SHOWN) {
			to += sprintf(to, "...");
			break;
		}
		if (c < 0x20 || c >= 0x7f)
			to += sprintf(to, "\\x%02x", c);
		else
			*to++ = (char)c;
	}
	*to++ = '"';
	*to = '\0';
	return (buf);
}

static int
text_refuse(const struct trace_text *t, const char *at, const char *expected,
    struct eph_err *err)
{
	char buf[4 * TOKEN_SHOWN + 8];

	return (eph_err_set(err, EINVAL, "%s:%" PRIu64 ": expected %s, got %s",
	    eph__input_path(t->in), t->lineno, expected, token_text(at, buf)));
}

/*
 * Read a field that is a decimal number.  Returns what follows it, or NULL
 * when it is none, exceeds 64 bits or is followed by junk.
 */
static inline const char *
scan_number(const char *p, uint64_t *out)
{
	const char *first;
	uint64_t v;

	p = skip_blanks(p);
	if (eph_unlikely(!is_digit(*p)))
		return (NULL);
	first = p;
	v = (uint64_t)(*p++ - '0');
	while (is_digit(*p)) {
		const unsigned digit = (unsigned)(*p++ - '0');

		/* 19 digits always fit. */
		if (eph_unlikely(p - first > 19) &&
		    v > (UINT64_MAX - digit) / 10)
			return (NULL);
		v = v * 10 + digit;
	}
	*out = v;
	return (eph_likely(is_break(*p)) ? p : NULL);
}

/* As scan_number(), with the message when it fails. */
static inline const char *
text_number(const struct trace_text *t, const char *p, const char *what,
    uint64_t *out, struct eph_err *err)
{
	const char *next = scan_number(p, out);

	if (eph_unlikely(next == NULL))
		(void)text_refuse(t, skip_blanks(p), what, err);
	return (next);
}

static inline const char *
text_cpu(const struct trace_text *t, const char *p, struct eph_op *op,
    struct eph_err *err)
{
	const char *next;
	uint64_t cpu = 0;

	next = text_number(t, p, what_cpu, &cpu, err);
	if (eph_unlikely(next != NULL && cpu >= EPH_CPUS_MAX)) {
		(void)text_refuse(t, skip_blanks(p), what_cpu, err);
		return (NULL);
	}
	op->cpu = (uint16_t)cpu;
	return (next);
}

/* If the field at `p` is `word`, what follows it; else NULL. */
static const char *
text_word(const char *p, const char *word)
{
	const size_t n = strlen(word);

	return (strncmp(p, word, n) == 0 && is_break(p[n]) ? p + n : NULL);
}

/* The flags of an m line, one of each kind at most. */
static const char *
text_flags(const struct trace_text *t, const char *p, struct eph_op *op,
    struct eph_err *err)
{
	static const struct {
		const char *word;
		uint8_t flag;
		uint8_t kind;
	} flags[] = {
		{ "private", EPH_OPF_PRIVATE, 1 },
		{ "shared", 0, 1 },
		{ "nowait", EPH_OPF_NOWAIT, 2 },
		{ "catch", EPH_OPF_CATCH, 2 },
	};
	const char *next = NULL;
	unsigned seen = 0;

	for (p = skip_blanks(p); !is_break(*p); p = skip_blanks(next)) {
		size_t i;

		for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
			if ((next = text_word(p, flags[i].word)) != NULL)
				break;
		}
		if (next == NULL) {
			(void)text_refuse(t, p,
			    "private, shared, nowait, catch or the end of "
			    "the line",
			    err);
			return (NULL);
		}
		if ((seen & flags[i].kind) != 0) {
			(void)text_refuse(t, p,
			    flags[i].kind == 1
				? "one of private and shared, once"
				: "one of nowait and catch, once",
			    err);
			return (NULL);
		}
		seen |= flags[i].kind;
		op->flags |= flags[i].flag;
	}
	return (p);
}

static int
text_handle_error(
    const struct trace_text *t, int error, uint64_t handle, struct eph_err *err)
{
	if (error == ENOMEM)
		return (
		    eph_err_set(err, ENOMEM, "%s:%" PRIu64 ": out of memory",
			eph__input_path(t->in), t->lineno));
	return (
	    eph_err_set(err, EINVAL, "%s:%" PRIu64 ": handle %" PRIu64 " is %s",
		eph__input_path(t->in), t->lineno, handle,
		error == EEXIST
		    ? "mapped already; expected a u line of it before this m"
		    : "not mapped; expected an m line of it before this line"));
}

static const char *
text_map(
    struct trace_text *t, const char *p, struct eph_op *op, struct eph_err *err)
{
	uint64_t *handle = &t->handle_names[t->n];
	int error;

	if ((p = text_cpu(t, p, op, err)) == NULL ||
	    (p = text_number(t, p, what_page, &t->page_names[t->n], err)) ==
		NULL ||
	    (p = text_number(t, p, what_handle, handle, err)) == NULL ||
	    (p = text_flags(t, p, op, err)) == NULL)
		return (NULL);
	error = eph__ledger_map(&t->ledger, *handle, op->flags, &op->slot);
	if (error == 0)
		return (p);
	(void)text_handle_error(t, error, *handle, err);
	return (NULL);
}

static const char *
text_use(
    struct trace_text *t, const char *p, struct eph_op *op, struct eph_err *err)
{
	uint64_t *handle = &t->handle_names[t->n];
	int error;

	if ((p = text_cpu(t, p, op, err)) == NULL ||
	    (p = text_number(t, p, what_handle, handle, err)) == NULL)
		return (NULL);
	error = op->kind == EPH_OP_UNMAP
	    ? eph__ledger_unmap(&t->ledger, *handle, &op->slot)
	    : eph__ledger_use(&t->ledger, *handle, &op->slot);
	if (error == 0)
		return (p);
	(void)text_handle_error(t, error, *handle, err);
	return (NULL);
}

static const char *
text_delay(
    struct trace_text *t, const char *p, struct eph_op *op, struct eph_err *err)
{
	const char *at = skip_blanks(p);
	uint64_t ns;

	if ((p = text_number(t, p, what_ns, &ns, err)) == NULL)
		return (NULL);
	if (!eph__ledger_delay(&t->ledger, ns)) {
		(void)text_refuse(
		    t, at, "d lines that add up to less than 2^63 ns", err);
		return (NULL);
	}
	op->page = (uint32_t)ns;
	op->slot = (uint32_t)(ns >> 32);
	return (p);
}

static const char *
text_ref(
    struct trace_text *t, const char *p, struct eph_op *op, struct eph_err *err)
{
	if ((p = text_cpu(t, p, op, err)) == NULL)
		return (NULL);
	return (text_number(t, p, what_page, &t->page_names[t->n], err));
}

/* Only blanks and a comment may follow; returns the next line or NULL. */
static inline const char *
text_end(const struct trace_text *t, const char *p, struct eph_err *err)
{
	const char *at = p;

	if (eph_likely(*p == '\n'))
		return (p + 1);
	at = p = skip_blanks(p);
	if (*p == '#') {
		while ((unsigned char)*p >= 0x20 || *p == '\t') {
			if (*p == 0x7f)
				break;
			p++;
		}
		at = p;
	}
	if (p[0] == '\r' && p[1] == '\n')
		p++;
	if (*p == '\n')
		return (p + 1);
	if (is_break(*at) || (unsigned char)*at < 0x20 || *at == 0x7f)
		(void)eph_err_set(err, EINVAL,
		    "%s:%" PRIu64 ": control byte 0x%02x; expected text",
		    eph__input_path(t->in), t->lineno,
		    (unsigned)(unsigned char)*at);
	else
		(void)text_refuse(t, at, "the end of the line", err);
	return (NULL);
}

/* The fields of the operation at `p`, which is not the end of the line. */
static inline const char *
text_fields(
    struct trace_text *t, const char *p, struct eph_op *op, struct eph_err *err)
{
	static const char kinds[] = "mkrwudp"; /* enum eph_op_kind */
	const char *kind;

	op->flags = 0;
	op->cpu = 0;
	op->page = op->slot = 0;
	if (eph_likely(*p == 'p' && is_break(p[1]))) {
		op->kind = EPH_OP_REF;
		return (text_ref(t, p + 1, op, err));
	}
	kind = *p != '\0' ? strchr(kinds, *p) : NULL;
	if (kind == NULL || !is_break(p[1])) {
		(void)text_refuse(
		    t, p, "an operation, one of m k r w u d p", err);
		return (NULL);
	}
	op->kind = (uint8_t)(kind - kinds);
	if (op->kind == EPH_OP_MAP)
		return (text_map(t, p + 1, op, err));
	if (op->kind == EPH_OP_DELAY)
		return (text_delay(t, p + 1, op, err));
	return (text_use(t, p + 1, op, err));
}

/* Read the line at t->at; adds an operation unless it is empty. */
static inline int
text_line(struct trace_text *t, struct eph_err *err)
{
	struct eph_op *op = &t->ops[t->n];
	const char *p = skip_blanks(t->at);

	t->lineno++;
	if (eph_likely(*p != '\n' && *p != '#' && *p != '\r')) {
		if ((p = text_fields(t, p, op, err)) == NULL)
			return (EINVAL);
		ledger_count(&t->ledger, op->kind, op->cpu);
		t->lines[t->n++] = t->lineno;
	}
	if ((p = text_end(t, p, err)) == NULL)
		return (EINVAL);
	t->at = p;
	return (0);
}

/* Make the pages of the block dense. */
static int
text_dense(struct trace_text *t, struct eph_err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		struct eph_op *op = &t->ops[i];

		if (i + PREFETCH_AHEAD < t->n)
			idmap_prefetch(
			    &t->pages, t->page_names[i + PREFETCH_AHEAD]);
		if (op->kind != EPH_OP_REF && op->kind != EPH_OP_MAP)
			continue;
		op->page = eph__idmap_get(&t->pages, t->page_names[i]);
		if (op->page == EPH_NONE)
			return (eph_err_set(err, ENOMEM,
			    "%s: out of memory for %" PRIu32 " pages",
			    eph__input_path(t->in), t->pages.n));
	}
	return (0);
}

/* Fill the block; t->n is 0 at the end of the trace. */
static int
text_block(struct trace_text *t, struct eph_err *err)
{
	const char *p;
	size_t n;
	int error;

	t->n = 0;
	while (t->n < BLOCK_OPS) {
		if (t->at == t->end) {
			error = eph__input_lines(t->in, &p, &n, err);
			if (error != 0)
				return (error);
			if (n == 0)
				break;
			t->at = p;
			t->end = p + n;
			eph__input_take(t->in, n);
		}
		while (t->at < t->end && t->n < BLOCK_OPS) {
			if ((error = text_line(t, err)) != 0)
				return (error);
		}
	}
	return (text_dense(t, err));
}

/* Take the first line, which says what this file is. */
static int
text_first_line(struct trace_text *t, struct eph_err *err)
{
	const size_t magic = strlen(TRACE_TEXT_MAGIC);
	const char *p;
	size_t n;
	int error;

	if ((error = eph__input_lines(t->in, &p, &n, err)) != 0)
		return (error);
	t->lineno = 1;
	if (n < magic || memcmp(p, TRACE_TEXT_MAGIC, magic) != 0)
		return (text_refuse(t, n > 0 ? p : "\n",
		    "the line \"" TRACE_TEXT_MAGIC TRACE_TEXT_VERSION "\"",
		    err));
	t->at = text_word(p + magic, TRACE_TEXT_VERSION);
	if (t->at == NULL)
		return (text_refuse(t, p + magic,
		    "version " TRACE_TEXT_VERSION " of the trace format", err));
	t->end = p + n;
	eph__input_take(t->in, n);
	t->at = text_end(t, t->at, err);
	return (t->at != NULL ? 0 : EINVAL);
}

int
eph__trace_text_rewind(struct trace_text *t, struct eph_err *err)
{
	int error;

	if ((error = eph__input_rewind(t->in, err)) != 0)
		return (error);
	eph__ledger_reset(&t->ledger);
	t->at = t->end = NULL;
	t->n = 0;
	return (text_first_line(t, err));
}

/* The pass that finds all errors and makes the meta data. */
static int
text_survey(struct trace_text *t, struct eph_err *err)
{
	int error;

	if ((error = text_first_line(t, err)) != 0)
		return (error);
	do
		error = text_block(t, err);
	while (error == 0 && t->n > 0);
	if (error != 0)
		return (error);
	eph__ledger_finish(&t->ledger, t->pages.n);
	t->meta = t->ledger.meta;
	return (eph__trace_text_rewind(t, err));
}

int
eph__trace_text_open(
    struct input *in, struct trace_text **tp, struct eph_err *err)
{
	struct trace_text *t = calloc(1, sizeof(*t));
	int error;

	if (t == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	t->in = in;
	if (eph__idmap_init(&t->pages) != 0 ||
	    eph__ledger_init(&t->ledger) != 0)
		error = eph_err_set(err, ENOMEM, "out of memory");
	else
		error = text_survey(t, err);
	if (error != 0) {
		t->in = NULL;
		eph__trace_text_close(t);
		return (error);
	}
	*tp = t;
	return (0);
}

void
eph__trace_text_close(struct trace_text *t)
{
	if (t == NULL)
		return;
	eph__input_close(t->in);
	eph__idmap_destroy(&t->pages);
	eph__ledger_destroy(&t->ledger);
	free(t);
}

const struct eph_trace_meta *
eph__trace_text_meta(const struct trace_text *t)
{
	return (&t->meta);
}

int
eph__trace_text_next(struct trace_text *t, const struct eph_op **opsp,
    size_t *np, struct eph_err *err)
{
	const int error = text_block(t, err);

	if (error != 0)
		return (error);
	*opsp = t->ops;
	*np = t->n;
	return (0);
}

uint64_t
eph__trace_text_line(const struct trace_text *t, size_t i)
{
	return (t->lines[i]);
}

void
eph__trace_text_where(
    const struct trace_text *t, uint64_t line, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s:%" PRIu64, eph__input_path(t->in), line);
}

uint64_t
eph__trace_text_page_name(const struct trace_text *t, uint32_t page)
{
	return (t->pages.names[page]);
}

uint64_t
eph__trace_text_handle_name(const struct trace_text *t, size_t i)
{
	return (t->handle_names[i]);
}
