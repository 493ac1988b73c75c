/*
 * bulk.c
 *	  Statements of the verbs for many rows at once, whose triggers stand back.
 *
 * A trigger for each row of ten thousand costs several times what the rows
 * cost.  So add_creators() and review_videos(), and store.c for what a page
 * brings in, check and write set by set what the triggers of these statements
 * would row by row; in_bulk() tells these triggers so.  Only the statements here
 * are in bulk, not what triggers of others do within them; a default that the
 * tables' owner gives a column must not write to the same tables.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "bulk.h"
#include "differences.h"
#include "saved_query.h"
#include "scrape_target.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(in_bulk);
PG_FUNCTION_INFO_V1(insert_creators);
PG_FUNCTION_INFO_V1(update_video_status);

/* How deep in triggers the statement runs that is in bulk; -1 for none. */
static int	bulk_depth = -1;

/* In the order of handles, so that two calls do not wait for each other crosswise; ids rise in the order given. */
#define INSERT_CREATORS(on_conflict) \
	"INSERT INTO trackagoat.creator (id, org_id, project_id, tiktok_handle, tracking_mode, tracking_start_date)" \
	" SELECT n.id, $1, $2, n.handle, (SELECT $4::trackagoat.tracking_mode), $5" \
	" FROM (SELECT trackagoat.uuidv7() AS id, w.handle FROM unnest($3) WITH ORDINALITY w (handle, place) ORDER BY w.place) n" \
	" ORDER BY n.handle " on_conflict " RETURNING id, tiktok_handle"

/* The plain one, and the careful one, which steps over those that others add meanwhile. */
static SavedQuery insert_query[] = {
	{
		.text = INSERT_CREATORS(""),
		.custom = true, .nargs = 5, .types = {UUIDOID, UUIDOID, InvalidOid, TEXTOID, DATEOID}
	},
	{
		.text = INSERT_CREATORS("ON CONFLICT DO NOTHING"),
		.custom = true, .nargs = 5, .types = {UUIDOID, UUIDOID, InvalidOid, TEXTOID, DATEOID}
	}
};

/* What creator_added() and creator_adopt() do of each. */
static SavedQuery added_query = {
	.text = "INSERT INTO trackagoat.creator_event (org_id, project_id, creator_id, kind, detail)"
	" SELECT $1, $2, c.id, 'added', jsonb_build_object('tiktok_handle', c.handle::text, 'tracking_mode', $5)"
	" FROM unnest($3, $4) c (id, handle)",
	.custom = true, .nargs = 5, .types = {UUIDOID, UUIDOID, UUIDARRAYOID, InvalidOid, TEXTOID}
};

static SavedQuery adopt_query = {
	.text = "UPDATE trackagoat.video v SET creator_id = c.id FROM unnest($3, $4) c (id, handle)"
	" WHERE v.project_id = $2 AND v.org_id = $1 AND v.tiktok_handle = c.handle AND v.creator_id IS NULL",
	.custom = true, .nargs = 4, .types = {UUIDOID, UUIDOID, UUIDARRAYOID, InvalidOid}
};

/* Answers of each what its totals gain or lose by it; where others change more than the status, a trigger logs it all. */
static SavedQuery update_query = {
	.text = "UPDATE trackagoat.video v SET tracking_status = $2::trackagoat.tracking_status, updated_at = now()"
	" FROM (SELECT w.id, w.org_id, w.tracking_status, w.creator_id, w.project_id, w.posted_at FROM trackagoat.video w"
	"  WHERE w.id = ANY ($1) AND $2::trackagoat.tracking_status = ANY (trackagoat.status_goes_to(w.tracking_status))"
	"  ORDER BY w.id FOR NO KEY UPDATE) c"
	" WHERE v.id = c.id AND v.org_id = c.org_id"
	" RETURNING v.id, v.org_id, v.project_id, v.creator_id, trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id),"
	"  CASE WHEN (v.creator_id, v.project_id, v.posted_at) IS NOT DISTINCT FROM (c.creator_id, c.project_id, c.posted_at)"
	"   THEN trackagoat.status_counts(v.tracking_status)::integer - trackagoat.status_counts(c.tracking_status)::integer ELSE 0 END",
	.custom = true, .nargs = 2, .types = {UUIDARRAYOID, TEXTOID}
};

static int
trigger_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

/* in_bulk(): does the statement at hand do what its triggers would? */
Datum
in_bulk(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(bulk_depth >= 0 && trigger_depth() == bulk_depth);
}

/* Run a statement in bulk; SPI must be connected, and its rows are in SPI_tuptable. */
void
run_in_bulk(SavedQuery *query, Datum *values, const char *nulls)
{
	int			before = bulk_depth;

	bulk_depth = trigger_depth();
	PG_TRY();
	{
		saved_query_write(query, values, nulls);
	}
	PG_FINALLY();
	{
		bulk_depth = before;
	}
	PG_END_TRY();
}

