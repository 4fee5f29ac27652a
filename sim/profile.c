/* SPDX-License-Identifier: BSD-2-Clause */

#include "profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "costs.h"
#include "input.h"
#include "table.h"

#include "ephmap/names.h"

#ifdef HAVE_INIH
#include <ini.h>
#endif

#define LINE_MAX_OURS 190 /* inih takes 200 */
#define LINES_MAX     10000

/* The keys of [machine], in the order in which they are asked for. */
enum key {
	KEY_LIKE,
	KEY_SUMMARY,
	KEY_ORIGIN,
	KEY_TLB,
	KEY_LEVELS,
	KEY_KVA_BASE,
	KEY_KVA_PAGES,
	KEY_MHZ,
	KEYS,
};

struct profile {
	struct eph_machine_model model;
	unsigned holders; /* and one more */
	char *name;
	char *text[KEYS];	   /* as given; NULL: not */
	char *source[EPH_COSTS_N]; /* the same */
	char as_base[80];	   /* source of what another machine has */
	bool given[EPH_COSTS_N];   /* in this file */
	struct eph_err *err;	   /* while it is read */
	FILE *fp;
	unsigned line;
	bool goes_on;  /* the line begins with a blank */
	bool any;      /* key was there, and ... */
	bool costs;    /* the last key was a price's, ... */
	unsigned last; /* ... this one */
	int error;
};

bool
profile_is_file(const char *name)
{
	const size_t n = strlen(name);

	return (strcmp(name, "-") == 0 || strchr(name, '/') != NULL ||
	    (n > 4 && strcmp(name + n - 4, ".ini") == 0));
}

struct profile *
profile_share(struct profile *p)
{
	p->holders++;
	return (p);
}

void
profile_free(struct profile *p)
{
	if (p == NULL || p->holders-- > 0)
		return;
	for (unsigned k = 0; k < KEYS; k++)
		free(p->text[k]);
	for (unsigned i = 0; i < EPH_COSTS_N; i++)
		free(p->source[i]);
	free(p->name);
	free(p);
}

const struct eph_machine_model *
profile_model(const struct profile *p)
{
	return (&p->model);
}

#ifdef HAVE_INIH

static const char *const key_names[KEYS + 1] = {
	[KEY_LIKE] = "like",
	[KEY_SUMMARY] = "summary",
	[KEY_ORIGIN] = "origin",
	[KEY_TLB] = "tlb",
	[KEY_LEVELS] = "levels",
	[KEY_KVA_BASE] = "kva_base",
	[KEY_KVA_PAGES] = "kva_pages",
	[KEY_MHZ] = "mhz",
};

/* Only the first fault is told. */
#define COMPLAIN(p, ...)                                                       \
	((p)->error != 0                                                       \
		? (p)->error                                                   \
		: ((p)->error = eph_err_set((p)->err, EINVAL, __VA_ARGS__)))

static int
complain_name(
    struct profile *p, const char *what, const char *name, const char *near)
{
	return (COMPLAIN(p, "%s:%u: no %s is called \"%.40s\"%s%s", p->name,
	    p->line, what, name, near != NULL ? "; did you mean " : "",
	    near != NULL ? near : ""));
}

static void
append(char **textp, const char *more)
{
	const size_t old = *textp != NULL ? strlen(*textp) + 1 : 0;
	const size_t n = old + strlen(more) + 1;

	*textp = must_alloc(*textp, n, 1);
	(void)snprintf(*textp + (old > 0 ? old - 1 : 0), n, "%s%s",
	    old > 0 ? " " : "", more);
}

static const char *
machine_row(unsigned i)
{
	return (
	    eph_machine_models[i] != NULL ? eph_machine_models[i]->name : NULL);
}

static const char *
tlb_row(unsigned i)
{
	return (eph_tlb_models[i] != NULL ? eph_tlb_models[i]->name : NULL);
}

/* "like": everything is as that machine, until the file says otherwise. */
static void
take_base(struct profile *p, const char *value)
{
	const struct eph_machine_model *base = eph_machine_model_find(value);

	if (base == NULL) {
		(void)complain_name(
		    p, "machine", value, eph_nearest_row(value, machine_row));
		return;
	}
	for (unsigned k = KEY_LIKE + 1; k < KEYS; k++) {
		if (p->text[k] != NULL)
			(void)COMPLAIN(p,
			    "%s:%u: \"like\" stands before the other keys",
			    p->name, p->line);
	}
	p->model = *base;
	p->model.name = p->name;
	(void)snprintf(p->as_base, sizeof(p->as_base), "as %s", base->name);
	for (unsigned i = 0; i < EPH_COSTS_N; i++)
		p->model.note[i] =
		    (struct eph_cost_note){ EPH_COST_ASSUMED, p->as_base };
}

