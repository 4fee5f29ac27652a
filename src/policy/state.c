/* SPDX-License-Identifier: BSD-2-Clause */

#include "policy/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGES_AT_FIRST 1024u

static int
policy_param_set(const struct policy_param *p, const char *policy,
    const char *text, size_t len, struct eph_err *err)
{
	char number[32], *end;
	double value;

	if (len == 0 || len >= sizeof(number))
		return (eph_err_set(err, EINVAL,
		    "policy %s: parameter %s needs a number", policy, p->name));
	memcpy(number, text, len);
	number[len] = '\0';
	value = strtod(number, &end);
	if (*end != '\0')
		return (eph_err_set(err, EINVAL,
		    "policy %s: parameter %s: '%s' is not a number", policy,
		    p->name, number));
	if (!(value >= p->min && value <= p->max))
		return (eph_err_set(err, EINVAL,
		    "policy %s: parameter %s must be between %g and %g", policy,
		    p->name, p->min, p->max));
	*p->value = value;
	return (0);
}

int
eph__policy_nomem(
    const struct eph_policy_env *env, const char *policy, struct eph_err *err)
{
	return (eph_err_set(err, ENOMEM,
	    "policy %s: the host is out of memory for %u slots", policy,
	    env->nslots));
}

int
eph__policy_params(const struct eph_policy_env *env, const char *policy,
    const struct policy_param *params, size_t n, struct eph_err *err)
{
	const char *at = env->params;

	while (at != NULL && *at != '\0') {
		const size_t len = strcspn(at, ",");
		const char *eq = memchr(at, '=', len);
		const size_t key = eq == NULL ? len : (size_t)(eq - at);
		size_t i = 0;
		int error;

		while (i < n &&
		    (strlen(params[i].name) != key ||
			strncmp(params[i].name, at, key) != 0))
			i++;
		if (i == n)
			return (eph_err_set(err, EINVAL,
			    "policy %s has no parameter '%.*s'", policy,
			    (int)(key < 40 ? key : 40), at));
		at += key + (eq != NULL);
		error = policy_param_set(
		    &params[i], policy, at, len - key - (eq != NULL), err);
		if (error != 0)
			return (error);
		at += len - key - (eq != NULL);
		at += *at == ',';
	}
	return (0);
}

bool
eph__page_table_init(struct page_table *t, struct eph_mem *mem, uint32_t hint)
{
	t->npages = hint == 0 ? PAGES_AT_FIRST : hint;
	t->of = eph_mem_alloc(mem, t->npages * sizeof(*t->of));
	return (t->of != NULL);
}

void
eph__page_table_fini(struct page_table *t, struct eph_mem *mem)
{
	eph_mem_free(mem, t->of, t->npages * sizeof(*t->of));
	t->of = NULL;
}

bool
eph__page_table_grow(struct page_table *t, struct eph_mem *mem, uint32_t page)
{
	uint64_t want = (uint64_t)t->npages * 2;
	uint32_t *of;

	if (want <= page)
		want = (uint64_t)page + 1;
	if (want > UINT32_MAX)
		want = UINT32_MAX;
	of = eph_mem_grow(
	    mem, t->of, t->npages * sizeof(*of), want * sizeof(*of));
	if (of == NULL)
		return (false);
	t->of = of;
	t->npages = (uint32_t)want;
	return (true);
}