/* A column that a statement answered, as an array in a context of the caller's. */
static ArrayType *
answered_array(SPITupleTable *table, uint64 count, int column, Oid type, int length, char align, MemoryContext memory)
{
	MemoryContext old_context = MemoryContextSwitchTo(memory);
	Datum	   *values = palloc(sizeof(Datum) * Max(count, 1));
	ArrayType  *result;
	bool		isnull;

	for (uint64 i = 0; i < count; i++)
		values[i] = SPI_getbinval(table->vals[i], table->tupdesc, column, &isnull);
	result = construct_array(values, (int) count, type, length, false, align);
	pfree(values);
	MemoryContextSwitchTo(old_context);
	return result;
}

/*
 * insert_creators(org_id, project_id, handles, tracking_mode, start_date,
 * careful): the ids of those that were not there, after which the change log,
 * the jobs and videos that came before them follow.  The caller has checked
 * the handles.  Where others added some of them meanwhile, this raises
 * unique_violation, unless it is told to be careful, which takes longer.
 */
Datum
insert_creators(PG_FUNCTION_ARGS)
{
	MemoryContext memory = CurrentMemoryContext;
	Datum		values[5];
	Oid			array_type = get_fn_expr_argtype(fcinfo->flinfo, 2);
	Oid			type = get_element_type(array_type);
	SPITupleTable *table;
	int			count;
	ArrayType  *ids;
	ArrayType  *added;
	Datum	   *handles;
	bool		careful = PG_GETARG_BOOL(5);
	SavedQuery *insert = &insert_query[careful];

	for (int i = 0; i < 5; i++)
		values[i] = PG_GETARG_DATUM(i);
	SPI_connect();
	saved_query_set_type(insert, 2, array_type);
	run_in_bulk(insert, values, NULL);
	table = SPI_tuptable;
	count = (int) SPI_processed;
	ids = answered_array(table, count, 1, UUIDOID, UUID_LEN, TYPALIGN_CHAR, memory);
	/* a handle is stored as a text is */
	added = answered_array(table, count, 2, type, -1, TYPALIGN_INT, CurrentMemoryContext);
	if (count > 0)
	{
		values[4] = values[3];
		values[2] = PointerGetDatum(ids);
		values[3] = PointerGetDatum(added);
		saved_query_set_type(&added_query, 3, array_type);
		saved_query_write(&added_query, values, NULL);
		deconstruct_array(added, type, -1, false, TYPALIGN_INT, &handles, NULL, &count);
		queue_accounts(handles, count, type, careful);
		saved_query_set_type(&adopt_query, 3, array_type);
		saved_query_write(&adopt_query, values, NULL);
	}
	SPI_finish();
	PG_RETURN_ARRAYTYPE_P(ids);
}

/* What totals gain or lose by videos whose status has changed. */
static void
log_flips(SPITupleTable *table, uint64 count)
{
	FlippedVideo *videos = palloc(sizeof(FlippedVideo) * Max(count, 1));
	int			flipped = 0;

	for (uint64 i = 0; i < count; i++)
	{
		FlippedVideo *video = &videos[flipped];
		Datum		value[6];
		bool		isnull[6];

		for (int n = 0; n < 6; n++)
			value[n] = SPI_getbinval(table->vals[i], table->tupdesc, n + 1, &isnull[n]);
		video->sign = DatumGetInt32(value[5]);
		if (video->sign == 0)
			continue;
		video->id = *DatumGetUUIDP(value[0]);
		video->org = *DatumGetUUIDP(value[1]);
		video->project = *DatumGetUUIDP(value[2]);
		video->has_creator = !isnull[3];
		if (video->has_creator)
			video->creator = *DatumGetUUIDP(value[3]);
		video->posted_at = DatumGetTimestampTz(value[4]);
		flipped++;
	}
	differences_log_flipped(videos, flipped);
}

/* update_video_status(video_ids, status): the ids of those whose status leads there; totals follow. */
Datum
update_video_status(PG_FUNCTION_ARGS)
{
	MemoryContext memory = CurrentMemoryContext;
	Datum		values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	SPITupleTable *table;
	uint64		count;
	ArrayType  *ids;

	SPI_connect();
	run_in_bulk(&update_query, values, NULL);
	table = SPI_tuptable;
	count = SPI_processed;
	ids = answered_array(table, count, 1, UUIDOID, UUID_LEN, TYPALIGN_CHAR, memory);
	log_flips(table, count);
	SPI_finish();
	PG_RETURN_ARRAYTYPE_P(ids);
}
