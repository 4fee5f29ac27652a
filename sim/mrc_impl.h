/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_MRC_IMPL_H
#define SIM_MRC_IMPL_H

/* What the files of `ephmap mrc' share; see cmd_mrc.c. */

#include "command.h"
#include "options.h"
#include "plot.h"
#include "setup.h"
#include "table.h"

#include "ephmap/mrc.h"

struct mrc {
	struct setup s;

	struct eph_policy_choice *choice;
	size_t npolicies;
	const struct eph_policy_ops **policies; /* the choice, as the */
	const char **params;			/* library wants it */
	uint32_t *sizes;
	size_t nsizes;
};

/* Settle the sizes, for a trace of `pages'; OPTIONS_OK or OPTIONS_BAD. */
int mrc_find_sizes(struct mrc *m, uint64_t pages);

/* Draw curves over the sizes; an exit status, with a message printed. */
int mrc_draw_sizes(const struct mrc *m, const char *title, const char *what,
    const char *const *names, size_t nlines, plot_value_fn *value,
    const void *arg);

/* Events of a design, by number of buffers; an exit status. */
int mrc_events(struct mrc *m, struct eph_trace *trace);

#endif /* !SIM_MRC_IMPL_H */
