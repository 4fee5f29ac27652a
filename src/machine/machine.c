/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A machine's life: creation, counters, copies.
 */

#include "ephmap/sdk/machine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/kassert.h"
#include "base/mem.h"
#include "ephmap/names.h"
#include "machine/access.h"
#include "machine/cells.h"
#include "machine/frames.h"
#include "machine/life.h"

static void
machine_cpu_destroy(struct eph_machine *mc, struct eph_cpu *cpu)
{
	if (cpu == NULL)
		return;
	eph__shadow_free(cpu);
	eph__cpu_unlock_all(cpu);
	eph_machine_free(mc, cpu, sizeof(*cpu));
}

static int
machine_cpu_create(struct eph_machine *mc, unsigned id)
{
	struct eph_cpu *cpu = eph_machine_alloc(mc, sizeof(*cpu));

	if (cpu == NULL)
		return (ENOMEM);
	mc->cpus[id] = cpu;
	cpu->mc = mc;
	cpu->id = id;
	cpu->gen[0] = EPH_GEN_FIRST(0);
	cpu->gen[1] = EPH_GEN_FIRST(1);
	cpu->shadow = mc->none;
	cpu->shadow_shift = 30;
	cpu->shadow_used =
	    3; /* so that the first to be written finds it full */
	return (0);
}

static int
machine_cpus_create(struct eph_machine *mc)
{
	eph_cpuword_t *all;

	mc->cpus = eph_machine_alloc(mc, mc->ncpus * sizeof(*mc->cpus));
	all = eph_machine_alloc(mc, mc->cpuwords * sizeof(*all));
	mc->allcpus = all;
	mc->pendset = eph_machine_alloc(mc, mc->cpuwords * sizeof(*all));
	mc->busyset = eph_machine_alloc(mc, mc->cpuwords * sizeof(*all));
	mc->loadset = eph_machine_alloc(mc, mc->cpuwords * sizeof(*all));
	mc->strayset = eph_machine_alloc(mc, mc->cpuwords * sizeof(*all));
	mc->epoch = 1;
	if (mc->cpus == NULL || all == NULL || mc->pendset == NULL ||
	    mc->busyset == NULL || mc->loadset == NULL || mc->strayset == NULL)
		return (ENOMEM);
	for (unsigned i = 0; i < mc->ncpus; i++) {
		eph_cpuset_set(all, i);
		if (machine_cpu_create(mc, i) != 0)
			return (ENOMEM);
	}
	mc->cur = mc->cpus[0];
	return (
	    mc->tlb_model->infinite ? 0 : eph__tlbs_create(mc, mc->tlb_model));
}

static const char *
machine_row(unsigned i)
{
	return (
	    eph_machine_models[i] != NULL ? eph_machine_models[i]->name : NULL);
}

static const char *
tlb_row(unsigned i)
{
	return (eph_tlb_models[i] != NULL ? eph_tlb_models[i]->name : NULL);
}

/* Names to models; on failure `err` lists what there is. */
static int
machine_models(const struct eph_machine_config *cfg, struct eph_machine *mc,
    struct eph_err *err)
{
	const char *model = cfg->model != NULL ? cfg->model : "amd64-skylake";
	const char *tlb;

	mc->model = cfg->own_model != NULL ? cfg->own_model
					   : eph_machine_model_find(model);
	if (mc->model == NULL)
		return (eph_err_unknown(err, "machine", model,
		    eph_nearest_row(model, machine_row),
		    "`ephmap list machines` shows them"));
	if (mc->model->levels < 2 || mc->model->levels > 4 ||
	    mc->model->mhz == 0 || mc->model->kva_pages < EPH_PTP_ENTRIES)
		return (eph_err_set(err, EINVAL,
		    "machine %s: expected 2 to 4 levels, a clock and %u pages "
		    "or more",
		    mc->model->name, EPH_PTP_ENTRIES));
	tlb = cfg->tlb != NULL ? cfg->tlb : mc->model->tlb;
	mc->tlb_model = eph_tlb_model_find(tlb);
	if (mc->tlb_model == NULL)
		return (eph_err_unknown(err, "TLB", tlb,
		    eph_nearest_row(tlb, tlb_row),
		    "`ephmap list tlbs` shows them"));
	if (cfg->ncpus < 1 || cfg->ncpus > EPH_CPUS_MAX)
		return (
		    eph_err_set(err, EINVAL, "%u CPUs: a machine has 1 to %u",
			cfg->ncpus, EPH_CPUS_MAX));
	return (0);
}

static int
machine_parts(struct eph_machine *mc)
{
	mc->frames = eph_machine_alloc(mc, sizeof(*mc->frames));
	if (mc->frames == NULL)
		return (ENOMEM);
	return (machine_cpus_create(mc));
}

static struct eph_mem *
machine_memory(const struct eph_machine_config *cfg)
{
	if (cfg->within != NULL)
		return (eph__mem_create_within(cfg->within->mem));
	if (cfg->region_bytes != 0)
		return (eph__mem_create_region(cfg->region_bytes));
	return (cfg->heap ? eph__mem_create(true) : eph__mem_create_huge());
}

int
eph__machine_life_create(const struct eph_machine_config *cfg,
    struct eph_machine **mcp, struct eph_err *err)
{
	struct eph_machine tmp = { 0 };
	struct eph_machine *mc;
	struct eph_mem *mem;
	int error;

