/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Scenarios from a text file, line by line; doc/explore.md has the language.
 *
 * What can be known before anything runs is refused here, with its line: a
 * name that nobody maps, a flag that nobody sets, a CPU that is not there.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/explore.h"
#include "scenario/scenario.h"
#include "scenario/script.h"

#define WORDS	 8u
#define NO_BLOCK UINT32_MAX

struct reader {
	struct script *s;
	struct eph_err *err;
	unsigned line;
	char *word[WORDS]; /* of this line */
	unsigned n;
	unsigned block;		     /* that lines belong to, or NO_BLOCK */
	unsigned again[SCRIPT_NEST]; /* open repeats, their steps */
	unsigned nagain;
	uint32_t maps;		       /* in the block, with repeats */
	uint32_t times;		       /* that a line is done */
	uint32_t cpus, buffers;	       /* 0: not said */
	uint64_t pages[XP_PAGES / 64]; /* that are mapped somewhere */
};

static int
expected(const struct reader *r, const char *what, unsigned w)
{
	return (eph_err_set(r->err, EINVAL, "%s:%u: expected %s, got %s%s%s",
	    r->s->path, r->line, what, w < r->n ? "\"" : "",
	    w < r->n ? r->word[w] : "the end of the line",
	    w < r->n ? "\"" : ""));
}

static int
refuse(
    const struct reader *r, unsigned line, const char *what, const char *name)
{
	return (eph_err_set(
	    r->err, EINVAL, "%s:%u: %s%s", r->s->path, line, what, name));
}

