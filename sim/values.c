/* SPDX-License-Identifier: BSD-2-Clause */

/* From the lists of a command line to the values of the axes. */

#include "values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "table.h"

#define NBUFS_MAX (1u << 28)

/* Historical auto-sizing of nsfbufs: see nbufs_from_memory(). */
#define MAXUSERS_MIN 32
#define MAXUSERS_MAX 384

#define ALL_MAX 2048 /* of every policy's name */

/* What messages about that option begin with. */
#define AS(s, member) opt_as((s)->o, member, (s)->command)

/* words_cut, and one value where no list is expected. */
static int
cut_list(const struct setup *s, const char *as, const char *option,
    const char *text, struct words *w)
{
	int status = words_cut(as, option, text, w);

	if (status == OPTIONS_OK && w->n > 1 && !s->lists) {
		status = options_refuse(as,
		    "--%s: expected one value, got \"%s\" (`ephmap compare' "
		    "takes lists)",
		    option, text);
		words_free(w);
	}
	return (status);
}

static int
find_designs(const struct setup *s, struct axis_values *v)
{
	const struct words *w = &v->rows[AXIS_DESIGN];
	const struct plugins *own = &s->plugins;
	size_t n = 0;

	while (eph_designs[n] != NULL)
		n++;
	v->design =
	    must_alloc(NULL, w->n + n + own->ndesigns + 1, sizeof(*v->design));
	for (size_t i = 0; i < w->n; i++) {
		const struct eph_design_ops *plugin =
		    plugins_design(own, w->word[i]);
		int row;

		if (plugin != NULL) {
			v->design[v->ndesigns++] = plugin;
			continue;
		}
		row = axis_find(AXIS_DESIGN, w->word[i], AS(s, design));
		if (row < 0)
			return (OPTIONS_BAD);
		v->design[v->ndesigns++] = eph_designs[row];
	}
	if (w->n > 0)
		return (OPTIONS_OK);
	if (s->lists) {
		for (; v->ndesigns < n; v->ndesigns++)
			v->design[v->ndesigns] = eph_designs[v->ndesigns];
	}
	for (size_t i = 0; i < own->ndesigns; i++)
		v->design[v->ndesigns++] = own->design[i];
	if (!s->lists && v->ndesigns > 1)
		return (options_refuse(s->command,
		    "--design: expected one, for --plugin brings %s and %s",
		    v->design[0]->name, v->design[1]->name));
	if (v->ndesigns == 0)
		return (options_refuse(s->command,
		    "--design is missing; `ephmap list designs` "
		    "shows what there is"));
	return (OPTIONS_OK);
}

static int
check_names(const struct setup *s, const struct axis_values *v)
{
	const char *const as[AXES] = { NULL, NULL, AS(s, shootdown),
		AS(s, machine), AS(s, tlb) };

	for (unsigned a = AXIS_DESIGN + 1; a < AXES; a++) {
		for (size_t i = 0; i < v->rows[a].n; i++) {
			if (a == AXIS_MACHINE &&
			    profile_is_file(v->rows[a].word[i]))
				continue;
			if (axis_find(
				(enum axis_id)a, v->rows[a].word[i], as[a]) < 0)
				return (OPTIONS_BAD);
		}
	}
	return (OPTIONS_OK);
}

/* Machines that are files. */
static int
read_profiles(const struct setup *s, struct axis_values *v)
{
	const struct words *w = &v->rows[AXIS_MACHINE];
	struct eph_err err;

	v->profile = must_alloc(NULL, w->n + 1, sizeof(*v->profile));
	memset(v->profile, 0, (w->n + 1) * sizeof(*v->profile));
	for (size_t i = 0; i < w->n; i++) {
		if (profile_is_file(w->word[i]) &&
		    profile_read(w->word[i], &v->profile[i], &err) != 0)
			return (options_refuse(AS(s, machine), "%s", err.text));
	}
	return (OPTIONS_OK);
}

static int
bad_cpus(const struct setup *s, const char *text)
{
	return (options_refuse(AS(s, cpus),
	    "--cpus: expected a number from 1 to %u%s, got \"%s\"",
	    EPH_CPUS_MAX, s->lists ? ", or A..B for doublings" : "", text));
}

/* Number `n' comes to a list, unless a range has brought it. */
static size_t
add_number(unsigned *list, size_t n, uint64_t number)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i] == number)
			return (n);
	}
	list[n] = (unsigned)number;
	return (n + 1);
}

