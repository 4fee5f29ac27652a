/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_MBUF_H
#define EPHMAP_KERNEL_MBUF_H

/*
 * mbufs: the kernels' packet memory, under their names.
 *
 * An mbuf is MSIZE bytes: a header, and either data of its own or a
 * reference to external storage: a cluster, the caller's buffer, or an
 * ephemeral mapping of a page.  mbufs are linked by m_next into chains (one
 * packet) and chains by m_nextpkt.  The first mbuf of a packet carries a
 * packet header and tags.
 *
 * A pool is what a kernel keeps in globals: one allocator, one way to share
 * external storage, limits, statistics, stress modes.  Every mbuf knows its
 * pool, so only calls that start from nothing name one.  The caller owns a
 * chain until it gives it away; functions that free their argument say so.
 *
 * All calls run on the current CPU of the machine.  With M_NOWAIT nothing
 * sleeps.  M_WAITOK may sleep, only in a thread of an executor, up to the
 * pool's `wait_ns`, and can fail all the same (M_TRYWAIT of the kernels).
 */

#include <limits.h>
#include <stdio.h>

#include "ephmap/counters.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/kernel/malloc.h"
#include "ephmap/kernel/uio.h"

struct mbuf;
struct mbuf_pool;
struct mb_cluster;
struct mb_ref;
struct m_tag;

enum mbuf_type { MT_DATA, MT_HEADER, MT_SONAME, MT_CONTROL, MT_NTYPES };

enum {
	M_EXT = 0x0001,	      /* has external storage */
	M_PKTHDR = 0x0002,    /* starts a packet */
	M_EOR = 0x0004,	      /* ends a record */
	M_RDONLY = 0x0008,    /* its storage must not be written */
	M_MAPPED = 0x0010,    /* its storage is a mapping: no mtod() */
	M_PROTO1 = 0x0020,    /* the protocol's */
	M_BCAST = 0x0200,     /* sent or received as link-level broadcast */
	M_MCAST = 0x0400,     /* multicast */
	M_FRAG = 0x0800,      /* a fragment of a larger packet */
	M_FIRSTFRAG = 0x1000, /* the first one */
	M_LASTFRAG = 0x2000,  /* the last one */
};

/*
 * What a copy of a packet header keeps.  M_RDONLY is not among them: it
 * goes with the storage, and a copy may have other storage.
 */
#define M_COPYFLAGS                                                            \
	(M_PKTHDR | M_EOR | M_PROTO1 | M_BCAST | M_MCAST | M_FRAG |            \
	    M_FIRSTFRAG | M_LASTFRAG)

#define M_COPYALL INT_MAX /* m_copym: to the end of the chain */

enum mbuf_ext_type {
	EXT_CLUSTER,  /* a cluster that was added to an mbuf */
	EXT_PACKET,   /* a cluster that came with its mbuf (m_getcl) */
	EXT_SFBUF,    /* an ephemeral mapping (m_extmap) */
	EXT_MOD_TYPE, /* the caller's (m_extadd) */
};

/* The CPU that wrote a cache line last; see line_move below. */
struct mb_line {
	_Atomic(uint32_t) cpu;
};

/* What every object of an allocator starts with. */
struct mb_obj {
	struct mb_obj *link; /* free list, while free */
	void *home;	     /* (c) the page bucket or slab it belongs to */
	uint32_t live;	     /* handed out */
	struct mb_line line;
};

struct pkthdr {
	void *rcvif;	    /* where it was received */
	struct m_tag *tags; /* first of the chain */
	int len;	    /* of the packet */
	uint32_t csum_flags;
};

typedef void mbuf_ext_free(struct mbuf_pool *mp, void *arg1, void *arg2);

struct m_ext {
	eph_va_t ext_buf;  /* start of the storage */
	uint32_t ext_size; /* of all of it, in every sharer */
	uint16_t ext_type; /* enum mbuf_ext_type */
	uint16_t ext_pad;
	mbuf_ext_free *ext_free; /* when the last sharer goes; or NULL */
	void *ext_arg1;
	void *ext_arg2;		    /* EXT_SFBUF: the mapping */
	struct vm_page *ext_page;   /* EXT_SFBUF */
	struct mb_cluster *ext_cl;  /* EXT_CLUSTER, EXT_PACKET */
	_Atomic(uint32_t) *ext_cnt; /* counter of the sharers */
	struct mb_ref *ext_ref;	    /* its object, if it has one */
	struct mbuf *ext_nextref;   /* ring of sharers; or the owner */
	struct mbuf *ext_prevref;
	_Atomic(uint32_t) ext_count; /* in the owner: the counter itself */
};

