/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Claim: machines can pass page references instead of data.
 *
 * `cp a b' of another machine's files, by references and by data: bytes are
 * counted where they are moved, by the device and the CPU of this machine
 * and over the wire.  The workload compares b with a by checksum.
 */

#include <inttypes.h>
#include <stdio.h>

#include "analysis/claims_impl.h"

#define MIB	 (1u << 20)
#define PROCS	 4u /* at most */
#define REF_SIZE 8u /* bytes of a reference in a message */

/* In bytes. */
struct moved {
	uint64_t here, wire, refs;
	uint64_t maps; /* pages that this machine's CPUs mapped */
};

static struct moved
copy_files(
    struct eph_claim_run *r, const char *how, unsigned procs, uint32_t size)
{
	struct eph_work_result work;
	struct eph_run_result res;
	struct moved m;
	char text[96];

	(void)snprintf(text, sizeof(text),
	    "cluster:%s,procs=%u,size=%" PRIu32 ",block=65536", how, procs,
	    size);
	eph__claim_workload(r, text, "sf_buf.cpumask", 2, 64, &res, &work);
	m.here = eph__claim_work_fact(r, &work, "bytes_moved_here");
	m.refs = REF_SIZE * eph__claim_work_fact(r, &work, "page_references");
	m.wire = eph__claim_work_fact(r, &work, "bytes_on_wire") - m.refs;
	eph__claim_fact(r, (double)m.wire, "bytes",
	    "%s, %u processes: data over the wire", how, procs);
	eph__claim_fact(r, (double)m.here, "bytes",
	    "%s, %u processes: data moved here", how, procs);
	eph__claim_fact(r, (double)m.refs, "bytes",
	    "%s, %u processes: page references over the wire", how, procs);
	m.maps = res.references;
	eph__claim_fact(r, (double)m.maps, "maps",
	    "%s, %u processes: pages mapped here", how, procs);
	return (m);
}

static void
measure_machines(struct eph_claim_run *r)
{
	const uint32_t size = eph__claim_scaled(r, MIB, 65536);
	struct moved data = { 0 }, refs = { 0 }, look = { 0 };
	unsigned yes = 0, of = 0, control = 0;
	struct eph_claim_part *p;

	for (unsigned procs = PROCS; procs > 0; procs /= 2) {
		data = copy_files(r, "by=data", procs, size);
		refs = copy_files(r, "by=refs", procs, size);
		look = copy_files(r, "by=refs,look=yes", procs, size);
		yes += refs.wire == 0 && refs.here == 0 && refs.maps == 0;
		control += data.wire > 0 && data.here > 0 && data.maps > 0 &&
		    look.here > 0;
		of++;
	}
	p = eph__claim_part(r, "cp of a remote file moves no data here");
	p->verdict = eph__claim_cases(control == of, yes, of);
	SAY(p->condition, "%u of %u numbers of processes", yes, of);
	SAY(p->measured,
	    "%" PRIu32 " KiB: %" PRIu64 " data bytes moved with references "
	    "(%" PRIu64 " bytes of messages), %" PRIu64 " with data",
	    size / 1024, refs.here, refs.refs, data.here);
	SAY(p->why,
	    "With data, each byte crosses the wire twice: the device here "
	    "stores and loads it, and the CPU copies it twice (XIO, one page "
	    "mapped at a time). With references, %u bytes for each page come "
	    "and go, no page is mapped here, and b is the same as a by checksum; the other machine "
	    "copies it. A process that looks at the bytes must have them: %" PRIu64
	    " over the wire then, which is the control.",
	    REF_SIZE, look.wire);
}

const struct eph_claim eph__claim_machines = {
	.number = 8,
	.name = "page-references",
	.group = "machines",
	.title = "page references between machines: cp moves no byte here",
	.text = "Two machines pass page references instead of data, so that "
		"cp of a file on the other machine moves no data here.",
	.origin = "Dillon, DragonFly kernel list, on XIO",
	.date = "2004-03",
	.method = "The cluster consumer: cp a b of files of 1 MiB of another "
		  "machine by 1, 2 and 4 processes, by data and by "
		  "references, with b read afterwards and without: bytes over "
		  "the wire and by this machine, and b by checksum.",
	.rule = "holds if b is the same as a, and neither the wire nor this "
		"machine moved a byte of data or mapped a page, whatever the "
		"processes; by "
		"data, and by reading b, they must move some",
	.measure = measure_machines,
};
