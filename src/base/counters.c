/* SPDX-License-Identifier: BSD-2-Clause */

#include "ephmap/counters.h"

#include <stddef.h>
#include <string.h>

struct counter_row {
	const char *name;
	const char *desc;
	size_t offset;
};

#define COUNTER_ROW(name, desc)                                                \
	{ #name, desc, offsetof(struct eph_counters, name) },

static const struct counter_row counter_rows[] = { EPH_COUNTERS(COUNTER_ROW) };

#define NCOUNTERS (sizeof(counter_rows) / sizeof(counter_rows[0]))

const char *
eph_counter_name(unsigned i)
{
	return (i < NCOUNTERS ? counter_rows[i].name : NULL);
}

const char *
eph_counter_desc(unsigned i)
{
	return (i < NCOUNTERS ? counter_rows[i].desc : NULL);
}

uint64_t
eph_counter_value(const struct eph_counters *c, unsigned i)
{
	uint64_t value;

	memcpy(&value, (const char *)c + counter_rows[i].offset, sizeof(value));
	return (value);
}

void
eph_counters_add(struct eph_counters *sum, const struct eph_counters *c)
{
#define COUNTER_ADD(name, desc) sum->name += c->name;
	EPH_COUNTERS(COUNTER_ADD)
#undef COUNTER_ADD
}

void
eph_counters_sub(struct eph_counters *diff, const struct eph_counters *after,
    const struct eph_counters *before)
{
#define COUNTER_SUB(name, desc) diff->name = after->name - before->name;
	EPH_COUNTERS(COUNTER_SUB)
#undef COUNTER_SUB
}
