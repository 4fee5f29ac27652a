/* SPDX-License-Identifier: BSD-2-Clause */

/* What a machine, or code on it, has to say. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "ephmap/sdk/machine.h"
#include "machine/access.h"

void
eph__machine_event(struct eph_machine *mc, enum eph_event_kind kind,
    unsigned target, eph_va_t va, uint64_t old, uint64_t new_value,
    const char *text)
{
	const struct eph_event ev = {
		.kind = kind,
		.cpu = eph_curcpu(mc)->id,
		.target = target,
		.va = va,
		.old = old,
		.new = new_value,
		.text = text,
	};

	mc->observer(mc->observer_arg, &ev);
}

void
eph_machine_note(struct eph_machine *mc, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	eph__machine_event(mc, EPH_EV_NOTE, eph_curcpu(mc)->id, 0, 0, 0, text);
}

int
eph_machine_refuse(struct eph_machine *mc, const char *fmt, ...)
{
	uint32_t nobody = 0;
	va_list ap;

	/* Relaxed: who reads the text wrote it, or has joined who did. */
	if (atomic_compare_exchange_strong_explicit(&mc->refused, &nobody,
		eph_curcpu(mc)->id + 1, memory_order_relaxed,
		memory_order_relaxed)) {
		va_start(ap, fmt);
		(void)vsnprintf(mc->refusal, sizeof(mc->refusal), fmt, ap);
		va_end(ap);
	}
	return (ENOTSUP);
}

void
eph_machine_violation(struct eph_machine *mc, const char *fmt, ...)
{
	/* Relaxed: only unique numbers are wanted. */
	const uint64_t n = atomic_fetch_add_explicit(
	    &mc->nviolations, 1, memory_order_relaxed);
	struct eph_violation spare;
	struct eph_violation *v =
	    n < EPH_VIOLATIONS_KEPT ? &mc->violations[n] : &spare;
	va_list ap;

	if (n >= EPH_VIOLATIONS_KEPT && !mc->has_observer)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(v->text, sizeof(v->text), fmt, ap);
	va_end(ap);
	EPH_EVENT(mc, EPH_EV_VIOLATION, eph_curcpu(mc)->id, 0, 0, 0, v->text);
}
