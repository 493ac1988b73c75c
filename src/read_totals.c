/*
 * read_totals.c
 *	  The days of a video, creator, campaign or project, exact at any moment.
 *
 * Where the totals are folded in the time zone asked for, they are read and
 * the differences not folded yet are added.  A campaign whose items changed
 * since is put together from the totals of its creators.  What the totals
 * cannot tell, a past moment or another time zone, comes from the histories,
 * as does everything for a role that may not read the totals.  All of it is
 * read under the snapshot of the calling query.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "campaign.h"
#include "read_totals.h"
#include "trackagoat.h"

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

typedef struct ScopeMember
{
	pg_uuid_t	id;
	char		status;
} ScopeMember;

#define UUID_MAP_PREFIX members
#define UUID_MAP_ENTRY ScopeMember
#include "uuid_set.h"

static SavedQuery differences_query = {
	.text = "SELECT creator_id, video_id, campaign_id, differences FROM trackagoat.total_difference"
	" WHERE project_id = $1 AND org_id = $2",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery removed_query = {
	.text = "SELECT id FROM trackagoat.creator WHERE project_id = $1 AND org_id = $2 AND removed_at IS NOT NULL",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery present_query = {
	.text = "SELECT id FROM trackagoat.creator WHERE id = ANY ($1) AND org_id = $2 AND removed_at IS NULL",
	.read_only = true, .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}
};

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

/* What videos contribute, as rows of (posted_at, points). */
#define CONTRIBUTIONS(videos) \
	"WITH counted AS MATERIALIZED (" videos ")" \
	" SELECT trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id), NULL::trackagoat.series" \
	"  FROM counted JOIN trackagoat.video v ON v.id = counted.id AND v.org_id = $2" \
	" UNION ALL SELECT NULL, h.points FROM counted" \
	"  JOIN trackagoat.video_history h ON h.video_id = counted.id AND h.org_id = $2"

static SavedQuery these_videos_query = {
	.text = CONTRIBUTIONS("SELECT unnest($1) AS id"),
	.read_only = true, .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}
};

static SavedQuery campaign_videos_query = {
	.text = CONTRIBUTIONS(COUNTED_VIDEOS),
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

#define VIDEOS_WHERE(condition) \
	"SELECT v.id FROM trackagoat.video v" \
	" LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = v.org_id" \
	" WHERE " condition " AND v.org_id = $2 AND trackagoat.video_counts(v.tracking_status, c.removed_at)"

static SavedQuery creator_videos_query = {
	.text = CONTRIBUTIONS(VIDEOS_WHERE("v.creator_id = $1")),
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery project_videos_query = {
	.text = CONTRIBUTIONS(VIDEOS_WHERE("v.project_id = $1")),
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery followers_query = {
	.text = "SELECT points FROM trackagoat.creator_history WHERE creator_id = ANY ($1) AND org_id = $2",
	.read_only = true, .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}
};

static SavedQuery project_creators_query = {
	.text = "SELECT id FROM trackagoat.creator WHERE project_id = $1 AND org_id = $2 AND removed_at IS NULL",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

/* The entities that can be asked about. */
#define SCOPE(name, project, removed) { \
	.text = "SELECT e.org_id, " project ", o.timezone, " removed " FROM trackagoat." name " e" \
	" JOIN trackagoat.organization o ON o.id = e.org_id WHERE e.id = $1", \
	.read_only = true, .nargs = 1, .types = {UUIDOID}}

static struct
{
	const char *kind;
	SavedQuery	query;
}			scopes[] = {
	{"video", SCOPE("video", "e.project_id", "false")},
	{"creator", SCOPE("creator", "e.project_id", "e.removed_at IS NOT NULL")},
	{"campaign", SCOPE("campaign", "e.project_id", "false")},
	{"project", SCOPE("project", "e.id", "false")}
};

/*
 * Find an entity; SPI must be connected.  PT400 invalid_entity for a kind
 * that is none, PT404 video_not_found and so on for an id that is not there.
 */
Scope
scope_find(const char *kind, Datum id)
{
	Scope		scope = {.id = id};
	SavedQuery *query = NULL;
	HeapTuple	tuple;
	TupleDesc	tupdesc;
	bool		isnull;

	for (int i = 0; i < (int) lengthof(scopes); i++)
	{
		if (strcmp(scopes[i].kind, kind) != 0)
			continue;
		scope.kind = scopes[i].kind;
		query = &scopes[i].query;
	}
	if (query == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_BAD_REQUEST),
				 errmsg("invalid_entity"),
				 errdetail("There is no entity \"%.*s\".", (int) strnlen(kind, ERROR_SHOWN_LENGTH), kind),
				 errhint("Allowed are video, creator, campaign, project.")));
	saved_query_run(query, &id, NULL);
	if (SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_NOT_FOUND),
				 errmsg("%s_not_found", kind),
				 errdetail("There is not exactly one %s with id %s.", kind,
						   DatumGetCString(DirectFunctionCall1(uuid_out, id))),
				 errhint("Name an id of trackagoat.%s.", kind)));
	tuple = SPI_tuptable->vals[0];
	tupdesc = SPI_tuptable->tupdesc;
	/* the rows stay in SPI's memory until SPI_finish() */
	scope.org = SPI_getbinval(tuple, tupdesc, 1, &isnull);
	scope.project = SPI_getbinval(tuple, tupdesc, 2, &isnull);
	scope.timezone = SPI_getvalue(tuple, tupdesc, 3);
	scope.is_removed = DatumGetBool(SPI_getbinval(tuple, tupdesc, 4, &isnull));
	return scope;
}

