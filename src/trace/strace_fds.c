/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Processes and their descriptors, followed through open, dup, close, fork
 * and exec, so that a descriptor without a name is a file, and a NULL offset
 * is a position.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "trace/strace.h"

bool
eph__strace_grow(void *arrayp, size_t *cap, size_t n, size_t size)
{
	void *bigger, **p = arrayp;
	size_t to = *cap == 0 ? 16 : 2 * *cap;

	if (n < *cap)
		return (true);
	if ((bigger = realloc(*p, to * size)) == NULL)
		return (false);
	*p = bigger;
	*cap = to;
	return (true);
}

int
eph__strace_no_memory(struct strace *s)
{
	return (eph_err_set(s->im->err, ENOMEM, "out of memory"));
}

static int
table_new(struct strace *s, uint32_t *indexp)
{
	if (!eph__strace_grow(
		&s->tables, &s->cap_tables, s->ntables, sizeof(*s->tables)))
		return (eph__strace_no_memory(s));
	memset(&s->tables[s->ntables], 0, sizeof(*s->tables));
	*indexp = (uint32_t)s->ntables++;
	return (0);
}

/* Room for descriptor `fd`. */
static bool
table_reserve(struct strace_table *t, uint32_t fd)
{
	const uint32_t n = fd + 16;
	uint32_t *fds;
	bool *cloexec;

	if (fd < t->n)
		return (true);
	if ((fds = realloc(t->fds, n * sizeof(fds[0]))) == NULL)
		return (false);
	t->fds = fds;
	if ((cloexec = realloc(t->cloexec, n * sizeof(cloexec[0]))) == NULL)
		return (false);
	t->cloexec = cloexec;
	memset(fds + t->n, 0, (n - t->n) * sizeof(fds[0]));
	memset(cloexec + t->n, 0, (n - t->n) * sizeof(cloexec[0]));
	t->n = n;
	return (true);
}

static int
table_copy(struct strace *s, uint32_t from, uint32_t to)
{
	struct strace_table *src = &s->tables[from], *dst = &s->tables[to];

	if (src->n == 0)
		return (0);
	if (!table_reserve(dst, src->n - 1))
		return (eph__strace_no_memory(s));
	memcpy(dst->fds, src->fds, src->n * sizeof(src->fds[0]));
	memcpy(dst->cloexec, src->cloexec, src->n * sizeof(src->cloexec[0]));
	return (0);
}

/* Whose child a process is that turns up without a clone's result. */
static struct strace_process *
likely_parent(struct strace *s)
{
	for (size_t i = 0; i < s->nprocs; i++) {
		const char *half = s->procs[i].half;

		if (half != NULL &&
		    (strncmp(half, "clone", 5) == 0 ||
			strncmp(half, "fork", 4) == 0 ||
			strncmp(half, "vfork", 5) == 0))
			return (&s->procs[i]);
	}
	return (&s->procs[s->pipe_maker]);
}

/* Give process `index` the descriptors of `parent`, or share them. */
static int
process_inherit(struct strace *s, size_t index,
    const struct strace_process *parent, bool share)
{
	const uint32_t from = parent->table;
	int error;

	if (share) {
		s->procs[index].table = from;
		return (0);
	}
	if ((error = table_new(s, &s->procs[index].table)) != 0)
		return (error);
	return (table_copy(s, from, s->procs[index].table));
}

/* Process number `index`, the next one. */
static bool
process_add(struct strace *s, uint32_t index, uint64_t pid)
{
	if (!eph__strace_grow(
		&s->procs, &s->cap_procs, s->nprocs, sizeof(*s->procs)))
		return (false);
	memset(&s->procs[index], 0, sizeof(*s->procs));
	s->procs[index].pid = pid;
	s->nprocs++;
	return (true);
}

int
eph__strace_process(struct strace *s, uint64_t pid, struct strace_process **pp)
{
	const uint32_t index = eph__idmap_get(&s->pids, pid);
	const struct strace_process *parent;
	int error;

	if (index == EPH_NONE)
		return (eph__strace_no_memory(s));
	if (index < s->nprocs) {
		*pp = &s->procs[index];
		return (0);
	}
	if (!process_add(s, index, pid))
		return (eph__strace_no_memory(s));
	if (index == 0) {
		error = table_new(s, &s->procs[index].table);
	} else {
		parent = likely_parent(s);
		error = process_inherit(s, index, parent,
		    parent->half != NULL &&
			strstr(parent->half, "CLONE_FILES") != NULL);
	}
	*pp = &s->procs[index];
	return (error);
}

