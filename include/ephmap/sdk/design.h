/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_DESIGN_H
#define EPHMAP_SDK_DESIGN_H

/*
 * Designs: the data structures that hand out addresses.
 *
 * A design is one const eph_design_ops: its row.  In the tree it is one file
 * in src/design, which the build finds, and one line in the table of
 * src/design/designs.c; as a plug-in it is one file.  It calls kern's
 * primitives and the pmap only; its historical choices on other axes are
 * names in its row, which the layer above resolves.
 *
 * Slots that say so may be NULL: the design does not offer that.  Callers
 * use the eph_design_*() functions below for those and for create().
 *
 * A design counts map_calls, hit_*, miss, evict, map_fail and unmap_calls
 * when map() and unmap() return, and keeps the machine's buffer gauge.
 */

#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/policy.h"

/* On which CPUs, and after what, a mapping may be touched. */
enum eph_validity {
	EPH_VALID_ALL,	      /* any CPU while mapped */
	EPH_VALID_MASK,	      /* shared: any CPU; private: the mapping CPU */
	EPH_VALID_ASKED,      /* the mapping CPU, and CPUs that asked kva() */
	EPH_VALID_GENERATION, /* CPUs that asked kva() after this map; loads */
	EPH_VALID_THIS_CPU,   /* the mapping CPU, where it is unmapped too; in
				 reverse order, but for EPH_DESIGN_ANY_ORDER */
};

/* What the design's own API has; decides which flags reach it. */
enum {
	EPH_DESIGN_PRIVATE = 0x1,  /* SFB_CPUPRIVATE means something */
	EPH_DESIGN_NOWAIT = 0x2,   /* SFB_NOWAIT means something */
	EPH_DESIGN_CACHE = 0x4,	   /* a mapping may outlive its last unmap */
	EPH_DESIGN_POLICY = 0x8,   /* the replacement policy can be chosen */
	EPH_DESIGN_NBUFS = 0x10,   /* nbufs means something */
	EPH_DESIGN_SLEEPS = 0x20,  /* map may sleep */
	EPH_DESIGN_OURS = 0x40,	   /* not a historical design */
	EPH_DESIGN_WIRES = 0x80,   /* unwires, once, at a page's last unmap */
	EPH_DESIGN_GLOBAL = 0x100, /* the kernel sets G: mc->pgeflag */
	EPH_DESIGN_ANY_ORDER = 0x200, /* see EPH_VALID_THIS_CPU */
	EPH_DESIGN_CRITICAL = 0x2000, /* critical from map to unmap */
	EPH_DESIGN_ALONE = 0x400,     /* one mapping at a time, on all CPUs */
	EPH_DESIGN_FAILS = 0x800,     /* map may fail (EAGAIN) unasked */
	EPH_DESIGN_UNSAFE = 0x1000,   /* taken back by its authors: a valid
				       trace may meet a stale use */
};

struct eph_design_config {
	uint32_t nbufs;
	uint32_t npages_hint;		     /* 0: unknown */
	const struct eph_policy_ops *policy; /* NULL: the historical one */
	struct eph_policy_env policy_env;    /* next_use and params for it */
	void *arg; /* for designs that are made for one run */
};

/* One tunable or statistic under its kernel name. */
struct eph_sysctl {
	const char *name; /* kern.ipc.nsfbufs */
	const char *desc;
	uint64_t (*get)(void *state);
	int (*set)(void *state, uint64_t value); /* 0, EPERM or EINVAL */
	const char *truth; /* what it really counts where that differs */
};

struct eph_design_ops {
	unsigned abi; /* EPHMAP_ABI; first, whatever else changes */
	const char *name;
	const char *summary;   /* one line */
	const char *origin;    /* system, commit, author */
	const char *date;      /* YYYY-MM-DD, or as exact as known */
	const char *holes;     /* known holes, "" if none */
	const char *shootdown; /* name of the historical protocol */
	const char *policy;    /* name of the historical policy, "" if none */
	enum eph_validity validity;
	unsigned flags; /* EPH_DESIGN_* */
	unsigned nest;	/* mappings that a CPU can have at once; 0: many */

	/*
	 * Returns 0 and sets *statep, or ENOMEM, or EINVAL with `err` set.
	 * The machine has its shootdown protocol and pgeflag already.
	 */
	int (*create)(struct eph_machine *mc,
	    const struct eph_design_config *cfg, void **statep,
	    struct eph_err *err);

	/* Every mapping has been unmapped. */
	void (*destroy)(void *state);

