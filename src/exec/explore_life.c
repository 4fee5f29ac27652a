/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Life of the executor, of its threads, and of one schedule.
 */

#include "exec/explore_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fiber.h"
#include "base/kassert.h"
#include "machine/access.h"
#include "machine/life.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EX_STACK ((size_t)256 << 10)
#else
#define EX_STACK ((size_t)64 << 10)
#endif

/* Threads */

static void
ex_thread_main(void *arg)
{
	struct ex_entity *e = arg;
	struct explore *ex = explore_of(e->td.mc);

	eph__ex_catch_up(ex, e);
	eph__ex_load_context(ex, e);
	e->td.fn(e->td.arg);
	eph__ex_unload_context(ex, e);
	ex->live--;
	ex->progress++;
	if (ex->mc->cur->crit != 0)
		PANIC("a thread ended in a critical section");
	eph__ex_wait(ex, e, EX_OFF);
	PANIC("a thread that ended runs");
}

static int
ex_entity_init(struct explore *ex, unsigned id, unsigned cpu)
{
	struct ex_entity *e = &ex->entity[id];

	if (e->fiber == NULL)
		e->fiber = eph__fiber_create(EX_STACK, eph__ex_intr_main, e);
	if (e->fiber == NULL)
		return (ENOMEM);
	e->id = id;
	e->cpu = cpu;
	ex->cpu[cpu].mask |= EX_BIT(id);
	ex->entities |= EX_BIT(id);
	return (0);
}

static struct eph_thread *
explore_thread_create(
    struct eph_machine *mc, unsigned cpu, void (*fn)(void *arg), void *arg)
{
	struct explore *ex = explore_of(mc);
	struct ex_entity *e = &ex->entity[ex->nthreads];

	KASSERT(ex->cur == NULL, "threads are created before they run");
	if (ex->nthreads == EX_THREADS ||
	    ex_entity_init(ex, ex->nthreads, cpu) != 0)
		return (NULL);
	e->td.mc = mc;
	e->td.cpu = cpu;
	e->td.fn = fn;
	e->td.arg = arg;
	e->td.exec = e;
	ex->cpu[cpu].nthreads++;
	ex->nthreads++;
	return (&e->td);
}

/* One schedule. */

static void
ex_reset_entity(struct explore *ex, struct ex_entity *e)
{
	void (*fn)(void *arg) = e->td.fn;
	void *arg = e->td.arg;

	memset(&e->td, 0, sizeof(e->td));
	e->td.mc = ex->mc;
	e->td.cpu = e->cpu;
	e->td.exec = e;
	e->td.fn = fn;
	e->td.arg = arg;
	e->acks = 0;
	e->seen = e->own = 0;
	e->wakened = false;
	e->waits_for = NULL;
	e->op = (struct ex_op){ ex_is_intr(e) ? NULL : (void *)&ex->cpu[e->cpu],
		EPH_POINT_CRIT, true, 0, false };
	eph__fiber_reset(
	    e->fiber, ex_is_intr(e) ? eph__ex_intr_main : ex_thread_main, e);
	eph__ex_set_status(ex, e, ex_is_intr(e) ? EX_OFF : EX_READY);
}

void
eph__ex_reset(struct explore *ex)
{
	ex->ready = ex->waiting = 0;
	ex->progress = 1;
	ex->nchoices = 0;
	ex->npages = 0;
	ex->ntimers = 0;
	ex->fired = 0;
	ex_set_quiet(ex, false);
	ex->why[0] = '\0';
	ex->live = ex->nthreads;
	for (unsigned c = 0; c < ex->mc->ncpus; c++) {
		struct ex_cpu *ec = &ex->cpu[c];

		ec->npending = ec->first = ec->nstores = 0;
		ec->thread = NULL;
		ec->switching = false;
		ec->interrupted = NULL;
		ec->last = &ex->entity[EX_INTR(c)];
		ex_reset_entity(ex, ec->last);
	}
	for (unsigned i = 0; i < ex->nthreads; i++)
		ex_reset_entity(ex, &ex->entity[i]);
}

static void
ex_panic(void *arg, const char *why, const char *file, int line)
{
	struct explore *ex = arg;
	const char *slash = strrchr(file, '/');

	if (eph__panic_is_memory(why))
		return; /* nothing of what is explored: the process ends */
	(void)snprintf(ex->why, sizeof(ex->why), "panic: %s (%s:%d)", why,
	    slash != NULL ? slash + 1 : file, line);
	eph__explore_stop(ex, EX_PANIC);
}

void
eph__ex_arm(struct explore *ex)
{
	eph_panic_set_handler(ex_panic, ex);
}

void
eph__ex_disarm(struct explore *ex)
{
	eph_panic_set_handler(NULL, NULL);
	ex->cur = NULL;
	ex_set_quiet(ex, true);
	ex->running = ex->host;
}

