/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * `ephmap scale': throughput by number of CPUs, and where one design passes
 * another.
 *
 * The load, which scale_load.c plays, is the same for every design.  Where two
 * curves cross is found by bisection: between two points that differ in who is
 * faster, each design is run again in the middle, until they are neighbours.
 */

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "costs.h"
#include "options.h"
#include "plot.h"
#include "progress.h"
#include "record.h"
#include "scale_load.h"
#include "setup.h"
#include "table.h"
#include "text.h"

#define DESIGNS_MOST 8 /* of which all pairs are told */
#define DEFAULT_DESIGNS                                                        \
	"sf_buf.lru,sf_buf.accessed,lwbuf.pcpu,kvabio,ephmap.best,dmap"
#define WIDTH 79

struct scale {
	struct setup s;
	const struct point *point; /* the first of each curve */
	char (*name)[256];	   /* of each: design, and policy if chosen */
	size_t ndesigns;
	const unsigned *cpus;
	size_t ncpus;
	struct load load; /* of the options; cpus: --at */
	struct load_stream stream;
	struct eph_trace *trace; /* NULL: none */
	uint64_t references;	 /* of the trace */
	double *rate; /* by design and number of CPUs; NAN: refused */
	struct eph_err *refused; /* by design, why */
	struct progress progress;
	size_t runs;
};

/* Maps a second of design `d'; NAN, and it is noted why, where refused. */
static double
rate(struct scale *sc, size_t d, const struct load *l)
{
	struct eph_run_result *res = must_alloc(NULL, 1, sizeof(*res));
	double v = NAN;

	if (load_play(
		&sc->stream, l, &sc->point[d].cfg, res, &sc->refused[d]) == 0)
		v = eph_time_rate(&res->time);
	free(res);
	progress_step(&sc->progress, ++sc->runs);
	return (v);
}

/* The axis along which two designs are compared. */
enum axis_of_load { BY_CPUS, BY_HITS, BY_HOLD };

static void
load_set(struct load *l, enum axis_of_load axis, uint64_t v)
{
	switch (axis) {
	case BY_CPUS:
		l->cpus = (unsigned)v;
		break;
	case BY_HITS:
		l->hits = (unsigned)v;
		break;
	case BY_HOLD:
		l->hold_ns = v;
		break;
	}
}

/* What the sentences are about. */
struct crossing {
	size_t faster; /* from `at' on */
	size_t slower;
	enum axis_of_load axis;
	uint64_t at;
	uint64_t before; /* the last value where it is the other way round */
	double rates[2]; /* faster's and slower's at `at' */
};

struct crossings {
	struct crossing *c;
	size_t n;
};

/* Between lo, where a is faster, and hi, where b is. */
static void
bisect(struct scale *sc, struct crossings *out, enum axis_of_load axis,
    size_t a, size_t b, uint64_t lo, uint64_t hi, double ra, double rb)
{
	struct load l = sc->load;

	/* Holds are told to a hundredth. */
	while (hi - lo > (axis == BY_HOLD ? 1 + hi / 100 : 1)) {
		const uint64_t mid = lo + (hi - lo) / 2;
		double ma, mb;

		load_set(&l, axis, mid);
		ma = rate(sc, a, &l);
		mb = rate(sc, b, &l);
		if (mb > ma) {
			hi = mid;
			ra = ma;
			rb = mb;
		} else {
			lo = mid;
		}
	}
	out->c = must_alloc(out->c, out->n + 1, sizeof(*out->c));
	out->c[out->n++] = (struct crossing){ b, a, axis, hi, lo, { rb, ra } };
}

/* Each change of who is faster along an axis; `r' is by design and value. */
static void
cross(struct scale *sc, struct crossings *out, enum axis_of_load axis,
    const uint64_t *value, size_t n, const double *r)
{
	for (size_t a = 0; a < sc->ndesigns; a++) {
		for (size_t b = a + 1; b < sc->ndesigns; b++) {
			size_t last = n; /* the last value where they differ */

			for (size_t i = 0; i < n; i++) {
				const double ra = r[a * n + i],
					     rb = r[b * n + i];
				bool was, is;

				if (isnan(ra) || isnan(rb) || ra == rb)
					continue;
				is = ra > rb;
				was = last == n ||
				    r[a * n + last] > r[b * n + last];
				if (last != n && is != was)
					bisect(sc, out, axis, was ? a : b,
					    was ? b : a, value[last], value[i],
					    was ? ra : rb, was ? rb : ra);
				last = i;
			}
		}
	}
}

