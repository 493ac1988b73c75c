/*
 * series_ops.c
 *	  What SQL can do with a series: append, look, unroll, merge, thin, cut.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "calendar.h"
#include "day_sums.h"
#include "series_datum.h"
#include "series_points.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(series_make);
PG_FUNCTION_INFO_V1(series_append);
PG_FUNCTION_INFO_V1(series_at);
PG_FUNCTION_INFO_V1(series_anchor);
PG_FUNCTION_INFO_V1(series_gain);
PG_FUNCTION_INFO_V1(series_points);
PG_FUNCTION_INFO_V1(series_buckets);
PG_FUNCTION_INFO_V1(series_merge);
PG_FUNCTION_INFO_V1(series_thin);
PG_FUNCTION_INFO_V1(series_cut);

/*
 * Put points into one run, of which those of one moment become one: of each
 * counter the later in the array that knows it holds.  They must be sorted by
 * time, and stay in place; answers how many are left.
 */
int
series_points_unify(SeriesPoint *points, int count, int counters)
{
	int			kept = 0;

	for (int i = 0; i < count; i++)
	{
		SeriesPoint *last = kept > 0 ? &points[kept - 1] : NULL;

		if (last == NULL || last->time != points[i].time)
		{
			points[kept++] = points[i];
			continue;
		}
		for (int c = 0; c < counters; c++)
		{
			if (points[i].known >> c & 1)
				last->level[c] = points[i].level[c];
		}
		last->known |= points[i].known;
		last->source = points[i].source;
		last->flags = (points[i].flags & SERIES_ROUNDED) |
			((last->flags | points[i].flags) & SERIES_BREAK);
	}
	return kept;
}

/*
 * Merge two sorted runs; where both have a point of one moment, that of the
 * second completes and corrects that of the first.  Palloc'd, *count points.
 */
SeriesPoint *
series_points_merge(const SeriesPoint *first, int first_count,
					const SeriesPoint *second, int second_count, int counters, int *count)
{
	SeriesPoint *merged = palloc_extended(sizeof(SeriesPoint) * Max(first_count + second_count, 1),
										  MCXT_ALLOC_HUGE);
	int			n = 0;

	for (int i = 0, j = 0; i < first_count || j < second_count;)
	{
		if (j == second_count || (i < first_count && first[i].time <= second[j].time))
			merged[n++] = first[i++];
		else
			merged[n++] = second[j++];
	}
	*count = series_points_unify(merged, n, counters);
	return merged;
}

/* A series of points, after an anchor or NULL for none. */
static Series *
series_of_points(int counters, const SeriesState *start, const SeriesPoint *points, int count)
{
	SeriesWriter writer;

	if (count > SERIES_MAX_POINTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a series has at most %d points", SERIES_MAX_POINTS)));
	series_write_begin(&writer, counters, start);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		series_write(&writer, &points[i]);
	}
	return series_finish(&writer);
}

/* series(counters): one without points. */
Datum
series_make(PG_FUNCTION_ARGS)
{
	int32		counters = PG_GETARG_INT32(0);

	if (counters < 1 || counters > SERIES_MAX_COUNTERS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a series has 1 to %d counters", SERIES_MAX_COUNTERS)));
	PG_RETURN_POINTER(series_of_points(counters, NULL, NULL, 0));
}

/* The levels that a bigint[] gives a point. */
static void
point_levels(SeriesPoint *point, ArrayType *array, int counters)
{
	Datum	   *values;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &values, &nulls, &count);
	if (count != counters)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("a series of %d counters was given %d levels", counters, count)));
	for (int c = 0; c < counters; c++)
	{
		if (nulls[c])
			continue;
		point->known |= UINT32_C(1) << c;
		point->level[c] = DatumGetInt64(values[c]);
	}
}

/*
 * series_append(series, at, levels, exact, is_break, source): with one more
 * point.  The usual one, later than all, touches the last block only.
 */
