/* SPDX-License-Identifier: BSD-2-Clause */

/* Which pages are written to. */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/writes.h"
#include "test_main.h"

#define PAGES 16u

static char *
pages(size_t *page)
{
	char *p;

	*page = (size_t)sysconf(_SC_PAGESIZE);
	p = mmap(NULL, PAGES * *page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_FATAL(p != MAP_FAILED);
	return (p);
}

static void
pages_that_are_written_to_are_told(void)
{
	size_t page;
	char *p = pages(&page);
	struct writes *w = eph__writes_create(p, (PAGES - 1) * page - 8);

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_EQUAL(eph__writes_page(w), page);
	p[2 * page] = 1; /* not watched yet */
	eph__writes_expect(w, p + 5 * page + 7);
	eph__writes_watch(w, true);
	CU_ASSERT_EQUAL(eph__writes_seen(w), 0);
	CU_ASSERT_EQUAL(p[3 * page], 0); /* reading is nothing */
	p[3 * page + 9] = 3;
	p[3 * page + 10] = 4;
	p[5 * page] = 5;
	p[15 * page] = 6; /* beyond */
	memset(p + 8 * page - 4, 7, 8);
	errno = EDOM;
	p[14 * page + 1] = 8;
	CU_ASSERT_EQUAL(errno, EDOM);
	CU_ASSERT_EQUAL(eph__writes_seen(w), 4);
	for (unsigned i = 0; i < PAGES - 1; i++)
		CU_ASSERT_EQUAL(eph__writes_to(w, p + i * page + page - 1),
		    i == 3 || i == 5 || i == 7 || i == 8 || i == 14);
	CU_ASSERT_EQUAL(p[3 * page + 9], 3);
	CU_ASSERT_EQUAL(p[8 * page - 4] + p[8 * page + 3], 14);
	eph__writes_watch(w, false);
	p[page] = 9;
	CU_ASSERT_FALSE(eph__writes_to(w, p + page));
	eph__writes_watch(w, true);
	p[3 * page] = 10; /* is open already */
	CU_ASSERT_EQUAL(eph__writes_seen(w), 4);
	p[page] = 11;
	CU_ASSERT_EQUAL(eph__writes_seen(w), 5);
	eph__writes_destroy(w);
	p[4 * page] = 12;
	(void)munmap(p, PAGES * page);
}

static sigjmp_buf back;

static void
jump(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

/* Does a store there end in jump()? */
static bool
jumps(volatile char *p)
{
	if (sigsetjmp(back, 1) != 0)
		return (true);
	*p = 1;
	return (false);
}

/* Other faults go where they went before; all is put back in the end. */
static void
others_keep_their_handler(void)
{
	struct sigaction mine = { .sa_handler = jump }, before, now;
	stack_t stack[2];
	size_t page;
	char *p = pages(&page);
	struct writes *w;

	(void)sigemptyset(&mine.sa_mask);
	(void)sigaction(SIGSEGV, &mine, &before);
	(void)sigaltstack(NULL, &stack[0]);
	(void)mprotect(p + 12 * page, page, PROT_READ);
	w = eph__writes_create(p, 8 * page);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	eph__writes_watch(w, true);
	CU_ASSERT(jumps(p + 12 * page));
	CU_ASSERT_FALSE(jumps(p + 7 * page));
	CU_ASSERT_EQUAL(eph__writes_seen(w), 1);
	if (sigsetjmp(back, 1) == 0) {
		(void)raise(SIGSEGV);
		CU_FAIL("a signal that was sent is lost");
	}
	eph__writes_destroy(w);
	(void)sigaction(SIGSEGV, &before, &now);
	CU_ASSERT(now.sa_handler == jump);
	(void)sigaltstack(NULL, &stack[1]);
	CU_ASSERT_EQUAL(stack[0].ss_flags, stack[1].ss_flags);
	(void)munmap(p, PAGES * page);
}

/* Without a handler before ours what would have killed does. */
static void
faults_without_a_handler_kill(void)
{
	for (unsigned sent = 0; sent < 2; sent++) {
		const pid_t pid = fork();
		int status = 0;

		if (pid == 0) {
			size_t page;
			char *p = pages(&page);
			struct writes *w;

			(void)signal(SIGSEGV, SIG_DFL);
			(void)mprotect(p + 12 * page, page, PROT_READ);
			w = eph__writes_create(p, 8 * page);
			eph__writes_watch(w, true);
			p[page] = 1;
			if (sent == 0)
				p[12 * page] = 1;
			else
				(void)raise(SIGSEGV);
			_exit(0);
		}
		CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
		CU_ASSERT(WIFSIGNALED(status));
	}
}

/* A thread of many, all signals blocked, as servers have them. */
static void *
watches(void *arg)
{
	size_t page;
	char *p = pages(&page);
	sigset_t all, now;
	uint32_t *seen = arg;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, NULL);
	for (unsigned i = 0; i < 50; i++) {
		struct writes *w = eph__writes_create(p, PAGES * page);

		if (w == NULL)
			break;
		eph__writes_watch(w, true);
		for (unsigned k = 0; k < PAGES; k += 2)
			p[k * page] = 1;
		*seen += eph__writes_seen(w);
		eph__writes_destroy(w);
	}
	(void)pthread_sigmask(SIG_SETMASK, NULL, &now);
	*seen += sigismember(&now, SIGSEGV) != 1;
	(void)munmap(p, PAGES * page);
	return (NULL);
}

static void
threads_watch_each_their_own(void)
{
	pthread_t t[4];
	uint32_t seen[4] = { 0 };

	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_EQUAL_FATAL(
		    pthread_create(&t[i], NULL, watches, &seen[i]), 0);
	for (unsigned i = 0; i < 4; i++) {
		(void)pthread_join(t[i], NULL);
		CU_ASSERT_EQUAL(seen[i], 50 * PAGES / 2);
	}
}

static CU_TestInfo tests[] = {
	TEST(pages_that_are_written_to_are_told),
	TEST(others_keep_their_handler),
	TEST(faults_without_a_handler_kill),
	TEST(threads_watch_each_their_own),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "writes", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
