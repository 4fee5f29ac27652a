/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Parameters of policies.  A row describes them as data, so everything about
 * them (what create() reads, `NAME:help`, the message about a wrong one) is
 * written here once, for rows, which know no table.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ephmap/names.h"
#include "ephmap/sdk/policy.h"

#define NUMBER_LETTERS 31u

static const char *
param_row(const struct eph_policy_ops *ops, unsigned i)
{
	return (ops->params != NULL ? ops->params[i].name : NULL);
}

static unsigned
param_count(const struct eph_policy_ops *ops)
{
	unsigned n = 0;

	while (param_row(ops, n) != NULL)
		n++;
	return (n);
}

/* The parameter of the word "K=V" or "K", or the number of all of them. */
static unsigned
param_find(const struct eph_policy_ops *ops, const char *word, size_t len)
{
	const char *name;
	unsigned i = 0;

	while ((name = param_row(ops, i)) != NULL &&
	    (strlen(name) != len || strncmp(name, word, len) != 0))
		i++;
	return (i);
}

static int
param_unknown(const struct eph_policy_ops *ops, const char *word, size_t len,
    struct eph_err *err)
{
	const char *names[EPH_POLICY_PARAMS + 1] = { NULL };
	char what[64], name[NUMBER_LETTERS + 1], where[EPH_POLICY_TEXT] = "";
	size_t n = 0;

	if (param_count(ops) == 0)
		return (eph_err_set(err, EINVAL,
		    "policy %s has no parameters, got \"%.*s\"", ops->name,
		    (int)(len < 40 ? len : 40), word));
	(void)snprintf(what, sizeof(what), "parameter of policy %s", ops->name);
	(void)snprintf(
	    name, sizeof(name), "%.*s", (int)(len < 31 ? len : 31), word);
	for (unsigned i = 0; param_row(ops, i) != NULL; i++) {
		names[i] = param_row(ops, i);
		if (n < sizeof(where))
			n += (size_t)snprintf(where + n, sizeof(where) - n,
			    "%s%s", i == 0 ? "it has " : ", ", names[i]);
	}
	return (eph_err_unknown(
	    err, what, name, eph_nearest_name(name, names), where));
}

static int
param_value(const struct eph_policy_ops *ops, const struct eph_policy_param *p,
    const char *text, size_t len, double *valuep, struct eph_err *err)
{
	char number[NUMBER_LETTERS + 1], *end;
	double value;

	if (len == 0 || len > NUMBER_LETTERS)
		return (eph_err_set(err, EINVAL,
		    "policy %s: parameter %s needs a number", ops->name,
		    p->name));
	memcpy(number, text, len);
	number[len] = '\0';
	value = strtod(number, &end);
	if (*end != '\0' || number[strcspn(number, "xX \t\n")] != '\0')
		return (eph_err_set(err, EINVAL,
		    "policy %s: parameter %s: '%s' is not a number", ops->name,
		    p->name, number));
	if (!(value >= p->min && value <= p->max))
		return (eph_err_set(err, EINVAL,
		    "policy %s: parameter %s must be between %.10g and %.10g, "
		    "got %s",
		    ops->name, p->name, p->min, p->max, number));
	*valuep = value;
	return (0);
}

int
eph_policy_params(const struct eph_policy_ops *ops, const char *text,
    double *values, struct eph_err *err)
{
	const unsigned n = param_count(ops);
	unsigned seen = 0;

	/* The caller has room for as many. */
	if (n > EPH_POLICY_PARAMS)
		return (eph_err_set(err, EINVAL,
		    "policy %s: expected at most %u parameters, its table has "
		    "%u",
		    ops->name, EPH_POLICY_PARAMS, n));
	for (unsigned i = 0; i < n; i++)
		values[i] = ops->params[i].def;
	while (text != NULL && *text != '\0') {
		const size_t len = strcspn(text, ",");
		const char *eq = memchr(text, '=', len);
		const size_t key = eq == NULL ? len : (size_t)(eq - text);
		const unsigned i = param_find(ops, text, key);
		const size_t skip = key + (eq != NULL);
		int error;

		if (i == n)
			return (param_unknown(ops, text, key, err));
		if ((seen >> i & 1) != 0)
			return (eph_err_set(err, EINVAL,
			    "policy %s: parameter %s is given twice", ops->name,
			    ops->params[i].name));
		seen |= 1u << i;
		error = param_value(ops, &ops->params[i], text + skip,
		    len - skip, &values[i], err);
		if (error != 0)
			return (error);
		text += len;
		text += *text == ',';
	}
	return (0);
}

/* Help.  As snprintf() at `at` of a buffer that may be full. */
#define SAY(...)                                                               \
	(at += (size_t)snprintf(at < size ? buf + at : NULL,                   \
	     at < size ? size - at : 0, __VA_ARGS__))

size_t
eph_policy_help(const struct eph_policy_ops *ops, char *buf, size_t size)
{
	size_t at = 0;

	SAY("%s: %s\n  %s\n", ops->name, ops->summary, ops->origin);
	for (unsigned i = 0; param_row(ops, i) != NULL; i++) {
		const struct eph_policy_param *p = &ops->params[i];

		SAY("  %s=%.10g  (%.10g to %.10g)\n      %s\n", p->name, p->def,
		    p->min, p->max, p->summary);
	}
	if (param_count(ops) == 0)
		SAY("  no parameters\n");
	return (at);
}

size_t
eph_policy_defaults(const struct eph_policy_ops *ops, char *buf, size_t size)
{
	size_t at = 0;

	SAY("%s", "");
	for (unsigned i = 0; param_row(ops, i) != NULL; i++)
		SAY("%s%s=%.10g", i > 0 ? "," : "", ops->params[i].name,
		    ops->params[i].def);
	return (at);
}
