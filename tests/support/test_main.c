/* SPDX-License-Identifier: BSD-2-Clause */

#include "test_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/kassert.h"

bool test_long;
static unsigned part = 1, parts = 1;

bool
test_is_mine(size_t i)
{
	return (i % parts == part - 1);
}

static void
report_panic(void *arg, const char *why, const char *file, int line)
{
	int fd = *(int *)arg;

	(void)dprintf(fd, "%s (%s:%d)", why, file, line);
	_exit(86);
}

bool
test_dies(void (*fn)(void *arg), void *arg, const char *expect)
{
	char text[512] = "";
	size_t used = 0;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(fds) != 0)
		return (false);
	(void)fflush(NULL);
	if ((pid = fork()) == 0) {
		(void)close(fds[0]);
		eph_panic_set_handler(report_panic, &fds[1]);
		fn(arg);
		_exit(0);
	}
	(void)close(fds[1]);
	while (used < sizeof(text) - 1 &&
	    (n = read(fds[0], text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	(void)close(fds[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return (false);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 86 &&
	    strstr(text, expect) != NULL)
		return (true);
	(void)fprintf(stderr,
	    "expected a panic with \"%s\", got status %#x, \"%s\"\n", expect,
	    (unsigned)status, text);
	return (false);
}

void
test_numbers(bool equal, uintmax_t is, uintmax_t expected, const char *text,
    const char *file, int line, bool fatal)
{
	char told[400];

	if (!equal)
		(void)snprintf(told, sizeof(told),
		    "%.300s: is %jd, expected %jd", text, (intmax_t)is,
		    (intmax_t)expected);
	(void)CU_assertImplementation(equal, (unsigned)line,
	    equal ? text : told, file, "", fatal ? CU_TRUE : CU_FALSE);
}

int
main(int argc, char **argv)
{
	unsigned failures;

	test_long = argc > 1 && strcmp(argv[1], "--long") == 0;
	if (argc > 1 && strncmp(argv[1], "--part=", 7) == 0 &&
	    (sscanf(argv[1] + 7, "%u/%u", &part, &parts) != 2 || part == 0 ||
		part > parts)) {
		(void)fprintf(stderr, "expected --part=K/N, K from 1 to N\n");
		return (2);
	}
	if (CU_initialize_registry() != CUE_SUCCESS ||
	    CU_register_suites(test_suites) != CUE_SUCCESS) {
		(void)fprintf(stderr, "CUnit: %s\n", CU_get_error_msg());
		return (2);
	}
	CU_basic_set_mode(CU_BRM_NORMAL);
	if (CU_basic_run_tests() != CUE_SUCCESS)
		return (2);
	failures =
	    CU_get_number_of_failures() + CU_get_number_of_suites_failed();
	CU_cleanup_registry();
	return (failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
