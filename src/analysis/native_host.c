/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What playing takes of the host.
 *
 * Adjacent slots map two files in turn, with the same contents: neighbours
 * never merge into one mapping of the host's, for which it would fill a
 * neighbour's entry on its own (fault-around).  A page that stays mapped on
 * each side of the window keeps its page-table page.
 */

#ifdef __linux__

#define _GNU_SOURCE

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analysis/native_impl.h"

#define BYTES_MAX (UINT64_C(2) << 30) /* of the two files */

/* Two files with the frames' numbers in their pages. */
int
eph__native_files(struct native *n, struct eph_err *err)
{
	const uint64_t bytes = (uint64_t)n->plan->nframes * n->page;

	if (2 * bytes > BYTES_MAX)
		return (eph_err_set(err, EFBIG,
		    "%" PRIu32 " frames need %" PRIu64
		    " MiB of memory here; at most %" PRIu64 " are used",
		    n->plan->nframes, 2 * bytes >> 20, BYTES_MAX >> 20));
	for (int f = 0; f < 2; f++) {
		char *p;

		n->fd[f] = memfd_create("ephmap frames", MFD_CLOEXEC);
		if (n->fd[f] < 0 || ftruncate(n->fd[f], (off_t)bytes) != 0)
			return (eph_err_set(err, ENOMEM,
			    "no memory for the frames: %s", strerror(errno)));
		p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		    n->fd[f], 0);
		if (p == MAP_FAILED)
			return (eph_err_set(err, ENOMEM,
			    "no memory for the frames: %s", strerror(errno)));
		for (uint32_t i = 0; i < n->plan->nframes; i++)
			memcpy(p + (size_t)i * n->page, &i, sizeof(i));
		(void)munmap(p, bytes);
	}
	return (0);
}

int
eph__native_window(struct native *n, struct eph_err *err)
{
	const size_t pages = (size_t)n->plan->nslots + 2;
	FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
	unsigned long most = 65530;

	if (f != NULL) {
		if (fscanf(f, "%lu", &most) != 1)
			most = 65530;
		(void)fclose(f);
	}
	if (pages + 256 > most)
		return (eph_err_set(err, EFBIG,
		    "%" PRIu32 " addresses need as many mappings, and the "
		    "host allows %lu (vm.max_map_count)",
		    n->plan->nslots, most));
	n->base = mmap(NULL, pages * n->page, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	n->present = calloc(n->plan->nslots + 1, sizeof(*n->present));
	if (n->base == MAP_FAILED || n->present == NULL)
		return (eph_err_set(err, ENOMEM, "no room for the window"));
	n->window = n->base + n->page;
	for (unsigned side = 0; side < 2; side++) {
		char *guard =
		    side == 0 ? n->base : n->base + (pages - 1) * n->page;

		if (mprotect(guard, n->page, PROT_READ | PROT_WRITE) != 0)
			return (eph_err_set(err, ENOMEM, "no guard page"));
		*guard = 1;
	}
	return (0);
}

void
eph__native_close(struct native *n)
{
	if (n->base != NULL && n->base != MAP_FAILED)
		(void)munmap(n->base, ((size_t)n->plan->nslots + 2) * n->page);
	for (int f = 0; f < 2; f++) {
		if (n->fd[f] >= 0)
			(void)close(n->fd[f]);
	}
	free(n->present);
}

int
eph__native_cpus(struct native *n, struct eph_err *err)
{
	cpu_set_t set;
	unsigned have = 0;

	CPU_ZERO(&set);
	(void)sched_getaffinity(0, sizeof(set), &set);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && have < n->nthreads; cpu++) {
		if (CPU_ISSET(cpu, &set))
			n->host_cpu[have++] = cpu;
	}
	if (n->nthreads > NATIVE_THREADS_MAX || have < n->nthreads)
		return (eph_err_set(err, ENOTSUP,
		    "%u CPUs are wanted, and this host gives %u: fold the "
		    "trace onto fewer",
		    n->nthreads, have));
	return (0);
}

int
eph__native_priority(void)
{
	const struct sched_param fifo = { .sched_priority = 10 };
	struct sched_param old = { .sched_priority = 0 };
	const int policy = sched_getscheduler(0);

	(void)sched_getparam(0, &old);
	if (sched_setscheduler(0, SCHED_FIFO, &fifo) != 0)
		return (0);
	(void)sched_setscheduler(0, policy, &old);
	return (fifo.sched_priority);
}

#else

typedef int eph__native_is_linux_only;

#endif
