/* SPDX-License-Identifier: BSD-2-Clause */

/* See sf_free.h. */

#include "design/sf_free.h"

void
eph__sf_free_destroy(void *state)
{
	struct sf_free *sf = state;
	struct eph_machine *mc = sf->sp.mc;

	eph__sf_pool_fini(&sf->sp);
	eph_machine_free(mc, sf, sizeof(*sf));
}

int
eph__sf_free_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct sf_free *sf = eph_machine_alloc(mc, sizeof(*sf));
	int error;

	if (sf == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	error = eph__sf_pool_init(&sf->sp, mc, cfg, &eph_policy_lru, 0, err);
	if (error != 0) {
		eph__sf_free_destroy(sf);
		return (error);
	}
	for (uint32_t i = 0; i < sf->sp.nbufs; i++)
		sf_free_push(sf, &sf->sp.bufs[i]);
	*statep = sf;
	return (0);
}

uint32_t
eph__sf_free_count(const struct sf_free *sf)
{
	const struct sf_pool *sp = &sf->sp;
	uint32_t n = 0;

	for (uint32_t i = sf->free_head; i != 0;
	     i = sp->bufs[i - 1].page_next) {
		if (sp->bufs[i - 1].refcnt != 0 || n++ > sp->nbufs)
			PANIC("free list holds a referenced buffer or a ring");
	}
	return (n);
}
