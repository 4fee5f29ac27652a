/* SPDX-License-Identifier: BSD-2-Clause */

/* The out-of-line half of sf_pool.h. */

#include "design/sf_pool.h"

static int
sf_pool_buffers(struct sf_pool *sp, struct eph_err *err)
{
	struct eph_machine *mc = sp->mc;
	int error;

	sp->bufs = eph_machine_alloc(mc, sp->nbufs * sizeof(*sp->bufs));
	if (sp->words != 0)
		sp->masks = eph_machine_alloc(
		    mc, (size_t)sp->nbufs * sp->words * sizeof(*sp->masks));
	if (sp->bufs == NULL || (sp->words != 0 && sp->masks == NULL))
		return (eph_err_set(
		    err, ENOMEM, "out of memory for %u buffers", sp->nbufs));
	error = eph_kva_get(
	    mc, sp->nbufs, &sp->window, err, "%u buffers", sp->nbufs);
	if (error != 0)
		return (error);
	for (uint32_t i = 0; i < sp->nbufs; i++)
		sp->bufs[i].kva = sp->window + eph_ptoa(i);
	return (0);
}

int
eph__sf_pool_init(struct sf_pool *sp, struct eph_machine *mc,
    const struct eph_design_config *cfg, const struct eph_policy_ops *policy,
    unsigned words, struct eph_err *err)
{
	struct eph_policy_env env = cfg->policy_env;
	int error;

	sp->mc = mc;
	sp->nbufs = cfg->nbufs;
	sp->words = words;
	mutex_init(&sp->lock, "sf_buf lock");
	if (cfg->nbufs == 0)
		return (eph_err_set(
		    err, EINVAL, "0 buffers: a pool needs at least 1"));
	if ((error = sf_pool_buffers(sp, err)) != 0)
		return (error);
	sp->policy.ops = cfg->policy != NULL ? cfg->policy : policy;
	env.mem = mc->mem;
	env.nslots = sp->nbufs;
	env.npages_hint = cfg->npages_hint;
	return (sp->policy.ops->create(&env, &sp->policy.ps, err));
}

void
eph__sf_pool_fini(struct sf_pool *sp)
{
	struct eph_machine *mc = sp->mc;

	if (sp->policy.ps != NULL)
		sp->policy.ops->destroy(sp->policy.ps);
	for (uint32_t i = 0; sp->bufs != NULL && i < sp->nbufs; i++) {
		if (sp->bufs[i].m != NULL)
			sp->bufs[i].m->hint = 0;
	}
	if (sp->window != 0)
		kva_free(mc, sp->window, sp->nbufs);
	eph_machine_free(
	    mc, sp->masks, (size_t)sp->nbufs * sp->words * sizeof(*sp->masks));
	eph_machine_free(mc, sp->bufs, sp->nbufs * sizeof(*sp->bufs));
}

/*
 * The chain is walked: it has more than one entry only for pages that were
 * mapped twice.
 */
void
eph__sf_pool_unchain(struct sf_pool *sp, struct sf_buf *sf)
{
	const uint32_t id = sf_pool_index(sp, sf) + 1;
	uint32_t *linkp;

	for (linkp = &sf->m->hint; *linkp != id;
	     linkp = &sp->bufs[*linkp - 1].page_next)
		KASSERT(*linkp != 0, "a buffer is not in its page's chain");
	*linkp = sf->page_next;
}

void
eph__sf_pool_evict(
    struct sf_pool *sp, struct sf_buf *sf, const struct vm_page *m)
{
	eph__sf_pool_unchain(sp, sf);
	/* After a sleep it may be this very page's, mapped meanwhile. */
	eph_curcpu(sp->mc)->c.evict += sf->m != m;
	EPH_NOTE(sp->mc, "miss: buffer %u, taken from frame %u",
	    sf_pool_index(sp, sf), sf->m->frame);
}

/*
 * The index is not looked up again after the sleep: two threads that both
 * missed on a page end with two mappings of it, as in every BSD.
 */
