/* SPDX-License-Identifier: BSD-2-Clause */

/* Where a plot goes, and what is done to gnuplot's SVG on its way. */

#include "plot.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "table.h"
#include "text.h"

/* The files that can be drawn, and how to tell that one is whole. */
static const struct form {
	const char *end;
	enum plot_terminal terminal;
	const char *first; /* bytes */
	size_t nfirst;
	const char *last;
} forms[] = {
	{ ".svg", PLOT_SVG, "<?xml", 5, "</svg>" },
	{ ".png", PLOT_PNG, "\x89PNG\r\n\x1a\n", 8, "IEND\xae\x42\x60\x82" },
	{ ".pdf", PLOT_PDF, "%PDF", 4, "%%EOF" },
};

#define WIDTH	    1000
#define PAGE_WIDTH  760
#define HEIGHT	    620
#define PAGE_HEIGHT 440

/* Wide enough for the names of all bars. */
static unsigned
width_of(const struct plot *p, unsigned least)
{
	const unsigned needed =
	    p->bars != NULL ? 120 + 18 * (unsigned)p->line[0].n : 0;

	return (needed > least ? needed : least);
}

/* High enough for the names of all lines. */
static unsigned
height_of(const struct plot *p, unsigned least)
{
	const unsigned needed = 110 + 20 * (unsigned)p->nlines;

	return (needed > least ? needed : least);
}

static const struct form *
form_of(const char *to)
{
	const size_t n = strlen(to);

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const size_t m = strlen(forms[i].end);

		if (n > m && strcmp(to + n - m, forms[i].end) == 0)
			return (&forms[i]);
	}
	return (NULL);
}

int
plot_check(const char *to)
{
	return (
	    strcmp(to, "terminal") == 0 || form_of(to) != NULL ? 0 : EINVAL);
}

bool
plot_turn(const char *to, bool file)
{
	return (to != NULL && (strcmp(to, "terminal") != 0) == file);
}

/* All of a file, ended by NUL; the caller frees. */
static char *
read_all(FILE *f, size_t *np)
{
	size_t room = 65536, n = 0, got;
	char *text = must_alloc(NULL, room, 1);

	rewind(f);
	while ((got = fread(text + n, 1, room - n - 1, f)) > 0) {
		n += got;
		if (room - n < 2)
			text = must_alloc(text, room *= 2, 1);
	}
	text[n] = '\0';
	*np = n;
	return (text);
}

/* gnuplot exits 0 also when it drew nothing, or half a picture. */
static bool
is_whole(const struct form *form, const char *text, size_t n)
{
	const size_t last = strlen(form->last);

	if (n < form->nfirst || memcmp(text, form->first, form->nfirst) != 0)
		return (false);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	return (n >= last && memcmp(text + n - last, form->last, last) == 0);
}

/* If `s' starts with `what', skip it. */
static bool
skip(const char **s, const char *what)
{
	const size_t n = strlen(what);

	if (strncmp(*s, what, n) != 0)
		return (false);
	*s += n;
	return (true);
}

/*
 * gnuplot's tooltips call a script that is not there; browsers show <title>
 * by themselves.
 */
static bool
copy_tooltip(const char **s, FILE *out)
{
	const char *text, *end;

	if (!skip(s, " onmousemove=\"gnuplot_svg.showHypertext(evt,'"))
		return (false);
	text = *s;
	end = strchr(text, '\'');
	if (end == NULL)
		return (true);
	*s = end + strcspn(end, ">");
	if (skip(s, "><title> </title>"))
		(void)fprintf(
		    out, "><title>%.*s</title>", (int)(end - text), text);
	return (true);
}

