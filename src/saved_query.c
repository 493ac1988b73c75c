/*
 * saved_query.c
 *	  Queries over SPI whose plans live as long as the process.  PostgreSQL
 *	  makes a plan anew by itself when what it names has changed.
 */
#include "postgres.h"

#include "saved_query.h"

static void
prepare(SavedQuery *query)
{
	SPIPlanPtr	plan;

	if (query->plan != NULL)
		return;
	plan = SPI_prepare(query->text, query->nargs, query->types);
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
	prepare(query);
	expect_rows(SPI_execute_plan(query->plan, values, nulls, query->read_only, 0));
}

/* The same under a snapshot of the caller's, with no null argument. */
void
saved_query_run_at(SavedQuery *query, Datum *values, Snapshot snapshot)
{
	prepare(query);
	expect_rows(SPI_execute_snapshot(query->plan, values, NULL, snapshot,
									 InvalidSnapshot, true, false, 0));
}