/* Word `w` as a number from `min` to `max`. */
static int
number(const struct reader *r, unsigned w, uint32_t min, uint32_t max,
    const char *what, uint32_t *np)
{
	char text[96];
	uint64_t v = 0;
	const char *p = w < r->n ? r->word[w] : "";

	for (; *p >= '0' && *p <= '9' && v <= max; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	*np = (uint32_t)v;
	if (w < r->n && p > r->word[w] && *p == '\0' && v >= min && v <= max)
		return (0);
	(void)snprintf(
	    text, sizeof(text), "%s, %" PRIu32 " to %" PRIu32, what, min, max);
	return (expected(r, text, w));
}

static bool
is_name(const char *p)
{
	const size_t n = strspn(p,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"
	    "0123456789");

	return (p[n] == '\0' && n > 0 && n < SCRIPT_NAME &&
	    (p[0] < '0' || p[0] > '9'));
}

/* The number of a name of mappings or flags, made when it is new. */
static int
name_of(struct reader *r, unsigned w, struct script_name *table, unsigned *n,
    uint32_t *ip)
{
	if (w >= r->n || !is_name(r->word[w]))
		return (expected(
		    r, "a name of letters, digits, - and _, up to 31", w));
	for (*ip = 0; *ip < *n; ++*ip) {
		if (strcmp(table[*ip].name, r->word[w]) == 0)
			return (0);
	}
	if (*n == SCRIPT_NAMES)
		return (refuse(r, r->line, "more than 64 names", ""));
	(void)snprintf(
	    table[*ip].name, sizeof(table[*ip].name), "%s", r->word[w]);
	table[*ip].line = r->line;
	++*n;
	return (0);
}

static int
step(
    struct reader *r, enum script_op op, unsigned flags, uint32_t a, uint32_t b)
{
	struct script *s = r->s;

	if (s->nsteps == SCRIPT_STEPS)
		return (
		    refuse(r, r->line, "more than 1024 lines in blocks", ""));
	s->step[s->nsteps++] = (struct script_step){ (uint8_t)op,
		(uint8_t)flags, (uint16_t)r->line, a, b };
	s->block[r->block].end = (uint16_t)s->nsteps;
	return (0);
}

static int
no_more(const struct reader *r, unsigned w)
{
	return (w < r->n ? expected(r, "the end of the line", w) : 0);
}

/* A mapping of word 1 or 2. */
static int
mapping(struct reader *r, unsigned w, uint32_t *ip)
{
	struct script *s = r->s;

	return (name_of(r, w, s->mapping, &s->nmappings, ip));
}

static int
read_map(struct reader *r)
{
	static const struct {
		const char *word;
		unsigned flag;
	} flags[] = { { "private", SFB_CPUPRIVATE }, { "shared", SFB_DEFAULT },
		{ "nowait", SFB_NOWAIT }, { "catch", SFB_CATCH } };
	unsigned set = SFB_DEFAULT;
	uint32_t page, i = 0;
	int error;

	if ((error = number(r, 1, 1, XP_PAGES - 1, "a page", &page)) != 0 ||
	    (error = mapping(r, 2, &i)) != 0)
		return (error);
	for (unsigned w = 3; w < r->n; w++) {
		size_t f = 0;

		while (f < 4 && strcmp(flags[f].word, r->word[w]) != 0)
			f++;
		if (f == 4)
			return (
			    expected(r, "private, shared, nowait or catch", w));
		set |= flags[f].flag;
	}
	r->s->mapping[i].made = true;
	r->s->scenario.pages += (r->pages[page / 64] >> page % 64 & 1) == 0;
	r->pages[page / 64] |= 1ull << page % 64;
	r->maps += r->times;
	if (r->maps > r->s->scenario.ops)
		r->s->scenario.ops = r->maps;
	return (step(r, SCRIPT_MAP, set, i, page));
}

static int
read_use(struct reader *r, enum script_op op)
{
	uint32_t i = 0;
	int error;

	if ((error = mapping(r, 1, &i)) != 0 || (error = no_more(r, 2)) != 0)
		return (error);
	return (step(r, op, 0, i, 0));
}

static int
read_touch(struct reader *r)
{
	return (read_use(r, SCRIPT_TOUCH));
}

static int
read_store(struct reader *r)
{
	return (read_use(r, SCRIPT_STORE));
}

static int
read_unmap(struct reader *r)
{
	return (read_use(r, SCRIPT_UNMAP));
}

static int
read_flag(struct reader *r, enum script_op op)
{
	uint32_t i = 0, value = 1;
	int error;

	error = name_of(r, 1, r->s->flag, &r->s->nflags, &i);
	if (error == 0 && r->n > 2)
		error = number(r, 2, 0, 1000000, "a value", &value);
	if (error != 0 || (error = no_more(r, 3)) != 0)
		return (error);
	r->s->flag[i].made |= op == SCRIPT_SET || value == 0;
	return (step(r, op, 0, i, value));
}

static int
read_set(struct reader *r)
{
	return (read_flag(r, SCRIPT_SET));
}

static int
read_wait(struct reader *r)
{
	return (read_flag(r, SCRIPT_WAIT));
}

static int
read_interrupt(struct reader *r)
{
	uint32_t cpu, b;
	int error;

	if ((error = number(r, 1, 0, EX_CPUS - 1, "a CPU", &cpu)) != 0)
		return (error);
	for (b = 0; r->n > 2 && b < r->s->nblocks; b++) {
		if (r->s->block[b].name[0] != '\0' &&
		    strcmp(r->s->block[b].name, r->word[2]) == 0)
			break;
	}
	if (r->n < 3 || b == r->s->nblocks)
		return (expected(r, "a handler from above", 2));
	if (r->s->block[r->block].name[0] != '\0')
		return (refuse(r, r->line, "a handler interrupts nobody", ""));
	r->s->block[b].cpus |= 1u << cpu;
	if ((error = no_more(r, 3)) != 0)
		return (error);
	return (step(r, SCRIPT_INTERRUPT, 0, b, cpu));
}

static int
read_repeat(struct reader *r)
{
	uint32_t times;
	int error;

	if ((error = number(
		 r, 1, 1, SCRIPT_REPEAT, "a number of times", &times)) != 0 ||
	    (error = no_more(r, 2)) != 0)
		return (error);
	if (r->nagain == SCRIPT_NEST)
		return (refuse(
		    r, r->line, "more than 4 repeats in one another", ""));
	if (r->times > 1000000 / times)
		return (
		    refuse(r, r->line, "more than 1000000 repetitions", ""));
	r->times *= times;
	r->again[r->nagain++] = r->s->nsteps;
	return (step(r, SCRIPT_AGAIN, 0, times, 0));
}

static int
read_end(struct reader *r)
{
	const struct script_step *again;
	unsigned at;
	int error;

	if ((error = no_more(r, 1)) != 0)
		return (error);
	if (r->nagain == 0)
		return (refuse(r, r->line, "an end without a repeat", ""));
	at = r->again[--r->nagain];
	again = &r->s->step[at];
	r->times /= again->a;
	return (step(r, SCRIPT_END, 0, 0, at));
}

/* The block before this line is whole. */
static int
block_close(struct reader *r)
{
	if (r->nagain > 0)
		return (refuse(r, r->s->step[r->again[r->nagain - 1]].line,
		    "a repeat without an end", ""));
	return (0);
}

static int
block_open(struct reader *r, const char *name, unsigned cpu)
{
	struct script *s = r->s;
	unsigned same = 0;
	int error;

	if ((error = block_close(r)) != 0)
		return (error);
	for (unsigned b = 0; b < s->nblocks; b++)
		same += (s->block[b].name[0] == '\0') == (name[0] == '\0');
	if (s->nblocks == SCRIPT_BLOCKS ||
	    same == (name[0] == '\0' ? EX_THREADS : EX_CPUS))
		return (refuse(
		    r, r->line, "more than 32 threads or 16 handlers", ""));
	r->block = s->nblocks++;
	s->block[r->block] = (struct script_block){ .cpu = cpu,
		.cpus = name[0] == '\0' ? 1u << cpu : 0,
		.line = r->line,
		.first = (uint16_t)s->nsteps,
		.end = (uint16_t)s->nsteps };
	(void)snprintf(s->block[r->block].name, SCRIPT_NAME, "%s", name);
	r->maps = 0;
	r->times = 1;
	return (0);
}

static int
read_thread(struct reader *r)
{
	uint32_t cpu;
	int error;

	if ((error = number(r, 1, 0, EX_CPUS - 1, "a CPU", &cpu)) != 0 ||
	    (error = no_more(r, 2)) != 0)
		return (error);
	return (block_open(r, "", cpu));
}

static int
read_handler(struct reader *r)
{
	int error;

	if (r->n < 2 || !is_name(r->word[1]))
		return (expected(r, "a name of letters, digits, - and _", 1));
	if ((error = no_more(r, 2)) != 0)
		return (error);
	for (unsigned b = 0; b < r->s->nblocks; b++) {
		if (strcmp(r->s->block[b].name, r->word[1]) == 0)
			return (refuse(
			    r, r->line, "a second handler ", r->word[1]));
	}
	return (block_open(r, r->word[1], 0));
}

static int
read_count(struct reader *r, uint32_t most, const char *what, uint32_t *to)
{
	int error;

	if (*to != 0)
		return (refuse(r, r->line, r->word[0], " stands there twice"));
	error = number(r, 1, 1, most, what, to);
	return (error != 0 ? error : no_more(r, 2));
}

static int
read_cpus(struct reader *r)
{
	return (read_count(r, EX_CPUS, "a number of CPUs", &r->cpus));
}

static int
read_buffers(struct reader *r)
{
	return (read_count(r, 65536, "a number of buffers", &r->buffers));
}

enum { OUTSIDE = 1, INSIDE = 2 };

static const struct {
	const char *word;
	int (*read)(struct reader *r);
	unsigned where;
} statements[] = {
	{ "cpus", read_cpus, OUTSIDE },
	{ "buffers", read_buffers, OUTSIDE },
	{ "thread", read_thread, OUTSIDE | INSIDE },
	{ "handler", read_handler, OUTSIDE | INSIDE },
	{ "map", read_map, INSIDE },
	{ "touch", read_touch, INSIDE },
	{ "store", read_store, INSIDE },
	{ "unmap", read_unmap, INSIDE },
	{ "set", read_set, INSIDE },
	{ "wait", read_wait, INSIDE },
	{ "interrupt", read_interrupt, INSIDE },
	{ "repeat", read_repeat, INSIDE },
	{ "end", read_end, INSIDE },
};

static int
read_statement(struct reader *r)
{
	const unsigned here = r->block == NO_BLOCK ? OUTSIDE : INSIDE;

	for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++) {
		if ((statements[i].where & here) != 0 &&
		    strcmp(statements[i].word, r->word[0]) == 0)
			return (statements[i].read(r));
	}
	return (expected(r,
	    here == OUTSIDE ? "cpus, buffers, thread or handler"
			    : "map, touch, store, unmap, set, wait, interrupt, "
			      "repeat, end, thread or handler",
	    0));
}

