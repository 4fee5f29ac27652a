/* SPDX-License-Identifier: BSD-2-Clause */

#include "ephmap/sdk/design.h"
#include "text_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
text_run_config(const char *design, const struct eph_run_config *cfg,
    const char *lines, struct eph_run_result *res, struct eph_err *err)
{
	const char *dir = getenv("TMPDIR");
	struct eph_run_config c = *cfg;
	struct eph_op_source src;
	struct eph_trace *t = NULL;
	char path[1024];
	FILE *fp;
	int fd, error;

	(void)snprintf(path, sizeof(path), "%s/ephmapXXXXXX",
	    dir != NULL ? dir : P_tmpdir);
	fd = mkstemp(path);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	fp = fdopen(fd, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(fp);
	(void)fprintf(fp, "ephmap-trace 1\n%s", lines);
	(void)fclose(fp);
	error = eph_trace_open(path, &t, err);
	CU_ASSERT_EQUAL_FATAL(error, 0);
	src = eph_trace_source(t);
	c.design = eph_design_find(design);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c.design);
	error = eph_replay_run(&c, &src, res, err);
	eph_trace_close(t);
	(void)unlink(path);
	return (error);
}

int
text_run(const char *design, unsigned cpus, uint32_t nbufs, const char *tlb,
    const char *lines, struct eph_run_result *res)
{
	const struct eph_run_config cfg = {
		.tlb = tlb, .cpus = cpus, .nbufs = nbufs
	};
	struct eph_err err = { "" };
	const int error = text_run_config(design, &cfg, lines, res, &err);

	if (error != 0)
		(void)printf("%s: %s\n", design, err.text);
	return (error);
}
