/*
 * totals.c
 *	  The rows of trackagoat.total and trackagoat.total_month: one of an
 *	  entity's lifetime, one for each month that has anything, which holds its
 *	  days as a series.
 *
 * Only the folder writes them, one session at a time for a project, so what
 * it reads "fresh", its own writes included, is what its snapshot would show.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "history.h"
#include "totals.h"

/* Rows fetched at a time from a cursor. */
#define FETCHED 1000

static SavedQuery load_query = {
	.text = "SELECT is_counted, creators, tree, timezone, videos, views, likes, comments, shares, saves,"
	"  known_views, known_likes, known_comments, known_shares, known_saves"
	" FROM trackagoat.total WHERE entity_id = $1 AND org_id = $2 AND entity = $3",
	.nargs = 3, .types = {UUIDOID, UUIDOID, TEXTOID}
};

static SavedQuery store_query = {
	.text = "INSERT INTO trackagoat.total AS t (entity_id, org_id, project_id, entity, is_counted, creators, tree, timezone,"
	"  videos, views, likes, comments, shares, saves, known_views, known_likes, known_comments, known_shares, known_saves)"
	" SELECT $1, $2, $3, $4, $5, $6, $7, $8, n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[11]"
	" FROM (VALUES ($9)) v (n)"
	" ON CONFLICT ON CONSTRAINT total_pkey DO UPDATE SET project_id = excluded.project_id, is_counted = excluded.is_counted, creators = excluded.creators,"
	"  tree = excluded.tree, timezone = excluded.timezone, folded_at = excluded.folded_at, videos = excluded.videos,"
	"  views = excluded.views, likes = excluded.likes, comments = excluded.comments, shares = excluded.shares,"
	"  saves = excluded.saves, known_views = excluded.known_views, known_likes = excluded.known_likes,"
	"  known_comments = excluded.known_comments, known_shares = excluded.known_shares, known_saves = excluded.known_saves",
	.nargs = 9,
	.types = {UUIDOID, UUIDOID, UUIDOID, TEXTOID, BOOLOID, INT8OID, UUIDARRAYOID, TEXTOID, INT8ARRAYOID}
};

static SavedQuery remove_query = {
	.text = "DELETE FROM trackagoat.total WHERE entity_id = $1 AND org_id = $2 AND entity = $3",
	.nargs = 3, .types = {UUIDOID, UUIDOID, TEXTOID}
};

static SavedQuery load_days_query = {
	.text = "SELECT days FROM trackagoat.total_month WHERE entity_id = $1 AND org_id = $2 AND entity = $3 AND month >= $4",
	.nargs = 4, .types = {UUIDOID, UUIDOID, TEXTOID, DATEOID}
};

static SavedQuery load_creators_days_query = {
	.text = "SELECT days FROM trackagoat.total_month WHERE entity_id = ANY ($1) AND org_id = $2 AND entity = $3 AND month >= $4",
	.nargs = 4, .types = {UUIDARRAYOID, UUIDOID, TEXTOID, DATEOID}
};

static SavedQuery load_months_query = {
	.text = "SELECT days FROM trackagoat.total_month WHERE entity_id = $1 AND org_id = $2 AND entity = $3 AND month = ANY ($4)",
	.nargs = 4, .types = {UUIDOID, UUIDOID, TEXTOID, DATEARRAYOID}
};

static SavedQuery store_months_query = {
	.text = "INSERT INTO trackagoat.total_month AS m (entity_id, org_id, entity, month, days)"
	" SELECT $1, $2, $3, o.month, o.days FROM unnest($4, $5) o (month, days)"
	" ON CONFLICT ON CONSTRAINT total_month_pkey DO UPDATE SET days = excluded.days",
	.nargs = 5, .types = {UUIDOID, UUIDOID, TEXTOID, DATEARRAYOID}
};

static SavedQuery remove_months_query = {
	.text = "DELETE FROM trackagoat.total_month WHERE entity_id = $1 AND org_id = $2 AND entity = $3",
	.nargs = 3, .types = {UUIDOID, UUIDOID, TEXTOID}
};

/*
 * Forget the plans of all that one entity at a time is read and written with:
 * those made while the tables were small would scan them whole.
 */
void
totals_forget_plans(void)
{
	saved_query_forget(&load_query);
	saved_query_forget(&store_query);
	saved_query_forget(&remove_query);
	saved_query_forget(&load_days_query);
	saved_query_forget(&load_creators_days_query);
	saved_query_forget(&load_months_query);
	saved_query_forget(&store_months_query);
	saved_query_forget(&remove_months_query);
}

