/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Schedules as text.
 *
 *	a to z, then {26} ...	a thread, in the order of creation
 *	A to P			the interrupt of CPU 0 to 15
 *	!A to !P		the store buffer of the CPU drains one store
 *	+A4, -A4		the TLB of CPU 0 loads, forgets address 4
 *
 *	.			nothing; the empty schedule is "."
 *
 * A number after a thread or interrupt says how often it is chosen in a
 * row; without one, once.
 */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/explore.h"

static bool
choice_equal(struct ex_choice a, struct ex_choice b)
{
	return (a.kind == b.kind && a.who == b.who && a.page == b.page);
}

static int
schedule_room(struct ex_schedule *s, size_t room)
{
	struct ex_token *token;

	if (room <= s->room)
		return (0);
	room = room < 64 ? 64 : room * 2;
	if ((token = realloc(s->token, room * sizeof(*token))) == NULL)
		return (ENOMEM);
	s->token = token;
	s->room = room;
	return (0);
}

int
eph__ex_schedule_push(struct ex_schedule *s, struct ex_choice c)
{
	if (schedule_room(s, s->n + 1) != 0)
		return (ENOMEM);
	s->token[s->n++] = (struct ex_token){ c, 1, 0 };
	return (0);
}

int
eph__ex_schedule_add(struct ex_schedule *s, struct ex_choice c, uint32_t count)
{
	if (s->n > 0 && c.kind == EX_RUN &&
	    choice_equal(s->token[s->n - 1].choice, c)) {
		s->token[s->n - 1].count += count;
		return (0);
	}
	if (eph__ex_schedule_push(s, c) != 0)
		return (ENOMEM);
	s->token[s->n - 1].count = count;
	return (0);
}

void
eph__ex_schedule_free(struct ex_schedule *s)
{
	free(s->token);
	*s = (struct ex_schedule){ 0 };
}

int
eph__ex_schedule_copy(struct ex_schedule *to, const struct ex_schedule *from)
{
	to->n = 0;
	if (schedule_room(to, from->n) != 0)
		return (ENOMEM);
	if (from->n > 0)
		memcpy(to->token, from->token, from->n * sizeof(*to->token));
	to->n = from->n;
	return (0);
}

void
eph__ex_schedule_trim(struct ex_schedule *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct ex_token t = s->token[i];

		if (t.used == 0)
			continue;
		/* What is left of two that were apart may now be one. */
		if (n > 0 && t.choice.kind == EX_RUN &&
		    choice_equal(s->token[n - 1].choice, t.choice))
			s->token[n - 1].count += t.used;
		else
			s->token[n++] =
			    (struct ex_token){ t.choice, t.used, 0 };
	}
	s->n = n;
}

int
eph__ex_token_format(const struct ex_token *t, char *p, size_t room)
{
	const struct ex_choice c = t->choice;

	if (c.kind != EX_RUN)
		return (snprintf(p, room, "%c%c%u",
		    c.kind == EX_FILL ? '+' : '-', 'A' + c.who, c.page));
	if (c.who >= EX_BUFFER(0))
		return (snprintf(
		    p, room, "!%c%u", 'A' + (c.who - EX_BUFFER(0)), t->count));
	if (c.who >= EX_INTR(0))
		return (snprintf(
		    p, room, "%c%u", 'A' + (c.who - EX_INTR(0)), t->count));
	if (c.who < 26)
		return (snprintf(p, room, "%c%u", 'a' + c.who, t->count));
	return (snprintf(p, room, "{%u}%u", c.who, t->count));
}

char *
eph__ex_schedule_format(const struct ex_schedule *s)
{
	const size_t room = s->n * 24 + 2;
	char *text = malloc(room);
	size_t used = 0;

	if (text == NULL)
		return (NULL);
	text[0] = '\0';
	for (size_t i = 0; i < s->n; i++) {
		used += (size_t)eph__ex_token_format(
		    &s->token[i], text + used, room - used);
		/* "a1" is "a". */
		if (s->token[i].choice.kind == EX_RUN && s->token[i].count == 1)
			text[--used] = '\0';
	}
	if (s->n == 0)
		memcpy(text, ".", 2);
	return (text);
}

