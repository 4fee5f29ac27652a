/* SPDX-License-Identifier: BSD-2-Clause */

#include "ephmap/names.h"

#include <errno.h>
#include <string.h>

#define NAME_LETTERS 63u
#define ROWS_MOST    256u

/* How near: the smaller the nearer. */
enum {
	NEAR_CASE = 0,	 /* the same in another case */
	NEAR_PART = 1,	 /* its first part */
	NEAR_EDITS = 2,	 /* and one for each edit */
	NEAR_NOT = 1000, /* not near */
};

/* In ASCII, whatever the locale. */
static char
name_lower(char c)
{
	return (c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
}

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	const unsigned ab = a < b ? a : b;

	return (ab < c ? ab : c);
}

/* Edits (insert, delete, change, swap neighbours) between two names. */
static unsigned
name_distance(const char *a, const char *b)
{
	const size_t na = strlen(a), nb = strlen(b);
	unsigned row[3][NAME_LETTERS + 1]; /* i - 2, i - 1 and i, in turn */

	if (na > NAME_LETTERS || nb > NAME_LETTERS)
		return (NEAR_NOT);
	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *now = row[i % 3];
		const unsigned *up = row[(i + 2) % 3];
		const unsigned *up2 = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			now[j] = min3(up[j] + 1, now[j - 1] + 1,
			    up[j - 1] +
				(name_lower(a[i - 1]) != name_lower(b[j - 1])));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && up2[j - 2] + 1 < now[j])
				now[j] = up2[j - 2] + 1;
		}
	}
	return (row[na % 3][nb]);
}

/* Is `name` what stands before a dot or a dash in `known`? */
static bool
name_begins(const char *known, const char *name)
{
	size_t i = 0;

	while (name[i] != '\0' && name_lower(name[i]) == name_lower(known[i]))
		i++;
	return (
	    i > 0 && name[i] == '\0' && (known[i] == '.' || known[i] == '-'));
}

static unsigned
name_nearness(const char *name, const char *known)
{
	/* Up to a third of the letters wrong, and never all of them. */
	const unsigned limit = (unsigned)(strlen(name) + 2) / 3;
	const unsigned d = name_distance(name, known);

	if (d == 0)
		return (NEAR_CASE);
	if (name_begins(known, name))
		return (NEAR_PART);
	if (d <= limit && d < strlen(name))
		return (NEAR_EDITS + d);
	if (strlen(name) >= 3 && strstr(known, name) != NULL)
		return (NEAR_EDITS + limit);
	return (NEAR_NOT);
}

const char *
eph_nearest_name(const char *name, const char *const *names)
{
	const char *best = NULL;
	unsigned least = NEAR_NOT;

	for (; *names != NULL; names++) {
		const unsigned d = name_nearness(name, *names);

		if (d < least) {
			least = d;
			best = *names;
		}
	}
	return (best);
}

const char *
eph_nearest_row(const char *name, const char *(*row)(unsigned i))
{
	const char *names[ROWS_MOST + 1];
	unsigned n = 0;

	while (n < ROWS_MOST && (names[n] = row(n)) != NULL)
		n++;
	names[n] = NULL;
	return (eph_nearest_name(name, names));
}

int
eph_err_unknown(struct eph_err *err, const char *what, const char *name,
    const char *near, const char *where)
{
	if (near != NULL)
		return (eph_err_set(err, EINVAL,
		    "unknown %s \"%.100s\"; did you mean %s? (%s)", what, name,
		    near, where));
	return (eph_err_set(
	    err, EINVAL, "unknown %s \"%.100s\"; %s", what, name, where));
}