/*
 * The row of an entity, or one of zeros that does not exist.  Fresh: under a
 * new snapshot, not the active one.  Palloc'd in the current context.
 */
Total
total_load(const char *kind, Datum entity, Datum org, bool fresh)
{
	Total		total = {0};
	Datum		values[3] = {entity, org, CStringGetTextDatum(kind)};
	HeapTuple	tuple;
	TupleDesc	tupdesc;
	Datum		value;
	bool		isnull;

	load_query.read_only = !fresh;
	saved_query_run(&load_query, values, NULL);
	if (SPI_processed == 0)
	{
		SPI_freetuptable(SPI_tuptable);
		return total;
	}
	tuple = SPI_tuptable->vals[0];
	tupdesc = SPI_tuptable->tupdesc;
	total.exists = true;
	total.is_counted = DatumGetBool(SPI_getbinval(tuple, tupdesc, 1, &isnull));
	total.creators = DatumGetInt64(SPI_getbinval(tuple, tupdesc, 2, &isnull));
	value = SPI_getbinval(tuple, tupdesc, 3, &isnull);
	total.tree = isnull ? NULL : DatumGetArrayTypePCopy(value);
	total.timezone = SPI_getvalue(tuple, tupdesc, 4);
	for (int i = 0; i < LIFE_WIDTH; i++)
		total.life[i] = DatumGetInt64(SPI_getbinval(tuple, tupdesc, 5 + i, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return total;
}

/* Write the row of an entity, over the one that is there. */
void
total_store(const char *kind, Datum entity, Datum org, Datum project, const Total *total)
{
	Datum		life[LIFE_WIDTH];
	Datum		values[9];
	char		nulls[9] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};

	for (int i = 0; i < LIFE_WIDTH; i++)
		life[i] = Int64GetDatum(total->life[i]);
	values[0] = entity;
	values[1] = org;
	values[2] = project;
	values[3] = CStringGetTextDatum(kind);
	values[4] = BoolGetDatum(total->is_counted);
	values[5] = Int64GetDatum(total->creators);
	values[6] = PointerGetDatum(total->tree);
	nulls[6] = total->tree == NULL ? 'n' : ' ';
	values[7] = CStringGetTextDatum(total->timezone);
	values[8] = PointerGetDatum(construct_array(life, LIFE_WIDTH, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	saved_query_write(&store_query, values, nulls);
}

/* Remove the row of an entity, and its months. */
void
total_remove(const char *kind, Datum entity, Datum org)
{
	Datum		values[3] = {entity, org, CStringGetTextDatum(kind)};

	saved_query_write(&remove_query, values, NULL);
}

/* Add all days to the numbers of a lifetime. */
void
total_add_life(int64 *life, const DaySums *days)
{
	int64		sum[TOTAL_WIDTH] = {0};

	day_sums_add_all(days, sum);
	add_wrapping(&life[LIFE_VIDEOS], sum[TOTAL_POSTS]);
	for (int c = 0; c < VIDEO_COUNTERS; c++)
	{
		add_wrapping(&life[LIFE_LEVEL(c)], sum[TOTAL_GAIN(c)]);
		add_wrapping(&life[LIFE_LEVEL(c)], sum[TOTAL_BASELINE(c)]);
		add_wrapping(&life[LIFE_KNOWN(c)], sum[TOTAL_KNOWN(c)]);
	}
}

/* Add the days of a month's series. */
static void
add_month(DaySums *days, Datum month, int sign)
{
	Series	   *series = (Series *) PG_DETOAST_DATUM_PACKED(month);
	SeriesReader reader;
	SeriesPoint *points;

	series_open(&reader, series);
	if (reader.counters != days->width)
		series_malformed();
	points = series_all_points(&reader);
	for (int i = 0; i < reader.points; i++)
	{
		int64	   *row = day_sums_row(days, (int32) (points[i].time / USECS_PER_DAY));

		for (int n = 0; n < days->width; n++)
			add_wrapping(&row[n], sign < 0 ? (int64) -(uint64) points[i].level[n] : points[i].level[n]);
	}
	pfree(points);
}

/* Add the months that SPI just answered. */
static void
add_fetched_months(DaySums *days, int sign)
{
	bool		isnull;

	for (uint64 i = 0; i < SPI_processed; i++)
		add_month(days, SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull), sign);
	SPI_freetuptable(SPI_tuptable);
}

static void
add_months(SavedQuery *query, Datum *values, bool fresh, DaySums *days, int sign)
{
	query->read_only = !fresh;
	saved_query_run(query, values, NULL);
	add_fetched_months(days, sign);
}

static int32
month_of(int32 day)
{
	return calendar_bucket(GRANULARITY_MONTH, day);
}

/* Add the folded days of an entity, of the month of a day and later, or take them away. */
void
total_load_days(const char *kind, Datum entity, Datum org, int32 from, bool fresh, DaySums *days, int sign)
{
	Datum		values[4] = {entity, org, CStringGetTextDatum(kind), DateADTGetDatum(from == FIRST_DAY ? DATEVAL_NOBEGIN : month_of(from))};

	add_months(&load_days_query, values, fresh, days, sign);
}

/* The same for many creators, some of whose months at a time are in memory. */
void
total_load_creators_days(ArrayType *creators, Datum org, int32 from, bool fresh, DaySums *days)
{
	Datum		values[4] = {PointerGetDatum(creators), org, CStringGetTextDatum("creator"),
		DateADTGetDatum(from == FIRST_DAY ? DATEVAL_NOBEGIN : month_of(from))};
	Portal		cursor;

	load_creators_days_query.read_only = !fresh;
	cursor = saved_query_cursor(&load_creators_days_query, values);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(cursor, true, FETCHED);
		if (SPI_processed == 0)
			break;
		add_fetched_months(days, 1);
	}
	SPI_cursor_close(cursor);
}

/* The days from list[*at] on that are of one month, as a series; *at moves on. */
static Series *
month_series(DaySums *days, const int32 *list, int count, int *at)
{
	int32		month = month_of(list[*at]);
	SeriesWriter writer;

	series_write_begin(&writer, days->width, NULL);
	for (; *at < count && month_of(list[*at]) == month; (*at)++)
	{
		const int64 *row = day_sums_row(days, list[*at]);
		SeriesPoint point = {.time = list[*at] * USECS_PER_DAY, .known = (UINT32_C(1) << days->width) - 1};
		bool		any = false;

		series_check_time(point.time);

		for (int n = 0; n < days->width; n++)
		{
			point.level[n] = row[n];
			any |= row[n] != 0;
		}
		if (any)
			series_write(&writer, &point);
	}
	return series_finish(&writer);
}

/*
 * Add days to those of an entity, whose row must be there, or put them in
 * their place.
 */
void
total_store_days(const char *kind, Datum entity, Datum org, const DaySums *added, bool replace)
{
	DaySums    *days = day_sums_of_all(added->width);
	Datum		values[5] = {entity, org, CStringGetTextDatum(kind)};
	Datum	   *months;
	Datum	   *series;
	int32	   *list;
	int			count;
	int			month_count = 0;

	day_sums_merge(days, added);
	list = day_sums_list(days, &count);
	months = palloc(sizeof(Datum) * Max(count, 1));
	series = palloc(sizeof(Datum) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		Datum		month = DateADTGetDatum(month_of(list[i]));

		if (month_count == 0 || months[month_count - 1] != month)
			months[month_count++] = month;
	}
	values[3] = PointerGetDatum(construct_array(months, month_count, DATEOID, sizeof(DateADT), true, TYPALIGN_INT));
	if (replace)
		saved_query_write(&remove_months_query, values, NULL);
	else if (month_count > 0)
	{
		add_months(&load_months_query, values, true, days, 1);
		pfree(list);
		list = day_sums_list(days, &count);
	}
	if (month_count == 0)
		return;
	for (int i = 0, at = 0; at < count; i++)
		series[i] = PointerGetDatum(month_series(days, list, count, &at));
	saved_query_set_type(&store_months_query, 4, series_type(true));
	values[4] = PointerGetDatum(construct_array(series, month_count, series_type(false), -1, false, TYPALIGN_INT));
	saved_query_write(&store_months_query, values, NULL);
	day_sums_free(days);
}

/*
 * Add what videos contribute as seen until then: the query, under the active
 * snapshot, answers rows of (posted_at, points), either of which may be NULL.
 */
void
totals_add_videos(SavedQuery *query, Datum *values, Calendar *calendar,
				  TimestampTz until, DaySums *days)
{
	Portal		cursor = saved_query_cursor(query, values);

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(cursor, true, FETCHED);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool		isnull;
			Datum		value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);

			if (!isnull)
			{
				TimestampTz posted_at = Min(Max(DatumGetTimestampTz(value), SERIES_EARLIEST), SERIES_LATEST - 1);

				if (posted_at <= until)
					day_sums_row(days, calendar_day(calendar, posted_at))[TOTAL_POSTS]++;
			}
			value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull);
			if (!isnull)
				day_sums_add_history(days, TOTAL_POSTS + 1, calendar,
									 (Series *) PG_DETOAST_DATUM_PACKED(value), until);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(cursor);
}
