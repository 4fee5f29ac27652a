/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef WORKLOAD_WORK_FS_H
#define WORKLOAD_WORK_FS_H

/*
 * What programs make a file system do to its blocks: a layout, loads on it,
 * and a walk that says one block after another.
 *
 * Every operation looks a file up, which touches a block of its directory
 * and one of inodes, perhaps an allocation map, and may read it, all of it
 * in order or one block anywhere, past indirect blocks where there are any.
 * All but the data is metadata.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/prng.h"

struct fs_load {
	const char *name;
	const char *what;
	uint32_t files;
	uint32_t bytes; /* of each file */
	unsigned read;	/* of a hundred lookups, those that read the file */
	bool random;	/* one block anywhere instead of all */
	bool allocates; /* touches the allocation map too */
};

/* Ended by a row without a name. */
extern const struct fs_load eph__fs_loads[];

struct fs_walk {
	const struct fs_load *load;
	struct prng rng;
	uint32_t block_bytes;
	unsigned stage;
	uint32_t file;
	uint32_t at;	  /* block of the file */
	uint32_t end;	  /* of what is read of it */
	bool at_indirect; /* its indirect block was touched */
};

struct fs_ref {
	uint64_t blkno;
	bool meta;
};

void eph__fs_walk_init(struct fs_walk *fw, const struct fs_load *load,
    uint32_t block_bytes, uint64_t seed, uint64_t stream);
struct fs_ref eph__fs_walk_next(struct fs_walk *fw);

#endif /* !WORKLOAD_WORK_FS_H */
