/* SPDX-License-Identifier: BSD-2-Clause */

#define _GNU_SOURCE /* fopencookie */

#include "text.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "options.h"
#include "table.h"
#include "whole_file.h"

#define COLUMNS_DEFAULT 80
#define COLUMNS_MIN	40
#define HANG_MAX	24
#define NOTE_HANG	4
#define STREAM_LINE	4096

/* COLUMNS where it is a number, else the terminal's, else `otherwise'. */
static unsigned
columns_of(int fd, unsigned otherwise)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (columns == NULL || parse_u64(columns, 1000, &n) != 0) {
		n = otherwise;
		if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
			n = size.ws_col;
	}
	return (n < COLUMNS_MIN ? COLUMNS_MIN : (unsigned)n);
}

unsigned
text_columns(void)
{
	return (columns_of(STDOUT_FILENO, COLUMNS_DEFAULT));
}

static void
wrap_within(
    FILE *out, unsigned width, unsigned at, unsigned indent, const char *text)
{
	unsigned column = at;
	bool begins = at == indent; /* a line, which takes no blanks then */

	while (*text != '\0') {
		const unsigned blanks = (unsigned)strspn(text, " ");
		const unsigned word = (unsigned)strcspn(text + blanks, " \n");

		if (column > indent && column + blanks + word > width) {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!begins) {
			column +=
			    (unsigned)fprintf(out, "%*s", (int)blanks, "");
		}
		column +=
		    (unsigned)fprintf(out, "%.*s", (int)word, text + blanks);
		begins = false;
		text += blanks + word;
		if (*text == '\n' && text[1] != '\0') {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
			begins = true;
		}
		text += *text == '\n';
	}
	(void)fputc('\n', out);
}

void
text_wrap(FILE *out, unsigned at, unsigned indent, const char *text)
{
	wrap_within(out, text_columns() - 1, at, indent, text);
}

/* Allocates nothing, for it may be memory that is out. */
void
text_say(const char *line)
{
	wrap_within(stderr, columns_of(STDERR_FILENO, UINT_MAX) - 1, 0,
	    NOTE_HANG, line);
}

/*
 * Where later lines of an indented line begin: below the text behind its
 * first word, where two blanks part them, else two columns further in.
 */
static unsigned
hang_of(const char *line, size_t n)
{
	const size_t lead = strspn(line, " ");

	if (lead == 0)
		return (0);
	for (size_t i = lead; i + 2 < n && i < HANG_MAX; i++) {
		if (line[i] == ' ' && line[i + 1] == ' ')
			return ((unsigned)(i + strspn(line + i, " ")));
	}
	return ((unsigned)lead + 2);
}

void
text_lines(FILE *out, const char *text)
{
	while (*text != '\0') {
		const size_t n = strcspn(text, "\n");
		char *line = must_copy(text, n);

		text_wrap(out, 0, hang_of(line, n), line);
		free(line);
		text += n + (text[n] == '\n');
	}
}

#if defined(__GNUC__)
__attribute__((format(printf, 1, 0)))
#endif
static char *
formatted(const char *fmt, va_list ap)
{
	va_list again;
	char *text;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	text = must_alloc(NULL, (size_t)n + 1, 1);
	(void)vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	return (text);
}

void
text_printf(FILE *out, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = formatted(fmt, ap);
	va_end(ap);
	text_lines(out, text);
	free(text);
}

void
text_note(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = formatted(fmt, ap);
	va_end(ap);
	text_say(text);
	free(text);
}

FILE *
text_begin(struct text *t)
{
	t->s = NULL;
	if ((t->f = open_memstream(&t->s, &t->n)) == NULL)
		out_of_memory();
	return (t->f);
}

/* All that was written is there, or memory was out. */
static void
close_text(struct text *t)
{
	const bool failed = ferror(t->f) != 0;

	if (fclose(t->f) != 0 || failed || t->s == NULL)
		out_of_memory();
}

char *
text_take(struct text *t)
{
	close_text(t);
	return (t->s);
}

void
text_drop(struct text *t)
{
	(void)fclose(t->f);
	free(t->s);
}

