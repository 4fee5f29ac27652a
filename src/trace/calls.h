/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_CALLS_H
#define TRACE_CALLS_H

/*
 * Logs of system calls, whichever tool wrote them: strace, perf trace, truss
 * or kdump.  The readers cut lines into calls; what calls do to tasks,
 * descriptors, files and positions stands here, once.
 *
 *   calls_tasks.c   tasks, the processes they are threads of, descriptors
 *   calls_files.c   files behind names: rename, unlink, create
 *   calls_io.c      transfers, positions, what the log does not tell
 *   calls_queue.c   calls in order of their start, then CPUs, then pages
 *   strace_words.c  numbers, descriptors and results as strace prints them
 *   strace_io.c     strace's calls that transfer
 *   strace_calls.c  strace's calls by name
 */

#include <stdio.h>

#include "trace/importer.h"

#define CALLS_FD_MAX	     65536u
#define CALLS_PIPE_PID_SHIFT 36

enum calls_kind {
	CALLS_SENDFILE,
	CALLS_READ,
	CALLS_PREAD,
	CALLS_SPLICE,
	CALLS_COPY,
	CALLS_MMAP,
	CALLS_PIPE,
	CALLS_KINDS,
	CALLS_NONE = CALLS_KINDS
};

enum file_kind { FILE_OTHER, FILE_PIPE_WRITE, FILE_PIPE_READ, FILE_SOCKET };

/* An open file description: what dup and fork share. */
struct open_file {
	enum file_kind kind;
	bool seen;     /* its opening is in the log: the position is known */
	bool append;   /* O_APPEND: a write moves the position to the end */
	bool ended;    /* the last transfer at the position returned 0 */
	uint32_t file; /* which file, or EPH_NONE */
	uint32_t path; /* name it was last seen under, or EPH_NONE */
	uint64_t position;

	/* The last transfer at the position, where the opening is unseen. */
	uint64_t last_out;
	uint64_t last_asked;
	uint64_t last_got;
};

struct fd_slot {
	uint32_t open;	/* 1 + index into opens; 0: not known */
	uint32_t owner; /* task that set it */
	uint64_t line;	/* where it was opened; 0: opening unseen */
	bool cloexec;
};

/* A table of descriptors; threads share one. */
struct fd_table {
	struct fd_slot *slots;
	uint32_t n;
};

/* A thread: what a log names by one number. */
struct task {
	uint64_t pid;
	uint64_t born; /* line it was first seen in */
	uint32_t table;
	uint32_t thread_of; /* task of the same process, or EPH_NONE */
	uint32_t cwd;	    /* a path, or EPH_NONE */
	uint32_t cpu;	    /* by --cpu-of and --fold; EPH_NONE: none yet */
	bool known;	    /* a clone line says what it shares */
	bool gone;
	bool counted;	/* made a call that counts */
	bool leads;	/* a process that was counted */
	uint64_t pages; /* of its calls, if it leads a process */
	char *half;	/* first half of a call */
	size_t half_size;
	bool half_open;
	bool half_queued;
	bool half_child;     /* it is a clone, whose child has turned up */
	uint64_t half_place; /* its place in the queue, if it has one */
	uint64_t half_ns;    /* when it began, where that is kept */
};

enum { CALL_OPEN, CALL_DONE, CALL_DROPPED };

/* A call that counts, waiting for its turn. */
struct call {
	uint64_t ns;
	uint64_t offset; /* or address, where file is EPH_NONE */
	uint64_t bytes;
	uint32_t task;
	uint32_t file;
	uint32_t state;
};

struct calls {
	struct eph_import *im;
	unsigned mask; /* 1 << CALLS_*: those that count */
	struct task *tasks;
	size_t ntasks, cap_tasks;
	struct idmap pids; /* process numbers of the log */
	uint32_t *task_of; /* by id in pids; EPH_NONE: none alive */
	size_t cap_task_of;
	struct fd_table *tables;
	size_t ntables, cap_tables;
	struct open_file *opens;
	size_t nopens, cap_opens;
	uint32_t *file_at; /* by path (id in im->own->files): file + 1, or 0 */
	size_t nfile_at, cap_file_at;
	uint32_t nfiles;
	struct idmap dirs; /* hashes of directories that hold known files */
	struct idmap sent; /* files, numbered by the first call that sent */

	struct call *queue; /* a ring */
	size_t queue_cap;
	uint64_t queue_first; /* places: never reused */
	uint64_t queue_next;
	struct call *spool; /* complete calls, in order */
	size_t nspool, cap_spool;
	FILE *spilled; /* those that came before, when there are many */
	uint64_t nspilled;