	if ((error = machine_models(cfg, &tmp, err)) != 0)
		return (error);
	mem = machine_memory(cfg);
	if (mem == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	if ((mc = eph_mem_alloc(mem, sizeof(*mc))) == NULL) {
		(void)eph__mem_destroy(mem);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	*mc = tmp;
	mc->mem = mem;
	mc->ncpus = cfg->ncpus;
	mc->cpuwords = eph_cpuset_words(cfg->ncpus);
	mc->levels = mc->model->levels;
	mc->kva_base = mc->model->kva_base;
	mc->kva_pages = mc->model->kva_pages;
	if (cfg->kva_pages != 0 && cfg->kva_pages < mc->kva_pages)
		mc->kva_pages = cfg->kva_pages;
	mc->window_first = mc->kva_pages;
	mc->contents_kind = cfg->contents;
	mc->costs = mc->model->costs;
	mc->seed = cfg->seed;
	if (machine_parts(mc) != 0) {
		(void)eph__machine_life_destroy(mc);
		return (eph_err_set(err, ENOMEM,
		    "out of memory for a machine of %u CPUs", cfg->ncpus));
	}
	*mcp = mc;
	return (0);
}

/* Also of a machine whose parts were not all made. */
size_t
eph__machine_life_destroy(struct eph_machine *mc)
{
	struct eph_mem *mem = mc->mem;

	eph__tlbs_destroy(mc);
	for (unsigned i = 0; mc->cpus != NULL && i < mc->ncpus; i++)
		machine_cpu_destroy(mc, mc->cpus[i]);
	eph_machine_free(mc, mc->cpus, mc->ncpus * sizeof(*mc->cpus));
	eph_machine_free(mc, (void *)(uintptr_t)mc->allcpus,
	    mc->cpuwords * sizeof(*mc->allcpus));
	eph_machine_free(mc, mc->pendset, mc->cpuwords * sizeof(*mc->pendset));
	eph_machine_free(mc, mc->busyset, mc->cpuwords * sizeof(*mc->busyset));
	eph_machine_free(mc, mc->loadset, mc->cpuwords * sizeof(*mc->loadset));
	eph_machine_free(
	    mc, mc->strayset, mc->cpuwords * sizeof(*mc->strayset));
	eph_machine_free(mc, mc->holdersets,
	    (size_t)mc->holdersets_size * mc->cpuwords *
		sizeof(*mc->holdersets));
	eph__cells_destroy(mc);
	eph__frames_destroy(mc);
	eph__tlbclock_stop(mc);
	eph_machine_free(mc, mc, sizeof(*mc));
	return (eph__mem_destroy(mem));
}

size_t
eph_machine_memory_bytes(const struct eph_machine *mc)
{
	return (eph__mem_bytes(mc->mem));
}

int
eph_machine_mark(struct eph_machine *mc)
{
	return (eph__mem_mark(mc->mem));
}

void
eph_machine_rewind(struct eph_machine *mc)
{
	eph__mem_rewind(mc->mem);
}

void
eph_cpu_counters(const struct eph_cpu *cpu, struct eph_counters *out)
{
	const struct eph_crowd *all = &cpu->mc->crowd;

	*out = cpu->c;
	out->invlpg_remote += all->invlpg_remote;
	out->needless_invlpg += all->needless_invlpg;
	out->flush_remote += all->flush_remote;
}

void
eph_machine_counters(const struct eph_machine *mc, struct eph_counters *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < mc->ncpus; i++) {
		struct eph_counters c;

		eph_cpu_counters(mc->cpus[i], &c);
		eph_counters_add(out, &c);
	}
	out->cycles = eph_costs_price(&mc->costs, out);
}

void
eph_machine_set_observer(struct eph_machine *mc, eph_observer *fn, void *arg)
{
	mc->observer = fn;
	mc->observer_arg = arg;
	mc->has_observer = fn != NULL;
	eph__machine_plain(mc);
}

void
eph__machine_plain(struct eph_machine *mc)
{
	mc->plain = eph_serial(mc) && !mc->has_observer && mc->clock == NULL;
	mc->swift = eph_serial(mc) && !mc->has_observer && !mc->crowded &&
	    mc->shootflags == 0;
}

static void
machine_copy_check(const struct eph_machine *mc, size_t offset, size_t n)
{
	KASSERT(mc->contents_kind == EPH_CONTENTS_FULL,
	    "copying needs frames with contents");
	KASSERT(offset <= EPH_PAGE_SIZE, "offset beyond the page");
	KASSERT(n <= EPH_PAGE_SIZE - offset, "a copy stays in one page");
}

/* Bytes at `offset` of the page that an access reaches; NULL on a fault. */
static char *
machine_copy_at(struct eph_machine *mc, eph_va_t va, size_t offset,
    enum eph_touch touch, const struct vm_page *m, int *errorp)
{
	struct vm_page *reached;
	uint32_t frame;

	*errorp = eph_machine_access(mc, va, touch, m, &frame);
	if (*errorp != 0 || frame == EPH_NONE)
		return (NULL);
	reached = vm_page_get(mc, frame);
	if (touch == EPH_TOUCH_WRITE)
		vm_page_dirty(reached);
	return ((char *)vm_page_contents(mc, reached) + offset);
}

int
eph_machine_copyout(struct eph_machine *mc, eph_va_t va, size_t offset,
    void *buf, size_t n, const struct vm_page *m)
{
	const char *p;
	int error;

	machine_copy_check(mc, offset, n);
	p = machine_copy_at(mc, va, offset, EPH_TOUCH_READ, m, &error);
	if (p != NULL)
		memcpy(buf, p, n);
	return (error);
}

int
eph_machine_copyin(struct eph_machine *mc, eph_va_t va, size_t offset,
    const void *buf, size_t n, const struct vm_page *m)
{
	char *p;
	int error;

	machine_copy_check(mc, offset, n);
	p = machine_copy_at(mc, va, offset, EPH_TOUCH_WRITE, m, &error);
	if (p != NULL)
		memcpy(p, buf, n);
	return (error);
}
