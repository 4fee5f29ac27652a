/* SPDX-License-Identifier: BSD-2-Clause */

/* What gnuplot is told, and running it. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plot.h"
#include "table.h"

/* Colours that people with any sight tell apart, on light and on dark. */
static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73",
	"#cc79a7", "#b8860b", "#56b4e9", "#7f7f7f", "#8b5cf6" };
static const int dashes[] = { 1, 2, 4, 5, 3 };
static const int points[] = { 7, 5, 9, 11, 13, 6, 4, 8, 10, 12, 1, 2, 3 };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Between names at the ends of lines, of the height: a line of text. */
#define LABEL_PIXELS 14.5
#define BARS_ASLANT  16
#define FRAME_PIXELS 95 /* above and below the lines */

/* What a line is told by. */
struct look {
	const char *colour;
	int dash, point;
};

static bool
same_part(const char *a, const char *b, bool first)
{
	const size_t n = strcspn(a, " "), m = strcspn(b, " ");

	return (
	    first ? n == m && memcmp(a, b, n) == 0 : strcmp(a + n, b + m) == 0);
}

/* The names of the lines stand behind those that are known before. */
static const char *
name_at(const struct plot *p, size_t i)
{
	return (i < p->nknown ? p->known[i] : p->line[i - p->nknown].name);
}

/* Numbers for the first words of names, or for the rest of them, by `of'. */
static size_t
number_parts(const struct plot *p, bool first, size_t *of)
{
	size_t n = 0;

	for (size_t l = 0; l < p->nknown + p->nlines; l++) {
		size_t i = 0;

		while (!same_part(name_at(p, i), name_at(p, l), first))
			i++;
		of[l] = i < l ? of[i] : n++;
	}
	return (n);
}

/*
 * Where names are few first words, designs, with few others behind them,
 * policies, a design has its colour, a policy its dash and marker.  Else all
 * three change in turn.
 */
static struct look *
looks_of(const struct plot *p)
{
	struct look *look = must_alloc(NULL, p->nlines + 1, sizeof(*look));
	const size_t n = p->nknown + p->nlines;
	size_t *word = must_alloc(NULL, n + 1, sizeof(*word));
	size_t *rest = must_alloc(NULL, n + 1, sizeof(*rest));
	const size_t nwords = number_parts(p, true, word);
	const size_t nrests = number_parts(p, false, rest);
	const bool parted = nwords < n && nwords <= COUNT(colours) &&
	    nrests > 1 && nrests <= COUNT(points);

	for (size_t l = 0; l < p->nlines; l++) {
		const size_t k = p->nknown + l;
		const size_t c = parted ? word[k] : l;
		const size_t d = parted ? rest[k] : l / COUNT(colours);
		const size_t m = parted ? rest[k] : l;

		look[l] = (struct look){ colours[c % COUNT(colours)],
			dashes[d % COUNT(dashes)], points[m % COUNT(points)] };
	}
	free(word);
	free(rest);
	return (look);
}

/* A name between quotes: in '' only ' must be doubled. */
static void
quoted(FILE *f, const char *s)
{
	(void)fputc('\'', f);
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s >= ' ')
			(void)fprintf(f, *s == '\'' ? "''" : "%c", *s);
	}
	(void)fputc('\'', f);
}

/* A tooltip, between double quotes in data. */
static void
tooltip(FILE *f, const struct plot *p, const struct plot_line *l, size_t i)
{
	(void)fputc('"', f);
	for (const char *s = l->name; *s != '\0'; s++)
		(void)fputc(strchr("\"\\'<>&", *s) != NULL ? ' ' : *s, f);
	if (p->bars == NULL)
		(void)fprintf(f, ", %.10g", l->x[i]);
	else
		(void)fprintf(f, ", %s", p->bars[i]);
	(void)fprintf(f, ": %.6g", l->y[i]);
	if (l->error != NULL && l->error[i] > 0)
		(void)fprintf(f, " +- %.3g", l->error[i]);
	(void)fputc('"', f);
}

/* So wide that the first and the last marker are whole. */
static void
print_range(const struct plot *p, FILE *f)
{
	double x0 = INFINITY, x1 = -INFINITY, by;

	for (size_t l = 0; l < p->nlines; l++) {
		for (size_t i = 0; i < p->line[l].n; i++) {
			x0 = fmin(x0, p->line[l].x[i]);
			x1 = fmax(x1, p->line[l].x[i]);
		}
	}
	if (!(x0 <= x1))
		return;
	by = p->log_x ? 1.02 : x1 > x0 ? (x1 - x0) * 0.01 : 1;
	(void)fprintf(f, "set xrange [%.9g:%.9g]\n",
	    p->log_x ? x0 / by : x0 - by, p->log_x ? x1 * by : x1 + by);
}

