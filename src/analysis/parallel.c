/* SPDX-License-Identifier: BSD-2-Clause */

#include "analysis/parallel.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX 256u

struct pool {
	const struct parallel *p;
	pthread_mutex_t lock; /* guards what follows */
	size_t next;
	size_t done;
	int error;
	struct eph_err err;
};

static size_t
pool_take(struct pool *pool)
{
	size_t i;

	(void)pthread_mutex_lock(&pool->lock);
	i = pool->error == 0 ? pool->next++ : pool->p->jobs;
	(void)pthread_mutex_unlock(&pool->lock);
	return (i);
}

static void
pool_done(struct pool *pool, int error, const struct eph_err *err)
{
	(void)pthread_mutex_lock(&pool->lock);
	if (error != 0 && pool->error == 0) {
		pool->error = error;
		pool->err = *err;
	}
	pool->done++;
	if (pool->p->progress != NULL)
		pool->p->progress(
		    pool->p->progress_arg, pool->done, pool->p->jobs);
	(void)pthread_mutex_unlock(&pool->lock);
}

static void *
pool_work(void *arg)
{
	struct pool *pool = arg;
	struct eph_err err = { "" };
	size_t i;

	while ((i = pool_take(pool)) < pool->p->jobs)
		pool_done(pool, pool->p->job(pool->p->arg, i, &err), &err);
	return (NULL);
}

unsigned
eph__parallel_threads(unsigned wanted)
{
	long n = wanted;

	if (n == 0)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n < 1)
		n = 1;
	return (n > (long)THREADS_MAX ? THREADS_MAX : (unsigned)n);
}

static unsigned
pool_threads(const struct parallel *p)
{
	const unsigned n = eph__parallel_threads(p->threads);

	return (n > p->jobs ? (unsigned)p->jobs : n);
}

int
eph__parallel_run(const struct parallel *p, struct eph_err *err)
{
	const unsigned threads = pool_threads(p);
	struct pool pool = { .p = p };
	pthread_t thread[THREADS_MAX];
	unsigned made = 1;

	(void)pthread_mutex_init(&pool.lock, NULL);
	/* This thread works too; without any other it does everything. */
	while (made < threads &&
	    pthread_create(&thread[made], NULL, pool_work, &pool) == 0)
		made++;
	(void)pool_work(&pool);
	for (unsigned i = 1; i < made; i++)
		(void)pthread_join(thread[i], NULL);
	(void)pthread_mutex_destroy(&pool.lock);
	if (pool.error != 0)
		(void)eph_err_set(err, pool.error, "%s", pool.err.text);
	return (pool.error);
}
