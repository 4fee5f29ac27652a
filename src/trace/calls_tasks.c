/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Tasks, the processes they are threads of, and their descriptors.
 *
 * A clone line tells whether a task is a thread of its maker and whether they
 * share descriptors.  A task without one (strace was attached, or clone was
 * not logged) is taken to share the descriptors of the first such task until
 * something says otherwise: it opens a number that another has open, or uses
 * it under another name.  That it uses what another opened while both were
 * there says that they are threads of one process.
 *
 * A log with writes to pipes has raw arguments and no names; one made with
 * few calls (-e read,write,pipe2,dup2,execve) lacks the closes in between.
 * As long as no close was seen, a dup2 to 0, 1 or 2 of a descriptor above is
 * taken to move it, and an execve to close what is above 2: that is what
 * shells do, and their children are copies of the maker of the last pipe.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "trace/calls.h"

bool
eph__calls_grow(void *arrayp, size_t *cap, size_t n, size_t size)
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
eph__calls_no_memory(struct calls *c)
{
	return (eph_err_set(c->im->err, ENOMEM, "out of memory"));
}

int
eph__calls_start(struct calls *c, struct eph_import *im)
{
	memset(c, 0, sizeof(*c));
	c->im = im;
	c->pipe_maker = EPH_NONE;
	c->mask = im->o->calls;
	if (eph__idmap_init(&c->pids) != 0 || eph__idmap_init(&c->sent) != 0 ||
	    eph__idmap_init(&c->dirs) != 0)
		return (eph__calls_no_memory(c));
	return (0);
}

void
eph__calls_destroy(struct calls *c)
{
	for (size_t i = 0; i < c->ntasks; i++)
		free(c->tasks[i].half);
	for (size_t i = 0; i < c->ntables; i++)
		free(c->tables[i].slots);
	free(c->tasks);
	free(c->task_of);
	free(c->tables);
	free(c->opens);
	free(c->file_at);
	free(c->queue);
	free(c->spool);
	if (c->spilled != NULL)
		(void)fclose(c->spilled);
	eph__idmap_destroy(&c->pids);
	eph__idmap_destroy(&c->sent);
	eph__idmap_destroy(&c->dirs);
}

/* -- tables ------------------------------------------------------------- */

static int
table_new(struct calls *c, uint32_t *indexp)
{
	if (!eph__calls_grow(
		&c->tables, &c->cap_tables, c->ntables, sizeof(*c->tables)))
		return (eph__calls_no_memory(c));
	memset(&c->tables[c->ntables], 0, sizeof(*c->tables));
	*indexp = (uint32_t)c->ntables++;
	return (0);
}

/* Room for descriptor `fd`. */
static bool
table_reserve(struct fd_table *t, uint32_t fd)
{
	const uint32_t n = fd + 16;
	struct fd_slot *slots;

	if (fd < t->n)
		return (true);
	if ((slots = realloc(t->slots, n * sizeof(slots[0]))) == NULL)
		return (false);
	t->slots = slots;
	memset(slots + t->n, 0, (n - t->n) * sizeof(slots[0]));
	t->n = n;
	return (true);
}

/* A new table with what is in `from`; `of` is a task: only what it set. */
static int
table_copy(struct calls *c, uint32_t from, uint32_t of, uint32_t *indexp)
{
	struct fd_table *src, *dst;
	int error;

	if ((error = table_new(c, indexp)) != 0)
		return (error);
	src = &c->tables[from];
	dst = &c->tables[*indexp];
	if (src->n == 0)
		return (0);
	if (!table_reserve(dst, src->n - 1))
		return (eph__calls_no_memory(c));
	for (uint32_t fd = 0; fd < src->n; fd++) {
		if (of == EPH_NONE || src->slots[fd].owner == of)
			dst->slots[fd] = src->slots[fd];
	}
	return (0);
}

struct fd_slot *
eph__calls_slot(struct calls *c, uint32_t task, uint32_t fd)
{
	struct fd_table *t = &c->tables[c->tasks[task].table];

	return (fd < t->n ? &t->slots[fd] : NULL);
}

/* -- tasks -------------------------------------------------------------- */

uint32_t
eph__calls_leader(const struct calls *c, uint32_t task)
{
	while (c->tasks[task].thread_of != EPH_NONE)
		task = c->tasks[task].thread_of;
	return (task);
}

void
eph__calls_same_process(struct calls *c, uint32_t a, uint32_t b)
{
	const uint32_t la = eph__calls_leader(c, a);
	const uint32_t lb = eph__calls_leader(c, b);

	if (la < lb)
		c->tasks[lb].thread_of = la;
	else if (lb < la)
		c->tasks[la].thread_of = lb;
}

uint32_t
eph__calls_task_find(struct calls *c, uint64_t pid)
{
	const uint32_t id = eph__idmap_find(&c->pids, pid);

	return (id == EPH_NONE ? EPH_NONE : c->task_of[id]);
}

