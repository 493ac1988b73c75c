/*
 * history.c
 *	  The rows of one history: a small open row that takes what is observed,
 *	  and sealed rows behind it, into which its points go when it is full.
 *
 * The open row begins at infinity, so that its key never changes and updates
 * stay within the page.  It is full after 8 to 15 points, by the entity's id,
 * so that entities observed together are not sealed together.  A row that
 * follows another has that one's last levels as its anchor: each can be read
 * by itself.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "history.h"
#include "series_points.h"
#include "trackagoat.h"

/* A sealed row takes no more points beyond so many bytes: it is never toasted. */
#define SEALED_BYTES 1400

/* Both kinds of history have the same columns but for the entity's. */
#define HISTORY_QUERIES(name) \
	.load_open = {.text = "SELECT " name "_id, points FROM trackagoat." name "_history" \
		" WHERE " name "_id = ANY ($1) AND started_at = 'infinity' AND ($2 IS NULL OR org_id = $2)" \
		" ORDER BY " name "_id", .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}}, \
	.find = {.text = "SELECT DISTINCT " name "_id FROM trackagoat." name "_history" \
		" WHERE " name "_id = ANY ($1) AND ($2 IS NULL OR org_id = $2)" \
		" ORDER BY " name "_id", .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}}, \
	.load_from = {.text = "SELECT started_at, points FROM trackagoat." name "_history" \
		" WHERE " name "_id = $1 AND org_id = $2 AND started_at >= coalesce((SELECT max(h.started_at)" \
		"  FROM trackagoat." name "_history h WHERE h." name "_id = $1 AND h.org_id = $2" \
		"  AND h.started_at <= $3), '-infinity') ORDER BY started_at", \
		.nargs = 3, .types = {UUIDOID, UUIDOID, TIMESTAMPTZOID}}, \
	.load_last = {.text = "SELECT started_at, points FROM trackagoat." name "_history" \
		" WHERE " name "_id = $1 AND org_id = $2 AND started_at < 'infinity'" \
		" ORDER BY started_at DESC LIMIT 1", .nargs = 2, .types = {UUIDOID, UUIDOID}}, \
	.delete_from = {.text = "DELETE FROM trackagoat." name "_history" \
		" WHERE " name "_id = $1 AND org_id = $2 AND started_at >= $3", \
		.nargs = 3, .types = {UUIDOID, UUIDOID, TIMESTAMPTZOID}}, \
	.insert = {.text = "INSERT INTO trackagoat." name "_history (" name "_id, org_id, started_at, points)" \
		" SELECT * FROM unnest($1, $2, $3, $4)", \
		.nargs = 4, .types = {UUIDARRAYOID, UUIDARRAYOID, TIMESTAMPTZARRAYOID}}, \
	.update = {.text = "UPDATE trackagoat." name "_history h SET points = o.points" \
		" FROM unnest($1, $2, $3, $4) o (id, org_id, started_at, points)" \
		" WHERE h." name "_id = o.id AND h.org_id = o.org_id AND h.started_at = o.started_at", \
		.nargs = 4, .types = {UUIDARRAYOID, UUIDARRAYOID, TIMESTAMPTZARRAYOID}}

/* The row of a video is written as well where its history adds something else to totals: see differences.c. */
static HistoryKind video_kind = {
	.entity = "video",
	.counters = VIDEO_COUNTERS,
	.has_totals = true,
	.lock = {.text = "SELECT e.id, e.org_id, e.project_id, e.creator_id, trackagoat.status_counts(e.tracking_status)"
		" FROM trackagoat.video e WHERE e.id = ANY ($1) AND ($2 IS NULL OR e.org_id = $2)"
	" ORDER BY e.id, e.org_id FOR NO KEY UPDATE", .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}},
	HISTORY_QUERIES("video"),
	.update_entity = {.text = "UPDATE trackagoat.video e SET view_count = o.c1, like_count = o.c2,"
		" comment_count = o.c3, share_count = o.c4, save_count = o.c5, last_observed_at = o.at"
		" FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) o (id, org_id, at, must_write, c1, c2, c3, c4, c5)"
		" WHERE e.id = o.id AND e.org_id = o.org_id AND (o.must_write OR (o.c1, o.c2, o.c3, o.c4, o.c5, o.at) IS DISTINCT FROM"
		" (e.view_count, e.like_count, e.comment_count, e.share_count, e.save_count, e.last_observed_at))", .nargs = 9,
		.types = {UUIDARRAYOID, UUIDARRAYOID, TIMESTAMPTZARRAYOID, BOOLARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID}}
};

