/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What each call does: those that count, and those that move descriptors.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "trace/strace.h"

/* Count a call that failed.  False: it did not fail. */
static bool
result_failed(struct strace *s, const struct strace_words *w)
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

/* Note a complete call for its turn. */
static void
call_done(struct strace *s, const struct strace_words *w, bool pipe,
    uint32_t file, uint64_t offset, uint64_t bytes)
{
	struct strace_call *c = eph__strace_queue_at(s, w->place);

	c->state = CALL_DONE;
	c->pipe = pipe;
	c->file = file;
	c->offset = offset;
	c->bytes = bytes;
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
	if (*p != '[' || !eph__strace_number(p + 1, &end, &a->offset) ||
	    *end != ']')
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
	    !eph__strace_number(count + 2, &end, &a->count) || *end != '\0')
		return (false);
	*count = '\0';
	if (count - args < 3 ||
	    (offset = sendfile_find_offset(args, count)) == NULL ||
	    !sendfile_offset(offset + 2, a))
		return (false);
	*offset = '\0';
	a->in = eph__strace_first_end(args);
	if (a->in[0] != ',' || a->in[1] != ' ')
		return (false);
	a->in += 2;
	a->in_end = offset;
	return (true);
}

static int
on_sendfile(struct strace *s, const struct strace_words *w)
{
	struct import *im = s->im;
	struct sendfile_args a = { 0 };
	struct strace_file *of = NULL;
	const char *name;
	uint64_t got;
	uint32_t fd;
	size_t len;
	int error;

	if (im->o->calls != EPH_CALLS_SENDFILE || result_failed(s, w))
		return (0);
	if (!eph__strace_result_number(w, &got) ||
	    !sendfile_args(w->args, &a) ||
	    !eph__strace_word_fd(a.in, a.in_end, &fd, &name, &len)) {
		eph__import_skip(im);
		return (0);
	}
	if ((error = eph__strace_file(s, w->proc, fd, name, len, &of)) != 0)
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
pipe_write(struct strace *s, const struct strace_words *w, const char *args)
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
	if (!eph__strace_number(args, &end, &address) ||
	    strncmp(end, ", ", 2) != 0 ||
	    !eph__strace_number(end + 2, &end, &count) || *end != '\0' ||
	    !eph__strace_result_number(w, &got) || got > INT64_MAX ||
	    address > UINT64_MAX - got ||
	    w->proc->pid >> (64 - STRACE_PIPE_PID_SHIFT) != 0 ||
	    (address + got) >> (STRACE_PIPE_PID_SHIFT + EPH_PAGE_SHIFT) != 0) {
		eph__import_skip(im);
		return (0);
	}
	eph__import_count(im, got, count);
	call_done(s, w, true, 0, address, got);
	return (0);
}

/* read, write: move the file's position; a write to a pipe may count. */
static int
on_read_write(struct strace *s, const struct strace_words *w)
{
	char *end = eph__strace_first_end(w->args);
	struct strace_file *of;
	const char *name;
	uint64_t got;
	uint32_t fd;
	size_t len;
	bool pipe;
	int error;

	if (*end != ',' || !eph__strace_word_fd(w->args, end, &fd, &name, &len))
		return (0);
	of = eph__strace_fd_get(s, w->proc, fd);
	pipe = name != NULL ? is_pipe_name(name, len)
			    : of != NULL && of->kind == FILE_PIPE_WRITE;
	if (pipe) {
		if (s->im->o->calls == EPH_CALLS_PIPE && w->name[0] == 'w')
			return (pipe_write(s, w, end + 2));
		return (0);
	}
	if (!eph__strace_result_number(w, &got))
		return (0);
	if (name != NULL && *name == '/') {
		error = eph__strace_file(s, w->proc, fd, name, len, &of);
		if (error != 0)
			return (error);
	}
	if (of != NULL)
		of->position += got;
	return (0);
}

/* -- calls that move descriptors ---------------------------------------- */

static int
on_open(struct strace *s, const struct strace_words *w)
{
	const char *name;
	char *quote, *last;
	uint32_t fd, id = EPH_NONE;
	size_t len;
	int error;

	if (!eph__strace_result_fd(w, &fd, &name, &len))
		return (0);
	if (name == NULL && (quote = strchr(w->args, '"')) != NULL &&
	    quote[1] == '/' && (last = strchr(quote + 1, '"')) != NULL) {
		name = quote + 1;
		len = (size_t)(last - name);
	}
	if (name != NULL &&
	    (id = eph__names_get(&s->im->files, name, len)) == EPH_NONE)
		return (eph__strace_no_memory(s));
	if ((error = eph__strace_fd_open(s, w->proc, fd, FILE_OTHER, id)) != 0)
		return (error);
	s->tables[w->proc->table].cloexec[fd] =
	    strstr(w->args, "O_CLOEXEC") != NULL;
	return (0);
}