/* Crossings by hits and by holds, at --at CPUs. */
static void
cross_loads(struct scale *sc, struct crossings *out)
{
	static const uint64_t hits[] = { 0, 25, 50, 75, 90, 99, 100 };
	static const uint64_t holds[] = { 0, 300, 1000, 3000, 10000, 30000,
		100000, 300000, 1000000 };
	enum {
		HITS = sizeof(hits) / sizeof(hits[0]),
		HOLDS = sizeof(holds) / sizeof(holds[0])
	};
	double *r = must_alloc(NULL, sc->ndesigns * HOLDS, sizeof(*r));

	for (size_t d = 0; sc->s.trace == NULL && d < sc->ndesigns; d++) {
		for (size_t i = 0; i < HITS; i++) {
			struct load l = sc->load;

			load_set(&l, BY_HITS, hits[i]);
			r[d * HITS + i] = rate(sc, d, &l);
		}
	}
	if (sc->s.trace == NULL)
		cross(sc, out, BY_HITS, hits, HITS, r);
	for (size_t d = 0; d < sc->ndesigns; d++) {
		for (size_t i = 0; i < HOLDS; i++) {
			struct load l = sc->load;

			load_set(&l, BY_HOLD, holds[i]);
			r[d * HOLDS + i] = rate(sc, d, &l);
		}
	}
	cross(sc, out, BY_HOLD, holds, HOLDS, r);
	free(r);
}

static void
cross_all(struct scale *sc, struct crossings *out)
{
	uint64_t *value = must_alloc(NULL, sc->ncpus, sizeof(*value));

	for (size_t i = 0; i < sc->ncpus; i++)
		value[i] = sc->cpus[i];
	cross(sc, out, BY_CPUS, value, sc->ncpus, sc->rate);
	cross_loads(sc, out);
	free(value);
}

/* Tables */

static const char *
name_of(const struct scale *sc, size_t d)
{
	return (sc->name[d]);
}

/* As many designs side by side as fit; returns how many. */
static size_t
print_block(const struct scale *sc, size_t first)
{
	char align[WIDTH] = "r";
	size_t n = 0, width = 4;
	struct table *t;

	while (first + n < sc->ndesigns) {
		const size_t w = strlen(name_of(sc, first + n));

		width += 2 + (w > 9 ? w : 9);
		if (n > 0 && width > WIDTH)
			break;
		align[++n] = 'r';
	}
	t = table_create(align);
	table_cell(t, "CPUs");
	for (size_t k = 0; k < n; k++)
		table_cell(t, "%s", name_of(sc, first + k));
	table_rule(t);
	for (size_t i = 0; i < sc->ncpus; i++) {
		table_cell(t, "%u", sc->cpus[i]);
		for (size_t k = 0; k < n; k++) {
			const double v = sc->rate[(first + k) * sc->ncpus + i];
			char number[NUMBER_MAX];

			table_cell(t, "%s",
			    isnan(v) ? "-" : number_real(number, v / 1e6, 3));
		}
	}
	table_print(t, stdout);
	table_destroy(t);
	(void)fputc('\n', stdout);
	return (n);
}

static void
print_load(const struct scale *sc)
{
	const struct eph_run_config *cfg = &sc->point[0].cfg;
	char number[NUMBER_MAX], think[NUMBER_MAX], each[32] = "";

	text_printf(stdout,
	    "Millions of maps a second, simulated, of all CPUs.\n"
	    "Machine %s, TLB %s, %u buffers.\n",
	    cfg->machine, point_tlb(&sc->point[0]), cfg->nbufs);
	if (sc->s.trace != NULL)
		text_printf(stdout, "%s references of %s, on CPUs by %s.\n",
		    number_u64(number, sc->references), sc->s.trace,
		    sc->s.o->spread);
	else
		text_printf(stdout,
		    "%u %% of references are to %u shared pages, the others to "
		    "new ones.\n",
		    sc->load.hits, LOAD_SHARED_PAGES);
	if (sc->s.trace == NULL)
		(void)snprintf(
		    each, sizeof(each), ", %" PRIu64 " a CPU", sc->stream.refs);
	text_printf(stdout,
	    "Held %s ns, %s ns between references%s.  Seed %" PRIu64 ".\n",
	    number_u64(number, sc->load.hold_ns),
	    number_u64(think, sc->s.time.think_ns), each, sc->s.o->seed);
	for (size_t d = 0; d < sc->ndesigns; d++) {
		if (isnan(sc->rate[(d + 1) * sc->ncpus - 1]))
			text_printf(stdout, "%s: %s\n", name_of(sc, d),
			    sc->refused[d].text);
	}
}