	uint32_t pipe_maker; /* task that made the last pipe */
	bool close_seen, read_seen, clone_seen;
	uint64_t other[CALLS_KINDS]; /* on files, of kinds that do not count */
	uint64_t lines;		     /* that are calls of any name */
	uint64_t from_position;	     /* calls at a position */
	uint64_t unseen_position;    /* of these, on an opening unseen */
	uint64_t untold_offset;	     /* the log does not print the offset */
	uint64_t untold_name;	     /* files without a name and an opening */
	uint64_t mapped;	     /* pages of mmap */
	uint64_t async;		     /* calls that hand reads to the kernel */
	uint32_t attached_threads;   /* "attached with N threads" */
	uint32_t attach_lines;
	unsigned host_cpus; /* that the log shows; 0: none */
};

/* A call, taken apart. */
struct words {
	char *name;
	char *args; /* between the parentheses, cut there */
	char *result;
	uint32_t task;
	uint64_t place;
	bool queued;
};

/* A descriptor as a log shows it. */
struct fd_word {
	uint32_t fd;
	const char *name; /* NULL: not shown */
	size_t len;
	bool deleted; /* shown to be unlinked */
};

/* A transfer from a file. */
struct transfer {
	enum calls_kind kind;
	struct fd_word from;
	const char *out; /* where to, for what it is compared with; or NULL */
	size_t out_len;
	bool at_position;
	bool untold; /* an offset that the log does not print */
	uint64_t offset;
	uint64_t asked;
	uint64_t got;
};

/*
 * All return 0 or an errno value with im->err set, unless stated.
 */

/* -- one log ------------------------------------------------------------ */

int eph__calls_start(struct calls *c, struct eph_import *im);

/* Write what is spooled, and note what must be said.  Then destroy. */
int eph__calls_finish(struct calls *c);
void eph__calls_destroy(struct calls *c);

/* Start, call `read_line` for each line, finish, destroy. */
int eph__calls_run(
    struct eph_import *im, int (*read_line)(struct calls *c, char *line));

/* Double an array that is full.  False: out of memory. */
bool eph__calls_grow(void *arrayp, size_t *cap, size_t n, size_t size);

/* Fill in the error; returns ENOMEM. */
int eph__calls_no_memory(struct calls *c);

/* -- queue: places of calls, in order of their start -------------------- */

struct call *eph__calls_at(struct calls *c, uint64_t place);
int eph__calls_push(
    struct calls *c, uint32_t task, uint64_t ns, uint64_t *placep);

/* Spool what is complete at the head; `all`: pass over what is not. */
int eph__calls_drain(struct calls *c, bool all);

/* A call that has no place was not counted; one that has is done, or not. */
void eph__calls_done(struct calls *c, const struct words *w, uint32_t file,
    uint64_t offset, uint64_t bytes);

/* A call that was not done has no turn. */
void eph__calls_drop(struct calls *c, const struct words *w);

/* Append to the half of a call that a task keeps, or begin one. */
int eph__calls_half(
    struct calls *c, uint32_t task, const char *text, size_t len);

/* It will not be ended. */
void eph__calls_half_drop(struct calls *c, uint32_t task);

/* -- tasks and descriptors ---------------------------------------------- */

/* The task of this number, a new one if none is alive. */
int eph__calls_task(struct calls *c, uint64_t pid, uint32_t *taskp);

/* Is there one?  EPH_NONE if not. */
uint32_t eph__calls_task_find(struct calls *c, uint64_t pid);

/* Number `pid` is the task that had none. */
int eph__calls_task_name(struct calls *c, uint32_t task, uint64_t pid);

/* The task is gone: its number may come again. */
void eph__calls_task_gone(struct calls *c, uint32_t task);

/* Task `parent` made `pid`: sharing descriptors, being a thread of it? */
int eph__calls_fork(
    struct calls *c, uint32_t parent, uint64_t pid, bool files, bool thread);

/* Both are threads of one process. */
void eph__calls_same_process(struct calls *c, uint32_t a, uint32_t b);

/* The task that stands for this one's process. */
uint32_t eph__calls_leader(const struct calls *c, uint32_t task);

/*
 * The open file behind a descriptor, or NULL when it is not known; `use` says
 * that a call used it under this name, which may tell tasks apart.
 */
struct open_file *eph__calls_fd(
    struct calls *c, uint32_t task, const struct fd_word *use);

/* What a task has under this number, NULL when it never had any. */
struct fd_slot *eph__calls_slot(struct calls *c, uint32_t task, uint32_t fd);

/* The descriptor is a new open file. */
int eph__calls_fd_open(struct calls *c, uint32_t task, uint32_t fd,
    const struct open_file *of, bool seen, bool cloexec);
int eph__calls_fd_close(struct calls *c, uint32_t task, uint32_t fd);
int eph__calls_fd_dup(
    struct calls *c, uint32_t task, uint32_t from, uint32_t to, bool cloexec);
int eph__calls_fd_exec(struct calls *c, uint32_t task);

/* -- files -------------------------------------------------------------- */

