/*
 * store.c
 *	  Videos that a page brings in: each row written once, set by set.
 *
 * The statement does what the triggers of a video would, which stand back
 * (bulk.c); the rows have all that the page says, counters too, so that
 * observing them finds nothing to change.  The owner's triggers run as ever,
 * and what they make of a row decides what follows.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "bulk.h"
#include "saved_query.h"
#include "scrape_target.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(store_new_videos);

/* Answers the posts that are to be fetched; those that count are logged as video_totals() would. */
static SavedQuery new_videos_query = {
	.text = "WITH added AS (INSERT INTO trackagoat.video (org_id, project_id, creator_id, tiktok_video_id, tiktok_handle,"
	"  tracking_status, kind, title, posted_at, duration, thumbnail_url, hashtags, is_ad,"
	"  view_count, like_count, comment_count, share_count, save_count, last_observed_at)"
	" SELECT c.org_id, c.project_id, c.id, p.tiktok_video_id, p.tiktok_handle,"
	"  CASE c.tracking_mode WHEN 'auto' THEN 'auto_tracked' ELSE 'pending_review' END::trackagoat.tracking_status,"
	"  p.kind, p.title, trackagoat.video_posted_at(p.posted_at, p.tiktok_video_id),"
	"  least(p.duration, 2147483647)::integer, p.thumbnail_url, p.hashtags, p.is_ad,"
	"  p.view_count, p.like_count, p.comment_count, p.share_count, p.save_count, $4"
	" FROM trackagoat.creator c JOIN trackagoat.organization o ON o.id = c.org_id CROSS JOIN unnest($5) p"
	" WHERE c.org_id = $1 AND c.tiktok_handle = $2 AND c.removed_at IS NULL AND c.is_active"
	"  AND c.tiktok_account_id = coalesce($3, c.tiktok_account_id)"
	"  AND (trackagoat.video_posted_at(p.posted_at, p.tiktok_video_id) AT TIME ZONE o.timezone)::date >= c.tracking_start_date"
	"  AND NOT EXISTS (SELECT FROM trackagoat.video v WHERE v.project_id = c.project_id AND v.org_id = c.org_id"
	"   AND v.tiktok_video_id = p.tiktok_video_id)"
	"  AND NOT EXISTS (SELECT FROM trackagoat.deleted_video d WHERE d.project_id = c.project_id AND d.org_id = c.org_id"
	"   AND d.tiktok_video_id = p.tiktok_video_id)"
	" ORDER BY c.id, p.posted_at ON CONFLICT DO NOTHING RETURNING *),"
	" logged AS (INSERT INTO trackagoat.total_difference (org_id, project_id, creator_id, video_id, differences)"
	"  SELECT a.org_id, a.project_id, a.creator_id, a.id,"
	"   trackagoat.post_amounts(trackagoat.video_posted_at(a.posted_at, a.tiktok_video_id))"
	"  FROM added a WHERE trackagoat.status_counts(a.tracking_status))"
	" SELECT a.tiktok_video_id, trackagoat.video_is_fetched(a.tracking_status, a.tracking_disabled_at, a.refresh_stopped_at)"
	" FROM added a",
	.nargs = 5, .types = {UUIDOID, InvalidOid, INT8OID, TIMESTAMPTZOID, InvalidOid}
};

/*
 * store_new_videos(org_id, handle, account_id, fetched_at, is_served, videos):
 * how many were new.  The account's id may be NULL: not shown.
 */
Datum
store_new_videos(PG_FUNCTION_ARGS)
{
	Datum		values[5] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3), PG_GETARG_DATUM(5)};
	char		nulls[5] = {' ', ' ', PG_ARGISNULL(2) ? 'n' : ' ', ' ', ' '};
	Datum	   *fetched;
	int			fetched_count = 0;
	int			count;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3) || PG_ARGISNULL(4) || PG_ARGISNULL(5))
		PG_RETURN_INT32(0);
	SPI_connect();
	saved_query_set_type(&new_videos_query, 1, get_fn_expr_argtype(fcinfo->flinfo, 1));
	saved_query_set_type(&new_videos_query, 4, get_fn_expr_argtype(fcinfo->flinfo, 5));
	run_in_bulk(&new_videos_query, values, nulls);
	count = (int) SPI_processed;
	fetched = palloc(sizeof(Datum) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		bool		isnull;

		if (DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull)))
			fetched[fetched_count++] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
	}
	queue_found_videos(fetched, fetched_count, PG_GETARG_BOOL(4));
	SPI_finish();
	PG_RETURN_INT32(count);
}
