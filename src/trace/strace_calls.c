/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What each call of a strace log does: those that name files, those that move
 * descriptors, those that make tasks; and the table of all.
 */

#include <string.h>

#include "trace/calls.h"

#define ARGS_MAX 8

#define RAW_CLOEXEC	  02000000u
#define RAW_EXCL	  0200u
#define RAW_APPEND	  02000u
#define RAW_RANGE_CLOEXEC 4u
#define RAW_CLONE_FILES	  0x400u
#define RAW_CLONE_THREAD  0x10000u
#define RENAME_EXCHANGED  2u

/* Is the flag in an argument, by name or (-X raw) by value? */
static bool
has_flag(const char *arg, const char *name, uint64_t bit)
{
	const char *end;
	uint64_t v;

	return (strstr(arg, name) != NULL ||
	    (eph__strace_number(arg, &end, &v) && *end == '\0' &&
		(v & bit) != 0));
}

/* The name in a result like "3</path>", and the descriptor. */
static bool
result_fd(const struct words *w, struct fd_word *fd)
{
	return (eph__strace_arg_fd(w->result, fd));
}

/* -- calls that name files ---------------------------------------------- */

/* The name of a directory argument: "AT_FDCWD</d>", "5</d>" or "5". */
static const char *
dir_name(struct calls *c, uint32_t task, const char *dir, size_t *lenp)
{
	const struct open_file *of;
	const char *name = dir != NULL ? strchr(dir, '<') : NULL;
	const char *base = NULL;
	struct fd_word fd;

	*lenp = 0;
	if (name != NULL) {
		*lenp = strlen(++name);
		*lenp -= *lenp > 0 && name[*lenp - 1] == '>';
		if (dir[0] == 'A')
			c->tasks[task].cwd = eph__calls_path(c, name, *lenp);
		return (name);
	}
	if (dir != NULL && eph__strace_arg_fd(dir, &fd)) {
		of = eph__calls_fd(c, task, &fd);
		if (of != NULL && of->path != EPH_NONE)
			base = c->im->own->files.strings[of->path];
	} else if (c->tasks[task].cwd != EPH_NONE) {
		base = c->im->own->files.strings[c->tasks[task].cwd];
	}
	*lenp = base != NULL ? strlen(base) : 0;
	return (base);
}

/*
 * The path of an argument, a string: below a directory argument (or NULL), or
 * the task's, as far as these are known.  Returns its id, or EPH_NONE.
 */
static uint32_t
arg_path(struct calls *c, uint32_t task, const char *dir, char *arg)
{
	const char *base;
	char text[8192], *path;
	size_t len, n;

	base = dir_name(c, task, dir, &n);
	if (!eph__strace_string(arg, &path, &len))
		return (EPH_NONE);
	if (len > 2 && path[0] == '.' && path[1] == '/') {
		path += 2;
		len -= 2;
	}
	if (path[0] == '/' || n == 0)
		return (eph__calls_path(c, path, len));
	if (n + 1 + len > sizeof(text))
		return (EPH_NONE);
	memcpy(text, base, n);
	text[n] = '/';
	memcpy(text + n + 1, path, len);
	return (eph__calls_path(c, text, n + 1 + len));
}

/* open, creat(PATH, FLAGS), openat, openat2(DIR, PATH, FLAGS) */
static int
on_open(struct calls *c, const struct words *w)
{
	const bool at = strncmp(w->name, "openat", 6) == 0;
	struct open_file of = { .kind = FILE_OTHER };
	char *path = strchr(w->args, '"'), *dir = NULL;
	const char *flags;
	struct fd_word fd;

	if (path == NULL || !result_fd(w, &fd))
		return (0);
	if (at && path - w->args > 2) {
		dir = w->args;
		path[-2] = '\0'; /* ", " before it */
	}
	/* creat has a mode in place of flags */
	flags = strstr(path + 1, "\", ");
	flags = flags == NULL || w->name[0] == 'c' ? "" : flags + 3;
	if (fd.name != NULL && fd.name[0] == '/')
		of.path = eph__calls_path(c, fd.name, fd.len);
	else
		of.path = arg_path(c, w->task, dir, path);
	/* O_EXCL: there was none of that name. */
	if (of.path != EPH_NONE && has_flag(flags, "O_EXCL", RAW_EXCL))
		eph__calls_create(c, of.path);
	of.file = of.path == EPH_NONE ? EPH_NONE : eph__calls_file(c, of.path);
	of.append = has_flag(flags, "O_APPEND", RAW_APPEND);
	return (eph__calls_fd_open(c, w->task, fd.fd, &of, true,
	    has_flag(flags, "O_CLOEXEC", RAW_CLOEXEC)));
}

