/*
 * read_campaign.c
 *	  The days of a campaign: what was folded and the log, or, where its items
 *	  changed since, the totals of its creators and the histories of the
 *	  videos that it holds besides; and which creators are its own.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/timestamp.h"

#include "campaign.h"
#include "read_parts.h"

/* Creators of the log whose items are in the tree; then those of videos. */
static SavedQuery items_of_creators_query = {
	.text = "SELECT DISTINCT creator_id FROM trackagoat.campaign_item"
	" WHERE creator_id = ANY ($1) AND org_id = $2 AND campaign_id = ANY ($3)",
	.read_only = true, .nargs = 3, .types = {UUIDARRAYOID, UUIDOID, UUIDARRAYOID}
};

static SavedQuery items_of_videos_query = {
	.text = "SELECT DISTINCT video_id FROM trackagoat.campaign_item"
	" WHERE video_id = ANY ($1) AND org_id = $2 AND campaign_id = ANY ($3)",
	.read_only = true, .nargs = 3, .types = {UUIDARRAYOID, UUIDOID, UUIDARRAYOID}
};

/* Whether creators own videos that the tree holds themselves. */
static SavedQuery owners_query = {
	.text = "SELECT FROM trackagoat.campaign_item i JOIN trackagoat.video v ON v.id = i.video_id AND v.org_id = i.org_id"
	" WHERE v.creator_id = ANY ($1) AND i.org_id = $2 AND i.campaign_id = ANY ($3) LIMIT 1",
	.read_only = true, .nargs = 3, .types = {UUIDARRAYOID, UUIDOID, UUIDARRAYOID}
};

/* The creators that a tree holds and that are not removed. */
static SavedQuery held_creators_query = {
	.text = "SELECT DISTINCT i.creator_id FROM trackagoat.campaign_item i"
	" JOIN trackagoat.creator c ON c.id = i.creator_id AND c.org_id = i.org_id"
	" WHERE i.campaign_id = ANY ($1) AND i.org_id = $2 AND i.creator_id IS NOT NULL AND c.removed_at IS NULL",
	.read_only = true, .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}
};

/* The counted videos that a tree holds themselves, with their creators. */
static SavedQuery held_videos_query = {
	.text = "SELECT DISTINCT v.id, v.creator_id FROM trackagoat.campaign_item i"
	" JOIN trackagoat.video v ON v.id = i.video_id AND v.org_id = i.org_id"
	" LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = v.org_id"
	" WHERE i.campaign_id = ANY ($1) AND i.org_id = $2 AND i.video_id IS NOT NULL"
	" AND trackagoat.video_counts(v.tracking_status, c.removed_at)",
	.read_only = true, .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}
};

static SavedQuery life_query = {
	.text = "SELECT videos, views, likes, comments, shares, saves,"
	"  known_views, known_likes, known_comments, known_shares, known_saves"
	" FROM trackagoat.total WHERE entity_id = ANY ($1) AND org_id = $2 AND entity = 'creator'",
	.read_only = true, .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}
};

/* The present levels of videos: of each counter how many know it, then their sum. */
static SavedQuery levels_query = {
	.text = "SELECT count(v.view_count), count(v.like_count), count(v.comment_count), count(v.share_count), count(v.save_count),"
	"  coalesce(sum(v.view_count), 0)::bigint, coalesce(sum(v.like_count), 0)::bigint, coalesce(sum(v.comment_count), 0)::bigint,"
	"  coalesce(sum(v.share_count), 0)::bigint, coalesce(sum(v.save_count), 0)::bigint, count(*)"
	" FROM trackagoat.video v WHERE v.id = ANY ($1) AND v.org_id = $2",
	.read_only = true, .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}
};

/* Has a campaign's tree changed since it was folded, or what its creators count? */
static bool
is_stale(const Scope *scope, const Total *total, const Differences *log)
{
	Datum		values[3];
	IdSet	   *flipped;
	IdSet	   *videos;

	if (!total->exists || total->tree == NULL)
		return true;
	if (log->marked > 0)
	{
		IdSet	   *tree = id_set_new();
		Datum	   *ids;
		int			count;

		deconstruct_array(total->tree, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR, &ids, NULL, &count);
		for (int i = 0; i < count; i++)
			id_set_add(tree, DatumGetUUIDP(ids[i]));
		for (int i = 0; i < log->count; i++)
		{
			if (id_set_has(tree, log->row[i].campaign))
				return true;
		}
	}
	if (log->flipped == 0)
		return false;
	flipped = log_flipped(log);
	values[0] = PointerGetDatum(id_set_array(flipped));
	values[1] = scope->org;
	values[2] = PointerGetDatum(total->tree);
	saved_query_run(&items_of_creators_query, values, NULL);
	if (SPI_processed > 0)
		return true;
	saved_query_run(&owners_query, values, NULL);
	if (SPI_processed > 0)
		return true;
	/* videos that left such a creator meanwhile */
	videos = id_set_new();
	for (int i = 0; i < log->count; i++)
	{
		if (log->row[i].video != NULL && id_set_has(flipped, log->row[i].creator))
			id_set_add(videos, log->row[i].video);
	}
	values[0] = PointerGetDatum(id_set_array(videos));
	saved_query_run(&items_of_videos_query, values, NULL);
	return SPI_processed > 0;
}

/* The creators of a campaign: those it holds, and the owners of videos that it holds. */
IdSet *
read_campaign_creators(const Scope *scope, ArrayType *tree)
{
	Datum		values[2] = {PointerGetDatum(tree), scope->org};
	IdSet	   *creators;

	saved_query_run(&held_creators_query, values, NULL);
	creators = id_set_answered();
	saved_query_run(&held_videos_query, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		creator = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull);

		if (!isnull)
			id_set_add(creators, DatumGetUUIDP(creator));
	}
	SPI_freetuptable(SPI_tuptable);
	return creators;
}