	/*
	 * Map `m` on the current CPU and take a reference.  May sleep unless
	 * SFB_NOWAIT and the design has it.  Returns 0 and fills *mp, or
	 * EAGAIN (nothing free, and SFB_NOWAIT or EPH_DESIGN_FAILS), EINTR
	 * (SFB_CATCH and a signal), ENOTSUP (eph_machine_refuse() said why),
	 * ENOMEM.  Called through eph_design_map(), which wires for it.
	 */
	int (*map)(void *state, struct vm_page *m, unsigned flags,
	    struct eph_mapping *mp);

	/* Drop a reference, on any CPU.  Returns 0, or ENOTSUP. */
	int (*unmap)(void *state, void *obj);

	/*
	 * The design's own request for the address on the current CPU, and
	 * whatever it does to make it valid there.  0: refused.
	 */
	eph_va_t (*kva)(void *state, void *obj);

	/*
	 * Another reference to a mapping that one holds.  0 or ENOTSUP.
	 * NULL: a mapping has one user.
	 */
	int (*ref)(void *state, void *obj);

	/* The page of a mapping that one holds. */
	struct vm_page *(*page)(void *state, void *obj);

	/*
	 * The current thread leaves or enters its CPU.  NULL: nothing happens.
	 */
	void (*switch_out)(void *state);
	void (*switch_in)(void *state);

	/*
	 * Panics if an invariant does not hold, O(n); called while nothing
	 * runs.  `held` is the number of references callers hold.  NULL: it
	 * has none to check.
	 */
	void (*check)(void *state, uint64_t held);

	/* Up to one whose name is NULL; NULL: none. */
	const struct eph_sysctl *sysctls;

	const char *from;  /* the design that it was made from; NULL: none */
	const char *costs; /* what it invalidates, and when; NULL: unsaid */
};

/* create(), on a machine whose pgeflag is as the row's flags say. */
int eph_design_create(const struct eph_design_ops *ops, struct eph_machine *mc,
    const struct eph_design_config *cfg, void **statep, struct eph_err *err);

/*
 * The slots that may be NULL.  Not offered: ref() is ENOTSUP, the switch
 * hooks and check() do nothing, and there is no sysctl.
 */
int eph_design_ref(const struct eph_design_ops *ops, void *state, void *obj);
void eph_design_switch_out(const struct eph_design_ops *ops, void *state);
void eph_design_switch_in(const struct eph_design_ops *ops, void *state);
void eph_design_check(
    const struct eph_design_ops *ops, void *state, uint64_t held);
const struct eph_sysctl *eph_design_sysctls(const struct eph_design_ops *ops);

/* The SFB_* flags that the design's interface has; others do not reach it. */
static inline unsigned
eph_design_flags(const struct eph_design_ops *ops)
{
	unsigned keep = SFB_CATCH;

	if ((ops->flags & EPH_DESIGN_PRIVATE) != 0)
		keep |= SFB_CPUPRIVATE;
	if ((ops->flags & EPH_DESIGN_NOWAIT) != 0)
		keep |= SFB_NOWAIT;
	return (keep);
}

/*
 * Map `m`, on any design.  The rule of wires, the same for all: the page is
 * the caller's, who keeps it allocated from map() to unmap() and gives back
 * exactly the wires that he took.  Where a design as shipped unwires the
 * page (EPH_DESIGN_WIRES), the wire that it drops is taken for it here; k
 * uses of a page at once leave k - 1 of those, as they did.  Errors are
 * those of the design's map().
 */
static inline int
eph_design_map(const struct eph_design_ops *ops, struct eph_machine *mc,
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	int error;

	if (eph_likely((ops->flags & EPH_DESIGN_WIRES) == 0))
		return (ops->map(state, m, flags, mp));
	eph_vm_page_wire(mc, m);
	if ((error = ops->map(state, m, flags, mp)) != 0)
		eph_vm_page_unwire(mc, m);
	return (error);
}

/* NULL-terminated, in the order `ephmap list designs` prints. */
extern const struct eph_design_ops *const eph_designs[];
const struct eph_design_ops *eph_design_find(const char *name);
const char *eph_validity_name(enum eph_validity v);

/*
 * Load a design from a shared object that exports
 *	const struct eph_design_ops ephmap_plugin;
 * Returns 0 and sets *opsp, or ENOENT, ESRCH when it exports none, EINVAL;
 * `err` says why, and nothing stays loaded.  What was accepted stays until the process ends.
 */
int eph_design_load(
    const char *path, const struct eph_design_ops **opsp, struct eph_err *err);

#endif /* !EPHMAP_SDK_DESIGN_H */