#define EPH_MSIZE    256
#define EPH_MCLBYTES 2048
#define MB_HEADER    72
#define MB_PKTHDR    24 /* with pointers of 64 bits, and kept with others */

#define MLEN	     (EPH_MSIZE - MB_HEADER)
#define MHLEN	     (MLEN - MB_PKTHDR)
#define MINCLSIZE    (MHLEN + 1) /* smallest packet that is worth a cluster */
#define MAX_PROTOHDR 64		 /* what m_pullup() tries to gather anyway */

struct mbuf {
	union {
		struct {
			struct mb_obj m_obj;
			struct mbuf *m_next;
			struct mbuf *m_nextpkt;
			/* Host address, or the machine's if M_MAPPED. */
			eph_va_t m_data;
			struct mbuf_pool *m_pool; /* (c) */
			int m_len;
			uint32_t m_flags;
			uint32_t m_type;
			uint32_t m_pad;
		};
		char m_header[MB_HEADER];
	};
	union {
		struct {
			union {
				struct pkthdr m_pkthdr;
				char m_hdrroom[MB_PKTHDR];
			};
			union {
				struct m_ext m_ext; /* M_EXT */
				char m_pktdat[MHLEN];
			};
		};
		char m_dat[MLEN];
	};
};

_Static_assert(sizeof(struct mbuf) == EPH_MSIZE, "MSIZE");

/*
 * Counters of a pool.  One set for each CPU, summed by mbuf_counters().
 *
 * Laws: gets minus puts of a kind is what is in use; line_move never
 * exceeds line_write; lock_contended never exceeds lock_take.
 */
/* clang-format off */
#define MBUF_COUNTERS(X)                                                       \
	X(mbuf_get, "mbufs handed out, those with a cluster included")         \
	X(mbuf_put, "mbufs taken back")                                        \
	X(cluster_get, "clusters handed out")                                  \
	X(cluster_put, "clusters taken back")                                  \
	X(ref_get, "counter objects for external storage handed out")          \
	X(ref_put, "counter objects taken back")                               \
	X(packet_get, "mbufs that came with a cluster in one request")         \
	X(packet_put, "mbufs that went back with their cluster")               \
	X(tag_get, "tags allocated")                                           \
	X(tag_put, "tags freed")                                               \
	X(denied, "requests that returned without memory")                     \
	X(delayed, "requests that slept")                                      \
	X(stress_fail, "requests and m_defrag calls failed on purpose")        \
	X(share, "storage shared once more")                                   \
	X(ext_free, "storage freed by its last sharer")                        \
	X(lock_take, "locks taken by allocator, sharing and socket buffers")   \
	X(lock_contended, "of these, found held by another CPU")               \
	X(lock_kept, "locks that a call found held for it by the one before")  \
	X(line_write, "modelled cache lines written")                          \
	X(line_move, "of these, written last by another CPU")                  \
	X(grow, "times memory was taken from the machine")                     \
	X(migrate, "page buckets moved between containers")                    \
	X(bucket_swap, "per-CPU buckets swapped or exchanged")                 \
	X(cycles, "cycles by the pool's costs, all CPUs together")
/* clang-format on */

struct mbuf_counters {
	MBUF_COUNTERS(EPH_COUNTER_FIELD)
};

/* Name and meaning of counter `i`, NULL past the last; its value. */
const char *eph_mbuf_counter_name(unsigned i);
const char *eph_mbuf_counter_desc(unsigned i);
uint64_t eph_mbuf_counter_value(const struct mbuf_counters *c, unsigned i);

/*
 * Cycles, for lockstep with time: every CPU has a clock in the pool, a lock
 * has a time at which it is free, and a CPU that comes earlier waits.
 */
struct mbuf_costs {
	uint32_t call;	    /* one get or put, without what follows */
	uint32_t lock_take; /* an uncontended lock and its release */
	uint32_t line_move; /* a cache line that another CPU wrote last */
	uint32_t atomic;    /* a locked instruction */
};

