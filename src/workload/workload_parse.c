/* SPDX-License-Identifier: BSD-2-Clause */

/* NAME:KEY=VALUE,... by the workload's table of parameters. */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/kassert.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/names.h"
#include "ephmap/workload.h"

static const char *const contents_choices[] = { "full", "stamp", NULL };
static const char *const yes_choices[] = { "no", "yes", NULL };

const struct eph_work_param eph_work_common[] = {
	{ "contents", "full",
	    "frames hold real bytes, or a stamp of eight for speed", 0, 0,
	    contents_choices },
	{ "repaired", "no", "without the leaks that history shipped", 0, 0,
	    yes_choices },
	{ "trace", "", "FILE: driven by a trace, one use for each mapping", 0,
	    0, NULL },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

#define WORK_COMMON (sizeof(eph_work_common) / sizeof(eph_work_common[0]) - 1)

/* A number, with K, M or G behind it. */
static int
parse_number(const char *text, uint64_t *valuep)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)text[0]) || strlen(text) > 18)
		return (EINVAL);
	*valuep = strtoull(text, &end, 10);
	if (*end != '\0' && (unit = strchr(units, *end)) != NULL) {
		*valuep <<= 10 * (unit - units + 1);
		end++;
	}
	return (*end == '\0' ? 0 : EINVAL);
}

static int
refuse_value(const struct eph_workload_ops *ops, const struct eph_work_param *p,
    const char *text, struct eph_err *err)
{
	char list[160];
	size_t n = 0;

	if (p->choices == NULL)
		return (eph_err_set(err, EINVAL,
		    "%s: %s: expected a number from %" PRIu64 " to %" PRIu64
		    ", got \"%s\"",
		    ops->name, p->name, p->min, p->max, text));
	for (size_t i = 0; p->choices[i] != NULL && n < sizeof(list); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s",
		    i > 0 ? ", " : "", p->choices[i]);
	return (eph_err_set(err, EINVAL, "%s: %s: expected %s, got \"%s\"",
	    ops->name, p->name, list, text));
}

static int
parse_value(const struct eph_workload_ops *ops, const struct eph_work_param *p,
    const char *text, uint64_t *valuep, struct eph_err *err)
{
	if (p->choices != NULL) {
		for (uint64_t i = 0; p->choices[i] != NULL; i++) {
			if (strcmp(p->choices[i], text) == 0) {
				*valuep = i;
				return (0);
			}
		}
		return (refuse_value(ops, p, text, err));
	}
	if (parse_number(text, valuep) != 0 || *valuep < p->min ||
	    *valuep > p->max)
		return (refuse_value(ops, p, text, err));
	return (0);
}

static const struct eph_work_param *
find_param(const struct eph_work_param *table, const char *name, size_t n)
{
	for (; table->name != NULL; table++) {
		if (strlen(table->name) == n &&
		    strncmp(table->name, name, n) == 0)
			return (table);
	}
	return (NULL);
}

/* The names are its own, then those of all workloads. */
static int
refuse_param(
    const struct eph_workload_ops *ops, const char *word, struct eph_err *err)
{
	const struct eph_work_param *p = ops->params;
	const char *names[EPH_WORK_PARAMS + WORK_COMMON + 1];
	char what[64], name[40], where[300] = "";
	size_t n = 0, k;

	for (k = 0; k < EPH_WORK_PARAMS && p->name != NULL; p++)
		names[k++] = p->name;
	for (p = eph_work_common; p->name != NULL; p++)
		names[k++] = p->name;
	names[k] = NULL;
	for (k = 0; names[k] != NULL && n < sizeof(where); k++)
		n += (size_t)snprintf(where + n, sizeof(where) - n, "%s%s",
		    k == 0 ? "it has " : ", ", names[k]);
	(void)snprintf(what, sizeof(what), "parameter of %s", ops->name);
	(void)snprintf(
	    name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	return (eph_err_unknown(
	    err, what, name, eph_nearest_name(name, names), where));
}

static int
take_common(struct eph_workload *wl, const struct eph_work_param *p,
    const char *value, struct eph_err *err)
{
	uint64_t v;
	int error;

	if (strcmp(p->name, "trace") == 0) {
		if (wl->ops->tap == NULL)
			return (eph_err_set(err, EINVAL,
			    "%s cannot be driven by a trace", wl->ops->name));
		(void)snprintf(wl->trace, sizeof(wl->trace), "%s", value);
		return (0);
	}
	if ((error = parse_value(wl->ops, p, value, &v, err)) != 0)
		return (error);
	if (strcmp(p->name, "contents") == 0)
		wl->stamp = v == 1;
	else
		wl->repaired = v == 1;
	return (0);
}

/* One KEY=VALUE; `seen` are the parameters that had their turn. */
static int
take_word(struct eph_workload *wl, const char *word, uint64_t *seen,
    struct eph_err *err)
{
	const size_t n = strcspn(word, "=");
	const struct eph_work_param *p = find_param(wl->ops->params, word, n);
	const bool common = p == NULL;
	size_t i;

	if (common)
		p = find_param(eph_work_common, word, n);
	if (p == NULL)
		return (refuse_param(wl->ops, word, err));
	if (word[n] != '=')
		return (eph_err_set(err, EINVAL, "%s: expected %s=VALUE",
		    wl->ops->name, p->name));
	i = common ? EPH_WORK_PARAMS + (size_t)(p - eph_work_common)
		   : (size_t)(p - wl->ops->params);
	if ((*seen >> i & 1) != 0)
		return (eph_err_set(err, EINVAL, "%s: %s is given twice",
		    wl->ops->name, p->name));
	*seen |= (uint64_t)1 << i;
	if (common)
		return (take_common(wl, p, word + n + 1, err));
	return (parse_value(wl->ops, p, word + n + 1, &wl->value[i], err));
}

static void
set_defaults(struct eph_workload *wl)
{
	struct eph_err err;

	for (size_t i = 0; wl->ops->params[i].name != NULL; i++) {
		const struct eph_work_param *p = &wl->ops->params[i];

		KASSERT(i < EPH_WORK_PARAMS, "too many parameters");
		if (parse_value(wl->ops, p, p->def, &wl->value[i], &err) != 0)
			PANIC("a default out of its own range");
	}
}

static const char *
workload_row(unsigned i)
{
	return (eph_workloads[i] != NULL ? eph_workloads[i]->name : NULL);
}

int
eph_workload_parse(
    const char *text, struct eph_workload *wl, struct eph_err *err)
{
	const size_t n = strcspn(text, ":");
	char buf[256];
	uint64_t seen = 0;
	int error = 0;

	memset(wl, 0, sizeof(*wl));
	if (strlen(text) >= sizeof(buf))
		return (eph_err_set(err, EINVAL, "workload: too long a text"));
	memcpy(wl->text, text, strlen(text) + 1);
	memcpy(buf, text, strlen(text) + 1);
	buf[n] = '\0';
	if ((wl->ops = eph_workload_find(buf)) == NULL)
		return (eph_err_unknown(err, "workload", buf,
		    eph_nearest_row(buf, workload_row),
		    "`ephmap list workloads` shows them"));
	set_defaults(wl);
	if (text[n] == '\0')
		return (0);
	for (char *p = buf + n + 1; error == 0; p += strlen(p) + 1) {
		const size_t len = strcspn(p, ",");
		const bool last = p[len] == '\0';

		p[len] = '\0';
		error = take_word(wl, p, &seen, err);
		if (last)
			break;
	}
	return (error);
}
