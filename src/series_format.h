/*
 * series_format.h
 *	  What series.c reads and series_write.c writes.
 *
 * Bytes of a value:
 *
 *		version (1), number of counters, number of points
 *		state before the first point: its levels are an anchor, which a cut
 *			leaves, so that what follows still has something to grow from
 *		with more than one block: offset of the last block, state before it
 *		blocks of SERIES_BLOCK points, the last with what is left
 *
 * A block stores columns: the times as distances, and of each counter that
 * changed at all its changes, each column in the least number of bits that
 * holds the largest.  To append is to read the last block and write it anew,
 * however long the series.  All numbers wrap around at 64 bits, so that any
 * level whatever comes back as it was.
 */
#ifndef TRACKAGOAT_SERIES_FORMAT_H
#define TRACKAGOAT_SERIES_FORMAT_H

#include "series.h"

#define SERIES_VERSION 1

/* What a block has besides times and changes. */
#define BLOCK_UNKNOWN		0x01	/* a bitmap a counter: which points know it */
#define BLOCK_ROUNDED		0x02	/* a bitmap: which points are rounded */
#define BLOCK_ALL_ROUNDED	0x04
#define BLOCK_BREAK			0x08	/* a bitmap: where a break is */
#define BLOCK_MICROSECONDS	0x10	/* distances in microseconds, not seconds */
#define BLOCK_SOURCE		0x20	/* a column of sources; else all are 0 */
#define BLOCK_ALL			0x3f

#define SECOND				INT64CONST(1000000)

#define ALL_POINTS(count)	((UINT32_C(1) << (count)) - 1)

/* An int64 as a number that is small when it is near 0, and back. */
static inline uint64
zigzag(int64 value)
{
	return ((uint64) value << 1) ^ (uint64) (value >> 63);
}

static inline int64
unzigzag(uint64 value)
{
	return (int64) (value >> 1) ^ -(int64) (value & 1);
}

static inline int
bits_of(uint64 value)
{
	return value == 0 ? 0 : 64 - __builtin_clzll(value);
}

extern void series_block_points(const SeriesBlock *block, const SeriesState *before, int counters,
								SeriesPoint *points);
extern void series_skip_to_last_block(SeriesReader *reader);

#endif							/* TRACKAGOAT_SERIES_FORMAT_H */
