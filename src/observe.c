/*
 * observe.c
 *	  The one way in for numbers: many observations of videos or creators, in
 *	  any order of time, become points of histories, current counters, and
 *	  differences in the log of totals.
 *
 * Entities are locked in one order before anything is read, so that two
 * sessions never wait for each other in a circle; what follows then works on
 * a slice of them at a time, with a handful of statements each.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "differences.h"
#include "history.h"
#include "series_points.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(store_observations);
PG_FUNCTION_INFO_V1(drop_observations);
PG_FUNCTION_INFO_V1(break_history);
PG_FUNCTION_INFO_V1(mend_history);

/* Entities whose rows are read and written at a time. */
#define SLICE DIFFERENCE_SLICE

/* An observation as it came: which entity, and a point whose place in the input breaks ties. */
typedef struct Observation
{
	pg_uuid_t	id;
	int32		place;
	SeriesPoint point;
} Observation;

static SavedQuery source_query = {
	.text = "SELECT trackagoat.observation_source_id($1)", .nargs = 1, .types = {TEXTOID}
};

static int
compare_uuids(const void *a, const void *b)
{
	return memcmp(a, b, UUID_LEN);
}

static int
compare_observations(const void *a, const void *b)
{
	const Observation *left = a;
	const Observation *right = b;
	int			order = memcmp(&left->id, &right->id, UUID_LEN);

	if (order == 0)
		order = left->point.time < right->point.time ? -1 : left->point.time > right->point.time;
	return order != 0 ? order : left->place - right->place;
}

/* The ids of sorted observations, each once. */
static ArrayType *
distinct_ids(const Observation *observations, int count, int *distinct)
{
	Datum	   *ids = palloc_extended(sizeof(Datum) * Max(count, 1), MCXT_ALLOC_HUGE);

	*distinct = 0;
	for (int i = 0; i < count; i++)
	{
		if (i == 0 || compare_uuids(&observations[i].id, &observations[i - 1].id) != 0)
			ids[(*distinct)++] = UUIDPGetDatum(&observations[i].id);
	}
	return construct_array(ids, *distinct, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
}

/* Say which id is not there, or is in several organizations. */
static void
refuse_missing(const HistoryKind *kind, const HistoryEntity *entities, int found,
			   const Observation *observations, int count)
{
	const pg_uuid_t *missing = NULL;

	for (int i = 0, e = 0; i < count && missing == NULL; i++)
	{
		while (e < found && compare_uuids(&entities[e].id, &observations[i].id) < 0)
			e++;
		if (e == found || compare_uuids(&entities[e].id, &observations[i].id) != 0 ||
			(e + 1 < found && compare_uuids(&entities[e + 1].id, &observations[i].id) == 0))
			missing = &observations[i].id;
	}
	ereport(ERROR,
			(errcode(ERRCODE_TRACKAGOAT_NOT_FOUND),
			 errmsg("%s_not_found", kind->entity),
			 errdetail("There is not exactly one %s with id %s.", kind->entity,
					   missing == NULL ? "NULL" :
					   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(missing)))),
			 errhint("Name an id of trackagoat.%s.", kind->entity)));
}

static pg_uuid_t
get_uuid(HeapTuple tuple, TupleDesc tupdesc, int column, bool *isnull)
{
	Datum		value = SPI_getbinval(tuple, tupdesc, column, isnull);
	pg_uuid_t	none = {{0}};

	return *isnull ? none : *DatumGetUUIDP(value);
}