/* A path's id; EPH_NONE when out of memory. */
uint32_t eph__calls_path(struct calls *c, const char *path, size_t len);

/* The file that has this path now; EPH_NONE when out of memory. */
uint32_t eph__calls_file(struct calls *c, uint32_t path);

/* A file that has no path. */
uint32_t eph__calls_file_new(struct calls *c);

/* The path is a new file, or none. */
void eph__calls_create(struct calls *c, uint32_t path);
int eph__calls_unlink(struct calls *c, uint32_t path);
int eph__calls_rename(
    struct calls *c, uint32_t from, uint32_t to, bool exchange);
int eph__calls_link(struct calls *c, uint32_t from, uint32_t to);

/* The file that was unlinked under this path. */
uint32_t eph__calls_deleted(struct calls *c, const char *path, size_t len);

/* -- transfers ---------------------------------------------------------- */

/*
 * The open file of a descriptor, a new one with its opening unseen when it
 * is not known or was another file when last seen.
 */
int eph__calls_open_file(struct calls *c, uint32_t task,
    const struct fd_word *fd, struct open_file **ofp);

/* A transfer that did not fail: move the position, and count it. */
int eph__calls_transfer(
    struct calls *c, const struct words *w, const struct transfer *t);

/* Count a call that failed, by its result.  False: it did not fail. */
bool eph__calls_failed(
    struct calls *c, const struct words *w, enum calls_kind kind);

/* Does a name stand for a file that has pages? */
bool eph__calls_is_file_name(const char *name, size_t len);

/* -- words of strace ---------------------------------------------------- */

/* A number as strace prints it, 0x or decimal; what follows in *endp. */
bool eph__strace_number(const char *p, const char **endp, uint64_t *out);

/*
 * A descriptor with its name if it has one: "13</path>".  `end` is where it
 * must end.
 */
bool eph__strace_word_fd(const char *p, const char *end, struct fd_word *fd);

/* The end of the first argument: ", " outside of <...>. */
char *eph__strace_first_end(char *args);

/* A whole argument that is a number, or a descriptor. */
bool eph__strace_arg_number(const char *arg, uint64_t *out);
bool eph__strace_arg_fd(const char *arg, struct fd_word *fd);

/*
 * Cut arguments at ", " outside of quotes, brackets and names; returns their
 * number, at most `max`, the rest uncut.
 */
size_t eph__strace_split(char *args, char **argv, size_t max);

/*
 * A quoted string, its escapes undone in place; false when it is none, or
 * was cut ("..."...).
 */
bool eph__strace_string(char *p, char **startp, size_t *lenp);

/* Undo escapes in place; returns the new length. */
size_t eph__strace_unescape(char *p, size_t len);

/*
 * Cut "name(args) = result <time>" into words; false when it is none.  The
 * result is looked for from the right: strings and names may hold ") = ".
 */
bool eph__strace_cut(char *line, struct words *w);

/* The result when it is a number; false for -1, ? and the like. */
bool eph__strace_result_number(const struct words *w, uint64_t *out);

/* -- calls of strace that transfer, or move the position ---------------- */

int eph__strace_sendfile(struct calls *c, const struct words *w);
int eph__strace_read(struct calls *c, const struct words *w);
int eph__strace_pread(struct calls *c, const struct words *w);
int eph__strace_copy(struct calls *c, const struct words *w);
int eph__strace_mmap(struct calls *c, const struct words *w);
int eph__strace_write(struct calls *c, const struct words *w);
int eph__strace_lseek(struct calls *c, const struct words *w);

/* -- calls of strace by name -------------------------------------------- */

struct strace_handler {
	const char *name;
	int (*fn)(struct calls *c, const struct words *w);
	enum calls_kind kind; /* CALLS_NONE: it never counts */
};

/* The handler of a call by its name; NULL when it is of no interest. */
const struct strace_handler *eph__strace_handler(const char *name, size_t len);

/* Cut a whole call and do it. */
int eph__strace_call(struct calls *c, char *text,
    const struct strace_handler *h, struct words *w);

/* A place in the queue for a call that may count. */
int eph__strace_place(struct calls *c, const struct strace_handler *h,
    uint32_t task, uint64_t ns, uint64_t *placep, bool *queuedp);

/* A whole call of any name, at its time. */
int eph__strace_whole(struct calls *c, uint32_t task, uint64_t ns, char *text);

/* In place of an offset that a log does not print. */
#define CALLS_UNTOLD "[?]"

/*
 * The BSDs' sendfile(FILE, SOCKET, OFFSET, BYTES, HEADERS, SENT, FLAGS), its
 * arguments as strace would print them; `error` of errno, and whether SENT is
 * shown.
 */
int eph__bsd_sendfile(struct calls *c, uint32_t task, uint64_t ns, char *args,
    uint64_t error, bool sent_shown);

#endif /* !TRACE_CALLS_H */
