/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * strace logs: strace -f -ttt -T -yy, with as little of that as there is.
 *
 * Lines.  A call that another process interrupts is printed in two halves,
 * "<unfinished ...>" and "<... NAME resumed>"; they are joined by process
 * id, the blank before "<unfinished" being part of the text.  A call's time
 * is that of its first half; the file is in order of the second.  So calls
 * that count stand in a queue in order of their start, and leave it at the
 * head when they are complete.  A call still open at the end of the log, or
 * with the result "?", was killed or is to be restarted, and is left out.
 *
 * Which page.  With -y the file's name stands in the line; it is the
 * identity.  The name may hold ">", ", " and quotes, so a call is read from
 * its right end.  Without -y the descriptor is followed through open, dup,
 * close, fork and exec.  The same bookkeeping knows where the file position
 * is, which is what a sendfile with a NULL offset uses.
 *
 * Results.  -1 EAGAIN is no call: it is made again.  Any other -1 is a call
 * that failed.  Both map nothing: a BSD kernel maps page by page and may
 * have mapped the first one, but the log cannot say so.  0 is the end of the
 * file: a call, no pages.  Less than asked is partial.
 *
 * Pipes (--calls pipe).  A write maps the pages of the writer's buffer, so
 * the log must have addresses: -e raw=read,write.  A page is named by
 * process and address, PID * 2^36 + ADDRESS / 4096.  A read maps nothing of
 * its own: it copies from the writer's pages.  A log with raw arguments has
 * no names, so descriptors are followed; one made with few calls (-e
 * read,write,pipe2,dup2,execve) lacks the closes in between.  As long as no
 * close was seen, a dup2 to 0, 1 or 2 of a descriptor above is taken to move
 * it, and an execve to close what is above 2: that is what shells do.
 *
 * CPU.  A log has none.  Processes are numbered in the order in which they
 * first map something, so that pinned workers get CPUs 0, 1, ... whatever
 * else their parents did.
 */

#include "trace/importer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_S       ((uint64_t)1000000000)
#define FD_MAX	       65536u
#define PIPE_PID_SHIFT 36
#define UNFINISHED     "<unfinished ...>"

enum file_kind { FILE_OTHER, FILE_PIPE_WRITE, FILE_PIPE_READ };

/* An open file description: what dup and fork share. */
struct open_file {
	enum file_kind kind;
	uint32_t name; /* in im->files, or EPH_NONE */
	uint64_t position;
};

/* A table of descriptors; threads share one. */
struct fd_table {
	uint32_t *fds; /* 1 + index into open_files; 0: not known */
	bool *cloexec;
	uint32_t n;
};

struct process {
	uint64_t pid;
	uint32_t table;
	char *half;	     /* first half of a call, or NULL */
	uint64_t half_place; /* its place in the queue, if it has one */
	bool half_queued;
};

enum { CALL_OPEN, CALL_DONE, CALL_DROPPED };

/* A call that counts, waiting for its turn. */
struct call {
	int state;
	bool pipe; /* offset is an address */
	uint64_t pid;
	uint64_t ns;
	uint64_t offset;
	uint64_t bytes;
	uint32_t file;
};

struct strace {
	struct import *im;
	struct process *procs;
	size_t nprocs, cap_procs;
	struct idmap pids; /* to index of procs */
	struct idmap sent; /* names, numbered by the first call that sent */
	struct fd_table *tables;
	size_t ntables, cap_tables;
	struct open_file *open_files;
	size_t nopen, cap_open;
	struct call *queue; /* a ring */
	size_t queue_cap;
	uint64_t queue_first; /* places: never reused */
	uint64_t queue_next;
	size_t pipe_maker; /* process that made the last pipe */
	bool close_seen;
	uint64_t relative_ns; /* -r: sum so far */
};

/* A call, taken apart. */
struct words {
	char *name;
	char *args; /* between the parentheses, cut there */
	char *result;
	struct process *proc;
	uint64_t place;
	bool queued;
};

static int
no_memory(struct strace *s)
{
	return (eph_err_set(s->im->err, ENOMEM, "out of memory"));
}

/* Double an array that is full. */
static bool
grow(void *arrayp, size_t *cap, size_t n, size_t size)
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

/* -- the queue of calls ------------------------------------------------- */

static struct call *
queue_at(struct strace *s, uint64_t place)
{
	return (&s->queue[place % s->queue_cap]);
}