/*
 * May the current role read all totals?  Where row-level security chooses
 * rows for it, the totals would tell of rows that it may not see.
 */
static bool
may_read_totals(void)
{
	static const char *const tables[] = {"total", "total_month", "total_difference"};
	Oid			schema = get_namespace_oid("trackagoat", false);

	for (int i = 0; i < (int) lengthof(tables); i++)
	{
		Oid			table = get_relname_relid(tables[i], schema);

		if (!OidIsValid(table) || pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK ||
			check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
			return false;
	}
	return true;
}

static members_hash *
new_set(void)
{
	return members_create(CurrentMemoryContext, 64, NULL);
}

static void
add_member(members_hash *set, const pg_uuid_t *id)
{
	bool		found;

	members_insert(set, *id, &found);
}

static bool
is_member(members_hash *set, const pg_uuid_t *id)
{
	return id != NULL && members_lookup(set, *id) != NULL;
}

/* The first column of the query just run as a set. */
static members_hash *
answered_set(void)
{
	members_hash *set = new_set();
	bool		isnull;

	for (uint64 i = 0; i < SPI_processed; i++)
		add_member(set, DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)));
	SPI_freetuptable(SPI_tuptable);
	return set;
}

static ArrayType *
set_array(members_hash *set)
{
	Datum	   *ids = palloc(sizeof(Datum) * Max(set->members, 1));
	int			count = 0;
	members_iterator iterator;
	ScopeMember *member;

	members_start_iterate(set, &iterator);
	while ((member = members_iterate(set, &iterator)) != NULL)
		ids[count++] = UUIDPGetDatum(&member->id);
	return construct_array(ids, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
}

/* The log of a project; the rows stay in SPI's memory. */
static Differences
load_differences(const Scope *scope)
{
	Differences log = {0};
	Datum		values[2] = {scope->project, scope->org};

	saved_query_run(&differences_query, values, NULL);
	log.count = (int) SPI_processed;
	log.row = palloc_extended(sizeof(Difference) * Max(log.count, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < log.count; i++)
	{
		Difference *row = &log.row[i];
		Datum		value[4];
		bool		isnull[4];

		for (int n = 0; n < 4; n++)
			value[n] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, n + 1, &isnull[n]);
		row->creator = isnull[0] ? NULL : DatumGetUUIDP(value[0]);
		row->video = isnull[1] ? NULL : DatumGetUUIDP(value[1]);
		row->campaign = isnull[2] ? NULL : DatumGetUUIDP(value[2]);
		CHECK_FOR_INTERRUPTS();
		row->amounts = isnull[3] ? NULL : (Series *) PG_DETOAST_DATUM_PACKED(value[3]);
		if (row->campaign != NULL)
			log.marked++;
		else if (row->creator == NULL && row->video == NULL)
			log.rebuild = true;
		else if (row->video == NULL)
			log.flipped++;
	}
	return log;
}

/* Add a row of the log, and see whether a video enters or leaves with it. */
static void
add_difference(Differences *log, const Difference *row, Calendar *calendar, DaySums *days)
{
	SeriesReader reader;
	SeriesPoint *points;

	if (row->amounts == NULL)
		return;
	CHECK_FOR_INTERRUPTS();
	series_open(&reader, row->amounts);
	if (reader.counters != TOTAL_WIDTH)
		series_malformed();
	points = series_all_points(&reader);
	for (int i = 0; i < reader.points; i++)
	{
		int64	   *sums = day_sums_row(days, calendar_day(calendar, points[i].time));

		for (int n = 0; n < TOTAL_WIDTH; n++)
			add_wrapping(&sums[n], points[i].level[n]);
		log->has_posts |= points[i].level[TOTAL_POSTS] != 0;
	}
	pfree(points);
}

/* Which creators are removed, of all of the project. */
static members_hash *
removed_creators(const Scope *scope)
{
	Datum		values[2] = {scope->project, scope->org};

	saved_query_run(&removed_query, values, NULL);
	return answered_set();
}

/* The creators that the log says were removed, restored or deleted. */
static members_hash *
flipped_creators(const Differences *log)
{
	members_hash *set = new_set();

	for (int i = 0; i < log->count; i++)
	{
		if (log->row[i].creator != NULL && log->row[i].video == NULL)
			add_member(set, log->row[i].creator);
	}
	return set;
}

/*
 * Put the days before the window right: what a lifetime has, less the days
 * from the window on.  Only levels are known of them, not how they came about.
 */
static void
settle_before(DaySums *days, const int64 *life)
{
	int64		later[LIFE_WIDTH] = {0};

	total_add_life(later, days);
	add_wrapping(&later[LIFE_VIDEOS], days->beyond[TOTAL_POSTS]);
	for (int c = 0; c < VIDEO_COUNTERS; c++)
	{
		add_wrapping(&later[LIFE_LEVEL(c)], days->beyond[TOTAL_GAIN(c)]);
		add_wrapping(&later[LIFE_LEVEL(c)], days->beyond[TOTAL_BASELINE(c)]);
		add_wrapping(&later[LIFE_KNOWN(c)], days->beyond[TOTAL_KNOWN(c)]);
	}
	memset(days->before, 0, sizeof(int64) * days->width);
	days->before[TOTAL_POSTS] = (int64) ((uint64) life[LIFE_VIDEOS] - (uint64) later[LIFE_VIDEOS]);
	for (int c = 0; c < VIDEO_COUNTERS; c++)
	{
		days->before[TOTAL_BASELINE(c)] = (int64) ((uint64) life[LIFE_LEVEL(c)] - (uint64) later[LIFE_LEVEL(c)]);
		days->before[TOTAL_KNOWN(c)] = (int64) ((uint64) life[LIFE_KNOWN(c)] - (uint64) later[LIFE_KNOWN(c)]);
	}
}

/* Add what was folded of an entity; what is before the window is put right. */
static void
read_folded(const Scope *scope, const Total *total, DaySums *days, int32 from)
{
	if (!total->exists)
		return;
	total_load_days(scope->kind, scope->id, scope->org, from, false, days, 1);
	if (days->is_window)
		settle_before(days, total->life);
}

static void
read_creator(const Scope *scope, const Total *total, Differences *log, Calendar *calendar,
			 DaySums *days, int32 from)
{
	if (scope->is_removed)
		return;
	read_folded(scope, total, days, from);
	for (int i = 0; i < log->count; i++)
	{
		if (log->row[i].creator != NULL &&
			memcmp(log->row[i].creator, DatumGetUUIDP(scope->id), UUID_LEN) == 0)
			add_difference(log, &log->row[i], calendar, days);
	}
}

/* Add or take away creators that the folded project has not, or has still. */
static void
read_flipped(const Scope *scope, members_hash *flipped, members_hash *present, DaySums *days)
{
	members_iterator iterator;
	ScopeMember *member;

	members_start_iterate(flipped, &iterator);
	while ((member = members_iterate(flipped, &iterator)) != NULL)
	{
		Datum		id = UUIDPGetDatum(&member->id);
		Total		total = total_load("creator", id, scope->org, false);
		bool		now = is_member(present, &member->id);

		if (total.exists && total.is_counted != now)
			total_load_days("creator", id, scope->org, FIRST_DAY, false, days, now ? 1 : -1);
	}
}

static void
read_project(const Scope *scope, const Total *total, Differences *log, Calendar *calendar,
			 DaySums *days, int32 from)
{
	members_hash *removed = removed_creators(scope);
	members_hash *flipped = flipped_creators(log);
	members_hash *present = NULL;

	read_folded(scope, total, days, from);
	if (log->flipped > 0)
	{
		Datum		values[2] = {PointerGetDatum(set_array(flipped)), scope->org};

		saved_query_run(&present_query, values, NULL);
		present = answered_set();
		read_flipped(scope, flipped, present, days);
	}
	for (int i = 0; i < log->count; i++)
	{
		Difference *row = &log->row[i];

		if (row->video == NULL)
			continue;
		if (row->creator == NULL ||
			(is_member(flipped, row->creator) ? is_member(present, row->creator) : !is_member(removed, row->creator)))
			add_difference(log, row, calendar, days);
	}
}

/* Has a campaign's tree changed since it was folded, or what its creators count? */
static bool
is_stale(const Scope *scope, const Total *total, const Differences *log)
{
	Datum		values[3];
	members_hash *flipped;
	members_hash *videos;

	if (!total->exists || total->tree == NULL)
		return true;
	if (log->marked > 0)
	{
		members_hash *tree = new_set();
		Datum	   *ids;
		int			count;

		deconstruct_array(total->tree, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR, &ids, NULL, &count);
		for (int i = 0; i < count; i++)
			add_member(tree, DatumGetUUIDP(ids[i]));
		for (int i = 0; i < log->count; i++)
		{
			if (is_member(tree, log->row[i].campaign))
				return true;
		}
	}
	if (log->flipped == 0)
		return false;
	flipped = flipped_creators(log);
	values[0] = PointerGetDatum(set_array(flipped));
	values[1] = scope->org;
	values[2] = PointerGetDatum(total->tree);
	saved_query_run(&items_of_creators_query, values, NULL);
	if (SPI_processed > 0)
		return true;
	saved_query_run(&owners_query, values, NULL);
	if (SPI_processed > 0)
		return true;
	/* videos that left such a creator meanwhile */
	videos = new_set();
	for (int i = 0; i < log->count; i++)
	{
		if (log->row[i].video != NULL && is_member(flipped, log->row[i].creator))
			add_member(videos, log->row[i].video);
	}
	values[0] = PointerGetDatum(set_array(videos));
	saved_query_run(&items_of_videos_query, values, NULL);
	return SPI_processed > 0;
}

/* The creators of a campaign: those it holds, and the owners of videos that it holds. */
static members_hash *
campaign_creators(const Scope *scope, ArrayType *tree)
{
	Datum		values[2] = {PointerGetDatum(tree), scope->org};
	members_hash *creators;

	saved_query_run(&held_creators_query, values, NULL);
	creators = answered_set();
	saved_query_run(&held_videos_query, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		creator = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull);

		if (!isnull)
			add_member(creators, DatumGetUUIDP(creator));
	}
	SPI_freetuptable(SPI_tuptable);
	return creators;
}