enum ex_verdict
eph__explore_run(struct explore *ex)
{
	struct ex_entity *first;

	if (ex->nthreads == 0)
		return (EX_PASS);
	eph__ex_reset(ex);
	eph__ex_arm(ex);
	ex->cur = &ex->entity[0];
	ex->running = ex->host;
	ex->strategy->begin(ex);
	first = eph__ex_choose(ex);
	eph__ex_switch(ex, ex->host, first);
	eph__ex_disarm(ex);
	ex->total_steps += ex->nchoices;
	if (ex->nchoices > ex->k)
		ex->k = ex->nchoices;
	return (ex->verdict);
}

static unsigned
explore_run_op(struct eph_machine *mc)
{
	struct explore *ex = explore_of(mc);

	(void)eph__explore_run(ex);
	return (ex->live);
}

static void
ex_call_main(void *arg)
{
	struct explore *ex = arg;

	ex->call_fn(ex->call_arg);
	eph__explore_stop(ex, EX_PASS);
}

enum ex_verdict
eph__explore_call(struct explore *ex, void (*fn)(void *arg), void *arg)
{
	ex->call_fn = fn;
	ex->call_arg = arg;
	eph__fiber_reset(ex->spare, ex_call_main, ex);
	eph_panic_set_handler(ex_panic, ex);
	ex->running = ex->spare;
	eph__fiber_switch(ex->host, ex->spare);
	ex->running = ex->host;
	eph_panic_set_handler(NULL, NULL);
	return (ex->verdict);
}

/* Life */

static void
drop_strategy(struct explore *ex)
{
	if (ex->strategy != NULL && ex->strategy->destroy != NULL)
		ex->strategy->destroy(ex);
	if (ex->strategy != NULL && ex->strategy->state != 0)
		free(ex->strategy_state);
	ex->strategy = NULL;
	ex->strategy_state = NULL;
}

static void
explore_destroy(struct eph_machine *mc)
{
	struct explore *ex = explore_of(mc);

	drop_strategy(ex);
	for (unsigned i = 0; i < EX_ENTITIES; i++)
		eph__fiber_destroy(ex->entity[i].fiber);
	eph__fiber_destroy(ex->spare);
	eph__fiber_destroy(ex->host);
	free(ex->choices);
	free(ex);
	mc->exec = NULL;
}

int
eph__explore_set_strategy(
    struct explore *ex, const struct ex_strategy *strategy)
{
	drop_strategy(ex);
	if (strategy->state != 0 &&
	    (ex->strategy_state = calloc(1, strategy->state)) == NULL)
		return (ENOMEM);
	ex->strategy = strategy;
	if (strategy->create == NULL || strategy->create(ex) == 0)
		return (0);
	drop_strategy(ex);
	return (ENOMEM);
}

static const struct eph_exec_ops eph_exec_explore = {
	.name = "explore",
	.summary = "one host thread, and a scheduler that may switch anywhere",
	.lock = eph__explore_mutex_enter,
	.unlock = eph__explore_mutex_exit,
	.sleepq_enter = eph__explore_sleepq_enter,
	.sleepq_exit = eph__explore_sleepq_exit,
	.block = eph__explore_block,
	.unblock = eph__explore_unblock,
	.curthread = eph__explore_curthread,
	.ipi = eph__explore_ipi,
	.poll = eph__explore_poll,
	.spin = eph__explore_spin,
	.point = eph__explore_point,
	.atomic = eph__explore_atomic,
	.timer = eph__explore_timer,
	.untimer = eph__explore_untimer,
	.thread_create = explore_thread_create,
	.run = explore_run_op,
	.destroy = explore_destroy,
};

int
eph__explore_attach(struct eph_machine *mc)
{
	struct explore *ex = calloc(1, sizeof(*ex));

	KASSERT(mc->ncpus <= EX_CPUS, "more CPUs than explore has entities");
	if (ex == NULL)
		return (ENOMEM);
	ex->choices = malloc(EX_STEPS_MAX * sizeof(*ex->choices));
	ex->host = eph__fiber_create_host();
	ex->spare = eph__fiber_create(EX_STACK, ex_call_main, ex);
	mc->exec->destroy(mc);
	mc->exec = &eph_exec_explore;
	mc->exec_state = ex;
	mc->mode = EPH_EXPLORE;
	mc->crowded = false;
	eph__machine_plain(mc);
	ex->mc = mc;
	ex_set_quiet(ex, true);
	ex->steps_max = 20000;
	if (ex->choices == NULL || ex->host == NULL || ex->spare == NULL)
		return (ENOMEM);
	for (unsigned c = 0; c < mc->ncpus; c++) {
		if (ex_entity_init(ex, EX_INTR(c), c) != 0)
			return (ENOMEM);
		ex->entity[EX_INTR(c)].td.mc = mc;
	}
	mc->has_points = true;
	mc->before_access = eph__explore_before_access;
	return (0);
}
