/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ipiq-full: two CPUs send each other more messages than a queue holds.
 *
 * Both wait for room and must answer meanwhile.  Every message runs once,
 * in the order in which it was sent.
 */

#include <inttypes.h>

#include "ephmap/kernel/ipiq.h"
#include "scenario/scenario.h"

#define FULL_MESSAGES (EPH_IPIQ_FIFO / 2 + 3)

struct full_message {
	struct eph_xp *x;
	uint32_t target;
	uint32_t number;
};

struct ipiq_full {
	uint32_t seen[2]; /* messages that ran on a CPU */
	struct full_message message[2][FULL_MESSAGES];
};

static void
full_message_runs(struct eph_machine *mc, void *arg)
{
	const struct full_message *msg = arg;
	struct ipiq_full *fu = msg->x->arg;

	(void)mc;
	if (fu->seen[msg->target]++ != msg->number)
		eph_xp_failure(msg->x, EPH_FAIL_WRONG,
		    "message %" PRIu32 " ran as number %" PRIu32, msg->number,
		    fu->seen[msg->target] - 1);
}

static void
full_thread(struct eph_xp *x, unsigned n)
{
	struct ipiq_full *fu = x->arg;
	const unsigned target = 1 - n;

	for (uint32_t k = 0; k < FULL_MESSAGES; k++) {
		fu->message[target][k] = (struct full_message){ x, target, k };
		if (k % 2 == 0)
			(void)lwkt_send_ipiq_passive(x->mc, target,
			    full_message_runs, &fu->message[target][k]);
		else
			(void)lwkt_send_ipiq(x->mc, target, full_message_runs,
			    &fu->message[target][k]);
	}
}

static int
full_setup(struct eph_xp *x)
{
	if ((x->arg = eph_machine_alloc(x->mc, sizeof(struct ipiq_full))) ==
		NULL ||
	    ipiq_attach(x->mc) != 0 ||
	    eph_xp_thread(x, 0, full_thread, 0) != 0 ||
	    eph_xp_thread(x, 1, full_thread, 1) != 0)
		return (ENOMEM);
	return (0);
}

static void
full_finish(struct eph_xp *x)
{
	const struct ipiq_full *fu = x->arg;

	for (unsigned c = 0; c < 2; c++) {
		if (fu->seen[c] != FULL_MESSAGES)
			eph_xp_failure(x, EPH_FAIL_WRONG,
			    "%" PRIu32 " of %u messages ran on CPU %u",
			    fu->seen[c], FULL_MESSAGES, c);
	}
}

const struct eph_scenario eph__scenario_ipiq_full = {
	.abi = EPHMAP_ABI,
	.name = "ipiq-full",
	.summary = "two CPUs fill each other's IPI queues",
	.origin = "lwkt_ipiq.c, ipiq_fifofull",
	.cpus = 2,
	.no_design = true,
	.setup = full_setup,
	.finish = full_finish,
};