uint32_t
eph__sf_pool_take_slow(struct sf_pool *sp, const struct vm_page *m, bool nowait,
    bool catch, int *error)
{
	uint32_t slot;

	do {
		if (nowait) {
			*error = EAGAIN;
			return (EPH_NONE);
		}
		sp->alloc_want++;
		sp->allocwait++;
		*error = msleep(sp->mc, &sp->alloc_want, &sp->lock,
		    catch ? PCATCH : 0, "sfbufa", 0);
		sp->alloc_want--;
		if (*error != 0)
			return (EPH_NONE);
		slot = policy_victim(&sp->policy, m->frame);
	} while (slot == EPH_NONE);
	msleep_done(sp->mc);
	return (slot);
}

eph_va_t
eph__sf_pool_kva(void *state, void *obj)
{
	struct sf_pool *sp = state;
	const struct sf_buf *sf = obj;

	EPH_COUNT(sp->mc, kva_calls);
	return (sf->kva);
}

struct vm_page *
eph__sf_pool_page(void *state, void *obj)
{
	(void)state;
	return (((const struct sf_buf *)obj)->m);
}

int
eph__sf_pool_ref(void *state, void *obj)
{
	struct sf_pool *sp = state;
	struct sf_buf *sf = obj;

	mutex_enter(sp->mc, &sp->lock);
	if (sf->refcnt == 0)
		PANIC("sf_buf_ref: referencing a free sf_buf");
	sf->refcnt++;
	mutex_exit(sp->mc, &sp->lock);
	return (0);
}

void
eph__sf_pool_check(struct sf_pool *sp, uint64_t held)
{
	uint64_t refs = 0, used = 0;

	for (uint32_t i = 0; i < sp->nbufs; i++) {
		const struct sf_buf *sf = &sp->bufs[i];
		const struct sf_buf *at;

		refs += sf->refcnt;
		used += sf->refcnt != 0;
		if (sf->m == NULL)
			continue;
		for (at = sf_pool_lookup(sp, sf->m); at != sf && at != NULL;)
			at = at->page_next != 0 ? &sp->bufs[at->page_next - 1]
						: NULL;
		if (at == NULL)
			PANIC("a buffer is not indexed by its page");
		if (sf->refcnt != 0 &&
		    pmap_kextract(sp->mc, sf->kva) != sf->m->frame)
			PANIC("a referenced buffer does not map its page");
	}
	if (refs != held)
		PANIC("references held and references counted differ");
	if (used != sp->used.now)
		PANIC("the gauge of buffers in use is wrong");
	sp->policy.ops->check(sp->policy.ps);
}

/* sysctls */

uint64_t
eph__sf_pool_get_nsfbufs(void *state)
{
	return (((const struct sf_pool *)state)->nbufs);
}

uint64_t
eph__sf_pool_get_used(void *state)
{
	return (((const struct sf_pool *)state)->used.now);
}

uint64_t
eph__sf_pool_get_peak(void *state)
{
	return (((const struct sf_pool *)state)->used.peak);
}

/* As the kernel would have said: the length of the list. */
uint64_t
eph__sf_pool_get_nsffree(void *state)
{
	const struct sf_pool *sp = state;

	if (sp->policy.ops != &eph_policy_lazy)
		return (sp->nbufs - sp->used.now);
	return (sp->nbufs - sp->fresh +
	    ((const struct freelist *)sp->policy.ps)->count);
}

uint64_t
eph__sf_pool_get_allocwait(void *state)
{
	return (((const struct sf_pool *)state)->allocwait);
}

uint64_t
eph__sf_pool_get_allocfail(void *state)
{
	struct eph_counters c;

	eph_machine_counters(((const struct sf_pool *)state)->mc, &c);
	return (c.map_fail);
}

int
eph__sf_pool_set_denied(void *state, uint64_t value)
{
	(void)state;
	(void)value;
	return (EPERM);
}

const struct eph_sysctl eph__sf_pool_sysctls[] = {
	SF_POOL_SYSCTL_NSFBUFS,
	{ NULL, NULL, NULL, NULL, NULL },
};
