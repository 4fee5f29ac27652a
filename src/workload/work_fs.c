/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The layout, in this order: allocation maps, directories, inodes, indirect
 * blocks, data.
 */

#include "workload/work_fs.h"

#include <string.h>

#define INODE_BYTES   256u
#define DIRENT_BYTES  128u
#define POINTER_BYTES 8u
#define DIRECT_BLOCKS 12u
#define MAPS	      16u

#define KIB 1024u
#define MIB (1024u * KIB)

const struct fs_load eph__fs_loads[] = {
	{ "large", "large files read in order", 4, 32 * MIB, 100, false,
	    false },
	{ "database", "random blocks of a 256 MiB file", 1, 256 * MIB, 100,
	    true, false },
	{ "build", "sources looked up, one in five read", 4000, 32 * KIB, 20,
	    false, false },
	{ "web", "files of 64 KiB served", 2000, 64 * KIB, 100, false, false },
	{ "mail", "small files made and deleted", 8000, 16 * KIB, 100, false,
	    true },
	{ "find", "directories and inodes only", 8000, 16 * KIB, 0, false,
	    false },
	{ NULL, NULL, 0, 0, 0, false, false },
};

enum { LOOK_UP, READ_INODE, USE_MAP, READ_FILE };

void
eph__fs_walk_init(struct fs_walk *fw, const struct fs_load *load,
    uint32_t block_bytes, uint64_t seed, uint64_t stream)
{
	memset(fw, 0, sizeof(*fw));
	fw->load = load;
	fw->block_bytes = block_bytes;
	fw->stage = LOOK_UP;
	eph__prng_init(&fw->rng, seed, stream);
}

static uint32_t
blocks_of_file(const struct fs_walk *fw)
{
	return ((fw->load->bytes + fw->block_bytes - 1) / fw->block_bytes);
}

static uint32_t
pointers(const struct fs_walk *fw)
{
	return (fw->block_bytes / POINTER_BYTES);
}

/* Where each kind of block starts. */

static uint64_t
first_inode(const struct fs_walk *fw)
{
	return (MAPS +
	    (uint64_t)fw->load->files * DIRENT_BYTES / fw->block_bytes + 1);
}

static uint64_t
first_indirect(const struct fs_walk *fw)
{
	return (first_inode(fw) +
	    (uint64_t)fw->load->files * INODE_BYTES / fw->block_bytes + 1);
}

static uint64_t
indirects(const struct fs_walk *fw)
{
	return (blocks_of_file(fw) / pointers(fw) + 1);
}

static struct fs_ref
meta_ref(uint64_t blkno)
{
	return ((struct fs_ref){ blkno, true });
}

/* What of the file will be read, if anything. */
static void
choose_blocks(struct fs_walk *fw)
{
	const uint32_t blocks = blocks_of_file(fw);

	fw->stage = LOOK_UP;
	if (prng_below(&fw->rng, 100) >= fw->load->read)
		return;
	fw->stage = READ_FILE;
	fw->at = fw->load->random ? prng_below(&fw->rng, blocks) : 0;
	fw->end = fw->load->random ? fw->at + 1 : blocks;
	fw->at_indirect = false;
}

static struct fs_ref
next_of_file(struct fs_walk *fw)
{
	const uint64_t data =
	    first_indirect(fw) + fw->load->files * indirects(fw);
	struct fs_ref ref;

	if (fw->at >= DIRECT_BLOCKS && !fw->at_indirect) {
		fw->at_indirect = true;
		return (meta_ref(first_indirect(fw) + fw->file * indirects(fw) +
		    fw->at / pointers(fw)));
	}
	ref.blkno = data + (uint64_t)fw->file * blocks_of_file(fw) + fw->at;
	ref.meta = false;
	fw->at_indirect = false;
	if (++fw->at == fw->end)
		fw->stage = LOOK_UP;
	return (ref);
}

struct fs_ref
eph__fs_walk_next(struct fs_walk *fw)
{
	for (;;) {
		switch (fw->stage) {
		case LOOK_UP:
			fw->file = prng_below(&fw->rng, fw->load->files);
			fw->stage = READ_INODE;
			return (meta_ref(MAPS +
			    (uint64_t)fw->file * DIRENT_BYTES /
				fw->block_bytes));
		case READ_INODE:
			fw->stage = USE_MAP;
			return (meta_ref(first_inode(fw) +
			    (uint64_t)fw->file * INODE_BYTES /
				fw->block_bytes));
		case USE_MAP:
			choose_blocks(fw);
			if (fw->load->allocates)
				return (meta_ref(fw->file % MAPS));
			break;
		default:
			return (next_of_file(fw));
		}
	}
}
