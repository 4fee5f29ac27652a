/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The event tables of the designs beyond the BSDs, a line each and more, in a
 * small language:
 *
 *	mC P x [events]	 map page P on CPU C, call the mapping x
 *	mC P x=y	 ... which is the address that y has, or had
 *	mC P !		 ... which is refused;  mC P ?  ... which fails
 *	uC x [events]	 unmap x on CPU C;  uC x !  ... which is refused
 *	kC x [events]	 ask for its address there
 *	tC x		 load and store through it there: x's page is reached
 *	yC x		 load through it there, and reach another page
 *	sC [events]	 the thread on CPU C is switched out, and in again
 *	N( ... )	 N times
 *
 * Events are all there were but locks, TLB hits, misses, walks and how many
 * were needless, since the operation before: S entries stored, L and R
 * invlpgs here and elsewhere, H and F full flushes here and elsewhere, I CPUs
 * interrupted, with a number behind each; hi, ha, ev and mi are hits of
 * unused and used ones, evictions and misses.
 */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ephmap/kernel/pmap.h"
#include "museum_rows.h"
#include "rig.h"

struct player {
	struct rig r;
	const struct museum_row *row;
	struct eph_mapping map[26];
	uint64_t held;
	bool failed;
};

static const char *
skip(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return (p);
}

static unsigned
number(const char **pp)
{
	char *end;
	const unsigned n = (unsigned)strtoul(skip(*pp), &end, 10);

	*pp = skip(end);
	return (n);
}

/* What stands between [ and ], added to `want`. */
static const char *
events(const char *p, struct eph_counters *want)
{
	p = skip(p);
	if (*p != '[')
		return (p);
	p = skip(p + 1);
	while (*p != ']') {
		const char c = *p++;

		if (c == 'h' || c == 'e' || (c == 'm' && *p == 'i')) {
			want->hit_inactive += c == 'h' && *p == 'i';
			want->hit_active += c == 'h' && *p == 'a';
			want->evict += c == 'e';
			want->miss += c == 'm';
			p = skip(p + 1);
			continue;
		}
		*(c == 'S'	   ? &want->pte_store
			: c == 'L' ? &want->invlpg_local
			: c == 'R' ? &want->invlpg_remote
			: c == 'H' ? &want->flush_local
			: c == 'F' ? &want->flush_remote
				   : &want->ipi_sent) += number(&p);
	}
	return (skip(p + 1));
}

static void
expect(struct player *pl, bool ok, const char *at)
{
	CU_ASSERT(ok);
	if (ok || pl->failed)
		return;
	pl->failed = true;
	(void)fprintf(stderr, "\n%s, %u CPUs, %u buffers: at '%.32s'\n",
	    pl->row->design, pl->row->ncpus, pl->row->nbufs, at);
}

static const char *
play_map(struct player *pl, const char *p, const char *at)
{
	struct eph_counters want = { .map_calls = 1 };
	struct eph_mapping mp = { NULL, 0 };
	const unsigned cpu = number(&p), page = number(&p);
	const char name = *p++;
	const int error = rig_try_map(&pl->r, cpu, page, SFB_DEFAULT, &mp);

	if (name == '!') {
		expect(pl, error == ENOTSUP, at);
		expect(pl, pl->r.mc->refusal[0] != '\0', at);
		rig_mark(&pl->r);
		return (skip(p));
	}
	if (name == '?') {
		want.map_fail = 1;
		p = events(p, &want);
		expect(pl,
		    error == EAGAIN &&
			rig_saw(&pl->r, false, &want, __FILE__, __LINE__),
		    at);
		return (p);
	}
	expect(pl, error == 0, at);
	if (*p == '=')
		expect(pl, mp.va == pl->map[p[1] - 'a'].va, at), p += 2;
	pl->map[name - 'a'] = mp;
	pl->held++;
	p = events(p, &want);
	expect(pl, rig_saw(&pl->r, false, &want, __FILE__, __LINE__), at);
	return (p);
}

static const char *
play_handle(struct player *pl, char what, const char *p, const char *at)
{
	struct eph_counters want = { 0 };
	const unsigned cpu = number(&p);
	const struct eph_mapping mp = pl->map[*p++ - 'a'];
	int error = 0;

	p = skip(p);
	if (what == 'u')
		error = rig_try_unmap(&pl->r, cpu, mp);
	else if (rig_kva(&pl->r, cpu, mp) == 0)
		error = ENOTSUP;
	if (*p == '!') {
		expect(pl, error == ENOTSUP, at);
		rig_mark(&pl->r);
		return (skip(p + 1));
	}
	want.unmap_calls = what == 'u';
	want.kva_calls = what == 'k';
	pl->held -= what == 'u';
	p = events(p, &want);
	expect(pl,
	    error == 0 && rig_saw(&pl->r, false, &want, __FILE__, __LINE__),
	    at);
	return (p);
}

static const char *
play_touch(struct player *pl, char what, const char *p, const char *at)
{
	const unsigned cpu = number(&p);
	const struct eph_mapping mp = pl->map[*p++ - 'a'];
	const uint32_t page = pl->r.ops->page(pl->r.state, mp.obj)->frame;
	const uint64_t before = pl->r.mc->nviolations;

	if (what == 't') {
		expect(pl, rig_read(&pl->r, cpu, mp) == page, at);
		expect(pl, rig_write(&pl->r, cpu, mp) == page, at);
		expect(pl, pl->r.mc->nviolations == before, at);
	} else {
		expect(pl, rig_read(&pl->r, cpu, mp) != page, at);
		expect(pl, pl->r.mc->nviolations == before + 1, at);
	}
	rig_mark(&pl->r);
	return (skip(p));
}

