/* SPDX-License-Identifier: BSD-2-Clause */

#include "trace/numeral.h"

#include <string.h>

#define NS_PER_S ((int64_t)1000000000)

/* -- numbers ------------------------------------------------------------ */

/* The exponent behind `e'; false when there is none. */
static bool
exponent(const char *s, const char *end, int *out)
{
	bool minus;
	int v = 0;

	if (s == end)
		return (false);
	minus = *s == '-';
	if (*s == '-' || *s == '+')
		s++;
	if (s == end || end - s > 4)
		return (false);
	for (; s < end; s++) {
		if (*s < '0' || *s > '9')
			return (false);
		v = v * 10 + (*s - '0');
	}
	*out = minus ? -v : v;
	return (true);
}

/* v * 10^power, rounded down; false when above INT64_MAX. */
static bool
times_ten(uint64_t v, int power, uint64_t *out)
{
	for (; power < 0 && v > 0; power++)
		v /= 10;
	for (; power > 0 && v > 0; power--) {
		if (v > (uint64_t)INT64_MAX / 10)
			return (false);
		v *= 10;
	}
	*out = v;
	return (v <= (uint64_t)INT64_MAX);
}

bool
eph__decimal(const char *s, size_t n, int scale, uint64_t *out)
{
	const char *const end = s + n;
	uint64_t v = 0;
	int digits = 0, power = scale, e = 0;
	bool fraction = false;

	if (s < end && *s == '+')
		s++;
	for (; s < end; s++) {
		if ((*s == '.' || *s == ',') && !fraction) {
			fraction = true;
			continue;
		}
		if (*s < '0' || *s > '9')
			break;
		digits++;
		/* Digits that are too many change nothing but the power. */
		if (v > (uint64_t)INT64_MAX / 10 - 1) {
			power += !fraction;
			continue;
		}
		v = v * 10 + (uint64_t)(*s - '0');
		power -= fraction;
	}
	if (digits == 0)
		return (false);
	if (s < end && (*s == 'e' || *s == 'E')) {
		if (!exponent(s + 1, end, &e))
			return (false);
		s = end;
	}
	return (s == end && times_ten(v, power + e, out));
}

/* -- dates -------------------------------------------------------------- */

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t era, yoe, doy;

	year -= month <= 2;
	era = year / 400;
	yoe = year - era * 400;
	doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return (era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468);
}

/* Exactly `n` digits at *pp. */
static bool
some_digits(const char **pp, int n, int64_t *out)
{
	*out = 0;
	for (; n > 0; n--, (*pp)++) {
		if (**pp < '0' || **pp > '9')
			return (false);
		*out = *out * 10 + (**pp - '0');
	}
	return (true);
}

static bool
take(const char **pp, char c)
{
	if (**pp != c)
		return (false);
	(*pp)++;
	return (true);
}

/* "17/May/2015:" */
static bool
clf_day(const char **pp, int64_t *days)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t day, year, month = 0;

	if (!some_digits(pp, 2, &day) || !take(pp, '/'))
		return (false);
	while (month < 12 &&
	    (months[3 * month] != (*pp)[0] ||
		months[3 * month + 1] != (*pp)[1] ||
		months[3 * month + 2] != (*pp)[2]))
		month++;
	if (month == 12)
		return (false);
	*pp += 3;
	if (!take(pp, '/') || !some_digits(pp, 4, &year) || !take(pp, ':'))
		return (false);
	*days = days_of(year, month + 1, day);
	return (true);
}

/* "2015-05-17T", "2015-05-17 ", "2015/05/17 " */
static bool
iso_day(const char **pp, int64_t *days)
{
	int64_t day, year, month;
	char between;

	if (!some_digits(pp, 4, &year) || (**pp != '-' && **pp != '/'))
		return (false);
	between = *(*pp)++;
	if (!some_digits(pp, 2, &month) || month < 1 || month > 12 ||
	    !take(pp, between) || !some_digits(pp, 2, &day) ||
	    !(take(pp, 'T') || take(pp, ' ') || take(pp, '\t')))
		return (false);
	*days = days_of(year, month, day);
	return (true);
}

/* "10:05:03.123" */
static bool
time_of_day(const char **pp, int64_t *ns)
{
	int64_t hour, min, sec, unit = NS_PER_S / 10;

	if (!some_digits(pp, 2, &hour) || !take(pp, ':') ||
	    !some_digits(pp, 2, &min) || !take(pp, ':') ||
	    !some_digits(pp, 2, &sec) || hour > 24 || min > 59 || sec > 60)
		return (false);
	*ns = (hour * 3600 + min * 60 + sec) * NS_PER_S;
	if ((**pp == '.' || **pp == ',') && (*pp)[1] >= '0' &&
	    (*pp)[1] <= '9') {
		for ((*pp)++; **pp >= '0' && **pp <= '9'; (*pp)++, unit /= 10)
			*ns += (**pp - '0') * unit;
	}
	return (true);
}

/* " +0200", "+02:00", "Z", or nothing; seconds east of Greenwich. */
static int64_t
zone(const char **pp)
{
	const char *p = *pp;
	int64_t hour, min = 0, sign;

	if (take(pp, 'Z'))
		return (0);
	if (*p == ' ')
		p++;
	if (*p != '+' && *p != '-')
		return (0);
	sign = *p++ == '-' ? -1 : 1;
	if (!some_digits(&p, 2, &hour))
		return (0);
	if (*p == ':')
		p++;
	if (*p >= '0' && *p <= '9' && !some_digits(&p, 2, &min))
		return (0);
	*pp = p;
	return (sign * (hour * 3600 + min * 60));
}

bool
eph__date(const char *s, const char **endp, uint64_t *ns)
{
	const char *p = s;
	int64_t days, time, t;

	if (!clf_day(&p, &days)) {
		p = s;
		if (!iso_day(&p, &days))
			return (false);
	}
	if (!time_of_day(&p, &time))
		return (false);
	t = days * 86400 - zone(&p);
	if (t < 0 || t > INT64_MAX / NS_PER_S / 2)
		return (false);
	*ns = (uint64_t)(t * NS_PER_S + time);
	*endp = p;
	return (true);
}
