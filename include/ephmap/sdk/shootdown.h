/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_SHOOTDOWN_H
#define EPHMAP_SDK_SHOOTDOWN_H

/*
 * Shootdown protocols: how "this address changed, on these CPUs" is
 * carried out.  The pmap owns the interface and calls it; protocols stand
 * above, one file each in src/shootdown, and are set on the machine before
 * the design is created.
 *
 * Putting off.  A protocol may leave an invalidation for later in two ways,
 * and says so in its flags:
 *
 *	by address   the entry was removed, and the invalidation is due before
 *		     another one is stored there.  The pmap calls settle()
 *		     before it stores a valid entry, for any caller.
 *		     What the protocol has to remember of an address is a
 *		     number in the page-table page, `owed`.
 *	by CPU	     the CPU does not run, or may go on for a while.  The
 *		     executor calls catch_up() there.
 *
 * A CPU is idle when nothing can run on it.  In lockstep that is so while
 * time passes, and from then on until something is played on the CPU: time
 * passes only where no CPU has anything to do.  With threads and explore it
 * is so while all its threads sleep or have ended, and no interrupt is
 * handled.
 */

#include "ephmap/sdk/cpuset.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/version.h"

/*
 * One request.  The protocol stores the entries (eph_shoot_store), has
 * this CPU invalidate if `local` (eph_shoot_local), and sees to the
 * targets, in the order that is its own.
 */
struct eph_shoot {
	const eph_cpuword_t *targets; /* never the caller; may be empty */
	eph_va_t va;
	unsigned npages;
	const eph_pte_t *ptes; /* npages new entries; NULL: leave them alone */
	bool zero;	       /* store zeroes; `ptes` is NULL */
	bool local;	       /* the caller invalidates its own TLB too */
};

/* What a protocol needs to be told. */
enum {
	EPH_SHOOT_SETTLE = 0x1,	 /* settle() */
	EPH_SHOOT_IDLE = 0x2,	 /* idleness; catch_up() when it ends */
	EPH_SHOOT_TICK = 0x4,	 /* catch_up() at ticks and thread switches */
	EPH_SHOOT_CHANGES = 0x8, /* changed() */
};

#define EPH_TICK_NS 1000000u /* a tick of every CPU */

struct eph_shootdown_ops {
	unsigned abi;	     /* EPHMAP_ABI; first, whatever else changes */
	const char *name;    /* as typed by the user */
	const char *summary; /* one line */
	const char *origin;  /* system and date */
	bool one_packet;     /* one request at a time; only clocks ask */
	bool hardware;	     /* no CPU is interrupted; only clocks ask */
	bool acked;	     /* no CPU uses the old entry once it returned */
	uint8_t flags;	     /* EPH_SHOOT_* */

	/* NULL: no state of its own, nothing to destroy. */
	int (*create)(struct eph_machine *mc, void **statep);
	void (*destroy)(struct eph_machine *mc, void *state);

	/* Pages of one range changed. */
	void (*shoot)(struct eph_machine *mc, const struct eph_shoot *req);

	/*
	 * A full flush of `targets`, because npages from `va` changed; with
	 * `all` global entries go too.
	 */
	void (*flush)(struct eph_machine *mc, const eph_cpuword_t *targets,
	    eph_va_t va, unsigned npages, bool all);

	/* A valid entry is about to be stored at `va`.  NULL: not asked for. */
	void (*settle)(struct eph_machine *mc, eph_va_t va);

	/* A valid entry at `va` was removed or replaced, by any CPU. */
	void (*changed)(struct eph_machine *mc, eph_va_t va);

	/*
	 * Do on this CPU what was put off: as the flags ask, in a critical
	 * section, before anything else runs here; and once everything has
	 * ended, on each CPU in turn.  NULL: nothing is put off.
	 */
	void (*catch_up)(struct eph_machine *mc);
};

/* NULL-terminated, in the order `ephmap list shootdowns` prints. */
extern const struct eph_shootdown_ops *const eph_shootdowns[];
const struct eph_shootdown_ops *eph_shootdown_find(const char *name);

/*
 * Set the machine's protocol.  Returns 0, ENOMEM, or EINVAL when its row was
 * built for another interface.
 */
int eph_machine_set_shootdown(
    struct eph_machine *mc, const struct eph_shootdown_ops *ops);

/*
 * What the pmap, designs and executors ask of the machine's protocol: the
 * slots above, whose preconditions are asserted here.  Targets never include
 * the caller; pages lie in the mapping space; settle() is called only for
 * protocols with EPH_SHOOT_SETTLE, changed() for those with EPH_SHOOT_CHANGES,
 * catch_up() in a critical section.
 */
void eph_shoot(struct eph_machine *mc, const struct eph_shoot *req);
void eph_shoot_flush(struct eph_machine *mc, const eph_cpuword_t *targets,
    eph_va_t va, unsigned npages, bool all);
void eph_shoot_settle(struct eph_machine *mc, eph_va_t va);
void eph_shoot_changed(struct eph_machine *mc, eph_va_t va);
void eph_shoot_catch_up(struct eph_machine *mc);

/* For protocols: the parts of a request that happen on this CPU. */
void eph_shoot_store(struct eph_machine *mc, const struct eph_shoot *req);
void eph_shoot_local(struct eph_machine *mc, const struct eph_shoot *req);

#endif /* !EPHMAP_SDK_SHOOTDOWN_H */
