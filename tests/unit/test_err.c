/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <string.h>

#include "ephmap/types.h"
#include "test_main.h"

static const char *
escaped(const char *from)
{
	static char to[64];

	eph_text_escape(to, sizeof(to), from);
	return (to);
}

static void
control_bytes_are_escaped(void)
{
	CU_ASSERT_STRING_EQUAL(escaped(""), "");
	CU_ASSERT_STRING_EQUAL(escaped("a b"), "a b");
	CU_ASSERT_STRING_EQUAL(escaped("a\nb\tc\r"), "a\\nb\\tc\\r");
	CU_ASSERT_STRING_EQUAL(escaped("\033[2J\177"), "\\x1b[2J\\x7f");
}

static void
utf8_stays_and_the_rest_does_not(void)
{
	CU_ASSERT_STRING_EQUAL(escaped("\303\244\342\202\254\360\237\230\200"),
	    "\303\244\342\202\254\360\237\230\200");
	CU_ASSERT_STRING_EQUAL(escaped("\344x"), "\\xe4x");
	CU_ASSERT_STRING_EQUAL(escaped("\302\233m"), "\\xc2\\x9bm"); /* CSI */
	CU_ASSERT_STRING_EQUAL(escaped("\342\202"), "\\xe2\\x82");
	CU_ASSERT_STRING_EQUAL(escaped("\377\300\200"), "\\xff\\xc0\\x80");
}

static void
a_long_text_is_cut_between_characters(void)
{
	char to[6];

	eph_text_escape(to, sizeof(to), "abc\nd");
	CU_ASSERT_STRING_EQUAL(to, "abc\\n");
	eph_text_escape(to, sizeof(to), "abcd\nd");
	CU_ASSERT_STRING_EQUAL(to, "abcd");
	eph_text_escape(to, 1, "abc");
	CU_ASSERT_STRING_EQUAL(to, "");
}

static void
an_error_is_one_line(void)
{
	struct eph_err err;
	char big[2 * sizeof(err.text)];

	CU_ASSERT_EQUAL(
	    eph_err_set(&err, EINVAL, "%s: got \"%s\"", "f", "x\ny"), EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, "f: got \"x\\ny\"");
	memset(big, '\n', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	CU_ASSERT_EQUAL(eph_err_set(&err, EIO, "%s", big), EIO);
	CU_ASSERT_PTR_NULL(strchr(err.text, '\n'));
	CU_ASSERT_EQUAL(strlen(err.text), 510);
	CU_ASSERT_EQUAL(eph_err_set(NULL, EIO, "x"), EIO);
}

static CU_TestInfo tests[] = {
	TEST(control_bytes_are_escaped),
	TEST(utf8_stays_and_the_rest_does_not),
	TEST(a_long_text_is_cut_between_characters),
	TEST(an_error_is_one_line),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "err", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
