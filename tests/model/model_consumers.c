/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Every consumer on every design it applies to: what goes in comes out, no
 * use is stale, nothing is left behind.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ephmap/sdk/design.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/workload.h"
#include "temp_file.h"
#include "test_main.h"
#include "wrong_design.h"

/* Small forms of each workload; every mode of it is there. */
static const char *const small[] = {
	"pipe:mode=copy,bytes=100000,bs=5000,rbs=3000",
	"pipe:mode=kmem,bytes=192K",
	"pipe:mode=sfbuf1,bytes=192K",
	"pipe:mode=sfbuf1,bytes=300001,bs=20000,rbs=7000",
	"pipe:mode=sfbuf2,bytes=192K,pipes=2",
	"pipe:mode=sfbuf3,bytes=192K,buffers=3",
	"pipe:mode=sfbuf1,bytes=192K,pipes=3,contents=stamp",
	"md:size=256K,bs=16K",
	"md:size=256K,bs=3584,readers=3,order=random",
	"md:size=512K,readers=2,contents=stamp",
	"exec:execs=30",
	"exec:execs=30,form=freebsd,procs=9",
	"ptrace:calls=5,pages=8",
	"ptrace:calls=5,pages=8,writes=0",
	"pager:pages=20",
	"pager:pages=20,bsize=4096,procs=3,tail=4096",
	"rawio:device=dma,bs=32K,blocks=8",
	"rawio:device=pio,bs=10000,blocks=8",
	"rawio:device=vfs,bs=10000,blocks=8,procs=3",
	"rawio:device=dma,bs=32K,blocks=8,overwrite=yes",
	"rawio:device=pio,bs=32K,blocks=8,overwrite=yes,contents=stamp",
	"sendfile:conns=5,requests=4,files=4",
	"sendfile:form=freebsd,conns=5,requests=4,files=4,pick=turn",
	"sendfile:form=freebsd,join=no,conns=6,requests=3,csum=dma,size=10001",
	"sendfile:conns=5,requests=2,files=4,rate=4M,rtt=200000,mss=1460",
	"sendfile:form=freebsd,conns=9,requests=2,rtt=200000,stress=frag",
	"sendfile:conns=4,requests=4,stress=both,alloc=global,header=0",
	"sendfile:conns=4,requests=4,stress=frag,alloc=mb_alloc,pick=own",
	"zerocopy:writes=10",
	"zerocopy:writes=10,bs=10001,csum=dma",
	"bufcache:ops=100",
	"bufcache:ops=100,map=demand,copy=30,meta=30",
	"bufcache:ops=40,map=demand,copy=50,meta=0",
	"bufcache:ops=100,load=mail,map=demand,copy=30",
	"bufcache:ops=300,load=build,bufpages=2,contents=stamp",
	"msg:msgs=8",
	"msg:msgs=20,by=copy,look=first,bs=5000",
	"cluster:size=100001,block=32768",
	"cluster:size=100001,by=data,procs=3",
	"cluster:size=100001,block=32768,look=yes",
	NULL,
};

static int
run(const char *text, const struct eph_design_ops *design, uint32_t nbufs,
    struct eph_run_result *res, struct eph_work_result *wres,
    struct eph_err *err)
{
	struct eph_workload wl;
	struct eph_run_config cfg = { .design = design,
		.tlb = "infinite",
		.cpus = 4,
		.nbufs = nbufs,
		.seed = 1 };

