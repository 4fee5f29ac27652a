/* SPDX-License-Identifier: BSD-2-Clause */

#include "input.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "progress.h"
#include "text.h"

#include "ephmap/import.h"

#define PATH_MAX_ 4096

static int
refuse_errno(const char *command, const char *what)
{
	return (options_refuse(command, "%s: %s", what, strerror(errno)));
}

/* Standard input becomes a file without a name, unless it is one.  An errno. */
static int
settle(void)
{
	char buf[65536];
	FILE *spool;
	ssize_t n;
	int error = 0;

	if (lseek(STDIN_FILENO, 0, SEEK_SET) == 0)
		return (0);
	if ((spool = tmpfile()) == NULL)
		return (errno);
	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || fwrite(buf, 1, (size_t)n, spool) != (size_t)n)
			break;
	}
	if (n != 0 || fflush(spool) != 0 ||
	    dup2(fileno(spool), STDIN_FILENO) < 0 ||
	    lseek(STDIN_FILENO, 0, SEEK_SET) != 0)
		error = errno;
	(void)fclose(spool);
	return (error);
}

int
input_settle(const char *command, const char *path)
{
	const int error = strcmp(path, "-") == 0 ? settle() : 0;

	return (error == 0 ? OPTIONS_OK
			   : options_refuse(command, "standard input: %s",
				 strerror(error)));
}

int
input_spare(const char *command, const char *path, const char *to)
{
	struct stat in, out;

	if (path == NULL || to == NULL || stat(path, &in) != 0 ||
	    stat(to, &out) != 0 || in.st_dev != out.st_dev ||
	    in.st_ino != out.st_ino || !S_ISREG(in.st_mode))
		return (OPTIONS_OK);
	return (options_refuse(
	    command, "%s is what is read, and would be lost", to));
}

FILE *
input_file(const char *path)
{
	FILE *f = NULL;
	int fd;

	if (strcmp(path, "-") != 0)
		return (fopen(path, "r"));
	if ((errno = settle()) == 0 && (fd = dup(STDIN_FILENO)) >= 0 &&
	    (f = fdopen(fd, "r")) == NULL)
		(void)close(fd);
	return (f);
}

static void
show_progress(void *arg, uint64_t done, uint64_t total)
{
	struct progress *p = arg;

	p->total = total;
	progress_step(p, done);
}

/*
 * What the log was taken for, what was left out, and what it does not tell:
 * as an import says it, which nobody asked for here.
 */
static void
say_import(
    const char *command, const char *path, const struct eph_import_result *res)
{
	const size_t n = strlen(path);
	const char *end;

	for (const char *p = res->told; (end = strchr(p, '\n')) != NULL;
	     p = end + 1) {
		const bool first = p == res->told && strncmp(p, path, n) == 0 &&
		    strncmp(p + n, ": ", 2) == 0;

		if (first)
			text_note("%s: %s is no ephmap trace; read as %.*s.  "
				  "`ephmap trace import' keeps it.",
			    command, path, (int)(end - p - (ptrdiff_t)n - 2),
			    p + n + 2);
		else
			text_note("%s: %.*s", command, (int)(end - p), p);
	}
}

static int
import_to(const char *path, const char *to, struct eph_import_result *res,
    struct eph_err *err)
{
	struct eph_import_options io = { 0 };
	struct eph_trace_writer *w;
	struct progress bar;
	int error;

	if ((error = eph_trace_writer_open(to, EPH_TRACE_BINARY, &w, err)) != 0)
		return (error);
	progress_start(&bar, "importing", 0);
	io.progress = show_progress;
	io.progress_arg = &bar;
	error = eph_trace_import(path, &io, w, res, err);
	progress_end(&bar);
	if (error == 0)
		return (eph_trace_writer_commit(w, err));
	eph_trace_writer_abort(w);
	return (error);
}

/* The trace has no name when it is open, so nothing stays behind. */
static int
open_log(const char *command, const char *path, struct eph_trace **tp)
{
	const char *tmpdir = getenv("TMPDIR");
	struct eph_import_result res;
	struct eph_err err;
	char dir[PATH_MAX_], file[PATH_MAX_ + 64];
	const char *base = strrchr(path, '/');
	int error;

	if (snprintf(dir, sizeof(dir), "%s/ephmap-XXXXXX",
		tmpdir != NULL ? tmpdir : "/tmp") >= (int)sizeof(dir) ||
	    mkdtemp(dir) == NULL)
		return (refuse_errno(command, "temporary folder"));
	(void)snprintf(file, sizeof(file), "%s/%.40s", dir,
	    strcmp(path, "-") == 0 ? "stdin"
		: base != NULL	   ? base + 1
				   : path);
	error = import_to(path, file, &res, &err);
	if (error == 0)
		error = eph_trace_open(file, tp, &err);
	(void)unlink(file);
	(void)rmdir(dir);
	if (error != 0)
		return (options_refuse(command, "%s", err.text));
	say_import(command, path, &res);
	return (OPTIONS_OK);
}

int
input_open(const char *command, const char *path, struct eph_trace **tp)
{
	struct eph_err err, ignored;
	const char *format;
	int error;

	if (input_settle(command, path) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if ((error = eph_trace_open(path, tp, &err)) == 0)
		return (OPTIONS_OK);
	if (error == EINVAL &&
	    eph_trace_import_guess(path, &format, &ignored) == 0)
		return (open_log(command, path, tp));
	return (options_refuse(command, "%s", err.text));
}
