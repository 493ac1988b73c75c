/*
 * fold.c
 *	  Brings the totals of a project up to date: applies the differences of
 *	  the log to creators, project and campaigns, computes anew the campaigns
 *	  whose items changed, and deletes what it has applied.
 *
 * All is read under one snapshot, taken once nobody else can fold the same
 * project: what the snapshot shows of the log is applied and deleted, what it
 * does not show stays.  The totals of creators do not depend on whether a
 * creator is removed, so that no observation has to know; project and
 * campaigns count a creator by what the snapshot says, and total.is_counted
 * keeps what they said last.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "graph.h"
#include "totals.h"

PG_FUNCTION_INFO_V1(fold_project);

/* Rows of the log fetched at a time. */
#define FETCHED 1000

typedef struct CountedCreator
{
	pg_uuid_t	id;
	char		status;
} CountedCreator;

#define UUID_MAP_PREFIX counted
#define UUID_MAP_ENTRY CountedCreator
#include "uuid_set.h"

static SavedQuery project_query = {
	.text = "SELECT o.timezone FROM trackagoat.project p JOIN trackagoat.organization o ON o.id = p.org_id"
	" WHERE p.id = $1 AND p.org_id = $2",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

/* Whoever deletes the project deletes its totals, and may take his time. */
static SavedQuery hold_project_query = {
	.text = "SELECT FROM trackagoat.project p WHERE p.id = $1 AND p.org_id = $2 FOR KEY SHARE",
	.nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery try_project_query = {
	.text = "SELECT FROM trackagoat.project p WHERE p.id = $1 AND p.org_id = $2 FOR KEY SHARE SKIP LOCKED",
	.nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery counted_query = {
	.text = "SELECT id FROM trackagoat.creator WHERE project_id = $1 AND org_id = $2 AND removed_at IS NULL",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery differences_query = {
	.text = "SELECT id, creator_id, video_id, campaign_id, differences FROM trackagoat.total_difference"
	" WHERE project_id = $1 AND org_id = $2 ORDER BY creator_id, video_id",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery waiting_query = {
	.text = "SELECT FROM trackagoat.total_difference WHERE project_id = $1 AND org_id = $2 LIMIT 1",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery delete_query = {
	.text = "DELETE FROM trackagoat.total_difference WHERE id = ANY ($1) AND org_id = $2",
	.nargs = 2, .types = {INT8ARRAYOID, UUIDOID}
};

static SavedQuery unfolded_campaigns_query = {
	.text = "SELECT c.id FROM trackagoat.campaign c WHERE c.project_id = $1 AND c.org_id = $2"
	" AND NOT EXISTS (SELECT FROM trackagoat.total t WHERE t.entity_id = c.id AND t.org_id = c.org_id AND t.entity = 'campaign')",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

/* Everything of a project, for computing it anew. */
static SavedQuery remove_project_query = {
	.text = "DELETE FROM trackagoat.total WHERE project_id = $1 AND org_id = $2",
	.nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery creators_query = {
	.text = "SELECT id FROM trackagoat.creator WHERE project_id = $1 AND org_id = $2",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

#define CONTRIBUTION(condition) \
	"SELECT trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id), NULL::trackagoat.series" \
	" FROM trackagoat.video v WHERE " condition " AND trackagoat.status_counts(v.tracking_status)" \
	" UNION ALL SELECT NULL, h.points FROM trackagoat.video v" \
	"  JOIN trackagoat.video_history h ON h.video_id = v.id AND h.org_id = v.org_id" \
	" WHERE " condition " AND trackagoat.status_counts(v.tracking_status)"

static SavedQuery creator_videos_query = {
	.text = CONTRIBUTION("v.creator_id = $1 AND v.org_id = $2"),
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery lone_videos_query = {
	.text = CONTRIBUTION("v.project_id = $1 AND v.org_id = $2 AND v.creator_id IS NULL"),
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery these_videos_query = {
	.text = CONTRIBUTION("v.id = ANY ($1) AND v.org_id = $2"),
	.read_only = true, .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}
};

typedef struct Fold
{
	Datum		project;
	Datum		org;
	char	   *timezone;
	Calendar   *calendar;
	Graph	   *graph;
	counted_hash *counted;		/* creators that are not removed */
	bool		rebuild;		/* everything is to be computed anew */
	Bitmapset  *stale;			/* campaigns to be computed anew */
	Bitmapset  *recount;		/* campaigns whose creators are to be counted anew */
	DaySums   **campaign;		/* what each campaign gains, or NULL */
	DaySums    *project_days;
	Datum	   *applied;		/* ids of the log's rows */
	int64		applied_count;
	int64		applied_capacity;
	MemoryContext scratch;		/* reset after each creator */
} Fold;

/* The rows of the log that belong to one creator, or to none. */
typedef struct CreatorFold
{
	pg_uuid_t	id;
	bool		has_creator;
	bool		was_counted;	/* project and campaigns have folded it in */
	bool		is_counted;		/* they are to */
	Total		total;
	DaySums    *days;
	int			video;			/* the held video at hand, -1 for none */
	DaySums    *video_days;
} CreatorFold;

static bool
is_counted(const Fold *fold, const pg_uuid_t *creator)
{
	return counted_lookup(fold->counted, *creator) != NULL;
}

static void
load_counted(Fold *fold)
{
	Datum		values[2] = {fold->project, fold->org};
	bool		isnull;
	bool		found;

	fold->counted = counted_create(CurrentMemoryContext, 64, NULL);
	saved_query_run(&counted_query, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
		counted_insert(fold->counted, *DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)), &found);
	SPI_freetuptable(SPI_tuptable);
}

/* Remember that a row of the log is applied. */
static void
note_applied(Fold *fold, Datum id)
{
	if (fold->applied_count == fold->applied_capacity)
	{
		fold->applied_capacity = Max(1024, fold->applied_capacity * 2);
		fold->applied = fold->applied == NULL ?
			palloc(sizeof(Datum) * fold->applied_capacity) :
			repalloc_huge(fold->applied, sizeof(Datum) * fold->applied_capacity);
	}
	fold->applied[fold->applied_count++] = id;
}

/* Add days to campaigns. */
static void
add_to_campaigns(Fold *fold, const Bitmapset *campaigns, const DaySums *days)
{
	int			campaign = -1;

	while ((campaign = bms_next_member(campaigns, campaign)) >= 0)
	{
		if (fold->campaign[campaign] == NULL)
			fold->campaign[campaign] = day_sums_of_all(TOTAL_WIDTH);
		day_sums_merge(fold->campaign[campaign], days);
	}
}

/*
 * A video that campaigns hold themselves, done: those that do not hold its
 * creator as well gain by it, if it counts.
 */
static void
finish_video(Fold *fold, CreatorFold *at, const Bitmapset *above_creator)
{
	Bitmapset  *above;
	int64		sum[TOTAL_WIDTH] = {0};

	if (at->video < 0)
		return;
	above = graph_above(fold->graph, fold->graph->video[at->video].holders);
	day_sums_add_all(at->video_days, sum);
	if (sum[TOTAL_POSTS] != 0)
		fold->recount = bms_add_members(fold->recount, above);
	/* what was folded of it went with the creator, to whom it may no longer belong */
	if (at->was_counted != at->is_counted)
		fold->stale = bms_add_members(fold->stale, above);
	above = bms_del_members(above, above_creator);
	if (at->is_counted)
		add_to_campaigns(fold, above, at->video_days);
	bms_free(above);
	day_sums_free(at->video_days);
	at->video = -1;
	at->video_days = NULL;
}

/* A creator whose place in the totals changes makes campaigns stale. */
static void
mark_stale_around(Fold *fold, int creator)
{
	GraphCreator *node = &fold->graph->creator[creator];
	Bitmapset  *holders = bms_copy(node->holders);

	for (int video = node->last_video; video >= 0; video = fold->graph->video[video].next_video)
		holders = bms_add_members(holders, fold->graph->video[video].holders);
	fold->stale = bms_join(fold->stale, graph_above(fold->graph, holders));
	bms_free(holders);
}

/* Write a creator's row and days, in memory that the caller resets. */
static void
store_creator(Fold *fold, Datum id, Total *total, bool is_counted_now, const DaySums *days)
{
	total->is_counted = is_counted_now;
	total->timezone = fold->timezone;
	total_add_life(total->life, days);
	if (!is_counted_now && total->life[LIFE_VIDEOS] == 0)
	{
		/* deleted, or removed without a video: nothing is left of it */
		total_remove("creator", id, fold->org);
		return;
	}
	total_store("creator", id, fold->org, fold->project, total);
	total_store_days("creator", id, fold->org, days, false);
}

/* Begin with the rows of a creator, or NULL for those of none; answers all campaigns that hold it. */
static Bitmapset *
begin_creator(Fold *fold, CreatorFold *at, const pg_uuid_t *creator)
{
	MemoryContext old_context;
	int			number;

	memset(at, 0, sizeof(*at));
	at->video = -1;
	at->days = day_sums_of_all(TOTAL_WIDTH);
	at->was_counted = at->is_counted = true;
	if (creator == NULL)
		return NULL;
	at->id = *creator;
	at->has_creator = true;
	old_context = MemoryContextSwitchTo(fold->scratch);
	at->total = total_load("creator", UUIDPGetDatum(&at->id), fold->org, true);
	MemoryContextSwitchTo(old_context);
	at->is_counted = counted_lookup(fold->counted, at->id) != NULL;
	at->was_counted = at->total.exists ? at->total.is_counted : at->is_counted;
	number = graph_creator(fold->graph, &at->id);
	return number < 0 ? NULL : graph_above(fold->graph, fold->graph->creator[number].holders);
}

/* A creator done: its own row, and what project and campaigns gain by it. */
static void
finish_creator(Fold *fold, CreatorFold *at, Bitmapset *above)
{
	Datum		id = UUIDPGetDatum(&at->id);
	MemoryContext old_context;

	if (at->days == NULL)
		return;
	if (at->was_counted != at->is_counted)
	{
		int			creator = graph_creator(fold->graph, &at->id);
		DaySums    *folded = day_sums_of_all(TOTAL_WIDTH);

		if (creator >= 0)
			mark_stale_around(fold, creator);
		total_load_days("creator", id, fold->org, FIRST_DAY, true, folded, at->was_counted ? -1 : 1);
		day_sums_merge(fold->project_days, folded);
		day_sums_free(folded);
	}
	if (at->is_counted)
	{
		day_sums_merge(fold->project_days, at->days);
		add_to_campaigns(fold, above, at->days);
	}
	if (at->has_creator)
	{
		old_context = MemoryContextSwitchTo(fold->scratch);
		store_creator(fold, id, &at->total, at->is_counted, at->days);
		MemoryContextSwitchTo(old_context);
	}
	MemoryContextReset(fold->scratch);
	bms_free(above);
	day_sums_free(at->days);
	at->days = NULL;
}

/* Take in one row of the log. */
static void
take_difference(Fold *fold, CreatorFold *at, Bitmapset **above, HeapTuple tuple, TupleDesc tupdesc)
{
	Datum		value[5];
	bool		isnull[5];
	Series	   *differences;
	int			video;
	int			campaign;
	pg_uuid_t  *creator;

	for (int i = 0; i < 5; i++)
		value[i] = SPI_getbinval(tuple, tupdesc, i + 1, &isnull[i]);
	note_applied(fold, value[0]);
	if (!isnull[3])
	{
		campaign = graph_campaign(fold->graph, DatumGetUUIDP(value[3]));
		if (campaign >= 0)
			fold->stale = bms_add_member(fold->stale, campaign);
		else
			total_remove("campaign", value[3], fold->org);
		return;
	}
	if (isnull[1] && isnull[2])
	{
		fold->rebuild = true;
		return;
	}

	creator = isnull[1] ? NULL : DatumGetUUIDP(value[1]);
	if (at->days == NULL || at->has_creator != (creator != NULL) ||
		(creator != NULL && memcmp(&at->id, creator, UUID_LEN) != 0))
	{
		finish_video(fold, at, *above);
		finish_creator(fold, at, *above);
		*above = begin_creator(fold, at, creator);
	}
	if (isnull[2])
	{
		/* removed, restored or deleted */
		fold->recount = bms_add_members(fold->recount, *above);
		return;
	}
	if (isnull[4])
		return;
	differences = (Series *) PG_DETOAST_DATUM_PACKED(value[4]);
	day_sums_add_amounts(at->days, fold->calendar, differences, 1);
	video = graph_video(fold->graph, DatumGetUUIDP(value[2]));
	if (video != at->video)
		finish_video(fold, at, *above);
	if (video >= 0)
	{
		if (at->video_days == NULL)
			at->video_days = day_sums_of_all(TOTAL_WIDTH);
		at->video = video;
		day_sums_add_amounts(at->video_days, fold->calendar, differences, 1);
	}
}

/* Read the log and apply it to creators, and to what gathers in memory. */
static void
take_differences(Fold *fold)
{
	Datum		values[2] = {fold->project, fold->org};
	Portal		cursor = saved_query_cursor(&differences_query, values);
	CreatorFold at = {.video = -1};
	Bitmapset  *above = NULL;

	for (;;)
	{
		SPITupleTable *table;
		uint64		rows;

		SPI_cursor_fetch(cursor, true, FETCHED);
		table = SPI_tuptable;
		rows = SPI_processed;
		if (rows == 0)
			break;
		for (uint64 i = 0; i < rows; i++)
		{
			CHECK_FOR_INTERRUPTS();
			take_difference(fold, &at, &above, table->vals[i], table->tupdesc);
		}
		SPI_freetuptable(table);
	}
	SPI_cursor_close(cursor);
	finish_video(fold, &at, above);
	finish_creator(fold, &at, above);
}

static ArrayType *
uuid_list(const Graph *graph, const Bitmapset *members, int kind)
{
	Datum	   *ids = palloc(sizeof(Datum) * Max(bms_num_members(members), 1));
	int			count = 0;
	int			member = -1;

	while ((member = bms_next_member(members, member)) >= 0)
	{
		pg_uuid_t  *id = kind == 0 ? &graph->campaign[member].id :
			kind == 1 ? &graph->creator[member].id : &graph->video[member].id;

		ids[count++] = UUIDPGetDatum(id);
	}
	return construct_array(ids, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
}

/* What is in a campaign: creators and videos that count, the latter but for those of the creators. */
static void
campaign_members(const Fold *fold, const Bitmapset *below, Bitmapset **creators, Bitmapset **videos, int64 *creator_count)
{
	Bitmapset  *held = NULL;
	Bitmapset  *lone = NULL;
	Bitmapset  *owners;
	int			member = -1;

	*creators = *videos = NULL;
	while ((member = bms_next_member(below, member)) >= 0)
	{
		held = bms_add_members(held, fold->graph->campaign[member].creators);
		lone = bms_add_members(lone, fold->graph->campaign[member].videos);
	}
	for (member = -1; (member = bms_next_member(held, member)) >= 0;)
	{
		if (is_counted(fold, &fold->graph->creator[member].id))
			*creators = bms_add_member(*creators, member);
	}
	owners = bms_copy(*creators);
	for (member = -1; (member = bms_next_member(lone, member)) >= 0;)
	{
		GraphVideo *video = &fold->graph->video[member];

		if (!video->is_counted ||
			(video->creator >= 0 && (bms_is_member(video->creator, *creators) ||
									 !is_counted(fold, &fold->graph->creator[video->creator].id))))
			continue;
		*videos = bms_add_member(*videos, member);
		if (video->creator >= 0)
			owners = bms_add_member(owners, video->creator);
	}
	*creator_count = bms_num_members(owners);
}

/* Compute a campaign from the totals of its creators and the histories of its videos. */
static void
rebuild_campaign(Fold *fold, int campaign)
{
	Datum		id = UUIDPGetDatum(&fold->graph->campaign[campaign].id);
	Bitmapset  *below = graph_below(fold->graph, campaign);
	Bitmapset  *creators;
	Bitmapset  *videos;
	DaySums    *days = day_sums_of_all(TOTAL_WIDTH);
	Total		total = {.is_counted = true, .timezone = fold->timezone};

	campaign_members(fold, below, &creators, &videos, &total.creators);
	if (creators != NULL)
		total_load_creators_days(uuid_list(fold->graph, creators, 1), fold->org, FIRST_DAY, true, days);
	if (videos != NULL)
	{
		Datum		values[2] = {PointerGetDatum(uuid_list(fold->graph, videos, 2)), fold->org};

		totals_add_videos(&these_videos_query, values, fold->calendar, DT_NOEND, days);
	}
	total_add_life(total.life, days);
	total.tree = uuid_list(fold->graph, below, 0);
	total_store("campaign", id, fold->org, fold->project, &total);
	total_store_days("campaign", id, fold->org, days, true);
}

/* Add to a campaign what gathered for it. */
static void
update_campaign(Fold *fold, int campaign)
{
	Datum		id = UUIDPGetDatum(&fold->graph->campaign[campaign].id);
	Total		total;

	if (fold->campaign[campaign] == NULL && !bms_is_member(campaign, fold->recount))
		return;
	total = total_load("campaign", id, fold->org, true);
	if (bms_is_member(campaign, fold->recount))
	{
		Bitmapset  *creators;
		Bitmapset  *videos;

		campaign_members(fold, graph_below(fold->graph, campaign), &creators, &videos, &total.creators);
	}
	total.timezone = fold->timezone;
	if (fold->campaign[campaign] != NULL)
		total_add_life(total.life, fold->campaign[campaign]);
	total_store("campaign", id, fold->org, fold->project, &total);
	if (fold->campaign[campaign] != NULL)
		total_store_days("campaign", id, fold->org, fold->campaign[campaign], false);
}

/* Bring all campaigns up to date, each in memory of its own. */
static void
finish_campaigns(Fold *fold)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "trackagoat campaign",
												 ALLOCSET_DEFAULT_SIZES);

	fold->stale = graph_above(fold->graph, fold->stale);
	for (int i = 0; i < fold->graph->campaigns; i++)
	{
		MemoryContext old_context = MemoryContextSwitchTo(memory);

		CHECK_FOR_INTERRUPTS();
		if (bms_is_member(i, fold->stale))
			rebuild_campaign(fold, i);
		else
			update_campaign(fold, i);
		MemoryContextSwitchTo(old_context);
		MemoryContextReset(memory);
	}
	MemoryContextDelete(memory);
}

/* Campaigns without a row yet are stale. */
static void
mark_unfolded(Fold *fold)
{
	Datum		values[2] = {fold->project, fold->org};

	saved_query_run(&unfolded_campaigns_query, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		int			campaign = graph_campaign(fold->graph, DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)));

		if (campaign >= 0)
			fold->stale = bms_add_member(fold->stale, campaign);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Compute the creators of a project and the project itself from their histories. */
static void
rebuild_creators(Fold *fold)
{
	Datum		values[2] = {fold->project, fold->org};
	SPITupleTable *table;
	uint64		rows;

	saved_query_write(&remove_project_query, values, NULL);
	fold->project_days = day_sums_of_all(TOTAL_WIDTH);
	totals_add_videos(&lone_videos_query, values, fold->calendar, DT_NOEND, fold->project_days);
	saved_query_run(&creators_query, values, NULL);
	table = SPI_tuptable;
	rows = SPI_processed;
	for (uint64 i = 0; i < rows; i++)
	{
		bool		isnull;
		Datum		id = SPI_getbinval(table->vals[i], table->tupdesc, 1, &isnull);
		Datum		creator_values[2] = {id, fold->org};
		Total		total = {.is_counted = is_counted(fold, DatumGetUUIDP(id)), .timezone = fold->timezone};
		MemoryContext old_context = MemoryContextSwitchTo(fold->scratch);
		DaySums    *days = day_sums_of_all(TOTAL_WIDTH);

		CHECK_FOR_INTERRUPTS();
		totals_add_videos(&creator_videos_query, creator_values, fold->calendar, DT_NOEND, days);
		total_add_life(total.life, days);
		total_store("creator", id, fold->org, fold->project, &total);
		total_store_days("creator", id, fold->org, days, true);
		if (total.is_counted)
			day_sums_merge(fold->project_days, days);
		MemoryContextSwitchTo(old_context);
		MemoryContextReset(fold->scratch);
	}
	SPI_freetuptable(table);
}

static void
finish_project(Fold *fold)
{
	Total		total = total_load("project", fold->project, fold->org, true);

	total.is_counted = true;
	total.timezone = fold->timezone;
	total_add_life(total.life, fold->project_days);
	total_store("project", fold->project, fold->org, fold->project, &total);
	total_store_days("project", fold->project, fold->org, fold->project_days, false);
}

/* Is there anything to fold? */
static bool
has_work(Fold *fold)
{
	Datum		values[2] = {fold->project, fold->org};

	if (fold->rebuild)
		return true;
	saved_query_run(&waiting_query, values, NULL);
	if (SPI_processed > 0)
		return true;
	saved_query_run(&unfolded_campaigns_query, values, NULL);
	return SPI_processed > 0;
}

/* Load what is there and apply the log; answers how many rows of it. */
static int64
fold_all(Fold *fold)
{
	Total		total = total_load("project", fold->project, fold->org, true);
	Datum		values[2];

	fold->calendar = calendar_of(fold->timezone);
	fold->scratch = AllocSetContextCreate(CurrentMemoryContext, "trackagoat creator", ALLOCSET_DEFAULT_SIZES);
	fold->rebuild = total.exists && strcmp(total.timezone, fold->timezone) != 0;
	if (total.exists && !has_work(fold))
		return 0;
	load_counted(fold);
	fold->graph = graph_load(fold->project, fold->org);
	fold->campaign = palloc0(sizeof(DaySums *) * Max(fold->graph->campaigns, 1));
	fold->project_days = day_sums_of_all(TOTAL_WIDTH);
	mark_unfolded(fold);
	take_differences(fold);
	if (fold->rebuild)
	{
		rebuild_creators(fold);
		for (int i = 0; i < fold->graph->campaigns; i++)
			fold->stale = bms_add_member(fold->stale, i);
	}
	finish_project(fold);
	finish_campaigns(fold);
	if (fold->applied_count > 0)
	{
		values[0] = PointerGetDatum(construct_array(fold->applied, (int) fold->applied_count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
		values[1] = fold->org;
		saved_query_write(&delete_query, values, NULL);
		if ((int64) SPI_processed != fold->applied_count)
			elog(ERROR, "applied " INT64_FORMAT " differences, but deleted " UINT64_FORMAT,
				 fold->applied_count, SPI_processed);
	}
	return fold->applied_count;
}

/*
 * Let nobody else fold the project until this transaction ends.  False where
 * somebody does and we are not to wait.
 */
static bool
lock_project(const pg_uuid_t *project, bool wait)
{
	LOCKTAG		tag;
	uint32		key = hash_bytes(project->data, UUID_LEN);

	/* the key space of two integers, as pg_advisory_xact_lock(int, int) has it */
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0x7461676f, key, 2);
	return LockAcquire(&tag, ExclusiveLock, false, !wait) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * fold_project(project_id, org_id, wait): how many rows of the log were
 * applied; NULL where somebody else folds the project, or deletes it.
 */
Datum
fold_project(PG_FUNCTION_ARGS)
{
	Fold		fold = {.project = PG_GETARG_DATUM(0), .org = PG_GETARG_DATUM(1)};
	Datum		values[2] = {fold.project, fold.org};
	bool		known;
	int64		applied = 0;
	int			nest_level;

	/* the log is read as it is now, and must be deleted as it is now */
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("totals cannot be folded in a transaction whose snapshot is fixed"),
				 errhint("Fold in a transaction of isolation level READ COMMITTED; totals are exact without as well.")));
	if (!lock_project(PG_GETARG_UUID_P(0), PG_GETARG_BOOL(2)))
		PG_RETURN_NULL();
	SPI_connect();
	saved_query_run(PG_GETARG_BOOL(2) ? &hold_project_query : &try_project_query, values, NULL);
	known = SPI_processed == 1;
	if (known)
	{
		CommandCounterIncrement();
		PushActiveSnapshot(GetLatestSnapshot());
		saved_query_run(&project_query, values, NULL);
		known = SPI_processed == 1;
		if (known)
		{
			fold.timezone = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
			/* no plan for tables that are small now and grow as we go */
			nest_level = NewGUCNestLevel();
			(void) set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION,
									 GUC_ACTION_SAVE, true, 0, false);
			totals_forget_plans();
			applied = fold_all(&fold);
			totals_forget_plans();
			AtEOXact_GUC(true, nest_level);
		}
		PopActiveSnapshot();
	}
	SPI_finish();
	if (!known)
		PG_RETURN_NULL();
	PG_RETURN_INT64(applied);
}
