/*
 * day_sums.c
 *	  Sums by day, and how a history or a list of amounts goes into them.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "day_sums.h"

typedef struct DayRow
{
	int32		day;
	char		status;			/* for simplehash */
	int64	   *row;
} DayRow;

#define SH_PREFIX days
#define SH_ELEMENT_TYPE DayRow
#define SH_KEY_TYPE int32
#define SH_KEY day
#define SH_HASH_KEY(tb, key) murmurhash32((uint32) key)
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Sums of the days from .. to, in the current memory context. */
DaySums *
day_sums_of_window(int width, int32 from, int32 to)
{
	DaySums    *sums = palloc0(sizeof(DaySums));

	sums->width = width;
	sums->is_window = true;
	sums->from = from;
	sums->days = Max(to - from + 1, 0);
	sums->context = CurrentMemoryContext;
	sums->before = palloc0(sizeof(int64) * width);
	sums->beyond = palloc0(sizeof(int64) * width);
	sums->window = palloc0(sizeof(int64) * width * Max(sums->days, 1));
	return sums;
}

/* Sums of whatever days come, in the current memory context. */
DaySums *
day_sums_of_all(int width)
{
	DaySums    *sums = palloc0(sizeof(DaySums));

	sums->width = width;
	sums->context = CurrentMemoryContext;
	sums->all = days_create(CurrentMemoryContext, 8, NULL);
	return sums;
}

void
day_sums_free(DaySums *sums)
{
	days_iterator iterator;
	DayRow	   *entry;

	if (sums->is_window)
	{
		pfree(sums->before);
		pfree(sums->beyond);
		pfree(sums->window);
	}
	else
	{
		days_start_iterate(sums->all, &iterator);
		while ((entry = days_iterate(sums->all, &iterator)) != NULL)
			pfree(entry->row);
		days_destroy(sums->all);
	}
	pfree(sums);
}

/* day_sums_row() of sums without a window. */
int64 *
day_sums_find(DaySums *sums, int32 day)
{
	bool		found;
	DayRow	   *entry = days_insert(sums->all, day, &found);

	if (!found)
		entry->row = MemoryContextAllocZero(sums->context, sizeof(int64) * sums->width);
	sums->last_day = day;
	sums->last = entry->row;
	return entry->row;
}

static int
compare_days(const void *a, const void *b)
{
	int32		left = *(const int32 *) a;
	int32		right = *(const int32 *) b;

	return left < right ? -1 : left > right;
}

/* The days that have a row, in order: palloc'd, *count of them. */
int32 *
day_sums_list(const DaySums *sums, int *count)
{
	int32	   *days;
	days_iterator iterator;
	DayRow	   *entry;

	if (sums->is_window)
	{
		days = palloc(sizeof(int32) * Max(sums->days, 1));
		for (int i = 0; i < sums->days; i++)
			days[i] = sums->from + i;
		*count = sums->days;
		return days;
	}
	days = palloc(sizeof(int32) * Max(sums->all->members, 1));
	*count = 0;
	days_start_iterate(sums->all, &iterator);
	while ((entry = days_iterate(sums->all, &iterator)) != NULL)
		days[(*count)++] = entry->day;
	qsort(days, *count, sizeof(int32), compare_days);
	return days;
}

static void
add_row(int64 *to, const int64 *from, int width)
{
	for (int i = 0; i < width; i++)
		add_wrapping(&to[i], from[i]);
}

/* Add other sums, of the same width and, if a window, of the same one. */
void
day_sums_merge(DaySums *sums, const DaySums *other)
{
	days_iterator iterator;
	DayRow	   *entry;

	if (other->is_window)
	{
		add_row(sums->before, other->before, sums->width);
		add_row(sums->window, other->window, sums->width * sums->days);
		return;
	}
	days_start_iterate(other->all, &iterator);
	while ((entry = days_iterate(other->all, &iterator)) != NULL)
		add_row(day_sums_row(sums, entry->day), entry->row, sums->width);
}

/* Add the sums of all days to one row, but for those before and after a window. */
void
day_sums_add_all(const DaySums *sums, int64 *row)
{
	days_iterator iterator;
	DayRow	   *entry;

	if (sums->is_window)
	{
		for (int32 i = 0; i < sums->days; i++)
			add_row(row, sums->window + (int64) i * sums->width, sums->width);
		return;
	}
	days_start_iterate(sums->all, &iterator);
	while ((entry = days_iterate(sums->all, &iterator)) != NULL)
		add_row(row, entry->row, sums->width);
}