/* rename(A, B), renameat(DIR, A, DIR, B), renameat2(..., FLAGS) */
static int
on_rename(struct calls *c, const struct words *w)
{
	char *argv[ARGS_MAX];
	const size_t n = eph__strace_split(w->args, argv, ARGS_MAX);
	const bool at = n >= 4;
	uint32_t from, to;

	if (w->result[0] != '0' || n < 2)
		return (0);
	from = arg_path(c, w->task, at ? argv[0] : NULL, argv[at]);
	to = arg_path(c, w->task, at ? argv[2] : NULL, argv[at ? 3 : 1]);
	if (from == EPH_NONE || to == EPH_NONE)
		return (0);
	return (eph__calls_rename(c, from, to,
	    n == 5 && has_flag(argv[4], "RENAME_EXCHANGE", RENAME_EXCHANGED)));
}

/* link(A, B), linkat(DIR, A, DIR, B, FLAGS) */
static int
on_link(struct calls *c, const struct words *w)
{
	char *argv[ARGS_MAX];
	const size_t n = eph__strace_split(w->args, argv, ARGS_MAX);
	const bool at = n >= 4;
	uint32_t from, to;

	if (w->result[0] != '0' || n < 2)
		return (0);
	from = arg_path(c, w->task, at ? argv[0] : NULL, argv[at]);
	to = arg_path(c, w->task, at ? argv[2] : NULL, argv[at ? 3 : 1]);
	if (from == EPH_NONE || to == EPH_NONE)
		return (0);
	return (eph__calls_link(c, from, to));
}

/* unlink(PATH), unlinkat(DIR, PATH, FLAGS) */
static int
on_unlink(struct calls *c, const struct words *w)
{
	char *argv[ARGS_MAX];
	const size_t n = eph__strace_split(w->args, argv, ARGS_MAX);
	uint32_t path;

	if (w->result[0] != '0' || n == 0)
		return (0);
	path = n >= 2 ? arg_path(c, w->task, argv[0], argv[1])
		      : arg_path(c, w->task, NULL, argv[0]);
	return (path == EPH_NONE ? 0 : eph__calls_unlink(c, path));
}

/* chdir(PATH), fchdir(FD) */
static int
on_chdir(struct calls *c, const struct words *w)
{
	const struct open_file *of;
	struct fd_word fd;

	if (w->result[0] != '0')
		return (0);
	if (w->name[0] == 'c') {
		c->tasks[w->task].cwd = arg_path(c, w->task, NULL, w->args);
		return (0);
	}
	if (!eph__strace_arg_fd(w->args, &fd))
		return (0);
	of = eph__calls_fd(c, w->task, &fd);
	if (fd.name != NULL)
		c->tasks[w->task].cwd = eph__calls_path(c, fd.name, fd.len);
	else
		c->tasks[w->task].cwd = of != NULL ? of->path : EPH_NONE;
	return (0);
}

/* -- calls that move descriptors ---------------------------------------- */

static int
on_close(struct calls *c, const struct words *w)
{
	uint64_t fd;
	const char *end;

	c->close_seen = true;
	if (w->result[0] == '-' || !eph__strace_number(w->args, &end, &fd) ||
	    fd >= CALLS_FD_MAX)
		return (0);
	return (eph__calls_fd_close(c, w->task, (uint32_t)fd));
}

/* The descriptor is closed on exec, or no longer. */
static void
set_cloexec(struct calls *c, uint32_t task, uint64_t fd, bool on)
{
	struct fd_slot *slot =
	    fd < CALLS_FD_MAX ? eph__calls_slot(c, task, (uint32_t)fd) : NULL;

	if (slot != NULL)
		slot->cloexec = on;
}

