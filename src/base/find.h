/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef BASE_FIND_H
#define BASE_FIND_H

/*
 * The row of a NULL-terminated table of rows whose `name` is `wanted`, or
 * NULL; to be returned as it is.  Tables have some tens of rows.
 */

#include <stddef.h>

#define FIND_ROW(rows, wanted)                                                 \
	eph__find_row((rows), offsetof(__typeof__(*(rows)[0]), name), (wanted))

const void *eph__find_row(const void *rows, size_t name_at, const char *wanted);

#endif /* !BASE_FIND_H */
