/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_SPEC_H
#define SIM_SPEC_H

/*
 * A file of options: lines `option = value', as ephmap-sweep(5) describes.
 */

#include "options.h"

struct spec {
	int argc;
	char **argv; /* argv[0], options, operands; ended by NULL */
};

/*
 * Read `path' and parse what it says together with the `typed' options,
 * which win.  Returns as options_parse(); spec_free() follows either, and
 * not before the options are done with.
 */
int spec_read(const char *path, const struct opts *typed, struct opts *o,
    struct spec *spec);
void spec_free(struct spec *spec);

#endif /* !SIM_SPEC_H */