/* The value at the end of a line, where its name stands. */
static double
end_of(const struct plot_line *l)
{
	return (l->n > 0 ? l->y[l->n - 1] : 0);
}

static double
highest(const struct plot *p)
{
	double y = 0;

	for (size_t l = 0; l < p->nlines; l++) {
		for (size_t i = 0; i < p->line[l].n; i++)
			y = fmax(y,
			    p->line[l].y[i] +
				(p->line[l].error != NULL ? p->line[l].error[i]
							  : 0));
	}
	return (y > 0 ? y : 1);
}

/* Where the axis begins: at 0, unless all would lie in the upper half. */
static double
lowest(const struct plot *p)
{
	const double top = highest(p);
	double y = INFINITY;

	for (size_t l = 0; l < p->nlines; l++) {
		for (size_t i = 0; i < p->line[l].n; i++)
			y = fmin(y,
			    p->line[l].y[i] -
				(p->line[l].error != NULL && !p->log_y
					? p->line[l].error[i]
					: 0));
	}
	if (p->log_y)
		return (y < INFINITY ? y / 1.5 : 0.1);
	return (
	    p->bars == NULL && y > top / 2 && y < top ? y - (top - y) / 10 : 0);
}

/* How high up a value stands, from 0 to 1. */
static double
height_of(const struct plot *p, double top, double y)
{
	const double low = lowest(p);

	return (
	    p->log_y ? log(y / low) / log(top / low) : (y - low) / (top - low));
}

static double
mean_of(const struct plot_line *l)
{
	double sum = 0;

	for (size_t i = 0; i < l->n; i++)
		sum += l->y[i];
	return (l->n > 0 ? sum / (double)l->n : 0);
}

/* Does `a' end below `b'?  Where they end together, which is lower on the way? */
static bool
is_below(const struct plot_line *a, const struct plot_line *b)
{
	const double ea = end_of(a), eb = end_of(b);

	return (ea != eb ? ea < eb : mean_of(a) < mean_of(b));
}

/* The order of the lines by where they end, the lowest first. */
static size_t *
order_ends(const struct plot *p)
{
	size_t *order = must_alloc(NULL, p->nlines + 1, sizeof(*order));

	for (size_t i = 0; i < p->nlines; i++) {
		size_t k = i;

		while (k > 0 && is_below(&p->line[i], &p->line[order[k - 1]])) {
			order[k] = order[k - 1];
			k--;
		}
		order[k] = i;
	}
	return (order);
}

/*
 * Places for n names that want to stand at at[], ascending: a gap apart, and
 * together as near as can be.  Less their gaps, places only need to ascend,
 * so neighbours that do not are pooled at their mean.
 */
static void
move_apart(double *at, size_t n, double gap)
{
	const double room = 1 - gap * (double)(n - 1);
	size_t *size = must_alloc(NULL, n + 1, sizeof(*size));
	double *mean = must_alloc(NULL, n + 1, sizeof(*mean));
	size_t blocks = 0, k = 0;

	for (size_t i = 0; i < n; i++) {
		mean[blocks] = at[i] - gap * (double)i;
		size[blocks++] = 1;
		for (; blocks > 1 && mean[blocks - 2] > mean[blocks - 1];
		     blocks--) {
			const double a = (double)size[blocks - 2];
			const double b = (double)size[blocks - 1];

			mean[blocks - 2] =
			    (mean[blocks - 2] * a + mean[blocks - 1] * b) /
			    (a + b);
			size[blocks - 2] += size[blocks - 1];
		}
	}
	for (size_t i = 0; i < blocks; i++) {
		for (size_t j = 0; j < size[i]; j++, k++)
			at[k] = fmin(fmax(mean[i], 0), fmax(room, 0)) +
			    gap * (double)k;
	}
	free(size);
	free(mean);
}

/* Names, with a piece of each line and its marker, where the lines end. */
static void
print_names(const struct plot *p, const struct look *look, double top,
    unsigned height, FILE *f)
{
	const double gap = LABEL_PIXELS / (height - FRAME_PIXELS);
	size_t *order = order_ends(p);
	double *at = must_alloc(NULL, p->nlines + 1, sizeof(*at));

	for (size_t i = 0; i < p->nlines; i++)
		at[i] = height_of(p, top, end_of(&p->line[order[i]]));
	move_apart(at, p->nlines, gap);
	for (size_t i = 0; i < p->nlines; i++) {
		const struct plot_line *l = &p->line[order[i]];
		const struct look *k = &look[order[i]];

		(void)fprintf(f, "set label ");
		quoted(f, l->name);
		(void)fprintf(f,
		    " at graph 1.07, graph %.4f left front tc rgb '%s' point "
		    "pt %d ps 0.7 lc rgb '%s' offset 3,-0.2\n",
		    at[i], k->colour, k->point, k->colour);
		(void)fprintf(f,
		    "set arrow from graph 1.04, graph %.4f to graph 1.10, "
		    "graph %.4f nohead lw 1.5 dt %d lc rgb '%s'\n",
		    at[i], at[i], k->dash, k->colour);
		(void)fprintf(f,
		    "set arrow from graph 1.005, first %.9g to graph 1.035, "
		    "graph %.4f nohead lw 0.5 lc rgb '%s'\n",
		    end_of(l), at[i], k->colour);
	}
	free(order);
	free(at);
}