/* Words of a line, which is cut up; a comment ends it. */
static int
read_line(struct reader *r, char *line)
{
	char *save = NULL;

	line[strcspn(line, "#")] = '\0';
	r->n = 0;
	for (char *w = strtok_r(line, " \t\r", &save); w != NULL;
	     w = strtok_r(NULL, " \t\r", &save)) {
		if (r->n == WORDS)
			return (refuse(r, r->line, "more than 8 words", ""));
		r->word[r->n++] = w;
	}
	if (r->line == 1) {
		if (r->n == 2 && strcmp(r->word[0], "ephmap-scenario") == 0 &&
		    strcmp(r->word[1], "1") == 0)
			return (0);
		/* Another version, or something else. */
		return (expected(r, "\"ephmap-scenario 1\"",
		    r->n > 1 && strcmp(r->word[0], "ephmap-scenario") == 0));
	}
	return (r->n == 0 ? 0 : read_statement(r));
}

/* Which CPUs use which mapping. */
static void
note_cpus(struct script *s)
{
	for (unsigned b = 0; b < s->nblocks; b++) {
		for (unsigned i = s->block[b].first; i < s->block[b].end; i++) {
			if (s->step[i].op <= SCRIPT_UNMAP)
				s->mapping[s->step[i].a].cpus |=
				    s->block[b].cpus;
		}
	}
}

