/*
 * read_totals.c
 *	  The days of a video, creator, campaign or project, exact at any moment.
 *
 * Where the totals are folded in the time zone asked for, they are read and
 * the differences not folded yet are added.  A campaign whose items changed
 * since is put together from the totals of its creators: read_campaign.c.
 * What the totals cannot tell, a past moment or another time zone, comes from
 * the histories, as does everything for a role that may not read the totals.
 * All of it is read under the snapshot of the calling query.
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
#include "utils/timestamp.h"

#include "campaign.h"
#include "read_parts.h"
#include "trackagoat.h"

static SavedQuery removed_query = {
	.text = "SELECT id FROM trackagoat.creator WHERE project_id = $1 AND org_id = $2 AND removed_at IS NOT NULL",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery present_query = {
	.text = "SELECT id FROM trackagoat.creator WHERE id = ANY ($1) AND org_id = $2 AND removed_at IS NULL",
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
bool
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

/* Which creators are removed, of all of the project. */
IdSet *
read_removed_creators(const Scope *scope)
{
	Datum		values[2] = {scope->project, scope->org};

	saved_query_run(&removed_query, values, NULL);
	return id_set_answered();
}

/*
 * Put the days before the window right: what a lifetime has, less the days
 * from the window on.  Only levels are known of them, not how they came about.
 */
void
read_settle_before(DaySums *days, const int64 *life)
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
void
read_folded(const Scope *scope, const Total *total, DaySums *days, int32 from)
{
	if (!total->exists)
		return;
	total_load_days(scope->kind, scope->id, scope->org, from, false, days, 1);
	if (days->is_window)
		read_settle_before(days, total->life);
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
			log_add(log, &log->row[i], calendar, days);
	}
}

/* Add or take away creators that the folded project has not, or has still. */
static void
read_flipped(const Scope *scope, IdSet *flipped, IdSet *present, DaySums *days)
{
	int			count;
	Datum	   *ids = id_set_list(flipped, &count);

	for (int i = 0; i < count; i++)
	{
		Total		total = total_load("creator", ids[i], scope->org, false);
		bool		now = id_set_has(present, DatumGetUUIDP(ids[i]));

		if (total.exists && total.is_counted != now)
			total_load_days("creator", ids[i], scope->org, FIRST_DAY, false, days, now ? 1 : -1);
	}
}

static void
read_project(const Scope *scope, const Total *total, Differences *log, Calendar *calendar,
			 DaySums *days, int32 from)
{
	IdSet	   *removed = read_removed_creators(scope);
	IdSet	   *flipped = log_flipped(log);
	IdSet	   *present = NULL;

	read_folded(scope, total, days, from);
	if (log->flipped > 0)
	{
		Datum		values[2] = {PointerGetDatum(id_set_array(flipped)), scope->org};

		saved_query_run(&present_query, values, NULL);
		present = id_set_answered();
		read_flipped(scope, flipped, present, days);
	}
	for (int i = 0; i < log->count; i++)
	{
		Difference *row = &log->row[i];

		if (row->video == NULL)
			continue;
		if (row->creator == NULL ||
			(id_set_has(flipped, row->creator) ? id_set_has(present, row->creator) : !id_set_has(removed, row->creator)))
			log_add(log, row, calendar, days);
	}
}

/* Add what videos contribute, from their histories. */
void
read_videos(ArrayType *videos, Datum org, Calendar *calendar, TimestampTz until, DaySums *days)
{
	Datum		values[2] = {PointerGetDatum(videos), org};

	totals_add_videos(&these_videos_query, values, calendar, until, days);
}

/* From the histories alone. */
static int64
read_live(const Scope *scope, Calendar *calendar, TimestampTz until, DaySums *days)
{
	Datum		values[2] = {scope->id, scope->org};
	ArrayType  *tree;

	if (strcmp(scope->kind, "video") == 0)
	{
		read_videos(construct_array((Datum *) &scope->id, 1, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR),
					scope->org, calendar, until, days);
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
	return id_set_count(read_campaign_creators(scope, tree));
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
	log = log_load(scope);
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
	return read_campaign(scope, &total, &log, calendar, days, from);
}

/*
 * Add what the followers of an entity's creators gained, as observed until a
 * time: FOLLOWER_WIDTH numbers a day.  A video has none.  SPI must be connected.
 */
void
scope_read_followers(const Scope *scope, Calendar *calendar, TimestampTz until, DaySums *days)
{
	Datum		values[2] = {scope->id, scope->org};
	IdSet	   *creators = id_set_new();
	bool		isnull;

	if (strcmp(scope->kind, "creator") == 0)
	{
		if (!scope->is_removed)
			id_set_add(creators, DatumGetUUIDP(scope->id));
	}
	else if (strcmp(scope->kind, "campaign") == 0)
		creators = read_campaign_creators(scope, campaign_tree_array(DatumGetUUIDP(scope->id), DatumGetUUIDP(scope->org)));
	else if (strcmp(scope->kind, "project") == 0)
	{
		saved_query_run(&project_creators_query, values, NULL);
		creators = id_set_answered();
	}
	if (id_set_count(creators) == 0)
		return;
	values[0] = PointerGetDatum(id_set_array(creators));
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
