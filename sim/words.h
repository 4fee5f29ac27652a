/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_WORDS_H
#define SIM_WORDS_H

/* Lists by comma, as options take them. */

#include <stddef.h>

struct words {
	size_t n;
	char **word;
};

/*
 * Cut `text` at its commas; NULL gives no words.  An empty part, and a part
 * that is there twice, are refused in the name of `command` and `option`.
 * Returns an OPTIONS_* status; only after OPTIONS_OK is there anything to
 * free.
 */
int words_cut(
    const char *command, const char *option, const char *text, struct words *w);

/* Also of words that were refused, or freed before. */
void words_free(struct words *w);

#endif /* !SIM_WORDS_H */
