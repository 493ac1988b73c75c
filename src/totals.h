/*
 * totals.h
 *	  The folded totals of creators, projects and campaigns.
 *
 * totals.c reads and writes their rows.  fold.c brings them up to date, with
 * fold_log.c for what the log has and fold_campaigns.c for campaigns.
 * read_totals.c answers what they are now, with read_log.c for what is not
 * folded yet and read_campaign.c for campaigns.
 */
#ifndef TRACKAGOAT_TOTALS_H
#define TRACKAGOAT_TOTALS_H

#include "amounts.h"
#include "saved_query.h"

#include "utils/array.h"
#include "utils/uuid.h"

/* The numbers of a lifetime: videos, levels, and how many videos know each. */
#define LIFE_VIDEOS		0
#define LIFE_LEVEL(c)	(1 + (c))
#define LIFE_KNOWN(c)	(1 + VIDEO_COUNTERS + (c))
#define LIFE_WIDTH		(1 + 2 * VIDEO_COUNTERS)

/* A row of trackagoat.total. */
typedef struct Total
{
	bool		exists;
	bool		is_counted;		/* a creator's: in the totals of project and campaigns */
	int64		creators;		/* a campaign's */
	int64		life[LIFE_WIDTH];
	ArrayType  *tree;			/* a campaign's: itself and all below it */
	char	   *timezone;		/* of its days */
} Total;

extern void totals_forget_plans(void);
extern Total total_load(const char *kind, Datum entity, Datum org, bool fresh);
extern void total_store(const char *kind, Datum entity, Datum org, Datum project, const Total *total);
extern void total_remove(const char *kind, Datum entity, Datum org);
extern void total_add_life(int64 *life, const DaySums *days);
extern void total_load_days(const char *kind, Datum entity, Datum org, int32 from, bool fresh,
							DaySums *days, int sign);
extern void total_load_creators_days(ArrayType *creators, Datum org, int32 from, bool fresh, DaySums *days);
extern void total_store_days(const char *kind, Datum entity, Datum org, const DaySums *days, bool replace);
extern void totals_add_videos(SavedQuery *query, Datum *values, Calendar *calendar,
							  TimestampTz until, DaySums *days);

/* A year before any that a series can hold. */
#define FIRST_DAY (-800000)

#endif							/* TRACKAGOAT_TOTALS_H */
