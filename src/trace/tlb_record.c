/* SPDX-License-Identifier: BSD-2-Clause */

#include "ephmap/tlb_record.h"

#include <errno.h>
#include <string.h>

#include "trace/input.h"
#include "trace/tracepoint.h"

#define MARK "tlb_flush: pages:"

/* "-1 reason:remote shootdown (1)": full, or so many pages. */
static bool
take_event(const char *p, bool *fullp, uint64_t *pagesp, uint64_t *reasonp)
{
	*fullp = *p == '-';
	p += *fullp;
	if (!eph__tracepoint_number(&p, 10, pagesp) ||
	    strncmp(p, " reason:", 8) != 0 || (p = strrchr(p, '(')) == NULL)
		return (false);
	p++;
	return (eph__tracepoint_number(&p, 10, reasonp) && *p == ')' &&
	    *reasonp < EPH_TLB_REASONS);
}

static void
record_line(struct eph_tlb_record *rec, const char *line, uint64_t *first)
{
	const char *mark = strstr(line, MARK), *end = mark;
	uint64_t task, cpu, ns, pages, reason;
	bool full;

	if (mark == NULL) {
		rec->lost += strstr(line, "LOST") != NULL;
		return;
	}
	if (end - line >= 4 && strncmp(end - 4, "tlb:", 4) == 0)
		end -= 4;
	if (!eph__tracepoint_head(line, end, &task, &cpu, &ns) ||
	    !take_event(mark + strlen(MARK), &full, &pages, &reason) ||
	    cpu >= UINT32_MAX) {
		rec->broken++;
		return;
	}
	if (rec->events++ == 0)
		*first = ns;
	if (ns > *first && ns - *first > rec->ns)
		rec->ns = ns - *first;
	if (cpu >= rec->cpus)
		rec->cpus = (unsigned)cpu + 1;
	rec->of[reason]++;
	rec->ipis += reason == EPH_TLB_REMOTE || reason == EPH_TLB_WRONG_CPU;
	/* Who sends invalidates by an event of its own. */
	if (reason == EPH_TLB_TASK_SWITCH || reason == EPH_TLB_SEND)
		return;
	rec->flushes += full;
	rec->pages += full ? 0 : pages;
}

int
eph_tlb_record_read(
    const char *path, struct eph_tlb_record *rec, struct eph_err *err)
{
	struct input *in;
	uint64_t first = 0;
	char *line;
	size_t len;
	int error;

	memset(rec, 0, sizeof(*rec));
	if ((error = eph__input_open(path, &in, err)) != 0)
		return (error);
	while ((error = eph__input_line(in, &line, &len, err)) == 0 &&
	    line != NULL)
		record_line(rec, line, &first);
	if (error == 0 && rec->events == 0)
		error = eph_err_set(err, EINVAL,
		    "%s: no event tlb:tlb_flush; expected perf script or ftrace "
		    "text of it",
		    path);
	eph__input_close(in);
	return (error);
}