static int
queue_push(struct strace *s, uint64_t pid, uint64_t ns, uint64_t *placep)
{
	const size_t n = (size_t)(s->queue_next - s->queue_first);
	struct call *c;

	if (n == s->queue_cap) {
		const size_t cap = s->queue_cap == 0 ? 64 : 2 * s->queue_cap;
		struct call *ring = malloc(cap * sizeof(ring[0]));

		if (ring == NULL)
			return (no_memory(s));
		for (size_t i = 0; i < n; i++)
			ring[(s->queue_first + i) % cap] =
			    *queue_at(s, s->queue_first + i);
		free(s->queue);
		s->queue = ring;
		s->queue_cap = cap;
	}
	*placep = s->queue_next++;
	c = queue_at(s, *placep);
	memset(c, 0, sizeof(*c));
	c->state = CALL_OPEN;
	c->pid = pid;
	c->ns = ns;
	return (0);
}

static int
call_write(struct strace *s, const struct call *c)
{
	struct import *im = s->im;
	uint32_t file;
	unsigned cpu;
	int error;

	if (c->bytes == 0)
		return (0);
	if ((error = eph__import_cpu(im, c->pid, 0, &cpu)) != 0 ||
	    (error = eph__import_at(im, c->ns)) != 0)
		return (error);
	if (!c->pipe) {
		if ((file = eph__idmap_get(&s->sent, c->file)) == EPH_NONE)
			return (no_memory(s));
		return (
		    eph__import_file_range(im, cpu, file, c->offset, c->bytes));
	}
	for (uint64_t page = c->offset / EPH_PAGE_SIZE;
	     error == 0 && page <= (c->offset + c->bytes - 1) / EPH_PAGE_SIZE;
	     page++)
		error =
		    eph__import_ref(im, cpu, (c->pid << PIPE_PID_SHIFT) + page);
	return (error);
}

/* Write out what is complete at the head; `all`: pass over what is not. */
static int
queue_drain(struct strace *s, bool all)
{
	int error = 0;

	while (error == 0 && s->queue_first < s->queue_next) {
		struct call *c = queue_at(s, s->queue_first);

		if (c->state == CALL_OPEN && !all)
			break;
		if (c->state == CALL_OPEN)
			s->im->res->unfinished++;
		s->queue_first++;
		if (c->state == CALL_DONE)
			error = call_write(s, c);
	}
	return (error);
}

/* -- processes and descriptors ------------------------------------------ */

static int
table_new(struct strace *s, uint32_t *indexp)
{
	if (!grow(&s->tables, &s->cap_tables, s->ntables, sizeof(*s->tables)))
		return (no_memory(s));
	memset(&s->tables[s->ntables], 0, sizeof(*s->tables));
	*indexp = (uint32_t)s->ntables++;
	return (0);
}

/* Room for descriptor `fd`. */
static bool
table_reserve(struct fd_table *t, uint32_t fd)
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
	struct fd_table *src = &s->tables[from], *dst = &s->tables[to];

	if (src->n == 0)
		return (0);
	if (!table_reserve(dst, src->n - 1))
		return (no_memory(s));
	memcpy(dst->fds, src->fds, src->n * sizeof(src->fds[0]));
	memcpy(dst->cloexec, src->cloexec, src->n * sizeof(src->cloexec[0]));
	return (0);
}

/* Whose child a process is that turns up without a clone's result. */
static struct process *
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
process_inherit(
    struct strace *s, size_t index, const struct process *parent, bool share)
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