/* A campaign whose tree is as it was folded; answers its creators. */
static int64
read_fresh_campaign(const Scope *scope, const Total *total, Differences *log, Calendar *calendar,
					DaySums *days, int32 from)
{
	IdSet	   *creators = id_set_new();
	IdSet	   *videos = id_set_new();
	IdSet	   *held;
	IdSet	   *removed;
	Datum		values[3];
	bool		entered = false;

	read_folded(scope, total, days, from);
	if (log->count == 0)
		return total->creators;
	removed = read_removed_creators(scope);
	for (int i = 0; i < log->count; i++)
	{
		Difference *row = &log->row[i];

		if (row->video == NULL || id_set_has(removed, row->creator))
			row->amounts = NULL;
		else if (row->creator != NULL)
			id_set_add(creators, row->creator);
	}
	values[0] = PointerGetDatum(id_set_array(creators));
	values[1] = scope->org;
	values[2] = PointerGetDatum(total->tree);
	saved_query_run(&items_of_creators_query, values, NULL);
	held = id_set_answered();
	for (int i = 0; i < log->count; i++)
	{
		Difference *row = &log->row[i];

		if (row->amounts == NULL)
			continue;
		if (id_set_has(held, row->creator))
		{
			log_add(log, row, calendar, days);
			row->amounts = NULL;
		}
		else
			id_set_add(videos, row->video);
	}
	log->has_posts = false;
	if (id_set_count(videos) > 0)
	{
		values[0] = PointerGetDatum(id_set_array(videos));
		saved_query_run(&items_of_videos_query, values, NULL);
		held = id_set_answered();
		for (int i = 0; i < log->count; i++)
		{
			if (log->row[i].amounts != NULL && id_set_has(held, log->row[i].video))
				log_add(log, &log->row[i], calendar, days);
		}
		entered = log->has_posts;
	}
	/* a creator without a total has no video, and may be held all the same */
	return entered ? id_set_count(read_campaign_creators(scope, total->tree)) : total->creators;
}

/* Add the present levels of videos to what is before a window. */
static void
add_levels(ArrayType *videos, Datum org, DaySums *days)
{
	Datum		values[2] = {PointerGetDatum(videos), org};
	HeapTuple	tuple;
	bool		isnull;

	saved_query_run(&levels_query, values, NULL);
	tuple = SPI_tuptable->vals[0];
	for (int c = 0; c < VIDEO_COUNTERS; c++)
	{
		add_wrapping(&days->before[TOTAL_KNOWN(c)],
					 DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1 + c, &isnull)));
		add_wrapping(&days->before[TOTAL_BASELINE(c)],
					 DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1 + VIDEO_COUNTERS + c, &isnull)));
	}
	add_wrapping(&days->before[TOTAL_POSTS],
				 DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1 + 2 * VIDEO_COUNTERS, &isnull)));
	SPI_freetuptable(SPI_tuptable);
}

/*
 * A campaign whose tree has changed: from the totals of the creators that it
 * holds, and the histories of the videos that it holds besides.
 */
static int64
read_stale_campaign(const Scope *scope, Differences *log, Calendar *calendar, DaySums *days, int32 from)
{
	ArrayType  *tree = campaign_tree_array(DatumGetUUIDP(scope->id), DatumGetUUIDP(scope->org));
	Datum		values[2] = {PointerGetDatum(tree), scope->org};
	IdSet	   *creators;
	IdSet	   *owners = id_set_new();
	IdSet	   *videos = id_set_new();
	ArrayType  *creator_ids;
	int64		life[LIFE_WIDTH] = {0};
	bool		isnull;

	saved_query_run(&held_creators_query, values, NULL);
	creators = id_set_answered();
	creator_ids = id_set_array(creators);
	saved_query_run(&held_videos_query, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		creator = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull);
		pg_uuid_t  *owner = isnull ? NULL : DatumGetUUIDP(creator);

		if (id_set_has(creators, owner))
			continue;
		if (owner != NULL)
			id_set_add(owners, owner);
		id_set_add(videos, DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)));
	}

	values[0] = PointerGetDatum(creator_ids);
	saved_query_run(&life_query, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		for (int n = 0; n < LIFE_WIDTH; n++)
			add_wrapping(&life[n], DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, n + 1, &isnull)));
	}
	SPI_freetuptable(SPI_tuptable);
	total_load_creators_days(creator_ids, scope->org, from, false, days);
	if (days->is_window)
		read_settle_before(days, life);
	for (int i = 0; i < log->count; i++)
	{
		if (log->row[i].video != NULL && id_set_has(creators, log->row[i].creator))
			log_add(log, &log->row[i], calendar, days);
	}
	if (id_set_count(videos) > 0)
	{
		ArrayType  *video_ids = id_set_array(videos);

		/* without days, the histories need not be read */
		if (days->is_window && days->days == 0)
			add_levels(video_ids, scope->org, days);
		else
			read_videos(video_ids, scope->org, calendar, DT_NOEND, days);
	}
	return id_set_count(creators) + id_set_count(owners);
}

/* Add the days of a campaign; answers how many creators it has. */
int64
read_campaign(const Scope *scope, const Total *total, Differences *log, Calendar *calendar,
			  DaySums *days, int32 from)
{
	if (is_stale(scope, total, log))
		return read_stale_campaign(scope, log, calendar, days, from);
	return read_fresh_campaign(scope, total, log, calendar, days, from);
}
