/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_TABLE_IMPL_H
#define SIM_TABLE_IMPL_H

/* What a table is, for those who fill and who print it. */

#include <stddef.h>

enum row_kind { ROW_CELLS, ROW_RULE };

struct row {
	enum row_kind kind;
	unsigned ncells;
	char **cell;
	char *rest; /* after the last cell; NULL: none */
};

struct table {
	char *align;
	unsigned ncols;
	unsigned keys; /* leading columns that name a row */
	size_t nrows;
	struct row *rows;
};

#endif /* !SIM_TABLE_IMPL_H */
