/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_REPORT_H
#define EPHMAP_SDK_REPORT_H

/*
 * What a machine, or code on it, has to say: to an observer, as a refusal,
 * as a violation.
 */

#include "ephmap/sdk/state.h"

/* Have `fn` called for every event, or for none with NULL. */
void eph_machine_set_observer(
    struct eph_machine *mc, eph_observer *fn, void *arg);

/* Words for --log and timelines; arguments are evaluated only if watched. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void
eph_machine_note(struct eph_machine *mc, const char *fmt, ...);

#define EPH_NOTE(mc, ...)                                                      \
	do {                                                                   \
		if (eph_unlikely((mc)->has_observer))                          \
			eph_machine_note((mc), __VA_ARGS__);                   \
	} while (0)

/*
 * Say why the design cannot do what was asked of it.  Returns ENOTSUP, for
 * the design to return; the run ends with that reason.  The first reason is
 * kept.  While other CPUs run, only the CPU that `refused` names may read
 * it.
 */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int
eph_machine_refuse(struct eph_machine *mc, const char *fmt, ...);

/* Record a violation of another kind than a stale use; the run goes on. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void
eph_machine_violation(struct eph_machine *mc, const char *fmt, ...);

#endif /* !EPHMAP_SDK_REPORT_H */
