/*
 * fold.h
 *	  What the files of the folder share.
 *
 * fold.c folds a project, fold_log.c takes its differences in, and
 * fold_campaigns.c brings its campaigns up to date.
 */
#ifndef TRACKAGOAT_FOLD_H
#define TRACKAGOAT_FOLD_H

#include "graph.h"
#include "id_set.h"
#include "totals.h"

/* What videos that meet a condition contribute, as rows of (posted_at, points). */
#define CONTRIBUTION(condition) \
	"SELECT trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id), NULL::trackagoat.series" \
	" FROM trackagoat.video v WHERE " condition " AND trackagoat.status_counts(v.tracking_status)" \
	" UNION ALL SELECT NULL, h.points FROM trackagoat.video v" \
	"  JOIN trackagoat.video_history h ON h.video_id = v.id AND h.org_id = v.org_id" \
	" WHERE " condition " AND trackagoat.status_counts(v.tracking_status)"

/* A project that is being folded. */
typedef struct Fold
{
	Datum		project;
	Datum		org;
	char	   *timezone;
	Calendar   *calendar;
	Graph	   *graph;
	IdSet	   *counted;		/* creators that are not removed */
	bool		rebuild;		/* everything is to be computed anew */
	Bitmapset  *stale;			/* campaigns to be computed anew */
	Bitmapset  *recount;		/* campaigns whose creators are to be counted anew */
	DaySums   **campaign;		/* what each campaign gains, or NULL */
	DaySums    *project_days;
	int64		applied;		/* rows of the log */
	MemoryContext scratch;		/* reset after each creator */
} Fold;

/* fold_log.c */
extern void fold_take_differences(Fold *fold);

/* fold_campaigns.c */
extern bool fold_has_unfolded(const Fold *fold);
extern void fold_mark_unfolded(Fold *fold);
extern void fold_finish_campaigns(Fold *fold);

#endif							/* TRACKAGOAT_FOLD_H */
