/*
 * fold_campaigns.c
 *	  Brings the campaigns of a project up to date: adds what gathered for
 *	  them, and computes anew those that are stale, as their items changed,
 *	  from the totals of creators and the histories of videos.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "fold.h"

static SavedQuery unfolded_campaigns_query = {
	.text = "SELECT c.id FROM trackagoat.campaign c WHERE c.project_id = $1 AND c.org_id = $2"
	" AND NOT EXISTS (SELECT FROM trackagoat.total t WHERE t.entity_id = c.id AND t.org_id = c.org_id AND t.entity = 'campaign')",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery these_videos_query = {
	.text = CONTRIBUTION("v.id = ANY ($1) AND v.org_id = $2"),
	.read_only = true, .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}
};

/* The ids of campaigns, creators or videos of the graph: kind 0, 1 or 2. */
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
		if (id_set_has(fold->counted, &fold->graph->creator[member].id))
			*creators = bms_add_member(*creators, member);
	}
	owners = bms_copy(*creators);
	for (member = -1; (member = bms_next_member(lone, member)) >= 0;)
	{
		GraphVideo *video = &fold->graph->video[member];

		if (!video->is_counted ||
			(video->creator >= 0 && (bms_is_member(video->creator, *creators) ||
									 !id_set_has(fold->counted, &fold->graph->creator[video->creator].id))))
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
void
fold_finish_campaigns(Fold *fold)
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

/* Is there a campaign without a row yet? */
bool
fold_has_unfolded(const Fold *fold)
{
	Datum		values[2] = {fold->project, fold->org};

	saved_query_run(&unfolded_campaigns_query, values, NULL);
	return SPI_processed > 0;
}

/* Campaigns without a row yet are stale. */
void
fold_mark_unfolded(Fold *fold)
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
