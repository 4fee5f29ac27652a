/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The BSDs' sendfile, as truss and kdump show it.  BYTES 0 is up to the end of
 * the file; SENT counts headers too; a call that fails with EAGAIN may have
 * sent something.
 */

#include <string.h>

#include "trace/calls.h"

#define FREEBSD_AGAIN 35u

/* "{ 65536 }", "0x10000" or a number. */
static bool
sent_number(const char *arg, uint64_t *out)
{
	const char *end;

	arg += strspn(arg, "{ ");
	return (eph__strace_number(arg, &end, out));
}

int
eph__bsd_sendfile(struct calls *c, uint32_t task, uint64_t ns, char *args,
    uint64_t error, bool sent_shown)
{
	struct words w = { .task = task };
	struct transfer t = { .kind = CALLS_SENDFILE };
	char *argv[8];
	const char *end;
	uint64_t fd, sent = 0;
	int failed;

	if ((c->mask & 1u << CALLS_SENDFILE) == 0) {
		c->other[CALLS_SENDFILE]++;
		return (0);
	}
	if (eph__strace_split(args, argv, 8) < 6 ||
	    !eph__strace_number(argv[0], &end, &fd) || fd >= CALLS_FD_MAX ||
	    !eph__strace_number(argv[2], &end, &t.offset) ||
	    !eph__strace_number(argv[3], &end, &t.asked)) {
		eph_import_skip(c->im);
		return (0);
	}
	t.from.fd = (uint32_t)fd;
	t.out = argv[1];
	t.out_len = strlen(argv[1]);
	if (sent_shown)
		sent_shown = argv[5][0] == '{' && sent_number(argv[5], &sent);
	if (error != 0 && sent == 0) {
		if (error == FREEBSD_AGAIN) {
			c->im->res->again++;
		} else {
			c->im->res->calls++;
			c->im->res->failed++;
		}
		return (0);
	}
	t.got = sent_shown ? sent : t.asked;
	if (t.asked != 0 && t.got > t.asked)
		t.got = t.asked; /* headers are counted in SENT */
	if (t.asked == 0 && sent_shown)
		t.asked = t.got;
	t.untold = t.asked == 0;
	if ((failed = eph__calls_push(c, task, ns, &w.place)) != 0)
		return (failed);
	w.queued = true;
	failed = eph__calls_transfer(c, &w, &t);
	eph__calls_drop(c, &w);
	return (failed);
}