/* A whole number; 0x for hexadecimal. */
static uint64_t
take_number(struct profile *p, const char *key, const char *value,
    uint64_t least, uint64_t most)
{
	const bool hex = strncmp(value, "0x", 2) == 0;
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(value, &end, hex ? 16 : 10);
	if (value[0] >= '0' && value[0] <= '9' && *end == '\0' && errno == 0 &&
	    v >= least && v <= most)
		return (v);
	(void)COMPLAIN(p,
	    "%s:%u: %s: expected a number from %" PRIu64 " to %" PRIu64
	    ", got \"%.40s\"",
	    p->name, p->line, key, least, most, value);
	return (least);
}

static void
take_machine(struct profile *p, unsigned k, const char *value)
{
	struct eph_machine_model *m = &p->model;

	switch ((enum key)k) {
	case KEY_LIKE:
		take_base(p, value);
		break;
	case KEY_TLB:
		if (eph_tlb_model_find(value) == NULL)
			(void)complain_name(
			    p, "TLB", value, eph_nearest_row(value, tlb_row));
		break;
	case KEY_LEVELS:
		m->levels = (unsigned)take_number(p, "levels", value, 2, 4);
		break;
	case KEY_KVA_BASE:
		m->kva_base = take_number(
		    p, "kva_base", value, 1u << 22, UINT64_MAX - (1ull << 40));
		if ((m->kva_base & ((1u << 22) - 1)) != 0)
			(void)COMPLAIN(p,
			    "%s:%u: kva_base: expected a multiple of 4 MiB",
			    p->name, p->line);
		break;
	case KEY_KVA_PAGES:
		m->kva_pages = (uint32_t)take_number(
		    p, "kva_pages", value, 1u << 10, 1u << 26);
		if ((m->kva_pages & (m->kva_pages - 1)) != 0)
			(void)COMPLAIN(p,
			    "%s:%u: kva_pages: expected a power of two",
			    p->name, p->line);
		break;
	case KEY_MHZ:
		m->mhz = (uint32_t)take_number(p, "mhz", value, 1, 1000000);
		break;
	case KEY_SUMMARY:
	case KEY_ORIGIN:
	case KEYS:
		break;
	}
}

static void
machine_key(struct profile *p, const char *name, const char *value)
{
	unsigned k = 0;

	while (k < KEYS && strcmp(key_names[k], name) != 0)
		k++;
	if (k == KEYS) {
		(void)complain_name(p, "key of a machine", name,
		    eph_nearest_name(name, key_names));
		return;
	}
	p->costs = false;
	p->any = true;
	p->last = k;
	if (p->text[k] != NULL) {
		(void)COMPLAIN(
		    p, "%s:%u: %s is given twice", p->name, p->line, name);
		return;
	}
	take_machine(p, k, value);
	append(&p->text[k], value);
}

/* CYCLES KIND SOURCE */
static void
take_price(struct profile *p, unsigned i, const char *value)
{
	char number[24], kind[16];
	const char *rest;
	uint64_t cycles;
	unsigned k = 0;
	int n = 0;

	if (sscanf(value, "%23s %15s%n", number, kind, &n) != 2) {
		(void)COMPLAIN(p,
		    "%s:%u: %s: expected cycles, one of measured, published, "
		    "assumed, fitted, and where from",
		    p->name, p->line, cost_name(i));
		return;
	}
	cycles = take_number(p, cost_name(i), number, 0, UINT32_MAX);
	while (k < EPH_COST_KINDS &&
	    strcmp(eph_cost_kind_name((enum eph_cost_kind)k), kind) != 0)
		k++;
	rest = value + n;
	rest += strspn(rest, " \t");
	if (k == EPH_COST_KINDS)
		(void)COMPLAIN(p,
		    "%s:%u: %s: expected measured, published, assumed or "
		    "fitted, got \"%.40s\"",
		    p->name, p->line, cost_name(i), kind);
	else if (*rest == '\0' && k != EPH_COST_ASSUMED)
		(void)COMPLAIN(p, "%s:%u: %s: %s, but not where or by whom",
		    p->name, p->line, cost_name(i), kind);
	cost_set(&p->model.costs, i, (uint32_t)cycles);
	p->model.note[i].kind = (enum eph_cost_kind)k;
	append(&p->source[i], rest);
}

static void
cost_key(struct profile *p, const char *name, const char *value)
{
	const char *names[EPH_COSTS_N + 1] = { NULL };
	unsigned i;

	for (i = 0; i < EPH_COSTS_N; i++)
		names[i] = cost_name(i);
	for (i = 0; i < EPH_COSTS_N && strcmp(names[i], name) != 0; i++)
		continue;
	if (i == EPH_COSTS_N) {
		(void)complain_name(
		    p, "price", name, eph_nearest_name(name, names));
		return;
	}
	p->costs = true;
	p->any = true;
	p->last = i;
	if (p->given[i])
		(void)COMPLAIN(
		    p, "%s:%u: %s is given twice", p->name, p->line, name);
	else
		take_price(p, i, value);
	p->given[i] = true;
}

static const char *
last_name(const struct profile *p)
{
	return (p->costs ? cost_name(p->last) : key_names[p->last]);
}

