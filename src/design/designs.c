/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The table of designs: one line here for each file in this folder that
 * defines a row, in the order `ephmap list designs` prints.
 */

#include "ephmap/sdk/design.h"
#include "base/find.h"

/* clang-format off */
#define DESIGNS(X)							\
	X(eph__sf_buf_uncached_ops)						\
	X(eph__sf_buf_hash_ops)						\
	X(eph__sf_buf_lru_ops)						\
	X(eph__sf_buf_cpumask_ops)						\
	X(eph__sf_buf_accessed_ops)						\
	X(eph__sf_buf_lwbuf_ops)						\
	X(eph__sf_buf_dynamic_ops)						\
	X(eph__sf_buf_sharded_ops)						\
	X(eph__msf_buf_ops)							\
	X(eph__lwbuf_kvalist_ops)						\
	X(eph__lwbuf_homecpu_ops)						\
	X(eph__lwbuf_reserve_ops)						\
	X(eph__lwbuf_objcache_ops)						\
	X(eph__lwbuf_dmap_ops)						\
	X(eph__lwbuf_pcpu_ops)						\
	X(eph__lwbuf_pcpu_kva_ops)						\
	X(eph__kva_qenter_ops)						\
	X(eph__kvabio_ops)							\
	X(eph__dmap_ops)							\
	X(eph__emap_ops)							\
	X(eph__kmap_ops)							\
	X(eph__kmap_atomic_24_ops)						\
	X(eph__kmap_atomic_ops)						\
	X(eph__kmap_local_ops)						\
	X(eph__pmap_quick_ops)						\
	X(eph__segmap_ops)							\
	X(eph__mapwindow_ops)						\
	X(eph__xen_percpu_ops)						\
	X(eph__xen_shadow_ops)						\
	X(eph__xen_epoch_ops)						\
	X(eph__xen_noready_ops)						\
	X(eph__xen_maphash_ops)						\
	X(eph__xen_mapcache_ops)					\
	X(eph__xen_global_ops)						\
	X(eph__xen_arm32_ops)						\
	X(eph__bsd_cmap_ops)						\
	X(eph__freebsd_cmap_switchin_ops)				\
	X(eph__freebsd_cmap_sysmaps_ops)				\
	X(eph__solaris_caddr_ops)					\
	X(eph__sun4_ppmapin_ops)					\
	X(eph__sun4_pplock_ops)						\
	X(eph__nt_hyperspace_ops)					\
	X(eph__plan9_kmap_386_ops)					\
	X(eph__plan9_kmap_amd64_ops)					\
	X(eph__netbsd_ubc_ops)						\
	X(eph__netbsd_pagermapin_ops)					\
	X(eph__openbsd_pseg_ops)					\
	X(eph__mips_kmap_coherent_ops)					\
	X(eph__haiku_get_ops)						\
	X(eph__haiku_cpu_ops)						\
	X(eph__haiku_tmap_ops)						\
	X(eph__linux_vm_map_ram_ops)					\
	X(eph__linux_vmap_ops)						\
	X(eph__xtensa_kmap_ops)						\
	X(eph__linux_tempmm_ops)					\
	X(eph__arm_kmap_local_ops)					\
	X(eph__serenity_quickmap_ops)					\
	X(eph__linux_ephmap_ops)					\
	X(eph__linux_mermap_ops)					\
	X(eph__best_ops)

#define DESIGN_ROW(row)     extern const struct eph_design_ops row;
#define DESIGN_POINTER(row) &row,

DESIGNS(DESIGN_ROW)

const struct eph_design_ops *const eph_designs[] = {
	DESIGNS(DESIGN_POINTER)
	NULL,
};
/* clang-format on */

const struct eph_design_ops *
eph_design_find(const char *name)
{
	return (FIND_ROW(eph_designs, name));
}
