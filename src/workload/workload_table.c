/* SPDX-License-Identifier: BSD-2-Clause */

/* The table of workloads. */

#include "workload/work.h"
#include "base/find.h"

const struct eph_workload_ops *const eph_workloads[] = {
	&eph__work_sendfile,
	&eph__work_zerocopy,
	&eph__work_pipe,
	&eph__work_md,
	&eph__work_exec,
	&eph__work_ptrace,
	&eph__work_pager,
	&eph__work_bufcache,
	&eph__work_rawio,
	&eph__work_msg,
	&eph__work_cluster,
	NULL,
};

const struct eph_workload_ops *
eph_workload_find(const char *name)
{
	return (FIND_ROW(eph_workloads, name));
}