static int
add_cpus(const struct setup *s, const char *text, struct axis_values *v)
{
	uint64_t first, last;

	if ((!s->lists && strstr(text, "..") != NULL) ||
	    parse_doublings(text, 0, EPH_CPUS_MAX, &first, &last) != 0)
		return (bad_cpus(s, text));
	for (; first < last; first *= 2)
		v->ncpus = add_number(v->cpus, v->ncpus, first);
	v->ncpus = add_number(v->cpus, v->ncpus, last);
	return (OPTIONS_OK);
}

static int
find_cpus(const struct setup *s, const struct eph_trace_meta *meta,
    struct axis_values *v)
{
	struct words w;
	int status = cut_list(s, AS(s, cpus), "cpus", s->o->cpus, &w);

	v->cpus = must_alloc(NULL, DOUBLINGS_MAX * (w.n + 1), sizeof(*v->cpus));
	if (w.n == 0)
		v->cpus[v->ncpus++] = meta->cpus;
	for (size_t i = 0; status == OPTIONS_OK && i < w.n; i++)
		status = add_cpus(s, w.word[i], v);
	words_free(&w);
	return (status);
}

/*
 * What the kernels gave themselves: nsfbufs = 512 + 16 maxusers, and
 * maxusers one for each 2 MiB of memory, at least 32 and at most 384.
 */
static uint32_t
nbufs_from_memory(uint64_t bytes)
{
	uint64_t maxusers = bytes >> 21;

	if (maxusers < MAXUSERS_MIN)
		maxusers = MAXUSERS_MIN;
	if (maxusers > MAXUSERS_MAX)
		maxusers = MAXUSERS_MAX;
	return ((uint32_t)(512 + 16 * maxusers));
}

/* `pages' are those of the trace; 0: a workload's, which are not known. */
static int
add_nbufs(const struct setup *s, uint64_t pages, const char *text,
    struct axis_values *v)
{
	static const char prefix[] = "from-memory:";
	uint64_t n, first, last;

	if (strncmp(text, prefix, sizeof(prefix) - 1) == 0) {
		const char *size = text + sizeof(prefix) - 1;

		if (strpbrk(size, "KMGT") == NULL ||
		    parse_u64(size, UINT64_MAX, &n) != 0)
			return (options_refuse(AS(s, nbufs),
			    "--nbufs: expected from-memory:SIZE with a unit "
			    "(512M), got \"%s\"",
			    text));
		v->nnbufs =
		    add_number(v->nbufs, v->nnbufs, nbufs_from_memory(n));
		return (OPTIONS_OK);
	}
	if (pages == 0 && strpbrk(text, ".%") != NULL &&
	    strstr(text, "..") == NULL)
		return (options_refuse(AS(s, nbufs),
		    "--nbufs: a share of the pages, \"%s\", needs a trace "
		    "that has pages",
		    text));
	if ((!s->lists && strstr(text, "..") != NULL) ||
	    parse_doublings(text, pages, NBUFS_MAX, &first, &last) != 0)
		return (options_refuse(AS(s, nbufs),
		    "--nbufs: expected a number from 1 to %u, a share of the "
		    "pages (10%% or 0.1)%s or from-memory:SIZE, got \"%s\"",
		    NBUFS_MAX, s->lists ? ", A..B for doublings" : "", text));
	for (; first < last; first *= 2)
		v->nnbufs = add_number(v->nbufs, v->nnbufs, first);
	v->nnbufs = add_number(v->nbufs, v->nnbufs, last);
	return (OPTIONS_OK);
}

static int
find_nbufs(const struct setup *s, const struct eph_trace_meta *meta,
    struct axis_values *v)
{
	struct words w;
	int status = cut_list(s, AS(s, nbufs), "nbufs",
	    s->o->nbufs != NULL ? s->o->nbufs : DEFAULT_NBUFS, &w);

	v->nbufs =
	    must_alloc(NULL, DOUBLINGS_MAX * (w.n + 1), sizeof(*v->nbufs));
	for (size_t i = 0; status == OPTIONS_OK && i < w.n; i++)
		status = add_nbufs(s, meta->unique_pages, w.word[i], v);
	words_free(&w);
	return (status);
}

