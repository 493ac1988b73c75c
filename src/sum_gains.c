/*
 * sum_gains.c
 *	  The aggregate sum_gains(series, from_date, to_date, tz), of all counters
 *	  or of one: the daily gains of many histories, each day's in one sum, in
 *	  one pass over all of them.
 *
 * The state of a group is its sums by day; parallel workers send theirs to
 * the leader as bytes.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "day_sums.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(sum_gains_add);
PG_FUNCTION_INFO_V1(sum_gains_combine);
PG_FUNCTION_INFO_V1(sum_gains_serialize);
PG_FUNCTION_INFO_V1(sum_gains_deserialize);
PG_FUNCTION_INFO_V1(sum_gains_final);

typedef struct GainState
{
	int			counters;		/* of each series */
	int			first;			/* counters that are summed */
	int			last;
	Calendar   *calendar;		/* NULL in what came from a worker */
	DaySums    *sums;
} GainState;

static MemoryContext
aggregate_memory(FunctionCallInfo fcinfo)
{
	MemoryContext memory;

	if (!AggCheckCallContext(fcinfo, &memory))
		elog(ERROR, "sum_gains was called outside of an aggregate");
	return memory;
}

static GainState *
begin_state(int first, int last, int32 from, int32 to, MemoryContext memory)
{
	MemoryContext old_context = MemoryContextSwitchTo(memory);
	GainState  *state = palloc0(sizeof(GainState));

	if (last - first >= MAX_AMOUNT_COUNTERS)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("sum_gains adds series of at most %d counters", MAX_AMOUNT_COUNTERS)));
	if (DATE_NOT_FINITE(from) || DATE_NOT_FINITE(to) || from > to || (int64) to - from >= LONGEST_WINDOW)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_BAD_REQUEST),
				 errmsg("invalid_window"),
				 errdetail("The window is infinite, ends before it begins or is longer than %d days.", LONGEST_WINDOW),
				 errhint("Name a first and a last day.")));
	state->first = first;
	state->last = last;
	state->sums = day_sums_of_window(AMOUNTS(last - first + 1), from, to);
	MemoryContextSwitchTo(old_context);
	return state;
}

static int
check_counter(int32 counter, int counters)
{
	if (counter < 1 || counter > counters)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a series of %d counters has no counter %d", counters, counter)));
	return counter - 1;
}

/* One history more. */
Datum
sum_gains_add(PG_FUNCTION_ARGS)
{
	GainState  *state = PG_ARGISNULL(0) ? NULL : (GainState *) PG_GETARG_POINTER(0);
	MemoryContext memory = aggregate_memory(fcinfo);
	Series	   *series;
	SeriesReader reader;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	series = PG_GETARG_SERIES_PP(1);
	series_open(&reader, series);
	if (state == NULL)
	{
		/* window, zone and counters are those of the group's first row */
		int			first = 0;
		int			last = reader.counters - 1;

		if (PG_NARGS() > 5 && !PG_ARGISNULL(5))
			first = last = check_counter(PG_GETARG_INT32(5), reader.counters);
		state = begin_state(first, last, PG_GETARG_DATEADT(2), PG_GETARG_DATEADT(3), memory);
		state->counters = reader.counters;
		state->calendar = calendar_of(text_to_cstring(PG_GETARG_TEXT_PP(4)));
	}
	if (reader.counters != state->counters)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("sum_gains was given series of %d and of %d counters",
						state->counters, reader.counters)));
	day_sums_add_counters(state->sums, 0, state->calendar, &reader, DT_NOEND, state->first, state->last);
	PG_RETURN_POINTER(state);
}

Datum
sum_gains_combine(PG_FUNCTION_ARGS)
{
	GainState  *state = PG_ARGISNULL(0) ? NULL : (GainState *) PG_GETARG_POINTER(0);
	GainState  *other = PG_ARGISNULL(1) ? NULL : (GainState *) PG_GETARG_POINTER(1);
	MemoryContext memory = aggregate_memory(fcinfo);

	if (other == NULL)
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
	{
		state = begin_state(other->first, other->last, other->sums->from,
							other->sums->from + other->sums->days - 1, memory);
		state->counters = other->counters;
		state->calendar = other->calendar;
	}
	if (state->counters != other->counters || state->first != other->first || state->last != other->last || state->sums->from != other->sums->from ||
		state->sums->days != other->sums->days)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sum_gains was given several windows or numbers of counters in one group")));
	day_sums_merge(state->sums, other->sums);
	PG_RETURN_POINTER(state);
}

Datum
sum_gains_serialize(PG_FUNCTION_ARGS)
{
	GainState  *state = (GainState *) PG_GETARG_POINTER(0);
	StringInfoData buffer;

	(void) aggregate_memory(fcinfo);
	pq_begintypsend(&buffer);
	pq_sendint32(&buffer, state->counters);
	pq_sendint32(&buffer, state->first);
	pq_sendint32(&buffer, state->last);
	pq_sendint32(&buffer, state->sums->from);
	pq_sendint32(&buffer, state->sums->days);
	for (int64 i = 0; i < (int64) state->sums->days * state->sums->width; i++)
		pq_sendint64(&buffer, state->sums->window[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

Datum
sum_gains_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData buffer;
	GainState  *state;
	int			counters;
	int			first;
	int			last;
	int32		from;
	int32		days;

	(void) aggregate_memory(fcinfo);
	initStringInfo(&buffer);
	appendBinaryStringInfo(&buffer, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	counters = pq_getmsgint(&buffer, 4);
	first = pq_getmsgint(&buffer, 4);
	last = pq_getmsgint(&buffer, 4);
	from = (int32) pq_getmsgint(&buffer, 4);
	days = (int32) pq_getmsgint(&buffer, 4);
	state = begin_state(first, last, from, from + days - 1, CurrentMemoryContext);
	state->counters = counters;
	for (int64 i = 0; i < (int64) days * state->sums->width; i++)
		state->sums->window[i] = pq_getmsgint64(&buffer);
	pq_getmsgend(&buffer);
	PG_RETURN_POINTER(state);
}

/* The sums as a series: a point at midnight UTC for each day with anything. */
Datum
sum_gains_final(PG_FUNCTION_ARGS)
{
	GainState  *state;
	SeriesWriter writer;

	(void) aggregate_memory(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (GainState *) PG_GETARG_POINTER(0);
	series_write_begin(&writer, state->sums->width, NULL);
	for (int32 i = 0; i < state->sums->days; i++)
	{
		const int64 *row = state->sums->window + (int64) i * state->sums->width;
		SeriesPoint point = {0};
		bool		any = false;

		for (int a = 0; a < state->sums->width; a++)
		{
			point.level[a] = row[a];
			any |= row[a] != 0;
		}
		if (!any)
			continue;
		point.time = (state->sums->from + i) * USECS_PER_DAY;
		series_check_time(point.time);
		point.known = (UINT32_C(1) << state->sums->width) - 1;
		series_write(&writer, &point);
	}
	PG_RETURN_POINTER(series_finish(&writer));
}
