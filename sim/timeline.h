/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_TIMELINE_H
#define SIM_TIMELINE_H

/*
 * --timeline: what happened on a machine, as a file that Perfetto opens.
 *
 * Every CPU has tracks: what it does, its interrupt handlers, sleepers, and
 * windows in which it holds a translation that is no longer the page
 * table's.  An interrupt is an arrow from who sent it to who handled it.
 * Time is that of the clocks where there are any, else an event takes a
 * microsecond.
 */

#include <stdbool.h>

#include "ephmap/run.h"
#include "ephmap/sdk/event.h"

struct timeline;

/*
 * Begin a file, which appears under its name when it is complete.  `name' is
 * the title of all tracks; `mhz' 0: no clocks.  Returns 0 or an errno value
 * with `err' set, ENOTSUP where ephmap was built without protobuf-c.
 */
int timeline_open(const char *path, const char *name, unsigned ncpus,
    unsigned mhz, struct timeline **tp, struct eph_err *err);

/* Complete the file, or with `keep' false forget it.  As timeline_open(). */
int timeline_close(struct timeline *t, bool keep, struct eph_err *err);

/*
 * Say on standard error, in the name of `command', what the file has not:
 * what came when it was full, and what had no track.
 */
void timeline_warn(const struct timeline *t, const char *command);

/* An operation of a trace begins or ends; for struct eph_run_config. */
void timeline_moment(
    void *t, struct eph_machine *mc, const struct eph_run_moment *m);

/* An event, as of eph_machine_set_observer(). */
void timeline_event(void *t, const struct eph_event *ev);

/* The same, of a thread of that CPU; for struct eph_explore_config. */
void timeline_thread_event(
    void *t, const struct eph_event *ev, unsigned thread);

#endif /* !SIM_TIMELINE_H */