/* Words */

static void
print_crossing(const struct scale *sc, const struct crossing *c)
{
	static const char *const unit[] = { " CPUs", " % hits", " ns held" };
	char at[NUMBER_MAX], before[NUMBER_MAX];

	(void)printf("%s passes %s at %s%s", name_of(sc, c->faster),
	    name_of(sc, c->slower), number_u64(at, c->at), unit[c->axis]);
	(void)printf(" (not yet at %s)\n  %.3f against %.3f M maps/s",
	    number_u64(before, c->before), c->rates[0] / 1e6,
	    c->rates[1] / 1e6);
	if (c->axis != BY_CPUS)
		(void)printf(", on %u CPUs", sc->load.cpus);
	if (c->axis != BY_HITS && sc->s.trace == NULL)
		(void)printf(", %u %% hits", sc->load.hits);
	if (c->axis != BY_HOLD)
		(void)printf(", held %s ns", number_u64(at, sc->load.hold_ns));
	(void)printf("\n");
}

/* Pairs that never change places along the CPUs. */
static void
print_always(const struct scale *sc)
{
	for (size_t a = 0; a < sc->ndesigns; a++) {
		for (size_t b = 0; b < sc->ndesigns; b++) {
			const double *ra = &sc->rate[a * sc->ncpus];
			const double *rb = &sc->rate[b * sc->ncpus];
			double least = INFINITY, most = 0;
			size_t i;

			for (i = 0; i < sc->ncpus && ra[i] > rb[i]; i++) {
				least = fmin(least, ra[i] / rb[i]);
				most = fmax(most, ra[i] / rb[i]);
			}
			if (i == sc->ncpus)
				(void)printf("%s beats %s everywhere, %.*f to "
					     "%.*f times\n",
				    name_of(sc, a), name_of(sc, b),
				    least < 100 ? 2 : 0, least,
				    most < 100 ? 2 : 0, most);
		}
	}
}

static void
print_words(const struct scale *sc, const struct crossings *x)
{
	(void)printf("\n");
	print_always(sc);
	for (size_t i = 0; i < x->n; i++)
		print_crossing(sc, &x->c[i]);
}

static void
print_csv(const struct scale *sc)
{
	(void)printf("design,cpus,maps_per_second\n");
	for (size_t d = 0; d < sc->ndesigns; d++) {
		for (size_t i = 0; i < sc->ncpus; i++) {
			const struct value v =
			    value_real(sc->rate[d * sc->ncpus + i]);

			csv_text(name_of(sc, d), stdout);
			(void)printf(",%u,", sc->cpus[i]);
			csv_value(&v, stdout);
			(void)printf("\n");
		}
	}
}

static json_t *
crossing_json(const struct scale *sc, const struct crossing *c)
{
	static const char *const axis[] = { "cpus", "hits", "hold" };

	return (json_pack("{s:s, s:s, s:s, s:I, s:I, s:f, s:f}", "faster",
	    name_of(sc, c->faster), "slower", name_of(sc, c->slower), "axis",
	    axis[c->axis], "at", (json_int_t)c->at, "before",
	    (json_int_t)c->before, "faster_maps_per_second", c->rates[0],
	    "slower_maps_per_second", c->rates[1]));
}

static void
print_json(const struct scale *sc, const struct crossings *x)
{
	json_t *root = json_object(), *curves = json_array();
	json_t *all = json_array();

	json_object_set_new(
	    root, "machine", json_string(sc->point[0].cfg.machine));
	json_object_set_new(root, "at", json_integer(sc->load.cpus));
	if (sc->s.trace != NULL)
		json_object_set_new(root, "trace", json_string(sc->s.trace));
	else
		json_object_set_new(root, "hits", json_integer(sc->load.hits));
	json_object_set_new(
	    root, "hold", json_integer((json_int_t)sc->load.hold_ns));
	json_object_set_new(
	    root, "think", json_integer((json_int_t)sc->s.time.think_ns));
	for (size_t d = 0; d < sc->ndesigns; d++) {
		json_t *o = json_object(), *cpus = json_array();
		json_t *rates = json_array();

		for (size_t i = 0; i < sc->ncpus; i++) {
			const struct value v =
			    value_real(sc->rate[d * sc->ncpus + i]);

			json_array_append_new(cpus, json_integer(sc->cpus[i]));
			json_array_append_new(rates, value_json(&v));
		}
		json_object_set_new(o, "design", json_string(name_of(sc, d)));
		json_object_set_new(o, "cpus", cpus);
		json_object_set_new(o, "maps_per_second", rates);
		json_array_append_new(curves, o);
	}
	for (size_t i = 0; i < x->n; i++)
		json_array_append_new(all, crossing_json(sc, &x->c[i]));
	json_object_set_new(root, "curves", curves);
	json_object_set_new(root, "crossings", all);
	json_print(root, stdout);
}