/*
 * One counter of a block where baselines, gaps or breaks may be.  A break
 * takes the level back that no longer says anything, so that baselines and
 * gains always come to the level.
 */
static void
add_counter(int64 **rows, const SeriesBlock *block, int counters, int c, int column,
			bool has_level, int64 level)
{
	for (int i = 0; i < block->count; i++)
	{
		int64		change = series_change(block, c, i);

		if (block->broken >> i & 1 && has_level)
		{
			add_wrapping(&rows[i][AMOUNT_BASELINE(counters, column)], (int64) -(uint64) level);
			rows[i][AMOUNT_KNOWN(counters, column)]--;
			has_level = false;
			level = 0;
		}
		if ((block->known[c] >> i & 1) == 0)
			continue;
		add_wrapping(&level, change);
		if (has_level)
			add_wrapping(&rows[i][AMOUNT_GAIN(counters, column)], change);
		else
		{
			add_wrapping(&rows[i][AMOUNT_BASELINE(counters, column)], change);
			rows[i][AMOUNT_KNOWN(counters, column)]++;
			has_level = true;
		}
	}
}

/* The counters first .. last of a block, as so many counters of the rows. */
static void
add_block(int64 **rows, const SeriesReader *reader, const SeriesBlock *block, int first, int last)
{
	uint32		all = (UINT32_C(1) << block->count) - 1;
	int			counters = last - first + 1;

	for (int c = first; c <= last; c++)
	{
		bool		has_level = reader->state.known >> c & 1;

		if (!has_level || block->broken != 0)
		{
			if ((block->known[c] & all) != 0 || block->broken != 0)
				add_counter(rows, block, counters, c, c - first, has_level, reader->state.level[c]);
		}
		else if (block->changed >> c & 1)
		{
			/* what is not known has no change */
			for (int i = 0; i < block->count; i++)
				add_wrapping(&rows[i][AMOUNT_GAIN(counters, c - first)], block->change[c][i]);
		}
	}
}

/*
 * Add what a history gained, day by day, as seen until then: from the column
 * on, of each counter first .. last the gains, the baselines, and how many
 * baselines there are.  Reads a series that was just opened.
 */
void
day_sums_add_counters(DaySums *sums, int column, Calendar *calendar, SeriesReader *reader,
					  TimestampTz until, int first, int last)
{
	SeriesBlock block;

	if (last >= reader->counters || sums->width < column + AMOUNTS(last - first + 1))
		series_malformed();
	reader->wanted = (UINT32_C(2) << last) - (UINT32_C(1) << first);
	while (series_next_block(reader, &block) && block.time[0] <= until)
	{
		int64	   *rows[SERIES_BLOCK];
		bool		is_last = block.time[block.count - 1] > until;

		while (block.time[block.count - 1] > until)
			block.count--;
		for (int i = 0; i < block.count; i++)
			rows[i] = day_sums_row(sums, calendar_day(calendar, block.time[i])) + column;
		add_block(rows, reader, &block, first, last);
		if (is_last)
			break;
		series_state_advance(&reader->state, &block, reader->counters);
	}
}

/* The same for all counters of a value. */
void
day_sums_add_history(DaySums *sums, int column, Calendar *calendar, const Series *series, TimestampTz until)
{
	SeriesReader reader;

	series_open(&reader, series);
	day_sums_add_counters(sums, column, calendar, &reader, until, 0, reader.counters - 1);
}

/* Add amounts, a point each with as many counters as the sums are wide, or take them away. */
void
day_sums_add_amounts(DaySums *sums, Calendar *calendar, const Series *series, int sign)
{
	SeriesReader reader;
	SeriesPoint *points;

	series_open(&reader, series);
	if (reader.counters != sums->width)
		series_malformed();
	points = series_all_points(&reader);
	for (int i = 0; i < reader.points; i++)
	{
		int64	   *row = day_sums_row(sums, calendar_day(calendar, points[i].time));

		for (int c = 0; c < sums->width; c++)
			add_wrapping(&row[c], sign < 0 ? (int64) - (uint64) points[i].level[c] : points[i].level[c]);
	}
	pfree(points);
}
