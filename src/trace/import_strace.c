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

#include "trace/strace.h"

#include <string.h>

#define NS_PER_S   ((uint64_t)1000000000)
#define UNFINISHED "<unfinished ...>"

/* A complete call, from its first half's time. */
static int
strace_call(struct strace *s, char *text, const struct strace_handler *h,
    struct strace_words *w)
{
	int error = 0;

	if (eph__strace_cut(text, w))
		error = h->fn(s, w);
	else if (h->counts)
		eph__import_skip(s->im);
	if (error == 0 && w->queued &&
	    eph__strace_queue_at(s, w->place)->state == CALL_OPEN)
		eph__strace_queue_at(s, w->place)->state = CALL_DROPPED;
	return (error);
}

/* A place in the queue for a call that may count. */
static int
take_place(struct strace *s, const struct strace_handler *h,
    const struct strace_process *p, uint64_t ns, uint64_t *placep,
    bool *queuedp)
{
	*queuedp = h->counts;
	return (*queuedp ? eph__strace_queue_push(s, p->pid, ns, placep) : 0);
}

/* "... <unfinished ...>": keep the half, and a place for it. */
static int
first_half(struct strace *s, struct strace_process *p, char *text,
    const struct strace_handler *h, uint64_t ns)
{
	free(p->half);
	if ((p->half = strdup(text)) == NULL)
		return (eph__strace_no_memory(s));
	return (take_place(s, h, p, ns, &p->half_place, &p->half_queued));
}

/* "<... NAME resumed>REST": join. */
static int
second_half(struct strace *s, struct strace_process *p, const char *rest)
{
	struct strace_words w = { 0 };
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
		return (eph__strace_no_memory(s));
	memcpy(text, p->half, a);
	memcpy(text + a, rest, b + 1);
	free(p->half);
	p->half = NULL;
	w.proc = p;
	w.place = p->half_place;
	w.queued = p->half_queued;
	error = strace_call(
	    s, text, eph__strace_handler(text, strcspn(text, "(")), &w);
	free(text);
	return (error);
}

/* The process is gone; what it was doing will not end. */
static void
process_gone(struct strace *s, struct strace_process *p)
{
	if (p->half != NULL && p->half_queued) {
		eph__strace_queue_at(s, p->half_place)->state = CALL_DROPPED;
		s->im->res->unfinished++;
	}
	free(p->half);
	p->half = NULL;
}

/* What stands after process and time. */
static int
strace_event(
    struct strace *s, struct strace_process *p, char *text, uint64_t ns)
{
	struct strace_words w = { 0 };
	char *end, *mark;
	const struct strace_handler *h;
	int error;

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
	h = eph__strace_handler(text, strcspn(text, "("));
	mark = text + strlen(text);
	if ((size_t)(mark - text) >= strlen(UNFINISHED) &&
	    strcmp(mark - strlen(UNFINISHED), UNFINISHED) == 0) {
		process_gone(s, p); /* a half that never was resumed */
		if (h == NULL)
			return (0);
		mark[-(ptrdiff_t)strlen(UNFINISHED)] = '\0';
		return (first_half(s, p, text, h, ns));
	}
	if (h == NULL)
		return (0);
	w.proc = p;
	error = take_place(s, h, p, ns, &w.place, &w.queued);
	return (error != 0 ? error : strace_call(s, text, h, &w));
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
		if (!eph__strace_number(q, &end, pid) || *end != ']')
			return (NULL);
		return (p + (end + 1 - p));
	}
	if (*p >= '1' && *p <= '9' && eph__strace_number(p, &end, pid) &&
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
	if (*p < '0' || *p > '9' || !eph__strace_number(p, &end, &v))
		return (p);
	if (*end == ':') {
		if (!eph__strace_number(end + 1, &end, &min) || *end != ':' ||
		    !eph__strace_number(end + 1, &end, &sec))
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
	struct strace_process *p = NULL;
	uint64_t pid, ns;
	size_t blanks;
	char *text = cut_pid(line, &pid, &blanks);
	int error;

	if (text == NULL)
		return (0);
	text = cut_time(s, text, blanks, &ns);
	if ((error = eph__strace_process(s, pid, &p)) != 0 ||
	    (error = strace_event(s, p, text, ns)) != 0)
		return (error);
	return (eph__strace_queue_drain(s, false));
}

static void
strace_destroy(struct strace *s)
{
	eph__strace_fds_destroy(s);
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
		return (eph__strace_no_memory(&s));
	}
	while (
	    (error = eph__import_line(im, &line, &len)) == 0 && line != NULL) {
		if ((error = strace_line(&s, line)) != 0)
			break;
	}
	if (error == 0)
		error = eph__strace_queue_drain(&s, true);
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
	.unit = "calls",
	.options = IMPORT_CALLS | IMPORT_PID,
	.guess = strace_guess,
	.run = strace_run,
};
