/*
 * day_sums.h
 *	  Sums by day: so many numbers a day, of a window or of all days.
 */
#ifndef TRACKAGOAT_DAY_SUMS_H
#define TRACKAGOAT_DAY_SUMS_H

#include "calendar.h"
#include "series_datum.h"

/* What a series adds to a day, for each of its counters. */
#define AMOUNT_GAIN(counters, c)		(c)
#define AMOUNT_BASELINE(counters, c)	((counters) + (c))
#define AMOUNT_KNOWN(counters, c)		(2 * (counters) + (c))
#define AMOUNTS(counters)				(3 * (counters))
#define MAX_AMOUNT_COUNTERS				5

/* The widest window, in days. */
#define LONGEST_WINDOW	36600

struct days_hash;

typedef struct DaySums
{
	int			width;			/* numbers a day */
	bool		is_window;
	int32		from;			/* of a window, its first day */
	int32		days;			/* and how many */
	int64	   *before;			/* sums of all days before the window */
	int64	   *beyond;			/* where days after it go, for nobody */
	int64	   *window;			/* width * days numbers */
	struct days_hash *all;		/* without a window: a row for each day seen */
	int32		last_day;		/* the row found last */
	int64	   *last;
	MemoryContext context;
} DaySums;

extern DaySums *day_sums_of_window(int width, int32 from, int32 to);
extern DaySums *day_sums_of_all(int width);
extern void day_sums_free(DaySums *sums);
extern int64 *day_sums_find(DaySums *sums, int32 day);
extern int32 *day_sums_list(const DaySums *sums, int *count);
extern void day_sums_merge(DaySums *sums, const DaySums *other);
extern void day_sums_add_history(DaySums *sums, int column, Calendar *calendar,
								 const Series *series, TimestampTz until);
extern void day_sums_add_counters(DaySums *sums, int column, Calendar *calendar,
								  SeriesReader *reader, TimestampTz until, int first, int last);
extern void day_sums_add_all(const DaySums *sums, int64 *row);
extern void day_sums_add_amounts(DaySums *sums, Calendar *calendar, const Series *series, int sign);

/* The numbers of a day, made with zeros when first asked for. */
static inline int64 *
day_sums_row(DaySums *sums, int32 day)
{
	if (sums->is_window)
	{
		if (day < sums->from)
			return sums->before;
		if (day - sums->from >= sums->days)
			return sums->beyond;
		return sums->window + (int64) (day - sums->from) * sums->width;
	}
	if (sums->last != NULL && sums->last_day == day)
		return sums->last;
	return day_sums_find(sums, day);
}

/* Sums wrap around: what comes and goes leaves the truth. */
static inline void
add_wrapping(int64 *sum, int64 value)
{
	*sum = (int64) ((uint64) *sum + (uint64) value);
}

#endif							/* TRACKAGOAT_DAY_SUMS_H */
