/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/find.h"

#include <string.h>

const void *
eph__find_row(const void *rows, size_t name_at, const char *wanted)
{
	const char *name;
	const char *row;

	for (size_t i = 0;; i++) {
		memcpy(&row, (const char *)rows + i * sizeof(row), sizeof(row));
		if (row == NULL)
			return (NULL);
		memcpy(&name, row + name_at, sizeof(name));
		if (strcmp(name, wanted) == 0)
			return (row);
	}
}
