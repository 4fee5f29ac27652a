/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_COUNTERS_H
#define EPHMAP_COUNTERS_H

/*
 * Event counters.
 *
 * The list below is the only place where a counter is spelled: storage,
 * merging, CSV columns, JSON keys and their documentation expand from it.
 * Each CPU has its own set in plain memory with one writer, that CPU;
 * eph_machine_counters() sums them, exactly once the CPUs stand still.
 * Everything here only grows.  Ratios and means are computed where they
 * are printed.
 *
 * Laws (tests hold every design to them):
 *	map_calls == hit_active + hit_inactive + miss + map_fail
 *	evict <= miss
 *	needless_invlpg <= invlpg_local + invlpg_remote
 *	needless_ipi <= ipi_sent
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */
#define EPH_COUNTERS(X)                                                        \
	X(map_calls, "maps that returned, with or without a mapping")          \
	X(hit_active, "maps that found the page mapped and referenced")        \
	X(hit_inactive, "maps that found the page mapped but unreferenced")    \
	X(miss, "maps that had to make a mapping")                             \
	X(evict, "misses that took a buffer which still held another page")    \
	X(map_fail, "maps that returned without a mapping")                    \
	X(sleep, "calls of tsleep")                                            \
	X(wakeup, "sleepers made runnable")                                    \
	X(wakeup_spurious, "woken sleepers that found nothing and slept again")\
	X(unmap_calls, "unmaps")                                               \
	X(kva_calls, "requests for the address of a mapping")                  \
	X(pte_store, "page-table entries stored, stores of zero included")     \
	X(invlpg_local, "invlpg executed by the CPU that asked for it")        \
	X(invlpg_remote, "invlpg executed on a CPU for another one")           \
	X(flush_local, "full TLB flushes by the CPU that asked for it")        \
	X(flush_remote, "full TLB flushes on a CPU for another one")           \
	X(ipi_sent, "CPUs interrupted")                                        \
	X(needless_invlpg, "invlpg on a CPU that held nothing outdated there") \
	X(needless_ipi, "interrupts of a CPU that held nothing outdated")      \
	X(ipiq_msg, "messages put on an LWKT IPI queue")                       \
	X(ipiq_passive, "of these, messages that ask for no interrupt")        \
	X(ipiq_avoided, "messages that found an interrupt outstanding")        \
	X(tlb_hit, "loads and stores that found a translation in a TLB level") \
	X(tlb_miss, "loads and stores that walked the page table")             \
	X(walk_step, "page-table entries read by walks")                       \
	X(lock_acquire, "mutexes and spin locks taken")                        \
	X(lock_contended, "of these, found held by another thread")            \
	X(stale_use, "loads and stores that reached a page not the handle's")  \
	X(stale_possible, "right pages reached while an outdated translation might still have been there") \
	X(cycles, "cycles by the machine's cost profile")
/* clang-format on */

#define EPH_COUNTER_FIELD(name, desc) uint64_t name;

struct eph_counters {
	EPH_COUNTERS(EPH_COUNTER_FIELD)
};

/* Name and meaning of counter `i`; NULL past the last. */
const char *eph_counter_name(unsigned i);
const char *eph_counter_desc(unsigned i);

/* Value of counter `i` in `c`, in the order of the list. */
uint64_t eph_counter_value(const struct eph_counters *c, unsigned i);

/* sum += c;  diff = after - before. */
void eph_counters_add(struct eph_counters *sum, const struct eph_counters *c);
void eph_counters_sub(struct eph_counters *diff,
    const struct eph_counters *after, const struct eph_counters *before);

/* What is held right now, and the most that ever was. */
struct eph_gauge {
	uint64_t now;
	uint64_t peak;
};

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_COUNTERS_H */
