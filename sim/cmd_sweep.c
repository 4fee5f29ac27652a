/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * `ephmap sweep': every cell of a study, into a database.
 *
 * Workers take cells and hand back what came of them; this thread alone
 * writes, each result in a transaction of its own, so that a sweep that is
 * killed has what it finished.  A cell that is in the database is not run.
 */

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "database.h"
#include "progress.h"
#include "result.h"
#include "spec.h"
#include "study.h"
#include "sweep_ranks.h"
#include "table.h"
#include "text.h"

#define COMMAND	    "ephmap sweep"
#define WORKERS_MAX 1024
#define POLL_NS	    100000000

/* The cells of one input that are to be run. */
struct batch {
	const struct study_input *in;
	size_t *todo; /* indices of points */
	char **cell;  /* their names */
	size_t n;

	pthread_mutex_t lock;
	pthread_cond_t ended;
	size_t next;  /* (lock) of todo, to be taken */
	size_t *done; /* (lock) of todo, not written yet */
	size_t ndone; /* (lock) */
	bool stop;    /* (lock) take no more */
};

struct sweep {
	const struct opts *o;
	struct study study;
	struct database db;
	struct database before; /* with ranks: what an earlier job joined */
	struct ranks ranks;
	char **names; /* with ranks: of every cell of the study */
	size_t nnames;
	uint64_t shard, shards;
	size_t cells;	  /* of this shard */
	size_t ran;	  /* now */
	size_t there;	  /* before */
	size_t refused;	  /* of those that ran */
	char reason[512]; /* of the first refused one */
	char best[160];
	double best_price;
	bool interrupted;
	struct progress progress;
};

/* -- parts -------------------------------------------------------------- */

static int
find_shard(struct sweep *sw)
{
	const char *text = sw->o->shard;
	const char *slash = text != NULL ? strchr(text, '/') : NULL;
	char first[24] = "";

	sw->shard = sw->shards = 1;
	if (text == NULL)
		return (OPTIONS_OK);
	if (slash != NULL)
		(void)snprintf(
		    first, sizeof(first), "%.*s", (int)(slash - text), text);
	if (slash == NULL || parse_u64(first, UINT32_MAX, &sw->shard) != 0 ||
	    parse_u64(slash + 1, UINT32_MAX, &sw->shards) != 0 ||
	    sw->shard < 1 || sw->shard > sw->shards)
		return (options_refuse(COMMAND,
		    "--shard: expected I/N, I from 1 to N, got \"%s\"", text));
	return (OPTIONS_OK);
}

static bool
in_shard(const struct sweep *sw, size_t cell)
{
	return (cell % sw->shards == sw->shard - 1);
}

/* A word that a shell reads as it is. */
static void
print_word(FILE *f, const char *word)
{
	if (*word != '\0' &&
	    word[strspn(word,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
		"UVWXYZ0123456789-_./,:=+%@")] == '\0') {
		(void)fprintf(f, " %s", word);
		return;
	}
	(void)fprintf(f, " '");
	for (; *word != '\0'; word++)
		(void)fprintf(f, *word == '\'' ? "'\\''" : "%c", *word);
	(void)fprintf(f, "'");
}

static void
print_option(FILE *f, const struct opts *o, unsigned i)
{
	const struct opt *p = &opt_table[i];
	const char *value = (const char *)o + p->offset;
	struct opt_words words = { 0 };
	char text[64], word[4096];

	if (p->kind == OPT_WORDS)
		memcpy(&words, value, sizeof(words));
	else if (p->kind == OPT_TEXT)
		memcpy(&words.word[words.n++], value, sizeof(char *));
	else if (p->kind == OPT_COUNT) {
		(void)snprintf(text, sizeof(text), "%" PRIu64,
		    *(const uint64_t *)(const void *)value);
		words.word[words.n++] = text;
	} else if (p->kind == OPT_CHOICE)
		words.word[words.n++] =
		    p->choices[*(const unsigned *)(const void *)value];
	else
		(void)fprintf(f, " --%s", p->name);
	for (unsigned k = 0; k < words.n; k++) {
		(void)snprintf(
		    word, sizeof(word), "--%s=%s", p->name, words.word[k]);
		print_word(f, word);
	}
}

/* The study as a command, but where it goes and which part. */
static void
print_study(FILE *f, const struct opts *o)
{
	(void)fprintf(f, "ephmap sweep");
	for (unsigned k = 0; k < OPT_IDS; k++) {
		if (o->given[k] && k != OPT_ID_emit_tasks &&
		    k != OPT_ID_results && k != OPT_ID_shard &&
		    k != OPT_ID_jobs)
			print_option(f, o, k);
	}
}

static int
keep_command(struct sweep *sw)
{
	struct eph_err err;
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	int error;

	if (f == NULL)
		out_of_memory();
	print_study(f, sw->o);
	if (fclose(f) != 0 || text == NULL)
		out_of_memory();
	error = db_command(&sw->db, text, &err);
	free(text);
	return (
	    error != 0 ? options_refuse(COMMAND, "%s", err.text) : OPTIONS_OK);
}

static int
emit_tasks(const struct opts *typed)
{
	const uint64_t n = typed->emit_tasks;
	char part[4096];

	if (typed->shard != NULL)
		return (options_refuse(
		    COMMAND, "--emit-tasks and --shard exclude each other"));
	for (uint64_t i = 1; i <= n; i++) {
		print_study(stdout, typed);
		if (typed->jobs > 0)
			(void)printf(" --jobs=%" PRIu64, typed->jobs);
		part_name(typed->results, i, n, part, sizeof(part));
		(void)printf(" --shard=%" PRIu64 "/%" PRIu64 " -o", i, n);
		print_word(stdout, part);
		(void)putchar('\n');
	}
	part_name(typed->results, n, n, part, sizeof(part));
	text_note(COMMAND ": %" PRIu64
			  " parts; when they have run: ephmap sweep "
			  "merge -o %s and their files, %s the last",
	    n, typed->results, part);
	return (EXIT_OK);
}

/* -- running ------------------------------------------------------------ */

static void *
worker(void *arg)
{
	struct batch *b = arg;
	size_t i;

	(void)pthread_mutex_lock(&b->lock);
	while (!b->stop && b->next < b->n) {
		i = b->next++;
		(void)pthread_mutex_unlock(&b->lock);
		study_run(b->in, &b->in->points[b->todo[i]]);
		(void)pthread_mutex_lock(&b->lock);
		b->done[b->ndone++] = i;
		(void)pthread_cond_signal(&b->ended);
	}
	(void)pthread_mutex_unlock(&b->lock);
	return (NULL);
}

/* SIGINT is blocked, and looked for. */
static bool
was_interrupted(void)
{
	sigset_t pending;

	return (sigpending(&pending) == 0 &&
	    (sigismember(&pending, SIGINT) == 1 ||
		sigismember(&pending, SIGTERM) == 1));
}

static void
note_best(struct sweep *sw, const struct point *p)
{
	const double price = p->status == 0 ? price_of(p) : 0;

	if (!(price > 0) || (sw->best[0] != '\0' && price >= sw->best_price))
		return;
	sw->best_price = price;
	(void)snprintf(sw->best, sizeof(sw->best), "%s%s%s, %.1f ns/map",
	    p->cfg.design->name, p->cfg.policy != NULL ? " " : "",
	    p->cfg.policy != NULL ? p->cfg.policy->name : "", price);
}

/* Write what a cell gave; OPTIONS_BAD with a message printed. */
static int
write_cell(struct sweep *sw, const struct study_input *in, struct point *p,
    const char *cell)
{
	struct record all, more, line;
	struct eph_err err;
	int error = 0;

	if (p->status == ENOMEM)
		return (options_refuse(COMMAND, "%s", p->err.text));
	record_init(&all);
	record_init(&more);
	record_init(&line);
	study_result(in, p, cell, &all, &more, &line);
	error = db_put(&sw->db, &more, &line, &err);
	record_free(&line);
	record_free(&more);
	record_free(&all);
	if (error != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	sw->ran++;
	if (p->status != 0 && sw->refused++ == 0)
		(void)snprintf(
		    sw->reason, sizeof(sw->reason), "%s", p->err.text);
	note_best(sw, p);
	progress_note(&sw->progress, sw->there + sw->ran, sw->best);
	free(p->res);
	free(p->work);
	p->res = NULL;
	p->work = NULL;
	return (OPTIONS_OK);
}

/* Wait until a cell has ended, or for a moment; returns how many have. */
static size_t
wait_ended(struct batch *b, size_t written)
{
	struct timespec until;
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += POLL_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	(void)pthread_mutex_lock(&b->lock);
	if (b->ndone == written)
		(void)pthread_cond_timedwait(&b->ended, &b->lock, &until);
	n = b->ndone;
	(void)pthread_mutex_unlock(&b->lock);
	return (n);
}

static int
write_batch(struct sweep *sw, struct batch *b)
{
	int status = OPTIONS_OK;
	size_t written = 0;

	while (written < b->n && status == OPTIONS_OK) {
		const size_t ended = wait_ended(b, written);

		for (; written < ended && status == OPTIONS_OK; written++) {
			const size_t i = b->done[written];

			status = write_cell(
			    sw, b->in, &b->in->points[b->todo[i]], b->cell[i]);
		}
		if (was_interrupted()) {
			sw->interrupted = true;
			break;
		}
	}
	return (status);
}

static size_t
count_workers(const struct sweep *sw, size_t n)
{
	const long online = sysconf(_SC_NPROCESSORS_ONLN);
	size_t wanted = sw->o->jobs > 0 ? (size_t)sw->o->jobs
	    : online > 0		? (size_t)online
					: 1;

	if (wanted > WORKERS_MAX)
		wanted = WORKERS_MAX;
	return (wanted < n ? wanted : n);
}

/* Interrupted, cells that still run are left to the end of the process. */
static int
run_batch(struct sweep *sw, struct batch *b)
{
	const size_t wanted = count_workers(sw, b->n);
	pthread_t threads[WORKERS_MAX];
	size_t started = 0;
	int status;

	(void)pthread_mutex_init(&b->lock, NULL);
	(void)pthread_cond_init(&b->ended, NULL);
	b->next = b->ndone = 0;
	b->stop = false;
	while (started < wanted &&
	    pthread_create(&threads[started], NULL, worker, b) == 0)
		started++;
	if (started == 0)
		(void)worker(b);
	status = write_batch(sw, b);
	(void)pthread_mutex_lock(&b->lock);
	b->stop = true;
	(void)pthread_mutex_unlock(&b->lock);
	if (sw->interrupted)
		return (status);
	while (started > 0)
		(void)pthread_join(threads[--started], NULL);
	(void)pthread_cond_destroy(&b->ended);
	(void)pthread_mutex_destroy(&b->lock);
	return (status);
}

static void
batch_free(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->cell[i]);
	free(b->cell);
	free(b->todo);
	free(b->done);
}

static int
compare_cells(const void *a, const void *b)
{
	return (strcmp(a, b));
}

/*
 * Is the cell in the batch already?  1% of the pages and the number that it
 * is are one cell.
 */
static bool
is_repeated(void **rootp, const char *cell)
{
	const char *const *node =
	    (const char *const *)tsearch(cell, rootp, compare_cells);

	if (node == NULL) {
		(void)options_refuse(COMMAND, "out of memory");
		exit(EXIT_BAD);
	}
	return (*node != cell);
}

/* Rank 0 waits for all cells, the other ranks' too. */
static void
keep_name(struct sweep *sw, const struct study_input *in, size_t i)
{
	if (sw->ranks.size == 1 || sw->ranks.rank > 0)
		return;
	sw->names = must_alloc(sw->names, sw->nnames + 1, sizeof(*sw->names));
	sw->names[sw->nnames++] = study_cell(in, &in->points[i]);
}

static int
have_cell(struct sweep *sw, const char *cell, struct eph_err *err)
{
	const int have = db_have(&sw->db, cell, err);

	if (have != 0 || sw->before.sql == NULL)
		return (have);
	return (db_have(&sw->before, cell, err));
}

/* The cells of an input that this process is for and that are not there. */
static int
find_todo(struct sweep *sw, const struct study_input *in, struct batch *b)
{
	struct eph_err err;
	void *root = NULL;
	size_t n = 0;
	int have = 0;

	memset(b, 0, sizeof(*b));
	b->in = in;
	b->todo = must_alloc(NULL, in->n + 1, sizeof(*b->todo));
	b->done = must_alloc(NULL, in->n + 1, sizeof(*b->done));
	b->cell = must_alloc(NULL, in->n + 1, sizeof(*b->cell));
	for (size_t i = 0; i < in->n; i++) {
		char *cell;

		keep_name(sw, in, i);
		if (!in_shard(sw, in->first + i))
			continue;
		cell = study_cell(in, &in->points[i]);
		if (is_repeated(&root, cell)) {
			free(cell);
			sw->cells--;
			continue;
		}
		b->cell[b->n] = cell;
		b->todo[b->n++] = i;
	}
	for (size_t i = 0; i < b->n; i++)
		(void)tdelete(b->cell[i], &root, compare_cells);
	for (size_t i = 0; i < b->n && have >= 0; i++) {
		if ((have = have_cell(sw, b->cell[i], &err)) == 0) {
			b->cell[n] = b->cell[i];
			b->todo[n++] = b->todo[i];
			continue;
		}
		free(b->cell[i]);
		sw->there++;
	}
	b->n = n;
	return (
	    have < 0 ? options_refuse(COMMAND, "%s", err.text) : OPTIONS_OK);
}

static int
sweep_input(struct sweep *sw, struct study_input *in)
{
	struct db_input input = {
		.name = in->s.workload != NULL ? in->s.workload : in->name,
		.digest = in->digest,
		.references = in->meta.references,
		.pages = in->meta.unique_pages,
		.cpus = in->meta.cpus,
		.duration_ns = in->meta.duration_ns,
		.workload = in->s.workload != NULL
	};
	struct batch b;
	struct eph_err err;
	int status;

	if (study_decode(in) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (db_input(&sw->db, &input, &in->id, &err) != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	status = find_todo(sw, in, &b);
	if (status == OPTIONS_OK && b.n > 0)
		status = run_batch(sw, &b);
	if (sw->interrupted)
		return (status);
	batch_free(&b);
	study_forget(in);
	return (status);
}

/* Exit status 1 when a run of this study, whenever it ran, found a fault. */
static int
judge(struct sweep *sw)
{
	char total[NUMBER_MAX], now[NUMBER_MAX];
	const int64_t found = db_number(&sw->db,
	    "SELECT count(*) FROM run WHERE violations_total > 0 OR failed IS "
	    "NOT NULL");
	const size_t missing = sw->cells - sw->ran - sw->there;
	struct text text;
	FILE *f;

	if (sw->refused > 0 && sw->refused == sw->cells)
		return (options_refuse(
		    COMMAND, "every cell was refused: %s", sw->reason));
	f = text_begin(&text);
	(void)fprintf(f, "%s: %s of this sweep's cells, %s run now",
	    sw->o->results, number_u64(total, sw->ran + sw->there),
	    number_u64(now, sw->ran));
	if (missing > 0)
		(void)fprintf(f, ", %s to do", number_u64(now, missing));
	if (sw->refused > 0)
		(void)fprintf(f, ", %s refused", number_u64(now, sw->refused));
	if (found > 0)
		(void)fprintf(f, ", %s in the file with violations",
		    number_u64(now, (uint64_t)found));
	text_end(&text, stdout);
	if (sw->best[0] != '\0')
		text_printf(
		    stdout, "cheapest of those run now: %s\n", sw->best);
	if (sw->refused > 0)
		text_note(COMMAND ": the first refusal: %s", sw->reason);
	return (found > 0 ? EXIT_FOUND : EXIT_OK);
}

/* As if the signal had not been blocked, now that all is said. */
static void
die_of_signal(void)
{
	sigset_t set;

	(void)fflush(stdout);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	_exit(EXIT_BAD);
}

static int
run_study(struct sweep *sw)
{
	int status = OPTIONS_OK;

	for (size_t i = 0; i < sw->study.ncells; i++)
		sw->cells += in_shard(sw, i);
	if (keep_command(sw) != OPTIONS_OK)
		return (EXIT_BAD);
	progress_start(&sw->progress, "sweep", sw->cells);
	for (size_t i = 0;
	     i < sw->study.ninputs && status == OPTIONS_OK && !sw->interrupted;
	     i++)
		status = sweep_input(sw, &sw->study.input[i]);
	progress_end(&sw->progress);
	if (status != OPTIONS_OK)
		return (EXIT_BAD);
	return (judge(sw));
}

static int
sweep_here(struct sweep *sw)
{
	struct eph_err err;
	sigset_t set;
	int status;

	if (db_open(sw->o->results, true, &sw->db, &err) != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	if (study_check_time(COMMAND, &sw->db, sw->o) != OPTIONS_OK) {
		db_close(&sw->db);
		return (EXIT_BAD);
	}
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	status = run_study(sw);
	db_close(&sw->db);
	if (sw->interrupted)
		die_of_signal();
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return (status);
}

/* One part of a job, and at its end, for rank 0, the whole. */
static int
sweep_ranks(struct sweep *sw, struct opts *o)
{
	const char *path = o->results;
	char part[4096];
	struct eph_err err;
	int status;

	if (o->shard != NULL)
		return (options_refuse(
		    COMMAND, "--shard: ranks of a job are parts already"));
	sw->shard = sw->ranks.rank + 1;
	sw->shards = sw->ranks.size;
	if (o->jobs == 0)
		o->jobs = 1; /* ranks are as many as CPUs */
	part_name(path, sw->shard, sw->shards, part, sizeof(part));
	o->results = part;
	if (access(path, F_OK) == 0 &&
	    db_open(path, false, &sw->before, &err) != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	status = sweep_here(sw);
	db_close(&sw->before);
	o->results = path;
	if (status == EXIT_BAD || sw->ranks.rank > 0)
		return (status);
	if (ranks_join(path, &sw->ranks, (const char *const *)sw->names,
		sw->nnames, &err) != 0)
		return (options_refuse(COMMAND, "%s", err.text));
	(void)printf(
	    "%s: joined from %" PRIu64 " ranks\n", path, sw->ranks.size);
	return (status);
}

static int
sweep_study(struct opts *o)
{
	struct sweep sw = { .o = o };
	int status = EXIT_BAD;

	sw.db.lock = sw.before.lock = -1;
	ranks_find(&sw.ranks);
	if (find_shard(&sw) == OPTIONS_OK &&
	    study_open(&sw.study, o) == OPTIONS_OK)
		status =
		    sw.ranks.size > 1 ? sweep_ranks(&sw, o) : sweep_here(&sw);
	for (size_t i = 0; i < sw.nnames; i++)
		free(sw.names[i]);
	free(sw.names);
	study_free(&sw.study);
	return (status);
}

int
cmd_sweep(const struct opts *typed, int n, char **operands)
{
	struct spec spec = { 0, NULL };
	struct opts o = *typed;
	int status = OPTIONS_OK;

	if (n > 0)
		status = spec_read(operands[0], typed, &o, &spec);
	if (status == OPTIONS_OK && o.results == NULL)
		status =
		    options_refuse(COMMAND, "expected -o FILE.db for results");
	if (status != OPTIONS_OK)
		status = EXIT_BAD;
	else if (opt_given(typed, emit_tasks))
		status = emit_tasks(&o);
	else
		status = sweep_study(&o);
	spec_free(&spec);
	return (status);
}

int
cmd_sweep_merge(const struct opts *o, int n, char **operands)
{
	static const char command[] = "ephmap sweep merge";
	struct database db;
	struct eph_err err;
	char number[NUMBER_MAX];
	size_t sum = 0, new;
	int error = 0;

	if (o->results == NULL)
		return (options_refuse(command, "expected -o FILE.db"));
	for (int i = 0; i < n; i++) {
		if ((error = db_open(operands[i], false, &db, &err)) != 0)
			return (options_refuse(command, "%s", err.text));
		db_close(&db);
	}
	if (db_open(o->results, true, &db, &err) != 0)
		return (options_refuse(command, "%s", err.text));
	for (int i = 0; i < n && error == 0; i++) {
		error = db_merge(&db, operands[i], &new, &err);
		sum += error == 0 ? new : 0;
	}
	db_close(&db);
	if (error != 0)
		return (options_refuse(command, "%s", err.text));
	(void)printf("%s: %s new runs from %d files\n", o->results,
	    number_u64(number, sum), n);
	return (EXIT_OK);
}
