/* SPDX-License-Identifier: BSD-2-Clause */

#include "real_traces.h"

#include "test_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ephmap/import.h"
#include "ephmap/run.h"
#include "ephmap/trace.h"

const struct real_trace real_traces[REAL_TRACES] = {
	{ "oltp", "public/arc/OLTP.lis.zst", "arc", 4096, true },
	{ "p3", "public/arc/P3.lis.zst", "arc", 512, true },
	{ "sprite", "public/lirs/sprite.trace.gz", "lirs", 0, false },
	{ "cs", "public/lirs/cs.trace.gz", "lirs", 0, false },
	{ "multi1", "public/lirs/multi1.trace.gz", "lirs", 0, false },
	{ "2_pools", "public/lirs/2_pools.trace.gz", "lirs", 0, false },
	{ "loop", "public/lirs/loop.trace.gz", "lirs", 0, true },
};

static int
import(const char *log, size_t t, const char *to, struct eph_err *err)
{
	struct eph_import_options o = { .from = real_traces[t].from,
		.block_bytes = real_traces[t].block_bytes };
	struct eph_import_result res;
	struct eph_trace_writer *w;
	int error = eph_trace_writer_open(to, EPH_TRACE_BINARY, &w, err);

	if (error != 0)
		return (error);
	if ((error = eph_trace_import(log, &o, w, &res, err)) != 0) {
		eph_trace_writer_abort(w);
		return (error);
	}
	return (eph_trace_writer_commit(w, err));
}

static int
read_refs(const char *path, struct eph_refs *r, struct eph_err *err)
{
	struct eph_op_source source;
	struct eph_trace *trace;
	int error = eph_trace_open(path, &trace, err);

	if (error != 0)
		return (error);
	source = eph_trace_source(trace);
	if ((error = eph_refs_read(r, &source, err)) == 0)
		error = eph_refs_future(r, err);
	eph_trace_close(trace);
	return (error);
}

bool
real_trace_load(size_t t, struct eph_refs *r)
{
	const char *folder = getenv("EPHMAP_TRACES");
	char log[1024], dir[] = "golden-XXXXXX", to[64];
	struct eph_err err = { "" };
	int error;

	eph_refs_init(r);
	if (folder == NULL || (real_traces[t].slow && !test_long))
		return (false);
	(void)snprintf(log, sizeof(log), "%s/%s", folder, real_traces[t].path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	(void)snprintf(to, sizeof(to), "%s/trace", dir);
	if ((error = import(log, t, to, &err)) == 0)
		error = read_refs(to, r, &err);
	(void)unlink(to);
	(void)rmdir(dir);
	if (error != 0)
		(void)fprintf(stderr, "%s\n", err.text);
	CU_ASSERT_EQUAL_FATAL(error, 0);
	return (true);
}