	err->text[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(eph_workload_parse(text, &wl, err), 0);
	return (eph_workload_run(&cfg, &wl, res, wres, NULL, NULL, err));
}

static bool
refuses(const char *text, const struct eph_design_ops *design)
{
	struct eph_workload wl;
	struct eph_err err;

	CU_ASSERT_EQUAL_FATAL(eph_workload_parse(text, &wl, &err), 0);
	return (eph_workload_refuses(&wl, design) != NULL);
}

/* What must hold at the end of a run, whatever the design. */
static bool
sound(const struct eph_run_result *res, const struct eph_work_result *wres)
{
	return (wres->corrupt == 0 && res->violations_total == 0 &&
	    wres->asleep == 0 && wres->maps_left == 0 &&
	    wres->holds_left == 0 && wres->mbufs_left == 0 &&
	    wres->bytes_left == 0 &&
	    wres->wires_left == wres->wires_of_design + wres->wires_of_history);
}

static void
every_consumer_on_every_design(void)
{
	unsigned ran = 0;

	for (size_t i = 0; small[i] != NULL; i++) {
		for (size_t k = 0; eph_designs[k] != NULL; k++) {
			struct eph_run_result res;
			struct eph_work_result wres;
			struct eph_err err;
			const int error = run(
			    small[i], eph_designs[k], 64, &res, &wres, &err);

			if ((error == ENOTSUP &&
				refuses(small[i], eph_designs[k])) ||
			    (eph_designs[k]->flags & EPH_DESIGN_UNSAFE) != 0)
				continue;
			ran++;
			CU_ASSERT_EQUAL(error, 0);
			CU_ASSERT(sound(&res, &wres));
			CU_ASSERT(wres.checked > 0);
			CU_ASSERT(wres.bytes > 0);
			if (strstr(small[i], "stress=both") == NULL &&
			    (eph_designs[k]->flags & EPH_DESIGN_FAILS) == 0)
				CU_ASSERT_EQUAL(wres.failures, 0);
			if (error != 0 || !sound(&res, &wres))
				(void)fprintf(stderr, "\n%s on %s: %s%s",
				    small[i], eph_designs[k]->name, err.text,
				    res.violations > 0 ? res.violation[0].text
						       : "");
		}
	}
	CU_ASSERT(ran > 100);
}

#define LOCKS_A_PAGE 100u /* what the dearest consumer takes, and some */

/*
 * Bytes move by the page, or by what a call asks for: not one at a time, each
 * with a hold of its page that is then priced.
 */
static void
no_consumer_moves_byte_by_byte(void)
{
	for (size_t i = 0; small[i] != NULL; i++) {
		struct eph_run_result res;
		struct eph_work_result wres;
		struct eph_err err;
		uint64_t pages, locks;

		CU_ASSERT_EQUAL_FATAL(
		    run(small[i], eph_design_find("sf_buf.lru"), 64, &res,
			&wres, &err),
		    0);
		pages = wres.bytes / EPH_PAGE_SIZE + wres.operations;
		locks = res.counters.lock_acquire;
		CU_ASSERT(locks <= LOCKS_A_PAGE * pages);
		if (locks > LOCKS_A_PAGE * pages)
			(void)fprintf(stderr,
			    "\n%s: %" PRIu64 " locks for %" PRIu64
			    " pages and calls",
			    small[i], locks, pages);
	}
}

static void
a_wrong_mapping_fails_the_checksum_and_the_oracle(void)
{
	/*
	 * Who also writes through the wrong mapping may read back what he
	 * wrote: then only the oracle sees it.
	 */
	static const struct {
		const char *text;
		bool writes;
	} on[] = {
		{ "sendfile:files=2,pick=turn", false },
		{ "sendfile:form=freebsd,files=2,pick=turn,header=0", false },
		{ "zerocopy:writes=10", false },
		{ "pipe:bytes=128K", false },
		{ "md:size=64K", true },
		{ "exec:execs=30", false },
		{ "ptrace:calls=20,pages=8,writes=0", false },
		{ "bufcache:map=demand,meta=0,copy=100,ops=100", false },
		{ "rawio:device=pio,blocks=4", true },
		{ "msg:msgs=4", false },
		{ "cluster:by=data,size=64K", true },
	};
	static const struct eph_design_ops *const wrong[] = { &wrong_stale,
		&wrong_neighbour };

	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		for (size_t d = 0; d < 2; d++) {
			struct eph_run_result res;
			struct eph_work_result w;
			struct eph_err err;
			bool seen;

			CU_ASSERT_EQUAL(
			    run(on[i].text, wrong[d], 8, &res, &w, &err), 0);
			seen = (w.corrupt > 0 || on[i].writes) &&
			    res.violations_total > 0;
			CU_ASSERT(seen);
			if (!seen)
				(void)fprintf(stderr,
				    "\n%s on %s: corrupt %ju, violations %ju",
				    on[i].text, wrong[d]->name,
				    (uintmax_t)w.corrupt,
				    (uintmax_t)res.violations_total);
		}
	}
}

