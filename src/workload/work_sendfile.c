/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sendfile: a web server.  Each connection sends one response after
 * another, a header and a file; a call that stopped early goes on where it
 * stopped, as servers do.  A network thread on another CPU delivers and
 * acknowledges, at once, or with a link and a round trip that take time.
 */

#include <errno.h>
#include <math.h>

#include "base/prng.h"
#include "ephmap/kernel/sendfile.h"
#include "workload/work.h"
#include "workload/work_net.h"

enum {
	P_FORM,
	P_CONNS,
	P_REQUESTS,
	P_FILES,
	P_SIZE,
	P_PICK,
	P_HEADER,
	P_JOIN,
	P_SNDBUF,
	P_CSUM,
	P_ALLOC,
	P_STRESS,
	P_RTT,
	P_RATE,
	P_MSS,
	P_QUIT
};

static const char *const forms[] = { "freebsd", "dragonfly", "chain", NULL };
static const char *const picks[] = { "same", "turn", "own", "zipf", NULL };
static const char *const joins[] = { "no", "yes", NULL };
static const char *const csums[] = { "cpu", "dma", NULL };
static const char *const allocs[] = { "zones", "mb_alloc", "global", NULL };
static const char *const stresses[] = { "no", "frag", "fail", "both", NULL };

static const struct eph_work_param sendfile_params[] = {
	{ "form", "dragonfly",
	    "one page a packet; chains; chains that deadlock", 0, 0, forms },
	{ "conns", "8", "connections, on all CPUs but the last", 1, 1u << 16,
	    NULL },
	{ "requests", "20", "responses on each", 1, 1u << 20, NULL },
	{ "files", "16", "files", 1, 1u << 16, NULL },
	{ "size", "40960", "bytes of each file", 0, 1u << 26, NULL },
	{ "pick", "zipf",
	    "the first; one after another; each connection its own; Zipf(1)", 0,
	    0, picks },
	{ "header", "250", "bytes before each file; 0: none", 0, 2048, NULL },
	{ "join", "yes", "header and first data in one packet", 0, 0, joins },
	{ "sndbuf", "32768", "bytes of a socket's send buffer", 4096, 1u << 24,
	    NULL },
	{ "csum", "cpu", "a CPU reads the data, or the device alone", 0, 0,
	    csums },
	{ "alloc", "zones", "allocator of mbufs", 0, 0, allocs },
	{ "stress", "no", "mbufs cut at random; requests failed at random", 0,
	    0, stresses },
	{ "rtt", "0",
	    "nanoseconds from a packet's delivery to its acknowledgement", 0,
	    60000000000u, NULL },
	{ "rate", "0",
	    "bytes a second of each connection's own link; 0: no limit", 0,
	    (uint64_t)1 << 40, NULL },
	{ "mss", "0", "most bytes a packet; 0: as sendfile made them", 0, 65536,
	    NULL },
	{ "quit", "0", "bytes after which a client goes away; 0: never", 0,
	    (uint64_t)1 << 40, NULL },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

struct sendfile_work {
	struct sendfile_env env;
	struct mbuf_pool *mbufs;
	struct work_net *net;
	struct vm_page **page; /* of all files, one after the other */
	_Atomic(uint64_t) responses;
	uint64_t packets; /* on the wire, when all is over */
};

static uint32_t
file_pages(const struct eph_work *w)
{
	return (work_pages(w->value[P_SIZE]));
}

static uint32_t
all_pages(const struct eph_work *w)
{
	return (file_pages(w) * (uint32_t)w->value[P_FILES]);
}

static uint32_t
sendfile_pages(const struct eph_work *w, unsigned *needs)
{
	*needs = EPH_WORK_FULL | EPH_WORK_REMOTE | EPH_WORK_MANY;
	return (all_pages(w) > 0 ? all_pages(w) : 1);
}

static uint64_t
pick_file(struct eph_work *w, unsigned id, uint64_t request, struct prng *rng)
{
	const uint64_t n = w->value[P_FILES];
	uint64_t k;

	switch (w->value[P_PICK]) {
	case 0:
		return (0);
	case 1:
		return (request % n);
	case 2:
		return (id % n);
	default:
		/* Zipf with exponent 1, by its continuous inverse. */
		k = (uint64_t)exp(prng_unit(rng) * log((double)n + 1));
		return ((k < 1 ? 1 : k > n ? n : k) - 1);
	}
}

#define HEADER_STREAM 1000000u /* the headers' stream, apart from files' */

/*
 * What the sender was told went out: part of a header, then of a file; as
 * much of it as the client stays for.
 */
static void
note_sent(struct eph_work *w, struct net_conn *conn, uint64_t file,
    uint64_t off, uint64_t sent, size_t hdrlen)
{
	uint64_t head, data;

	sent = eph__work_net_wanted(conn, sent);
	head = sent < hdrlen ? sent : hdrlen;
	data = sent - head;
	eph_digest_stream(
	    &conn->sent, w->mc, w->seed + HEADER_STREAM, 0, 0, head);
	eph_digest_stream(&conn->sent, w->mc, w->seed + file, off, 0, data);
}

/* One response; false: no progress for too long, or the client is gone. */
static bool
send_response(struct eph_work *w, struct net_conn *conn, uint64_t file)
{
	struct sendfile_work *sw = w->state;
	const struct sendfile_file f = { sw->page + file * file_pages(w),
		w->value[P_SIZE] };
	char hdr[2048];
	size_t hdrlen = w->value[P_HEADER];
	uint64_t off = 0;

	eph_stream_bytes(w->seed + HEADER_STREAM, 0, hdr, hdrlen);
	for (unsigned tries = 0; tries < 1000; tries++) {
		uint64_t sent;
		const int error = kern_sendfile(&sw->env, &conn->so, &f, off,
		    f.size - off, hdr, hdrlen, &sent);

		note_sent(w, conn, file, off, sent, hdrlen);
		eph_work_operation(w, error);
		if (sent > 0) {
			tries = 0;
			off += sent - hdrlen;
			hdrlen = 0;
		}
		if (error == 0)
			return (true);
		if (error == ENOTSUP || error == EPIPE)
			return (false);
	}
	return (false);
}

static void
sendfile_conn(struct eph_work *w, unsigned id)
{
	struct sendfile_work *sw = w->state;
	struct net_conn *conn = &sw->net->conn[id];
	struct prng rng;

	eph__prng_init(&rng, w->seed, id);
	for (uint64_t r = 0; r < w->value[P_REQUESTS]; r++) {
		if (!send_response(w, conn, pick_file(w, id, r, &rng)))
			break;
		/* Relaxed: a statistic. */
		(void)atomic_fetch_add_explicit(
		    &sw->responses, 1, memory_order_relaxed);
	}
	eph__work_net_leave(sw->net);
}

static void
sendfile_net(struct eph_work *w, unsigned n)
{
	(void)n;
	eph__work_net_run(((struct sendfile_work *)w->state)->net);
}

static void
sendfile_facts(struct eph_work *w, struct sendfile_work *sw)
{
	struct mbuf_counters c;

	mbuf_counters(sw->mbufs, &c);
	eph_work_fact(w, "responses", sw->responses);
	eph_work_fact(w, "sends", sw->env.stat.sf_packets);
	eph_work_fact(w, "packets", sw->packets);
	eph_work_fact(w, "sf_allocfail", sw->env.stat.sf_allocfail);
	eph_work_fact(w, "sf_sbwait", sw->env.stat.sf_sbwait);
	eph_work_fact(w, "elapsed_ns", w->mc->clock_ns);
	eph_work_fact(w, "mbuf_get", c.mbuf_get);
	eph_work_fact(w, "mbuf_calls",
	    c.mbuf_get + c.mbuf_put + c.cluster_get + c.cluster_put);
	eph_work_fact(w, "mbuf_shares", c.share + c.ext_free);
	eph_work_fact(w, "mbuf_lock_take", c.lock_take);
	eph_work_fact(w, "mbuf_lock_contended", c.lock_contended);
	eph_work_fact(w, "mbuf_line_move", c.line_move);
	w->res->wires_of_history = sw->env.stat.sf_wires_lost;
}

static void
sendfile_finish(struct eph_work *w)
{
	struct sendfile_work *sw = w->state;

	if (sw == NULL)
		return;
	if (sw->net != NULL)
		sw->packets = sw->net->packets;
	eph__work_net_destroy(sw->net);
	if (sw->mbufs != NULL)
		sendfile_facts(w, sw);
	w->res->mbufs_left = mbuf_pool_destroy(sw->mbufs);
	for (uint32_t i = 0; sw->page != NULL && i < all_pages(w); i++) {
		if (sw->page[i] != NULL)
			vm_pool_free(w->pool, sw->page[i]);
	}
	eph_machine_free(w->mc, sw->page, all_pages(w) * sizeof(*sw->page));
	eph_machine_free(w->mc, sw, sizeof(*sw));
}

static int
sendfile_mbufs(struct eph_work *w, struct sendfile_work *sw)
{
	const bool frag = (w->value[P_STRESS] & 1) != 0;
	const bool fail = (w->value[P_STRESS] & 2) != 0;
	const struct mbuf_config cfg = { .allocator = allocs[w->value[P_ALLOC]],
		.stress = { .seed = w->seed,
		    .frag = frag ? -2 : 0,
		    .alloc_fail = fail ? 50 : 0 } };
	int error = mbuf_pool_create(w->mc, &cfg, &sw->mbufs, w->err);

	if (error != 0)
		return (error);
	mbuf_pool_set_design(sw->mbufs, &w->map.shim, &w->map);
	sw->env.mp = &w->map;
	sw->env.mbufs = sw->mbufs;
	sw->env.form = (enum sendfile_form)w->value[P_FORM];
	sw->env.header_joined = w->value[P_JOIN] == 1;
	sw->env.repaired = w->map.repaired;
	return (0);
}

static void
read_file(struct eph_work *w, struct sendfile_work *sw, uint64_t file)
{
	const uint32_t per = file_pages(w);

	for (uint32_t i = 0; i < per; i++)
		eph_page_stream(w->mc, sw->page[file * per + i], 0,
		    w->seed + file, eph_ptoa(i), EPH_PAGE_SIZE);
}

/* Of thousands of files few may be asked for: only these are read. */
static int
read_files(struct eph_work *w, struct sendfile_work *sw)
{
	bool *known = eph_work_alloc(w, w->value[P_FILES] * sizeof(*known));
	struct prng rng;

	if (known == NULL)
		return (ENOMEM);
	for (unsigned id = 0; id < w->value[P_CONNS]; id++) {
		eph__prng_init(&rng, w->seed, id);
		for (uint64_t r = 0; r < w->value[P_REQUESTS]; r++) {
			const uint64_t file = pick_file(w, id, r, &rng);

			if (!known[file])
				read_file(w, sw, file);
			known[file] = true;
		}
	}
	eph_machine_free(w->mc, known, w->value[P_FILES] * sizeof(*known));
	return (0);
}

static int
sendfile_files(struct eph_work *w, struct sendfile_work *sw)
{
	if (file_pages(w) == 0)
		return (0);
	sw->page = eph_work_alloc(w, all_pages(w) * sizeof(*sw->page));
	if (sw->page == NULL)
		return (ENOMEM);
	for (uint32_t i = 0; i < all_pages(w); i++) {
		if ((sw->page[i] = vm_pool_alloc(w->pool)) == NULL)
			return (ENOMEM);
	}
	return (read_files(w, sw));
}

static int
sendfile_start(struct eph_work *w)
{
	const struct work_net_config net = {
		.nconns = (unsigned)w->value[P_CONNS],
		.sndbuf = (int)w->value[P_SNDBUF],
		.dma = w->value[P_CSUM] == 1,
		.mss = (int)w->value[P_MSS],
		.rate = w->value[P_RATE],
		.rtt_ns = w->value[P_RTT],
		.quit = w->value[P_QUIT],
	};
	const unsigned last = w->mc->ncpus - 1;
	struct sendfile_work *sw = w->state = eph_work_alloc(w, sizeof(*sw));
	int error;

	if (sw == NULL)
		return (ENOMEM);
	if ((error = sendfile_mbufs(w, sw)) != 0 ||
	    (error = sendfile_files(w, sw)) != 0 ||
	    (error = eph__work_net_create(w, sw->mbufs, &net, &sw->net)) != 0)
		return (error);
	for (unsigned i = 0; error == 0 && i < net.nconns; i++)
		error = eph_work_thread(
		    w, last > 0 ? i % last : 0, sendfile_conn, i);
	return (error != 0 ? error : eph_work_thread(w, last, sendfile_net, 0));
}

/* By a trace: each mapping is one page sent, its unmap the ACK. */

static int
sendfile_tap_open(struct eph_work *w)
{
	struct sendfile_work *sw = w->state = eph_work_alloc(w, sizeof(*sw));

	return (sw != NULL ? sendfile_mbufs(w, sw) : ENOMEM);
}

static int
sendfile_tap_begin(struct eph_work *w, struct vm_page *m, unsigned flags,
    struct eph_work_use *use)
{
	struct sendfile_work *sw = w->state;
	char buf[EPH_PAGE_SIZE];
	struct mbuf *mb;
	int error;

	error = sendfile_page(
	    &sw->env, m, 0, EPH_PAGE_SIZE, flags | SFB_CATCH, &mb);
	if (error != 0)
		return (error == ENOBUFS ? EAGAIN : error);
	if (w->value[P_CSUM] == 0) {
		m_copydata(mb, 0, EPH_PAGE_SIZE, buf);
		eph_work_compare_page(w, m, buf);
	}
	use->own = mb;
	use->mapped.map.obj = mb->m_ext.ext_arg2;
	use->mapped.map.va = mb->m_ext.ext_buf;
	return (0);
}

static void
sendfile_tap_end(struct eph_work *w, struct eph_work_use *use)
{
	(void)w;
	m_freem(use->own);
}

static void
sendfile_tap_close(struct eph_work *w)
{
	struct sendfile_work *sw = w->state;

	if (sw == NULL)
		return;
	sendfile_facts(w, sw);
	w->res->mbufs_left = mbuf_pool_destroy(sw->mbufs);
	eph_machine_free(w->mc, sw, sizeof(*sw));
}

static const struct eph_work_tap sendfile_tap = {
	.open = sendfile_tap_open,
	.begin = sendfile_tap_begin,
	.end = sendfile_tap_end,
	.close = sendfile_tap_close,
};

const struct eph_workload_ops eph__work_sendfile = {
	.abi = EPHMAP_ABI,
	.name = "sendfile",
	.summary = "a web server's responses; an operation is a call of "
		   "sendfile",
	.origin = "FreeBSD uipc_syscalls.c 1998 to 2014; DragonFly dfbcf5a390 "
		  "to 2011",
	.params = sendfile_params,
	.cpus = 4,
	.pages = sendfile_pages,
	.start = sendfile_start,
	.finish = sendfile_finish,
	.tap = &sendfile_tap,
};
