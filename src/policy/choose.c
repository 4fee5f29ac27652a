/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Policies as people write them: names with parameters, and lists of them,
 * found in the table.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ephmap/names.h"
#include "policy/policies.h"

#define CHOICES_MOST 4096u

static const char *
policy_row(unsigned i)
{
	return (eph_policies[i] != NULL ? eph_policies[i]->name : NULL);
}

/* Is `name`, in any case, a word of the list by comma? */
static bool
has_word(const char *list, const char *name)
{
	for (; list != NULL && *list != '\0'; list += *list == ',') {
		const size_t n = strcspn(list, ",");

		if (strlen(name) == n && strncasecmp(name, list, n) == 0)
			return (true);
		list += n;
	}
	return (false);
}

static int
policy_unknown(const char *name, struct eph_err *err)
{
	const char *near = NULL;

	for (size_t i = 0; eph_policies[i] != NULL && near == NULL; i++) {
		if (has_word(eph_policies[i]->aka, name))
			near = eph_policies[i]->name;
	}
	if (near == NULL)
		near = eph_nearest_row(name, policy_row);
	return (eph_err_unknown(
	    err, "policy", name, near, "`ephmap list policies` shows them"));
}

/* `extra' stand beside those of the table, and end with NULL; or NULL. */
static int
policy_choose(const char *text, const struct eph_policy_ops *const *extra,
    struct eph_policy_choice *c, struct eph_err *err)
{
	const size_t n = strcspn(text, ":");
	double values[EPH_POLICY_PARAMS];

	if (strlen(text) >= EPH_POLICY_TEXT)
		return (eph_err_set(err, EINVAL,
		    "policy: expected at most %u letters, got \"%.40s...\"",
		    EPH_POLICY_TEXT - 1, text));
	memset(c, 0, sizeof(*c));
	memcpy(c->text, text, n);
	for (; extra != NULL && *extra != NULL && c->ops == NULL; extra++) {
		if (strcmp((*extra)->name, c->text) == 0)
			c->ops = *extra;
	}
	if (c->ops == NULL && (c->ops = eph_policy_find(c->text)) == NULL)
		return (policy_unknown(c->text, err));
	if (text[n] == ':')
		memcpy(c->params, text + n + 1, strlen(text + n));
	/* Nothing behind the colon is the policy's plain name. */
	if (c->params[0] != '\0')
		memcpy(c->text, text, strlen(text) + 1);
	return (eph_policy_params(c->ops, c->params, values, err));
}

int
eph_policy_choose(
    const char *text, struct eph_policy_choice *c, struct eph_err *err)
{
	return (policy_choose(text, NULL, c, err));
}

/* Lists. */
struct choices {
	const struct eph_policy_ops *const *extra;
	struct eph_policy_choice *v;
	size_t n;
};

static int
choices_add(struct choices *l, const char *text, struct eph_err *err)
{
	struct eph_policy_choice c, *v;
	int error = policy_choose(text, l->extra, &c, err);

	if (error != 0)
		return (error);
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].text, c.text) == 0)
			return (eph_err_set(
			    err, EINVAL, "policy %s is given twice", c.text));
	}
	if (l->n == CHOICES_MOST)
		return (eph_err_set(err, EINVAL,
		    "policies: more than %u in one list", CHOICES_MOST));
	if ((v = realloc(l->v, (l->n + 1) * sizeof(*v))) == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory for policies"));
	l->v = v;
	v[l->n++] = c;
	return (0);
}

/*
 * Add `text` once for each way to take one of the values with `/` between
 * them: the first parameter that has several is settled, the rest follow.
 */
static int
choices_expand(struct choices *l, const char *text, struct eph_err *err)
{
	const size_t slash = strcspn(text, "/");
	char one[EPH_POLICY_TEXT];
	size_t from, to;
	int error = 0;

	if (text[slash] == '\0')
		return (choices_add(l, text, err));
	for (from = slash; from > 0 && text[from - 1] != '=';)
		from--;
	to = slash + strcspn(text + slash, ",");
	if (from == 0)
		return (eph_err_set(err, EINVAL,
		    "policy \"%s\": `/' stands between values of a parameter",
		    text));
	for (size_t at = from; at <= to && error == 0;) {
		const size_t n = strcspn(text + at, "/,");

		(void)snprintf(one, sizeof(one), "%.*s%.*s%s", (int)from, text,
		    (int)n, text + at, text + to);
		error = choices_expand(l, one, err);
		at += n + 1;
	}
	return (error);
}

/* Where the policy that begins at `text` ends: at a comma, or at the end. */
static size_t
choices_word(const char *text)
{
	size_t n = strcspn(text, ",");

	while (text[n] == ',') {
		const size_t next = strcspn(text + n + 1, ",");

		if (memchr(text + n + 1, '=', next) == NULL ||
		    memchr(text + n + 1, ':', next) != NULL)
			break;
		n += 1 + next;
	}
	return (n);
}

int
eph_policy_choose_list(const char *text, struct eph_policy_choice **listp,
    size_t *np, struct eph_err *err)
{
	return (eph_policy_choose_list_with(text, NULL, listp, np, err));
}

int
eph_policy_choose_list_with(const char *text,
    const struct eph_policy_ops *const *extra, struct eph_policy_choice **listp,
    size_t *np, struct eph_err *err)
{
	struct choices l = { extra, NULL, 0 };
	char word[EPH_POLICY_TEXT];
	int error = 0;

	for (const char *p = text; error == 0; p++) {
		const size_t n = choices_word(p);

		if (n == 0 || n >= sizeof(word)) {
			error = eph_err_set(err, EINVAL,
			    "policies: expected 1 to %u letters on both sides "
			    "of a comma, got \"%.60s\"",
			    EPH_POLICY_TEXT - 1, text);
			break;
		}
		(void)snprintf(word, sizeof(word), "%.*s", (int)n, p);
		error = choices_expand(&l, word, err);
		p += n;
		if (*p == '\0')
			break;
	}
	if (error != 0) {
		free(l.v);
		return (error);
	}
	*listp = l.v;
	*np = l.n;
	return (0);
}
