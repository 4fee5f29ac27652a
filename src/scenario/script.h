/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SCENARIO_SCRIPT_H
#define SCENARIO_SCRIPT_H

/*
 * A scenario that was read from a text file: blocks of steps, one for each
 * thread and handler.  script_read.c reads it, script.c plays it.
 */

#include "ephmap/explore.h"
#include "ephmap/sdk/scenario.h"

#define SCRIPT_BYTES  65536u /* of a file */
#define SCRIPT_STEPS  1024u
#define SCRIPT_BLOCKS 48u
#define SCRIPT_NAMES  64u /* of mappings, and of flags */
#define SCRIPT_NAME   32u /* bytes of a name, with NUL */
#define SCRIPT_NEST   4u  /* repeats in one another */
#define SCRIPT_REPEAT 1000u

enum script_op {
	SCRIPT_MAP,	  /* a: mapping, b: page */
	SCRIPT_TOUCH,	  /* a: mapping */
	SCRIPT_STORE,	  /* a: mapping */
	SCRIPT_UNMAP,	  /* a: mapping */
	SCRIPT_SET,	  /* a: flag, b: its new value */
	SCRIPT_WAIT,	  /* a: flag, b: the value waited for */
	SCRIPT_INTERRUPT, /* a: handler, a block; b: CPU */
	SCRIPT_AGAIN,	  /* a: times */
	SCRIPT_END,	  /* b: number of the AGAIN */
};

struct script_step {
	uint8_t op;
	uint8_t flags; /* map: SFB_* */
	uint16_t line;
	uint32_t a;
	uint32_t b;
};

struct script_block {
	char name[SCRIPT_NAME]; /* of a handler; "": a thread */
	unsigned cpu;		/* of a thread */
	uint32_t cpus;		/* that it may run on */
	unsigned line;
	uint16_t first, end; /* steps */
};

struct script_name {
	char name[SCRIPT_NAME];
	unsigned line; /* where it was used first */
	uint32_t cpus; /* mapping: on which it is used */
	bool made;     /* a block maps it, or sets it */
};

struct script {
	struct eph_scenario scenario; /* first: this is what others see */
	char path[256];
	struct script_step step[SCRIPT_STEPS];
	struct script_block block[SCRIPT_BLOCKS];
	struct script_name mapping[SCRIPT_NAMES];
	struct script_name flag[SCRIPT_NAMES];
	unsigned nsteps, nblocks, nmappings, nflags;
};

/*
 * Read a script from `n` bytes of text, which is called `path` in messages.
 * Returns 0 with *sp to be freed with free(), or EINVAL or ENOMEM.
 */
int eph__script_parse(const char *path, const char *text, size_t n,
    struct script **sp, struct eph_err *err);

/* The setup slot of its scenario. */
int eph__script_setup(struct eph_xp *x);

#endif /* !SCENARIO_SCRIPT_H */
