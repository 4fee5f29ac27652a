/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Compressed files: each form as its own tool writes it, several streams in
 * one file, padding, what is cut, and what is named and refused.
 */

#include <errno.h>

#include "temp_file.h"
#include "test_main.h"
#include "trace/input.h"
#include "trace/unpack.h"

static struct temp_dir tmp;

static int
suite_start(void)
{
	return (temp_dir_make(&tmp));
}

static int
suite_end(void)
{
	return (temp_dir_remove(&tmp), 0);
}

/* The lines 7, 8 and 9, once or twice. */
static const struct {
	const char *name;
	const struct unpack_codec *codec;
	size_t n;
	const char *bytes;
	unsigned times;
} forms[] = {
	{ "zstd", &eph__unpack_zstd, 15,
	    "\050\265\057\375\000\130\061\000\000\067\012\070\012\071\012", 1 },
	{ "zstd skippable", &eph__unpack_zstd, 54,
	    "\120\052\115\030\004\000\000\000\141\142\143\144\050\265\057\375"
	    "\000\130\061\000\000\067\012\070\012\071\012\120\052\115\030\004"
	    "\000\000\000\141\142\143\144\050\265\057\375\000\130\061\000\000"
	    "\067\012\070\012\071\012",
	    2 },
	{ "zstd window", &eph__unpack_zstd, 15,
	    "\050\265\057\375\000\220\061\000\000\067\012\070\012\071\012", 1 },
	{ "gzip", &eph__unpack_gzip, 26,
	    "\037\213\010\000\000\000\000\000\000\003\063\347\262\340\262\344"
	    "\002\000\053\277\124\064\006\000\000\000",
	    1 },
	{ "gzip padded", &eph__unpack_gzip, 72,
	    "\037\213\010\000\000\000\000\000\000\003\063\347\262\340\262\344"
	    "\002\000\053\277\124\064\006\000\000\000\037\213\010\000\000\000"
	    "\000\000\000\003\063\347\262\340\262\344\002\000\053\277\124\064"
	    "\006\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	    "\000\000\000\000\000\000\000\000",
	    2 },
	{ "xz", &eph__unpack_xz, 60,
	    "\375\067\172\130\132\000\000\001\151\042\336\066\002\000\041\001"
	    "\014\000\000\000\217\230\101\234\001\000\005\067\012\070\012\071"
	    "\012\000\000\000\053\277\124\064\000\001\032\006\305\352\310\171"
	    "\220\102\231\015\001\000\000\000\000\001\131\132",
	    1 },
	{ "xz twice", &eph__unpack_xz, 120,
	    "\375\067\172\130\132\000\000\001\151\042\336\066\002\000\041\001"
	    "\014\000\000\000\217\230\101\234\001\000\005\067\012\070\012\071"
	    "\012\000\000\000\053\277\124\064\000\001\032\006\305\352\310\171"
	    "\220\102\231\015\001\000\000\000\000\001\131\132\375\067\172\130"
	    "\132\000\000\001\151\042\336\066\002\000\041\001\014\000\000\000"
	    "\217\230\101\234\001\000\005\067\012\070\012\071\012\000\000\000"
	    "\053\277\124\064\000\001\032\006\305\352\310\171\220\102\231\015"
	    "\001\000\000\000\000\001\131\132",
	    2 },
	{ "lzma", &eph__unpack_xz, 29,
	    "\135\000\000\004\000\377\377\377\377\377\377\377\377\000\033\202"
	    "\203\152\111\171\014\231\330\274\377\374\363\340\000",
	    1 },
	{ "bzip2", &eph__unpack_bzip2, 43,
	    "\102\132\150\071\061\101\131\046\123\131\047\347\335\024\000\000"
	    "\001\310\000\000\020\000\340\040\000\041\232\150\063\115\034\267"
	    "\213\271\042\234\050\110\023\363\356\212\000",
	    1 },
	{ "bzip2 twice", &eph__unpack_bzip2, 86,
	    "\102\132\150\071\061\101\131\046\123\131\047\347\335\024\000\000"
	    "\001\310\000\000\020\000\340\040\000\041\232\150\063\115\034\267"
	    "\213\271\042\234\050\110\023\363\356\212\000\102\132\150\071\061"
	    "\101\131\046\123\131\047\347\335\024\000\000\001\310\000\000\020"
	    "\000\340\040\000\041\232\150\063\115\034\267\213\271\042\234\050"
	    "\110\023\363\356\212\000",
	    2 },
	{ "lz4", &eph__unpack_lz4, 25,
	    "\004\042\115\030\144\100\247\006\000\000\200\067\012\070\012\071"
	    "\012\000\000\000\000\340\172\046\112",
	    1 },
	{ "lz4 skippable", &eph__unpack_lz4, 37,
	    "\120\052\115\030\004\000\000\000\141\142\143\144\004\042\115\030"
	    "\144\100\247\006\000\000\200\067\012\070\012\071\012\000\000\000"
	    "\000\340\172\046\112",
	    1 },
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

/* Lines of the file, twice over, or -1 with err set. */
static int
count_lines(const char *path, struct eph_err *err)
{
	struct input *in;
	char *line;
	size_t len;
	int n = 0;

	if (eph__input_open(path, &in, err) != 0)
		return (-1);
	for (int pass = 0; pass < 2; pass++) {
		while (n >= 0) {
			if (eph__input_line(in, &line, &len, err) != 0)
				n = -1;
			else if (line == NULL)
				break;
			else if (len == 1 && line[0] == "789"[n % 3])
				n++;
		}
		if (n >= 0 && eph__input_rewind(in, err) != 0)
			n = -1;
	}
	eph__input_close(in);
	return (n);
}

static void
every_form_is_read(void)
{
	const char *path = temp_path(&tmp, "form");
	struct eph_err err = { "" };

	for (size_t i = 0; i < FORMS; i++) {
		CU_ASSERT_EQUAL(
		    temp_write(path, forms[i].bytes, forms[i].n), 0);
		if (forms[i].codec->open == NULL) {
			CU_ASSERT_EQUAL(count_lines(path, &err), -1);
			CU_ASSERT_PTR_NOT_NULL(
			    strstr(err.text, forms[i].codec->command));
			continue;
		}
		CU_ASSERT_EQUAL(
		    count_lines(path, &err), 6 * (int)forms[i].times);
		if (count_lines(path, &err) != 6 * (int)forms[i].times)
			(void)fprintf(
			    stderr, "%s: %s\n", forms[i].name, err.text);
	}
}

static void
every_cut_is_found(void)
{
	const char *path = temp_path(&tmp, "cut");

	for (size_t i = 0; i < FORMS; i++) {
		if (forms[i].times > 1 || forms[i].codec->open == NULL)
			continue;
		/* Before that the form cannot be told. */
		for (size_t n = UNPACK_HEAD; n < forms[i].n; n++) {
			struct eph_err err = { "" };

			CU_ASSERT_EQUAL(temp_write(path, forms[i].bytes, n), 0);
			CU_ASSERT_EQUAL(count_lines(path, &err), -1);
			CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "damaged"));
		}
	}
}

static void
expect_refused(const char *bytes, size_t n, const char *why)
{
	const char *path = temp_path(&tmp, "refused");
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL(temp_write(path, bytes, n), 0);
	CU_ASSERT_EQUAL(count_lines(path, &err), -1);
	if (strstr(err.text, why) == NULL)
		(void)fprintf(stderr, "%s: %s\n", why, err.text);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, why));
}

static void
what_cannot_be_read_is_named(void)
{
	/* A window of 2 GiB; a dictionary. */
	static const char window[] = "\050\265\057\375\000\250"
				     "\001\000\000";
	static const char dictionary[] = "\050\265\057\375\043\007\000\000"
					 "\000\003\001\000\000\000\000\000";

	expect_refused(window, sizeof(window) - 1, "2048 MiB");
	expect_refused(dictionary, sizeof(dictionary) - 1, "dictionary 7,");
	expect_refused("PK\003\004............", 16, "zip");
	expect_refused("\002\041\114\030............", 16, "legacy");
	expect_refused("\037\235..............", 16, "(.Z)");
}

static CU_TestInfo tests[] = {
	TEST(every_form_is_read),
	TEST(every_cut_is_found),
	TEST(what_cannot_be_read_is_named),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "input", suite_start, suite_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
