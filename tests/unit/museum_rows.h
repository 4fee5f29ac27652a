/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef MUSEUM_ROWS_H
#define MUSEUM_ROWS_H

/* Event tables as scripts; the language stands in test_museum.c. */

struct museum_row {
	const char *design;
	const char *machine; /* NULL: amd64-skylake */
	unsigned ncpus;
	unsigned nbufs;
	const char *script;
};

/* Up to one without a design; rows of a design stand together. */
extern const struct museum_row museum_rows[];

#endif /* !MUSEUM_ROWS_H */