/* Within two decades powers of ten are too few: 1, 2 and 5 of each. */
static void
print_tics(double low, double top, FILE *f)
{
	static const double of[] = { 1, 2, 5 };
	const char *sep = "set ytics (";

	if (top / low > 100)
		return;
	for (double ten = pow(10, floor(log10(low))); ten < top; ten *= 10) {
		for (size_t i = 0; i < COUNT(of); i++) {
			if (of[i] * ten < low || of[i] * ten > top)
				continue;
			(void)fprintf(f, "%s%.9g", sep, of[i] * ten);
			sep = ", ";
		}
	}
	if (*sep == ',')
		(void)fprintf(f, ")\n");
}

static void
print_frame(const struct plot *p, double top, FILE *f)
{
	size_t longest = 0;

	for (size_t l = 0; l < p->nlines; l++) {
		if (strlen(p->line[l].name) > longest)
			longest = strlen(p->line[l].name);
	}
	(void)fprintf(f, "set encoding utf8\nset termoption noenhanced\n");
	(void)fprintf(f, "set title ");
	quoted(f, p->title);
	(void)fprintf(f, "\nset xlabel ");
	quoted(f, p->x);
	(void)fprintf(f, "\nset ylabel ");
	quoted(f, p->y);
	(void)fprintf(f,
	    "\nset grid lc rgb '#999999' lw 0.3\nset border 3 lw 0.7\n"
	    "set tics nomirror\nset yrange [%.9g:%.9g]\nset format y '%%g'\n"
	    "set rmargin %zu\n",
	    lowest(p), top, p->bars == NULL ? longest + 12 : 2);
	if (p->log_y) {
		(void)fprintf(f, "set logscale y 10\n");
		print_tics(lowest(p), top, f);
	}
	if (p->log_x)
		(void)fprintf(f, "set logscale x 2\nset format x '%%.0f'\n");
}

/* Each line's points, with their tooltips. */
static void
print_lines(const struct plot *p, const struct look *look, FILE *f)
{
	for (size_t l = 0; l < p->nlines; l++) {
		const struct plot_line *line = &p->line[l];

		(void)fprintf(f, "$line%zu << END\n", l);
		for (size_t i = 0; i < line->n; i++) {
			(void)fprintf(f, "%.10g %.9g %.9g ", line->x[i],
			    line->y[i],
			    line->error != NULL ? line->error[i] : 0.0);
			tooltip(f, p, line, i);
			(void)fputc('\n', f);
		}
		(void)fprintf(f, "END\n");
	}
	(void)fprintf(f, "plot");
	for (size_t l = 0; l < p->nlines; l++) {
		const struct look *k = &look[l];

		(void)fprintf(f,
		    "%s $line%zu using 1:2 with lines lc rgb '%s' dt %d lw 1.5 "
		    "notitle",
		    l > 0 ? "," : "", l, k->colour, k->dash);
		if (p->line[l].error != NULL)
			(void)fprintf(f,
			    ", $line%zu using 1:2:3 with yerrorbars pt -1 lc "
			    "rgb '%s' notitle",
			    l, k->colour);
		(void)fprintf(f,
		    ", $line%zu using 1:2:4 with labels hypertext point pt %d "
		    "ps 0.7 lc rgb '%s' notitle",
		    l, k->point, k->colour);
	}
	(void)fputc('\n', f);
}

/* Names of bars stand upright where they would meet. */
static void
print_bar_names(const struct plot *p, size_t n, FILE *f)
{
	size_t longest = 0;

	for (size_t i = 0; i < n; i++)
		longest =
		    strlen(p->bars[i]) > longest ? strlen(p->bars[i]) : longest;
	/* A name aslant goes down and to the right. */
	(void)fprintf(f,
	    "set bmargin %zu\nset rmargin %zu\nset xtics rotate by %d (",
	    3 + longest * (n > BARS_ASLANT ? 9 : 6) / 20,
	    n > BARS_ASLANT ? 2 : 2 + longest / 2, n > BARS_ASLANT ? -90 : -35);
	for (size_t i = 0; i < n; i++) {
		(void)fprintf(f, "%s", i > 0 ? ", " : "");
		quoted(f, p->bars[i]);
		(void)fprintf(f, " %zu", i);
	}
	(void)fprintf(f, ")\n");
}

