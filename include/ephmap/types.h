/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_TYPES_H
#define EPHMAP_TYPES_H

/*
 * Scalar types, page constants and limits.
 *
 * The kernels call these vm_offset_t, vm_paddr_t and pt_entry_t; those
 * names belong to the host's headers on the BSDs, so ours carry a prefix.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t eph_va_t;  /* kernel virtual address */
typedef uint64_t eph_pa_t;  /* physical address */
typedef uint64_t eph_pte_t; /* page-table entry, EPH_PTE_* and a frame */

#define EPH_PAGE_SHIFT 12
#define EPH_PAGE_SIZE  4096u
#define EPH_PAGE_MASK  (EPH_PAGE_SIZE - 1u)

#define EPH_CPUS_MAX   1024u
#define EPH_CPUS_TEXT  "0 to 1023" /* which CPUs there can be, in words */
#define EPH_FRAMES_MAX (1u << 28)  /* 1 TiB of simulated memory */
#define EPH_NONE       UINT32_MAX  /* "no index", everywhere */

#define eph_ptoa(pages) ((uint64_t)(pages) << EPH_PAGE_SHIFT)
#define eph_atop(bytes) ((uint64_t)(bytes) >> EPH_PAGE_SHIFT)

/*
 * Page-table entry, bits where x86 has them.  A is set by the walker when
 * a translation enters a TLB, M by the first write through it.
 */
enum {
	EPH_PTE_V = 0x001,  /* valid */
	EPH_PTE_RW = 0x002, /* writable */
	EPH_PTE_A = 0x020,  /* accessed */
	EPH_PTE_M = 0x040,  /* modified */
	EPH_PTE_G = 0x100,  /* global: survives a CR3 reload */
	EPH_PTE_SW = 0x400, /* the hardware ignores it: the design's own */
};

#define EPH_PTE_FRAME(pte) ((uint32_t)((pte) >> EPH_PAGE_SHIFT))
#define EPH_PTE_PA(pte)	   ((pte) & ~(eph_pte_t)EPH_PAGE_MASK)

enum eph_touch { EPH_TOUCH_NONE, EPH_TOUCH_READ, EPH_TOUCH_WRITE };

/* What a frame holds. */
enum eph_contents { EPH_CONTENTS_NONE, EPH_CONTENTS_STAMP, EPH_CONTENTS_FULL };

/* Flags of a mapping.  (FreeBSD's values.) */
enum {
	SFB_DEFAULT = 0x0,
	SFB_CATCH = 0x1,      /* a signal ends the wait */
	SFB_CPUPRIVATE = 0x2, /* used on the mapping CPU only */
	SFB_NOWAIT = 0x4,     /* fail instead of sleeping */
};

/* A mapping as handed out. */
struct eph_mapping {
	void *obj;   /* the design's: struct sf_buf *, struct lwbuf * ... */
	eph_va_t va; /* its address, valid where the class says */
};

/* Violations whose explanation is kept; all are counted. */
#define EPH_VIOLATIONS_KEPT 16

struct eph_violation {
	char text[384];
};

/*
 * One clear line for the person at the terminal.  Functions that take one
 * fill it when they fail and leave it alone when they succeed.
 */
struct eph_err {
	char text[512];
};

/*
 * Copy `from` to `to`, at most `size` bytes with the NUL (size > 0), so that
 * it is one line that moves no cursor: bytes that are control characters or
 * no UTF-8 become \n, \t, \r or \xNN.  What does not fit is cut between
 * characters.  May be called anywhere; never sleeps.
 */
void eph_text_escape(char *to, size_t size, const char *from);

/*
 * printf into `err`, escaped, since messages quote input; a NULL `err` is
 * accepted.  Returns `status`.
 */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int
eph_err_set(struct eph_err *err, int status, const char *fmt, ...);

#if defined(__GNUC__)
#define eph_likely(x)	__builtin_expect(!!(x), 1)
#define eph_unlikely(x) __builtin_expect(!!(x), 0)
/*
 * EPH_INLINE: inlined whatever its size, for code that has to know what is
 * constant where it is called.
 *
 * eph_prefetch() asks for memory that is read soon, eph_prefetch_write() for
 * what is written, too.  A function that does nothing else is EPH_PREFETCHER:
 * gcc takes the hint for nothing and leaves calls of such functions out.
 */
#define eph_prefetch(p)	      __builtin_prefetch(p)
#define eph_prefetch_write(p) __builtin_prefetch(p, 1)
#define EPH_INLINE	      static inline __attribute__((always_inline))
#define EPH_PREFETCHER	      EPH_INLINE
#else
#define eph_likely(x)	      (x)
#define eph_unlikely(x)	      (x)
#define eph_prefetch(p)	      ((void)(p))
#define eph_prefetch_write(p) ((void)(p))
#define EPH_INLINE	      static inline
#define EPH_PREFETCHER	      EPH_INLINE
#endif

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_TYPES_H */
