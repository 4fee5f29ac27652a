/* SPDX-License-Identifier: BSD-2-Clause */

/* Count what a design does on four CPUs. */

#include <ephmap/ephmap.h>
#include <inttypes.h>
#include <stdio.h>

int
main(void)
{
	struct eph_world_config cfg = { .cpus = 4, .nbufs = 64 };
	struct eph_world *w;
	struct eph_mapping mp;
	struct eph_counters c;
	struct eph_err err;

	cfg.design = eph_design_find("sf_buf.accessed");
	if (eph_world_create(&cfg, &w, &err) != 0) {
		(void)fprintf(stderr, "count: %s\n", err.text);
		return (2);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		eph_world_cpu(w, i % 4);
		if (eph_world_map(w, i * i % 100, SFB_DEFAULT, &mp) != 0 ||
		    eph_world_touch(w, &mp, EPH_TOUCH_READ) != 0 ||
		    eph_world_unmap(w, &mp) != 0)
			return (1);
	}
	eph_world_counters(w, &c);
	(void)printf("%" PRIu64 " maps, %" PRIu64 " misses, %" PRIu64
		     " interrupts\n",
	    c.map_calls, c.miss, c.ipi_sent);
	return (eph_world_destroy(w) == 0 ? 0 : 1);
}
