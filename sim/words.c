/* SPDX-License-Identifier: BSD-2-Clause */

#include "words.h"

#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "table.h"

void
words_free(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->word[i]);
	free(w->word);
	w->n = 0;
	w->word = NULL;
}

/* Is the last word there before? */
static int
words_repeated(const struct words *w)
{
	for (size_t i = 0; i + 1 < w->n; i++) {
		if (strcmp(w->word[i], w->word[w->n - 1]) == 0)
			return (1);
	}
	return (0);
}

static int
words_cut_parts(
    const char *command, const char *option, const char *text, struct words *w)
{
	for (const char *p = text;; p++) {
		const size_t n = strcspn(p, ",");

		w->word = must_alloc(w->word, w->n + 1, sizeof(*w->word));
		w->word[w->n++] = must_copy(p, n);
		if (n == 0)
			return (options_refuse(command,
			    "--%s: expected a value on both sides of a comma, "
			    "got \"%s\"",
			    option, text));
		if (words_repeated(w))
			return (
			    options_refuse(command, "--%s: %s is given twice",
				option, w->word[w->n - 1]));
		p += n;
		if (*p == '\0')
			return (OPTIONS_OK);
	}
}

int
words_cut(
    const char *command, const char *option, const char *text, struct words *w)
{
	int status = OPTIONS_OK;

	w->n = 0;
	w->word = NULL;
	if (text != NULL)
		status = words_cut_parts(command, option, text, w);
	if (status != OPTIONS_OK)
		words_free(w);
	return (status);
}