static int
process_get(struct strace *s, uint64_t pid, struct process **pp)
{
	const uint32_t index = eph__idmap_get(&s->pids, pid);
	const struct process *parent;
	int error;

	if (index == EPH_NONE)
		return (no_memory(s));
	if (index < s->nprocs) {
		*pp = &s->procs[index];
		return (0);
	}
	if (!grow(&s->procs, &s->cap_procs, s->nprocs, sizeof(*s->procs)))
		return (no_memory(s));
	memset(&s->procs[index], 0, sizeof(*s->procs));
	s->procs[index].pid = pid;
	s->nprocs++;
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

/* The open file behind a descriptor, or NULL when it is not known. */
static struct open_file *
fd_get(struct strace *s, const struct process *p, uint32_t fd)
{
	const struct fd_table *t = &s->tables[p->table];

	return (fd < t->n && t->fds[fd] != 0 ? &s->open_files[t->fds[fd] - 1]
					     : NULL);
}

/* Make a descriptor stand for open file `index`, or for none (-1). */
static int
fd_set_to(struct strace *s, const struct process *p, uint32_t fd, int64_t index)
{
	struct fd_table *t = &s->tables[p->table];

	if (fd >= FD_MAX)
		return (0);
	if (!table_reserve(t, fd))
		return (no_memory(s));
	t->fds[fd] = (uint32_t)(index + 1);
	t->cloexec[fd] = false;
	return (0);
}

static int
fd_open(struct strace *s, const struct process *p, uint32_t fd,
    enum file_kind kind, uint32_t name)
{
	if (!grow(
		&s->open_files, &s->cap_open, s->nopen, sizeof(*s->open_files)))
		return (no_memory(s));
	s->open_files[s->nopen].kind = kind;
	s->open_files[s->nopen].name = name;
	s->open_files[s->nopen].position = 0;
	return (fd_set_to(s, p, fd, (int64_t)s->nopen++));
}

static int
fd_dup(struct strace *s, const struct process *p, uint32_t from, uint32_t to)
{
	struct fd_table *t = &s->tables[p->table];
	const int64_t index = from < t->n ? (int64_t)t->fds[from] - 1 : -1;
	int error = fd_set_to(s, p, to, index);

	if (error == 0 && !s->close_seen && from > 2 && to <= 2)
		error = fd_set_to(s, p, from, -1);
	return (error);
}

static void
fd_exec(struct strace *s, const struct process *p)
{
	struct fd_table *t = &s->tables[p->table];

	for (uint32_t fd = 0; fd < t->n; fd++) {
		if (t->cloexec[fd] || (fd > 2 && !s->close_seen))
			t->fds[fd] = 0;
	}
}

/* -- words -------------------------------------------------------------- */

/* A number as strace prints it, 0x or decimal; what follows in *endp. */
static bool
word_number(const char *p, const char **endp, uint64_t *out)
{
	const unsigned base = p[0] == '0' && p[1] == 'x' ? 16 : 10;
	const char *first;
	uint64_t v = 0;

	if (base == 16)
		p += 2;
	for (first = p;; p++) {
		unsigned digit;

		if (*p >= '0' && *p <= '9')
			digit = (unsigned)(*p - '0');
		else if (base == 16 && *p >= 'a' && *p <= 'f')
			digit = (unsigned)(*p - 'a') + 10;
		else
			break;
		if (v > (UINT64_MAX - digit) / base)
			return (false);
		v = v * base + digit;
	}
	*out = v;
	*endp = p;
	return (p > first);
}

/*
 * A descriptor with its name if it has one: "13</path>".  `end` is where it
 * must end.  *namep is NULL without a name.
 */
static bool
word_fd(const char *p, const char *end, uint32_t *fdp, const char **namep,
    size_t *lenp)
{
	const char *after;
	uint64_t fd;

	*namep = NULL;
	*lenp = 0;
	if (!word_number(p, &after, &fd) || fd >= FD_MAX || after > end)
		return (false);
	*fdp = (uint32_t)fd;
	if (after == end)
		return (true);
	if (*after != '<')
		return (false);
	*namep = after + 1;
	/* "(deleted)" may follow the name; it is a name of its own. */
	if (end[-1] == '>')
		end--;
	*lenp = (size_t)(end - *namep);
	return (end > *namep);
}

/* The end of the first argument: ", " outside of <...>. */
static char *
first_argument_end(char *args)
{
	char *p = args + strcspn(args, "<,");

	if (*p == '<') {
		while ((p = strchr(p, '>')) != NULL) {
			if (p[1] == ',' || p[1] == '\0' ||
			    strncmp(p + 1, "(deleted)", 9) == 0)
				break;
			p++;
		}
		if (p == NULL)
			return (args + strlen(args));
		p++;
		p += strcspn(p, ",");
	}
	return (p);
}

/* The result when it is a number; false for -1, ? and the like. */
static bool
result_number(const struct words *w, uint64_t *out)
{
	const char *end;

	return (word_number(w->result, &end, out) &&
	    (*end == '\0' || *end == ' ' || *end == '<'));
}

/* Count a call that failed.  False: it did not fail. */
static bool
result_failed(struct strace *s, const struct words *w)
{
	if (w->result[0] == '?') {
		s->im->res->unfinished++;
		return (true);
	}
	if (w->result[0] != '-')
		return (false);
	if (strstr(w->result, " EAGAIN") != NULL) {
		s->im->res->again++;
	} else {
		s->im->res->calls++;
		s->im->res->failed++;
	}
	return (true);
}

/* -- calls that count --------------------------------------------------- */

/* Note a complete call for its turn. */
static void
call_done(struct strace *s, const struct words *w, bool pipe, uint32_t file,
    uint64_t offset, uint64_t bytes)
{
	struct call *c = queue_at(s, w->place);

	c->state = CALL_DONE;
	c->pipe = pipe;
	c->file = file;
	c->offset = offset;
	c->bytes = bytes;
}

/*
 * The open file that a descriptor with this name stands for; a new one when
 * it is not known, or was another file when last seen.
 */
static int
file_of(struct strace *s, const struct process *p, uint32_t fd,
    const char *name, size_t len, struct open_file **filep)
{
	struct open_file *of = fd_get(s, p, fd);
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
		return (no_memory(s));
	if (of == NULL || of->name != id) {
		error = fd_open(s, p, fd, FILE_OTHER, id);
		if (error != 0)
			return (error);
		of = fd_get(s, p, fd);
	}
	*filep = of;
	return (0);
}

/*
 * sendfile(OUT, IN, OFFSET, COUNT), taken apart from the right because
 * names may hold commas: OFFSET is "[a] => [b]", "[a]" or NULL.
 */
struct sendfile_args {
	char *in;
	char *in_end;
	bool null_offset;
	uint64_t offset;
	uint64_t count;
};

static bool
sendfile_offset(const char *p, struct sendfile_args *a)
{
	const char *end;

	a->null_offset = strncmp(p, "NULL", 4) == 0;
	if (a->null_offset)
		return (p[4] == '\0');
	if (*p != '[' || !word_number(p + 1, &end, &a->offset) || *end != ']')
		return (false);
	end += 1 + strspn(end + 1, " ");
	return (*end == '\0' || strncmp(end, "=> [", 4) == 0);
}

/* The last ", " before `end` that OFFSET follows, or NULL. */
static char *
sendfile_find_offset(char *args, char *end)
{
	for (char *p = end - 2; p > args; p--) {
		if (p[0] == ',' && p[1] == ' ' &&
		    (p[2] == '[' || strncmp(p + 2, "NULL", 4) == 0))
			return (p);
	}
	return (NULL);
}

static bool
sendfile_args(char *args, struct sendfile_args *a)
{
	char *count = strrchr(args, ','), *offset;
	const char *end;

	if (count == NULL || count[1] != ' ' ||
	    !word_number(count + 2, &end, &a->count) || *end != '\0')
		return (false);
	*count = '\0';
	if (count - args < 3 ||
	    (offset = sendfile_find_offset(args, count)) == NULL ||
	    !sendfile_offset(offset + 2, a))
		return (false);
	*offset = '\0';
	a->in = first_argument_end(args);
	if (a->in[0] != ',' || a->in[1] != ' ')
		return (false);
	a->in += 2;
	a->in_end = offset;
	return (true);
}

static int
on_sendfile(struct strace *s, const struct words *w)
{
	struct import *im = s->im;
	struct sendfile_args a = { 0 };
	struct open_file *of = NULL;
	const char *name;
	uint64_t got;
	uint32_t fd;
	size_t len;
	int error;

	if (im->o->calls != EPH_CALLS_SENDFILE || result_failed(s, w))
		return (0);
	if (!result_number(w, &got) || !sendfile_args(w->args, &a) ||
	    !word_fd(a.in, a.in_end, &fd, &name, &len)) {
		eph__import_skip(im);
		return (0);
	}
	if ((error = file_of(s, w->proc, fd, name, len, &of)) != 0)
		return (error);
	if (a.null_offset) {
		a.offset = of->position;
		of->position += got;
	}
	eph__import_count(im, got, a.count);
	call_done(s, w, false, of->name, a.offset, got);
	return (0);
}

static bool
is_pipe_name(const char *name, size_t len)
{
	return (len > 5 && strncmp(name, "pipe:", 5) == 0);
}

/* write(FD, ADDRESS, COUNT) to a pipe. */
static int
pipe_write(struct strace *s, const struct words *w, const char *args)
{
	struct import *im = s->im;
	uint64_t address, count, got;
	const char *end;

	if (result_failed(s, w))
		return (0);
	if (strncmp(args, "0x", 2) != 0 && strncmp(args, "NULL", 4) != 0)
		return (eph__import_refuse(im,
		    "this log has the data of write, not its address; expected "
		    "one made with strace -e raw=read,write"));
	if (!word_number(args, &end, &address) || strncmp(end, ", ", 2) != 0 ||
	    !word_number(end + 2, &end, &count) || *end != '\0' ||
	    !result_number(w, &got) || got > INT64_MAX ||
	    address > UINT64_MAX - got ||
	    w->proc->pid >> (64 - PIPE_PID_SHIFT) != 0 ||
	    (address + got) >> (PIPE_PID_SHIFT + EPH_PAGE_SHIFT) != 0) {
		eph__import_skip(im);
		return (0);
	}
	eph__import_count(im, got, count);
	call_done(s, w, true, 0, address, got);
	return (0);
}

/* read, write: move the file's position; a write to a pipe may count. */
static int
on_read_write(struct strace *s, const struct words *w)
{
	char *end = first_argument_end(w->args);
	struct open_file *of;
	const char *name;
	uint64_t got;
	uint32_t fd;
	size_t len;
	bool pipe;
	int error;

	if (*end != ',' || !word_fd(w->args, end, &fd, &name, &len))
		return (0);
	of = fd_get(s, w->proc, fd);
	pipe = name != NULL ? is_pipe_name(name, len)
			    : of != NULL && of->kind == FILE_PIPE_WRITE;
	if (pipe) {
		if (s->im->o->calls == EPH_CALLS_PIPE && w->name[0] == 'w')
			return (pipe_write(s, w, end + 2));
		return (0);
	}
	if (!result_number(w, &got))
		return (0);
	if (name != NULL && *name == '/') {
		error = file_of(s, w->proc, fd, name, len, &of);
		if (error != 0)
			return (error);
	}
	if (of != NULL)
		of->position += got;
	return (0);
}

/* -- calls that move descriptors ---------------------------------------- */

/* The name in a result like "3</path>", and the descriptor. */
static bool
result_fd(
    const struct words *w, uint32_t *fdp, const char **namep, size_t *lenp)
{
	return (word_fd(
	    w->result, w->result + strlen(w->result), fdp, namep, lenp));
}

static int
on_open(struct strace *s, const struct words *w)
{
	const char *name;
	char *quote, *last;
	uint32_t fd, id = EPH_NONE;
	size_t len;
	int error;

	if (!result_fd(w, &fd, &name, &len))
		return (0);
	if (name == NULL && (quote = strchr(w->args, '"')) != NULL &&
	    quote[1] == '/' && (last = strchr(quote + 1, '"')) != NULL) {
		name = quote + 1;
		len = (size_t)(last - name);
	}
	if (name != NULL &&
	    (id = eph__names_get(&s->im->files, name, len)) == EPH_NONE)
		return (no_memory(s));
	if ((error = fd_open(s, w->proc, fd, FILE_OTHER, id)) != 0)
		return (error);
	s->tables[w->proc->table].cloexec[fd] =
	    strstr(w->args, "O_CLOEXEC") != NULL;
	return (0);
}

static int
on_close(struct strace *s, const struct words *w)
{
	uint64_t fd;
	const char *end;

	s->close_seen = true;
	if (w->result[0] == '-' || !word_number(w->args, &end, &fd) ||
	    fd >= FD_MAX)
		return (0);
	return (fd_set_to(s, w->proc, (uint32_t)fd, -1));
}

/* dup, dup2, dup3, and fcntl with F_DUPFD: the result is the copy. */
static int
on_dup(struct strace *s, const struct words *w)
{
	const char *end, *name;
	uint64_t from;
	uint32_t to;
	size_t len;
	int error;

	if (w->name[0] == 'f' && strstr(w->args, "F_DUPFD") == NULL)
		return (0);
	if (!word_number(w->args, &end, &from) || from >= FD_MAX ||
	    !result_fd(w, &to, &name, &len) || from == to)
		return (0);
	if ((error = fd_dup(s, w->proc, (uint32_t)from, to)) != 0)
		return (error);
	if (to < s->tables[w->proc->table].n)
		s->tables[w->proc->table].cloexec[to] =
		    strstr(w->args, "CLOEXEC") != NULL;
	return (0);
}

/* pipe([3, 4]), also with names: pipe2([3<pipe:[7]>, 4<pipe:[7]>], 0). */
static int
on_pipe(struct strace *s, const struct words *w)
{
	const char *end, *second;
	uint64_t fds[2];
	int error;

	if (w->result[0] != '0' || w->args[0] != '[' ||
	    !word_number(w->args + 1, &end, &fds[0]) ||
	    (second = strstr(end, ", ")) == NULL ||
	    !word_number(second + 2, &end, &fds[1]) || fds[0] >= FD_MAX ||
	    fds[1] >= FD_MAX)
		return (0);
	s->pipe_maker = (size_t)(w->proc - s->procs);
	error = fd_open(s, w->proc, (uint32_t)fds[0], FILE_PIPE_READ, EPH_NONE);
	if (error == 0)
		error = fd_open(
		    s, w->proc, (uint32_t)fds[1], FILE_PIPE_WRITE, EPH_NONE);
	if (error == 0 && strstr(w->args, "O_CLOEXEC") != NULL) {
		s->tables[w->proc->table].cloexec[fds[0]] = true;
		s->tables[w->proc->table].cloexec[fds[1]] = true;
	}
	return (error);
}

static int
on_lseek(struct strace *s, const struct words *w)
{
	char *end = first_argument_end(w->args);
	struct open_file *of;
	const char *name;
	uint64_t position;
	uint32_t fd;
	size_t len;
	int error;

	if (!word_fd(w->args, end, &fd, &name, &len) ||
	    !result_number(w, &position))
		return (0);
	if ((error = file_of(s, w->proc, fd, name, len, &of)) != 0)
		return (error);
	of->position = position;
	return (0);
}

static int
on_fork(struct strace *s, const struct words *w)
{
	const bool share = strstr(w->args, "CLONE_FILES") != NULL;
	const size_t parent = (size_t)(w->proc - s->procs);
	uint64_t pid;
	uint32_t known = s->pids.n, index;

	if (!result_number(w, &pid) || pid == 0 || pid > UINT32_MAX)
		return (0);
	if ((index = eph__idmap_get(&s->pids, pid)) == EPH_NONE)
		return (no_memory(s));
	if (index < known) /* seen already: it took ours then */
		return (0);
	if (!grow(&s->procs, &s->cap_procs, s->nprocs, sizeof(*s->procs)))
		return (no_memory(s));
	memset(&s->procs[index], 0, sizeof(*s->procs));
	s->procs[index].pid = pid;
	s->nprocs++;
	return (process_inherit(s, index, &s->procs[parent], share));
}

static int
on_exec(struct strace *s, const struct words *w)
{
	if (w->result[0] == '0')
		fd_exec(s, w->proc);
	return (0);
}

/* -- lines -------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*fn)(struct strace *s, const struct words *w);
	bool counts; /* has a place in the queue */
} handlers[] = {
	{ "sendfile", on_sendfile, true },
	{ "sendfile64", on_sendfile, true },
	{ "write", on_read_write, true },
	{ "read", on_read_write, false },
	{ "lseek", on_lseek, false },
	{ "openat", on_open, false },
	{ "open", on_open, false },
	{ "creat", on_open, false },
	{ "close", on_close, false },
	{ "dup", on_dup, false },
	{ "dup2", on_dup, false },
	{ "dup3", on_dup, false },
	{ "fcntl", on_dup, false },
	{ "pipe", on_pipe, false },
	{ "pipe2", on_pipe, false },
	{ "clone", on_fork, false },
	{ "clone3", on_fork, false },
	{ "fork", on_fork, false },
	{ "vfork", on_fork, false },
	{ "execve", on_exec, false },
};

