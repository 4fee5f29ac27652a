/* SPDX-License-Identifier: BSD-2-Clause */

/* The table of designs, plug-ins, and what a design may lack. */

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "ephmap/sdk/design.h"
#include "ephmap/version.h"

extern const struct eph_design_ops eph__dmap_ops;
extern const struct eph_design_ops eph__emap_ops;
extern const struct eph_design_ops eph__best_ops;
extern const struct eph_design_ops eph__kmap_ops;
extern const struct eph_design_ops eph__kmap_atomic_ops;
extern const struct eph_design_ops eph__kmap_atomic_24_ops;
extern const struct eph_design_ops eph__kmap_local_ops;
extern const struct eph_design_ops eph__kva_qenter_ops;
extern const struct eph_design_ops eph__kvabio_ops;
extern const struct eph_design_ops eph__lwbuf_dmap_ops;
extern const struct eph_design_ops eph__lwbuf_homecpu_ops;
extern const struct eph_design_ops eph__lwbuf_kvalist_ops;
extern const struct eph_design_ops eph__lwbuf_objcache_ops;
extern const struct eph_design_ops eph__lwbuf_pcpu_ops;
extern const struct eph_design_ops eph__lwbuf_pcpu_kva_ops;
extern const struct eph_design_ops eph__lwbuf_reserve_ops;
extern const struct eph_design_ops eph__mapwindow_ops;
extern const struct eph_design_ops eph__msf_buf_ops;
extern const struct eph_design_ops eph__pmap_quick_ops;
extern const struct eph_design_ops eph__segmap_ops;
extern const struct eph_design_ops eph__sf_buf_accessed_ops;
extern const struct eph_design_ops eph__sf_buf_cpumask_ops;
extern const struct eph_design_ops eph__sf_buf_dynamic_ops;
extern const struct eph_design_ops eph__sf_buf_hash_ops;
extern const struct eph_design_ops eph__sf_buf_lru_ops;
extern const struct eph_design_ops eph__sf_buf_lwbuf_ops;
extern const struct eph_design_ops eph__sf_buf_sharded_ops;
extern const struct eph_design_ops eph__sf_buf_uncached_ops;

const struct eph_design_ops *const eph_designs[] = {
	&eph__sf_buf_uncached_ops,
	&eph__sf_buf_hash_ops,
	&eph__sf_buf_lru_ops,
	&eph__sf_buf_cpumask_ops,
	&eph__sf_buf_accessed_ops,
	&eph__sf_buf_lwbuf_ops,
	&eph__sf_buf_dynamic_ops,
	&eph__sf_buf_sharded_ops,
	&eph__msf_buf_ops,
	&eph__lwbuf_kvalist_ops,
	&eph__lwbuf_homecpu_ops,
	&eph__lwbuf_reserve_ops,
	&eph__lwbuf_objcache_ops,
	&eph__lwbuf_dmap_ops,
	&eph__lwbuf_pcpu_ops,
	&eph__lwbuf_pcpu_kva_ops,
	&eph__kva_qenter_ops,
	&eph__kvabio_ops,
	&eph__dmap_ops,
	&eph__emap_ops,
	&eph__kmap_ops,
	&eph__kmap_atomic_24_ops,
	&eph__kmap_atomic_ops,
	&eph__kmap_local_ops,
	&eph__pmap_quick_ops,
	&eph__segmap_ops,
	&eph__mapwindow_ops,
	&eph__best_ops,
	NULL,
};

const struct eph_design_ops *
eph_design_find(const char *name)
{
	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		if (strcmp(eph_designs[i]->name, name) == 0)
			return (eph_designs[i]);
	}
	return (NULL);
}

const char *
eph_validity_name(enum eph_validity v)
{
	switch (v) {
	case EPH_VALID_ALL:
		return ("all");
	case EPH_VALID_MASK:
		return ("mask");
	case EPH_VALID_ASKED:
		return ("asked");
	case EPH_VALID_GENERATION:
		return ("generation");
	case EPH_VALID_THIS_CPU:
		return ("this CPU");
	}
	return ("?");
}

int
eph_design_no_ref(void *state, void *obj)
{
	(void)state;
	(void)obj;
	return (ENOTSUP);
}

void
eph_design_no_switch(void *state)
{
	(void)state;
}

void
eph_design_no_check(void *state, uint64_t held)
{
	(void)state;
	(void)held;
}

const struct eph_sysctl eph_design_no_sysctls[] = {
	{ NULL, NULL, NULL, NULL, NULL },
};

/* The first slot of the table that is not set, or NULL. */
static const char *
design_missing(const struct eph_design_ops *ops)
{
#define MISSING(slot)                                                          \
	if (ops->slot == NULL)                                                 \
		return (#slot);
	MISSING(name)
	MISSING(summary)
	MISSING(origin)
	MISSING(date)
	MISSING(holes)
	MISSING(shootdown)
	MISSING(policy)
	MISSING(create)
	MISSING(destroy)
	MISSING(map)
	MISSING(unmap)
	MISSING(kva)
	MISSING(ref)
	MISSING(page)
	MISSING(switch_out)
	MISSING(switch_in)
	MISSING(check)
	MISSING(sysctls)
#undef MISSING
	return (NULL);
}

int
eph_design_load(
    const char *path, const struct eph_design_ops **opsp, struct eph_err *err)
{
	const struct eph_design_ops *ops;
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (object == NULL)
		return (eph_err_set(err, ENOENT, "%s", dlerror()));
	ops = dlsym(object, "ephmap_plugin");
	if (ops == NULL) {
		(void)dlclose(object);
		return (eph_err_set(err, EINVAL,
		    "%s: exports no ephmap_plugin; a plug-in defines "
		    "'const struct eph_design_ops ephmap_plugin'",
		    path));
	}
	if (ops->abi != EPHMAP_ABI) {
		const unsigned abi = ops->abi;

		(void)dlclose(object);
		return (eph_err_set(err, EINVAL,
		    "%s: built for interface %u, this is %u: build it again",
		    path, abi, EPHMAP_ABI));
	}
	if (design_missing(ops) != NULL)
		return (eph_err_set(err, EINVAL,
		    "%s: ephmap_plugin.%s is not set; every slot must be", path,
		    design_missing(ops)));
	*opsp = ops;
	return (0);
}
