/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_LOG_JSON_H
#define SIM_LOG_JSON_H

/*
 * --log-format json: what a run did, an object a line.  ephmap(1) says what
 * they have in them.
 */

#include <jansson.h>

#include "ephmap/run.h"
#include "ephmap/sdk/event.h"

struct log_json {
	FILE *out;
	struct eph_machine *mc;
	struct eph_counters before; /* when the last operation ended */
};

/* Begin: `mc' is watched until the run ends. */
void log_json_start(struct log_json *log, struct eph_machine *mc, FILE *out);

/* An operation of a trace begins or ends; for struct eph_run_config. */
void log_json_moment(
    void *log, struct eph_machine *mc, const struct eph_run_moment *m);

/* The last line.  Takes `result'. */
void log_json_result(struct log_json *log, json_t *result);

#endif /* !SIM_LOG_JSON_H */