#define NHANDLERS (sizeof(handlers) / sizeof(handlers[0]))

static int
handler_of(const char *name, size_t len)
{
	for (size_t i = 0; i < NHANDLERS; i++) {
		if (strncmp(handlers[i].name, name, len) == 0 &&
		    handlers[i].name[len] == '\0')
			return ((int)i);
	}
	return (-1);
}

/*
 * Cut "name(args) = result <time>" into words; false when it is none.  The
 * result is looked for from the right: strings and names may hold ") = ".
 */
static bool
cut_call(char *line, struct words *w)
{
	char *open = strchr(line, '('), *p, *close = NULL, *tail;

	if (open == NULL)
		return (false);
	for (p = line + strlen(line) - 1; p > open && close == NULL; p--) {
		char *q = p - 1;

		if (p[0] != '=' || p[1] != ' ' || *q != ' ')
			continue;
		while (q > open && *q == ' ')
			q--;
		if (*q == ')' && q > open) {
			close = q;
			w->result = p + 2;
		}
	}
	if (close == NULL)
		return (false);
	while (close[-1] == ' ') /* of a joined line */
		close--;
	*open = *close = '\0';
	w->name = line;
	w->args = open + 1;
	/* -T's "<0.000021>" */
	tail = w->result + strlen(w->result);
	if (tail > w->result && tail[-1] == '>' &&
	    (p = strrchr(w->result, '<')) != NULL && p > w->result &&
	    p[-1] == ' ' && p + 1 + strspn(p + 1, "0123456789.") == tail - 1)
		p[-1] = '\0';
	return (true);
}