/* close_range(FIRST, LAST, FLAGS) */
static int
on_close_range(struct calls *c, const struct words *w)
{
	char *argv[ARGS_MAX];
	uint64_t first, last;
	int error = 0;

	if (w->result[0] != '0' ||
	    eph__strace_split(w->args, argv, ARGS_MAX) != 3 ||
	    !eph__strace_arg_number(argv[0], &first) ||
	    !eph__strace_arg_number(argv[1], &last))
		return (0);
	if (last >= CALLS_FD_MAX)
		last = c->tables[c->tasks[w->task].table].n;
	for (uint64_t fd = first; error == 0 && fd <= last; fd++) {
		if (has_flag(argv[2], "CLOEXEC", RAW_RANGE_CLOEXEC))
			set_cloexec(c, w->task, fd, true);
		else
			error = eph__calls_fd_close(c, w->task, (uint32_t)fd);
	}
	return (error);
}

/* dup, dup2, dup3, and fcntl with F_DUPFD: the result is the copy. */
static int
on_dup(struct calls *c, const struct words *w)
{
	struct fd_word to;
	const char *end, *p;
	uint64_t from;

	if (!eph__strace_number(w->args, &end, &from) || from >= CALLS_FD_MAX)
		return (0);
	/* fcntl(FD, F_SETFD, FD_CLOEXEC) or 0 */
	if (w->name[0] == 'f' && (p = strstr(end, "F_SETFD, ")) != NULL &&
	    w->result[0] == '0')
		set_cloexec(c, w->task, from, has_flag(p + 9, "FD_CLOEXEC", 1));
	if ((w->name[0] == 'f' && strstr(end, "F_DUPFD") == NULL) ||
	    !result_fd(w, &to) || from == to.fd)
		return (0);
	return (eph__calls_fd_dup(
	    c, w->task, (uint32_t)from, to.fd, strstr(end, "CLOEXEC") != NULL));
}

/* ioctl(FD, FIOCLEX), ioctl(FD, FIONCLEX) */
static int
on_ioctl(struct calls *c, const struct words *w)
{
	const char *end;
	uint64_t fd;

	if (w->result[0] == '0' && eph__strace_number(w->args, &end, &fd) &&
	    (strstr(end, ", FIOCLEX") != NULL ||
		strstr(end, ", FIONCLEX") != NULL))
		set_cloexec(c, w->task, fd, strstr(end, "FIOCLEX") != NULL);
	return (0);
}

/* pipe([3, 4]), also with names: pipe2([3<pipe:[7]>, 4<pipe:[7]>], 0). */
static int
on_pipe(struct calls *c, const struct words *w)
{
	struct open_file of = { .file = EPH_NONE, .path = EPH_NONE };
	const bool cloexec = strstr(w->args, "O_CLOEXEC") != NULL;
	const char *end, *second;
	uint64_t fds[2];
	int error;

	if (w->result[0] != '0' || w->args[0] != '[' ||
	    !eph__strace_number(w->args + 1, &end, &fds[0]) ||
	    (second = strstr(end, ", ")) == NULL ||
	    !eph__strace_number(second + 2, &end, &fds[1]) ||
	    fds[0] >= CALLS_FD_MAX || fds[1] >= CALLS_FD_MAX)
		return (0);
	c->pipe_maker = w->task;
	of.kind = FILE_PIPE_READ;
	error = eph__calls_fd_open(
	    c, w->task, (uint32_t)fds[0], &of, true, cloexec);
	of.kind = FILE_PIPE_WRITE;
	if (error == 0)
		error = eph__calls_fd_open(
		    c, w->task, (uint32_t)fds[1], &of, true, cloexec);
	return (error);
}

/* socket, accept, accept4, epoll_create and others: no file. */
static int
on_socket(struct calls *c, const struct words *w)
{
	struct open_file of = {
		.kind = FILE_SOCKET, .file = EPH_NONE, .path = EPH_NONE
	};
	struct fd_word fd;

	if (w->result[0] < '0' || w->result[0] > '9' || !result_fd(w, &fd))
		return (0);
	return (eph__calls_fd_open(
	    c, w->task, fd.fd, &of, true, strstr(w->args, "CLOEXEC") != NULL));
}

