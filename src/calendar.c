/*
 * calendar.c
 *	  Which day a moment belongs to in a time zone: the same answer as
 *	  (time AT TIME ZONE zone)::date, fast enough for millions of points.  But
 *	  days never go back: where clocks do so past midnight, as Casey's did in
 *	  2010, the new day goes on.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "calendar.h"
#include "trackagoat.h"

/* Zones change their clocks at multiples of this. */
#define CLOCK_STEP (15 * USECS_PER_MINUTE)

/* All that were asked for: aggregates hold on to them. */
static Calendar *calendars;

/*
 * The calendar of a zone, the process's own and never freed; PT400
 * invalid_timezone for a name that the server does not know.
 */
Calendar *
calendar_of(const char *timezone)
{
	pg_tz	   *zone = strlen(timezone) < TZ_STRLEN_MAX ? pg_tzset(timezone) : NULL;
	Calendar   *calendar;

	if (zone == NULL || !pg_tz_acceptable(zone))
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_BAD_REQUEST),
				 errmsg("invalid_timezone"),
				 errdetail("The server knows no time zone \"%.*s\".",
						   (int) strnlen(timezone, ERROR_SHOWN_LENGTH), timezone),
				 errhint("Name one of pg_timezone_names, such as \"Europe/Vienna\".")));
	for (calendar = calendars; calendar != NULL; calendar = calendar->next)
	{
		if (calendar->zone == zone)
			return calendar;
	}
	calendar = MemoryContextAlloc(TopMemoryContext, sizeof(Calendar));
	calendar->zone = zone;
	for (int i = 0; i < CALENDAR_CACHE; i++)
		calendar->cache[i].utc_day = PG_INT64_MIN;
	calendar->next = calendars;
	calendars = calendar;
	return calendar;
}

static int32
local_day(Calendar *calendar, TimestampTz time)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			offset;

	if (timestamp2tm(time, &offset, &tm, &fsec, NULL, calendar->zone) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	return date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
}

/* The first moment of a day. */
TimestampTz
calendar_start(Calendar *calendar, int32 day)
{
	struct pg_tm tm;
	TimestampTz start;

	memset(&tm, 0, sizeof(tm));
	j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	start = day * USECS_PER_DAY +
		DetermineTimeZoneOffset(&tm, calendar->zone) * USECS_PER_SEC;
	/* where clocks go back to midnight, there are two: the first is meant */
	while (local_day(calendar, start - 1) >= day)
		start -= CLOCK_STEP;
	return start;
}

/* Fill an entry of the cache. */
void
calendar_look_up(Calendar *calendar, CalendarDay *entry, int64 utc_day)
{
	int32		day = local_day(calendar, utc_day * USECS_PER_DAY);

	/* at the ends of time, zones east and west keep to the years 1 to 9999 */
	entry->next = day < CALENDAR_LAST_DAY ? calendar_start(calendar, day + 1) : DT_NOEND;
	entry->after_next = day + 1 < CALENDAR_LAST_DAY ? calendar_start(calendar, day + 2) : DT_NOEND;
	if (day < CALENDAR_FIRST_DAY)
		entry->next = DT_NOEND;
	if (day + 1 < CALENDAR_FIRST_DAY)
		entry->after_next = DT_NOEND;
	entry->day = Min(Max(day, CALENDAR_FIRST_DAY), CALENDAR_LAST_DAY);
	entry->utc_day = utc_day;
}

/* PT400 invalid_granularity for a name that is none. */
Granularity
calendar_granularity(const char *name)
{
	if (strcmp(name, "day") == 0)
		return GRANULARITY_DAY;
	if (strcmp(name, "week") == 0)
		return GRANULARITY_WEEK;
	if (strcmp(name, "month") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_BAD_REQUEST),
				 errmsg("invalid_granularity"),
				 errdetail("There is no granularity \"%.*s\".",
						   (int) strnlen(name, ERROR_SHOWN_LENGTH), name),
				 errhint("Allowed are day, week, month.")));
	return GRANULARITY_MONTH;
}

/* The first day of the bucket that a day is in; weeks begin on Monday. */
int32
calendar_bucket(Granularity granularity, int32 day)
{
	int			year;
	int			month;
	int			day_of_month;

	switch (granularity)
	{
		case GRANULARITY_WEEK:
			/* 2000-01-01 was a Saturday */
			return day - ((day % 7 + 7) + 5) % 7;
		case GRANULARITY_MONTH:
			j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &day_of_month);
			return day - (day_of_month - 1);
		default:
			return day;
	}
}
