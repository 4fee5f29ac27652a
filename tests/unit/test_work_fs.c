/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Loads of a file system, and what a buffer cache under them maps.
 */

#include <string.h>

#include "ephmap/sdk/design.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/workload.h"
#include "test_main.h"
#include "workload/work_fs.h"

#define BLOCK 16384u

static const struct fs_load *
load_of(const char *name)
{
	const struct fs_load *l = eph__fs_loads;

	while (l->name != NULL && strcmp(l->name, name) != 0)
		l++;
	return (l);
}

static void
a_lookup_is_directory_and_inode(void)
{
	struct fs_walk fw;

	eph__fs_walk_init(&fw, load_of("find"), BLOCK, 1, 0);
	for (unsigned i = 0; i < 1000; i++) {
		const struct fs_ref dir = eph__fs_walk_next(&fw);
		const struct fs_ref inode = eph__fs_walk_next(&fw);

		CU_ASSERT(dir.meta && inode.meta);
		/* 16 maps; 8,000 entries of 128 bytes; inodes of 256. */
		CU_ASSERT_EQUAL(dir.blkno, 16 + fw.file / 128);
		CU_ASSERT_EQUAL(inode.blkno, 16 + 63 + fw.file / 64);
	}
}

static void
a_file_is_read_in_order_past_its_indirect_blocks(void)
{
	struct fs_walk fw;
	struct fs_ref ref;
	uint64_t first = 0;

	/* 2,048 blocks; 2,048 pointers in an indirect block. */
	eph__fs_walk_init(&fw, load_of("large"), BLOCK, 1, 0);
	(void)eph__fs_walk_next(&fw);
	(void)eph__fs_walk_next(&fw);
	for (unsigned i = 0; i < 2048; i++) {
		ref = eph__fs_walk_next(&fw);
		if (i >= 12) {
			CU_ASSERT(ref.meta);
			CU_ASSERT_EQUAL(ref.blkno, 16 + 1 + 1 + 2 * fw.file);
			ref = eph__fs_walk_next(&fw);
		}
		CU_ASSERT_FALSE(ref.meta);
		if (i == 0)
			first = ref.blkno;
		CU_ASSERT_EQUAL(ref.blkno, first + i);
	}
	CU_ASSERT_EQUAL(first, 16 + 1 + 1 + 2 * 4 + 2048 * fw.file);
	CU_ASSERT(eph__fs_walk_next(&fw).blkno == 16);
}

/* Blocks of smaller size hold less, and no block is two things. */
static void
no_block_is_both_data_and_metadata(void)
{
	for (const struct fs_load *l = eph__fs_loads; l->name != NULL; l++) {
		for (uint32_t bytes = 4096; bytes <= 65536; bytes *= 4) {
			uint64_t most_meta = 0, least_data = UINT64_MAX;
			struct fs_walk fw;

			eph__fs_walk_init(&fw, l, bytes, 1, 0);
			for (unsigned i = 0; i < 20000; i++) {
				const struct fs_ref ref =
				    eph__fs_walk_next(&fw);

				if (ref.meta && ref.blkno > most_meta)
					most_meta = ref.blkno;
				if (!ref.meta && ref.blkno < least_data)
					least_data = ref.blkno;
			}
			CU_ASSERT(most_meta < least_data);
		}
	}
}

static void
play(const char *text, struct eph_work_result *work)
{
	const struct eph_run_config cfg = { .design = eph_design_find(
						"sf_buf.accessed"),
		.cpus = 2,
		.nbufs = 256,
		.seed = 1 };
	struct eph_run_result run;
	struct eph_workload wl;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL_FATAL(eph_workload_parse(text, &wl, &err), 0);
	CU_ASSERT_EQUAL_FATAL(
	    eph_workload_run(&cfg, &wl, &run, work, NULL, NULL, &err), 0);
	CU_ASSERT_EQUAL(work->corrupt, 0);
	CU_ASSERT_EQUAL(work->maps_left, 0);
	CU_ASSERT_EQUAL(run.violations_total, 0);
}

static uint64_t
fact(const struct eph_work_result *work, const char *name)
{
	for (unsigned i = 0; i < work->nfacts; i++) {
		if (strcmp(work->fact[i].name, name) == 0)
			return (work->fact[i].value);
	}
	CU_FAIL("no such fact");
	return (0);
}

static void
only_a_cache_mapped_always_maps_data(void)
{
	struct eph_work_result all, some;

	play("bufcache:load=web,map=always,ops=2000", &all);
	play("bufcache:load=web,map=demand,ops=2000", &some);
	CU_ASSERT_EQUAL(
	    fact(&all, "device_reads"), fact(&some, "device_reads"));
	/* Each block that is read gets addresses for its four pages. */
	CU_ASSERT_EQUAL(
	    fact(&all, "kva_data_mapped") + fact(&all, "kva_meta_mapped"),
	    4 * fact(&all, "device_reads"));
	CU_ASSERT_EQUAL(fact(&all, "kva_pages_peak"), 64);
	CU_ASSERT(
	    fact(&all, "kva_data_mean") + fact(&all, "kva_meta_mean") >= 62);
	CU_ASSERT_EQUAL(fact(&some, "kva_data_mapped"), 0);
	CU_ASSERT_EQUAL(fact(&some, "kva_data_mean"), 0);
	CU_ASSERT_EQUAL(
	    fact(&some, "kva_meta_mapped"), fact(&all, "kva_meta_mapped"));
	CU_ASSERT_EQUAL(
	    fact(&some, "kva_meta_mean"), fact(&all, "kva_meta_mean"));
	CU_ASSERT(fact(&some, "kva_meta_mean") > 0);
}

static void
a_database_reads_one_block_for_three_of_metadata(void)
{
	struct eph_work_result work;

	play("bufcache:load=database,procs=1,ops=4000,contents=stamp", &work);
	CU_ASSERT_EQUAL(fact(&work, "uses_passed"), 1000);
	CU_ASSERT_EQUAL(fact(&work, "uses_meta"), 3000);
	play("bufcache:load=database,procs=1,ops=4000,copy=100,map=demand",
	    &work);
	CU_ASSERT_EQUAL(fact(&work, "uses_copied"), 1000);
	/* read(2) compares every page of the block. */
	CU_ASSERT_EQUAL(work.checked, 3000 + 4 * 1000);
}

static CU_TestInfo tests[] = {
	TEST(a_lookup_is_directory_and_inode),
	TEST(a_file_is_read_in_order_past_its_indirect_blocks),
	TEST(no_block_is_both_data_and_metadata),
	TEST(only_a_cache_mapped_always_maps_data),
	TEST(a_database_reads_one_block_for_three_of_metadata),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "file system loads", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