struct mbuf_stress {
	uint64_t seed;
	int frag; /* m_stress(): a length for m_fragment(), 0: off */
	uint32_t defrag_fail; /* one m_defrag in so many fails, 0: none */
	uint32_t alloc_fail;  /* one allocation in so many fails, 0: none */
};

#define MBUF_WAIT_NS 640000000u /* mbuf_wait of 2001: 64 ticks at 100 Hz */

struct mbuf_config {
	const char *allocator; /* NULL: "zones" */
	const char *sharing;   /* NULL: "fetchadd" */
	uint32_t nmbclusters;  /* most clusters; 0: unlimited */
	uint32_t nmbufs;       /* most mbufs; 0: unlimited */
	uint64_t wait_ns;      /* how long M_WAITOK waits; 0: for ever */
	const struct mbuf_costs *costs; /* NULL: no time; copied */
	struct mbuf_stress stress;
};

/* What one can choose from; NULL-terminated. */
struct mbuf_choice {
	const char *name;
	const char *summary;
	const char *origin;
	const char *holes;    /* "" if it is sound */
	const char *repaired; /* name of the sound form, "" if it is sound */
};

const struct mbuf_choice *eph_mbuf_allocator(unsigned i);
const struct mbuf_choice *eph_mbuf_sharing(unsigned i);

/*
 * Create a pool.  Returns 0 and sets *mpp, or leaves it alone and returns
 *	EINVAL	no allocator or sharing of that name
 *	ENOMEM	the host is out of memory
 */
int eph_mbuf_pool_create(struct eph_machine *mc, const struct mbuf_config *cfg,
    struct mbuf_pool **mpp, struct eph_err *err);

/*
 * Destroy it.  Returns how many mbufs, clusters, counter objects and tags
 * had not been freed (their memory is returned all the same, tags' is not).
 * NULL is accepted.
 */
uint64_t eph_mbuf_pool_destroy(struct mbuf_pool *mp);

/* The design, and its state, that m_extmap()'s mappings come from. */
void eph_mbuf_pool_set_design(
    struct mbuf_pool *mp, const struct eph_design_ops *ops, void *state);

struct eph_machine *eph_mbuf_pool_machine(const struct mbuf_pool *mp);
void eph_mbuf_pool_set_stress(
    struct mbuf_pool *mp, const struct mbuf_stress *s);

/* Panics if an invariant does not hold, O(n); while nothing runs. */
void eph_mbuf_pool_check(struct mbuf_pool *mp);

/* Sum of all CPUs' counters. */
void eph_mbuf_counters(const struct mbuf_pool *mp, struct mbuf_counters *out);

/* With costs: the clock of a CPU, and of the one that is latest. */
uint64_t eph_mbuf_clock(const struct mbuf_pool *mp, unsigned cpu);
uint64_t eph_mbuf_clock_max(const struct mbuf_pool *mp);

/* The shape of `netstat -m`. */
struct mbuf_stats {
	uint64_t mbufs_used, mbufs_cached, mbufs_total, mbufs_max;
	uint64_t clusters_used, clusters_cached, clusters_total, clusters_max;
	uint64_t packets_cached; /* mbufs kept with their cluster */
	uint64_t refs_used;	 /* counter objects */
	uint64_t tags_used;
	uint64_t type_used[MT_NTYPES];
	uint64_t bytes_used, bytes_total; /* mbufs and clusters */
	uint64_t denied, delayed, drained;
};

void eph_mbuf_stats(struct mbuf_pool *mp, struct mbuf_stats *st);
void eph_mbuf_stats_print(const struct mbuf_stats *st, FILE *out);

/* Allocation */

/*
 * One mbuf; with packet header; with packet header if `flags` has M_PKTHDR
 * and with a cluster; zeroed.  NULL when there is none.
 */
struct mbuf *eph_m_get(struct mbuf_pool *mp, int how, enum mbuf_type type);
struct mbuf *eph_m_gethdr(struct mbuf_pool *mp, int how, enum mbuf_type type);
struct mbuf *eph_m_getcl(
    struct mbuf_pool *mp, int how, enum mbuf_type type, uint32_t flags);
struct mbuf *eph_m_get_clrd(struct mbuf_pool *mp, int how, enum mbuf_type type);

