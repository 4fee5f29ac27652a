/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_STRACE_H
#define TRACE_STRACE_H

/*
 * The importer of strace logs, at its seams: lines (import_strace.c), their
 * words (strace_words.c), what each call does (strace_calls.c), processes
 * and descriptors (strace_fds.c), and the queue of calls (strace_queue.c).
 */

#include "trace/importer.h"

#define STRACE_FD_MAX	      65536u
#define STRACE_PIPE_PID_SHIFT 36

enum file_kind { FILE_OTHER, FILE_PIPE_WRITE, FILE_PIPE_READ };

/* An open file description: what dup and fork share. */
struct strace_file {
	enum file_kind kind;
	uint32_t name; /* in im->files, or EPH_NONE */
	uint64_t position;
};

/* A table of descriptors; threads share one. */
struct strace_table {
	uint32_t *fds; /* 1 + index into open_files; 0: not known */
	bool *cloexec;
	uint32_t n;
};

struct strace_process {
	uint64_t pid;
	uint32_t table;
	char *half;	     /* first half of a call, or NULL */
	uint64_t half_place; /* its place in the queue, if it has one */
	bool half_queued;
};

enum { CALL_OPEN, CALL_DONE, CALL_DROPPED };

/* A call that counts, waiting for its turn. */
struct strace_call {
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
	struct strace_process *procs;
	size_t nprocs, cap_procs;
	struct idmap pids; /* to index of procs */
	struct idmap sent; /* names, numbered by the first call that sent */
	struct strace_table *tables;
	size_t ntables, cap_tables;
	struct strace_file *open_files;
	size_t nopen, cap_open;
	struct strace_call *queue; /* a ring */
	size_t queue_cap;
	uint64_t queue_first; /* places: never reused */
	uint64_t queue_next;
	size_t pipe_maker; /* process that made the last pipe */
	bool close_seen;
	uint64_t relative_ns; /* -r: sum so far */
};

/* A call, taken apart. */
struct strace_words {
	char *name;
	char *args; /* between the parentheses, cut there */
	char *result;
	struct strace_process *proc;
	uint64_t place;
	bool queued;
};

/*
 * What a call does.  Returns 0 or an errno value with im->err set, as all
 * below that return an int and say nothing else.
 */
struct strace_handler {
	const char *name;
	int (*fn)(struct strace *s, const struct strace_words *w);
	bool counts; /* has a place in the queue */
};

/* The handler of a call by its name; NULL when it is of no interest. */
const struct strace_handler *eph__strace_handler(const char *name, size_t len);

/* -- queue: places of calls, in order of their start -------------------- */

struct strace_call *eph__strace_queue_at(struct strace *s, uint64_t place);
int eph__strace_queue_push(
    struct strace *s, uint64_t pid, uint64_t ns, uint64_t *placep);

/* Write out what is complete at the head; `all`: pass over what is not. */
int eph__strace_queue_drain(struct strace *s, bool all);

/* -- processes and descriptors ------------------------------------------ */

/* The process of this id, a new one if it was never seen. */
int eph__strace_process(
    struct strace *s, uint64_t pid, struct strace_process **pp);

/* Note that process `parent` (an index) made `pid`, sharing descriptors? */
int eph__strace_fork(struct strace *s, size_t parent, uint64_t pid, bool share);

/* The open file behind a descriptor, or NULL when it is not known. */
struct strace_file *eph__strace_fd_get(
    struct strace *s, const struct strace_process *p, uint32_t fd);

/* Make a descriptor stand for open file `index`, or for none (-1). */
int eph__strace_fd_set(struct strace *s, const struct strace_process *p,
    uint32_t fd, int64_t index);

/* Make a descriptor a new open file; name may be EPH_NONE. */
int eph__strace_fd_open(struct strace *s, const struct strace_process *p,
    uint32_t fd, enum file_kind kind, uint32_t name);
int eph__strace_fd_dup(struct strace *s, const struct strace_process *p,
    uint32_t from, uint32_t to);
void eph__strace_fd_exec(struct strace *s, const struct strace_process *p);

/*
 * The open file that a descriptor with this name stands for; a new one when
 * it is not known, or was another file when last seen.
 */
int eph__strace_file(struct strace *s, const struct strace_process *p,
    uint32_t fd, const char *name, size_t len, struct strace_file **filep);

/* Free what they are kept in. */
void eph__strace_fds_destroy(struct strace *s);

/* Double an array that is full.  False: out of memory. */
bool eph__strace_grow(void *arrayp, size_t *cap, size_t n, size_t size);

/* Fill in the error; returns ENOMEM. */
int eph__strace_no_memory(struct strace *s);

/* -- words -------------------------------------------------------------- */

/* A number as strace prints it, 0x or decimal; what follows in *endp. */
bool eph__strace_number(const char *p, const char **endp, uint64_t *out);

/*
 * A descriptor with its name if it has one: "13</path>".  `end` is where it
 * must end.  *namep is NULL without a name.
 */
bool eph__strace_word_fd(const char *p, const char *end, uint32_t *fdp,
    const char **namep, size_t *lenp);

/* The end of the first argument: ", " outside of <...>. */
char *eph__strace_first_end(char *args);

/*
 * Cut "name(args) = result <time>" into words; false when it is none.  The
 * result is looked for from the right: strings and names may hold ") = ".
 */
bool eph__strace_cut(char *line, struct strace_words *w);

/* The result when it is a number; false for -1, ? and the like. */
bool eph__strace_result_number(const struct strace_words *w, uint64_t *out);

/* The name in a result like "3</path>", and the descriptor. */
bool eph__strace_result_fd(const struct strace_words *w, uint32_t *fdp,
    const char **namep, size_t *lenp);

#endif /* !TRACE_STRACE_H */