void
text_end(struct text *t, FILE *out)
{
	close_text(t);
	text_lines(out, t->s);
	free(t->s);
}

void
text_end_note(struct text *t)
{
	close_text(t);
	if (t->n > 0)
		text_say(t->s);
	free(t->s);
}

/* A word that no line holds, in parts that end with a comma. */
static unsigned
print_list(FILE *out, unsigned column, unsigned width, const char *s, size_t n)
{
	while (n > 0) {
		const char *comma = memchr(s, ',', n);
		const size_t part = comma != NULL ? (size_t)(comma - s) + 1 : n;

		if (column > 0 && column + part > width) {
			(void)fprintf(out, "\\\n");
			column = 0;
		}
		column += (unsigned)fprintf(out, "%.*s", (int)part, s);
		s += part;
		n -= part;
	}
	return (column);
}

void
text_command(FILE *out, unsigned at, const char *command)
{
	const unsigned width = text_columns() - 3, indent = at + 4;
	unsigned column = at;

	while (*command != '\0') {
		const unsigned word = (unsigned)strcspn(command, " ");
		const bool fits = column + 1 + word <= width;

		if (!fits && column > indent && indent + word <= width)
			column = (unsigned)fprintf(
				     out, " \\\n%*s", (int)indent, "") -
			    3;
		else if (column > at)
			column += (unsigned)fprintf(out, " ");
		if (column + word <= width)
			column +=
			    (unsigned)fprintf(out, "%.*s", (int)word, command);
		else
			column = print_list(out, column, width, command, word);
		command += word;
		command += strspn(command, " ");
	}
	(void)fputc('\n', out);
}

size_t
text_piece(const char *s, size_t width, size_t *skip)
{
	const size_t line = strcspn(s, "\n");
	size_t n = line;

	if (n > width) {
		for (n = width; n > 0 && s[n] != ' '; n--)
			continue;
		/* No blank: anywhere but within a character. */
		if (n == 0) {
			for (n = width;
			     n > 1 && ((unsigned char)s[n] & 0xc0) == 0x80; n--)
				continue;
		}
	}
	*skip = n + strspn(s + n, " ");
	*skip += s[*skip] == '\n';
	while (n > 0 && s[n - 1] == ' ')
		n--;
	return (n);
}

int
text_end_file(struct text *t, const char *to, struct eph_err *err)
{
	struct whole_file w;
	int error;

	close_text(t);
	if ((error = whole_file_open(&w, to, err)) == 0) {
		errno = 0;
		if (fwrite(t->s, 1, t->n, w.f) != t->n)
			error = errno != 0 ? errno : EIO;
		error = whole_file_close(&w, true, error, err);
	}
	free(t->s);
	return (error);
}

void
text_end_command(struct text *t, FILE *out, unsigned at)
{
	close_text(t);
	text_command(out, at, t->s);
	free(t->s);
}

/* -- a stream ----------------------------------------------------------- */

struct stream {
	FILE *out;
	size_t n;
	char line[STREAM_LINE];
};

static void
print_stream(struct stream *s)
{
	s->line[s->n] = '\0';
	text_lines(s->out, s->line);
	s->n = 0;
}

static ssize_t
write_stream(void *arg, const char *buf, size_t n)
{
	struct stream *s = arg;

	for (size_t i = 0; i < n; i++) {
		s->line[s->n++] = buf[i];
		if (buf[i] == '\n' || s->n == STREAM_LINE - 1)
			print_stream(s);
	}
	return ((ssize_t)n);
}

static int
close_stream(void *arg)
{
	struct stream *s = arg;

	if (s->n > 0)
		print_stream(s);
	free(s);
	return (0);
}

FILE *
text_stream(FILE *out)
{
	struct stream *s = must_alloc(NULL, 1, sizeof(*s));
	FILE *f;

	s->out = out;
	s->n = 0;
	f = fopencookie(s, "w",
	    (cookie_io_functions_t){
		.write = write_stream, .close = close_stream });
	if (f == NULL)
		out_of_memory();
	return (f);
}