static double
plot_rate(const void *arg, size_t line, size_t i, double *error)
{
	const struct scale *sc = arg;

	*error = 0;
	return (sc->rate[line * sc->ncpus + i] / 1e6);
}

static int
draw(const struct scale *sc, bool file)
{
	const char **names, *to = sc->s.o->plot;
	struct eph_err err;
	char title[128];
	const struct plot frame = { .title = title,
		.x = "CPUs",
		.y = "millions of maps a second",
		.log_x = true,
		.log_y = true };
	int error;

	if (!plot_turn(to, file))
		return (EXIT_OK);
	names = must_alloc(NULL, sc->ndesigns, sizeof(*names));
	for (size_t d = 0; d < sc->ndesigns; d++)
		names[d] = name_of(sc, d);
	if (sc->s.trace != NULL)
		(void)snprintf(title, sizeof(title), "%s, %s",
		    sc->point[0].cfg.machine, sc->s.trace);
	else
		(void)snprintf(title, sizeof(title),
		    "%s, %u %% of references to shared pages",
		    sc->point[0].cfg.machine, sc->load.hits);
	error = plot_numbers(&frame, sc->cpus, sc->ncpus, false, names,
	    sc->ndesigns, plot_rate, sc, to, &err);
	free(names);
	return (error == 0 ? EXIT_OK
			   : options_refuse(sc->s.command, "%s", err.text));
}

static int
report(struct scale *sc)
{
	struct crossings x = { NULL, 0 };
	const bool words = sc->ndesigns <= DESIGNS_MOST;
	int status = draw(sc, true);

	if (status == EXIT_OK && words && sc->s.o->format != FORMAT_CSV)
		cross_all(sc, &x);
	progress_end(&sc->progress);
	if (status != EXIT_OK) {
		free(x.c);
		return (status);
	}
	switch (sc->s.o->format) {
	case FORMAT_CSV:
		print_csv(sc);
		break;
	case FORMAT_JSON:
		print_json(sc, &x);
		break;
	default:
		for (size_t d = 0; d < sc->ndesigns;)
			d += print_block(sc, d);
		print_load(sc);
		if (words)
			print_words(sc, &x);
		status = draw(sc, false);
		break;
	}
	if (!words && sc->s.o->format != FORMAT_CSV)
		text_note("ephmap scale: who passes whom is told of at most %d "
			  "designs",
		    DESIGNS_MOST);
	free(x.c);
	return (status);
}

/* Every point of the curves. */
static int
run_curves(struct scale *sc)
{
	size_t refused = 0;

	for (size_t d = 0; d < sc->ndesigns; d++) {
		for (size_t i = 0; i < sc->ncpus; i++) {
			struct load l = sc->load;
			double *v = &sc->rate[d * sc->ncpus + i];

			l.cpus = sc->cpus[i];
			*v = rate(sc, d, &l);
			refused += isnan(*v) ? 1 : 0;
		}
	}
	if (refused == sc->ndesigns * sc->ncpus) {
		progress_end(&sc->progress);
		return (
		    options_refuse(sc->s.command, "%s", sc->refused[0].text));
	}
	return (EXIT_OK);
}

/*
 * A curve for each design, or for each of its policies; the points of one
 * design go by CPUs, then by policy.
 */
static void
make_curves(
    struct scale *sc, const struct point *points, size_t n, unsigned *cpus)
{
	struct point *first = must_alloc(NULL, n, sizeof(*first));

	sc->name = must_alloc(NULL, n, sizeof(*sc->name));
	for (size_t i = 0;
	     i < n && points[i].cfg.design == points[0].cfg.design; i++) {
		if (sc->ncpus == 0 || cpus[sc->ncpus - 1] != points[i].cfg.cpus)
			cpus[sc->ncpus++] = points[i].cfg.cpus;
	}
	for (size_t i = 0; i < n;) {
		size_t all = 1;

		while (i + all < n &&
		    points[i + all].cfg.design == points[i].cfg.design)
			all++;
		for (size_t k = 0; k < all / sc->ncpus; k++) {
			const struct point *p = &points[i + k];
			const bool chosen = p->cfg.policy != NULL;

			(void)snprintf(sc->name[sc->ndesigns],
			    sizeof(*sc->name), "%s%s%s", p->cfg.design->name,
			    chosen ? "+" : "", chosen ? p->policy.text : "");
			first[sc->ndesigns++] = *p;
		}
		i += all;
	}
	sc->cpus = cpus;
	sc->point = first;
}

