/* SPDX-License-Identifier: BSD-2-Clause */

/* The frame of a report, its style and its table. */

#include "page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#include "ephmap/version.h"

static const char style[] =
    ":root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--soft:#5b6570;"
    "--line:#d8dee4;--band:#f4f6f8;--mark:#0b62c4}\n"
    "@media(prefers-color-scheme:dark){:root{--fg:#e6e8ea;--bg:#14171a;"
    "--soft:#9aa4ae;--line:#333a41;--band:#1d2227;--mark:#6cb2ff}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;padding:1.2rem;max-width:64rem;color:var(--fg);"
    "background:var(--bg);font:16px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.5rem;line-height:1.25;margin:.2rem 0 .8rem}\n"
    "h1,h2,h3{overflow-wrap:anywhere}"
    "h2{font-size:1.15rem;margin:2rem 0 .5rem;padding-top:.6rem;"
    "border-top:1px solid var(--line)}\n"
    "h3{font-size:1rem;margin:1.2rem 0 .3rem}\n"
    ".soft,figcaption,footer{color:var(--soft);font-size:.88rem}\n"
    ".answer li{margin:.25rem 0}\n"
    "figure{margin:1rem 0}figure svg{width:100%;height:auto;display:block}\n"
    ".scroll{overflow-x:auto;border:1px solid var(--line);"
    "border-radius:6px;max-height:80vh}\n"
    "table{border-collapse:collapse;font-size:.85rem;width:100%;"
    "font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.3rem .6rem;text-align:right;white-space:nowrap;"
    "border-bottom:1px solid var(--line)}\n"
    "th.t,td.t{text-align:left}\n"
    "th{position:sticky;top:0;background:var(--band)}\n"
    "th button{all:unset;cursor:pointer;font-weight:600}\n"
    "th button:focus-visible{outline:2px solid var(--mark)}\n"
    "th[aria-sort] button{color:var(--mark)}\n"
    "th[aria-sort=ascending] button::after{content:' \\2191'}\n"
    "th[aria-sort=descending] button::after{content:' \\2193'}\n"
    "tbody tr:nth-child(even){background:var(--band)}\n"
    "pre{overflow-x:auto;background:var(--band);padding:.7rem;"
    "border-radius:6px;font-size:.82rem}\n"
    ".line{cursor:pointer}.faint{opacity:.1}.bad{color:#c22}\n"
    "@media(max-width:40rem){body{padding:.8rem;font-size:15px}"
    "h1{font-size:1.25rem}figure{overflow-x:auto}"
    "figure svg{min-width:34rem}}\n";

/* A click on a heading sorts by its column, a second one the other way. */
static const char script[] =
    "document.querySelectorAll('table.sort').forEach(t=>{\n"
    " const b=t.tBodies[0],h=[...t.tHead.rows[0].cells];\n"
    " h.forEach((c,i)=>c.querySelector('button').addEventListener('click',"
    "()=>{\n"
    "  const up=c.getAttribute('aria-sort')!=='ascending';\n"
    "  h.forEach(x=>x.removeAttribute('aria-sort'));\n"
    "  c.setAttribute('aria-sort',up?'ascending':'descending');\n"
    "  const v=r=>r.cells[i].dataset.v;\n"
    "  const n=c.className!=='t';\n"
    "  [...b.rows].sort((x,y)=>{const p=v(x),q=v(y);\n"
    "   if(p===''||q==='')return (p==='')-(q==='');\n"
    "   const d=n?p-q:p.localeCompare(q);return up?d:-d;})"
    ".forEach(r=>b.append(r));\n"
    " }));\n"
    "});\n"
    /* A line's pieces, up to that with tooltips, which begin with its name. */
    "document.querySelectorAll('figure svg').forEach(s=>{\n"
    " const of=new Map();let piece=[];\n"
    " s.querySelectorAll('g[id^=gnuplot_plot]').forEach(g=>{\n"
    "  const t=g.querySelector('title');piece.push(g);\n"
    "  if(!t||s.closest('.bars'))return;\n"
    "  of.set(t.textContent.replace(/, [^,]*$/,''),piece);piece=[];});\n"
    " let kept;\n"
    " const show=n=>of.forEach((v,k)=>v.forEach(g=>"
    "g.classList.toggle('faint',n!==undefined&&k!==n)));\n"
    " const watch=(e,n)=>{\n"
    "  e.addEventListener('mouseenter',()=>show(n));\n"
    "  e.addEventListener('mouseleave',()=>show(kept));\n"
    "  e.addEventListener('click',()=>show(kept=kept===n?undefined:n));"
    "e.classList.add('line');};\n"
    " s.querySelectorAll('text').forEach(e=>{const n=e.textContent.trim();\n"
    "  if(of.has(n))watch(e,n);});\n"
    " of.forEach((v,n)=>v.forEach(g=>watch(g,n)));\n"
    "});\n";