static HistoryKind creator_kind = {
	.entity = "creator",
	.counters = 4,
	.lock = {.text = "SELECT e.id, e.org_id, e.project_id"
		" FROM trackagoat.creator e WHERE e.id = ANY ($1) AND ($2 IS NULL OR e.org_id = $2)"
	" ORDER BY e.id, e.org_id FOR NO KEY UPDATE", .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}},
	HISTORY_QUERIES("creator"),
	.update_entity = {.text = "UPDATE trackagoat.creator e SET follower_count = o.c1, following_count = o.c2,"
		" total_likes_count = o.c3, video_count = o.c4, last_observed_at = o.at"
		" FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) o (id, org_id, at, must_write, c1, c2, c3, c4)"
		" WHERE e.id = o.id AND e.org_id = o.org_id", .nargs = 8,
		.types = {UUIDARRAYOID, UUIDARRAYOID, TIMESTAMPTZARRAYOID, BOOLARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID}}
};

/* The type series, or series[], as the catalogue has it now. */
Oid
series_type(bool array)
{
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("series"),
									   ObjectIdGetDatum(get_namespace_oid("trackagoat", false)));

	return array ? get_array_type(type) : type;
}

/* The kind by name, its queries ready for the types of now. */
HistoryKind *
history_kind(const char *entity)
{
	HistoryKind *kind = strcmp(entity, "video") == 0 ? &video_kind : &creator_kind;
	Oid			type = series_type(true);

	if (strcmp(entity, kind->entity) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_BAD_REQUEST),
				 errmsg("invalid_entity"),
				 errdetail("There are no histories of \"%.*s\".", (int) strnlen(entity, ERROR_SHOWN_LENGTH), entity),
				 errhint("Allowed are video, creator.")));

	saved_query_set_type(&kind->insert, 3, type);
	saved_query_set_type(&kind->update, 3, type);
	return kind;
}

void
row_list_add(RowList *list, const HistoryEntity *entity, TimestampTz start, Series *series)
{
	if (list->count == list->capacity)
	{
		bool		fresh = list->capacity == 0;

		list->capacity = fresh ? 64 : list->capacity * 2;
		list->id = fresh ? palloc(sizeof(Datum) * list->capacity) :
			repalloc(list->id, sizeof(Datum) * list->capacity);
		list->org = fresh ? palloc(sizeof(Datum) * list->capacity) :
			repalloc(list->org, sizeof(Datum) * list->capacity);
		list->start = fresh ? palloc(sizeof(Datum) * list->capacity) :
			repalloc(list->start, sizeof(Datum) * list->capacity);
		list->series = fresh ? palloc(sizeof(Datum) * list->capacity) :
			repalloc(list->series, sizeof(Datum) * list->capacity);
	}
	list->id[list->count] = UUIDPGetDatum(&entity->id);
	list->org[list->count] = UUIDPGetDatum(&entity->org);
	list->start[list->count] = TimestampTzGetDatum(start);
	list->series[list->count] = PointerGetDatum(series);
	list->count++;
}