int
eph__calls_task_name(struct calls *c, uint32_t task, uint64_t pid)
{
	const uint32_t id = eph__idmap_get(&c->pids, pid);

	if (id == EPH_NONE ||
	    !eph__calls_grow(
		&c->task_of, &c->cap_task_of, id, sizeof(c->task_of[0])))
		return (eph__calls_no_memory(c));
	c->task_of[id] = task;
	c->tasks[task].pid = pid;
	return (0);
}

void
eph__calls_task_gone(struct calls *c, uint32_t task)
{
	const uint32_t id = eph__idmap_find(&c->pids, c->tasks[task].pid);

	c->tasks[task].gone = true;
	if (id != EPH_NONE && c->task_of[id] == task)
		c->task_of[id] = EPH_NONE;
}

static int
task_add(struct calls *c, uint64_t pid, uint32_t *taskp)
{
	struct task *t;

	if (!eph__calls_grow(
		&c->tasks, &c->cap_tasks, c->ntasks, sizeof(*c->tasks)))
		return (eph__calls_no_memory(c));
	*taskp = (uint32_t)c->ntasks++;
	t = &c->tasks[*taskp];
	memset(t, 0, sizeof(*t));
	t->born = eph_import_lineno(c->im);
	t->thread_of = t->cwd = t->cpu = EPH_NONE;
	return (eph__calls_task_name(c, *taskp, pid));
}

/* Give a task the descriptors of another, or a share in them. */
static int
task_inherit(struct calls *c, uint32_t task, uint32_t parent, bool share)
{
	c->tasks[task].cwd = c->tasks[parent].cwd;
	if (share) {
		c->tasks[task].table = c->tasks[parent].table;
		return (0);
	}
	return (table_copy(
	    c, c->tasks[parent].table, EPH_NONE, &c->tasks[task].table));
}

/* A task in the middle of a clone, whose child may turn up before its end. */
static uint32_t
task_in_clone(const struct calls *c)
{
	for (uint32_t i = 0; i < c->ntasks; i++) {
		const struct task *t = &c->tasks[i];

		if (t->half_open && !t->half_child &&
		    (strncmp(t->half, "clone", 5) == 0 ||
			strncmp(t->half, "fork", 4) == 0 ||
			strncmp(t->half, "vfork", 5) == 0))
			return (i);
	}
	return (EPH_NONE);
}

/* A task without a clone line. */
static int
task_unknown(struct calls *c, uint32_t task)
{
	const uint32_t cloner = task_in_clone(c);
	uint32_t first = 0;

	if (cloner != EPH_NONE && cloner != task) {
		const char *half = c->tasks[cloner].half;

		c->tasks[task].known = true;
		c->tasks[cloner].half_child = true;
		if (strstr(half, "CLONE_THREAD") != NULL)
			eph__calls_same_process(c, cloner, task);
		return (task_inherit(
		    c, task, cloner, strstr(half, "CLONE_FILES") != NULL));
	}
	if (c->pipe_maker != EPH_NONE && (c->mask & 1u << CALLS_PIPE) != 0)
		return (task_inherit(c, task, c->pipe_maker, false));
	while (first < task && c->tasks[first].known)
		first++;
	if (first < task)
		return (task_inherit(c, task, first, true));
	return (table_new(c, &c->tasks[task].table));
}

int
eph__calls_task(struct calls *c, uint64_t pid, uint32_t *taskp)
{
	int error;

	if ((*taskp = eph__calls_task_find(c, pid)) != EPH_NONE)
		return (0);
	if ((error = task_add(c, pid, taskp)) != 0)
		return (error);
	return (task_unknown(c, *taskp));
}

int
eph__calls_fork(
    struct calls *c, uint32_t parent, uint64_t pid, bool files, bool thread)
{
	uint32_t task = eph__calls_task_find(c, pid);
	int error = 0;

	c->clone_seen = true;
	if (task == parent)
		return (0);
	if (task == EPH_NONE) {
		if ((error = task_add(c, pid, &task)) != 0)
			return (error);
		error = task_inherit(c, task, parent, files);
	} else if (!c->tasks[task].known && !files &&
	    c->tasks[task].table == c->tasks[parent].table) {
		/* It turned up before, and was taken to share. */
		error = task_inherit(c, task, parent, false);
	}
	c->tasks[task].known = true;
	if (thread)
		eph__calls_same_process(c, parent, task);
	return (error);
}

/* -- descriptors -------------------------------------------------------- */

/* Something says that a task does not share what it was taken to share. */
static int
task_unshare(struct calls *c, uint32_t task)
{
	const uint32_t from = c->tasks[task].table;
	int error;

	error = table_copy(c, from, task, &c->tasks[task].table);
	for (uint32_t i = 0; error == 0 && i < c->ntasks; i++) {
		struct task *t = &c->tasks[i];

		if (t->thread_of == task && !t->known && t->table == from)
			t->thread_of = EPH_NONE;
	}
	if (!c->tasks[task].known)
		c->tasks[task].thread_of = EPH_NONE;
	return (error);
}

