/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Calls of a strace log that transfer, or move the position.
 *
 * Writes to pipes (--calls pipe) map the pages of the writer's buffer, so the
 * log must have addresses: -e raw=read,write.  A page is named by process and
 * address, PID * 2^36 + ADDRESS / 4096.  A read maps nothing of its own: it
 * copies from the writer's pages.
 */

#include <string.h>

#include "trace/calls.h"

#define ARGS_MAX 8

static bool
wants(const struct calls *c, enum calls_kind kind)
{
	return ((c->mask & 1u << kind) != 0);
}

/* A call that should count and cannot be read. */
static int
unreadable(struct calls *c, enum calls_kind kind)
{
	if (wants(c, kind))
		eph_import_skip(c->im);
	return (0);
}

/* -- sendfile ----------------------------------------------------------- */

/*
 * sendfile(OUT, IN, OFFSET, COUNT), taken apart from the right because
 * names may hold commas: OFFSET is "[a] => [b]", "[a]" or NULL.
 */
static bool
sendfile_offset(const char *p, struct transfer *t)
{
	const char *end;

	t->at_position = strncmp(p, "NULL", 4) == 0;
	if (t->at_position)
		return (p[4] == '\0');
	t->untold = strcmp(p, CALLS_UNTOLD) == 0;
	if (t->untold)
		return (true);
	if (*p != '[' || !eph__strace_number(p + 1, &end, &t->offset) ||
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
sendfile_args(char *args, struct transfer *t)
{
	char *count = strrchr(args, ','), *offset, *in;
	const char *end;

	if (count == NULL || count[1] != ' ' ||
	    !eph__strace_number(count + 2, &end, &t->asked) || *end != '\0')
		return (false);
	*count = '\0';
	if (count - args < 3 ||
	    (offset = sendfile_find_offset(args, count)) == NULL ||
	    !sendfile_offset(offset + 2, t))
		return (false);
	*offset = '\0';
	in = eph__strace_first_end(args);
	if (in[0] != ',' || in[1] != ' ')
		return (false);
	t->out = args;
	t->out_len = (size_t)(in - args);
	return (eph__strace_word_fd(in + 2, offset, &t->from));
}

int
eph__strace_sendfile(struct calls *c, const struct words *w)
{
	struct transfer t = { .kind = CALLS_SENDFILE };

	if (eph__calls_failed(c, w, CALLS_SENDFILE))
		return (0);
	if (!eph__strace_result_number(w, &t.got) ||
	    !sendfile_args(w->args, &t))
		return (unreadable(c, CALLS_SENDFILE));
	return (eph__calls_transfer(c, w, &t));
}

/* -- reads and writes --------------------------------------------------- */

static bool
is_pipe_name(const struct fd_word *fd)
{
	return (fd->len > 5 && strncmp(fd->name, "pipe:", 5) == 0);
}

/* write(FD, ADDRESS, COUNT) to a pipe. */
static int
pipe_write(struct calls *c, const struct words *w, const char *args)
{
	const uint64_t pid = c->tasks[w->task].pid;
	uint64_t address, count, got;
	const char *end;

	if (eph__calls_failed(c, w, CALLS_PIPE))
		return (0);
	if (strncmp(args, "0x", 2) != 0 && strncmp(args, "NULL", 4) != 0)
		return (eph_import_refuse(c->im,
		    "this log has the data of write, not its address; expected "
		    "one made with strace -e raw=read,write"));
	if (!eph__strace_number(args, &end, &address) ||
	    strncmp(end, ", ", 2) != 0 ||
	    !eph__strace_number(end + 2, &end, &count) || *end != '\0' ||
	    !eph__strace_result_number(w, &got) || got > INT64_MAX ||
	    address > UINT64_MAX - got ||
	    pid >> (64 - CALLS_PIPE_PID_SHIFT) != 0 ||
	    (address + got) >> (CALLS_PIPE_PID_SHIFT + EPH_PAGE_SHIFT) != 0)
		return (unreadable(c, CALLS_PIPE));
	eph_import_count(c->im, got, count);
	eph__calls_done(c, w, EPH_NONE, address, got);
	return (0);
}

/* write, writev: move the file's position; a write to a pipe may count. */
int
eph__strace_write(struct calls *c, const struct words *w)
{
	const char *name = w->args + strspn(w->args, "0123456789");
	struct open_file *of;
	struct fd_word fd;
	uint64_t got;
	bool pipe;
	char *end;

	if (*name == '<' && name[1] != '/' && name[1] != 'p')
		return (0); /* most often a socket */
	end = eph__strace_first_end(w->args);
	if (*end != ',' || !eph__strace_word_fd(w->args, end, &fd))
		return (0);
	of = eph__calls_fd(c, w->task, &fd);
	pipe = fd.name != NULL ? is_pipe_name(&fd)
			       : of != NULL && of->kind == FILE_PIPE_WRITE;
	if (pipe && wants(c, CALLS_PIPE) && w->name[5] == '\0')
		return (pipe_write(c, w, end + 2));
	if (pipe) {
		c->other[CALLS_PIPE]++;
		return (0);
	}
	if (of == NULL || of->kind != FILE_OTHER ||
	    !eph__strace_result_number(w, &got))
		return (0);
	of->position += got;
	if (of->append && got > 0) /* wherever the file ends */
		of->seen = !(of->ended = true);
	return (0);
}

/* How many CPUs the machine has: "0-1\n" of sysfs. */
static void
note_online(struct calls *c, const struct fd_word *fd, const char *data)
{
	static const char online[] = "/sys/devices/system/cpu/online";
	const char *end, *dash = strchr(data, '-');
	uint64_t last;

	if (fd->len == strlen(online) &&
	    strncmp(fd->name, online, fd->len) == 0 && dash != NULL &&
	    eph__strace_number(dash + 1, &end, &last) && *end == '\\' &&
	    last < EPH_CPUS_MAX)
		c->host_cpus = (unsigned)last + 1;
}

/* A number at the end of the arguments, which are cut before it. */
static bool
last_number(char *args, uint64_t *out)
{
	char *comma = strrchr(args, ',');

	if (comma == NULL || comma[1] != ' ' ||
	    !eph__strace_arg_number(comma + 2, out))
		return (false);
	*comma = '\0';
	return (true);
}

/* read(FD, DATA, COUNT), readv(FD, VECTOR, N): at the position. */
int
eph__strace_read(struct calls *c, const struct words *w)
{
	struct transfer t = { .kind = CALLS_READ, .at_position = true };
	char *end;

	c->read_seen = true;
	if (w->result[0] == '?' || w->result[0] == '-') {
		/* Of sockets, most often: no call of ours. */
		return (0);
	}
	end = eph__strace_first_end(w->args);
	if (*end != ',' || !eph__strace_word_fd(w->args, end, &t.from) ||
	    !eph__strace_result_number(w, &t.got))
		return (0);
	t.asked = t.got;
	if (w->name[4] == '\0' && !last_number(end, &t.asked))
		return (0);
	if (t.from.name != NULL)
		note_online(c, &t.from, end);
	return (eph__calls_transfer(c, w, &t));
}

/* pread64(FD, DATA, COUNT, OFFSET), preadv(FD, VECTOR, N, OFFSET[, FLAGS]) */
int
eph__strace_pread(struct calls *c, const struct words *w)
{
	struct transfer t = { .kind = CALLS_PREAD };
	char *end = eph__strace_first_end(w->args);
	char *flags, *p;

	if (eph__calls_failed(c, w, CALLS_PREAD))
		return (0);
	if (*end != ',' || !eph__strace_word_fd(w->args, end, &t.from) ||
	    !eph__strace_result_number(w, &t.got))
		return (unreadable(c, CALLS_PREAD));
	if (strcmp(w->name, "preadv2") == 0 &&
	    (flags = strrchr(end, ',')) != NULL)
		*flags = '\0';
	p = strrchr(end, ',');
	t.at_position = p != NULL && strcmp(p, ", -1") == 0; /* of preadv2 */
	if (t.at_position)
		*p = '\0';
	else if (!last_number(end, &t.offset))
		return (unreadable(c, CALLS_PREAD));
	t.asked = t.got;
	if (strncmp(w->name, "preadv", 6) != 0 && !last_number(end, &t.asked))
		return (unreadable(c, CALLS_PREAD));
	return (eph__calls_transfer(c, w, &t));
}

/* splice, copy_file_range(IN, OFFSET, OUT, OFFSET, COUNT, FLAGS) */
int
eph__strace_copy(struct calls *c, const struct words *w)
{
	struct transfer t = { .kind = w->name[0] == 's' ? CALLS_SPLICE
							: CALLS_COPY };
	char *argv[ARGS_MAX];
	const char *end;
	bool readable;

	if (eph__calls_failed(c, w, t.kind))
		return (0);
	readable = eph__strace_split(w->args, argv, ARGS_MAX) == 6 &&
	    eph__strace_arg_fd(argv[0], &t.from) &&
	    eph__strace_arg_number(argv[4], &t.asked) &&
	    eph__strace_result_number(w, &t.got);
	if (readable && strcmp(argv[1], "NULL") == 0)
		t.at_position = true;
	else if (readable && strcmp(argv[1], CALLS_UNTOLD) == 0)
		t.untold = true;
	else if (readable)
		readable = argv[1][0] == '[' &&
		    eph__strace_number(argv[1] + 1, &end, &t.offset);
	if (!readable)
		return (unreadable(c, t.kind));
	t.out = argv[2];
	t.out_len = strlen(argv[2]);
	return (eph__calls_transfer(c, w, &t));
}

/* mmap(ADDRESS, LENGTH, PROT, FLAGS, FD, OFFSET): files that are read. */
int
eph__strace_mmap(struct calls *c, const struct words *w)
{
	struct transfer t = { .kind = CALLS_MMAP };
	char *argv[ARGS_MAX];

	if (w->result[0] == '-')
		return (0);
	if (eph__strace_split(w->args, argv, ARGS_MAX) != 6 ||
	    !eph__strace_arg_fd(argv[4], &t.from) ||
	    !eph__strace_arg_number(argv[1], &t.asked) ||
	    !eph__strace_arg_number(argv[5], &t.offset))
		return (0);
	/* Programs and libraries are no files that are served. */
	if (strstr(argv[2], "PROT_READ") == NULL ||
	    strstr(argv[2], "PROT_EXEC") != NULL ||
	    strstr(argv[3], "MAP_DENYWRITE") != NULL)
		return (0);
	t.got = t.asked;
	return (eph__calls_transfer(c, w, &t));
}

/* lseek(FD, OFFSET, WHENCE) = POSITION; _llseek(FD, OFFSET, [POSITION], ...) */
int
eph__strace_lseek(struct calls *c, const struct words *w)
{
	const char *p = w->name[0] == '_' ? strrchr(w->args, '[') : NULL;
	const char *stop;
	char *end = eph__strace_first_end(w->args);
	struct open_file *of;
	struct fd_word fd;
	uint64_t position;
	int error;

	c->read_seen = true;
	if (!eph__strace_word_fd(w->args, end, &fd) ||
	    (w->name[0] == '_' ? w->result[0] != '0' || p == NULL ||
			!eph__strace_number(p + 1, &stop, &position)
			       : !eph__strace_result_number(w, &position)) ||
	    (fd.name != NULL && !eph__calls_is_file_name(fd.name, fd.len)))
		return (0);
	if ((error = eph__calls_open_file(c, w->task, &fd, &of)) != 0)
		return (error);
	of->position = position;
	of->seen = true;
	of->ended = false;
	return (0);
}
