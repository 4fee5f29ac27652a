/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A trace replayed on real threads: handles cross CPUs, some maps sleep, and
 * what does not depend on the order comes out as in lockstep.  Consumers
 * that it drives move their bytes and give everything back.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ephmap/sdk/design.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/run.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/workload.h"
#include "test_main.h"

#define CPUS	4u
#define HANDLES 200u
#define HELD	6u /* at once, in the trace; buffers are fewer */

static char path[] = "stress_replay.XXXXXX";
static char refusals[] = "stress_refused.XXXXXX";
static char left[] = "stress_left.XXXXXX";

static FILE *
start_trace(char *name)
{
	const int fd = mkstemp(name);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (f != NULL)
		(void)fprintf(f, "ephmap-trace 1\n");
	return (f);
}

/* Each handle: mapped on one CPU, used on the next, unmapped on a third. */
static int
write_trace(void)
{
	FILE *f = start_trace(path);

	if (f == NULL)
		return (1);
	for (unsigned h = 0; h < HANDLES + HELD; h++) {
		if (h >= HELD) {
			const unsigned old = h - HELD;

			(void)fprintf(f, "k %u %u\nr %u %u\nu %u %u\n",
			    (old + 1) % CPUS, old, (old + 1) % CPUS, old,
			    (old + 2) % CPUS, old);
		}
		if (h < HANDLES)
			(void)fprintf(
			    f, "m %u %u %u\n", h % CPUS, h * 7 % 11, h);
		(void)fprintf(f, "p %u %u\n", (h + 3) % CPUS, 100 + h % 5);
	}
	return (fclose(f));
}

/* Each CPU maps a page, and may use the mapping of the next CPU. */
static int
write_maps(char *name, bool use)
{
	FILE *f = start_trace(name);

	if (f == NULL)
		return (1);
	for (unsigned c = 0; c < CPUS; c++)
		(void)fprintf(f, "m %u %u %u\n", c, c, c);
	for (unsigned c = 0; c < CPUS && use; c++)
		(void)fprintf(f, "r %u %u\n", c, (c + 1) % CPUS);
	return (fclose(f));
}

static int
suite_setup(void)
{
	return (write_trace() != 0 || write_maps(refusals, true) != 0 ||
	    write_maps(left, false) != 0);
}

static int
suite_teardown(void)
{
	return (
	    unlink(path) != 0 || unlink(refusals) != 0 || unlink(left) != 0);
}

static void
replay(const char *trace, const struct eph_design_ops *d, uint32_t nbufs,
    bool threads, struct eph_run_result *res)
{
	const struct eph_run_config cfg = { .design = d,
		.tlb = "infinite",
		.cpus = CPUS,
		.nbufs = nbufs,
		.seed = 1,
		.touch = EPH_TOUCH_READ,
		.threads = threads };
	struct eph_op_source src;
	struct eph_trace *t;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL_FATAL(eph_trace_open(trace, &t, &err), 0);
	src = eph_trace_source(t);
	CU_ASSERT_EQUAL_FATAL(eph_replay_run(&cfg, &src, res, &err), 0);
	eph_trace_close(t);
}

/* Designs on which any CPU may use and unmap a mapping it was handed. */
static const char *const designs[] = { "sf_buf.uncached", "sf_buf.hash",
	"sf_buf.lru", "sf_buf.cpumask", "sf_buf.accessed", "lwbuf.objcache",
	"lwbuf.homecpu", "dmap", "emap", "kmap" };

static void
test_threads_agree_with_lockstep_where_order_does_not_matter(void)
{
	for (size_t i = 0; i < sizeof(designs) / sizeof(designs[0]); i++) {
		const struct eph_design_ops *d = eph_design_find(designs[i]);
		struct eph_run_result a, b;

		CU_ASSERT_PTR_NOT_NULL_FATAL(d);
		replay(path, d, 4, false, &a);
		replay(path, d, 4, true, &b);
		CU_ASSERT_EQUAL(a.lines, b.lines);
		CU_ASSERT_EQUAL(a.references, b.references);
		CU_ASSERT_EQUAL(b.references, HANDLES + HANDLES + HELD);
		CU_ASSERT_EQUAL(a.counters.map_calls, b.counters.map_calls);
		CU_ASSERT_EQUAL(a.counters.unmap_calls, b.counters.unmap_calls);
		CU_ASSERT_EQUAL(b.counters.map_calls,
		    b.counters.hit_active + b.counters.hit_inactive +
			b.counters.miss);
		CU_ASSERT_EQUAL(b.held_at_end, 0);
		CU_ASSERT_EQUAL(b.asleep, 0);
	}
}