/* io_submit, io_uring_enter: what they read shows nowhere. */
static int
on_async(struct calls *c, const struct words *w)
{
	c->async += w->result[0] > '0' && w->result[0] <= '9';
	return (0);
}

/* -- calls that make tasks ---------------------------------------------- */

static int
on_fork(struct calls *c, const struct words *w)
{
	const char *flags = strstr(w->args, "flags="), *end;
	uint64_t pid, bits = 0;

	if (!eph__strace_result_number(w, &pid) || pid == 0 || pid > UINT32_MAX)
		return (0);
	if (flags != NULL)
		(void)eph__strace_number(flags + 6, &end, &bits);
	return (eph__calls_fork(c, w->task, pid,
	    strstr(w->args, "CLONE_FILES") != NULL ||
		(bits & RAW_CLONE_FILES) != 0,
	    strstr(w->args, "CLONE_THREAD") != NULL ||
		(bits & RAW_CLONE_THREAD) != 0));
}

static int
on_exec(struct calls *c, const struct words *w)
{
	return (w->result[0] == '0' ? eph__calls_fd_exec(c, w->task) : 0);
}

/* getpid() = PROCESS, tgkill(PROCESS, THREAD, SIGNAL): who belongs to it. */
static int
on_pid(struct calls *c, const struct words *w)
{
	uint32_t task = w->task, leader;
	const char *end;
	uint64_t process, thread;

	if (w->name[0] == 'g') {
		if (!eph__strace_result_number(w, &process))
			return (0);
	} else {
		if (!eph__strace_number(w->args, &end, &process) ||
		    (end = strstr(end, ", ")) == NULL || /* -Y: a name */
		    !eph__strace_number(end + 2, &end, &thread) ||
		    (task = eph__calls_task_find(c, thread)) == EPH_NONE)
			return (0);
	}
	leader = eph__calls_task_find(c, process);
	if (leader != EPH_NONE && leader != task)
		eph__calls_same_process(c, leader, task);
	return (0);
}

/* sched_getaffinity(0, SIZE, [0, 1]) = 8: CPUs that the machine has. */
static int
on_affinity(struct calls *c, const struct words *w)
{
	const char *p = strchr(w->args, '[');
	unsigned n = 0;

	if (p == NULL || w->result[0] == '-')
		return (0);
	for (; *p != '\0' && *p != ']'; p++)
		n += (p[1] >= '0' && p[1] <= '9') && (*p < '0' || *p > '9');
	if (n > c->host_cpus)
		c->host_cpus = n;
	return (0);
}

/* -- the table ---------------------------------------------------------- */