/* References of a capture, or with --long the capture. */
static FILE *
few(struct temp_dir *tmp)
{
	FILE *f;

	CU_ASSERT_EQUAL_FATAL(temp_dir_make(tmp), 0);
	f = fopen(temp_path(tmp, "few"), "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	(void)fputs("ephmap-trace 1\n", f);
	return (f);
}

/* Recorded holds, and real bytes: each page is held for 20 references. */
static void
a_trace_drives_sendfile(void)
{
	const uint64_t refs = test_long ? 154929 : 600;
	struct eph_run_result res;
	struct eph_work_result wres;
	struct temp_dir tmp;
	struct eph_err err;
	char text[600];
	FILE *f = few(&tmp);

	for (unsigned i = 0; i < 620; i++) {
		if (i < 600)
			(void)fprintf(f, "m %u %u %u\nd 1000\n", i % 4,
			    i * i % 37, i + 1);
		if (i >= 20)
			(void)fprintf(f, "u %u %u\n", i % 4, i - 19);
	}
	(void)fclose(f);
	(void)snprintf(text, sizeof(text), "sendfile:trace=%s",
	    test_long ? SAMPLES "/nginx-hold.ept" : tmp.path);
	CU_ASSERT_EQUAL(run(text, eph_design_find("sf_buf.uncached"), 6656,
			    &res, &wres, &err),
	    0);
	(void)temp_dir_remove(&tmp);
	CU_ASSERT_EQUAL(res.buffers_peak, test_long ? 6211 : 21);
	/* The first 20 find fewer. */
	CU_ASSERT_DOUBLE_EQUAL(
	    res.buffers_mean, test_long ? 3084 : 20.65, test_long ? 1 : 0.001);
	CU_ASSERT_EQUAL(wres.operations, refs);
	CU_ASSERT_EQUAL(wres.checked, refs);
	CU_ASSERT(sound(&res, &wres));
}

static void
a_trace_drives_a_pipe(void)
{
	struct eph_run_result res;
	struct eph_work_result wres;
	struct temp_dir tmp;
	struct eph_err err;
	char text[600];
	FILE *f = few(&tmp);

	for (unsigned i = 0; i < 500; i++)
		(void)fprintf(f, "p %u %u\n", i % 4, i * i % 37);
	(void)fclose(f);
	(void)snprintf(text, sizeof(text), "pipe:trace=%s",
	    test_long ? SAMPLES "/nginx-nasa.ept" : tmp.path);
	CU_ASSERT_EQUAL(run(text, eph_design_find("sf_buf.cpumask"), 1024, &res,
			    &wres, &err),
	    0);
	(void)temp_dir_remove(&tmp);
	CU_ASSERT(wres.checked > 0);
	CU_ASSERT_EQUAL(res.counters.ipi_sent, 0);
	CU_ASSERT(sound(&res, &wres));
}

static void
refused(const char *text, const char *why)
{
	struct eph_workload wl;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL(eph_workload_parse(text, &wl, &err), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, why));
	if (strstr(err.text, why) == NULL)
		(void)fprintf(stderr, "\n%s: %s", text, err.text);
}

static void
bad_parameters_are_refused(void)
{
	struct eph_workload wl;
	struct eph_err err;

	refused("pip", "unknown workload");
	refused("pipe:", "unknown parameter");
	refused("pipe:bs", "expected bs=VALUE");
	refused("pipe:bs=", "expected a number");
	refused("pipe:bs=0", "from 1 to");
	refused("pipe:bs=12x", "expected a number");
	refused("pipe:bs=99999999999999999999", "expected a number");
	refused("pipe:bs=1,bs=2", "given twice");
	refused("pipe:nix=1", "it has mode, bs");
	refused("pipe:mode=none", "expected copy, kmem");
	refused("exec:trace=x", "cannot be driven by a trace");
	CU_ASSERT_EQUAL(eph_workload_parse("md:size=2M,bs=8K", &wl, &err), 0);
	CU_ASSERT_EQUAL(wl.value[0], 2u << 20);
	CU_ASSERT_EQUAL(wl.value[1], 8192);
}

static CU_TestInfo consumer_tests[] = {
	TEST(every_consumer_on_every_design),
	TEST(no_consumer_moves_byte_by_byte),
	TEST(a_wrong_mapping_fails_the_checksum_and_the_oracle),
	TEST(a_trace_drives_sendfile),
	TEST(a_trace_drives_a_pipe),
	TEST(bad_parameters_are_refused),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "consumers", NULL, NULL, NULL, NULL, consumer_tests },
	CU_SUITE_INFO_NULL,
};