/* Do two tasks share a table only as long as nothing says otherwise? */
static bool
only_taken_to_share(const struct calls *c, uint32_t a, uint32_t b)
{
	return (a != b && (!c->tasks[a].known || !c->tasks[b].known));
}

struct open_file *
eph__calls_fd(struct calls *c, uint32_t task, const struct fd_word *use)
{
	struct fd_slot *slot = eph__calls_slot(c, task, use->fd);
	struct open_file *of;

	if (slot == NULL || slot->open == 0)
		return (NULL);
	of = &c->opens[slot->open - 1];
	if (slot->line == 0 || !only_taken_to_share(c, task, slot->owner) ||
	    use->name == NULL || of->path == EPH_NONE)
		return (of);
	if (strncmp(c->im->own->files.strings[of->path], use->name, use->len) !=
		0 ||
	    c->im->own->files.strings[of->path][use->len] != '\0') {
		if (c->close_seen && c->file_at[of->path] == of->file + 1 &&
		    task_unshare(c, task) == 0) /* no rename: another table */
			return (NULL);
		return (of);
	}
	if (c->tasks[task].born < slot->line)
		eph__calls_same_process(c, task, slot->owner);
	return (of);
}

/* Make a descriptor stand for open file `open` (1 + index), or for none. */
static int
slot_set(struct calls *c, uint32_t task, uint32_t fd, uint32_t open,
    uint64_t line, bool cloexec)
{
	struct fd_table *t = &c->tables[c->tasks[task].table];

	if (fd >= CALLS_FD_MAX || (open == 0 && fd >= t->n))
		return (0);
	if (!table_reserve(t, fd))
		return (eph__calls_no_memory(c));
	t->slots[fd].open = open;
	t->slots[fd].owner = task;
	t->slots[fd].line = line;
	t->slots[fd].cloexec = cloexec;
	return (0);
}

/* Another task has this number open: it is not the same table. */
static int
check_number(struct calls *c, uint32_t task, uint32_t fd)
{
	const struct fd_slot *slot = eph__calls_slot(c, task, fd);

	if (slot == NULL || slot->open == 0 || slot->line == 0 ||
	    !c->close_seen || !only_taken_to_share(c, task, slot->owner))
		return (0);
	return (task_unshare(c, task));
}

int
eph__calls_fd_open(struct calls *c, uint32_t task, uint32_t fd,
    const struct open_file *of, bool seen, bool cloexec)
{
	int error;

	if (seen && (error = check_number(c, task, fd)) != 0)
		return (error);
	if (!eph__calls_grow(
		&c->opens, &c->cap_opens, c->nopens, sizeof(*c->opens)))
		return (eph__calls_no_memory(c));
	c->opens[c->nopens] = *of;
	c->opens[c->nopens].seen = seen;
	c->nopens++;
	return (slot_set(c, task, fd, (uint32_t)c->nopens,
	    seen ? eph_import_lineno(c->im) : 0, cloexec));
}

int
eph__calls_fd_close(struct calls *c, uint32_t task, uint32_t fd)
{
	c->close_seen = true;
	return (slot_set(c, task, fd, 0, 0, false));
}

int
eph__calls_fd_dup(
    struct calls *c, uint32_t task, uint32_t from, uint32_t to, bool cloexec)
{
	const struct fd_slot *slot = eph__calls_slot(c, task, from);
	const uint32_t open = slot != NULL ? slot->open : 0;
	const uint64_t line = slot != NULL ? slot->line : 0;
	int error = slot_set(c, task, to, open, line, cloexec);

	if (error == 0 && !c->close_seen && from > 2 && to <= 2)
		error = slot_set(c, task, from, 0, 0, false);
	return (error);
}

int
eph__calls_fd_exec(struct calls *c, uint32_t task)
{
	struct fd_table *t;
	bool shared = false;
	int error;

	for (uint32_t i = 0; i < c->ntasks; i++)
		shared |= i != task && !c->tasks[i].gone &&
		    c->tasks[i].table == c->tasks[task].table;
	if (shared &&
	    (error = table_copy(c, c->tasks[task].table, EPH_NONE,
		 &c->tasks[task].table)) != 0)
		return (error);
	t = &c->tables[c->tasks[task].table];
	for (uint32_t fd = 0; fd < t->n; fd++) {
		if (t->slots[fd].cloexec || (fd > 2 && !c->close_seen))
			t->slots[fd].open = 0;
	}
	return (0);
}

/* -- halves of calls ---------------------------------------------------- */

int
eph__calls_half(struct calls *c, uint32_t task, const char *text, size_t len)
{
	struct task *t = &c->tasks[task];
	const size_t have = t->half_open ? strlen(t->half) : 0;
	char *bigger;

	if (have + len + 1 > t->half_size) {
		const size_t size = 2 * (have + len + 1);

		if ((bigger = realloc(t->half, size)) == NULL)
			return (eph__calls_no_memory(c));
		t->half = bigger;
		t->half_size = size;
	}
	memcpy(t->half + have, text, len);
	t->half[have + len] = '\0';
	t->half_open = true;
	return (0);
}
