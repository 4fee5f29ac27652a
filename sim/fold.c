/* SPDX-License-Identifier: BSD-2-Clause */

#include "fold.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define PERIOD_MAX 32 /* lines of a group */
#define TIMES_MIN  3  /* below, repeats are easier read than counted */

struct line {
	const char *text;
	size_t n;
};

static size_t
split(const char *text, struct line **linesp)
{
	struct line *line = NULL;
	size_t count = 0;

	while (*text != '\0') {
		const size_t n = strcspn(text, "\n");

		if (count % 256 == 0)
			line = must_alloc(line, count + 256, sizeof(*line));
		line[count++] = (struct line){ text, n };
		text += n + (text[n] == '\n');
	}
	*linesp = line;
	return (count);
}

static bool
same(const struct line *a, const struct line *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (a[i].n != b[i].n ||
		    memcmp(a[i].text, b[i].text, a[i].n) != 0)
			return (false);
	}
	return (true);
}

/* How often the first k of n lines come in a row. */
static size_t
times(const struct line *line, size_t n, size_t k)
{
	size_t t = 1;

	while ((t + 1) * k <= n && same(line, line + t * k, k))
		t++;
	return (t);
}

void
text_fold(FILE *out, const char *text)
{
	struct line *line;
	const size_t n = split(text, &line);

	for (size_t i = 0; i < n;) {
		size_t k = 1, t = 1;

		while (k <= PERIOD_MAX &&
		    (t = times(line + i, n - i, k)) < TIMES_MIN)
			k++;
		if (k > PERIOD_MAX)
			k = t = 1;
		for (size_t j = 0; j < k; j++)
			(void)fprintf(out, "%.*s\n", (int)line[i + j].n,
			    line[i + j].text);
		if (t >= TIMES_MIN && k == 1)
			(void)fprintf(
			    out, "... the line above, %zu times in all\n", t);
		else if (t >= TIMES_MIN)
			(void)fprintf(out,
			    "... the %zu lines above, %zu times in all\n", k,
			    t);
		i += k * (t >= TIMES_MIN ? t : 1);
	}
	free(line);
}
