/* SPDX-License-Identifier: BSD-2-Clause */

#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"
#include "table.h"

#include "ephmap/names.h"

#define NEAR_MAX       80
#define COLUMNS_MOST   400
#define APPLICATION_ID 0x6570686d /* "ephm" */
#define SCHEMA_VERSION 1
#define SQL_MAX	       16384
#define BUSY_MS	       10000

/* `result' is what people read; the tables have each thing once. */
static const char schema[] =
    "CREATE TABLE input (id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " digest TEXT NOT NULL, kind TEXT NOT NULL, refs INTEGER, pages INTEGER,"
    " cpus INTEGER, duration_ns INTEGER, UNIQUE (kind, digest));"
    "CREATE TABLE command (text TEXT PRIMARY KEY NOT NULL);";

static const char view[] =
    "CREATE VIEW result AS SELECT input.name AS trace, run.*,"
    " input.digest AS digest, input.kind AS kind, input.refs AS input_refs,"
    " input.pages AS input_pages, input.cpus AS input_cpus,"
    " input.duration_ns AS duration_ns"
    " FROM run JOIN input ON run.input = input.id;";

/* "; did you mean COLUMN?" where `text' says that there is no such one. */
static const char *
near_column(const struct database *db, const char *text, char buf[NEAR_MAX])
{
	static const char unknown[] = "no such column: ";
	const char *names[COLUMNS_MOST + 1], *near = NULL;
	sqlite3_stmt *all = NULL;
	int n = 0;

	buf[0] = '\0';
	if (strncmp(text, unknown, sizeof(unknown) - 1) != 0 ||
	    sqlite3_prepare_v2(
		db->sql, "SELECT * FROM result", -1, &all, NULL) != SQLITE_OK)
		return (buf);
	for (; n < sqlite3_column_count(all) && n < COLUMNS_MOST; n++)
		names[n] = sqlite3_column_name(all, n);
	names[n] = NULL;
	near = eph_nearest_name(text + sizeof(unknown) - 1, names);
	if (near != NULL)
		(void)snprintf(buf, NEAR_MAX, "; did you mean %s?", near);
	(void)sqlite3_finalize(all);
	return (buf);
}

static int
sql_error(const struct database *db, struct eph_err *err)
{
	const int code = sqlite3_errcode(db->sql);
	const int error = code == SQLITE_NOMEM ? ENOMEM
	    : code == SQLITE_FULL	       ? ENOSPC
	    : code == SQLITE_NOTADB	       ? EINVAL
					       : EIO;

	char text[256], near[NEAR_MAX];

	if (code == SQLITE_NOTADB)
		return (eph_err_set(err, error,
		    "%s: not a file of results; expected a SQLite database "
		    "that `ephmap sweep' made",
		    db->path));
	(void)snprintf(text, sizeof(text), "%s", sqlite3_errmsg(db->sql));
	return (eph_err_set(err, error, "%s: %s%s", db->path, text,
	    near_column(db, text, near)));
}

static int
sql_run(struct database *db, const char *sql, struct eph_err *err)
{
	if (sqlite3_exec(db->sql, sql, NULL, NULL, NULL) != SQLITE_OK)
		return (sql_error(db, err));
	return (0);
}

int64_t
db_number(struct database *db, const char *sql)
{
	sqlite3_stmt *row;
	int64_t n = -1;

	if (sqlite3_prepare_v2(db->sql, sql, -1, &row, NULL) != SQLITE_OK)
		return (-1);
	if (sqlite3_step(row) == SQLITE_ROW)
		n = sqlite3_column_int64(row, 0);
	/* Of an error the code stays that of the connection. */
	(void)sqlite3_finalize(row);
	return (n);
}