static void
write_rows(SavedQuery *query, RowList *list)
{
	Datum		values[4];
	Oid			type = series_type(false);

	if (list->count == 0)
		return;
	values[0] = PointerGetDatum(construct_array(list->id, list->count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	values[1] = PointerGetDatum(construct_array(list->org, list->count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	values[2] = PointerGetDatum(construct_array(list->start, list->count, TIMESTAMPTZOID,
												sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[3] = PointerGetDatum(construct_array(list->series, list->count, type, -1, false, TYPALIGN_INT));
	saved_query_write(query, values, NULL);
}

/* Write what was gathered; SPI must be connected. */
void
history_write(HistoryKind *kind, HistoryWrites *writes)
{
	write_rows(&kind->update, &writes->updated);
	write_rows(&kind->insert, &writes->inserted);
}

/* How many points the open row of an entity may have. */
static int
open_limit(const pg_uuid_t *id)
{
	return SERIES_BLOCK / 2 + (int) (hash_bytes(id->data, UUID_LEN) % (SERIES_BLOCK / 2));
}

/* Is the last point of a history nothing but a break? */
static bool
ends_with_break(const SeriesWriter *writer)
{
	return writer->pending > 0 && writer->point[writer->pending - 1].known == 0 &&
		writer->point[writer->pending - 1].flags & SERIES_BREAK;
}

/* The state after all, without a time where nothing was observed since a break. */
static void
tell_state(const SeriesWriter *writer, SeriesState *state)
{
	*state = writer->state;
	if (ends_with_break(writer))
		state->has_time = false;
}

static int
sealed_size(const SeriesWriter *writer)
{
	return writer->blocks_length + writer->pending * 6;
}

/*
 * Put points into sealed rows, the first of which may be there already
 * (writer resumed, start given); all go to the list as they fill.
 */
static void
seal_points(const HistoryEntity *entity, SeriesWriter *writer, TimestampTz start,
			const SeriesPoint *points, int count, RowList *first, RowList *rest)
{
	RowList    *list = first;

	for (int i = 0; i < count; i++)
	{
		if (writer->points > 0 && sealed_size(writer) >= SEALED_BYTES)
		{
			SeriesState state = writer->state;

			row_list_add(list, entity, start, series_finish(writer));
			series_write_begin(writer, writer->counters, &state);
			list = rest;
		}
		if (writer->points == 0)
			start = points[i].time;
		series_write(writer, &points[i]);
	}
	if (writer->points > 0)
		row_list_add(list, entity, start, series_finish(writer));
}

static Series *
copy_series(Datum value)
{
	return (Series *) PG_DETOAST_DATUM_COPY(value);
}

/*
 * Move the points of the open row, however many were added to it, behind it.
 * What stays is an open row without points whose anchor is their end.
 */
static void
seal(HistoryKind *kind, HistoryEntity *entity, SeriesWriter *open, HistoryWrites *writes)
{
	Datum		values[2];
	SeriesReader reader;
	SeriesPoint *points;
	SeriesWriter sealed;
	SeriesState end = open->state;
	TimestampTz start = 0;
	RowList    *first = &writes->inserted;
	Series	   *whole = series_finish(open);

	series_open(&reader, whole);
	points = series_all_points(&reader);
	series_write_begin(&sealed, kind->counters, reader.start.has_time ? &reader.start : NULL);
	if (entity->has_rows)
	{
		values[0] = UUIDPGetDatum(&entity->id);
		values[1] = UUIDPGetDatum(&entity->org);
		saved_query_run(&kind->load_last, values, NULL);
		if (SPI_processed == 1)
		{
			bool		isnull;
			HeapTuple	tuple = SPI_tuptable->vals[0];
			SeriesWriter last;

			series_resume(&last, copy_series(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull)));
			if (sealed_size(&last) < SEALED_BYTES)
			{
				start = DatumGetTimestampTz(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull));
				sealed = last;
				first = &writes->updated;
			}
		}
		SPI_freetuptable(SPI_tuptable);
	}
	seal_points(entity, &sealed, start, points, reader.points, first, &writes->inserted);
	series_write_begin(open, kind->counters, &end);
}

/*
 * Add points that are all later than what is there.  Gathers the rows to
 * write and, where asked, what was gained; *state is how it stands then.
 */
void
history_append(HistoryKind *kind, HistoryEntity *entity, const SeriesPoint *points, int count,
			   HistoryWrites *writes, Amounts *amounts, SeriesState *state)
{
	SeriesWriter writer;

	if (entity->open != NULL)
		series_resume(&writer, entity->open);
	else
		series_write_begin(&writer, kind->counters, NULL);
	if (amounts != NULL)
		amounts_add_points(amounts, &writer.state, points, count, 1);
	for (int i = 0; i < count; i++)
		series_write(&writer, &points[i]);
	tell_state(&writer, state);
	if (writer.points > open_limit(&entity->id) && !ends_with_break(&writer))
		seal(kind, entity, &writer, writes);
	row_list_add(entity->open != NULL ? &writes->updated : &writes->inserted,
				 entity, DT_NOEND, series_finish(&writer));
}

/* A part of a history, from one of its rows to the end. */
typedef struct HistoryTail
{
	SeriesState start;
	SeriesPoint *points;
	int			count;
	TimestampTz started_at;		/* of its first row */
	bool		is_sealed;		/* more than an open row */
} HistoryTail;

/* Load what reaches into a time or is later. */
static HistoryTail
load_tail(HistoryKind *kind, const HistoryEntity *entity, TimestampTz from)
{
	HistoryTail tail = {.started_at = DT_NOEND};
	Datum		values[3];
	SPITupleTable *table;
	uint64		rows;

	values[0] = UUIDPGetDatum(&entity->id);
	values[1] = UUIDPGetDatum(&entity->org);
	values[2] = TimestampTzGetDatum(from);
	saved_query_run(&kind->load_from, values, NULL);
	table = SPI_tuptable;
	rows = SPI_processed;
	for (uint64 i = 0; i < rows; i++)
	{
		bool		isnull;
		TimestampTz started_at = DatumGetTimestampTz(SPI_getbinval(table->vals[i], table->tupdesc, 1, &isnull));
		SeriesReader reader;
		SeriesPoint *points;

		series_open(&reader, copy_series(SPI_getbinval(table->vals[i], table->tupdesc, 2, &isnull)));
		if (i == 0)
		{
			tail.start = reader.start;
			tail.started_at = started_at;
		}
		tail.is_sealed |= !TIMESTAMP_IS_NOEND(started_at);
		points = series_all_points(&reader);
		tail.points = tail.points == NULL ? points :
			repalloc_huge(tail.points, sizeof(SeriesPoint) * (tail.count + reader.points + SERIES_BLOCK));
		if (tail.points != points)
			memcpy(tail.points + tail.count, points, sizeof(SeriesPoint) * reader.points);
		tail.count += reader.points;
	}
	SPI_freetuptable(table);
	return tail;
}

/*
 * Put points anywhere into a history, take out those that were there from
 * drop_from to before drop_to, and the breaks from mend_from on.  Reads and writes the rows from the first that
 * is touched on; what an anchor covers is settled.  Gathers as
 * history_append() does.
 */
void
history_rewrite(HistoryKind *kind, HistoryEntity *entity, const SeriesPoint *points, int count,
				TimestampTz drop_from, TimestampTz drop_to, TimestampTz mend_from,
				HistoryWrites *writes, Amounts *amounts, SeriesState *state)
{
	TimestampTz from = count > 0 ? points[0].time : Min(drop_from, mend_from);
	HistoryTail tail = load_tail(kind, entity, from);
	SeriesWriter writer;
	SeriesPoint *merged;
	Datum		values[3];
	int			kept = 0;
	int			merged_count;

	while (count > 0 && tail.start.has_time && points[0].time <= tail.start.time)
	{
		points++;
		count--;
	}
	if (amounts != NULL)
		amounts_add_points(amounts, &tail.start, tail.points, tail.count, -1);
	for (int i = 0; i < tail.count; i++)
	{
		SeriesPoint *point = &tail.points[i];

		if (point->time >= drop_from && point->time < drop_to)
		{
			/* that another account begins was not observed, and stays */
			if ((point->flags & SERIES_BREAK) == 0)
				continue;
			*point = (SeriesPoint) {.time = point->time, .flags = SERIES_BREAK};
		}
		if (point->time >= mend_from && point->flags & SERIES_BREAK)
		{
			if (point->known == 0)
				continue;
			point->flags &= ~SERIES_BREAK;
		}
		tail.points[kept++] = *point;
	}
	merged = series_points_merge(tail.points, kept, points, count, kind->counters, &merged_count);
	if (amounts != NULL)
		amounts_add_points(amounts, &tail.start, merged, merged_count, 1);

	values[0] = UUIDPGetDatum(&entity->id);
	values[1] = UUIDPGetDatum(&entity->org);
	values[2] = TimestampTzGetDatum(tail.started_at);
	saved_query_write(&kind->delete_from, values, NULL);

	series_write_begin(&writer, kind->counters, tail.start.has_time ? &tail.start : NULL);
	if (tail.is_sealed || merged_count > open_limit(&entity->id))
	{
		/* a break at the end stays open: it says that nothing was observed since */
		int			open = merged_count > 0 && merged[merged_count - 1].known == 0 &&
			merged[merged_count - 1].flags & SERIES_BREAK ? 1 : 0;
		SeriesState end = tail.start;

		seal_points(entity, &writer, 0, merged, merged_count - open, &writes->inserted, &writes->inserted);
		for (int i = 0; i < merged_count - open; i++)
			series_state_apply(&end, &merged[i], kind->counters);
		series_write_begin(&writer, kind->counters, end.has_time ? &end : NULL);
		for (int i = merged_count - open; i < merged_count; i++)
			series_write(&writer, &merged[i]);
	}
	else
	{
		for (int i = 0; i < merged_count; i++)
			series_write(&writer, &merged[i]);
	}
	tell_state(&writer, state);
	row_list_add(&writes->inserted, entity, DT_NOEND, series_finish(&writer));
}
