/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_CPUSET_H
#define EPHMAP_SDK_CPUSET_H

/*
 * Sets of CPUs, sized by the machine.
 *
 * A set is an array of eph_cpuset_words(ncpus) words, bit n of word w for
 * CPU 64 w + n.  On machines of up to 64 CPUs that is one word, and the
 * loops below run once.  These functions are for sets that one lock or one
 * CPU protects; words that CPUs share without a lock go through
 * ephmap/sdk/atomic.h.
 */

#include "ephmap/types.h"

typedef uint64_t eph_cpuword_t;

#define EPH_CPUSET_WORDS_MAX (EPH_CPUS_MAX / 64)

static inline unsigned
eph_cpuset_words(unsigned ncpus)
{
	return ((ncpus + 63) / 64);
}

static inline eph_cpuword_t
eph_cpuset_bit(unsigned cpu)
{
	return ((eph_cpuword_t)1 << (cpu & 63));
}

static inline bool
eph_cpuset_isset(const eph_cpuword_t *set, unsigned cpu)
{
	return ((set[cpu >> 6] >> (cpu & 63)) & 1);
}

static inline void
eph_cpuset_set(eph_cpuword_t *set, unsigned cpu)
{
	set[cpu >> 6] |= eph_cpuset_bit(cpu);
}

static inline void
eph_cpuset_clear(eph_cpuword_t *set, unsigned cpu)
{
	set[cpu >> 6] &= ~eph_cpuset_bit(cpu);
}

static inline void
eph_cpuset_zero(eph_cpuword_t *set, unsigned words)
{
	for (unsigned i = 0; i < words; i++)
		set[i] = 0;
}

static inline void
eph_cpuset_copy(eph_cpuword_t *dst, const eph_cpuword_t *src, unsigned words)
{
	for (unsigned i = 0; i < words; i++)
		dst[i] = src[i];
}

static inline void
eph_cpuset_or(eph_cpuword_t *dst, const eph_cpuword_t *src, unsigned words)
{
	for (unsigned i = 0; i < words; i++)
		dst[i] |= src[i];
}

/* dst = a without b; true if anything is left. */
static inline bool
eph_cpuset_andnot(eph_cpuword_t *dst, const eph_cpuword_t *a,
    const eph_cpuword_t *b, unsigned words)
{
	eph_cpuword_t any = 0;

	for (unsigned i = 0; i < words; i++) {
		dst[i] = a[i] & ~b[i];
		any |= dst[i];
	}
	return (any != 0);
}

static inline bool
eph_cpuset_isequal(
    const eph_cpuword_t *a, const eph_cpuword_t *b, unsigned words)
{
	for (unsigned i = 0; i < words; i++) {
		if (a[i] != b[i])
			return (false);
	}
	return (true);
}

static inline bool
eph_cpuset_isempty(const eph_cpuword_t *set, unsigned words)
{
	for (unsigned i = 0; i < words; i++) {
		if (set[i] != 0)
			return (false);
	}
	return (true);
}

/* Number of the lowest bit of a word that is not 0. */
static inline unsigned
eph_cpuword_first(eph_cpuword_t word)
{
#if defined(__GNUC__)
	return ((unsigned)__builtin_ctzll(word));
#else
	unsigned n = 0;

	while ((word & 1) == 0) {
		word >>= 1;
		n++;
	}
	return (n);
#endif
}

/* Number of zeroes above the highest bit of a word that is not 0. */
static inline unsigned
eph_word_leading_zeros(uint64_t word)
{
#if defined(__GNUC__)
	return ((unsigned)__builtin_clzll(word));
#else
	unsigned n = 0;

	while ((word >> 63) == 0) {
		word <<= 1;
		n++;
	}
	return (n);
#endif
}

/* Number of bits that are set. */
static inline unsigned
eph_cpuword_count(eph_cpuword_t w)
{
	const uint64_t fives = 0x5555555555555555u;
	const uint64_t threes = 0x3333333333333333u;

	w -= (w >> 1) & fives;
	w = (w & threes) + ((w >> 2) & threes);
	w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return ((unsigned)((w * 0x0101010101010101u) >> 56));
}

static inline unsigned
eph_cpuset_count(const eph_cpuword_t *set, unsigned words)
{
	unsigned n = 0;

	/* Most words of a set of many CPUs have none of them, or all. */
	for (unsigned i = 0; i < words; i++)
		n += set[i] + 1 > 1 ? eph_cpuword_count(set[i])
				    : (unsigned)(set[i] & 64);
	return (n);
}

/* Run the body for each CPU in `set`, lowest first; `cpu` is declared. */
#define EPH_CPUSET_FOREACH(cpu, set, words)                                    \
	for (unsigned cpu##_w = 0; cpu##_w < (words); cpu##_w++)               \
		for (eph_cpuword_t cpu##_b = (set)[cpu##_w]; cpu##_b != 0;     \
		     cpu##_b &= cpu##_b - 1)                                   \
			for (unsigned cpu = cpu##_w * 64 +                     \
				 eph_cpuword_first(cpu##_b),                   \
				      cpu##_once = 1;                          \
			     cpu##_once != 0; cpu##_once = 0)

#endif /* !EPHMAP_SDK_CPUSET_H */
