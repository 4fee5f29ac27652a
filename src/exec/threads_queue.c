/* SPDX-License-Identifier: BSD-2-Clause */

/* What waits to run on a CPU, and stacks that wait to be used again. */

#include "exec/threads_impl.h"

void
eph__th_enqueue(struct th_cpu *tc, struct eph_thread *td)
{
	(void)pthread_mutex_lock(&tc->lock);
	td->next = NULL;
	if (tc->last != NULL)
		tc->last->next = td;
	else
		tc->first = td;
	tc->last = td;
	/* Relaxed: a hint. */
	atomic_store_explicit(&tc->runnable, true, memory_order_relaxed);
	(void)pthread_cond_signal(&tc->wakeup);
	(void)pthread_mutex_unlock(&tc->lock);
}

struct th_thread *
eph__th_dequeue(struct th_cpu *tc)
{
	struct eph_thread *td;

	(void)pthread_mutex_lock(&tc->lock);
	if ((td = tc->first) != NULL) {
		tc->first = td->next;
		if (tc->first == NULL)
			tc->last = NULL;
	}
	atomic_store_explicit(
	    &tc->runnable, tc->first != NULL, memory_order_relaxed);
	(void)pthread_mutex_unlock(&tc->lock);
	return (td != NULL ? td->exec : NULL);
}

void
eph__th_thread_put(struct threads *th, struct th_thread *t)
{
	(void)pthread_mutex_lock(&th->lock);
	t->idle_next = th->ended;
	th->ended = t;
	(void)pthread_mutex_unlock(&th->lock);
}