static int64
count_creators(const Scope *scope, ArrayType *tree)
{
	return campaign_creators(scope, tree)->members;
}

/* A campaign whose tree is as it was folded; answers its creators. */
static int64
read_fresh_campaign(const Scope *scope, const Total *total, Differences *log, Calendar *calendar,
					DaySums *days, int32 from)
{
	members_hash *creators = new_set();
	members_hash *videos = new_set();
	members_hash *held;
	members_hash *removed;
	Datum		values[3];
	bool		entered = false;

	read_folded(scope, total, days, from);
	if (log->count == 0)
		return total->creators;
	removed = removed_creators(scope);
	for (int i = 0; i < log->count; i++)
	{
		Difference *row = &log->row[i];

		if (row->video == NULL || is_member(removed, row->creator))
			row->amounts = NULL;
		else if (row->creator != NULL)
			add_member(creators, row->creator);
	}
	values[0] = PointerGetDatum(set_array(creators));
	values[1] = scope->org;
	values[2] = PointerGetDatum(total->tree);
	saved_query_run(&items_of_creators_query, values, NULL);
	held = answered_set();
	for (int i = 0; i < log->count; i++)
	{
		Difference *row = &log->row[i];

		if (row->amounts == NULL)
			continue;
		if (is_member(held, row->creator))
		{
			add_difference(log, row, calendar, days);
			row->amounts = NULL;
		}
		else
			add_member(videos, row->video);
	}
	log->has_posts = false;
	if (videos->members > 0)
	{
		values[0] = PointerGetDatum(set_array(videos));
		saved_query_run(&items_of_videos_query, values, NULL);
		held = answered_set();
		for (int i = 0; i < log->count; i++)
		{
			if (log->row[i].amounts != NULL && is_member(held, log->row[i].video))
				add_difference(log, &log->row[i], calendar, days);
		}
		entered = log->has_posts;
	}
	/* a creator without a total has no video, and may be held all the same */
	return entered ? count_creators(scope, total->tree) : total->creators;
}