static int
on_close(struct strace *s, const struct strace_words *w)
{
	uint64_t fd;
	const char *end;

	s->close_seen = true;
	if (w->result[0] == '-' || !eph__strace_number(w->args, &end, &fd) ||
	    fd >= STRACE_FD_MAX)
		return (0);
	return (eph__strace_fd_set(s, w->proc, (uint32_t)fd, -1));
}

/* dup, dup2, dup3, and fcntl with F_DUPFD: the result is the copy. */
static int
on_dup(struct strace *s, const struct strace_words *w)
{
	const char *end, *name;
	uint64_t from;
	uint32_t to;
	size_t len;
	int error;

	if (w->name[0] == 'f' && strstr(w->args, "F_DUPFD") == NULL)
		return (0);
	if (!eph__strace_number(w->args, &end, &from) ||
	    from >= STRACE_FD_MAX ||
	    !eph__strace_result_fd(w, &to, &name, &len) || from == to)
		return (0);
	if ((error = eph__strace_fd_dup(s, w->proc, (uint32_t)from, to)) != 0)
		return (error);
	if (to < s->tables[w->proc->table].n)
		s->tables[w->proc->table].cloexec[to] =
		    strstr(w->args, "CLOEXEC") != NULL;
	return (0);
}

/* pipe([3, 4]), also with names: pipe2([3<pipe:[7]>, 4<pipe:[7]>], 0). */
static int
on_pipe(struct strace *s, const struct strace_words *w)
{
	const char *end, *second;
	uint64_t fds[2];
	int error;

	if (w->result[0] != '0' || w->args[0] != '[' ||
	    !eph__strace_number(w->args + 1, &end, &fds[0]) ||
	    (second = strstr(end, ", ")) == NULL ||
	    !eph__strace_number(second + 2, &end, &fds[1]) ||
	    fds[0] >= STRACE_FD_MAX || fds[1] >= STRACE_FD_MAX)
		return (0);
	s->pipe_maker = (size_t)(w->proc - s->procs);
	error = eph__strace_fd_open(
	    s, w->proc, (uint32_t)fds[0], FILE_PIPE_READ, EPH_NONE);
	if (error == 0)
		error = eph__strace_fd_open(
		    s, w->proc, (uint32_t)fds[1], FILE_PIPE_WRITE, EPH_NONE);
	if (error == 0 && strstr(w->args, "O_CLOEXEC") != NULL) {
		s->tables[w->proc->table].cloexec[fds[0]] = true;
		s->tables[w->proc->table].cloexec[fds[1]] = true;
	}
	return (error);
}

static int
on_lseek(struct strace *s, const struct strace_words *w)
{
	char *end = eph__strace_first_end(w->args);
	struct strace_file *of;
	const char *name;
	uint64_t position;
	uint32_t fd;
	size_t len;
	int error;

	if (!eph__strace_word_fd(w->args, end, &fd, &name, &len) ||
	    !eph__strace_result_number(w, &position))
		return (0);
	if ((error = eph__strace_file(s, w->proc, fd, name, len, &of)) != 0)
		return (error);
	of->position = position;
	return (0);
}

static int
on_fork(struct strace *s, const struct strace_words *w)
{
	const bool share = strstr(w->args, "CLONE_FILES") != NULL;
	const size_t parent = (size_t)(w->proc - s->procs);
	uint64_t pid;

	if (!eph__strace_result_number(w, &pid) || pid == 0 || pid > UINT32_MAX)
		return (0);
	return (eph__strace_fork(s, parent, pid, share));
}

static int
on_exec(struct strace *s, const struct strace_words *w)
{
	if (w->result[0] == '0')
		eph__strace_fd_exec(s, w->proc);
	return (0);
}

/* -- the table ----------------------------------------------------------- */

static const struct strace_handler handlers[] = {
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

const struct strace_handler *
eph__strace_handler(const char *name, size_t len)
{
	for (size_t i = 0; i < NHANDLERS; i++) {
		if (strncmp(handlers[i].name, name, len) == 0 &&
		    handlers[i].name[len] == '\0')
			return (&handlers[i]);
	}
	return (NULL);
}