/* In a page, black is the page's colour. */
static bool
copy_black(const char **s, FILE *out)
{
	static const struct {
		const char *from, *to;
	} black[] = { { " stroke='black'", " stroke='currentColor'" },
		{ " stroke=\"black\"", " stroke=\"currentColor\"" },
		{ " fill=\"black\"", " fill=\"currentColor\"" },
		{ " color=\"black\"", "" }, { "<title>Gnuplot</title>", "" },
		{ "<desc>Produced by GNUPLOT", "<desc>gnuplot" } };

	for (size_t i = 0; i < sizeof(black) / sizeof(black[0]); i++) {
		if (skip(s, black[i].from)) {
			(void)fputs(black[i].to, out);
			return (true);
		}
	}
	/* A plot's group has a title that says nothing. */
	if (strncmp(*s, "<title>gnuplot_plot_", 20) == 0) {
		*s += strcspn(*s, "\n");
		return (true);
	}
	return (false);
}

static void
copy_svg(const char *s, bool in_page, FILE *out)
{
	if (in_page && strstr(s, "<svg") != NULL)
		s = strstr(s, "<svg");
	while (*s != '\0') {
		if (copy_tooltip(&s, out) || (in_page && copy_black(&s, out)))
			continue;
		(void)fputc(*s++, out);
	}
}

static int
draw_form(const struct plot *p, const struct form *form, bool in_page,
    FILE *out, struct eph_err *err)
{
	FILE *f = tmpfile();
	char *text;
	size_t n;
	int error;

	if (f == NULL)
		return (eph_err_set(
		    err, errno, "temporary file: %s", strerror(errno)));
	error = plot_gnuplot(p, in_page ? PLOT_SVG_IN_PAGE : form->terminal,
	    in_page ? PAGE_WIDTH : width_of(p, WIDTH),
	    height_of(p, in_page ? PAGE_HEIGHT : HEIGHT), f, err);
	text = read_all(f, &n);
	if (error == 0 && !is_whole(form, text, n))
		error = eph_err_set(err, EIO, "gnuplot wrote no whole picture");
	if (error == 0 && form == &forms[0])
		copy_svg(text, in_page, out);
	else if (error == 0)
		(void)fwrite(text, 1, n, out);
	free(text);
	(void)fclose(f);
	return (error);
}

int
plot_svg_element(const struct plot *p, FILE *out, struct eph_err *err)
{
	return (draw_form(p, &forms[0], true, out, err));
}

static int
plot_file(const struct plot *p, const char *to, struct eph_err *err)
{
	struct text picture;
	const int error =
	    draw_form(p, form_of(to), false, text_begin(&picture), err);

	if (error != 0) {
		text_drop(&picture);
		return (error);
	}
	return (text_end_file(&picture, to, err));
}

int
plot_draw(const struct plot *p, const char *to, struct eph_err *err)
{
	if (strcmp(to, "terminal") != 0)
		return (plot_file(p, to, err));
	plot_text(p);
	return (0);
}

int
plot_numbers(const struct plot *frame, const uint32_t *number, size_t n,
    bool errors, const char *const *names, size_t nlines, plot_value_fn *value,
    const void *arg, const char *to, struct eph_err *err)
{
	struct plot_line *line = must_alloc(NULL, nlines, sizeof(*line));
	double *x = must_alloc(NULL, 3 * nlines * n, sizeof(*x));
	struct plot plot = *frame;
	int error = 0;

	/* Points of which nothing is known are left out. */
	for (size_t l = 0; l < nlines; l++) {
		double *at = x + 3 * l * n, *y = at + n, *e = y + n;
		size_t known = 0;

		for (size_t i = 0; i < n; i++) {
			y[known] = value(arg, l, i, &e[known]);
			at[known] = number[i];
			known +=
			    isnan(y[known]) || (frame->log_y && !(y[known] > 0))
			    ? 0
			    : 1;
		}
		if (known > 0)
			line[plot.nlines++] = (struct plot_line){ names[l],
				known, at, y, errors ? e : NULL };
	}
	plot.line = line;
	if (plot.nlines == 0)
		error = eph_err_set(err, EINVAL, "there is nothing to draw");
	else
		error = plot_draw(&plot, to, err);
	free(line);
	free(x);
	return (error);
}