Datum
series_append(PG_FUNCTION_ARGS)
{
	Series	   *series = PG_GETARG_SERIES_PP(0);
	int32		source = PG_GETARG_INT32(5);
	SeriesPoint point = {0};
	SeriesWriter writer;
	SeriesReader reader;
	SeriesPoint *merged;
	int			count;

	point.time = PG_GETARG_TIMESTAMPTZ(1);
	series_check_time(point.time);
	if (source < 0 || source > PG_INT16_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a source is a number from 0 to %d", PG_INT16_MAX)));
	point.source = source;
	point.flags = (PG_GETARG_BOOL(3) ? 0 : SERIES_ROUNDED) | (PG_GETARG_BOOL(4) ? SERIES_BREAK : 0);
	series_resume(&writer, series);
	point_levels(&point, PG_GETARG_ARRAYTYPE_P(2), writer.counters);
	if (!writer.state.has_time || point.time > writer.state.time)
	{
		if (writer.points == SERIES_MAX_POINTS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a series has at most %d points", SERIES_MAX_POINTS)));
		series_write(&writer, &point);
		PG_RETURN_POINTER(series_finish(&writer));
	}
	/* what an anchor covers is settled */
	if (writer.start.has_time && point.time <= writer.start.time)
		PG_RETURN_POINTER(series);
	series_open(&reader, series);
	merged = series_points_merge(series_all_points(&reader), reader.points, &point, 1,
								 reader.counters, &count);
	PG_RETURN_POINTER(series_of_points(reader.counters, reader.start.has_time ? &reader.start : NULL,
									   merged, count));
}

/*
 * The state as of a time: after the last point not later.  False where there
 * is none.
 */
static bool
state_at(const Series *series, TimestampTz at, SeriesState *state, int *counters)
{
	SeriesReader reader;
	SeriesBlock block;
	bool		found;

	series_open(&reader, series);
	*counters = reader.counters;
	found = reader.start.has_time && reader.start.time <= at;
	*state = reader.start;
	while (series_next_block(&reader, &block) && block.time[0] <= at)
	{
		bool		is_last = block.time[block.count - 1] > at;
		uint32		kept;

		found = true;
		while (block.time[block.count - 1] > at)
			block.count--;
		kept = (UINT32_C(1) << block.count) - 1;
		block.broken &= kept;
		for (int c = 0; c < reader.counters; c++)
			block.known[c] &= kept;
		series_state_advance(&reader.state, &block, reader.counters);
		*state = reader.state;
		/* what follows would be read as if it came after this */
		if (is_last)
			break;
	}
	return found;
}

/* series_at(series, at): the last known levels as of then; NULL before the first point. */
Datum
series_at(PG_FUNCTION_ARGS)
{
	SeriesState state;
	int			counters;

	if (!state_at(PG_GETARG_SERIES_PP(0), PG_GETARG_TIMESTAMPTZ(1), &state, &counters))
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(series_levels_array(&state, counters));
}

/* series_anchor(series): the levels before the first point; NULL where there is no anchor. */
Datum
series_anchor(PG_FUNCTION_ARGS)
{
	SeriesReader reader;

	series_open(&reader, PG_GETARG_SERIES_PP(0));
	if (!reader.start.has_time)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(series_levels_array(&reader.start, reader.counters));
}

/*
 * series_gain(series, from_time, to_time): what each counter gained at the
 * points of that time, the end not included.  Baselines gain nothing.
 */
Datum
series_gain(PG_FUNCTION_ARGS)
{
	Series	   *series = PG_GETARG_SERIES_PP(0);
	TimestampTz from = PG_GETARG_TIMESTAMPTZ(1);
	TimestampTz to = PG_GETARG_TIMESTAMPTZ(2);
	SeriesReader reader;
	SeriesPoint *points;
	SeriesState state;
	SeriesState gain = {0};

	series_open(&reader, series);
	state = reader.start;
	points = series_all_points(&reader);
	for (int i = 0; i < reader.points && points[i].time < to; i++)
	{
		for (int c = 0; c < reader.counters && points[i].time >= from; c++)
		{
			if ((points[i].known & state.known) >> c & 1 && (points[i].flags & SERIES_BREAK) == 0)
				add_wrapping(&gain.level[c], (int64) ((uint64) points[i].level[c] - (uint64) state.level[c]));
		}
		series_state_apply(&state, &points[i], reader.counters);
	}
	gain.known = UINT32_MAX;
	PG_RETURN_ARRAYTYPE_P(series_levels_array(&gain, reader.counters));
}

/* series_points(series): a row for each point. */
Datum
series_points(PG_FUNCTION_ARGS)
{
	Series	   *series = PG_GETARG_SERIES_PP(0);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	SeriesReader reader;
	SeriesPoint *points;
	SeriesState state;

	InitMaterializedSRF(fcinfo, 0);
	series_open(&reader, series);
	state = reader.start;
	points = series_all_points(&reader);
	for (int i = 0; i < reader.points; i++)
	{
		SeriesPoint *point = &points[i];
		bool		is_break = point->flags & SERIES_BREAK;
		SeriesState shown = {.known = point->known};
		Datum		values[6];
		bool		nulls[6] = {0};

		memcpy(shown.level, point->level, sizeof(shown.level));
		values[0] = TimestampTzGetDatum(point->time);
		values[1] = PointerGetDatum(series_levels_array(&shown, reader.counters));
		values[2] = BoolGetDatum((point->flags & SERIES_ROUNDED) == 0);
		values[3] = BoolGetDatum((point->known & ~(is_break ? 0 : state.known)) != 0);
		values[4] = BoolGetDatum(is_break);
		values[5] = Int32GetDatum(point->source);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		pfree(DatumGetPointer(values[1]));
		series_state_apply(&state, point, reader.counters);
	}
	return (Datum) 0;
}

/* A bigint[] of one kind of amounts of a row. */
static Datum
amounts_array(const int64 *amounts, int counters)
{
	SeriesState state = {.known = UINT32_MAX};

	memcpy(state.level, amounts, sizeof(int64) * counters);
	return PointerGetDatum(series_levels_array(&state, counters));
}

/*
 * series_buckets(series, granularity, tz): gains, baselines and how many
 * baselines, by day, week or month of a time zone.
 */
Datum
series_buckets(PG_FUNCTION_ARGS)
{
	Series	   *series = PG_GETARG_SERIES_PP(0);
	Granularity granularity = calendar_granularity(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	Calendar   *calendar = calendar_of(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	SeriesReader reader;
	DaySums    *days;
	DaySums    *buckets;
	int32	   *list;
	int			count;

	InitMaterializedSRF(fcinfo, 0);
	series_open(&reader, series);
	days = day_sums_of_all(AMOUNTS(reader.counters));
	buckets = day_sums_of_all(AMOUNTS(reader.counters));
	day_sums_add_history(days, 0, calendar, series, DT_NOEND);
	list = day_sums_list(days, &count);
	for (int i = 0; i < count; i++)
	{
		int64	   *from = day_sums_row(days, list[i]);
		int64	   *to = day_sums_row(buckets, calendar_bucket(granularity, list[i]));

		for (int a = 0; a < days->width; a++)
			add_wrapping(&to[a], from[a]);
	}
	list = day_sums_list(buckets, &count);
	for (int i = 0; i < count; i++)
	{
		int64	   *row = day_sums_row(buckets, list[i]);
		Datum		values[4];
		bool		nulls[4] = {0};

		values[0] = DateADTGetDatum(list[i]);
		values[1] = amounts_array(row + AMOUNT_GAIN(reader.counters, 0), reader.counters);
		values[2] = amounts_array(row + AMOUNT_BASELINE(reader.counters, 0), reader.counters);
		values[3] = amounts_array(row + AMOUNT_KNOWN(reader.counters, 0), reader.counters);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * series_merge(a, b): the points of both; where both have one of the same
 * moment, b completes and corrects a.  The later anchor holds, and what is
 * not later than it goes.
 */
Datum
series_merge(PG_FUNCTION_ARGS)
{
	Series	   *series[2] = {PG_GETARG_SERIES_PP(0), PG_GETARG_SERIES_PP(1)};
	SeriesReader reader[2];
	SeriesPoint *points[2];
	SeriesPoint *merged;
	SeriesState *start = NULL;
	int			count;
	int			first = 0;

	for (int i = 0; i < 2; i++)
	{
		series_open(&reader[i], series[i]);
		points[i] = series_all_points(&reader[i]);
		if (reader[i].start.has_time && (start == NULL || reader[i].start.time > start->time))
			start = &reader[i].start;
	}
	if (reader[0].counters != reader[1].counters)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a series of %d counters cannot be merged with one of %d",
						reader[0].counters, reader[1].counters)));
	merged = series_points_merge(points[0], reader[0].points, points[1], reader[1].points,
								 reader[0].counters, &count);
	while (start != NULL && first < count && merged[first].time <= start->time)
		first++;
	PG_RETURN_POINTER(series_of_points(reader[0].counters, start, merged + first, count - first));
}

/*
 * series_thin(series, gap, before): of the points before a time, those that
 * the next one follows within the gap go, unless one marks a break.  No level
 * is lost that a kept point does not know, and what went is gained later.
 */
Datum
series_thin(PG_FUNCTION_ARGS)
{
	Series	   *series = PG_GETARG_SERIES_PP(0);
	Interval   *interval = PG_GETARG_INTERVAL_P(1);
	TimestampTz before = PG_GETARG_TIMESTAMPTZ(2);
	int64		days = interval->day + interval->month * INT64CONST(30);
	int64		gap;
	SeriesReader reader;
	SeriesPoint *points;
	int			kept = 0;
	int64		last_kept = PG_INT64_MIN;

	/* no gap is longer than all the time that there is */
	days = Min(Max(days, 0), CALENDAR_LAST_DAY - CALENDAR_FIRST_DAY);
	gap = days * USECS_PER_DAY + Min(Max(interval->time, 0), SERIES_LATEST);
	series_open(&reader, series);
	points = series_all_points(&reader);
	for (int i = 0; i < reader.points; i++)
	{
		bool		covered = i + 1 < reader.points && points[i + 1].time < before &&
			points[i + 1].time - points[i].time < gap &&
			(points[i].known & ~points[i + 1].known) == 0 &&
			((points[i].flags | points[i + 1].flags) & SERIES_BREAK) == 0;

		/* the first stays, for it is the baseline; so does one in each gap */
		if (i == 0 || !covered || points[i].time - last_kept >= gap)
		{
			last_kept = points[i].time;
			points[kept++] = points[i];
		}
	}
	PG_RETURN_POINTER(series_of_points(reader.counters, reader.start.has_time ? &reader.start : NULL,
									   points, kept));
}

/*
 * series_cut(series, before): without the points before a time, whose last
 * levels become the anchor.
 */
Datum
series_cut(PG_FUNCTION_ARGS)
{
	Series	   *series = PG_GETARG_SERIES_PP(0);
	TimestampTz before = PG_GETARG_TIMESTAMPTZ(1);
	SeriesReader reader;
	SeriesPoint *points;
	SeriesState state;
	int			first = 0;

	series_open(&reader, series);
	state = reader.start;
	points = series_all_points(&reader);
	while (first < reader.points && points[first].time < before)
		series_state_apply(&state, &points[first++], reader.counters);
	PG_RETURN_POINTER(series_of_points(reader.counters, state.has_time ? &state : NULL,
									   points + first, reader.points - first));
}
