/*
 * stats.c
 *	  campaign_stats() and entity_amounts(): what read_totals.c finds, as rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "read_totals.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(campaign_stats);
PG_FUNCTION_INFO_V1(entity_amounts);
PG_FUNCTION_INFO_V1(follower_amounts);

/* A day after any that a series can hold: a window there has all before it. */
#define LAST_DAY 2950000

/* The days asked for. */
typedef struct Window
{
	bool		has_from;
	bool		has_to;
	int32		from;
	int32		to;
} Window;

static Window
get_window(FunctionCallInfo fcinfo, int from, int to)
{
	Window		window = {.has_from = !PG_ARGISNULL(from), .has_to = !PG_ARGISNULL(to)};

	window.from = window.has_from ? Max(PG_GETARG_DATEADT(from), FIRST_DAY) : FIRST_DAY;
	window.to = window.has_to ? Min(PG_GETARG_DATEADT(to), LAST_DAY) : LAST_DAY;
	if (window.from > window.to)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_BAD_REQUEST),
				 errmsg("invalid_window"),
				 errdetail("The window ends before it begins."),
				 errhint("Give a from_date that is not after to_date.")));
	return window;
}

/* Sums for a window; of all days where it is open or very long. */
static DaySums *
window_sums(const Window *window)
{
	if (window->has_from && window->to - window->from < LONGEST_WINDOW)
		return day_sums_of_window(TOTAL_WIDTH, window->from, window->to);
	return day_sums_of_all(TOTAL_WIDTH);
}

/* (likes + comments + shares + saves) / views * 100, or null. */
static Datum
engagement_rate(const int64 *level, const bool *isnull, bool *rate_isnull)
{
	Numeric		sum = int64_to_numeric(0);

	*rate_isnull = isnull[0] || level[0] == 0;
	if (*rate_isnull)
		return (Datum) 0;
	for (int c = 1; c < VIDEO_COUNTERS; c++)
	{
		if (!isnull[c])
			sum = DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(sum),
													  NumericGetDatum(int64_to_numeric(level[c]))));
	}
	sum = DatumGetNumeric(DirectFunctionCall2(numeric_div, NumericGetDatum(sum),
											  NumericGetDatum(int64_to_numeric(level[0]))));
	return DirectFunctionCall2(numeric_mul, NumericGetDatum(sum), NumericGetDatum(int64_to_numeric(100)));
}

/* The levels at the end of all days; null where no video knows one. */
static void
lifetime_levels(const DaySums *days, int64 *videos, int64 *level, bool *isnull)
{
	*videos = days->before[TOTAL_POSTS];
	for (int c = 0; c < VIDEO_COUNTERS; c++)
	{
		level[c] = (int64) ((uint64) days->before[TOTAL_BASELINE(c)] + (uint64) days->before[TOTAL_GAIN(c)]);
		isnull[c] = days->before[TOTAL_KNOWN(c)] == 0 && *videos != 0;
		if (level[c] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("bigint out of range"),
					 errdetail("A total is larger than a bigint holds.")));
	}
}

/* The gains of a window. */
static void
window_gains(DaySums *days, const Window *window, int64 *videos, int64 *level, bool *isnull)
{
	int			count;
	int32	   *list = day_sums_list(days, &count);

	*videos = 0;
	memset(level, 0, sizeof(int64) * VIDEO_COUNTERS);
	memset(isnull, 0, sizeof(bool) * VIDEO_COUNTERS);
	for (int i = 0; i < count; i++)
	{
		const int64 *row;

		if (list[i] < window->from || list[i] > window->to)
			continue;
		row = day_sums_row(days, list[i]);
		add_wrapping(videos, row[TOTAL_POSTS]);
		for (int c = 0; c < VIDEO_COUNTERS; c++)
			add_wrapping(&level[c], row[TOTAL_GAIN(c)]);
	}
}

/*
 * campaign_stats(campaign_id, from_date, to_date, at): one row, of totals to
 * date or of the gains of a window.
 */
