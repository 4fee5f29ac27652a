/* SPDX-License-Identifier: BSD-2-Clause */

#include "record.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

struct value
value_whole(uint64_t v)
{
	return ((struct value){ .kind = VALUE_WHOLE, .u.whole = v });
}

struct value
value_real(double v)
{
	if (!isfinite(v))
		return (value_none());
	return ((struct value){ .kind = VALUE_REAL, .u.real = v });
}

struct value
value_text(const char *s)
{
	if (s == NULL)
		return (value_none());
	return ((struct value){ .kind = VALUE_TEXT, .u.text = s });
}

struct value
value_bool(bool yes)
{
	return ((struct value){ .kind = VALUE_BOOL, .u.yes = yes });
}

struct value
value_none(void)
{
	return ((struct value){ .kind = VALUE_NONE });
}

struct value
value_names(const char *const *names, size_t n)
{
	return (
	    (struct value){ .kind = VALUE_NAMES, .n = n, .u.names = names });
}

void
record_init(struct record *r)
{
	memset(r, 0, sizeof(*r));
}

void
record_free(struct record *r)
{
	for (size_t i = 0; i < r->nowned; i++)
		free(r->owned[i]);
	free(r->owned);
	free(r->field);
	record_init(r);
}

void *
record_own(struct record *r, void *p)
{
	r->owned = must_alloc(r->owned, r->nowned + 1, sizeof(*r->owned));
	return (r->owned[r->nowned++] = p);
}

void
record_add(struct record *r, const char *object, const char *key,
    const char *meaning, struct value v)
{
	/* Room for 64 more whenever it is full. */
	if (r->n % 64 == 0)
		r->field = must_alloc(r->field, r->n + 64, sizeof(*r->field));
	r->field[r->n++] = (struct field){ object, key, meaning, v };
}

const struct field *
record_find(const struct record *r, const char *object, const char *key)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->field[i];

		if ((f->object == NULL) == (object == NULL) &&
		    (object == NULL || strcmp(f->object, object) == 0) &&
		    strcmp(f->key, key) == 0)
			return (f);
	}
	return (NULL);
}

json_t *
value_json(const struct value *v)
{
	json_t *a;

	switch (v->kind) {
	case VALUE_WHOLE:
		return (json_integer((json_int_t)v->u.whole));
	case VALUE_REAL:
		return (json_real(v->u.real));
	case VALUE_BOOL:
		return (json_boolean(v->u.yes));
	case VALUE_TEXT:
		return (json_string(v->u.text));
	case VALUE_NAMES:
		a = json_array();
		for (size_t i = 0; i < v->n; i++)
			json_array_append_new(a, json_string(v->u.names[i]));
		return (a);
	case VALUE_EMPTY:
		return (json_object());
	default:
		return (json_null());
	}
}

/* The object at a path of names, made where it is not there yet. */
static json_t *
object_at(json_t *o, const char *path)
{
	while (path != NULL && *path != '\0') {
		const size_t n = strcspn(path, ".");
		char name[64];
		json_t *inner;

		(void)snprintf(name, sizeof(name), "%.*s", (int)n, path);
		if ((inner = json_object_get(o, name)) == NULL) {
			inner = json_object();
			json_object_set_new(o, name, inner);
		}
		o = inner;
		path += n + (path[n] == '.');
	}
	return (o);
}

json_t *
record_json(const struct record *r)
{
	json_t *root = json_object();

	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->field[i];

		json_object_set_new(
		    object_at(root, f->object), f->key, value_json(&f->value));
	}
	return (root);
}

void
csv_text(const char *s, FILE *out)
{
	if (strpbrk(s, ",\"\r\n") == NULL) {
		(void)fputs(s, out);
		return;
	}
	(void)fputc('"', out);
	for (; *s != '\0'; s++)
		(void)fprintf(out, *s == '"' ? "\"\"" : "%c", *s);
	(void)fputc('"', out);
}

void
csv_value(const struct value *v, FILE *out)
{
	switch (v->kind) {
	case VALUE_WHOLE:
		(void)fprintf(out, "%" PRIu64, v->u.whole);
		break;
	case VALUE_REAL:
		(void)fprintf(out, "%.12g", v->u.real);
		break;
	case VALUE_BOOL:
		(void)fputs(v->u.yes ? "true" : "false", out);
		break;
	case VALUE_TEXT:
		csv_text(v->u.text, out);
		break;
	case VALUE_NAMES:
		for (size_t i = 0; i < v->n; i++)
			(void)fprintf(
			    out, "%s%s", i > 0 ? " " : "", v->u.names[i]);
		break;
	default:
		break;
	}
}

void
record_csv(const struct record *r, bool keys, FILE *out)
{
	for (size_t i = 0; i < r->n; i++) {
		if (i > 0)
			(void)fputc(',', out);
		if (keys)
			(void)fputs(r->field[i].key, out);
		else
			csv_value(&r->field[i].value, out);
	}
	(void)fputc('\n', out);
}

void
json_print(json_t *root, FILE *out)
{
	(void)json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	(void)fputc('\n', out);
	json_decref(root);
}

const char *
value_format(const struct value *v, int decimals, char buf[VALUE_MAX])
{
	switch (v->kind) {
	case VALUE_WHOLE:
		return (number_u64(buf, v->u.whole));
	case VALUE_REAL:
		return (number_real(buf, v->u.real, decimals));
	case VALUE_BOOL:
		return (v->u.yes ? "yes" : "no");
	case VALUE_TEXT:
		return (*v->u.text != '\0' ? v->u.text : "-");
	default:
		return ("-");
	}
}
