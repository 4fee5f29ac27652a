/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_SENDFILE_H
#define EPHMAP_KERNEL_SENDFILE_H

/*
 * sendfile(2): pages of a file become external storage of mbufs, each with
 * a mapping that lives until the last reference to it is freed: when the
 * data was acknowledged, on the CPU that handles the acknowledgement.
 *
 * Three forms:
 *
 *	freebsd	  2010: a chain of pages for each pass through the socket
 *		  buffer; the first mapping may sleep and be interrupted,
 *		  the others must not sleep, because the chain's own
 *		  mappings are what another sender may wait for
 *	dragonfly one page a packet; each mapping may sleep
 *	chain	  the exhibit: chains whose every mapping may sleep, as
 *		  FreeBSD had for a while; senders deadlock
 *
 * Wiring: the page is wired while its mbuf lives (designs that wire for
 * themselves do it).  DragonFly's path for a missing mbuf freed the mapping
 * and forgot the wire; it is so here, and counted, unless `repaired`.
 */

#include "ephmap/sdk/mapper.h"
#include "ephmap/kernel/sockbuf.h"

enum sendfile_form { SENDFILE_FREEBSD, SENDFILE_DRAGONFLY, SENDFILE_CHAIN };

/* Statistics, under the kernels' names. */
struct sfstat {
	_Atomic(uint64_t) sf_syscalls;
	_Atomic(uint64_t) sf_packets;	 /* given to the protocol */
	_Atomic(uint64_t) sf_allocfail;	 /* a mapping that could not be had */
	_Atomic(uint64_t) sf_sbwait;	 /* sleeps for room in the socket */
	_Atomic(uint64_t) sf_wires_lost; /* by DragonFly's path */
};

/* What all calls share: the kernel. */
struct sendfile_env {
	struct eph_mapper *mp;
	struct mbuf_pool *mbufs; /* its design is the mapper's shim */
	enum sendfile_form form;
	bool header_joined; /* with the first data, in one packet */
	bool repaired;
	struct sfstat stat;
};

/* A connected socket's sending half. */
struct sendfile_socket {
	struct sockbuf so_snd;
	/*
	 * The protocol: send a packet, which goes to so_snd too until it is
	 * acknowledged; the packet is the protocol's.
	 */
	void (*so_send)(struct sendfile_socket *so, struct mbuf *m);
	void *so_arg;
};

struct sendfile_file {
	struct vm_page *const *page;
	uint64_t size;
};

/*
 * Send `hdrlen` bytes of header and then [off, off + n) of the file, up to
 * its end.  Sleeps for room and for mappings.  Sets *sentp to the bytes
 * that went to the protocol, header included: they will arrive, even if an
 * error follows.  Returns 0, EINTR, or ENOBUFS (no mbuf, no mapping).
 */
int eph_kern_sendfile(struct sendfile_env *env, struct sendfile_socket *so,
    const struct sendfile_file *f, uint64_t off, uint64_t n, const void *hdr,
    size_t hdrlen, uint64_t *sentp);

/*
 * One page in an mbuf of its own, [off, off + len) of it; what the forms
 * are made of.  Returns 0 and sets *mbp, or as kern_sendfile().
 */
int eph_sendfile_page(struct sendfile_env *env, struct vm_page *m, size_t off,
    size_t len, unsigned flags, struct mbuf **mbp);

#endif /* !EPHMAP_KERNEL_SENDFILE_H */
