/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * strace logs: strace -f -ttt -T -yy, with as little of that as there is.
 *
 * A line is [process] [time] [number of the call] [address] and the call; by
 * options each may be absent:
 *
 *   12345, [pid 12345], 12345<name>	-f with -o, without, and -Y
 *   1795220704.434476, 12:30:05.5	-ttt, -t, -tt
 *   0.000021, (+ 0.000021)		-r, and -r with a time
 *   [  40], [00007fc18f54c80a]		-n, -i
 *
 * A call that another process interrupts is printed in two halves,
 * "<unfinished ...>" and "<... NAME resumed>"; they are joined by process,
 * the blank before "<unfinished" being part of the text.  On standard error
 * "strace: Process 12 attached" cuts a line in two as well: the rest is the
 * next line.  There the process is printed only while there are several: a
 * line without one is of the only process that is left.
 *
 * A clock without a date that goes back by more than half a day has passed
 * midnight.  Other steps back are counted and said; after one of more than a
 * second, time goes on from where it was.
 */

#include <string.h>

#include "trace/calls.h"

#define NS_PER_DAY  (24 * 3600 * NS_PER_S)
#define UNFINISHED  "<unfinished ...>"
#define ATTACH_MARK "strace: Process "

struct strace {
	struct calls c;
	uint64_t relative_ns; /* -r: sum so far */
	char second[24];      /* of the line before, as text and number */
	size_t second_len;
	uint64_t second_ns;
	uint64_t last_ns;  /* as the log's clock showed it */
	uint64_t shift_ns; /* added to it: days, and steps back */
	uint32_t cut;	   /* whose line an attach message has cut */
};

/* What stands before the call. */
struct prefix {
	bool has_pid, has_time, clock;
	uint64_t pid;
	uint64_t ns;
};

/* -- halves and calls --------------------------------------------------- */

/* "... <unfinished ...>": keep the half, and a place for it. */
static int
first_half(
    struct strace *s, uint32_t task, const char *text, size_t len, uint64_t ns)
{
	const struct strace_handler *h =
	    eph__strace_handler(text, strcspn(text, "("));
	struct task *t = &s->c.tasks[task];
	int error;

	if (h == NULL)
		return (0);
	if ((error = eph__calls_half(&s->c, task, text, len)) != 0)
		return (error);
	return (eph__strace_place(
	    &s->c, h, task, ns, &t->half_place, &t->half_queued));
}

/* One blank where the halves meet: strace puts one before its mark. */
static int
join_half(struct strace *s, uint32_t task, const char *rest, size_t len)
{
	char *half = s->c.tasks[task].half;
	size_t a = strlen(half);

	while (a > 1 && half[a - 1] == ' ' && half[a - 2] == ' ')
		half[--a] = '\0';
	while (a > 0 && half[a - 1] == ' ' && len > 0 && *rest == ' ') {
		rest++;
		len--;
	}
	return (eph__calls_half(&s->c, task, rest, len));
}

/* "<... NAME resumed>REST": join. */
static int
second_half(struct strace *s, uint32_t task, const char *rest)
{
	struct task *t = &s->c.tasks[task];
	struct words w = { .task = task };
	char *text;
	int error;

	if (!t->half_open)
		return (0); /* began before the log, or is of no interest */
	if ((error = join_half(s, task, rest, strlen(rest))) != 0)
		return (error);
	w.place = t->half_place;
	w.queued = t->half_queued;
	/* The call may make tasks: t moves, its text does not. */
	t->half_open = t->half_queued = t->half_child = false;
	text = t->half;
	return (eph__strace_call(
	    &s->c, text, eph__strace_handler(text, strcspn(text, "(")), &w));
}

/* Does a text end in "<unfinished ...>"? */
static bool
is_unfinished(const char *text, size_t len)
{
	return (len >= strlen(UNFINISHED) && text[len - 2] == '.' &&
	    strcmp(text + len - strlen(UNFINISHED), UNFINISHED) == 0);
}

/* "<... NAME resumed>TEXT<unfinished ...>": cut again. */
static int
middle_part(struct strace *s, uint32_t task, char *text)
{
	const size_t len = strlen(text) - strlen(UNFINISHED);

	return (s->c.tasks[task].half_open ? join_half(s, task, text, len) : 0);
}

