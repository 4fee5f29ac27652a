/* SPDX-License-Identifier: BSD-2-Clause */

#include "plot.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "table.h"

#define TEXT_COLUMNS 64
#define TEXT_ROWS    20

/* SVG units. */
#define WIDTH  720
#define HEIGHT 440
#define LEFT   70
#define RIGHT  150
#define TOP    40
#define BOTTOM 50

static const char marks[] = "*o+x#@%&=~";
static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73",
	"#cc79a7", "#000000", "#e69f00", "#56b4e9", "#888888" };

#define COLOURS (sizeof(colours) / sizeof(colours[0]))

/* The range of both axes; x is logarithmic. */
struct scale {
	double x0, x1, y1;
};

static struct scale
plot_scale(const struct plot *p)
{
	struct scale s = { INFINITY, -INFINITY, 0 };

	for (size_t i = 0; i < p->npoints; i++) {
		s.x0 = fmin(s.x0, log2(p->size[i]));
		s.x1 = fmax(s.x1, log2(p->size[i]));
	}
	for (size_t i = 0; i < p->nlines * p->npoints; i++)
		s.y1 = fmax(s.y1, p->value[i]);
	if (s.x1 <= s.x0)
		s.x1 = s.x0 + 1;
	if (s.y1 <= 0)
		s.y1 = 1;
	return (s);
}

/* 0 to 1 along an axis. */
static double
plot_x(const struct scale *s, uint32_t size)
{
	return ((log2(size) - s->x0) / (s->x1 - s->x0));
}

static double
plot_y(const struct scale *s, double value)
{
	return (value / s->y1);
}

static void
plot_text_mark(
    char grid[TEXT_ROWS][TEXT_COLUMNS + 1], double x, double y, char mark)
{
	const int column = (int)lround(x * (TEXT_COLUMNS - 1));
	const int row = (int)lround((1 - y) * (TEXT_ROWS - 1));

	if (grid[row][column] == ' ' || grid[row][column] == '.')
		grid[row][column] = mark;
}

static void
plot_text(const struct plot *p)
{
	const struct scale s = plot_scale(p);
	char grid[TEXT_ROWS][TEXT_COLUMNS + 1];

	for (size_t r = 0; r < TEXT_ROWS; r++) {
		memset(grid[r], ' ', TEXT_COLUMNS);
		grid[r][TEXT_COLUMNS] = '\0';
	}
	for (size_t l = 0; l < p->nlines; l++) {
		for (size_t i = 0; i < p->npoints; i++)
			plot_text_mark(grid, plot_x(&s, p->size[i]),
			    plot_y(&s, p->value[l * p->npoints + i]),
			    marks[l % (sizeof(marks) - 1)]);
	}
	(void)printf("\n%s\n", p->y);
	for (int r = 0; r < TEXT_ROWS; r++)
		(void)printf("%8.4f |%s\n",
		    s.y1 * (TEXT_ROWS - 1 - r) / (TEXT_ROWS - 1), grid[r]);
	(void)printf("%8s +", "");
	for (int c = 0; c < TEXT_COLUMNS; c++)
		(void)putchar('-');
	(void)printf("\n%9s %-*.0f%*.0f %s\n", "", TEXT_COLUMNS / 2, exp2(s.x0),
	    TEXT_COLUMNS / 2, exp2(s.x1), p->x);
	for (size_t l = 0; l < p->nlines; l++)
		(void)printf("%s%c %s", l == 0 ? "          " : "   ",
		    marks[l % (sizeof(marks) - 1)], p->name[l]);
	(void)putchar('\n');
}

/* Text for XML. */
static void
svg_text(FILE *f, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '<')
			(void)fputs("&lt;", f);
		else if (*s == '&')
			(void)fputs("&amp;", f);
		else
			(void)fputc(*s, f);
	}
}

static double
svg_x(double x)
{
	return (LEFT + x * (WIDTH - LEFT - RIGHT));
}

static double
svg_y(double y)
{
	return (HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM));
}