/* Lock the entities observed, each once and in order; PT404 where one is not there. */
static HistoryEntity *
lock_entities(HistoryKind *kind, const Observation *observations, int count,
			  Datum org, bool any_org, int *found)
{
	Datum		values[2];
	char		nulls[2] = {' ', any_org ? 'n' : ' '};
	int			distinct;
	HistoryEntity *entities;

	values[0] = PointerGetDatum(distinct_ids(observations, count, &distinct));
	values[1] = org;
	saved_query_run(&kind->lock, values, nulls);
	*found = (int) SPI_processed;
	entities = palloc_extended(sizeof(HistoryEntity) * Max(*found, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < *found; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	tupdesc = SPI_tuptable->tupdesc;
		HistoryEntity *entity = &entities[i];
		bool		isnull;

		entity->id = get_uuid(tuple, tupdesc, 1, &isnull);
		entity->org = get_uuid(tuple, tupdesc, 2, &isnull);
		entity->project = get_uuid(tuple, tupdesc, 3, &isnull);
		if (!kind->has_totals)
			continue;
		entity->creator = get_uuid(tuple, tupdesc, 4, &isnull);
		entity->has_creator = !isnull;
		entity->is_counted = DatumGetBool(SPI_getbinval(tuple, tupdesc, 5, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	if (*found != distinct)
		refuse_missing(kind, entities, *found, observations, count);
	return entities;
}

/* Load the open rows of a slice of entities; where there is none, whether there are others. */
static void
load_open_rows(HistoryKind *kind, HistoryEntity *entities, int count, Datum org, bool any_org)
{
	Datum	   *ids = palloc(sizeof(Datum) * count);
	Datum		values[2];
	char		nulls[2] = {' ', any_org ? 'n' : ' '};
	int			missing = 0;
	bool		isnull;

	for (int i = 0; i < count; i++)
		ids[i] = UUIDPGetDatum(&entities[i].id);
	values[0] = PointerGetDatum(construct_array(ids, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	values[1] = org;
	saved_query_run(&kind->load_open, values, nulls);
	for (uint64 row = 0, i = 0; row < SPI_processed; row++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[row];
		pg_uuid_t	id = get_uuid(tuple, SPI_tuptable->tupdesc, 1, &isnull);

		while (compare_uuids(&entities[i].id, &id) != 0)
			i++;
		entities[i].open = (Series *) PG_DETOAST_DATUM_COPY(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull));
		entities[i].has_rows = true;
	}
	SPI_freetuptable(SPI_tuptable);

	for (int i = 0; i < count; i++)
	{
		if (entities[i].open == NULL)
			ids[missing++] = UUIDPGetDatum(&entities[i].id);
	}
	if (missing == 0)
		return;
	values[0] = PointerGetDatum(construct_array(ids, missing, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	saved_query_run(&kind->find, values, nulls);
	for (uint64 row = 0, i = 0; row < SPI_processed; row++)
	{
		pg_uuid_t	id = get_uuid(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1, &isnull);

		while (compare_uuids(&entities[i].id, &id) != 0)
			i++;
		entities[i].has_rows = true;
	}
	SPI_freetuptable(SPI_tuptable);
}

/* The columns of the statements that follow a slice. */
typedef struct SliceColumns
{
	int			count;
	Datum		id[SLICE];
	Datum		org[SLICE];
	Datum		time[SLICE];
	bool		no_time[SLICE];
	Datum		must_write[SLICE];
	Datum		level[SERIES_MAX_COUNTERS][SLICE];
	bool		unknown[SERIES_MAX_COUNTERS][SLICE];
	DifferenceColumns differences;
} SliceColumns;

static void
add_entity(SliceColumns *columns, const HistoryKind *kind, const HistoryEntity *entity,
		   const SeriesState *state, Amounts *amounts)
{
	int			n = columns->count++;
	bool		too_many = false;
	Series	   *difference = entity->is_counted ? amounts_finish(amounts, &too_many) : NULL;

	if (too_many)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %d moments of one video are too many at a time", SERIES_MAX_POINTS),
				 errhint("Observe or forget them in several calls.")));
	columns->id[n] = UUIDPGetDatum(&entity->id);
	columns->org[n] = UUIDPGetDatum(&entity->org);
	columns->time[n] = TimestampTzGetDatum(state->time);
	columns->no_time[n] = !state->has_time;
	/* what a video adds that does not count is not known */
	columns->must_write[n] = BoolGetDatum(entity->has_rows && (difference != NULL || !entity->is_counted));
	for (int c = 0; c < kind->counters; c++)
	{
		columns->level[c][n] = Int64GetDatum(state->level[c]);
		columns->unknown[c][n] = (state->known >> c & 1) == 0;
	}
	if (difference == NULL)
		return;
	differences_add(&columns->differences, &entity->id, &entity->org, &entity->project,
					entity->has_creator ? &entity->creator : NULL, difference);
}

/* Write the current counters and the differences of a slice. */
static void
write_columns(HistoryKind *kind, SliceColumns *columns)
{
	Datum		values[4 + SERIES_MAX_COUNTERS];
	int			n = columns->count;

	values[0] = saved_query_array(columns->id, NULL, n, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
	values[1] = saved_query_array(columns->org, NULL, n, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
	values[2] = saved_query_array(columns->time, columns->no_time, n, TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	values[3] = saved_query_array(columns->must_write, NULL, n, BOOLOID, 1, true, TYPALIGN_CHAR);
	for (int c = 0; c < kind->counters; c++)
		values[4 + c] = saved_query_array(columns->level[c], columns->unknown[c], n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	saved_query_write(&kind->update_entity, values, NULL);

	differences_write(&columns->differences);
}

/* Observe one entity; answers how many points were stored. */
static int
observe_entity(HistoryKind *kind, HistoryEntity *entity, SeriesPoint *points, int count,
			   HistoryWrites *writes, SliceColumns *columns)
{
	Amounts		amounts = {0};
	Amounts    *wanted = entity->is_counted ? &amounts : NULL;
	SeriesState state;
	SeriesState end = {0};

	if (count > SERIES_MAX_POINTS / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %d observations of one %s in one call", SERIES_MAX_POINTS / 2, kind->entity)));
	count = series_points_unify(points, count, kind->counters);
	if (entity->open != NULL)
	{
		SeriesReader reader;

		series_open(&reader, entity->open);
		if (!series_last_state(&reader, &end))
			series_malformed();
	}
	if (entity->open != NULL ? !end.has_time || points[0].time > end.time : !entity->has_rows)
		history_append(kind, entity, points, count, writes, wanted, &state);
	else
		history_rewrite(kind, entity, points, count, DT_NOEND, DT_NOEND, DT_NOEND, writes, wanted, &state);
	add_entity(columns, kind, entity, &state, &amounts);
	return count;
}

/* Store sorted observations of entities that are locked; answers how many points there are. */
static int
observe_all(HistoryKind *kind, const Observation *observations, int count,
			HistoryEntity *entities, int entity_count, Datum org, bool any_org)
{
	MemoryContext slice_memory = AllocSetContextCreate(CurrentMemoryContext, "trackagoat observe",
													   ALLOCSET_DEFAULT_SIZES);
	int			at = 0;
	int			stored = 0;

	for (int first = 0; first < entity_count; first += SLICE)
	{
		int			slice = Min(SLICE, entity_count - first);
		MemoryContext old_context = MemoryContextSwitchTo(slice_memory);
		SliceColumns *columns = palloc(sizeof(SliceColumns));
		HistoryWrites writes = {0};

		/* most of it is rarely touched */
		columns->count = columns->differences.count = 0;
		load_open_rows(kind, entities + first, slice, org, any_org);
		for (int e = first; e < first + slice; e++)
		{
			int			start = at;
			SeriesPoint *points;

			CHECK_FOR_INTERRUPTS();
			while (at < count && compare_uuids(&observations[at].id, &entities[e].id) == 0)
				at++;
			points = palloc_extended(sizeof(SeriesPoint) * (at - start), MCXT_ALLOC_HUGE);
			for (int i = start; i < at; i++)
				points[i - start] = observations[i].point;
			stored += observe_entity(kind, &entities[e], points, at - start, &writes, columns);
		}
		history_write(kind, &writes);
		write_columns(kind, columns);
		MemoryContextSwitchTo(old_context);
		MemoryContextReset(slice_memory);
	}
	MemoryContextDelete(slice_memory);
	return stored;
}

/* The levels of one counter of all observations, from an array or NULL for none known. */
static void
take_counter(const HistoryKind *kind, Observation *observations, int count, int c, ArrayType *array)
{
	Datum	   *values;
	bool	   *nulls;
	int			length;

	deconstruct_array(array, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values, &nulls, &length);
	if (length != count)
		elog(ERROR, "arrays of different lengths");
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			continue;
		if (DatumGetInt64(values[i]) < 0)
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("a counter is negative: " INT64_FORMAT, DatumGetInt64(values[i])),
					 errdetail("Counter %d of the observation of %s %s.", c + 1, kind->entity,
							   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&observations[i].id)))),
					 errhint("NULL is a number that is not known.")));
		observations[i].point.known |= UINT32_C(1) << c;
		observations[i].point.level[c] = DatumGetInt64(values[i]);
	}
}

/* The number that histories keep for a source. */
static int32
find_source(Datum source)
{
	int32		id;
	bool		isnull;

	saved_query_run(&source_query, &source, NULL);
	id = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return id;
}

/*
 * store_observations(entity, ids, times, five arrays of counters, source,
 * exact, for_org): answers how many points were stored.  The arrays have been
 * checked to match.
 */
Datum
store_observations(PG_FUNCTION_ARGS)
{
	HistoryKind *kind;
	bool		any_org = PG_ARGISNULL(10);
	Datum		org = any_org ? (Datum) 0 : PG_GETARG_DATUM(10);
	Datum	   *ids;
	Datum	   *times;
	int			count;
	int			time_count;
	Observation *observations;
	HistoryEntity *entities;
	int			entity_count;
	int32		source;
	int			stored;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(8) || PG_ARGISNULL(9))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("entity, ids, times, source and exact must not be NULL")));
	kind = history_kind(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), UUIDOID, UUID_LEN, false, TYPALIGN_CHAR, &ids, NULL, &count);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &times, NULL, &time_count);
	if (count == 0)
		PG_RETURN_INT32(0);
	observations = palloc_extended(sizeof(Observation) * count, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < count; i++)
	{
		observations[i].id = *DatumGetUUIDP(ids[i]);
		observations[i].place = i;
		observations[i].point.time = DatumGetTimestampTz(times[i]);
		observations[i].point.flags = PG_GETARG_BOOL(9) ? 0 : SERIES_ROUNDED;
	}
	for (int c = 0; c < kind->counters; c++)
	{
		if (!PG_ARGISNULL(3 + c))
			take_counter(kind, observations, count, c, PG_GETARG_ARRAYTYPE_P(3 + c));
	}
	qsort(observations, count, sizeof(Observation), compare_observations);

	SPI_connect();
	/* first: whoever waits for a new source's name holds no entity */
	source = find_source(PG_GETARG_DATUM(8));
	entities = lock_entities(kind, observations, count, org, any_org, &entity_count);
	for (int i = 0; i < count; i++)
		observations[i].point.source = source;
	stored = observe_all(kind, observations, count, entities, entity_count, org, any_org);
	SPI_finish();
	PG_RETURN_INT32(stored);
}