/* A complete call, from its first half's time. */
static int
strace_call(struct strace *s, char *text, int handler, struct words *w)
{
	int error = 0;

	if (cut_call(text, w))
		error = handlers[handler].fn(s, w);
	else if (handlers[handler].counts)
		eph__import_skip(s->im);
	if (error == 0 && w->queued &&
	    queue_at(s, w->place)->state == CALL_OPEN)
		queue_at(s, w->place)->state = CALL_DROPPED;
	return (error);
}

/* A place in the queue for a call that may count. */
static int
take_place(struct strace *s, int handler, const struct process *p, uint64_t ns,
    uint64_t *placep, bool *queuedp)
{
	*queuedp = handlers[handler].counts;
	return (*queuedp ? queue_push(s, p->pid, ns, placep) : 0);
}

/* "... <unfinished ...>": keep the half, and a place for it. */
static int
first_half(
    struct strace *s, struct process *p, char *text, int handler, uint64_t ns)
{
	free(p->half);
	if ((p->half = strdup(text)) == NULL)
		return (no_memory(s));
	return (take_place(s, handler, p, ns, &p->half_place, &p->half_queued));
}

/* "<... NAME resumed>REST": join. */
static int
second_half(struct strace *s, struct process *p, const char *rest)
{
	struct words w = { 0 };
	char *text;
	size_t a, b;
	int error;

	if (p->half == NULL)
		return (0); /* began before the log, or is of no interest */
	a = strlen(p->half);
	/* One blank where the halves meet: strace puts one before its mark. */
	while (a > 1 && p->half[a - 1] == ' ' && p->half[a - 2] == ' ')
		a--;
	if (a > 0 && p->half[a - 1] == ' ')
		rest += strspn(rest, " ");
	b = strlen(rest);
	if ((text = malloc(a + b + 1)) == NULL)
		return (no_memory(s));
	memcpy(text, p->half, a);
	memcpy(text + a, rest, b + 1);
	free(p->half);
	p->half = NULL;
	w.proc = p;
	w.place = p->half_place;
	w.queued = p->half_queued;
	error = strace_call(s, text, handler_of(text, strcspn(text, "(")), &w);
	free(text);
	return (error);
}

