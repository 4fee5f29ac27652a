/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_SPEC_H
#define SIM_SPEC_H

/*
 * A file of options: lines `option = value', as ephmap-sweep(5) describes.
 */

#include "options.h"

struct spec {
	size_t n;
	char **text; /* that the options point to */
};

/*
 * Read what `path' says into *o, together with the `typed' options, which
 * win.  Messages about a value name its line, also those that come later
 * (opt_as()).  Returns as options_parse(); spec_free() follows either, and
 * not before the options are done with.
 */
int spec_read(const char *path, const struct opts *typed, struct opts *o,
    struct spec *spec);
void spec_free(struct spec *spec);

#endif /* !SIM_SPEC_H */
