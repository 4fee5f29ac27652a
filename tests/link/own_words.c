/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A program with kernel words of its own, as every kernel unit test has,
 * linked with the library: the library must call its own, and the program's
 * must stay the program's.  Built without names.h.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ephmap/ephmap.h"
#include "ephmap/kernel/sf_buf.h"
#include "ephmap/sdk/machine.h"

static int called; /* by anybody but main() */

/* Words that the library has under another name. */
void panic(const char *fmt, ...);
void wakeup(const void *chan);
int tsleep(const void *chan, int pri, const char *wmesg, int timo);
void *m_get(int how, int type);
int copyin(const void *from, void *to, size_t n);
void *bread(int dev, long blkno, int size);
int mallctl(const char *name, void *old, size_t *oldlen, void *new, size_t n);
void *mallocx(size_t size, int flags);
void sdallocx(void *p, size_t size, int flags);

void
panic(const char *fmt, ...)
{
	(void)fmt;
	called++;
}

void
wakeup(const void *chan)
{
	(void)chan;
	called++;
}

int
tsleep(const void *chan, int pri, const char *wmesg, int timo)
{
	(void)chan, (void)pri, (void)wmesg, (void)timo;
	return (++called);
}

void *
m_get(int how, int type)
{
	(void)how, (void)type;
	called++;
	return (NULL);
}

int
copyin(const void *from, void *to, size_t n)
{
	(void)from, (void)to, (void)n;
	return (++called);
}

void *
bread(int dev, long blkno, int size)
{
	(void)dev, (void)blkno, (void)size;
	called++;
	return (NULL);
}

int
mallctl(const char *name, void *old, size_t *oldlen, void *new, size_t n)
{
	(void)name, (void)old, (void)oldlen, (void)new, (void)n;
	return (++called);
}

void *
mallocx(size_t size, int flags)
{
	(void)size, (void)flags;
	called++;
	return (NULL);
}

void
sdallocx(void *p, size_t size, int flags)
{
	(void)p, (void)size, (void)flags;
	called++;
}

static int
expect(int ok, const char *what)
{
	if (!ok)
		printf("own_words: %s\n", what);
	return (ok ? 0 : 1);
}

/* A consumer that sleeps, wakes, copies and reads blocks. */
static int
run_workload(const char *text)
{
	static struct eph_run_result res;
	static struct eph_work_result work;
	struct eph_run_config cfg;
	struct eph_workload wl;
	struct eph_err err = { "" };
	int bad;

	memset(&cfg, 0, sizeof(cfg));
	cfg.design = eph_design_find("sf_buf.lru");
	cfg.cpus = 2;
	cfg.nbufs = 8;
	cfg.seed = 1;
	cfg.contents = EPH_CONTENTS_FULL;
	bad = expect(eph_workload_parse(text, &wl, &err) == 0 &&
		eph_workload_run(&cfg, &wl, &res, &work, NULL, NULL, &err) == 0,
	    err.text);
	return (bad + expect(work.operations > 0, "nothing was played"));
}

int
main(void)
{
	struct eph_list_row row;
	int bad = 0;

	bad +=
	    expect(eph_list(EPH_AXIS_DESIGN, 0, &row) && row.summary[0] != '\0',
		"no design");
	bad +=
	    expect(!eph_list(EPH_AXIS_DESIGN, 10000, &row), "a 10001st design");
	bad += run_workload("pipe");
	bad += run_workload("sendfile:conns=4");
	bad += run_workload("bufcache");
	bad +=
	    expect(called == 0, "the library called a function of the program");
	panic("ours");
	bad += expect(called == 1, "panic() is not the program's");
	return (bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
