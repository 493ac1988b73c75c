/*
 * goal_rows.c
 *	  Reads rows of many creators, and hands them on one by one.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "goal_rows.h"

/* Rows fetched at a time. */
#define FETCHED 1000
/* A lifetime has most columns. */
#define MAX_COLUMNS (2 + VIDEO_COUNTERS)

static SavedQuery most_query = {
	.text = "SELECT count(*) FROM trackagoat.creator c WHERE c.org_id = $1",
	.read_only = true, .nargs = 1, .types = {UUIDOID}
};

/* Run a query and hand on its rows, in memory that is reset after some. */
void
for_each_row(Goals *goals, SavedQuery *query, Datum *values, TakeRow take, void *state)
{
	Portal		cursor = saved_query_cursor(query, values);
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "trackagoat goal rows", ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		MemoryContext old_context;

		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(cursor, true, FETCHED);
		if (SPI_processed == 0)
			break;
		old_context = MemoryContextSwitchTo(memory);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			Datum		value[MAX_COLUMNS];
			bool		isnull[MAX_COLUMNS];

			heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, value, isnull);
			take(goals, state, value, isnull);
		}
		MemoryContextSwitchTo(old_context);
		MemoryContextReset(memory);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(cursor);
	MemoryContextDelete(memory);
}

/* The ids of the creators that are chosen; NULL for none. */
ArrayType *
chosen_creators(const Goals *goals, ChooseCreator choose)
{
	Datum	   *ids = palloc(sizeof(Datum) * Max(goals->creator_count, 1));
	int			count = 0;

	for (int i = 0; i < goals->creator_count; i++)
	{
		if (choose(goals, &goals->creator[i]))
			ids[count++] = UUIDPGetDatum(&goals->creator[i].id);
	}
	return count == 0 ? NULL : construct_array(ids, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
}

/* for_each_row() of chosen creators: values[0] is for their ids; rows of others are to be passed over. */
void
for_each_creator_row(Goals *goals, CreatorsQuery *query, ArrayType *creators, Datum *values, TakeRow take)
{
	values[0] = PointerGetDatum(creators);
	for_each_row(goals, goals->are_most ? &query->all : &query->some, values, take, NULL);
}

/* Has a creator a goal of one of these types, a bit each? */
bool
has_goal_of(const Goals *goals, const GoalCreator *creator, int types)
{
	for (int i = 0; i < creator->count; i++)
	{
		if (types >> goals->goal[creator->first + i].type & 1)
			return true;
	}
	return false;
}

/* Do the goals' creators make up most of their organization? */
void
goals_find_most(Goals *goals)
{
	bool		isnull;

	if (goals->creator_count <= MANY_CREATORS)
		return;
	saved_query_run(&most_query, &goals->org, NULL);
	goals->are_most = goals->creator_count >=
		DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) / 4;
}