static int
scale(struct scale *sc, const struct point *points, size_t n)
{
	const struct opts *o = sc->s.o;
	unsigned *cpus = must_alloc(NULL, n, sizeof(*cpus));
	int status;

	make_curves(sc, points, n, cpus);
	sc->rate = must_alloc(NULL, n, sizeof(*sc->rate));
	sc->refused = must_alloc(NULL, sc->ndesigns, sizeof(*sc->refused));
	sc->load = (struct load){ (unsigned)o->scale_at,
		(unsigned)o->scale_hits, sc->s.hold.ns };
	progress_start(&sc->progress, "scale", 0);
	status = run_curves(sc);
	if (status == EXIT_OK)
		status = report(sc);
	free(cpus);
	free((void *)(uintptr_t)sc->point);
	free(sc->name);
	free(sc->rate);
	free(sc->refused);
	return (status);
}

/* What is no list here. */
static int
check_single(const struct scale *sc)
{
	const struct opts *o = sc->s.o;
	const struct {
		const char *name;
		const char *text;
	} single[] = {
		{ "shootdown", o->shootdown },
		{ "machine", o->machine },
		{ "tlb", o->tlb },
		{ "nbufs", o->nbufs },
	};

	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
		if (single[i].text != NULL &&
		    strchr(single[i].text, ',') != NULL)
			return (options_refuse(sc->s.command,
			    "--%s: expected one value, got \"%s\"",
			    single[i].name, single[i].text));
	}
	return (OPTIONS_OK);
}

/* The trace, if there is one: what it says cannot be said otherwise. */
static int
open_trace(
    struct scale *sc, int n, char **operands, struct eph_trace_meta *meta)
{
	const struct opts *o = sc->s.o;
	struct eph_err err;

	if (n == 0 && o->trace == NULL) {
		if (opt_given(o, scale_spread))
			return (options_refuse(sc->s.command,
			    "--cpu-of is of a trace's lines, and there is no "
			    "trace"));
		return (OPTIONS_OK);
	}
	if (opt_given(o, scale_hits) || opt_given(o, scale_refs))
		return (options_refuse(sc->s.command,
		    "--hits and --refs are of the load that is made where "
		    "there is no trace"));
	if (setup_trace(&sc->s, n, operands) != OPTIONS_OK ||
	    setup_open(&sc->s, &sc->trace) != OPTIONS_OK)
		return (OPTIONS_BAD);
	*meta = *eph_trace_meta(sc->trace);
	sc->references = meta->references;
	if (eph_oplist_read(sc->trace, &sc->stream.trace, &err) != 0)
		return (options_refuse(sc->s.command, "%s", err.text));
	return (OPTIONS_OK);
}

int
cmd_scale(const struct opts *typed, int n, char **operands)
{
	struct opts o = *typed;
	struct scale sc = {
		.s = { .command = "ephmap scale",
		    .lists = true,
		    .timed = true,
		    .o = &o },
		.stream = { .refs = o.scale_refs, .seed = o.seed },
	};
	struct eph_trace_meta meta = { .cpus = 1 };
	struct point *points;
	size_t npoints;
	int status = EXIT_BAD;

	o.spread = o.scale_spread != NULL ? o.scale_spread : "robin";
	if (o.cpus == NULL)
		o.cpus = "1..1024";
	if (o.design == NULL)
		o.design = DEFAULT_DESIGNS;
	if (setup_policy_help(&sc.s))
		return (EXIT_OK);
	if (o.plot != NULL && plot_check(o.plot) != 0)
		return (EXIT_BAD);
	if (check_single(&sc) == OPTIONS_OK &&
	    open_trace(&sc, n, operands, &meta) == OPTIONS_OK &&
	    setup_points(&sc.s, &meta, &points, &npoints) == OPTIONS_OK) {
		status = scale(&sc, points, npoints);
		setup_free(points, npoints);
	}
	eph_oplist_free(sc.stream.trace);
	eph_trace_close(sc.trace);
	return (status);
}
