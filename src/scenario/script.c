/* SPDX-License-Identifier: BSD-2-Clause */

/* A scenario from a file is played. */

#include <errno.h>
#include <string.h>

#include "ephmap/sdk/atomic.h"
#include "scenario/scenario.h"
#include "scenario/script.h"

struct slot {
	struct eph_mapping mp;
	struct vm_page *m;
	unsigned cpu; /* that mapped it */
	enum { SLOT_FREE, SLOT_MAPPED, SLOT_FAILED } state;
};

struct handler {
	struct eph_xp *x;
	unsigned block;
};

/* In the machine's memory. */
struct play {
	const struct script *s;
	struct slot slot[SCRIPT_NAMES];
	_Atomic(uint32_t) flag[SCRIPT_NAMES];
	struct handler handler[SCRIPT_BLOCKS];
};

static void
play_wrong(struct eph_xp *x, const struct script_step *st, const char *why)
{
	const struct play *p = x->arg;

	eph_xp_failure(x, EPH_FAIL_WRONG, "%s:%u: %s %s", p->s->path, st->line,
	    p->s->mapping[st->a].name, why);
}

static void
play_map(struct eph_xp *x, const struct script_step *st, bool handler)
{
	struct play *p = x->arg;
	struct slot *slot = &p->slot[st->a];

	if (slot->state == SLOT_MAPPED) {
		play_wrong(x, st, "is mapped already");
		return;
	}
	slot->m = eph_xp_page(x, st->b);
	slot->cpu = eph_curcpu(x->mc)->id;
	slot->state =
	    eph_xp_map(x, slot->m, st->flags | (handler ? SFB_NOWAIT : 0),
		&slot->mp) == 0
	    ? SLOT_MAPPED
	    : SLOT_FAILED;
}

static void
play_use(struct eph_xp *x, const struct script_step *st)
{
	struct play *p = x->arg;
	struct slot *slot = &p->slot[st->a];

	if (slot->state == SLOT_FAILED)
		return;
	if (slot->state == SLOT_FREE) {
		play_wrong(x, st, "is not mapped here; wait for who maps it");
		return;
	}
	if (st->op == SCRIPT_UNMAP) {
		slot->state = SLOT_FREE;
		eph_xp_unmap(x, &slot->mp);
	} else if (st->op == SCRIPT_STORE) {
		eph_xp_store(
		    x, &slot->mp, slot->m, slot->cpu != eph_curcpu(x->mc)->id);
	} else if (slot->cpu != eph_curcpu(x->mc)->id) {
		eph_xp_touch_elsewhere(x, &slot->mp, slot->m);
	} else {
		eph_xp_touch(x, &slot->mp, slot->m);
	}
}

static void play_block(struct eph_xp *x, unsigned n);

static void
play_handler(struct eph_machine *mc, void *arg)
{
	const struct handler *h = arg;

	(void)mc;
	play_block(h->x, h->block);
}

static void
play_interrupt(struct eph_xp *x, const struct script_step *st)
{
	struct play *p = x->arg;
	struct eph_ipi ipi = { .kind = EPH_IPI_CALL,
		.fn = play_handler,
		.arg = &p->handler[st->a] };
	eph_cpuword_t cpus[EPH_CPUSET_WORDS_MAX] = { 1ull << st->b };

	x->mc->exec->ipi(x->mc, cpus, &ipi, false);
}

/* A flag is a word that others see: each look is a step, under its name. */
static uint32_t
play_look(struct eph_xp *x, const struct script_step *st)
{
	struct play *p = x->arg;

	/* Acquire pairs with the release in play_set. */
	return (eph_do_load_32(x->mc, &p->flag[st->a], memory_order_acquire,
	    p->s->flag[st->a].name));
}

static void
play_set(struct eph_xp *x, const struct script_step *st)
{
	struct play *p = x->arg;

	eph_do_store_32(x->mc, &p->flag[st->a], st->b, memory_order_release,
	    p->s->flag[st->a].name);
}

static void
play_step(struct eph_xp *x, const struct script_step *st, bool handler)
{
	switch ((enum script_op)st->op) {
	case SCRIPT_MAP:
		play_map(x, st, handler);
		break;
	case SCRIPT_TOUCH:
	case SCRIPT_STORE:
	case SCRIPT_UNMAP:
		play_use(x, st);
		break;
	case SCRIPT_SET:
		play_set(x, st);
		break;
	case SCRIPT_WAIT:
		while (play_look(x, st) != st->b)
			x->mc->exec->spin(x->mc);
		break;
	case SCRIPT_INTERRUPT:
		play_interrupt(x, st);
		break;
	case SCRIPT_AGAIN:
	case SCRIPT_END:
		break; /* the caller's */
	}
}

/* All steps of block `n`; its repeats count on this stack. */
static void
play_block(struct eph_xp *x, unsigned n)
{
	const struct play *p = x->arg;
	const struct script_block *b = &p->s->block[n];
	uint32_t left[SCRIPT_NEST];
	unsigned nest = 0;

	for (unsigned i = b->first; i < b->end; i++) {
		const struct script_step *st = &p->s->step[i];

		if (st->op == SCRIPT_AGAIN) {
			left[nest++] = st->a;
		} else if (st->op != SCRIPT_END) {
			play_step(x, st, b->name[0] != '\0');
		} else if (--left[nest - 1] > 0) {
			i = st->b;
		} else {
			nest--;
		}
	}
}

int
eph__script_setup(struct eph_xp *x)
{
	const struct script *s = (const struct script *)x->scenario;
	struct play *p = eph_machine_alloc(x->mc, sizeof(*p));
	int error = 0;

	if ((x->arg = p) == NULL)
		return (ENOMEM);
	p->s = s;
	for (unsigned b = 0; b < s->nblocks && error == 0; b++) {
		p->handler[b] = (struct handler){ x, b };
		if (s->block[b].name[0] == '\0')
			error =
			    eph_xp_thread(x, s->block[b].cpu, play_block, b);
	}
	return (error);
}