/* Add a cluster to an empty mbuf without storage.  False: none. */
bool eph_m_clget(struct mbuf *m, int how);

/*
 * Room for `len` bytes: mbufs and clusters, all of them or none, appended
 * to `m` if that is not NULL.  Returns `m`, or the new chain; NULL when
 * memory lacks, and `m` is as it was.
 */
struct mbuf *eph_m_getm(struct mbuf_pool *mp, struct mbuf *m, int len, int how,
    enum mbuf_type type);

/* Free one mbuf, return its successor; free a chain (NULL is accepted). */
struct mbuf *eph_m_free(struct mbuf *m);
void eph_m_freem(struct mbuf *m);

/*
 * Give an mbuf without storage the buffer `buf`, freed by
 * freef(mp, arg1, arg2) on the CPU where its last sharer is freed.  `flags`
 * may be M_RDONLY.  Returns 0, or ENOBUFS: the buffer is still the caller's.
 */
int eph_m_extadd(struct mbuf *m, void *buf, uint32_t size, mbuf_ext_free *freef,
    void *arg1, void *arg2, uint32_t flags, int how);

/*
 * Give it an ephemeral mapping of page `page`, bytes [off, off + len) of it
 * as data; read-only.  The last sharer's CPU unmaps it and then calls
 * done(mp, arg, page) if that is not NULL.  Returns 0, or ENOBUFS: the
 * mapping is still the caller's.
 */
int eph_m_extmap(struct mbuf *m, const struct eph_mapping *map,
    struct vm_page *page, int off, int len, mbuf_ext_free *done, void *arg,
    int how);

/* Let `n`, without storage, share that of `m`, which has some. */
void eph_m_extshare(struct mbuf *n, struct mbuf *m);

/* Properties */

/* May the storage be written: its own, or external and not shared? */
bool eph_M_WRITABLE(struct mbuf *m);

/* Bytes free before and after the data; 0 when it is not writable. */
int eph_M_LEADINGSPACE(struct mbuf *m);
int eph_M_TRAILINGSPACE(struct mbuf *m);

/* Put the data of an empty mbuf at its end, with room for `len` bytes. */
void eph_M_ALIGN(struct mbuf *m, int len);

/* The data; not for M_MAPPED. */
void *eph_m_host(const struct mbuf *m);
#define mtod(m, t) ((t)eph_m_host(m))

/* Sum of m_len; *last (if not NULL) is the last mbuf. */
int eph_m_length(struct mbuf *m, struct mbuf **last);

/* Set the packet's length to that sum, and return it. */
int eph_m_fixhdr(struct mbuf *m);

/* Panics if a chain breaks a rule; for tests. */
void eph_m_sanity(struct mbuf *m);

/* Chains */

/* Bytes [off, off + len) of the chain, which must have them. */
void eph_m_copydata(struct mbuf *m, int off, int len, void *cp);

/*
 * A new mbuf with `len` bytes, up to MHLEN, of unset data in front of `m`;
 * the packet header moves there and keeps its length.  NULL: `m` was freed.
 */
struct mbuf *eph_m_prepend(struct mbuf *m, int len, int how);

/* The same where there is room before the data; corrects the length. */
struct mbuf *eph_M_PREPEND(struct mbuf *m, int len, int how);

/*
 * A copy of bytes [off, off + len), len M_COPYALL: to the end.  External
 * storage is shared and so becomes read-only.  The header is copied if
 * `off` is 0.  NULL: no memory.
 */
struct mbuf *eph_m_copym(struct mbuf *m, int off, int len, int how);

/* A copy of a packet that shares nothing and is writable. */
struct mbuf *eph_m_dup(struct mbuf *m, int how);

/*
 * Make the first `len` bytes, up to MHLEN, contiguous host memory.  NULL:
 * too short or no memory, and the chain was freed.
 */
struct mbuf *eph_m_pullup(struct mbuf *m, int len);

/*
 * Cut after `len` bytes; returns the rest, external storage shared.  NULL:
 * no memory or no such byte, and `m` is as it was.
 */
struct mbuf *eph_m_split(struct mbuf *m, int len, int how);

/*
 * Append chain `n` to `m`, whose packet length is not touched; a packet
 * header of `n` is dropped with its tags.
 */
void eph_m_cat(struct mbuf *m, struct mbuf *n);

