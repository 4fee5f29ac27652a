/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_NUMERAL_H
#define TRACE_NUMERAL_H

/* Numbers and dates as logs write them; no locale has a say. */

#include "ephmap/types.h"

/*
 * The number in s[0..n), times 10^scale, rounded down: digits, perhaps a
 * fraction (after `.', or `,' where that cuts no columns), perhaps an
 * exponent.  False for anything else, a sign of minus included, and for
 * what is above INT64_MAX.
 */
bool eph__decimal(const char *s, size_t n, int scale, uint64_t *out);

/* Digits alone, up to UINT64_MAX. */
static inline bool
eph__digits(const char *s, size_t n, uint64_t *out)
{
	const char *const end = s + (n < 20 ? n : 19);
	uint64_t v = 0;

	if (n == 0 || n > 20)
		return (false);
	for (; s < end; s++) { /* 19 digits fit */
		const unsigned digit = (unsigned)(unsigned char)*s - '0';

		if (digit > 9)
			return (false);
		v = v * 10 + digit;
	}
	if (n == 20) {
		const unsigned digit = (unsigned)(unsigned char)*s - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return (false);
		v = v * 10 + digit;
	}
	*out = v;
	return (true);
}

/*
 * A date and time of day at the start of `s`, in nanoseconds since 1970;
 * *endp is what follows it.  All of
 *
 *	17/May/2015:10:05:03 +0200	17/May/2015:10:05:03.123
 *	2015-05-17T10:05:03.123+02:00	2015-05-17 10:05:03,123Z
 *	2015/05/17 10:05:03
 *
 * A time without a zone is taken as UTC.  Times before 1970 are none.
 */
bool eph__date(const char *s, const char **endp, uint64_t *ns);

#endif /* !TRACE_NUMERAL_H */
