/*
 * read_parts.h
 *	  What the readers of totals share; read_totals.h is for everyone else.
 *
 * read_log.c knows what is not folded yet, read_campaign.c puts a campaign
 * together, and read_totals.c finds what is asked about and reads the rest.
 */
#ifndef TRACKAGOAT_READ_PARTS_H
#define TRACKAGOAT_READ_PARTS_H

#include "id_set.h"
#include "read_totals.h"

/* A row of the log of differences. */
typedef struct Difference
{
	pg_uuid_t  *creator;		/* each NULL where the row names none */
	pg_uuid_t  *video;
	pg_uuid_t  *campaign;
	Series	   *amounts;
} Difference;

typedef struct Differences
{
	Difference *row;
	int			count;
	bool		rebuild;		/* everything is to be computed anew */
	bool		has_posts;		/* a video enters or leaves */
	int			flipped;		/* rows of creators removed, restored or deleted */
	int			marked;			/* rows of campaigns whose items changed */
} Differences;

/* read_totals.c */
extern IdSet *read_removed_creators(const Scope *scope);
extern void read_settle_before(DaySums *days, const int64 *life);
extern void read_folded(const Scope *scope, const Total *total, DaySums *days, int32 from);
extern void read_videos(ArrayType *videos, Datum org, Calendar *calendar, TimestampTz until, DaySums *days);

/* read_log.c */
extern Differences log_load(const Scope *scope);
extern void log_add(Differences *log, const Difference *row, Calendar *calendar, DaySums *days);
extern IdSet *log_flipped(const Differences *log);

/* read_campaign.c */
extern IdSet *read_campaign_creators(const Scope *scope, ArrayType *tree);
extern int64 read_campaign(const Scope *scope, const Total *total, Differences *log, Calendar *calendar,
						   DaySums *days, int32 from);

#endif							/* TRACKAGOAT_READ_PARTS_H */