/* The process is gone; what it was doing will not end. */
static void
process_gone(struct strace *s, struct process *p)
{
	if (p->half != NULL && p->half_queued) {
		queue_at(s, p->half_place)->state = CALL_DROPPED;
		s->im->res->unfinished++;
	}
	free(p->half);
	p->half = NULL;
}

/* What stands after process and time. */
static int
strace_event(struct strace *s, struct process *p, char *text, uint64_t ns)
{
	struct words w = { 0 };
	char *end, *mark;
	int handler, error;

	if (strncmp(text, "<... ", 5) == 0) {
		end = strstr(text, " resumed>");
		return (end == NULL
			? 0
			: second_half(s, p, end + strlen(" resumed>")));
	}
	if (strncmp(text, "+++ ", 4) == 0) {
		process_gone(s, p);
		return (0);
	}
	handler = handler_of(text, strcspn(text, "("));
	mark = text + strlen(text);
	if ((size_t)(mark - text) >= strlen(UNFINISHED) &&
	    strcmp(mark - strlen(UNFINISHED), UNFINISHED) == 0) {
		process_gone(s, p); /* a half that never was resumed */
		if (handler < 0)
			return (0);
		mark[-(ptrdiff_t)strlen(UNFINISHED)] = '\0';
		return (first_half(s, p, text, handler, ns));
	}
	if (handler < 0)
		return (0);
	w.proc = p;
	error = take_place(s, handler, p, ns, &w.place, &w.queued);
	return (error != 0 ? error : strace_call(s, text, handler, &w));
}