static void
drive(const char *workload, const char *design)
{
	const struct eph_run_config cfg = { .design = eph_design_find(design),
		.tlb = "infinite",
		.cpus = CPUS,
		.nbufs = 4,
		.seed = 1,
		.threads = true };
	struct eph_workload wl;
	struct eph_run_result res;
	struct eph_work_result w;
	struct eph_err err = { "" };
	char text[80];

	(void)snprintf(text, sizeof(text), "%s:trace=%s", workload, path);
	CU_ASSERT_EQUAL_FATAL(eph_workload_parse(text, &wl, &err), 0);
	CU_ASSERT_EQUAL_FATAL(
	    eph_workload_run(&cfg, &wl, &res, &w, NULL, NULL, &err), 0);
	CU_ASSERT_EQUAL(w.operations, HANDLES + HANDLES + HELD);
	CU_ASSERT_EQUAL(w.checked, w.operations);
	CU_ASSERT_EQUAL(w.failures, 0);
	/* Nobody waits for the flush: another page may be seen. */
	if (strstr(cfg.design->holes, "un-acked") == NULL) {
		CU_ASSERT_EQUAL(w.corrupt, 0);
		CU_ASSERT_EQUAL(res.violations_total, 0);
	}
	CU_ASSERT_EQUAL(w.asleep + w.maps_left + w.mbufs_left, 0);
	CU_ASSERT_EQUAL(w.wires_left, w.wires_of_design);
}

static void
test_consumers_driven_by_a_trace_keep_their_bytes(void)
{
	drive("sendfile", "sf_buf.lru");
	drive("sendfile", "sf_buf.cpumask");
	/* These map for their own CPU; here no private mapping is different. */
	drive("pipe", "lwbuf.objcache");
	drive("md", "sf_buf.hash");
	drive("ptrace", "kmap");
}

static void
test_what_needs_trace_time_is_refused(void)
{
	struct eph_run_config cfg = { .design = eph_design_find("dmap"),
		.cpus = CPUS,
		.hold_ns = 1,
		.threads = true };
	struct eph_op_source src = { 0 };
	struct eph_run_result res;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL(eph_replay_run(&cfg, &src, &res, &err), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "lockstep"));
}

static void
refuse(void *arg)
{
	struct eph_machine *mc = arg;

	(void)eph_machine_refuse(mc, "CPU %u refuses", eph_curcpu(mc)->id);
}

/* Nothing orders the CPUs here, so TSan sees any two that write. */
static void
test_the_first_refusal_is_kept(void)
{
	const struct eph_machine_config cfg = { .ncpus = CPUS };
	struct eph_machine *mc;
	struct eph_err err;
	unsigned cpu;

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &mc, &err), 0);
	CU_ASSERT_EQUAL_FATAL(eph_threads_attach(mc), 0);
	for (unsigned c = 0; c < CPUS; c++)
		CU_ASSERT_PTR_NOT_NULL(eph_thread_create(mc, c, refuse, mc));
	CU_ASSERT_EQUAL(eph_run(mc), 0);
	CU_ASSERT_EQUAL(sscanf(mc->refusal, "CPU %u refuses", &cpu), 1);
	CU_ASSERT_EQUAL(mc->refused, cpu + 1);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

/* A trace may end with mappings held, on a design that then holds its CPU. */
static void
test_a_mapping_that_is_left_is_counted(void)
{
	static const char *const held[] = { "kmap_atomic", "kmap_atomic.24",
		"kmap_local", "mapwindow", "dmap" };

	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		struct eph_run_result res;

		replay(left, eph_design_find(held[i]), 4, true, &res);
		CU_ASSERT_EQUAL(res.held_at_end, CPUS);
		CU_ASSERT_EQUAL(res.counters.map_calls, CPUS);
	}
}

/*
 * Every line that touches a mapping of another CPU is refused, on all CPUs
 * at about the same time: one reason comes out whole, with its own line.
 */
static void
test_one_of_many_refusals_is_told(void)
{
	const struct eph_run_config cfg = { .design =
						eph_design_find("kmap_atomic"),
		.cpus = CPUS,
		.touch = EPH_TOUCH_READ,
		.threads = true };
	unsigned op, owner, user;

	for (unsigned round = 0; round < 20; round++) {
		struct eph_op_source src;
		struct eph_run_result res;
		struct eph_trace *t;
		struct eph_err err = { "" };

		CU_ASSERT_EQUAL_FATAL(eph_trace_open(refusals, &t, &err), 0);
		src = eph_trace_source(t);
		CU_ASSERT_EQUAL(
		    eph_replay_run(&cfg, &src, &res, &err), ENOTSUP);
		eph_trace_close(t);
		if (sscanf(err.text,
			"operation %u of the trace: kmap_atomic cannot do "
			"this: a mapping of CPU %u cannot be used on CPU %u",
			&op, &owner, &user) != 3) {
			CU_FAIL("no reason was told");
			continue;
		}
		CU_ASSERT_EQUAL(op, CPUS + 1 + user);
		CU_ASSERT_EQUAL(owner, (user + 1) % CPUS);
	}
}

static CU_TestInfo tests[] = {
	TEST(test_threads_agree_with_lockstep_where_order_does_not_matter),
	TEST(test_consumers_driven_by_a_trace_keep_their_bytes),
	TEST(test_what_needs_trace_time_is_refused),
	TEST(test_the_first_refusal_is_kept),
	TEST(test_a_mapping_that_is_left_is_counted),
	TEST(test_one_of_many_refusals_is_told),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "stress: replay on real threads",
	    .pInitFunc = suite_setup,
	    .pCleanupFunc = suite_teardown,
	    .pTests = tests },
	CU_SUITE_INFO_NULL,
};