static int
check_names(const struct reader *r, const struct script_name *table, unsigned n,
    const char *why)
{
	for (unsigned i = 0; i < n; i++) {
		if (!table[i].made)
			return (refuse(r, table[i].line, why, table[i].name));
	}
	return (0);
}

/* What is known when all has been read. */
static int
read_finish(struct reader *r)
{
	struct script *s = r->s;
	struct eph_scenario *sc = &s->scenario;
	uint32_t used = 0;
	int error;

	if (r->line == 0)
		return (refuse(r, 1, "expected \"ephmap-scenario 1\", got ",
		    "an empty file"));
	if ((error = block_close(r)) != 0 ||
	    (error = check_names(
		 r, s->mapping, s->nmappings, "nobody maps ")) != 0 ||
	    (error = check_names(r, s->flag, s->nflags, "nobody sets ")) != 0)
		return (error);
	for (unsigned b = 0; b < s->nblocks; b++) {
		used |= s->block[b].cpus;
		if (s->block[b].cpus == 0)
			return (refuse(r, s->block[b].line,
			    "nobody interrupts a CPU for ", s->block[b].name));
		if (r->cpus != 0 && s->block[b].cpus >> r->cpus != 0)
			return (refuse(r, s->block[b].line,
			    "a CPU beyond those of the line cpus", ""));
	}
	if (used == 0)
		return (refuse(r, r->line, "no thread in this scenario", ""));
	if (r->buffers != 0)
		sc->nbufs = r->buffers;
	sc->cpus = r->cpus;
	while (used >> sc->cpus != 0)
		sc->cpus++;
	note_cpus(s);
	for (unsigned i = 0; i < s->nmappings; i++) {
		if ((s->mapping[i].cpus & (s->mapping[i].cpus - 1)) == 0)
			continue;
		sc->applies = eph__scenario_not_this_cpu;
		sc->summary = "a mapping is used on a CPU that did not make it";
	}
	return (0);
}

static int
read_lines(struct reader *r, char *text, size_t n)
{
	int error = 0;

	for (size_t at = 0; at < n && error == 0;) {
		char *line = text + at;
		char *end = memchr(line, '\n', n - at);
		const size_t len = end != NULL ? (size_t)(end - line) : n - at;

		at += len + 1;
		line[len] = '\0';
		r->line++;
		for (size_t i = 0; i < len; i++) {
			const unsigned char c = (unsigned char)line[i];

			if ((c < ' ' && c != '\t' && c != '\r') || c == 0x7f)
				return (refuse(r, r->line,
				    "a control character; expected text", ""));
		}
		error = read_line(r, line);
	}
	return (error != 0 ? error : read_finish(r));
}

int
eph__script_parse(const char *path, const char *text, size_t n,
    struct script **sp, struct eph_err *err)
{
	struct script *s = calloc(1, sizeof(*s));
	struct reader r = { .s = s, .err = err, .block = NO_BLOCK };
	char *copy = malloc(n + 1);
	int error;

	if (s == NULL || copy == NULL) {
		error = eph_err_set(err, ENOMEM, "%s: out of memory", path);
	} else {
		memcpy(copy, text, n);
		(void)snprintf(s->path, sizeof(s->path), "%s", path);
		s->scenario = (struct eph_scenario){ .abi = EPHMAP_ABI,
			.name = s->path,
			.summary = "from a file",
			.origin = s->path,
			.nbufs = 2,
			.setup = eph__script_setup };
		error = read_lines(&r, copy, n);
	}
	free(copy);
	if (error != 0)
		free(s);
	else
		*sp = s;
	return (error);
}

int
eph_scenario_read(
    const char *path, const struct eph_scenario **scp, struct eph_err *err)
{
	char *text = malloc(SCRIPT_BYTES + 1);
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct script *s;
	size_t n = 0;
	int error = 0;

	if (text == NULL)
		error = eph_err_set(err, ENOMEM, "%s: out of memory", path);
	else if (f == NULL)
		error =
		    eph_err_set(err, EINVAL, "%s: %s", path, strerror(errno));
	else
		n = fread(text, 1, SCRIPT_BYTES + 1, f);
	if (error == 0 && ferror(f))
		error = eph_err_set(err, EINVAL, "%s: cannot be read", path);
	if (error == 0 && n > SCRIPT_BYTES)
		error = eph_err_set(err, EINVAL,
		    "%s: more than 65536 bytes, which no scenario has", path);
	if (error == 0)
		error = eph__script_parse(path, text, n, &s, err);
	if (error == 0)
		*scp = &s->scenario;
	if (f != NULL && f != stdin)
		(void)fclose(f);
	free(text);
	return (error);
}

void
eph_scenario_free(const struct eph_scenario *sc)
{
	union {
		const struct eph_scenario *sc;
		void *s;
	} u = { .sc = sc };

	free(u.s);
}