/* Play up to the end or a closing parenthesis; returns what follows. */
static const char *
play(struct player *pl, const char *p)
{
	for (p = skip(p); *p != '\0' && *p != ')';) {
		const char *at = p;
		const char what = *p;
		struct eph_counters want = { 0 };
		unsigned n;

		if (isdigit((unsigned char)what)) {
			const char *end = p;

			n = number(&p);
			for (unsigned i = 0; i < n; i++)
				end = play(pl, p + 1);
			p = end;
			continue;
		}
		p++;
		if (what == 'm')
			p = play_map(pl, p, at);
		else if (what == 'u' || what == 'k')
			p = play_handle(pl, what, p, at);
		else if (what == 't' || what == 'y')
			p = play_touch(pl, what, p, at);
		else {
			eph_cpu_enter(pl->r.mc, number(&p));
			eph_design_switch_out(pl->r.ops, pl->r.state);
			eph_design_switch_in(pl->r.ops, pl->r.state);
			p = events(p, &want);
			expect(pl,
			    rig_saw(&pl->r, false, &want, __FILE__, __LINE__),
			    at);
		}
		if (pl->failed)
			return ("");
	}
	return (*p == ')' ? skip(p + 1) : p);
}

static void
play_row(const struct museum_row *row)
{
	struct player pl = { .row = row };

	CU_ASSERT_EQUAL_FATAL(
	    rig_open(&pl.r, row->design, row->machine, row->ncpus, row->nbufs),
	    0);
	(void)play(&pl, row->script);
	if (!pl.failed)
		rig_check(&pl.r, pl.held);
	/* A row may end with mappings in use. */
	rig_close(&pl.r);
}

static void
test_event_tables(void)
{
	for (const struct museum_row *row = museum_rows; row->design != NULL;
	     row++)
		play_row(row);
}

/* Nothing here is a second row for a design of an older test. */
static void
test_every_design_here_is_known(void)
{
	for (const struct museum_row *row = museum_rows; row->design != NULL;
	     row++)
		CU_ASSERT_PTR_NOT_NULL(eph_design_find(row->design));
}

/* Valid random traces, 1 to 65 CPUs, infinite and real TLBs. */
static void
test_random_traces(void)
{
	const char *last = "";

	for (const struct museum_row *row = museum_rows; row->design != NULL;
	     row++) {
		const struct eph_design_ops *ops = eph_design_find(row->design);

		if (strcmp(last, row->design) != 0 &&
		    (ops->flags & EPH_DESIGN_UNSAFE) == 0)
			rig_random_traces(row->design, row->machine, 300);
		last = row->design;
	}
}

static void
test_what_a_row_leaves_out(void)
{
	const struct eph_design_ops none = { .name = "none" };

	CU_ASSERT_EQUAL(eph_design_ref(&none, NULL, NULL), ENOTSUP);
	CU_ASSERT_PTR_NULL(eph_design_sysctls(&none)->name);
	eph_design_switch_out(&none, NULL);
	eph_design_switch_in(&none, NULL);
	eph_design_check(&none, NULL, 1);
}

/* The four addresses of CPU 0 are the first of the window, and so on. */
static void
test_pplock_has_four_addresses_for_each_cpu(void)
{
	struct eph_mapping mp[3][4];
	struct rig r;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sun4.pplock", NULL, 3, 0), 0);
	for (unsigned c = 0; c < 3; c++) {
		for (unsigned i = 0; i < 4; i++) {
			mp[c][i] = rig_map(&r, c, 10 * c + i, 0);
			CU_ASSERT_EQUAL(
			    mp[c][i].va, mp[0][0].va + eph_ptoa(4 * c + i));
		}
	}
	for (unsigned c = 0; c < 3; c++) {
		for (unsigned i = 4; i-- > 0;)
			rig_unmap(&r, c, mp[c][i]);
	}
	rig_close(&r);
}

/* An entry of 2 MiB that is made another's maps nothing of the old one. */
static void
test_arm32_forgets_all_of_a_piece(void)
{
	struct eph_mapping mp, next;
	struct rig r;
	eph_va_t va;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "xen.arm32", NULL, 1, 0), 0);
	for (uint32_t page = 5; page < 512; page += 506) {
		mp = rig_map(&r, 0, page, 0);
		CU_ASSERT_EQUAL(rig_read(&r, 0, mp), page);
		rig_unmap(&r, 0, mp);
	}
	va = mp.va - eph_ptoa(511);
	CU_ASSERT_EQUAL(pmap_kextract(r.mc, va + eph_ptoa(5)), 5);
	CU_ASSERT_EQUAL(pmap_kextract(r.mc, va + eph_ptoa(511)), 511);
	next = rig_map(&r, 0, 512, 0);
	CU_ASSERT_EQUAL(next.va, va + eph_ptoa(512));
	mp = rig_map(&r, 0, 512 * 512 + 7, 0);
	CU_ASSERT_EQUAL(mp.va, va + eph_ptoa(7));
	CU_ASSERT_EQUAL(pmap_kextract(r.mc, va + eph_ptoa(5)), EPH_NONE);
	CU_ASSERT_EQUAL(pmap_kextract(r.mc, va + eph_ptoa(511)), EPH_NONE);
	CU_ASSERT_EQUAL(rig_read(&r, 0, next), 512);
	rig_unmap(&r, 0, mp);
	rig_unmap(&r, 0, next);
	rig_close(&r);
}

static CU_TestInfo tests[] = {
	TEST(test_event_tables),
	TEST(test_every_design_here_is_known),
	TEST(test_random_traces),
	TEST(test_what_a_row_leaves_out),
	TEST(test_pplock_has_four_addresses_for_each_cpu),
	TEST(test_arm32_forgets_all_of_a_piece),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "museum", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
