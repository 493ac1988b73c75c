/*
 * saved_query.c
 *	  Queries over SPI whose plans live as long as the process.  PostgreSQL
 *	  makes a plan anew by itself when what it names has changed.
 *
 * SPI returns in the memory of the whole SPI connection; from here one returns
 * in the memory that was current, so that what follows a query is freed with it.
 */
#include "postgres.h"

#include "utils/array.h"
#include "utils/lsyscache.h"

#include "saved_query.h"

static void
prepare(SavedQuery *query)
{
	SPIPlanPtr	plan;
	int			options = query->read_only ? CURSOR_OPT_PARALLEL_OK : 0;
	bool		has_array = false;

	if (query->plan != NULL)
		return;
	/*
	 * How long an array is decides the plan; a look-up by keys needs but one,
	 * and one that walks the index, which forgets dead rows as it goes.
	 */
	for (int i = 0; i < query->nargs; i++)
		has_array |= type_is_array(query->types[i]);
	if (query->custom)
		options |= CURSOR_OPT_CUSTOM_PLAN;
	else if (!has_array)
		options |= CURSOR_OPT_GENERIC_PLAN | CURSOR_OPT_FAST_PLAN;
	plan = SPI_prepare_cursor(query->text, query->nargs, query->types, options);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	query->plan = plan;
}

static void
expect_rows(int result)
{
	if (result != SPI_OK_SELECT)
		elog(ERROR, "SPI failed: %s", SPI_result_code_string(result));
}

/*
 * Run a SELECT; SPI must be connected, and its rows are in SPI_tuptable.  A
 * null argument has 'n' in nulls; NULL nulls means that none is.
 */
void
saved_query_run(SavedQuery *query, Datum *values, const char *nulls)
{
	MemoryContext memory = CurrentMemoryContext;

	prepare(query);
	expect_rows(SPI_execute_plan(query->plan, values, nulls, query->read_only, 0));
	MemoryContextSwitchTo(memory);
}

/* Run an INSERT, UPDATE or DELETE without RETURNING; SPI must be connected. */
void
saved_query_write(SavedQuery *query, Datum *values, const char *nulls)
{
	MemoryContext memory = CurrentMemoryContext;
	int			result;

	prepare(query);
	result = SPI_execute_plan(query->plan, values, nulls, false, 0);
	if (result < 0)
		elog(ERROR, "SPI failed: %s", SPI_result_code_string(result));
	MemoryContextSwitchTo(memory);
}

/* The only value of the only row of the last query. */
Datum
saved_query_value(bool *isnull)
{
	if (SPI_processed != 1)
		elog(ERROR, "expected one row, got " UINT64_FORMAT, SPI_processed);
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
}

/* Open a cursor on a SELECT, with no null argument: fetch from it and close it with SPI. */
Portal
saved_query_cursor(SavedQuery *query, Datum *values)
{
	MemoryContext memory = CurrentMemoryContext;
	Portal		cursor;

	prepare(query);
	cursor = SPI_cursor_open(NULL, query->plan, values, NULL, query->read_only);
	MemoryContextSwitchTo(memory);
	return cursor;
}

/* Let the plan go; the next run makes it anew. */
void
saved_query_forget(SavedQuery *query)
{
	if (query->plan != NULL)
		SPI_freeplan(query->plan);
	query->plan = NULL;
}

/*
 * Say the type of an argument, from 0, which only the catalogue knows; a
 * plan made for another one goes.
 */
void
saved_query_set_type(SavedQuery *query, int argument, Oid type)
{
	if (query->types[argument] == type)
		return;
	query->types[argument] = type;
	saved_query_forget(query);
}

/* Run a SELECT under a snapshot of the caller's, with no null argument. */
void
saved_query_run_at(SavedQuery *query, Datum *values, Snapshot snapshot)
{
	MemoryContext memory = CurrentMemoryContext;

	prepare(query);
	expect_rows(SPI_execute_snapshot(query->plan, values, NULL, snapshot,
									 InvalidSnapshot, true, false, 0));
	MemoryContextSwitchTo(memory);
}

/* Values, of which some may be NULL, as an array for a query's argument. */
Datum
saved_query_array(Datum *values, bool *nulls, int count, Oid type, int length, bool by_value, char align)
{
	int			lower = 1;

	return PointerGetDatum(construct_md_array(values, nulls, 1, &count, &lower, type, length, by_value, align));
}
