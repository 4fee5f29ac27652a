/* SPDX-License-Identifier: BSD-2-Clause */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ephmap/types.h"

/*
 * Bytes of the UTF-8 character that starts at `p`, or 0: a control
 * character of ASCII or of ISO 6429 (U+0080 to U+009f), or no UTF-8.
 */
static size_t
printable(const unsigned char *p)
{
	const unsigned char c = p[0];
	const size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (n == 1)
		return (c >= 0x20 && c != 0x7f ? 1 : 0);
	if (c < 0xc2 || c > 0xf4 || (c == 0xc2 && p[1] < 0xa0))
		return (0);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return (0);
	}
	return (n);
}

void
eph_text_escape(char *to, size_t size, const char *from)
{
	const unsigned char *p = (const unsigned char *)from;
	char one[8];

	while (*p != '\0') {
		size_t took = printable(p), n = took;

		if (took > 0) {
			memcpy(one, p, took);
		} else {
			took = 1;
			n = (size_t)snprintf(one, sizeof(one),
			    *p == '\n'	     ? "\\n"
				: *p == '\t' ? "\\t"
				: *p == '\r' ? "\\r"
					     : "\\x%02x",
			    *p);
		}
		if (n + 1 > size)
			break;
		memcpy(to, one, n);
		to += n;
		size -= n;
		p += took;
	}
	*to = '\0';
}

int
eph_err_set(struct eph_err *err, int status, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list ap;

	if (err != NULL) {
		va_start(ap, fmt);
		(void)vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		eph_text_escape(err->text, sizeof(err->text), text);
	}
	return (status);
}