/* By name: the search starts at the first of a letter. */
static const struct strace_handler handlers[] = {
	{ "_llseek", eph__strace_lseek, CALLS_NONE },
	{ "accept", on_socket, CALLS_NONE },
	{ "accept4", on_socket, CALLS_NONE },
	{ "chdir", on_chdir, CALLS_NONE },
	{ "clone", on_fork, CALLS_NONE },
	{ "clone3", on_fork, CALLS_NONE },
	{ "close", on_close, CALLS_NONE },
	{ "close_range", on_close_range, CALLS_NONE },
	{ "copy_file_range", eph__strace_copy, CALLS_COPY },
	{ "creat", on_open, CALLS_NONE },
	{ "dup", on_dup, CALLS_NONE },
	{ "dup2", on_dup, CALLS_NONE },
	{ "dup3", on_dup, CALLS_NONE },
	{ "epoll_create1", on_socket, CALLS_NONE },
	{ "eventfd2", on_socket, CALLS_NONE },
	{ "execve", on_exec, CALLS_NONE },
	{ "execveat", on_exec, CALLS_NONE },
	{ "fchdir", on_chdir, CALLS_NONE },
	{ "fcntl", on_dup, CALLS_NONE },
	{ "fcntl64", on_dup, CALLS_NONE },
	{ "fork", on_fork, CALLS_NONE },
	{ "getpid", on_pid, CALLS_NONE },
	{ "io_submit", on_async, CALLS_NONE },
	{ "io_uring_enter", on_async, CALLS_NONE },
	{ "ioctl", on_ioctl, CALLS_NONE },
	{ "link", on_link, CALLS_NONE },
	{ "linkat", on_link, CALLS_NONE },
	{ "lseek", eph__strace_lseek, CALLS_NONE },
	{ "mmap", eph__strace_mmap, CALLS_MMAP },
	{ "mmap2", eph__strace_mmap, CALLS_MMAP },
	{ "open", on_open, CALLS_NONE },
	{ "openat", on_open, CALLS_NONE },
	{ "openat2", on_open, CALLS_NONE },
	{ "pipe", on_pipe, CALLS_NONE },
	{ "pipe2", on_pipe, CALLS_NONE },
	{ "pread", eph__strace_pread, CALLS_PREAD },
	{ "pread64", eph__strace_pread, CALLS_PREAD },
	{ "preadv", eph__strace_pread, CALLS_PREAD },
	{ "preadv2", eph__strace_pread, CALLS_PREAD },
	{ "read", eph__strace_read, CALLS_READ },
	{ "readv", eph__strace_read, CALLS_READ },
	{ "rename", on_rename, CALLS_NONE },
	{ "renameat", on_rename, CALLS_NONE },
	{ "renameat2", on_rename, CALLS_NONE },
	{ "sched_getaffinity", on_affinity, CALLS_NONE },
	{ "sendfile", eph__strace_sendfile, CALLS_SENDFILE },
	{ "sendfile64", eph__strace_sendfile, CALLS_SENDFILE },
	{ "socket", on_socket, CALLS_NONE },
	{ "splice", eph__strace_copy, CALLS_SPLICE },
	{ "tgkill", on_pid, CALLS_NONE },
	{ "unlink", on_unlink, CALLS_NONE },
	{ "unlinkat", on_unlink, CALLS_NONE },
	{ "vfork", on_fork, CALLS_NONE },
	{ "write", eph__strace_write, CALLS_PIPE },
	{ "writev", eph__strace_write, CALLS_PIPE },
};

#define NHANDLERS (sizeof(handlers) / sizeof(handlers[0]))

const struct strace_handler *
eph__strace_handler(const char *name, size_t len)
{
	size_t low = 0, high = NHANDLERS;

	while (low < high) {
		const size_t i = (low + high) / 2;

		if (handlers[i].name[0] < name[0])
			low = i + 1;
		else
			high = i;
	}
	for (size_t i = low; i < NHANDLERS && handlers[i].name[0] == name[0];
	     i++) {
		if (handlers[i].name[1] == name[1] &&
		    strncmp(handlers[i].name, name, len) == 0 &&
		    handlers[i].name[len] == '\0')
			return (&handlers[i]);
	}
	return (NULL);
}

int
eph__strace_call(struct calls *c, char *text, const struct strace_handler *h,
    struct words *w)
{
	int error = 0;

	if (eph__strace_cut(text, w))
		error = h->fn(c, w);
	else if (w->queued)
		eph_import_skip(c->im);
	if (error == 0)
		eph__calls_drop(c, w);
	return (error);
}

int
eph__strace_place(struct calls *c, const struct strace_handler *h,
    uint32_t task, uint64_t ns, uint64_t *placep, bool *queuedp)
{
	*queuedp = h->kind != CALLS_NONE && (c->mask & 1u << h->kind) != 0;
	return (*queuedp ? eph__calls_push(c, task, ns, placep) : 0);
}

int
eph__strace_whole(struct calls *c, uint32_t task, uint64_t ns, char *text)
{
	const size_t name = strcspn(text, "(");
	const struct strace_handler *h = eph__strace_handler(text, name);
	struct words w = { .task = task };
	int error;

	c->lines += text[name] == '(';
	if (h == NULL)
		return (0);
	error = eph__strace_place(c, h, task, ns, &w.place, &w.queued);
	return (error != 0 ? error : eph__strace_call(c, text, h, &w));
}