/* Trim from the head, or from the tail with a negative length. */
void eph_m_adj(struct mbuf *m, int len);

/* Append bytes.  False: no memory, what fitted was appended. */
bool eph_m_append(struct mbuf *m, int len, const void *cp);

/*
 * The shortest chain of mbufs and clusters with the packet's data; `m` was
 * freed.  NULL: no memory, and `m` is as it was.
 */
struct mbuf *eph_m_defrag(struct mbuf *m, int how);

/*
 * The packet in pieces of `length` bytes; -1: of one random length, -2: of
 * a new random length each.  Frees `m` and returns the new chain; without
 * memory, without a packet header, or with another length: `m` itself.
 */
struct mbuf *eph_m_fragment(struct mbuf *m, int how, int length);

/* m_fragment() as the pool's stress mode wants it; `m` itself when off. */
struct mbuf *eph_m_stress(struct mbuf *m);

/*
 * `len` bytes (0: all) of the uio in a new packet whose data starts `align`
 * bytes in.  NULL: no memory, and the uio is as it was.
 */
struct mbuf *eph_m_uiotombuf(
    struct mbuf_pool *mp, struct eph_uio *uio, int how, int len, int align);

/*
 * A packet copied from a device's memory; its data starts `off` bytes into
 * the first mbuf.  `copy` NULL: memcpy.  NULL: no memory, or off > MHLEN.
 */
struct mbuf *eph_m_devget(struct mbuf_pool *mp, const void *buf, int totlen,
    int off, void *rcvif, void (*copy)(const void *from, void *to, size_t n));

/*
 * Move the packet header, tags included, to `to`; copy it, tags included
 * (false: no memory for tags, and `to` has none).  `to` must not have a
 * cluster.
 */
void eph_M_MOVE_PKTHDR(struct mbuf *to, struct mbuf *from);
bool eph_m_dup_pkthdr(struct mbuf *to, struct mbuf *from, int how);

/* Tags */

#define MTAG_ABI_COMPAT	    0u /* cookie of tags older than cookies */
#define PACKET_TAG_MACLABEL 19u

struct m_tag {
	struct m_tag *m_tag_link;
	struct mbuf_pool *m_tag_pool; /* (c) */
	uint32_t m_tag_cookie;	      /* whose types these are */
	uint32_t m_tag_id;	      /* type */
	uint32_t m_tag_len;	      /* bytes that follow */
	uint32_t m_tag_pad;
};

/* A tag with `len` bytes after it, zeroed.  NULL: no memory. */
struct m_tag *eph_m_tag_alloc(struct mbuf_pool *mp, uint32_t cookie,
    uint32_t type, uint32_t len, int how);
void eph_m_tag_free(struct m_tag *t);
static inline void *
eph_m_tag_data(struct m_tag *t)
{
	return (t + 1);
}

void eph_m_tag_prepend(struct mbuf *m, struct m_tag *t);
void eph_m_tag_unlink(struct mbuf *m, struct m_tag *t);

/* Unlink and free one tag; from `t` (NULL: the first) to the last. */
void eph_m_tag_delete(struct mbuf *m, struct m_tag *t);
void eph_m_tag_delete_chain(struct mbuf *m, struct m_tag *t);

/* The first tag of that kind after `start`, NULL: from the beginning. */
struct m_tag *eph_m_tag_locate(
    struct mbuf *m, uint32_t cookie, uint32_t type, struct m_tag *start);
struct m_tag *eph_m_tag_find(
    struct mbuf *m, uint32_t type, struct m_tag *start);

/* A deep copy, not linked anywhere.  NULL: no memory. */
struct m_tag *eph_m_tag_copy(struct m_tag *t, int how);

/* Replace the tags of `to` by copies; false: no memory, `to` has none. */
bool eph_m_tag_copy_chain(struct mbuf *to, struct mbuf *from, int how);

/*
 * Labels.  While a policy that labels is registered, every new packet
 * header gets a label, 0 at first; packets made before have none.
 */
void eph_mbuf_label_register(struct mbuf_pool *mp);
void eph_mbuf_label_deregister(struct mbuf_pool *mp);
uint64_t *eph_m_label(struct mbuf *m); /* NULL: the packet has none */

#endif /* !EPHMAP_KERNEL_MBUF_H */
