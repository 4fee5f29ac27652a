/* SPDX-License-Identifier: BSD-2-Clause */

/* A thread that works for others: see work.h. */

#include <errno.h>

#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/sleepq.h"
#include "workload/work.h"

struct work_job {
	int (*fn)(void *arg);
	void *arg;
	int error;
	bool done;
	struct work_job *next;
};

struct work_server {
	struct eph_work *w;
	struct eph_mutex mtx;
	struct work_job *first; /* (l) */
	struct work_job **last; /* (l) */
	unsigned clients;	/* (l) that may still call */
};

int
eph__work_server_create(
    struct eph_work *w, unsigned clients, struct work_server **sp)
{
	struct work_server *s = eph_work_alloc(w, sizeof(*s));

	if (s == NULL)
		return (ENOMEM);
	s->w = w;
	s->last = &s->first;
	s->clients = clients;
	mutex_init(&s->mtx, "server");
	*sp = s;
	return (0);
}

void
eph__work_server_destroy(struct work_server *s)
{
	if (s != NULL)
		eph_machine_free(s->w->mc, s, sizeof(*s));
}

void
eph__work_server_run(struct work_server *s)
{
	struct eph_machine *mc = s->w->mc;

	mutex_enter(mc, &s->mtx);
	while (s->first != NULL || s->clients > 0) {
		struct work_job *job = s->first;

		if (job == NULL) {
			(void)msleep(mc, s, &s->mtx, 0, "jobq", 0);
			continue;
		}
		if ((s->first = job->next) == NULL)
			s->last = &s->first;
		mutex_exit(mc, &s->mtx);
		job->error = job->fn(job->arg);
		mutex_enter(mc, &s->mtx);
		job->done = true;
		wakeup(mc, job);
	}
	msleep_done(mc);
	mutex_exit(mc, &s->mtx);
}

int
eph__work_server_call(struct work_server *s, int (*fn)(void *arg), void *arg)
{
	struct eph_machine *mc = s->w->mc;
	struct work_job job = { .fn = fn, .arg = arg };

	mutex_enter(mc, &s->mtx);
	*s->last = &job;
	s->last = &job.next;
	wakeup(mc, s);
	while (!job.done)
		(void)msleep(mc, &job, &s->mtx, 0, "jobwait", 0);
	msleep_done(mc);
	mutex_exit(mc, &s->mtx);
	return (job.error);
}

void
eph__work_server_leave(struct work_server *s)
{
	struct eph_machine *mc = s->w->mc;

	mutex_enter(mc, &s->mtx);
	if (--s->clients == 0)
		wakeup(mc, s);
	mutex_exit(mc, &s->mtx);
}