struct parser {
	const char *text;
	const char *p;
	struct eph_err *err;
};

static int
parse_error(const struct parser *ps, const char *expected)
{
	return (
	    eph_err_set(ps->err, EINVAL, "schedule: character %zu: expected %s",
		(size_t)(ps->p - ps->text) + 1, expected));
}

static int
parse_number(struct parser *ps, uint32_t max, uint32_t *np)
{
	uint32_t n = 0;

	if (!isdigit((unsigned char)*ps->p))
		return (parse_error(ps, "a number"));
	for (; isdigit((unsigned char)*ps->p); ps->p++) {
		n = n * 10 + (uint32_t)(*ps->p - '0');
		if (n > max)
			return (parse_error(ps, "a smaller number"));
	}
	*np = n;
	return (0);
}

static int
parse_cpu(struct parser *ps, uint8_t *cpu)
{
	if (*ps->p < 'A' || *ps->p >= (char)('A' + EX_CPUS))
		return (parse_error(ps, "a CPU, A to P"));
	*cpu = (uint8_t)(*ps->p++ - 'A');
	return (0);
}

static int
parse_tlb(struct parser *ps, struct ex_token *t)
{
	uint32_t page;
	int error;

	t->choice.kind = *ps->p++ == '+' ? EX_FILL : EX_DROP;
	t->count = 1;
	if ((error = parse_cpu(ps, &t->choice.who)) != 0 ||
	    (error = parse_number(ps, UINT16_MAX, &page)) != 0)
		return (error);
	t->choice.page = (uint16_t)page;
	return (0);
}

static int
parse_entity(struct parser *ps, struct ex_token *t)
{
	uint32_t n;
	int error;

	if (*ps->p >= 'a' && *ps->p <= 'z') {
		t->choice.who = (uint8_t)(*ps->p++ - 'a');
	} else if (*ps->p == '{') {
		ps->p++;
		if ((error = parse_number(ps, EX_THREADS - 1, &n)) != 0)
			return (error);
		if (*ps->p != '}')
			return (parse_error(ps, "a closing brace"));
		ps->p++;
		t->choice.who = (uint8_t)n;
	} else if (*ps->p == '!') {
		ps->p++;
		if ((error = parse_cpu(ps, &t->choice.who)) != 0)
			return (error);
		t->choice.who = (uint8_t)EX_BUFFER(t->choice.who);
	} else {
		if (parse_cpu(ps, &t->choice.who) != 0)
			return (parse_error(ps, "a thread or a CPU"));
		t->choice.who = (uint8_t)EX_INTR(t->choice.who);
	}
	t->count = 1;
	if (isdigit((unsigned char)*ps->p))
		return (parse_number(ps, EX_STEPS_MAX, &t->count));
	return (0);
}

int
eph__ex_schedule_parse(
    const char *text, struct ex_schedule *s, struct eph_err *err)
{
	struct parser ps = { text, text, err };
	struct ex_schedule out = { 0 };
	int error = 0;

	while (*ps.p != '\0' && error == 0) {
		struct ex_token t = { { EX_RUN, 0, 0 }, 1, 0 };

		if (*ps.p == '.') {
			ps.p++;
			continue;
		}
		error = *ps.p == '+' || *ps.p == '-' ? parse_tlb(&ps, &t)
						     : parse_entity(&ps, &t);
		if (error == 0 &&
		    eph__ex_schedule_add(&out, t.choice, t.count) != 0)
			error = eph_err_set(err, ENOMEM, "out of memory");
	}
	if (error != 0)
		eph__ex_schedule_free(&out);
	else
		*s = out;
	return (error);
}