static void
svg_label(FILE *f, double x, double y, const char *anchor, const char *text)
{
	(void)fprintf(
	    f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
	svg_text(f, text);
	(void)fputs("</text>\n", f);
}

static void
svg_axes(FILE *f, const struct plot *p, const struct scale *s)
{
	char text[32];

	for (int i = 0; i <= 5; i++) {
		const double y = svg_y(i / 5.0);

		(void)fprintf(f,
		    "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
		    "stroke=\"#ddd\"/>\n",
		    svg_x(0), y, svg_x(1), y);
		(void)snprintf(text, sizeof(text), "%.3g", s->y1 * i / 5);
		svg_label(f, LEFT - 8, y + 4, "end", text);
	}
	for (double x = ceil(s->x0); x <= s->x1;
	     x += fmax(1, floor((s->x1 - s->x0) / 8))) {
		(void)snprintf(text, sizeof(text), "%.0f", exp2(x));
		svg_label(f, svg_x((x - s->x0) / (s->x1 - s->x0)),
		    HEIGHT - BOTTOM + 18, "middle", text);
	}
	svg_label(f, svg_x(0.5), HEIGHT - 8, "middle", p->x);
	svg_label(f, LEFT, TOP - 8, "start", p->y);
	svg_label(f, svg_x(0.5), 18, "middle", p->title);
}

static void
svg_line(FILE *f, const struct plot *p, const struct scale *s, size_t l)
{
	const char *colour = colours[l % COLOURS];
	const double y = TOP + 18 * (double)l;

	(void)fprintf(
	    f, "<polyline fill=\"none\" stroke=\"%s\" points=\"", colour);
	for (size_t i = 0; i < p->npoints; i++)
		(void)fprintf(f, "%.1f,%.1f ", svg_x(plot_x(s, p->size[i])),
		    svg_y(plot_y(s, p->value[l * p->npoints + i])));
	(void)fprintf(f,
	    "\"/>\n<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" "
	    "stroke=\"%s\" stroke-width=\"2\"/>\n",
	    WIDTH - RIGHT + 12, y - 4, WIDTH - RIGHT + 32, y - 4, colour);
	svg_label(f, WIDTH - RIGHT + 38, y, "start", p->name[l]);
}

static void
plot_svg(const struct plot *p, FILE *f)
{
	const struct scale s = plot_scale(p);

	(void)fprintf(f,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
	    "height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n"
	    "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
	    WIDTH, HEIGHT);
	svg_axes(f, p, &s);
	for (size_t l = 0; l < p->nlines; l++)
		svg_line(f, p, &s, l);
	(void)fputs("</svg>\n", f);
}

/* Commands and data for gnuplot, which draws to standard output. */
static void
plot_gnuplot(const struct plot *p, FILE *f)
{
	(void)fprintf(f,
	    "set terminal png size 960,600\nset logscale x 2\n"
	    "set yrange [0:*]\nset xlabel '%s'\nset ylabel '%s'\n"
	    "set key outside\nset grid\nplot",
	    p->x, p->y);
	for (size_t l = 0; l < p->nlines; l++)
		(void)fprintf(f, "%s '-' with linespoints title '%s'",
		    l == 0 ? "" : ",", p->name[l]);
	(void)fputc('\n', f);
	for (size_t l = 0; l < p->nlines; l++) {
		for (size_t i = 0; i < p->npoints; i++)
			(void)fprintf(f, "%u %.9g\n", (unsigned)p->size[i],
			    p->value[l * p->npoints + i]);
		(void)fputs("e\n", f);
	}
}

static bool
ends_in(const char *name, const char *end)
{
	const size_t n = strlen(name), m = strlen(end);

	return (n > m && strcmp(name + n - m, end) == 0);
}

int
plot_check(const char *to)
{
	return (strcmp(to, "terminal") == 0 || ends_in(to, ".svg") ||
		    ends_in(to, ".png")
		? 0
		: EINVAL);
}

/*
 * gnuplot in a child, reading `script`, writing to `out`.  -d: without the
 * user's and the host's start-up files, which can alter the picture or end
 * gnuplot before it drew anything.
 */
static int
run_gnuplot(FILE *script, FILE *out, struct eph_err *err)
{
	int status;
	const pid_t pid = fork();

	if (pid == 0) {
		(void)lseek(fileno(script), 0, SEEK_SET);
		if (dup2(fileno(script), STDIN_FILENO) < 0 ||
		    dup2(fileno(out), STDOUT_FILENO) < 0)
			_exit(126);
		(void)execlp("gnuplot", "gnuplot", "-d", "-", (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return (
		    eph_err_set(err, errno, "gnuplot: %s", strerror(errno)));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return (0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return (eph_err_set(err, ENOENT,
		    "a .png needs gnuplot, which is not installed; .svg "
		    "needs nothing"));
	return (eph_err_set(err, EIO, "gnuplot failed"));
}

/* Is it a whole PNG?  gnuplot exits 0 also when it drew none. */
static bool
png_is_whole(FILE *f)
{
	static const char head[8] = "\x89PNG\r\n\x1a\n";
	static const char tail[8] = "IEND\xae\x42\x60\x82";
	char first[8], last[8];

	return (fseek(f, 0, SEEK_SET) == 0 && fread(first, 8, 1, f) == 1 &&
	    fseek(f, -8, SEEK_END) == 0 && fread(last, 8, 1, f) == 1 &&
	    memcmp(first, head, 8) == 0 && memcmp(last, tail, 8) == 0);
}

static int
plot_png(const struct plot *p, FILE *f, struct eph_err *err)
{
	FILE *script = tmpfile();
	int error;

	if (script == NULL)
		return (eph_err_set(
		    err, errno, "temporary file: %s", strerror(errno)));
	plot_gnuplot(p, script);
	(void)fflush(script);
	error = run_gnuplot(script, f, err);
	if (error == 0 && !png_is_whole(f))
		error = eph_err_set(err, EIO,
		    "gnuplot wrote no whole picture; .svg needs no gnuplot");
	(void)fclose(script);
	return (error);
}

/* Written beside its place and renamed, so that no part of it is seen. */
static int
plot_file(const struct plot *p, const char *to, struct eph_err *err)
{
	const size_t n = strlen(to) + 16;
	char *tmp = must_alloc(NULL, n, 1);
	FILE *f;
	int error = 0;

	(void)snprintf(tmp, n, "%s.%ld", to, (long)getpid());
	if ((f = fopen(tmp, "w+")) == NULL) {
		error = eph_err_set(err, errno, "%s: %s", to, strerror(errno));
		free(tmp);
		return (error);
	}
	if (ends_in(to, ".svg"))
		plot_svg(p, f);
	else
		error = plot_png(p, f, err);
	if ((ferror(f) | fclose(f)) != 0 && error == 0)
		error = eph_err_set(err, EIO, "%s: cannot be written", to);
	if (error == 0 && rename(tmp, to) != 0)
		error = eph_err_set(err, errno, "%s: %s", to, strerror(errno));
	if (error != 0)
		(void)unlink(tmp);
	free(tmp);
	return (error);
}

int
plot_draw(const struct plot *p, const char *to, struct eph_err *err)
{
	if (strcmp(to, "terminal") != 0)
		return (plot_file(p, to, err));
	plot_text(p);
	return (0);
}