Datum
campaign_stats(PG_FUNCTION_ARGS)
{
	Window		window;
	bool		is_lifetime;
	TimestampTz until;
	TupleDesc	tupdesc;
	Scope		scope;
	DaySums    *days;
	int64		creators;
	int64		videos;
	int64		level[VIDEO_COUNTERS];
	bool		isnull[VIDEO_COUNTERS];
	Datum		values[8];
	bool		nulls[8] = {0};
	HeapTuple	tuple;
	Datum		result;

	if (PG_NARGS() != 4)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the extension is of another version than its library"),
				 errhint("ALTER EXTENSION trackagoat UPDATE; then CALL trackagoat.setup();")));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	window = get_window(fcinfo, 1, 2);
	is_lifetime = !window.has_from && !window.has_to;
	until = PG_ARGISNULL(3) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(3);
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE || tupdesc->natts != lengthof(values))
		elog(ERROR, "campaign_stats must be declared to return eight columns");
	tupdesc = BlessTupleDesc(tupdesc);

	SPI_connect();
	scope = scope_find("campaign", PG_GETARG_DATUM(0));
	days = is_lifetime ? day_sums_of_window(TOTAL_WIDTH, LAST_DAY, LAST_DAY - 1) : window_sums(&window);
	creators = scope_read(&scope, scope.timezone, until, false, days, is_lifetime ? LAST_DAY : window.from);
	if (is_lifetime)
		lifetime_levels(days, &videos, level, isnull);
	else
		window_gains(days, &window, &videos, level, isnull);

	values[0] = Int64GetDatum(creators);
	values[1] = Int64GetDatum(videos);
	for (int c = 0; c < VIDEO_COUNTERS; c++)
	{
		values[2 + c] = Int64GetDatum(level[c]);
		nulls[2 + c] = isnull[c];
	}
	values[7] = engagement_rate(level, isnull, &nulls[7]);
	tuple = heap_form_tuple(tupdesc, values, nulls);
	result = PointerGetDatum(SPI_returntuple(tuple, tupdesc));
	SPI_finish();
	PG_RETURN_DATUM(result);
}

static void
put_amounts(ReturnSetInfo *rsinfo, DateADT day, const int64 *row)
{
	Datum		values[1 + TOTAL_WIDTH];
	bool		nulls[1 + TOTAL_WIDTH] = {0};

	values[0] = DateADTGetDatum(day);
	for (int n = 0; n < TOTAL_WIDTH; n++)
		values[1 + n] = Int64GetDatum(row[n]);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * entity_amounts(entity, entity_id, from_date, to_date, tz, at, live): a row
 * for each day of the window with anything; with a window that has a beginning
 * also one of -infinity, of all that was before it: its baselines are levels.
 */
Datum
entity_amounts(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Window		window = get_window(fcinfo, 2, 3);
	TimestampTz until = PG_ARGISNULL(5) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(5);
	bool		live = !PG_ARGISNULL(6) && PG_GETARG_BOOL(6);
	Scope		scope;
	DaySums    *days;
	int32	   *list;
	int			count;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	SPI_connect();
	scope = scope_find(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_DATUM(1));
	days = window_sums(&window);
	(void) scope_read(&scope, PG_ARGISNULL(4) ? scope.timezone : text_to_cstring(PG_GETARG_TEXT_PP(4)),
					  until, live, days, window.from);
	if (days->is_window)
	{
		/* how the level before the window came about is not always known */
		for (int c = 0; c < VIDEO_COUNTERS; c++)
		{
			add_wrapping(&days->before[TOTAL_BASELINE(c)], days->before[TOTAL_GAIN(c)]);
			days->before[TOTAL_GAIN(c)] = 0;
		}
		put_amounts(rsinfo, DATEVAL_NOBEGIN, days->before);
	}
	list = day_sums_list(days, &count);
	for (int i = 0; i < count; i++)
	{
		const int64 *row = day_sums_row(days, list[i]);
		bool		any = false;

		for (int n = 0; n < TOTAL_WIDTH; n++)
			any |= row[n] != 0;
		if (any && list[i] >= window.from && list[i] <= window.to)
			put_amounts(rsinfo, list[i], row);
	}
	SPI_finish();
	return (Datum) 0;
}

/*
 * follower_amounts(entity, entity_id, from_date, to_date, tz, at): of each day
 * with anything, and of all before the window, what the followers of the
 * entity's creators gained, their baselines, and how many of these there are.
 */
Datum
follower_amounts(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Window		window = get_window(fcinfo, 2, 3);
	TimestampTz until = PG_ARGISNULL(5) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(5);
	Scope		scope;
	DaySums    *days;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	SPI_connect();
	scope = scope_find(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_DATUM(1));
	if (!window.has_from || window.to - window.from >= LONGEST_WINDOW)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_BAD_REQUEST),
				 errmsg("invalid_window"),
				 errdetail("The window has no beginning or is longer than %d days.", LONGEST_WINDOW),
				 errhint("Name a first and a last day.")));
	days = day_sums_of_window(FOLLOWER_WIDTH, window.from, window.to);
	scope_read_followers(&scope, calendar_of(PG_ARGISNULL(4) ? scope.timezone : text_to_cstring(PG_GETARG_TEXT_PP(4))),
						 until, days);
	for (int32 i = -1; i < days->days; i++)
	{
		const int64 *row = i < 0 ? days->before : days->window + (int64) i * FOLLOWER_WIDTH;
		Datum		values[1 + FOLLOWER_WIDTH];
		bool		nulls[1 + FOLLOWER_WIDTH] = {0};
		bool		any = i < 0;

		values[0] = DateADTGetDatum(i < 0 ? DATEVAL_NOBEGIN : window.from + i);
		for (int n = 0; n < FOLLOWER_WIDTH; n++)
		{
			values[1 + n] = Int64GetDatum(row[n]);
			any |= row[n] != 0;
		}
		if (any)
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	SPI_finish();
	return (Datum) 0;
}
