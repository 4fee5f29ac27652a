/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Claim: machines can pass page references instead of data.
 *
 * Two machines with real bytes.  The server has files `a' and `b', the
 * client runs `cp a b'.  Bytes are counted where they are moved: over the
 * wire, and by the client's CPU.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/claims_impl.h"
#include "ephmap/digest.h"
#include "ephmap/xio.h"
#include "workload/run.h"

#define CHUNK_PAGES 16u /* of one read and one write */
#define CHUNK_BYTES (CHUNK_PAGES * EPH_PAGE_SIZE)
#define CHUNKS	    16u
#define FILE_BYTES  (CHUNKS * CHUNK_BYTES)
#define REF_BYTES   8u /* of a page reference in a message */

struct side {
	struct eph_machine *mc;
	struct vm_pool *pool;
};

struct cp {
	struct side server, client;
	const struct eph_design_ops *design; /* of the client's copies */
	void *design_state;
	struct eph_mapper map;
	struct uspace *us;
	struct vm_page *a[CHUNKS * CHUNK_PAGES]; /* on the server */
	struct vm_page *b[CHUNKS * CHUNK_PAGES]; /* what b consists of */
	struct vm_page *in[CHUNK_PAGES];	 /* on the client */
	struct vm_page *out[CHUNK_PAGES];
	uint64_t wire;	   /* bytes of data over the wire */
	uint64_t cpu;	   /* bytes the client's CPU moved */
	uint64_t messages; /* bytes of page references */
};

static int
side_open(struct side *sd, uint32_t pages, uint64_t seed)
{
	const struct eph_machine_config cfg = {
		.ncpus = 2, .contents = EPH_CONTENTS_FULL, .seed = seed
	};
	const int error = machine_create(&cfg, &sd->mc, NULL);

	return (
	    error != 0 ? error : vm_pool_create(sd->mc, 0, pages, &sd->pool));
}

static int
take_pages(struct side *sd, struct vm_page **pages, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((pages[i] = vm_pool_alloc(sd->pool)) == NULL)
			return (ENOMEM);
	}
	return (0);
}

static void
give_pages(struct side *sd, struct vm_page **pages, size_t n)
{
	for (size_t i = 0; i < n && sd->pool != NULL; i++) {
		if (pages[i] != NULL)
			vm_pool_free(sd->pool, pages[i]);
	}
}

static int
cp_open(struct cp *cp, struct eph_claim_run *r)
{
	const uint32_t npages = CHUNKS * CHUNK_PAGES;
	const struct eph_policy_env env = { .seed = r->seed };
	const struct eph_run_config cfg = { .design = cp->design, .nbufs = 64 };
	struct eph_machine *mc;
	int error;

	if ((error = side_open(&cp->server, 2 * npages, r->seed)) != 0 ||
	    (error = side_open(&cp->client, 4 * CHUNK_PAGES, r->seed)) != 0)
		return (error);
	mc = cp->client.mc;
	error = run_design(mc, &cfg, 0, &env, &cp->design_state, r->err);
	if (error == 0) {
		mapper_init(&cp->map, mc, cp->design, cp->design_state);
		error = uspace_create(cp->client.pool, CHUNK_PAGES, &cp->us);
	}
	if (error == 0)
		error = uspace_map(cp->us, EPH_UVA_BASE, CHUNK_BYTES,
		    UPROT_READ | UPROT_WRITE);
	if (error == 0)
		error = take_pages(&cp->server, cp->a, npages);
	if (error == 0)
		error = take_pages(&cp->client, cp->in, CHUNK_PAGES);
	if (error == 0)
		error = take_pages(&cp->client, cp->out, CHUNK_PAGES);
	for (uint32_t i = 0; error == 0 && i < npages; i++)
		page_fill(cp->server.mc, cp->a[i], i);
	return (error);
}

static void
cp_close(struct cp *cp)
{
	give_pages(&cp->server, cp->a, CHUNKS * CHUNK_PAGES);
	give_pages(&cp->client, cp->in, CHUNK_PAGES);
	give_pages(&cp->client, cp->out, CHUNK_PAGES);
	uspace_destroy(cp->us);
	if (cp->design_state != NULL)
		cp->design->destroy(cp->design_state);
	vm_pool_destroy(cp->server.pool);
	vm_pool_destroy(cp->client.pool);
	(void)machine_destroy(cp->server.mc);
	(void)machine_destroy(cp->client.mc);
}

/* The network's DMA: pages of one machine to pages of the other. */
static void
transfer(struct cp *cp, struct side *from, struct vm_page **src,
    struct side *to, struct vm_page **dst)
{
	for (unsigned i = 0; i < CHUNK_PAGES; i++) {
		memcpy(vm_page_contents(to->mc, dst[i]),
		    vm_page_contents(from->mc, src[i]), EPH_PAGE_SIZE);
		cp->wire += EPH_PAGE_SIZE;
	}
}

/* read(2) or write(2) of the client: between its pages and the process. */
static int
client_copies(struct cp *cp, struct vm_page **pages, bool to_user)
{
	struct xio x;
	int error = xio_init_pages(&x, cp->client.mc, pages, CHUNK_PAGES,
	    to_user ? XIOF_READ : XIOF_WRITE);

	if (error != 0)
		return (error);
	error = to_user
	    ? xio_copy_xtou(&x, &cp->map, 0, cp->us, EPH_UVA_BASE, CHUNK_BYTES)
	    : xio_copy_utox(&x, &cp->map, 0, cp->us, EPH_UVA_BASE, CHUNK_BYTES);
	cp->cpu += CHUNK_BYTES;
	xio_release(&x);
	return (error);
}

/* cp with data: every chunk comes here, is copied twice, and goes back. */
static int
cp_data(struct cp *cp)
{
	const uint32_t npages = CHUNKS * CHUNK_PAGES;
	int error = take_pages(&cp->server, cp->b, npages);

	for (uint32_t i = 0; error == 0 && i < npages; i += CHUNK_PAGES) {
		transfer(cp, &cp->server, &cp->a[i], &cp->client, cp->in);
		if ((error = client_copies(cp, cp->in, true)) != 0 ||
		    (error = client_copies(cp, cp->out, false)) != 0)
			break;
		transfer(cp, &cp->client, cp->out, &cp->server, &cp->b[i]);
	}
	return (error);
}

/*
 * cp with references: the server holds the pages of a, names them, and gets
 * the names back; b consists of the same pages until either is written.
 */
static int
cp_references(struct cp *cp, struct xio *held)
{
	const uint32_t npages = CHUNKS * CHUNK_PAGES;
	uint64_t message[CHUNK_PAGES];

	for (uint32_t i = 0; i < npages; i += CHUNK_PAGES) {
		struct xio *x = &held[i / CHUNK_PAGES];
		const int error = xio_init_pages(
		    x, cp->server.mc, &cp->a[i], CHUNK_PAGES, XIOF_READ);

		if (error != 0)
			return (error);
		for (unsigned k = 0; k < CHUNK_PAGES; k++)
			message[k] = x->xio_pages[k]->frame;
		cp->messages += 2 * sizeof(message);
		for (unsigned k = 0; k < CHUNK_PAGES; k++)
			cp->b[i + k] =
			    vm_page_get(cp->server.mc, (uint32_t)message[k]);
	}
	return (0);
}

/* Is b what a is? */
static bool
same_file(struct cp *cp)
{
	struct eph_digest a = { 0 }, b = { 0 };

	for (uint32_t i = 0; i < CHUNKS * CHUNK_PAGES; i++) {
		digest_page(&a, cp->server.mc, cp->a[i], 0, EPH_PAGE_SIZE);
		digest_page(&b, cp->server.mc, cp->b[i], 0, EPH_PAGE_SIZE);
	}
	return (digest_same(&a, &b));
}

/* A process that looks at what the references name. */
static int
look(struct cp *cp)
{
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < CHUNKS * CHUNK_PAGES;
	     i += CHUNK_PAGES) {
		transfer(cp, &cp->server, &cp->b[i], &cp->client, cp->in);
		error = client_copies(cp, cp->in, true);
	}
	return (error);
}

struct moved {
	uint64_t wire, cpu, messages;
	bool same;
};

static struct moved
moved_so_far(struct cp *cp)
{
	const struct moved m = { cp->wire, cp->cpu, cp->messages,
		same_file(cp) };

	cp->wire = cp->cpu = cp->messages = 0;
	return (m);
}

static void
report_moved(struct eph_claim_run *r, const char *what, const struct moved *m)
{
	claim_fact(r, (double)m->wire, "bytes", "%s: data over the wire", what);
	claim_fact(
	    r, (double)m->cpu, "bytes", "%s: copied by the client", what);
	claim_fact(r, (double)m->messages, "bytes",
	    "%s: page references in messages", what);
}

static void
decide_moved(struct eph_claim_run *r, const struct moved *data,
    const struct moved *refs, const struct moved *seen)
{
	struct eph_claim_part *p =
	    claim_part(r, "cp of a remote file moves no data here");

	report_moved(r, "cp with data", data);
	report_moved(r, "cp with references", refs);
	report_moved(r, "looking at the bytes afterwards", seen);
	p->verdict = claim_cases(data->same && data->wire > 0 && refs->same,
	    refs->wire == 0 && refs->cpu == 0, 1);
	SAY(p->measured,
	    "1 MiB: %" PRIu64 " data bytes moved with references (%" PRIu64
	    " bytes of messages), %" PRIu64 " with data",
	    refs->wire + refs->cpu, refs->messages, data->wire + data->cpu);
	SAY(p->why,
	    "With data, each byte crosses the wire twice and is copied twice "
	    "by the client's CPU (XIO, one page mapped at a time). With "
	    "references, 8 bytes for each page go there and back, and the "
	    "file that results is the same by checksum. A process that looks "
	    "at the bytes must have them: %" PRIu64 " over the wire then.",
	    seen->wire);
}

static void
measure_machines(struct eph_claim_run *r)
{
	struct xio held[CHUNKS];
	struct moved data = { 0 }, refs = { 0 }, seen = { 0 };
	struct cp *cp = calloc(1, sizeof(*cp));
	int error = ENOMEM;

	if (cp != NULL) {
		cp->design = eph_design_find("sf_buf.cpumask");
		error = cp_open(cp, r);
	}

	for (unsigned i = 0; error == 0 && i < CHUNKS; i++)
		xio_init(&held[i], cp->server.mc);
	if (error == 0 && (error = cp_data(cp)) == 0) {
		data = moved_so_far(cp);
		give_pages(&cp->server, cp->b, CHUNKS * CHUNK_PAGES);
		error = cp_references(cp, held);
	}
	if (error == 0) {
		refs = moved_so_far(cp);
		error = look(cp);
		seen = moved_so_far(cp);
		for (unsigned i = 0; i < CHUNKS; i++)
			xio_release(&held[i]);
	}
	if (cp != NULL)
		cp_close(cp);
	free(cp);
	if (error != 0) {
		claim_error(r,
		    eph_err_set(r->err, error,
			"cp between two "
			"machines: %s",
			strerror(error)));
		return;
	}
	claim_step(r,
	    "two machines with real bytes, 256 pages in requests of "
	    "64 KiB: read(2) and write(2) with XIO copies through "
	    "sf_buf.cpumask; then XIO page lists as messages");
	decide_moved(r, &data, &refs, &seen);
}

const struct eph_claim claim_machines = {
	.number = 8,
	.name = "page-references",
	.group = "machines",
	.title = "page references between machines: cp moves no byte here",
	.text = "Two machines pass page references instead of data, so that "
		"cp of a file on the other machine moves no data here.",
	.origin = "Dillon, DragonFly kernel list, on XIO",
	.date = "2004-03",
	.method = "cp a b of a 1 MiB file of another machine, with data and "
		  "with references; bytes over the wire and by the CPU, and "
		  "the result by checksum.",
	.rule = "holds if b is the same as a, and neither the wire nor the "
		"client's CPU moved a byte of data; the data form must move "
		"some",
	.measure = measure_machines,
};