/* A value of --flags: one word of each kind, by `sep'. */
static int
parse_flags(
    const struct setup *s, const char *text, const char *sep, unsigned *flagsp)
{
	static const struct {
		const char *name;
		unsigned kind; /* two of one kind exclude each other */
		unsigned flags;
	} words[] = {
		{ "shared", 0, 0 },
		{ "private", 0, SFB_CPUPRIVATE },
		{ "nowait", 1, SFB_NOWAIT },
		{ "catch", 1, SFB_CATCH },
	};
	const char *first[2] = { NULL, NULL };
	size_t n, k;

	*flagsp = 0;
	for (const char *p = text;; p += n + 1) {
		n = strcspn(p, sep);
		for (k = 0; k < 4; k++) {
			if (strlen(words[k].name) == n &&
			    strncmp(words[k].name, p, n) == 0)
				break;
		}
		if (k == 4)
			return (options_refuse(AS(s, sweep_flags),
			    "--flags: expected shared or private, nowait or "
			    "catch, got \"%.*s\"",
			    (int)n, p));
		if (first[words[k].kind] == words[k].name)
			return (options_refuse(AS(s, sweep_flags),
			    "--flags: %s is given twice", words[k].name));
		if (first[words[k].kind] != NULL)
			return (options_refuse(AS(s, sweep_flags),
			    "--flags: %s and %s are two flags of one kind",
			    first[words[k].kind], words[k].name));
		first[words[k].kind] = words[k].name;
		*flagsp |= words[k].flags;
		if (p[n] == '\0')
			return (OPTIONS_OK);
	}
}

/* A sweep takes lists where other commands take one value. */
static int
find_flags(const struct setup *s, struct axis_values *v)
{
	struct words w;
	int status;

	if (!s->sweep || s->o->sweep_flags == NULL) {
		v->flags = must_alloc(NULL, 1, sizeof(*v->flags));
		v->flags[0] = 0;
		v->nflags = 1;
		return (s->o->flags == NULL
			? OPTIONS_OK
			: parse_flags(s, s->o->flags, ",", &v->flags[0]));
	}
	status =
	    cut_list(s, AS(s, sweep_flags), "flags", s->o->sweep_flags, &w);
	v->flags = must_alloc(NULL, w.n + 1, sizeof(*v->flags));
	for (size_t i = 0; status == OPTIONS_OK && i < w.n; i++)
		status = parse_flags(s, w.word[i], "+", &v->flags[v->nflags++]);
	words_free(&w);
	return (status);
}

static int
find_touches(const struct setup *s, struct axis_values *v)
{
	const struct opt *p = &opt_table[OPT_ID_touch];
	struct words w;
	int status;

	if (!s->sweep || s->o->sweep_touches == NULL) {
		v->touch = must_alloc(NULL, 1, sizeof(*v->touch));
		v->touch[v->ntouches++] =
		    s->sweep ? EPH_TOUCH_READ : s->o->touch;
		return (OPTIONS_OK);
	}
	status =
	    cut_list(s, AS(s, sweep_touches), "touch", s->o->sweep_touches, &w);
	v->touch =
	    must_alloc(NULL, w.n + EPH_TOUCH_WRITE + 1, sizeof(*v->touch));
	for (size_t i = 0; status == OPTIONS_OK && i < w.n; i++) {
		unsigned k = 0;

		if (strcmp(w.word[i], "all") == 0 && w.n == 1) {
			while (p->choices[k] != NULL)
				v->touch[v->ntouches++] = k++;
			break;
		}
		status = option_choice(AS(s, sweep_touches), p, w.word[i], &k);
		v->touch[v->ntouches++] = k;
	}
	words_free(&w);
	return (status);
}

/* Numbers by comma, or one default. */
static int
find_numbers(const struct setup *s, const char *as, const char *option,
    const char *text, uint64_t def, uint64_t **valuesp, size_t *np)
{
	struct words w;
	int status = cut_list(s, as, option, text, &w);
	uint64_t *values = must_alloc(NULL, w.n + 1, sizeof(*values));

	*valuesp = values;
	values[0] = def;
	*np = w.n > 0 ? w.n : 1;
	for (size_t i = 0; status == OPTIONS_OK && i < w.n; i++) {
		if (parse_u64(w.word[i], INT64_MAX, &values[i]) != 0)
			status = options_refuse(as,
			    "--%s: expected a number from 0 to %" PRId64
			    ", got \"%s\"",
			    option, INT64_MAX, w.word[i]);
	}
	words_free(&w);
	return (status);
}

static int
find_holds(const struct setup *s, struct axis_values *v)
{
	const char *text = s->sweep ? s->o->sweep_holds : s->o->hold;
	struct words w;
	int status = cut_list(s, AS(s, sweep_holds), "hold", text, &w);

	v->hold = must_alloc(NULL, w.n + 1, sizeof(*v->hold));
	v->hold[0] = (struct hold){ 0, 0 };
	v->nholds = w.n > 0 ? w.n : 1;
	for (size_t i = 0; status == OPTIONS_OK && i < w.n; i++) {
		if (parse_hold(w.word[i], &v->hold[i]) != 0)
			status = options_refuse(AS(s, sweep_holds),
			    "--hold: expected a number of nanoseconds, or one "
			    "with us, ms, s, or r for references, got \"%s\"",
			    w.word[i]);
	}
	words_free(&w);
	return (status);
}