/* Parts of a bar on top of each other. */
static void
print_bars(const struct plot *p, bool tooltips, FILE *f)
{
	const size_t n = p->nlines > 0 ? p->line[0].n : 0;

	(void)fprintf(f,
	    "set style fill solid 0.85 noborder\nset boxwidth 0.7\n"
	    "set key outside top center horizontal\n");
	print_bar_names(p, n, f);
	(void)fprintf(
	    f, "set xrange [-0.6:%.1f]\n$bars << END\n", (double)n - 0.4);
	for (size_t i = 0; i < n; i++) {
		double sum = 0;

		(void)fprintf(f, "%zu", i);
		for (size_t l = 0; l < p->nlines; l++) {
			(void)fprintf(f, " %.9g ", sum += p->line[l].y[i]);
			tooltip(f, p, &p->line[l], i);
		}
		(void)fputc('\n', f);
	}
	(void)fprintf(f, "END\nplot");
	/* The highest sum first, so that the lower ones cover it. */
	for (size_t l = p->nlines; l-- > 0;) {
		(void)fprintf(f,
		    "%s $bars using 1:%zu with boxes lc rgb '%s' "
		    "title ",
		    l + 1 < p->nlines ? "," : "", 2 + 2 * l,
		    colours[l % COUNT(colours)]);
		quoted(f, p->line[l].name);
	}
	for (size_t l = 0; l < p->nlines && tooltips; l++)
		(void)fprintf(f,
		    ", $bars using 1:%zu:%zu with labels hypertext point pt 7 "
		    "ps 0.35 lc rgb '%s' notitle",
		    2 + 2 * l, 3 + 2 * l, colours[l % COUNT(colours)]);
	(void)fputc('\n', f);
}

/* As the parts of a bar add up. */
static double
highest_bar(const struct plot *p)
{
	double top = 0;

	for (size_t i = 0; p->nlines > 0 && i < p->line[0].n; i++) {
		double sum = 0;

		for (size_t l = 0; l < p->nlines; l++)
			sum += p->line[l].y[i];
		top = fmax(top, sum);
	}
	return (top > 0 ? top : 1);
}

static void
print_terminal(
    enum plot_terminal terminal, unsigned width, unsigned height, FILE *f)
{
	switch (terminal) {
	case PLOT_SVG:
		(void)fprintf(f,
		    "set terminal svg size %u,%u dynamic background "
		    "'#ffffff' font 'sans-serif,12'\n",
		    width, height);
		break;
	case PLOT_SVG_IN_PAGE:
		(void)fprintf(f,
		    "set terminal svg size %u,%u dynamic font "
		    "'sans-serif,12'\n",
		    width, height);
		break;
	case PLOT_PNG:
		(void)fprintf(f,
		    "set terminal pngcairo size %u,%u font 'sans,10'\n", width,
		    height);
		break;
	case PLOT_PDF:
		/* A pixel of 1/100 of an inch. */
		(void)fprintf(f,
		    "set terminal pdfcairo size %.2fin,%.2fin font "
		    "'sans,9'\n",
		    width / 100.0, height / 100.0);
		break;
	}
}

static void
print_script(
    const struct plot *p, enum plot_terminal terminal, unsigned height, FILE *f)
{
	const double high = p->bars != NULL ? highest_bar(p) : highest(p);
	const double top =
	    p->log_y ? high * 1.05 : high + (high - lowest(p)) * 0.05;
	struct look *look;

	print_frame(p, top, f);
	if (p->bars != NULL) {
		print_bars(
		    p, terminal == PLOT_SVG || terminal == PLOT_SVG_IN_PAGE, f);
		return;
	}
	print_range(p, f);
	look = looks_of(p);
	print_names(p, look, top, height, f);
	print_lines(p, look, f);
	free(look);
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
		    "pictures need gnuplot, which is not installed (Debian: "
		    "gnuplot-nox); --plot terminal needs nothing"));
	return (eph_err_set(err, EIO, "gnuplot failed"));
}

int
plot_gnuplot(const struct plot *p, enum plot_terminal terminal, unsigned width,
    unsigned height, FILE *out, struct eph_err *err)
{
	FILE *script = tmpfile();
	int error;

	if (script == NULL)
		return (eph_err_set(
		    err, errno, "temporary file: %s", strerror(errno)));
	print_terminal(terminal, width, height, script);
	print_script(p, terminal, height, script);
	if (fflush(script) != 0)
		error = eph_err_set(
		    err, errno, "temporary file: %s", strerror(errno));
	else
		error = run_gnuplot(script, out, err);
	(void)fclose(script);
	return (error);
}