int
eph__strace_fork(struct strace *s, size_t parent, uint64_t pid, bool share)
{
	const uint32_t known = s->pids.n, index = eph__idmap_get(&s->pids, pid);

	if (index == EPH_NONE)
		return (eph__strace_no_memory(s));
	if (index < known) /* seen already: it took ours then */
		return (0);
	if (!process_add(s, index, pid))
		return (eph__strace_no_memory(s));
	return (process_inherit(s, index, &s->procs[parent], share));
}

struct strace_file *
eph__strace_fd_get(
    struct strace *s, const struct strace_process *p, uint32_t fd)
{
	const struct strace_table *t = &s->tables[p->table];

	return (fd < t->n && t->fds[fd] != 0 ? &s->open_files[t->fds[fd] - 1]
					     : NULL);
}

int
eph__strace_fd_set(struct strace *s, const struct strace_process *p,
    uint32_t fd, int64_t index)
{
	struct strace_table *t = &s->tables[p->table];

	if (fd >= STRACE_FD_MAX)
		return (0);
	if (!table_reserve(t, fd))
		return (eph__strace_no_memory(s));
	t->fds[fd] = (uint32_t)(index + 1);
	t->cloexec[fd] = false;
	return (0);
}

int
eph__strace_fd_open(struct strace *s, const struct strace_process *p,
    uint32_t fd, enum file_kind kind, uint32_t name)
{
	if (!eph__strace_grow(
		&s->open_files, &s->cap_open, s->nopen, sizeof(*s->open_files)))
		return (eph__strace_no_memory(s));
	s->open_files[s->nopen].kind = kind;
	s->open_files[s->nopen].name = name;
	s->open_files[s->nopen].position = 0;
	return (eph__strace_fd_set(s, p, fd, (int64_t)s->nopen++));
}

int
eph__strace_fd_dup(struct strace *s, const struct strace_process *p,
    uint32_t from, uint32_t to)
{
	struct strace_table *t = &s->tables[p->table];
	const int64_t index = from < t->n ? (int64_t)t->fds[from] - 1 : -1;
	int error = eph__strace_fd_set(s, p, to, index);

	if (error == 0 && !s->close_seen && from > 2 && to <= 2)
		error = eph__strace_fd_set(s, p, from, -1);
	return (error);
}

void
eph__strace_fd_exec(struct strace *s, const struct strace_process *p)
{
	struct strace_table *t = &s->tables[p->table];

	for (uint32_t fd = 0; fd < t->n; fd++) {
		if (t->cloexec[fd] || (fd > 2 && !s->close_seen))
			t->fds[fd] = 0;
	}
}

int
eph__strace_file(struct strace *s, const struct strace_process *p, uint32_t fd,
    const char *name, size_t len, struct strace_file **filep)
{
	struct strace_file *of = eph__strace_fd_get(s, p, fd);
	uint32_t id = EPH_NONE;
	char unnamed[64];
	int error;

	if (name == NULL && of != NULL && of->name != EPH_NONE) {
		*filep = of;
		return (0);
	}
	if (name == NULL) {
		len = (size_t)snprintf(unnamed, sizeof(unnamed),
		    "pid %" PRIu64 " fd %" PRIu32 " #%zu", p->pid, fd,
		    s->nopen);
		name = unnamed;
	}
	if ((id = eph__names_get(&s->im->files, name, len)) == EPH_NONE)
		return (eph__strace_no_memory(s));
	if (of == NULL || of->name != id) {
		error = eph__strace_fd_open(s, p, fd, FILE_OTHER, id);
		if (error != 0)
			return (error);
		of = eph__strace_fd_get(s, p, fd);
	}
	*filep = of;
	return (0);
}

void
eph__strace_fds_destroy(struct strace *s)
{
	for (size_t i = 0; i < s->nprocs; i++)
		free(s->procs[i].half);
	for (size_t i = 0; i < s->ntables; i++) {
		free(s->tables[i].fds);
		free(s->tables[i].cloexec);
	}
	free(s->procs);
	free(s->tables);
	free(s->open_files);
}