void
html_text(FILE *f, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '<':
			(void)fputs("&lt;", f);
			break;
		case '>':
			(void)fputs("&gt;", f);
			break;
		case '&':
			(void)fputs("&amp;", f);
			break;
		case '"':
			(void)fputs("&quot;", f);
			break;
		default:
			(void)fputc(*s, f);
			break;
		}
	}
}

void
page_begin(FILE *f, const char *question)
{
	(void)fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
		    "<meta charset=\"utf-8\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width, "
		    "initial-scale=1\">\n<title>",
	    f);
	html_text(f, question);
	(void)fprintf(f,
	    "</title>\n<link rel=\"icon\" href=\"data:,\">\n"
	    "<style>\n%s</style>\n</head>\n<body>\n<h1>",
	    style);
	html_text(f, question);
	(void)fputs("</h1>\n", f);
}

void
page_end(FILE *f)
{
	(void)fprintf(f,
	    "<footer><p>Made by ephmap %d.%d.%d.  Events are counted exactly; "
	    "cycles are events times the machine's prices.</p></footer>\n"
	    "<script>\n%s</script>\n</body>\n</html>\n",
	    EPHMAP_VERSION_MAJOR, EPHMAP_VERSION_MINOR, EPHMAP_VERSION_PATCH,
	    script);
}

bool
group_ran(const struct group *g)
{
	return (g->runs > 0 && !isnan(g->mean[METRIC_PRICE]));
}

size_t
trace_end(const struct groups *gs, size_t first)
{
	size_t end = first;

	while (end < gs->n &&
	    strcmp(gs->group[end].axis[GROUP_TRACE],
		gs->group[first].axis[GROUP_TRACE]) == 0)
		end++;
	return (end);
}

void
group_name(const struct groups *gs, const struct group *g, unsigned but_mask,
    char *buf, size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "%s", g->axis[GROUP_DESIGN]);

	for (unsigned a = GROUP_POLICY; a < GROUP_AXES && n < size; a++) {
		if (!gs->varies[a] || (but_mask >> a & 1u) != 0 ||
		    g->axis[a][0] == '\0')
			continue;
		n += (size_t)snprintf(buf + n, size - n, " %s%s%s", g->axis[a],
		    group_axes[a].number ? " " : "",
		    group_axes[a].number ? group_axes[a].title : "");
	}
}

static int
compare_numbers(const void *va, const void *vb)
{
	const double a = *(const double *)va, b = *(const double *)vb;

	return ((a > b) - (a < b));
}

size_t
axis_numbers(const struct groups *gs, size_t first, size_t end,
    enum group_axis a, double **valuesp)
{
	double *v = must_alloc(NULL, end - first + 1, sizeof(*v));
	size_t n = 0, k = 0;

