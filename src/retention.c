/*
 * retention.c
 *	  What a plan keeps no longer of histories: the points before a time go,
 *	  but for the last of them, which stays and says all that was known by then.
 *
 * So levels, gains and baselines from that time on are what they were, for
 * every reader and without a rule of its own; what was gained before is part
 * of the level that the history opens with.  Only the rows that begin before
 * the time are written, and none of an entity that somebody holds.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "differences.h"
#include "history.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(prune_histories);

/* The rows that begin before a time, and the open one; $1 to $3 are ids, organizations and times. */
#define ROWS_BEFORE(name, condition) \
	"SELECT h." name "_id, h.org_id, h.started_at, h.points FROM trackagoat." name "_history h" \
	" WHERE h." name "_id = e.id AND h.org_id = e.org_id AND h.started_at " condition

#define PRUNE_QUERIES(name, columns) \
	.load = {.text = "SELECT h.* FROM unnest($1, $2, $3) e (id, org_id, kept_from) CROSS JOIN LATERAL (" \
		ROWS_BEFORE(name, "< e.kept_from") " UNION ALL " ROWS_BEFORE(name, "= 'infinity'") ") h" \
		" ORDER BY 1, 2, 3", .custom = true, \
		.nargs = 3, .types = {UUIDARRAYOID, UUIDARRAYOID, TIMESTAMPTZARRAYOID}}, \
	.lock = {.text = "SELECT e.id, e.org_id, e.project_id, " columns \
		" FROM unnest($1, $2) d (id, org_id) JOIN trackagoat." name " e ON e.id = d.id AND e.org_id = d.org_id" \
		" ORDER BY 1, 2 FOR NO KEY UPDATE OF e SKIP LOCKED", .custom = true, \
		.nargs = 2, .types = {UUIDARRAYOID, UUIDARRAYOID}}, \
	.delete_before = {.text = "DELETE FROM trackagoat." name "_history h USING unnest($1, $2, $3) e (id, org_id, kept_from)" \
		" WHERE h." name "_id = e.id AND h.org_id = e.org_id AND h.started_at < e.kept_from", .custom = true, \
		.nargs = 3, .types = {UUIDARRAYOID, UUIDARRAYOID, TIMESTAMPTZARRAYOID}}, \
	.write_entity = {.text = "UPDATE trackagoat." name " e SET last_observed_at = e.last_observed_at" \
		" FROM unnest($1, $2) d (id, org_id) WHERE e.id = d.id AND e.org_id = d.org_id", .custom = true, \
		.nargs = 2, .types = {UUIDARRAYOID, UUIDARRAYOID}}

typedef struct PruneQueries
{
	SavedQuery	load;
	SavedQuery	lock;
	SavedQuery	delete_before;
	SavedQuery	write_entity;
} PruneQueries;

static PruneQueries video_queries = {
	PRUNE_QUERIES("video", "e.creator_id, trackagoat.status_counts(e.tracking_status)")
};

static PruneQueries creator_queries = {
	PRUNE_QUERIES("creator", "NULL::uuid, false")
};

/* An entity, and from when on its history is kept. */
typedef struct Kept
{
	HistoryEntity entity;
	TimestampTz from;
} Kept;

/* Entities as the columns of a query. */
typedef struct KeptColumns
{
	int			count;
	Datum	   *id;
	Datum	   *org;
	Datum	   *from;
} KeptColumns;

/* What a slice came to. */
typedef struct Pruned
{
	int64		points;			/* removed */
	int64		rows;			/* that held them */
	HistoryWrites writes;
	KeptColumns columns;		/* entities whose first rows are written anew */
	DifferenceColumns differences;
} Pruned;

static KeptColumns
make_columns(int capacity)
{
	return (KeptColumns) {
		.id = palloc(sizeof(Datum) * Max(capacity, 1)),
		.org = palloc(sizeof(Datum) * Max(capacity, 1)),
		.from = palloc(sizeof(Datum) * Max(capacity, 1))
	};
}

static void
add_kept(KeptColumns *columns, const Kept *kept)
{
	columns->id[columns->count] = UUIDPGetDatum(&kept->entity.id);
	columns->org[columns->count] = UUIDPGetDatum(&kept->entity.org);
	columns->from[columns->count] = TimestampTzGetDatum(kept->from);
	columns->count++;
}