/*
 * The process at the start of a line: "[pid 12] " or "12 ", or none (0).
 * Returns what follows, and in *blanksp how many blanks are usual there.
 */
static char *
cut_pid(char *p, uint64_t *pid, size_t *blanksp)
{
	const char *end;
	char *q;

	*pid = 0;
	*blanksp = 0;
	if (strncmp(p, "[pid", 4) == 0) {
		q = p + 4 + strspn(p + 4, " ");
		*blanksp = 1;
		if (!word_number(q, &end, pid) || *end != ']')
			return (NULL);
		return (p + (end + 1 - p));
	}
	if (*p >= '1' && *p <= '9' && word_number(p, &end, pid) &&
	    *end == ' ') {
		/* printed with "%-5u " */
		*blanksp = end - p < 5 ? (size_t)(6 - (end - p)) : 1;
		return (p + (end - p));
	}
	*pid = 0;
	return (p);
}

/* The digits of a fraction of a second, as nanoseconds. */
static const char *
cut_fraction(const char *p, uint64_t *ns)
{
	uint64_t unit = NS_PER_S / 10;

	for (; *p >= '0' && *p <= '9'; p++, unit /= 10)
		*ns += unit * (uint64_t)(*p - '0');
	return (p);
}

/*
 * The time: -ttt "1795220704.434476", -t "12:30:05", -tt with a fraction,
 * -r "     0.000021" since the line before, told by the blanks that fill
 * it, or none.
 */
