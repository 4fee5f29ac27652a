/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef BASE_WRITES_H
#define BASE_WRITES_H

/*
 * Which pages of a piece of memory are written to, at no cost for those that
 * are not: they are write-protected, and the first write to one lets it go on
 * and notes it.
 *
 * For that the process has a handler of SIGSEGV, between the first
 * eph__writes_create() and the last eph__writes_destroy(): what is no write to
 * such a page goes to the action that was there before.  Meanwhile the thread
 * has a signal stack of ours, and SIGSEGV is not blocked in it.  A system call
 * that is to write to a page nobody wrote to yet fails with EFAULT.  What
 * cannot be protected, and everything under valgrind, counts as written to.
 *
 * The memory is written to by one thread, the one that calls all of these.  A
 * thread has one at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writes;

/*
 * `bytes` at `p`, which is where a page begins; the last page may reach
 * beyond.  No page is protected.  NULL when out of memory.
 */
struct writes *eph__writes_create(void *p, size_t bytes);

/* Protects nothing any more.  NULL is accepted. */
void eph__writes_destroy(struct writes *w);

/* Bytes of a page. */
size_t eph__writes_page(const struct writes *w);

/* The page at `p`, within the memory, will not be protected. */
void eph__writes_expect(struct writes *w, const void *p);

/*
 * From now on, or not: pages that were neither written to under this watch
 * nor expected are protected.
 */
void eph__writes_watch(struct writes *w, bool on);

/* Was the page at `p` written to, or expected? */
bool eph__writes_to(const struct writes *w, const void *p);

/* How many pages were written to for the first time. */
uint32_t eph__writes_seen(const struct writes *w);

#endif /* !BASE_WRITES_H */