static int
check_schema(struct database *db, struct eph_err *err)
{
	const int64_t id = db_number(db, "PRAGMA application_id");
	const int64_t version = db_number(db, "PRAGMA user_version");

	if (id < 0)
		return (sql_error(db, err));
	if (id != APPLICATION_ID)
		return (eph_err_set(err, EINVAL,
		    "%s: not a file of results; expected a SQLite database "
		    "that `ephmap sweep' made",
		    db->path));
	if (version != SCHEMA_VERSION)
		return (eph_err_set(err, EINVAL,
		    "%s: results of schema %" PRId64 "; expected %d", db->path,
		    version, SCHEMA_VERSION));
	return (0);
}

/* A file of its own beside SQLite's locks: they come and go with each run. */
static int
take_lock(struct database *db, struct eph_err *err)
{
	db->lock = open(db->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (db->lock < 0)
		return (eph_err_set(
		    err, errno, "%s: %s", db->path, strerror(errno)));
	if (flock(db->lock, LOCK_EX | LOCK_NB) == 0)
		return (0);
	if (errno == EWOULDBLOCK)
		return (eph_err_set(err, EBUSY,
		    "%s: another sweep writes to it now", db->path));
	return (eph_err_set(err, errno, "%s: %s", db->path, strerror(errno)));
}

static int
prepare_writer(struct database *db, struct eph_err *err)
{
	char sql[256];
	int error;

	/* Where there can be no WAL it stays as it is, and is only slower. */
	(void)sqlite3_exec(
	    db->sql, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
	if ((error = sql_run(db, "PRAGMA synchronous = NORMAL", err)) != 0)
		return (error);
	if (db_number(db, "PRAGMA application_id") != 0 ||
	    db_number(db, "SELECT count(*) FROM sqlite_master") != 0)
		return (check_schema(db, err));
	(void)snprintf(sql, sizeof(sql),
	    "PRAGMA application_id = %d; PRAGMA user_version = %d",
	    APPLICATION_ID, SCHEMA_VERSION);
	if ((error = sql_run(db, "BEGIN IMMEDIATE", err)) == 0 &&
	    (error = sql_run(db, sql, err)) == 0 &&
	    (error = sql_run(db, schema, err)) == 0)
		error = sql_run(db, "COMMIT", err);
	return (error);
}

static bool
is_ok(void *arg, sqlite3_stmt *row)
{
	const char *text = (const char *)sqlite3_column_text(row, 0);

	*(bool *)arg = text != NULL && strcmp(text, "ok") == 0;
	return (false);
}

/* Pages that are damaged can read as rows that are missing. */
static int
check_whole(struct database *db, struct eph_err *err)
{
	bool ok = false;

	if (db_query(db, "PRAGMA quick_check(1)", is_ok, &ok, err) == 0 && ok)
		return (0);
	return (eph_err_set(err, EINVAL,
	    "%s: the database is damaged; expected it as `ephmap sweep' wrote "
	    "it",
	    db->path));
}

/*
 * Open to read.  What a sweep that was killed left half done is rolled back,
 * which SQLite refuses for a file that is open to read only.
 */
static int
open_reader(struct database *db, struct eph_err *err)
{
	int error;

	if (sqlite3_open_v2(db->path, &db->sql, SQLITE_OPEN_READONLY, NULL) !=
	    SQLITE_OK)
		return (sql_error(db, err));
	(void)sqlite3_busy_timeout(db->sql, BUSY_MS);
	error = check_schema(db, err);
	if (error == 0 || sqlite3_errcode(db->sql) != SQLITE_READONLY)
		return (error);
	(void)sqlite3_close(db->sql);
	db->sql = NULL;
	if (sqlite3_open_v2(db->path, &db->sql, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		return (sql_error(db, err));
	(void)sqlite3_busy_timeout(db->sql, BUSY_MS);
	return (check_schema(db, err));
}

/* Standard input, which SQLite cannot open, as a database in memory. */
static int
open_input(struct database *db, struct eph_err *err)
{
	const unsigned how =
	    SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY;
	FILE *f = input_file("-");
	unsigned char *data = NULL;
	long n;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0 ||
	    fseek(f, 0, SEEK_SET) != 0 ||
	    (data = sqlite3_malloc64((sqlite3_uint64)n + 1)) == NULL ||
	    fread(data, 1, (size_t)n, f) != (size_t)n) {
		const int error = errno != 0 ? errno : EIO;

		sqlite3_free(data);
		if (f != NULL)
			(void)fclose(f);
		return (eph_err_set(
		    err, error, "standard input: %s", strerror(error)));
	}
	(void)fclose(f);
	if (sqlite3_open(":memory:", &db->sql) != SQLITE_OK) {
		sqlite3_free(data);
		return (sql_error(db, err));
	}
	if (sqlite3_deserialize(db->sql, "main", data, n, n, how) != SQLITE_OK)
		return (sql_error(db, err));
	return (check_schema(db, err));
}

static int
open_writer(struct database *db, struct eph_err *err)
{
	if (sqlite3_open_v2(db->path, &db->sql, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		return (sql_error(db, err));
	(void)sqlite3_busy_timeout(db->sql, BUSY_MS);
	return (prepare_writer(db, err));
}

int
db_open(const char *path, bool write, struct database *db, struct eph_err *err)
{
	struct stat st;
	int error = 0;

	memset(db, 0, sizeof(*db));
	db->lock = -1;
	db->path = must_copy(path, strlen(path));
	if (!write && strcmp(path, "-") == 0)
		error = open_input(db, err);
	else if (!write && stat(path, &st) != 0)
		error =
		    eph_err_set(err, errno, "%s: %s", path, strerror(errno));
	else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		error = eph_err_set(
		    err, EISDIR, "%s: is a directory; expected a file", path);
	else if (write)
		error = take_lock(db, err);
	if (error == 0 && db->sql == NULL)
		error = write ? open_writer(db, err) : open_reader(db, err);
	if (error == 0 && !write)
		error = check_whole(db, err);
	if (error != 0)
		db_close(db);
	return (error);
}

void
db_close(struct database *db)
{
	(void)sqlite3_finalize(db->put);
	(void)sqlite3_finalize(db->have);
	/* One file again, that can be copied. */
	if (db->lock >= 0 && db->sql != NULL)
		(void)sqlite3_exec(
		    db->sql, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	(void)sqlite3_close(db->sql);
	if (db->lock >= 0)
		(void)close(db->lock);
	free(db->path);
	memset(db, 0, sizeof(*db));
	db->lock = -1;
}

static void
bind(sqlite3_stmt *stmt, int at, const struct value *v)
{
	switch (v->kind) {
	case VALUE_WHOLE:
		(void)sqlite3_bind_int64(stmt, at, (sqlite3_int64)v->u.whole);
		break;
	case VALUE_REAL:
		(void)sqlite3_bind_double(stmt, at, v->u.real);
		break;
	case VALUE_BOOL:
		(void)sqlite3_bind_int(stmt, at, v->u.yes);
		break;
	case VALUE_TEXT:
		(void)sqlite3_bind_text(
		    stmt, at, v->u.text, -1, SQLITE_TRANSIENT);
		break;
	default:
		(void)sqlite3_bind_null(stmt, at);
		break;
	}
}

int
db_input(struct database *db, const struct db_input *in, int64_t *idp,
    struct eph_err *err)
{
	static const char add[] =
	    "INSERT OR IGNORE INTO input (kind, digest, name, refs, pages, "
	    "cpus, duration_ns) VALUES (?, ?, ?, ?, ?, ?, ?)";
	static const char find[] =
	    "SELECT id FROM input WHERE kind = ? AND digest = ?";
	const struct value v[] = { value_text(
				       in->workload ? "workload" : "trace"),
		value_text(in->digest), value_text(in->name),
		value_whole(in->references), value_whole(in->pages),
		value_whole(in->cpus), value_whole(in->duration_ns) };
	sqlite3_stmt *stmt;
	int error = 0;

	if (sqlite3_prepare_v2(db->sql, add, -1, &stmt, NULL) != SQLITE_OK)
		return (sql_error(db, err));
	for (int i = 0; i < 7; i++)
		bind(stmt, i + 1, &v[i]);
	if (sqlite3_step(stmt) != SQLITE_DONE)
		error = sql_error(db, err);
	(void)sqlite3_finalize(stmt);
	if (error != 0)
		return (error);
	if (sqlite3_prepare_v2(db->sql, find, -1, &stmt, NULL) != SQLITE_OK)
		return (sql_error(db, err));
	for (int i = 0; i < 2; i++)
		bind(stmt, i + 1, &v[i]);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		*idp = sqlite3_column_int64(stmt, 0);
	else
		error = sql_error(db, err);
	(void)sqlite3_finalize(stmt);
	return (error);
}

int
db_command(struct database *db, const char *text, struct eph_err *err)
{
	sqlite3_stmt *stmt;
	int error = 0;

	if (sqlite3_prepare_v2(db->sql,
		"INSERT OR IGNORE INTO command (text) VALUES (?)", -1, &stmt,
		NULL) != SQLITE_OK)
		return (sql_error(db, err));
	(void)sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
	if (sqlite3_step(stmt) != SQLITE_DONE)
		error = sql_error(db, err);
	(void)sqlite3_finalize(stmt);
	return (error);
}

/* Is there a table of runs?  It is made with the first. */
static bool
has_runs(struct database *db)
{
	return (
	    db_number(db,
		"SELECT count(*) FROM sqlite_master WHERE name = 'run'") > 0);
}

int
db_have(struct database *db, const char *cell, struct eph_err *err)
{
	int found;

	if (db->have == NULL && !has_runs(db))
		return (0);
	if (db->have == NULL &&
	    sqlite3_prepare_v2(db->sql, "SELECT 1 FROM run WHERE cell = ?", -1,
		&db->have, NULL) != SQLITE_OK)
		return (-sql_error(db, err));
	(void)sqlite3_bind_text(db->have, 1, cell, -1, SQLITE_STATIC);
	found = sqlite3_step(db->have);
	(void)sqlite3_reset(db->have);
	if (found != SQLITE_ROW && found != SQLITE_DONE)
		return (-sql_error(db, err));
	return (found == SQLITE_ROW);
}

/* "a, b, c" with something before each. */
static void
add_columns(char *sql, const struct record *r, const char *after, size_t *np)
{
	for (size_t i = 0; i < r->n; i++) {
		const size_t n = strlen(sql);

		(void)snprintf(sql + n, SQL_MAX - n, "%s\"%s\"%s",
		    (*np)++ > 0 ? ", " : "", r->field[i].key, after);
		after = "";
	}
}

/* The table of runs has the columns of the first one; the first is its key. */
static int
create_runs(struct database *db, const struct record *more,
    const struct record *line, struct eph_err *err)
{
	char *sql = must_alloc(NULL, SQL_MAX, 1);
	size_t n = 0, columns = 0;
	int error;

	n = (size_t)snprintf(sql, SQL_MAX, "CREATE TABLE run (");
	add_columns(sql, more, " TEXT PRIMARY KEY NOT NULL", &columns);
	add_columns(sql, line, "", &columns);
	n = strlen(sql);
	(void)snprintf(sql + n, SQL_MAX - n, ") WITHOUT ROWID;%s", view);
	error = sql_run(db, "BEGIN IMMEDIATE", err);
	if (error == 0 && (error = sql_run(db, sql, err)) == 0)
		error = sql_run(db, "COMMIT", err);
	free(sql);
	return (error);
}

static int
prepare_put(struct database *db, const struct record *more,
    const struct record *line, struct eph_err *err)
{
	char *sql;
	size_t n, columns = 0;
	int error = 0;

	if (!has_runs(db) && (error = create_runs(db, more, line, err)) != 0)
		return (error);
	sql = must_alloc(NULL, SQL_MAX, 1);
	(void)snprintf(sql, SQL_MAX, "INSERT INTO run (");
	add_columns(sql, more, "", &columns);
	add_columns(sql, line, "", &columns);
	n = strlen(sql);
	n += (size_t)snprintf(sql + n, SQL_MAX - n, ") VALUES (");
	for (size_t i = 0; i < columns; i++)
		n += (size_t)snprintf(
		    sql + n, SQL_MAX - n, "%s?", i > 0 ? ", " : "");
	(void)snprintf(sql + n, SQL_MAX - n, ")");
	if (sqlite3_prepare_v2(db->sql, sql, -1, &db->put, NULL) != SQLITE_OK)
		error = sql_error(db, err);
	free(sql);
	return (error);
}

int
db_put(struct database *db, const struct record *more,
    const struct record *line, struct eph_err *err)
{
	int at = 0, error = 0;

	if (db->put == NULL && (error = prepare_put(db, more, line, err)) != 0)
		return (error);
	for (size_t i = 0; i < more->n; i++)
		bind(db->put, ++at, &more->field[i].value);
	for (size_t i = 0; i < line->n; i++)
		bind(db->put, ++at, &line->field[i].value);
	if (sqlite3_step(db->put) != SQLITE_DONE)
		error = sql_error(db, err);
	(void)sqlite3_reset(db->put);
	return (error);
}

int
db_query(struct database *db, const char *sql,
    bool (*each)(void *arg, sqlite3_stmt *row), void *arg, struct eph_err *err)
{
	sqlite3_stmt *row;
	const char *rest;
	int status = SQLITE_DONE;

	if (sqlite3_prepare_v2(db->sql, sql, -1, &row, &rest) != SQLITE_OK)
		return (sql_error(db, err));
	if (row == NULL || rest[strspn(rest, " \t\n;")] != '\0') {
		(void)sqlite3_finalize(row);
		return (eph_err_set(err, EINVAL,
		    "%s: expected one statement, got \"%s\"", db->path, sql));
	}
	while ((status = sqlite3_step(row)) == SQLITE_ROW && each(arg, row))
		;
	if (status != SQLITE_ROW && status != SQLITE_DONE)
		(void)sql_error(db, err);
	(void)sqlite3_finalize(row);
	return (status == SQLITE_ROW || status == SQLITE_DONE ? 0 : EIO);
}

struct value
db_value(sqlite3_stmt *row, int column)
{
	switch (sqlite3_column_type(row, column)) {
	case SQLITE_INTEGER:
		return (
		    value_whole((uint64_t)sqlite3_column_int64(row, column)));
	case SQLITE_FLOAT:
		return (value_real(sqlite3_column_double(row, column)));
	case SQLITE_NULL:
		return (value_none());
	default:
		return (
		    value_text((const char *)sqlite3_column_text(row, column)));
	}
}

/* Merging: `other' is attached. */

/* The columns of `run' but `input', for a comparison. */
static bool
add_column(void *arg, sqlite3_stmt *row)
{
	char *list = arg;
	const size_t n = strlen(list);

	(void)snprintf(list + n, SQL_MAX - n, "%s\"%s\"", n > 0 ? ", " : "",
	    (const char *)sqlite3_column_text(row, 0));
	return (true);
}

static int
merge_runs(struct database *db, const char *path, char *columns, char *sql,
    size_t *newp, struct eph_err *err)
{
	int64_t differ;
	int error;

	error = db_query(db,
	    "SELECT name FROM pragma_table_info('run', 'other') "
	    "WHERE name <> 'input'",
	    add_column, columns, err);
	if (error != 0)
		return (error);
	(void)snprintf(sql, SQL_MAX,
	    "SELECT count(*) FROM (SELECT %s FROM other.run WHERE cell IN "
	    "(SELECT cell FROM main.run) EXCEPT SELECT %s FROM main.run)",
	    columns, columns);
	if ((differ = db_number(db, sql)) < 0)
		return (sql_error(db, err));
	if (differ > 0)
		return (eph_err_set(err, EEXIST,
		    "%s: %" PRId64 " results differ from those of %s for the "
		    "same cells; `ephmap diff' shows them",
		    path, differ, db->path));
	(void)snprintf(sql, SQL_MAX,
	    "INSERT OR IGNORE INTO main.run (input, %s) SELECT (SELECT m.id "
	    "FROM main.input m, other.input o WHERE o.id = r.input AND "
	    "m.kind = o.kind AND m.digest = o.digest), %s FROM other.run r",
	    columns, columns);
	if ((error = sql_run(db, sql, err)) == 0)
		*newp = (size_t)sqlite3_changes(db->sql);
	return (error);
}

/* The table of runs, as the other file has it. */
static int
copy_schema(struct database *db, struct eph_err *err)
{
	sqlite3_stmt *row;
	char *sql = NULL;
	int error = 0;

	if (has_runs(db))
		return (0);
	if (sqlite3_prepare_v2(db->sql,
		"SELECT sql FROM other.sqlite_master WHERE name = 'run'", -1,
		&row, NULL) != SQLITE_OK)
		return (sql_error(db, err));
	if (sqlite3_step(row) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(row, 0);

		sql = must_copy(text, strlen(text));
	}
	(void)sqlite3_finalize(row);
	if (sql != NULL && (error = sql_run(db, sql, err)) == 0)
		error = sql_run(db, view, err);
	free(sql);
	return (error);
}

static int
merge_attached(
    struct database *db, const char *path, size_t *newp, struct eph_err *err)
{
	char *columns, *sql;
	int error;

	*newp = 0;
	if (db_number(db,
		"SELECT count(*) FROM other.sqlite_master WHERE name = "
		"'run'") == 0)
		return (0);
	if ((error = copy_schema(db, err)) != 0)
		return (error);
	error = sql_run(db,
	    "INSERT OR IGNORE INTO main.input (name, digest, kind, refs, "
	    "pages, cpus, duration_ns) SELECT name, digest, kind, refs, pages, "
	    "cpus, duration_ns FROM other.input ORDER BY id;"
	    "INSERT OR IGNORE INTO main.command SELECT * FROM other.command",
	    err);
	if (error != 0)
		return (error);
	columns = must_alloc(NULL, SQL_MAX, 1);
	sql = must_alloc(NULL, SQL_MAX, 1);
	columns[0] = '\0';
	error = merge_runs(db, path, columns, sql, newp, err);
	free(columns);
	free(sql);
	return (error);
}

int
db_merge(
    struct database *db, const char *path, size_t *newp, struct eph_err *err)
{
	struct database other;
	sqlite3_stmt *attach;
	int error;

	/* It says what is wrong with a file that is none of ours. */
	if ((error = db_open(path, false, &other, err)) != 0)
		return (error);
	db_close(&other);
	if (sqlite3_prepare_v2(
		db->sql, "ATTACH ? AS other", -1, &attach, NULL) != SQLITE_OK)
		return (sql_error(db, err));
	(void)sqlite3_bind_text(attach, 1, path, -1, SQLITE_STATIC);
	if (sqlite3_step(attach) != SQLITE_DONE)
		error = sql_error(db, err);
	(void)sqlite3_finalize(attach);
	if (error == 0 && (error = sql_run(db, "BEGIN IMMEDIATE", err)) == 0) {
		error = merge_attached(db, path, newp, err);
		(void)sqlite3_exec(db->sql, error == 0 ? "COMMIT" : "ROLLBACK",
		    NULL, NULL, NULL);
	}
	(void)sqlite3_exec(db->sql, "DETACH other", NULL, NULL, NULL);
	return (error);
}