bool
setup_policy_help(const struct setup *s)
{
	static const char help[] = ":help";
	const char *text = s->o->policy;
	const size_t n = text == NULL ? 0 : strlen(text);
	struct eph_policy_choice c;
	char name[EPH_POLICY_TEXT], lines[2000];

	if (n < sizeof(help) || n >= sizeof(name) ||
	    strcmp(text + n - (sizeof(help) - 1), help) != 0)
		return (false);
	(void)snprintf(
	    name, sizeof(name), "%.*s", (int)(n - (sizeof(help) - 1)), text);
	if (eph_policy_choose(name, &c, NULL) != 0)
		return (false);
	(void)eph_policy_help(c.ops, lines, sizeof(lines));
	(void)fputs(lines, stdout);
	return (true);
}

/* Every name, by comma. */
static const char *
all_policies(char *buf, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; eph_policies[i] != NULL && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s",
		    i > 0 ? "," : "", eph_policies[i]->name);
	return (buf);
}

int
setup_policies(const struct setup *s, const char *text, bool lists,
    struct eph_policy_choice **listp, size_t *np)
{
	const char *params = s->o->policy_params;
	char with[2 * EPH_POLICY_TEXT], all[ALL_MAX];
	struct eph_err err;

	if (params != NULL) {
		if (s->o->policy == NULL || strpbrk(text, ",:") != NULL)
			return (options_refuse(s->command,
			    "--policy-params: expected one --policy that they "
			    "are for (--policy NAME:K=V,... has its own)"));
		(void)snprintf(with, sizeof(with), "%s:%s", text, params);
		text = with;
	}
	if (text == NULL)
		return (OPTIONS_OK);
	if (lists && strcmp(text, "all") == 0)
		text = all_policies(all, sizeof(all));
	if (eph_policy_choose_list_with(
		text, s->plugins.policy, listp, np, &err) != 0)
		return (
		    options_refuse(AS(s, policy), "--policy: %s", err.text));
	if (*np == 1 || lists)
		return (OPTIONS_OK);
	free(*listp);
	*listp = NULL;
	return (options_refuse(s->command,
	    "--policy: expected one value, got \"%s\" (`ephmap compare' "
	    "takes lists)",
	    text));
}

static int
find_names(const struct setup *s, struct axis_values *v)
{
	const char *const typed[AXES] = { s->o->design, NULL, s->o->shootdown,
		s->o->machine, s->o->tlb };
	const char *const as[AXES] = { AS(s, design), NULL, AS(s, shootdown),
		AS(s, machine), AS(s, tlb) };
	char *own;
	int status;

	for (unsigned a = 0; a < AXES; a++) {
		if (cut_list(s, as[a], axes[a].option, typed[a], &v->rows[a]) !=
		    OPTIONS_OK)
			return (OPTIONS_BAD);
		if (s->lists)
			axis_expand((enum axis_id)a, &v->rows[a]);
	}
	if (find_designs(s, v) != OPTIONS_OK ||
	    check_names(s, v) != OPTIONS_OK ||
	    read_profiles(s, v) != OPTIONS_OK)
		return (OPTIONS_BAD);
	own = s->o->policy == NULL ? plugins_policies(&s->plugins) : NULL;
	status = setup_policies(s, own != NULL ? own : s->o->policy, s->lists,
	    &v->policy, &v->npolicies);
	free(own);
	return (status);
}

int
values_find(const struct setup *s, const struct eph_trace_meta *meta,
    struct axis_values *v)
{
	memset(v, 0, sizeof(*v));
	if (find_flags(s, v) != OPTIONS_OK || find_names(s, v) != OPTIONS_OK ||
	    find_cpus(s, meta, v) != OPTIONS_OK ||
	    find_nbufs(s, meta, v) != OPTIONS_OK ||
	    find_touches(s, v) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (find_holds(s, v) != OPTIONS_OK)
		return (OPTIONS_BAD);
	return (find_numbers(s, AS(s, sweep_seeds), "seed", s->o->sweep_seeds,
	    s->sweep ? 1 : s->o->seed, &v->seed, &v->nseeds));
}

void
values_free(struct axis_values *v)
{
	for (size_t i = 0; v->profile != NULL && i < v->rows[AXIS_MACHINE].n;
	     i++)
		profile_free(v->profile[i]);
	free(v->profile);
	for (unsigned a = 0; a < AXES; a++)
		words_free(&v->rows[a]);
	free(v->design);
	free(v->policy);
	free(v->cpus);
	free(v->nbufs);
	free(v->touch);
	free(v->hold);
	free(v->flags);
	free(v->seed);
}
