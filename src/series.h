/*
 * series.h
 *	  A run of observations of one entity, packed: see series.c.
 */
#ifndef TRACKAGOAT_SERIES_H
#define TRACKAGOAT_SERIES_H

#include "pure.h"

#define SERIES_MAX_COUNTERS 16
#define SERIES_BLOCK 16			/* points of a full block */
#define SERIES_MAX_POINTS 1000000

/* The years 1 to 9999, as times. */
#define SERIES_EARLIEST	(-INT64CONST(63082281600000000))
#define SERIES_LATEST	INT64CONST(252455616000000000)

/* Flags of a point. */
#define SERIES_ROUNDED	0x01	/* the source rounds */
#define SERIES_BREAK	0x02	/* levels known before say nothing from here on */

/* What one observation says.  Times are microseconds, as a timestamptz. */
typedef struct SeriesPoint
{
	int64		time;
	uint32		known;			/* bit c: counter c is known */
	int32		source;			/* whatever number the user gives it */
	uint32		flags;
	int64		level[SERIES_MAX_COUNTERS]; /* 0 where unknown */
} SeriesPoint;

/*
 * What is known between two points: the last time, and of each counter the
 * last level since the last break.  Levels that are not known are 0.
 */
typedef struct SeriesState
{
	bool		has_time;
	int64		time;
	uint32		known;
	int64		level[SERIES_MAX_COUNTERS];
} SeriesState;

/*
 * Up to SERIES_BLOCK points by column.  change[c][i] is the difference to the
 * level in force before point i; for a counter that had none, the level itself.
 */
typedef struct SeriesBlock
{
	int			count;
	int64		time[SERIES_BLOCK];
	int32		source[SERIES_BLOCK];
	uint32		rounded;		/* bit i: point i */
	uint32		broken;
	uint32		changed;		/* bit c: counter c has changes, else all are 0 and not written */
	uint32		known[SERIES_MAX_COUNTERS]; /* bit i: point i knows counter c */
	int64		change[SERIES_MAX_COUNTERS][SERIES_BLOCK];
} SeriesBlock;

/* The change of a counter at a point, whether written or not. */
static inline int64
series_change(const SeriesBlock *block, int c, int i)
{
	return block->changed >> c & 1 ? block->change[c][i] : 0;
}

/* Reads bytes block by block; none of them is trusted. */
typedef struct SeriesReader
{
	const uint8 *at;
	const uint8 *end;
	int			counters;
	int			points;			/* in all */
	int			left;			/* not read yet */
	uint32		wanted;			/* counters to decode; the rest of a block seems unchanged */
	SeriesState state;			/* before the block read next */
	SeriesState start;			/* before the first point */
	SeriesState carry;			/* before the last block */
	const uint8 *blocks;
	const uint8 *last_block;
} SeriesReader;

/* Builds bytes point by point, in the order of time. */
typedef struct SeriesWriter
{
	int			counters;
	int			points;
	SeriesState start;
	SeriesState carry;			/* before the pending points */
	SeriesState state;			/* after them */
	uint8	   *blocks;			/* full blocks, palloc'd */
	int			blocks_length;
	int			blocks_capacity;
	int			pending;
	SeriesPoint point[SERIES_BLOCK];	/* those pending */
} SeriesWriter;

extern bool series_time_is_valid(int64 time);
extern bool series_read(SeriesReader *reader, const void *bytes, size_t length);
extern int	series_read_block(SeriesReader *reader, SeriesBlock *block);
extern bool series_read_to_end(SeriesReader *reader);
extern void series_state_advance(SeriesState *state, const SeriesBlock *block, int counters);
extern SeriesPoint *series_read_points(SeriesReader *reader);
extern bool series_last_state(const SeriesReader *reader, SeriesState *state);

extern void series_write_begin(SeriesWriter *writer, int counters, const SeriesState *start);
extern bool series_write_resume(SeriesWriter *writer, const void *bytes, size_t length);
extern void series_write(SeriesWriter *writer, const SeriesPoint *point);
extern uint8 *series_write_end(SeriesWriter *writer, size_t header, size_t *length);

extern void series_state_apply(SeriesState *state, const SeriesPoint *point, int counters);

#endif							/* TRACKAGOAT_SERIES_H */