static void
columns_values(const KeptColumns *columns, Datum *values)
{
	values[0] = saved_query_array(columns->id, NULL, columns->count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
	values[1] = saved_query_array(columns->org, NULL, columns->count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
	values[2] = saved_query_array(columns->from, NULL, columns->count, TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

static int
compare_keys(const HistoryEntity *entity, const pg_uuid_t *id, const pg_uuid_t *org)
{
	int			order = memcmp(&entity->id, id, UUID_LEN);

	return order != 0 ? order : memcmp(&entity->org, org, UUID_LEN);
}

static int
compare_kept(const void *a, const void *b)
{
	const Kept *right = b;

	return compare_keys(&((const Kept *) a)->entity, &right->entity.id, &right->entity.org);
}

/* The row of a history at a place of what was loaded. */
static SeriesReader
open_row(SPITupleTable *table, uint64 place, TimestampTz *started_at)
{
	HeapTuple	tuple = table->vals[place];
	SeriesReader reader;
	bool		isnull;

	*started_at = DatumGetTimestampTz(SPI_getbinval(tuple, table->tupdesc, 3, &isnull));
	series_open(&reader, (Series *) PG_DETOAST_DATUM_PACKED(SPI_getbinval(tuple, table->tupdesc, 4, &isnull)));
	return reader;
}

/* How many rows from a place on are of an entity. */
static uint64
count_rows(SPITupleTable *table, uint64 place, const HistoryEntity *entity)
{
	uint64		end = place;
	bool		isnull;

	while (end < table->numvals &&
		   compare_keys(entity, DatumGetUUIDP(SPI_getbinval(table->vals[end], table->tupdesc, 1, &isnull)),
						DatumGetUUIDP(SPI_getbinval(table->vals[end], table->tupdesc, 2, &isnull))) == 0)
		end++;
	return end - place;
}

/* Are there two points before the time, one of which can go? */
static bool
is_due(SPITupleTable *table, uint64 place, uint64 rows, TimestampTz from)
{
	int			before = 0;

	for (uint64 i = place; i < place + rows; i++)
	{
		TimestampTz started_at;
		SeriesReader reader = open_row(table, i, &started_at);
		SeriesBlock block;

		while (series_next_block(&reader, &block))
		{
			for (int p = 0; p < block.count; p++)
			{
				if (block.time[p] >= from)
					return false;
				if (++before == 2)
					return true;
			}
		}
	}
	return false;
}

/* Gather what is to be written of an entity that is held. */
static void
prune(HistoryKind *kind, Kept *kept, SPITupleTable *table, uint64 place, uint64 rows, Pruned *pruned)
{
	SeriesPoint opening = {0};
	SeriesPoint *rest = NULL;
	SeriesState state = {0};
	SeriesState nothing = {0};
	SeriesWriter writer;
	Amounts		amounts = {0};
	TimestampTz last_row = DT_NOEND;
	int			rest_count = 0;
	int			removed = 0;
	int			rows_read = 0;

	for (uint64 i = place; i < place + rows; i++)
	{
		TimestampTz started_at;
		SeriesReader reader = open_row(table, i, &started_at);
		SeriesPoint *points;
		int			before = 0;

		if (i == place)
			state = reader.start;
		points = series_all_points(&reader);
		while (before < reader.points && points[before].time < kept->from)
			before++;
		if (before == 0)
			break;
		rows_read++;
		if (kept->entity.is_counted)
			amounts_add_points(&amounts, &state, points, before, -1);
		for (int p = 0; p < before; p++)
			series_state_apply(&state, &points[p], kind->counters);
		opening = points[before - 1];
		rest = points + before;
		rest_count = reader.points - before;
		last_row = started_at;
		removed += before;
	}
	/* somebody else has been here */
	if (removed < 2)
		return;
	opening.known = state.known;
	memcpy(opening.level, state.level, sizeof(opening.level));

	series_write_begin(&writer, kind->counters, NULL);
	series_write(&writer, &opening);
	for (int p = 0; p < rest_count; p++)
		series_write(&writer, &rest[p]);
	add_kept(&pruned->columns, kept);
	if (TIMESTAMP_IS_NOEND(last_row))
		row_list_add(&pruned->writes.updated, &kept->entity, DT_NOEND, series_finish(&writer));
	else
		row_list_add(&pruned->writes.inserted, &kept->entity, opening.time, series_finish(&writer));
	pruned->points += removed - 1;
	pruned->rows += rows_read;

	if (kept->entity.is_counted)
	{
		bool		too_many = false;
		Series	   *difference;

		amounts_add_points(&amounts, &nothing, &opening, 1, 1);
		difference = amounts_finish(&amounts, &too_many);
		if (difference != NULL || too_many)
			differences_add(&pruned->differences, &kept->entity.id, &kept->entity.org, &kept->entity.project,
							kept->entity.has_creator ? &kept->entity.creator : NULL, difference);
		if (pruned->differences.count == DIFFERENCE_SLICE)
			differences_write(&pruned->differences);
	}
}

/* Of entities in order, those whose history is to be cut. */
static KeptColumns
find_due(PruneQueries *queries, Kept *kept, int count)
{
	KeptColumns all = make_columns(count);
	KeptColumns due = make_columns(count);
	Datum		values[3];
	uint64		place = 0;

	for (int i = 0; i < count; i++)
		add_kept(&all, &kept[i]);
	columns_values(&all, values);
	saved_query_run(&queries->load, values, NULL);
	for (int i = 0; i < count; i++)
	{
		uint64		rows = count_rows(SPI_tuptable, place, &kept[i].entity);

		CHECK_FOR_INTERRUPTS();
		if (is_due(SPI_tuptable, place, rows, kept[i].from))
			add_kept(&due, &kept[i]);
		place += rows;
	}
	SPI_freetuptable(SPI_tuptable);
	return due;
}

/* Of entities that are due, hold those that nobody else holds: palloc'd, in order. */
static Kept *
hold(PruneQueries *queries, const KeptColumns *due, int *count)
{
	Kept	   *held = palloc0(sizeof(Kept) * due->count);
	Datum		values[3];
	int			at = 0;

	columns_values(due, values);
	saved_query_run(&queries->lock, values, NULL);
	*count = (int) SPI_processed;
	for (int i = 0; i < *count; i++)
	{
		HistoryEntity *entity = &held[i].entity;
		Datum		value[5];
		bool		isnull[5];

		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, value, isnull);
		entity->id = *DatumGetUUIDP(value[0]);
		entity->org = *DatumGetUUIDP(value[1]);
		entity->project = *DatumGetUUIDP(value[2]);
		entity->has_creator = !isnull[3];
		if (entity->has_creator)
			entity->creator = *DatumGetUUIDP(value[3]);
		entity->is_counted = DatumGetBool(value[4]);
		while (compare_keys(entity, DatumGetUUIDP(due->id[at]), DatumGetUUIDP(due->org[at])) != 0)
			at++;
		held[i].from = DatumGetTimestampTz(due->from[at]);
	}
	SPI_freetuptable(SPI_tuptable);
	return held;
}

/* Cut the histories of some entities, in order; SPI must be connected. */
static void
prune_slice(HistoryKind *kind, PruneQueries *queries, Kept *kept, int count, Pruned *pruned)
{
	KeptColumns due = find_due(queries, kept, count);
	KeptColumns all;
	Datum		values[3];
	uint64		place = 0;
	int			held_count;
	Kept	   *held;
	SPITupleTable *table;

	if (due.count == 0)
		return;
	held = hold(queries, &due, &held_count);
	all = make_columns(held_count);
	for (int i = 0; i < held_count; i++)
		add_kept(&all, &held[i]);
	columns_values(&all, values);
	pruned->columns = make_columns(held_count);
	/* as it is now that nobody else writes it */
	saved_query_run(&queries->load, values, NULL);
	table = SPI_tuptable;
	for (int i = 0; i < held_count; i++)
	{
		uint64		rows = count_rows(table, place, &held[i].entity);

		CHECK_FOR_INTERRUPTS();
		prune(kind, &held[i], table, place, rows, pruned);
		place += rows;
	}
	SPI_freetuptable(table);
	columns_values(&pruned->columns, values);
	saved_query_write(&queries->delete_before, values, NULL);
	history_write(kind, &pruned->writes);
	/* so that who still sees the history as it was cannot change the entity */
	saved_query_write(&queries->write_entity, values, NULL);
	differences_write(&pruned->differences);
}

/*
 * prune_histories(entity, ids, org_ids, kept_from): cut the histories of
 * entities before a time each, but for those that another session holds;
 * answers how many points went, and how many rows held them.
 */
Datum
prune_histories(PG_FUNCTION_ARGS)
{
	HistoryKind *kind = history_kind(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Pruned	   *pruned = palloc0(sizeof(Pruned));
	TupleDesc	tupdesc;
	Datum	   *column[3];
	int			count[3];
	Kept	   *kept;
	Datum		values[2];
	bool		nulls[2] = {0};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "prune_histories() answers a row");
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), UUIDOID, UUID_LEN, false, TYPALIGN_CHAR, &column[0], NULL, &count[0]);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), UUIDOID, UUID_LEN, false, TYPALIGN_CHAR, &column[1], NULL, &count[1]);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(3), TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &column[2], NULL, &count[2]);
	if (count[0] != count[1] || count[0] != count[2])
		elog(ERROR, "arrays of different lengths");
	kept = palloc0(sizeof(Kept) * Max(count[0], 1));
	for (int i = 0; i < count[0]; i++)
	{
		kept[i].entity.id = *DatumGetUUIDP(column[0][i]);
		kept[i].entity.org = *DatumGetUUIDP(column[1][i]);
		kept[i].from = DatumGetTimestampTz(column[2][i]);
	}
	qsort(kept, count[0], sizeof(Kept), compare_kept);

	SPI_connect();
	if (count[0] > 0)
		prune_slice(kind, kind->has_totals ? &video_queries : &creator_queries, kept, count[0], pruned);
	SPI_finish();
	values[0] = Int64GetDatum(pruned->points);
	values[1] = Int64GetDatum(pruned->rows);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls)));
}