/* Add the present levels of videos to what is before a window. */
static void
add_levels(Datum *values, DaySums *days)
{
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
	members_hash *creators;
	members_hash *owners = new_set();
	members_hash *videos = new_set();
	ArrayType  *creator_ids;
	int64		life[LIFE_WIDTH] = {0};
	bool		isnull;

	saved_query_run(&held_creators_query, values, NULL);
	creators = answered_set();
	creator_ids = set_array(creators);
	saved_query_run(&held_videos_query, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		creator = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull);
		pg_uuid_t  *owner = isnull ? NULL : DatumGetUUIDP(creator);

		if (is_member(creators, owner))
			continue;
		if (owner != NULL)
			add_member(owners, owner);
		add_member(videos, DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)));
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
		settle_before(days, life);
	for (int i = 0; i < log->count; i++)
	{
		if (log->row[i].video != NULL && is_member(creators, log->row[i].creator))
			add_difference(log, &log->row[i], calendar, days);
	}
	if (videos->members > 0)
	{
		values[0] = PointerGetDatum(set_array(videos));
		/* without days, the histories need not be read */
		if (days->is_window && days->days == 0)
			add_levels(values, days);
		else
			totals_add_videos(&these_videos_query, values, calendar, DT_NOEND, days);
	}
	return creators->members + owners->members;
}

