/*
 * amounts.h
 *	  What videos add to totals, moment by moment: see amounts.c.
 */
#ifndef TRACKAGOAT_AMOUNTS_H
#define TRACKAGOAT_AMOUNTS_H

#include "day_sums.h"
#include "series_datum.h"

#define VIDEO_COUNTERS 5

/* The numbers of a moment or day: a post, then what the counters add. */
#define TOTAL_POSTS			0
#define TOTAL_GAIN(c)		(1 + AMOUNT_GAIN(VIDEO_COUNTERS, c))
#define TOTAL_BASELINE(c)	(1 + AMOUNT_BASELINE(VIDEO_COUNTERS, c))
#define TOTAL_KNOWN(c)		(1 + AMOUNT_KNOWN(VIDEO_COUNTERS, c))
#define TOTAL_WIDTH			(1 + AMOUNTS(VIDEO_COUNTERS))

/* The amounts of one moment, a whole second. */
typedef struct Amount
{
	TimestampTz time;
	int64		number[TOTAL_WIDTH];
} Amount;

typedef struct Amounts
{
	Amount	   *amount;			/* palloc'd */
	int			count;
	int			capacity;
} Amounts;

extern void amounts_add_points(Amounts *amounts, const SeriesState *before,
							   const SeriesPoint *points, int count, int sign);
extern void amounts_add_post(Amounts *amounts, TimestampTz posted_at, int sign);
extern Series *amounts_finish(Amounts *amounts, bool *too_many);

#endif							/* TRACKAGOAT_AMOUNTS_H */
