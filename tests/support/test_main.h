/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TEST_MAIN_H
#define TEST_MAIN_H

/*
 * What every CUnit program here shares: main() runs the suites that the
 * program defines and exits 1 when an assertion failed.  A first argument
 * "--long" sets test_long.
 */

#include <CUnit/Basic.h>
#include <stdbool.h>

/* Each program defines its table, ended by CU_SUITE_INFO_NULL. */
extern CU_SuiteInfo test_suites[];

extern bool test_long;

/*
 * Run fn(arg) in a child process and return true if it panicked with a
 * message that contains `expect`.  What else it printed is shown on failure.
 */
bool test_dies(void (*fn)(void *arg), void *arg, const char *expect);

/* clang-format off */
#define TEST(fn) { #fn, fn }
/* clang-format on */

#endif /* !TEST_MAIN_H */