/* From the histories alone. */
static int64
read_live(const Scope *scope, Calendar *calendar, TimestampTz until, DaySums *days)
{
	Datum		values[2] = {scope->id, scope->org};
	ArrayType  *tree;

	if (strcmp(scope->kind, "video") == 0)
	{
		values[0] = PointerGetDatum(construct_array((Datum *) &scope->id, 1, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
		totals_add_videos(&these_videos_query, values, calendar, until, days);
		return 0;
	}
	if (strcmp(scope->kind, "campaign") != 0)
	{
		totals_add_videos(strcmp(scope->kind, "creator") == 0 ? &creator_videos_query : &project_videos_query,
						  values, calendar, until, days);
		return 0;
	}
	tree = campaign_tree_array(DatumGetUUIDP(scope->id), DatumGetUUIDP(scope->org));
	values[0] = PointerGetDatum(tree);
	totals_add_videos(&campaign_videos_query, values, calendar, until, days);
	return count_creators(scope, tree);
}

/*
 * Add the days of an entity in a time zone, as observed until a time, to sums
 * of a window that begins at a day, or of all days.  Live: from the histories,
 * whatever was folded.  Of the days before a window only the sum of baseline
 * and gain says something, which is the level.  Answers how many creators a
 * campaign has.  SPI must be connected.
 */
int64
scope_read(const Scope *scope, const char *timezone, TimestampTz until, bool live,
		   DaySums *days, int32 from)
{
	Calendar   *calendar = calendar_of(timezone);
	Total		total;
	Total		project;
	Differences log;

	if (live || !TIMESTAMP_IS_NOEND(until) || strcmp(scope->kind, "video") == 0 || !may_read_totals())
		return read_live(scope, calendar, until, days);
	project = total_load("project", scope->project, scope->org, false);
	log = load_differences(scope);
	if (!project.exists || strcmp(project.timezone, timezone) != 0 || log.rebuild)
		return read_live(scope, calendar, until, days);
	if (strcmp(scope->kind, "project") == 0)
	{
		read_project(scope, &project, &log, calendar, days, from);
		return 0;
	}
	total = total_load(scope->kind, scope->id, scope->org, false);
	if (strcmp(scope->kind, "creator") == 0)
	{
		read_creator(scope, &total, &log, calendar, days, from);
		return 0;
	}
	if (is_stale(scope, &total, &log))
		return read_stale_campaign(scope, &log, calendar, days, from);
	return read_fresh_campaign(scope, &total, &log, calendar, days, from);
}

/*
 * Add what the followers of an entity's creators gained, as observed until a
 * time: FOLLOWER_WIDTH numbers a day.  A video has none.  SPI must be connected.
 */
void
scope_read_followers(const Scope *scope, Calendar *calendar, TimestampTz until, DaySums *days)
{
	Datum		values[2] = {scope->id, scope->org};
	members_hash *creators = new_set();
	bool		isnull;

	if (strcmp(scope->kind, "creator") == 0)
	{
		if (!scope->is_removed)
			add_member(creators, DatumGetUUIDP(scope->id));
	}
	else if (strcmp(scope->kind, "campaign") == 0)
		creators = campaign_creators(scope, campaign_tree_array(DatumGetUUIDP(scope->id), DatumGetUUIDP(scope->org)));
	else if (strcmp(scope->kind, "project") == 0)
	{
		saved_query_run(&project_creators_query, values, NULL);
		creators = answered_set();
	}
	if (creators->members == 0)
		return;
	values[0] = PointerGetDatum(set_array(creators));
	saved_query_run(&followers_query, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		SeriesReader reader;

		CHECK_FOR_INTERRUPTS();
		series_open(&reader, (Series *) PG_DETOAST_DATUM_PACKED(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)));
		day_sums_add_counters(days, 0, calendar, &reader, until, 0, 0);
	}
	SPI_freetuptable(SPI_tuptable);
}
