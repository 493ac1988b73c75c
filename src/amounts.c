/*
 * amounts.c
 *	  What a video adds to the totals of whatever holds it: a post when it was
 *	  posted, and of each counter a baseline when it is first known and gains
 *	  after that.  A difference between two histories is a list of amounts as
 *	  well, so one form serves the log, the folder and every reader.
 *
 * Amounts keep their time, not a day: which day it is depends on the
 * organization's time zone when they are read.
 */
#include "postgres.h"

#include "amounts.h"

/* A zeroed amount at the end, for a moment cut to the second. */
static Amount *
next_amount(Amounts *amounts, TimestampTz time)
{
	Amount	   *amount;
	int64		second = time % USECS_PER_SEC;

	if (amounts->count == amounts->capacity)
	{
		amounts->capacity = Max(4, amounts->capacity * 2);
		amounts->amount = amounts->amount == NULL ?
			palloc(sizeof(Amount) * amounts->capacity) :
			repalloc_huge(amounts->amount, sizeof(Amount) * amounts->capacity);
	}
	amount = &amounts->amount[amounts->count++];
	memset(amount, 0, sizeof(*amount));
	amount->time = time - (second < 0 ? second + USECS_PER_SEC : second);
	return amount;
}

/* Add, or with a sign of -1 take away, what points gain after a state. */
void
amounts_add_points(Amounts *amounts, const SeriesState *before,
				   const SeriesPoint *points, int count, int sign)
{
	SeriesState state = *before;

	for (int i = 0; i < count; i++)
	{
		Amount	   *amount = NULL;
		uint32		levels = points[i].flags & SERIES_BREAK ? 0 : state.known;

		for (int c = 0; c < VIDEO_COUNTERS; c++)
		{
			bool		has_level = levels >> c & 1;
			uint64		change = (uint64) points[i].level[c] - (has_level ? (uint64) state.level[c] : 0);

			if ((points[i].known >> c & 1) == 0 || (has_level && change == 0))
				continue;
			if (amount == NULL)
				amount = next_amount(amounts, points[i].time);
			if (sign < 0)
				change = -change;
			amount->number[has_level ? TOTAL_GAIN(c) : TOTAL_BASELINE(c)] = (int64) change;
			if (!has_level)
				amount->number[TOTAL_KNOWN(c)] = sign;
		}
		series_state_apply(&state, &points[i], VIDEO_COUNTERS);
	}
}

/* Add a post, or take it away; a time that no series can hold counts as the nearest that one can. */
void
amounts_add_post(Amounts *amounts, TimestampTz posted_at, int sign)
{
	posted_at = Min(Max(posted_at, SERIES_EARLIEST), SERIES_LATEST - 1);
	next_amount(amounts, posted_at)->number[TOTAL_POSTS] = sign;
}

static int
compare_amounts(const void *a, const void *b)
{
	TimestampTz left = ((const Amount *) a)->time;
	TimestampTz right = ((const Amount *) b)->time;

	return left < right ? -1 : left > right;
}

/*
 * All of them as a series, in order and each moment once; NULL where they
 * come to nothing.
 */
Series *
amounts_finish(Amounts *amounts, bool *too_many)
{
	SeriesWriter writer;
	int			at = 0;

	if (amounts->count == 0)
		return NULL;
	qsort(amounts->amount, amounts->count, sizeof(Amount), compare_amounts);
	series_write_begin(&writer, TOTAL_WIDTH, NULL);
	while (at < amounts->count)
	{
		SeriesPoint point = {.time = amounts->amount[at].time, .known = (1 << TOTAL_WIDTH) - 1};
		bool		any = false;

		for (; at < amounts->count && amounts->amount[at].time == point.time; at++)
		{
			for (int i = 0; i < TOTAL_WIDTH; i++)
				add_wrapping(&point.level[i], amounts->amount[at].number[i]);
		}
		for (int i = 0; i < TOTAL_WIDTH; i++)
			any |= point.level[i] != 0;
		if (!any)
			continue;
		if (writer.points == SERIES_MAX_POINTS)
		{
			*too_many = true;
			return NULL;
		}
		series_write(&writer, &point);
	}
	return writer.points > 0 ? series_finish(&writer) : NULL;
}
