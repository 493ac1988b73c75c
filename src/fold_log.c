/*
 * fold_log.c
 *	  Takes in the differences of a project's log: what creators gain is
 *	  written one creator after the other, what project and campaigns gain by
 *	  it gathers in memory; and deletes what was applied.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "fold.h"

/* Rows of the log fetched at a time. */
#define FETCHED 1000

static SavedQuery differences_query = {
	.text = "SELECT id, creator_id, video_id, campaign_id, differences FROM trackagoat.total_difference"
	" WHERE project_id = $1 AND org_id = $2 ORDER BY creator_id, video_id",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery delete_query = {
	.text = "DELETE FROM trackagoat.total_difference WHERE id = ANY ($1) AND org_id = $2",
	.nargs = 2, .types = {INT8ARRAYOID, UUIDOID}
};

/* The rows of the log that belong to one creator, or to none. */
typedef struct CreatorFold
{
	pg_uuid_t	id;
	bool		has_creator;
	bool		was_counted;	/* project and campaigns have folded it in */
	bool		is_counted;		/* they are to */
	Total		total;
	DaySums    *days;
	int			video;			/* the held video at hand, -1 for none */
	DaySums    *video_days;
} CreatorFold;

/* Add days to campaigns. */
static void
add_to_campaigns(Fold *fold, const Bitmapset *campaigns, const DaySums *days)
{
	int			campaign = -1;

	while ((campaign = bms_next_member(campaigns, campaign)) >= 0)
	{
		if (fold->campaign[campaign] == NULL)
			fold->campaign[campaign] = day_sums_of_all(TOTAL_WIDTH);
		day_sums_merge(fold->campaign[campaign], days);
	}
}

/*
 * A video that campaigns hold themselves, done: those that do not hold its
 * creator as well gain by it, if it counts.
 */
static void
finish_video(Fold *fold, CreatorFold *at, const Bitmapset *above_creator)
{
	Bitmapset  *above;
	int64		sum[TOTAL_WIDTH] = {0};

	if (at->video < 0)
		return;
	above = graph_above(fold->graph, fold->graph->video[at->video].holders);
	day_sums_add_all(at->video_days, sum);
	if (sum[TOTAL_POSTS] != 0)
		fold->recount = bms_add_members(fold->recount, above);
	/* what was folded of it went with the creator, to whom it may no longer belong */
	if (at->was_counted != at->is_counted)
		fold->stale = bms_add_members(fold->stale, above);
	above = bms_del_members(above, above_creator);
	if (at->is_counted)
		add_to_campaigns(fold, above, at->video_days);
	bms_free(above);
	day_sums_free(at->video_days);
	at->video = -1;
	at->video_days = NULL;
}

/* A creator whose place in the totals changes makes campaigns stale. */
static void
mark_stale_around(Fold *fold, int creator)
{
	GraphCreator *node = &fold->graph->creator[creator];
	Bitmapset  *holders = bms_copy(node->holders);

	for (int video = node->last_video; video >= 0; video = fold->graph->video[video].next_video)
		holders = bms_add_members(holders, fold->graph->video[video].holders);
	fold->stale = bms_join(fold->stale, graph_above(fold->graph, holders));
	bms_free(holders);
}

/* Write a creator's row and days, in memory that the caller resets. */
static void
store_creator(Fold *fold, Datum id, Total *total, bool is_counted_now, const DaySums *days)
{
	total->is_counted = is_counted_now;
	total->timezone = fold->timezone;
	total_add_life(total->life, days);
	if (!is_counted_now && total->life[LIFE_VIDEOS] == 0)
	{
		/* deleted, or removed without a video: nothing is left of it */
		total_remove("creator", id, fold->org);
		return;
	}
	total_store("creator", id, fold->org, fold->project, total);
	total_store_days("creator", id, fold->org, days, false);
}

/* Begin with the rows of a creator, or NULL for those of none; answers all campaigns that hold it. */
static Bitmapset *
begin_creator(Fold *fold, CreatorFold *at, const pg_uuid_t *creator)
{
	MemoryContext old_context;
	int			number;

	memset(at, 0, sizeof(*at));
	at->video = -1;
	at->days = day_sums_of_all(TOTAL_WIDTH);
	at->was_counted = at->is_counted = true;
	if (creator == NULL)
		return NULL;
	at->id = *creator;
	at->has_creator = true;
	old_context = MemoryContextSwitchTo(fold->scratch);
	at->total = total_load("creator", UUIDPGetDatum(&at->id), fold->org, true);
	MemoryContextSwitchTo(old_context);
	at->is_counted = id_set_has(fold->counted, &at->id);
	at->was_counted = at->total.exists ? at->total.is_counted : at->is_counted;
	number = graph_creator(fold->graph, &at->id);
	return number < 0 ? NULL : graph_above(fold->graph, fold->graph->creator[number].holders);
}

/* A creator done: its own row, and what project and campaigns gain by it. */
static void
finish_creator(Fold *fold, CreatorFold *at, Bitmapset *above)
{
	Datum		id = UUIDPGetDatum(&at->id);
	MemoryContext old_context;

	if (at->days == NULL)
		return;
	if (at->was_counted != at->is_counted)
	{
		int			creator = graph_creator(fold->graph, &at->id);
		DaySums    *folded = day_sums_of_all(TOTAL_WIDTH);

		if (creator >= 0)
			mark_stale_around(fold, creator);
		total_load_days("creator", id, fold->org, FIRST_DAY, true, folded, at->was_counted ? -1 : 1);
		day_sums_merge(fold->project_days, folded);
		day_sums_free(folded);
	}
	if (at->is_counted)
	{
		day_sums_merge(fold->project_days, at->days);
		add_to_campaigns(fold, above, at->days);
	}
	if (at->has_creator)
	{
		old_context = MemoryContextSwitchTo(fold->scratch);
		store_creator(fold, id, &at->total, at->is_counted, at->days);
		MemoryContextSwitchTo(old_context);
	}
	MemoryContextReset(fold->scratch);
	bms_free(above);
	day_sums_free(at->days);
	at->days = NULL;
}

/* Take in one row of the log. */
static void
take_difference(Fold *fold, CreatorFold *at, Bitmapset **above, HeapTuple tuple, TupleDesc tupdesc)
{
	Datum		value[5];
	bool		isnull[5];
	Series	   *differences;
	int			video;
	int			campaign;
	pg_uuid_t  *creator;

	for (int i = 0; i < 5; i++)
		value[i] = SPI_getbinval(tuple, tupdesc, i + 1, &isnull[i]);
	if (!isnull[3])
	{
		campaign = graph_campaign(fold->graph, DatumGetUUIDP(value[3]));
		if (campaign >= 0)
			fold->stale = bms_add_member(fold->stale, campaign);
		else
			total_remove("campaign", value[3], fold->org);
		return;
	}
	if (isnull[1] && isnull[2])
	{
		fold->rebuild = true;
		return;
	}

	creator = isnull[1] ? NULL : DatumGetUUIDP(value[1]);
	if (at->days == NULL || at->has_creator != (creator != NULL) ||
		(creator != NULL && memcmp(&at->id, creator, UUID_LEN) != 0))
	{
		finish_video(fold, at, *above);
		finish_creator(fold, at, *above);
		*above = begin_creator(fold, at, creator);
	}
	if (isnull[2])
	{
		/* removed, restored or deleted */
		fold->recount = bms_add_members(fold->recount, *above);
		return;
	}
	if (isnull[4])
		return;
	differences = (Series *) PG_DETOAST_DATUM_PACKED(value[4]);
	day_sums_add_amounts(at->days, fold->calendar, differences, 1);
	video = graph_video(fold->graph, DatumGetUUIDP(value[2]));
	if (video != at->video)
		finish_video(fold, at, *above);
	if (video >= 0)
	{
		if (at->video_days == NULL)
			at->video_days = day_sums_of_all(TOTAL_WIDTH);
		at->video = video;
		day_sums_add_amounts(at->video_days, fold->calendar, differences, 1);
	}
	if (differences != (Series *) DatumGetPointer(value[4]))
		pfree(differences);
}

/* Delete rows of the log that are applied. */
static void
delete_applied(Fold *fold, Datum *ids, int count)
{
	Datum		values[2];

	values[0] = PointerGetDatum(construct_array(ids, count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[1] = fold->org;
	saved_query_write(&delete_query, values, NULL);
	if (SPI_processed != (uint64) count)
		elog(ERROR, "applied %d differences, but deleted " UINT64_FORMAT, count, SPI_processed);
	pfree(DatumGetPointer(values[0]));
	fold->applied += count;
}

/* Read the log, apply it to creators and to what gathers in memory, and delete it. */
void
fold_take_differences(Fold *fold)
{
	Datum		values[2] = {fold->project, fold->org};
	Portal		cursor = saved_query_cursor(&differences_query, values);
	CreatorFold at = {.video = -1};
	Bitmapset  *above = NULL;

	for (;;)
	{
		SPITupleTable *table;
		int			rows;
		Datum		ids[FETCHED];
		bool		isnull;

		SPI_cursor_fetch(cursor, true, FETCHED);
		table = SPI_tuptable;
		rows = (int) SPI_processed;
		if (rows == 0)
			break;
		for (int i = 0; i < rows; i++)
		{
			CHECK_FOR_INTERRUPTS();
			take_difference(fold, &at, &above, table->vals[i], table->tupdesc);
			ids[i] = SPI_getbinval(table->vals[i], table->tupdesc, 1, &isnull);
		}
		delete_applied(fold, ids, rows);
		SPI_freetuptable(table);
	}
	SPI_cursor_close(cursor);
	finish_video(fold, &at, above);
	finish_creator(fold, &at, above);
}
