/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TEST_MAIN_H
#define TEST_MAIN_H

/*
 * What every CUnit program here shares: main() runs the suites that the
 * program defines and exits 1 when an assertion failed.  A first argument
 * "--long" sets test_long; "--part=K/N" has a program that asks
 * test_is_mine() do a part of its work, so that ctest can run N at once.
 */

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stdint.h>

/* Each program defines its table, ended by CU_SUITE_INFO_NULL. */
extern CU_SuiteInfo test_suites[];

extern bool test_long;

/* Is number `i` of what there is to do for this part?  Without parts all is. */
bool test_is_mine(size_t i);

/*
 * Run fn(arg) in a child process and return true if it panicked with a
 * message that contains `expect`.  What else it printed is shown on failure.
 */
bool test_dies(void (*fn)(void *arg), void *arg, const char *expect);

/*
 * CUnit says which assertion failed, but not with which numbers.  Here it
 * says both: the text of a failure ends in "is 3, expected 4".  For numbers,
 * not for floating point (CU_ASSERT_DOUBLE_EQUAL) nor for addresses.
 */
void test_numbers(bool equal, uintmax_t is, uintmax_t expected,
    const char *text, const char *file, int line, bool fatal);

#undef CU_ASSERT_EQUAL
#undef CU_ASSERT_EQUAL_FATAL
#define CU_ASSERT_EQUAL(is, expected)	    TEST_NUMBERS(is, expected, false)
#define CU_ASSERT_EQUAL_FATAL(is, expected) TEST_NUMBERS(is, expected, true)
#define TEST_NUMBERS(is, expected, fatal)                                      \
	do {                                                                   \
		const __typeof__((is) + (expected)) is_ = (is),                \
						    expected_ = (expected);    \
                                                                               \
		test_numbers(is_ == expected_, (uintmax_t)is_,                 \
		    (uintmax_t)expected_, #is " == " #expected, __FILE__,      \
		    __LINE__, fatal);                                          \
	} while (0)

/* clang-format off */
#define TEST(fn) { #fn, fn }
/* clang-format on */

#endif /* !TEST_MAIN_H */