/* What stands after the prefix. */
static int
strace_event(struct strace *s, uint32_t task, char *text, uint64_t ns)
{
	size_t len = strlen(text);
	char *end;

	if (text[0] == '<' && strncmp(text, "<... ", 5) == 0) {
		if ((end = strstr(text, " resumed>")) == NULL)
			return (0);
		end += strlen(" resumed>");
		return (is_unfinished(end, strlen(end))
			? middle_part(s, task, end)
			: second_half(s, task, end));
	}
	if (text[0] == '+' && strncmp(text, "+++ ", 4) == 0) {
		eph__calls_half_drop(&s->c, task);
		eph__calls_task_gone(&s->c, task);
		return (0);
	}
	if (is_unfinished(text, len)) {
		eph__calls_half_drop(&s->c, task);
		len -= strlen(UNFINISHED);
		text[len] = '\0';
		return (first_half(s, task, text, len, ns));
	}
	return (eph__strace_whole(&s->c, task, ns, text));
}

/* -- prefixes ----------------------------------------------------------- */

/*
 * The process at the start of a line: "[pid 12] ", "12 " or none.  Returns
 * what follows, and in *blanksp how many blanks are usual there.
 */
static char *
cut_pid(char *p, struct prefix *pf, size_t *blanksp)
{
	const char *end;
	char *q = p;
	const bool brackets = strncmp(p, "[pid", 4) == 0;

	*blanksp = 0;
	pf->has_pid = false;
	if (brackets)
		q = p + 4 + strspn(p + 4, " ");
	else if (*p < '1' || *p > '9')
		return (p);
	if (!eph__strace_number(q, &end, &pf->pid))
		return (brackets ? NULL : p);
	/* printed with "%-5u " */
	*blanksp = !brackets && end - q < 5 ? (size_t)(6 - (end - q)) : 1;
	if (*end == '<') { /* -Y: "12<name>" */
		if ((end = strchr(end, '>')) == NULL)
			return (NULL);
		end++;
		*blanksp = 1;
	}
	if (*end != (brackets ? ']' : ' '))
		return (brackets ? NULL : p);
	pf->has_pid = true;
	return (q + (end - q) + brackets);
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

/* "12:30:05" or "1795220704", and a fraction; NULL: it is none. */
static const char *
cut_clock(struct strace *s, const char *p, uint64_t *nsp, bool *clock)
{
	const char *end;
	uint64_t v, min, sec, ns = 0;

	*clock = false;
	/* Most lines are of the second of the line before. */
	if (s->second_len > 0 && strncmp(p, s->second, s->second_len) == 0 &&
	    p[s->second_len] == '.') {
		end = cut_fraction(p + s->second_len + 1, &ns);
		*nsp = s->second_ns + ns;
		return (*end == ' ' ? end : NULL);
	}
	if (*p < '0' || *p > '9' || !eph__strace_number(p, &end, &v))
		return (NULL);
	if (*end == ':') {
		if (!eph__strace_number(end + 1, &end, &min) || *end != ':' ||
		    !eph__strace_number(end + 1, &end, &sec))
			return (NULL);
		v = v * 3600 + min * 60 + sec;
		*clock = true;
	}
	if (v > INT64_MAX / NS_PER_S / 2)
		return (NULL);
	if (*end == '.') {
		if (!*clock && (size_t)(end - p) < sizeof(s->second)) {
			s->second_len = (size_t)(end - p);
			memcpy(s->second, p, s->second_len);
			s->second_ns = v * NS_PER_S;
		}
		end = cut_fraction(end + 1, &ns);
	}
	*nsp = ns + v * NS_PER_S;
	return (*end == ' ' ? end : NULL);
}

/*
 * The time, if there is one.  -r's "     0.000021" since the line before is
 * told by the blanks that fill it.
 */
static char *
cut_time(struct strace *s, char *p, size_t blanks, struct prefix *pf)
{
	const size_t filled = strspn(p, " ");
	const char *end;

	p += filled;
	pf->has_time = false;
	pf->ns = s->relative_ns;
	if ((end = cut_clock(s, p, &pf->ns, &pf->clock)) == NULL)
		return (p);
	pf->has_time = true;
	if (!pf->clock && filled > blanks) {
		pf->ns = s->relative_ns += pf->ns;
		pf->has_time = false; /* a sum does not go back */
	}
	p += end - p;
	p += strspn(p, " ");
	if (strncmp(p, "(+", 2) == 0 && (end = strchr(p, ')')) != NULL)
		p += end + 1 - p;
	return (p + strspn(p, " "));
}

/* -n's "[  40] " and -i's "[00007fc18f54c80a] ", in either order. */
static char *
cut_brackets(char *p)
{
	while (*p == '[') {
		char *end = p + 1 + strspn(p + 1, " 0123456789abcdef?");

		if (end[0] != ']' || end[1] != ' ')
			break;
		p = end + 1 + strspn(end + 1, " ");
	}
	return (p);
}

/* The call of a line, and what stands before it; NULL: it has none. */
static char *
cut_prefix(struct strace *s, char *line, struct prefix *pf)
{
	size_t blanks;
	char *p = cut_pid(line, pf, &blanks);

	if (p == NULL)
		return (NULL);
	return (cut_brackets(cut_time(s, p, blanks, pf)));
}

/*
 * The log's time as one that goes on over midnight, and on from where it was
 * after the clock was set back by more than a second.
 */
static void
pass_time(struct strace *s, struct prefix *pf)
{
	const uint64_t ns = pf->ns, last = s->last_ns;
	struct eph_import *im = s->c.im;

	if (!pf->has_time)
		return;
	s->last_ns = ns;
	if (ns < last && pf->clock && last - ns > NS_PER_DAY / 2) {
		s->shift_ns += NS_PER_DAY;
	} else if (ns < last) {
		if (im->own->back++ == 0)
			im->own->back_line = eph_import_lineno(im);
		if (last - ns > im->own->back_ns)
			im->own->back_ns = last - ns;
		if (last - ns > NS_PER_S)
			s->shift_ns += last - ns;
	}
	pf->ns = ns + s->shift_ns;
}

/* -- whose line --------------------------------------------------------- */

/*
 * The task of a line without a process: the only one that is left.  Where
 * ends are not logged (-qq) it is taken to be the first.
 */
static int
anonymous_task(struct strace *s, uint32_t *taskp)
{
	struct calls *c = &s->c;

	for (uint32_t i = 0; i < c->ntasks; i++) {
		if (!c->tasks[i].gone) {
			*taskp = i;
			return (0);
		}
	}
	return (eph__calls_task(c, 0, taskp));
}

static int
line_task(struct strace *s, const struct prefix *pf, const char *text,
    uint32_t *taskp)
{
	struct calls *c = &s->c;
	const uint32_t a = eph__calls_task_find(c, 0);

	if (!pf->has_pid)
		return (anonymous_task(s, taskp));
	*taskp = eph__calls_task_find(c, pf->pid);
	if (*taskp != EPH_NONE)
		return (0);
	/* A number that was not attached: it is the one without, unless that
	 * is making a child just now. */
	if (a != EPH_NONE &&
	    (!c->tasks[a].half_open || c->tasks[a].half_child ||
		strncmp(text, "<... ", 5) == 0)) {
		*taskp = a;
		c->task_of[eph__idmap_find(&c->pids, 0)] = EPH_NONE;
		return (eph__calls_task_name(c, a, pf->pid));
	}
	return (eph__calls_task(c, pf->pid, taskp));
}

/* -- messages of strace itself ------------------------------------------ */

/*
 * "strace: Process 12 attached with 3 threads", at the start of a line or
 * where it cuts one: returns where it starts, or NULL.
 */
static char *
find_message(char *line, uint64_t *pid, uint64_t *threads, bool *attached)
{
	char *p = strstr(line, ATTACH_MARK);
	const char *end;

	*threads = 1;
	if (p == NULL)
		return (NULL);
	if (!eph__strace_number(p + strlen(ATTACH_MARK), &end, pid))
		return (NULL);
	*attached = strncmp(end, " attached", 9) == 0;
	if (!*attached)
		return (strcmp(end, " detached") == 0 ? p : NULL);
	end += 9;
	if (strncmp(end, " with ", 6) == 0 &&
	    eph__strace_number(end + 6, &end, threads))
		return (strcmp(end, " threads") == 0 ? p : NULL);
	return (*end == '\0' ? p : NULL);
}

/* Which task is attached or detached. */
static int
on_message(struct strace *s, uint64_t pid, uint64_t threads, bool attached)
{
	struct calls *c = &s->c;
	uint32_t task;
	int error;

	if (!attached) {
		if ((task = eph__calls_task_find(c, pid)) != EPH_NONE)
			eph__calls_task_gone(c, task);
		return (0);
	}
	if ((error = eph__calls_task(c, pid, &task)) != 0)
		return (error);
	if (!c->tasks[task].known) {
		c->attach_lines++;
		c->attached_threads = (uint32_t)(threads & UINT32_MAX);
	}
	return (0);
}

/* -- lines -------------------------------------------------------------- */

/* The rest of a line that a message has cut. */
static int
strace_rest(struct strace *s, char *line)
{
	const uint32_t task = s->cut;
	size_t len = strlen(line);

	if (!is_unfinished(line, len))
		return (second_half(s, task, line));
	len -= strlen(UNFINISHED);
	if (!s->c.tasks[task].half_open || strspn(line, " ") >= len)
		return (0);
	return (eph__calls_half(&s->c, task, line, len));
}

/* A call, or half of one. */
static int
strace_text(struct strace *s, char *line, bool is_cut)
{
	struct prefix pf = { 0 };
	uint32_t task;
	char *text = cut_prefix(s, line, &pf);
	int error;

	if (text == NULL)
		return (0);
	pass_time(s, &pf);
	if ((error = line_task(s, &pf, text, &task)) != 0)
		return (error);
	if (!is_cut)
		return (strace_event(s, task, text, pf.ns));
	s->cut = task;
	eph__calls_half_drop(&s->c, task);
	return (first_half(s, task, text, strlen(text), pf.ns));
}

static int
strace_line(struct strace *s, char *line, size_t len)
{
	uint64_t pid, threads;
	bool attached = false;
	char *message = NULL;
	int error = 0;

	/* -k's stack */
	if (strncmp(line, " > ", 3) == 0)
		return (0);
	/* ... attached, detached, threads */
	if (len > 0 && (line[len - 1] == 'd' || line[len - 1] == 's'))
		message = find_message(line, &pid, &threads, &attached);
	if (message != NULL)
		*message = '\0';
	if (s->cut != EPH_NONE && strncmp(line, "[pid", 4) != 0) {
		error = strace_rest(s, line);
		if (message == NULL)
			s->cut = EPH_NONE;
	} else if (message == NULL || message > line) {
		s->cut = EPH_NONE;
		error = strace_text(s, line, message != NULL);
	}
	if (error == 0 && message != NULL)
		error = on_message(s, pid, threads, attached);
	return (error != 0 ? error : eph__calls_drain(&s->c, false));
}

static int
strace_run(struct eph_import *im)
{
	struct strace s = { .cut = EPH_NONE };
	char *line;
	size_t len;
	int error;

	if ((error = eph__calls_start(&s.c, im)) == 0) {
		while ((error = eph_import_line(im, &line, &len)) == 0 &&
		    line != NULL) {
			if ((error = strace_line(&s, line, len)) != 0)
				break;
		}
	}
	if (error == 0)
		error = eph__calls_finish(&s.c);
	eph__calls_destroy(&s.c);
	return (error);
}

#define GUESS_LINES 40

/* A line "[pid] [time] name(...", the end of something, or a message. */
static bool
strace_guess_line(char *line, bool *callp)
{
	struct strace s = { .cut = EPH_NONE };
	struct prefix pf;
	size_t n;

	if (strncmp(line, " > ", 3) == 0 || strcmp(line, "--") == 0 ||
	    strncmp(line, "strace: ", 8) == 0 ||
	    strstr(line, ATTACH_MARK) != NULL)
		return (true);
	/* the rest of a line that a message has cut */
	if (line[0] != '\0' && strchr(",\")]}= ", line[0]) != NULL &&
	    strstr(line, ") = ") != NULL)
		return (true);
	if ((line = cut_prefix(&s, line, &pf)) == NULL)
		return (false);
	if (strncmp(line, "+++ ", 4) == 0 || strncmp(line, "--- ", 4) == 0 ||
	    strncmp(line, "<... ", 5) == 0 || strcmp(line, UNFINISHED) == 0) {
		*callp = true;
		return (true);
	}
	n = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_");
	*callp |= n > 0 && line[n] == '(';
	return (n > 0 && line[n] == '(');
}

/*
 * Three of four lines, since what a server says itself may stand among those
 * of strace on standard error; and one call at least.
 */
static bool
strace_guess(const char *p, size_t n)
{
	unsigned lines = 0, good = 0;
	bool call = false;

	while (n > 0 && lines < GUESS_LINES) {
		const char *nl = memchr(p, '\n', n);
		const size_t whole = nl != NULL ? (size_t)(nl - p) + 1 : n;
		size_t len = nl != NULL ? whole - 1 : n;
		char copy[1024];

		/* A line cut by the end of what we look at tells nothing. */
		if (nl == NULL && lines > 0)
			break;
		if (len >= sizeof(copy))
			len = sizeof(copy) - 1;
		memcpy(copy, p, len);
		copy[len] = '\0';
		if (strlen(copy) != len)
			return (false);
		lines++;
		good += strace_guess_line(copy, &call);
		p += whole;
		n -= whole;
	}
	return (call && good * 4 >= lines * 3);
}

const struct eph_import_format eph__import_strace = {
	.abi = EPHMAP_ABI,
	.name = "strace",
	.desc = "strace -f -ttt -T -yy, or less: the calls of --calls",
	.unit = "calls",
	.options = EPH_IMPORT_CALLS | EPH_IMPORT_PID | EPH_IMPORT_THREAD,
	.guess = strace_guess,
	.run = strace_run,
};
