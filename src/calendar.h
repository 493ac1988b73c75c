/*
 * calendar.h
 *	  Days, weeks and months of a time zone.  Days count from 2000-01-01, as
 *	  a date does; times are microseconds, as a timestamptz.
 */
#ifndef TRACKAGOAT_CALENDAR_H
#define TRACKAGOAT_CALENDAR_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "pgtime.h"

#define CALENDAR_CACHE 512

/* The days of the years 1 to 9999. */
#define CALENDAR_FIRST_DAY (-730119)
#define CALENDAR_LAST_DAY 2921939

/* A day of UTC in a zone: which day begins it, and when the next two begin. */
typedef struct CalendarDay
{
	int64		utc_day;
	int32		day;
	TimestampTz next;
	TimestampTz after_next;
} CalendarDay;

typedef struct Calendar
{
	pg_tz	   *zone;
	struct Calendar *next;		/* of the process's list */
	CalendarDay cache[CALENDAR_CACHE];
} Calendar;

typedef enum Granularity
{
	GRANULARITY_DAY,
	GRANULARITY_WEEK,
	GRANULARITY_MONTH
} Granularity;

extern Calendar *calendar_of(const char *timezone);
extern void calendar_look_up(Calendar *calendar, CalendarDay *entry, int64 utc_day);
extern TimestampTz calendar_start(Calendar *calendar, int32 day);
extern Granularity calendar_granularity(const char *name);
extern int32 calendar_bucket(Granularity granularity, int32 day);

/* The day of a time in the calendar's zone. */
static inline int32
calendar_day(Calendar *calendar, TimestampTz time)
{
	int64		utc_day = time >= 0 ? time / USECS_PER_DAY : -((USECS_PER_DAY - 1 - time) / USECS_PER_DAY);
	CalendarDay *entry = &calendar->cache[utc_day & (CALENDAR_CACHE - 1)];

	if (entry->utc_day != utc_day)
		calendar_look_up(calendar, entry, utc_day);
	return entry->day + (time >= entry->next) + (time >= entry->after_next);
}

#endif							/* TRACKAGOAT_CALENDAR_H */
