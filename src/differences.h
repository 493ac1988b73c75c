/*
 * differences.h
 *	  What goes into the log of differences: see differences.c.
 */
#ifndef TRACKAGOAT_DIFFERENCES_H
#define TRACKAGOAT_DIFFERENCES_H

#include "amounts.h"
#include "saved_query.h"
#include "utils/uuid.h"

/* Rows that are written at a time. */
#define DIFFERENCE_SLICE 2000

/* Rows of the log, by column; one without a video has its project computed anew. */
typedef struct DifferenceColumns
{
	int			count;
	Datum		org[DIFFERENCE_SLICE];
	Datum		project[DIFFERENCE_SLICE];
	Datum		creator[DIFFERENCE_SLICE];
	bool		no_creator[DIFFERENCE_SLICE];
	Datum		video[DIFFERENCE_SLICE];
	bool		no_video[DIFFERENCE_SLICE];
	Datum		difference[DIFFERENCE_SLICE];
} DifferenceColumns;

/* A video that begins to count, or ceases to. */
typedef struct FlippedVideo
{
	pg_uuid_t	id;
	pg_uuid_t	org;
	pg_uuid_t	project;
	pg_uuid_t	creator;
	bool		has_creator;
	TimestampTz posted_at;
	int			sign;			/* 1 or -1 */
} FlippedVideo;

extern void differences_add(DifferenceColumns *columns, const pg_uuid_t *video, const pg_uuid_t *org,
							const pg_uuid_t *project, const pg_uuid_t *creator, Series *difference);
extern void differences_write(DifferenceColumns *columns);
extern void differences_log_flipped(FlippedVideo *videos, int count);

#endif							/* TRACKAGOAT_DIFFERENCES_H */