	for (size_t i = first; i < end; i++) {
		if (gs->group[i].axis[a][0] != '\0' && group_ran(&gs->group[i]))
			v[n++] = strtod(gs->group[i].axis[a], NULL);
	}
	qsort(v, n, sizeof(*v), compare_numbers);
	for (size_t i = 0; i < n; i++) {
		if (k == 0 || v[i] > v[k - 1])
			v[k++] = v[i];
	}
	*valuesp = v;
	return (k);
}

static void
heading(FILE *f, const char *title, bool text)
{
	(void)fprintf(f, "<th%s scope=\"col\"><button type=\"button\">",
	    text ? " class=\"t\"" : "");
	html_text(f, title);
	(void)fputs("</button></th>", f);
}

static void
number_cell(FILE *f, double v, int decimals)
{
	char number[NUMBER_MAX];

	if (isnan(v))
		(void)fputs("<td data-v=\"\">-</td>", f);
	else
		(void)fprintf(f, "<td data-v=\"%.12g\">%s</td>", v,
		    number_real(number, v, decimals));
}

static void
axis_cell(FILE *f, const struct group *g, unsigned a)
{
	const char *s = g->axis[a];

	if (group_number(a, s)) {
		number_cell(f, strtod(s, NULL), 0);
		return;
	}
	(void)fprintf(
	    f, "<td%s data-v=\"", group_axes[a].number ? "" : " class=\"t\"");
	html_text(f, s);
	(void)fputs("\">", f);
	html_text(f, *s != '\0' ? s : "-");
	(void)fputs("</td>", f);
}

/* The throughput stands behind the price, where there are clocks. */
static unsigned
page_metrics(const struct groups *gs)
{
	return (gs->timed ? METRIC_RATE + 1 : METRIC_PRICE + 1);
}

static void
table_row(FILE *f, const struct groups *gs, const struct group *g)
{
	(void)fputs("<tr>", f);
	for (unsigned a = 0; a < GROUP_AXES; a++) {
		if (gs->varies[a] || a == GROUP_DESIGN)
			axis_cell(f, g, a);
	}
	if (gs->repeated)
		number_cell(f, g->runs, 0);
	for (unsigned m = 0; m < page_metrics(gs); m++)
		number_cell(f, g->mean[m], 1);
	if (gs->repeated)
		number_cell(f, group_deviation(g, METRIC_PRICE), 1);
	(void)fprintf(f, "<td class=\"t%s\" data-v=\"",
	    g->refused != NULL || g->violations > 0 || g->failed ? " bad" : "");
	html_text(f, g->refused != NULL ? g->refused : "");
	(void)fputs("\">", f);
	if (g->refused != NULL)
		html_text(f, g->refused);
	else if (g->violations > 0)
		(void)fputs("violations", f);
	else if (g->failed)
		(void)fputs("failed", f);
	(void)fputs("</td></tr>\n", f);
}

void
page_table(FILE *f, const struct groups *gs)
{
	(void)fputs("<h2>Every combination</h2>\n"
		    "<p class=\"soft\">Events per 1,000 maps on all CPUs "
		    "together; hit % of the maps; cycles and ns per map.  A "
		    "click on a heading sorts.</p>\n"
		    "<div class=\"scroll\" tabindex=\"0\"><table class="
		    "\"sort\"><thead><tr>",
	    f);
	for (unsigned a = 0; a < GROUP_AXES; a++) {
		if (gs->varies[a] || a == GROUP_DESIGN)
			heading(f, group_axes[a].title, !group_axes[a].number);
	}
	if (gs->repeated)
		heading(f, "runs", false);
	for (unsigned m = 0; m < page_metrics(gs); m++)
		heading(f, group_metrics[m].title, false);
	if (gs->repeated)
		heading(f, "+- ns", false);
	heading(f, "remark", true);
	(void)fputs("</tr></thead>\n<tbody>\n", f);
	for (size_t i = 0; i < gs->n; i++)
		table_row(f, gs, &gs->group[i]);
	(void)fputs("</tbody></table></div>\n", f);
}
