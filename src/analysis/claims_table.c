/* SPDX-License-Identifier: BSD-2-Clause */

/* The table of claims. */

#include "analysis/claims_impl.h"

extern const struct eph_claim eph__claim_one_mapping;
extern const struct eph_claim eph__claim_sleeps;
extern const struct eph_claim eph__claim_lazy;
extern const struct eph_claim eph__claim_wakeup;
extern const struct eph_claim eph__claim_dmap;
extern const struct eph_claim eph__claim_pipe;
extern const struct eph_claim eph__claim_bufcache;
extern const struct eph_claim eph__claim_machines;
extern const struct eph_claim eph__claim_scaling;
extern const struct eph_claim eph__claim_packets;
extern const struct eph_claim eph__claim_race;
extern const struct eph_claim eph__claim_alloc;
extern const struct eph_claim eph__claim_time_pipe;
extern const struct eph_claim eph__claim_time_kvabio;
extern const struct eph_claim eph__claim_time_targets;
extern const struct eph_claim eph__claim_time_vmap;
extern const struct eph_claim eph__claim_time_invlpgb;
extern const struct eph_claim eph__claim_time_header;
extern const struct eph_claim eph__claim_time_getcl;

const struct eph_claim *const eph_claims[] = {
	&eph__claim_one_mapping,
	&eph__claim_sleeps,
	&eph__claim_lazy,
	&eph__claim_wakeup,
	&eph__claim_dmap,
	&eph__claim_pipe,
	&eph__claim_bufcache,
	&eph__claim_machines,
	&eph__claim_scaling,
	&eph__claim_packets,
	&eph__claim_race,
	&eph__claim_alloc,
	&eph__claim_time_pipe,
	&eph__claim_time_kvabio,
	&eph__claim_time_targets,
	&eph__claim_time_vmap,
	&eph__claim_time_invlpgb,
	&eph__claim_time_header,
	&eph__claim_time_getcl,
	NULL,
};