static char *
cut_time(struct strace *s, char *p, size_t blanks, uint64_t *nsp)
{
	const size_t filled = strspn(p, " ");
	const char *end = NULL;
	uint64_t v = 0, min, sec, ns = 0;
	bool clock = false;

	*nsp = s->relative_ns;
	p += filled;
	if (*p < '0' || *p > '9' || !word_number(p, &end, &v))
		return (p);
	if (*end == ':') {
		if (!word_number(end + 1, &end, &min) || *end != ':' ||
		    !word_number(end + 1, &end, &sec))
			return (p);
		v = v * 3600 + min * 60 + sec;
		clock = true;
	}
	if (*end == '.')
		end = cut_fraction(end + 1, &ns);
	if (*end != ' ' || v > INT64_MAX / NS_PER_S / 2)
		return (p);
	ns += v * NS_PER_S;
	if (!clock && filled > blanks)
		ns = s->relative_ns += ns;
	*nsp = ns;
	p += end - p;
	return (p + strspn(p, " "));
}

static int
strace_line(struct strace *s, char *line)
{
	struct process *p = NULL;
	uint64_t pid, ns;
	size_t blanks;
	char *text = cut_pid(line, &pid, &blanks);
	int error;

	if (text == NULL)
		return (0);
	text = cut_time(s, text, blanks, &ns);
	if ((error = process_get(s, pid, &p)) != 0 ||
	    (error = strace_event(s, p, text, ns)) != 0)
		return (error);
	return (queue_drain(s, false));
}

static void
strace_destroy(struct strace *s)
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
	free(s->queue);
	eph__idmap_destroy(&s->pids);
	eph__idmap_destroy(&s->sent);
}

static int
strace_run(struct import *im)
{
	struct strace s = { .im = im };
	char *line;
	size_t len;
	int error;

	if (eph__idmap_init(&s.pids) != 0 || eph__idmap_init(&s.sent) != 0) {
		strace_destroy(&s);
		return (no_memory(&s));
	}
	while (
	    (error = eph__import_line(im, &line, &len)) == 0 && line != NULL) {
		if ((error = strace_line(&s, line)) != 0)
			break;
	}
	if (error == 0)
		error = queue_drain(&s, true);
	strace_destroy(&s);
	return (error);
}

/* A line "[pid] [time] name(...", or the end of something. */
static bool
strace_guess_line(char *line, size_t i)
{
	struct strace s = { 0 };
	uint64_t pid, ns;
	size_t n, blanks;

	(void)i;
	if ((line = cut_pid(line, &pid, &blanks)) == NULL)
		return (false);
	line = cut_time(&s, line, blanks, &ns);
	if (strncmp(line, "+++ ", 4) == 0 || strncmp(line, "--- ", 4) == 0 ||
	    strncmp(line, "<... ", 5) == 0)
		return (true);
	n = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return (n > 0 && line[n] == '(');
}

static bool
strace_guess(const char *p, size_t n)
{
	return (eph__import_all_lines(p, n, strace_guess_line));
}

const struct import_format eph__import_strace = {
	.name = "strace",
	.desc = "strace -f -ttt -T -yy: sendfile, or writes to pipes",
	.options = IMPORT_CALLS | IMPORT_PID,
	.guess = strace_guess,
	.run = strace_run,
};