/* Change the history of one entity, which is locked first; SPI must be connected. */
static void
change_history(HistoryKind *kind, const pg_uuid_t *id, Datum org, bool any_org, SeriesPoint *points, int count,
			   TimestampTz drop_from, TimestampTz drop_to, TimestampTz mend_from)
{
	Observation observation = {.id = *id};
	int			found;
	HistoryEntity *entity = lock_entities(kind, &observation, 1, org, any_org, &found);
	HistoryWrites writes = {0};
	Amounts		amounts = {0};
	SeriesState state;
	SliceColumns *columns = palloc0(sizeof(SliceColumns));

	load_open_rows(kind, entity, 1, org, any_org);
	history_rewrite(kind, entity, points, count, drop_from, drop_to, mend_from, &writes,
					entity->is_counted ? &amounts : NULL, &state);
	add_entity(columns, kind, entity, &state, &amounts);
	history_write(kind, &writes);
	write_columns(kind, columns);
}

/*
 * drop_observations(entity, id, from_time, to_time, for_org): forget what was
 * observed from a time to before another.
 */
Datum
drop_observations(PG_FUNCTION_ARGS)
{
	bool		any_org = PG_ARGISNULL(4);

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_NULL();
	SPI_connect();
	change_history(history_kind(text_to_cstring(PG_GETARG_TEXT_PP(0))), PG_GETARG_UUID_P(1),
				   any_org ? (Datum) 0 : PG_GETARG_DATUM(4), any_org, NULL, 0,
				   PG_GETARG_TIMESTAMPTZ(2), PG_GETARG_TIMESTAMPTZ(3), DT_NOEND);
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * break_history(creator_id, org_id, at): what was known of the creator before then
 * is of another account.
 */
Datum
break_history(PG_FUNCTION_ARGS)
{
	SeriesPoint point = {.time = PG_GETARG_TIMESTAMPTZ(2), .flags = SERIES_BREAK};

	series_check_time(point.time);
	SPI_connect();
	change_history(history_kind("creator"), PG_GETARG_UUID_P(0), PG_GETARG_DATUM(1), false, &point, 1,
				   DT_NOEND, DT_NOEND, DT_NOEND);
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * mend_history(creator_id, org_id, from_time): what was observed since then is
 * of the same account after all.
 */
Datum
mend_history(PG_FUNCTION_ARGS)
{
	SPI_connect();
	change_history(history_kind("creator"), PG_GETARG_UUID_P(0), PG_GETARG_DATUM(1), false, NULL, 0,
				   DT_NOEND, DT_NOEND, PG_GETARG_TIMESTAMPTZ(2));
	SPI_finish();
	PG_RETURN_VOID();
}