/*
 * A line that begins with a blank is more of the text before it.  One that
 * looks like a key was meant as one, and must not get lost in a text.
 */
static void
go_on(struct profile *p, const char *value)
{
	const size_t word = strcspn(value, " \t=");
	const size_t gap = strspn(value + word, " \t");

	if (!p->costs && p->last != KEY_SUMMARY && p->last != KEY_ORIGIN)
		(void)COMPLAIN(p, "%s:%u: %s has no second line", p->name,
		    p->line, last_name(p));
	else if (word > 0 && value[word + gap] == '=')
		(void)COMPLAIN(p,
		    "%s:%u: expected more of %s, got a key; keys begin in the "
		    "first column",
		    p->name, p->line, last_name(p));
	else
		append(
		    p->costs ? &p->source[p->last] : &p->text[p->last], value);
}

/* inih's handler: 0 would only name the line. */
static int
profile_key(
    void *user, const char *section, const char *name, const char *value)
{
	struct profile *p = user;

	if (p->error != 0)
		return (1);
	if (p->goes_on && p->any && strcmp(name, last_name(p)) == 0)
		go_on(p, value);
	else if (strcmp(section, "machine") == 0)
		machine_key(p, name, value);
	else if (strcmp(section, "costs") == 0)
		cost_key(p, name, value);
	else
		(void)COMPLAIN(p,
		    "%s:%u: expected \"%.40s\" in a section [machine] or "
		    "[costs], got it in [%.40s]",
		    p->name, p->line, name, section);
	return (1);
}

/* inih's reader, which knows the line. */
static char *
profile_line(char *buf, int size, void *stream)
{
	struct profile *p = stream;
	size_t n;

	if (p->error != 0 || fgets(buf, size, p->fp) == NULL)
		return (NULL);
	p->line++;
	n = strlen(buf);
	p->goes_on = buf[0] == ' ' || buf[0] == '\t';
	if (p->line > LINES_MAX || n == 0 || n > LINE_MAX_OURS ||
	    (buf[n - 1] != '\n' && !feof(p->fp))) {
		(void)COMPLAIN(p,
		    "%s:%u: expected lines of text, at most %d of %d bytes",
		    p->name, p->line, LINES_MAX, LINE_MAX_OURS);
		return (NULL);
	}
	return (buf);
}

/* All is there? */
static void
profile_check(struct profile *p)
{
	struct eph_machine_model *m = &p->model;

	for (unsigned k = KEY_SUMMARY; k < KEYS; k++) {
		if (p->text[k] == NULL && m->levels == 0)
			(void)COMPLAIN(p,
			    "%s: [machine] has neither \"like\" nor \"%s\"",
			    p->name, key_names[k]);
		else if (p->text[k] == NULL && p->text[KEY_LIKE] == NULL &&
		    k != KEY_ORIGIN)
			(void)COMPLAIN(p, "%s: [machine] has no \"%s\"",
			    p->name, key_names[k]);
	}
	for (unsigned i = 0; i < EPH_COSTS_N; i++) {
		if (!p->given[i] && p->text[KEY_LIKE] == NULL)
			(void)COMPLAIN(p,
			    "%s: [costs] has no \"%s\", and [machine] no "
			    "\"like\"",
			    p->name, cost_name(i));
		if (p->given[i])
			m->note[i].source = p->source[i];
	}
	m->name = p->name;
	if (p->text[KEY_SUMMARY] != NULL)
		m->summary = p->text[KEY_SUMMARY];
	if (p->text[KEY_TLB] != NULL)
		m->tlb = p->text[KEY_TLB];
	m->origin = p->text[KEY_ORIGIN] != NULL ? p->text[KEY_ORIGIN] : p->name;
}

int
profile_read(const char *path, struct profile **pp, struct eph_err *err)
{
	struct profile *p = must_alloc(NULL, 1, sizeof(*p));
	int status;

	memset(p, 0, sizeof(*p));
	p->err = err;
	p->name = must_copy(path, strlen(path));
	if ((p->fp = input_file(path)) == NULL) {
		status = errno;
		(void)eph_err_set(
		    err, status, "%s: %s", path, strerror(status));
		profile_free(p);
		return (status);
	}
	status = ini_parse_stream(profile_line, p, profile_key, p);
	if (ferror(p->fp))
		(void)COMPLAIN(p, "%s: cannot be read", path);
	(void)fclose(p->fp);
	if (status > 0)
		(void)COMPLAIN(p,
		    "%s:%d: expected [machine], [costs] or \"key = value\"",
		    path, status);
	if (p->error == 0)
		profile_check(p);
	if ((status = p->error) != 0)
		profile_free(p);
	else
		*pp = p;
	return (status);
}

#else /* HAVE_INIH */

int
profile_read(const char *path, struct profile **pp, struct eph_err *err)
{
	(void)pp;
	return (eph_err_set(err, ENOTSUP,
	    "%s: this ephmap was built without libinih, which reads machines",
	    path));
}

#endif /* HAVE_INIH */
