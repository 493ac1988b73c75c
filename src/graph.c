/*
 * graph.c
 *	  The campaigns of a project and what they hold, read once under the
 *	  active snapshot, for the folder, which asks upwards: who holds this?
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "graph.h"
#include "saved_query.h"

/* Which number an id has. */
typedef struct GraphNumber
{
	pg_uuid_t	id;
	char		status;
	int			number;
} GraphNumber;

#define UUID_MAP_PREFIX graph_numbers
#define UUID_MAP_ENTRY GraphNumber
#include "uuid_set.h"

static SavedQuery campaigns_query = {
	.text = "SELECT id FROM trackagoat.campaign WHERE project_id = $1 AND org_id = $2 ORDER BY id",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery items_query = {
	.text = "SELECT i.campaign_id, i.creator_id, i.child_campaign_id, i.video_id, v.creator_id,"
	"  trackagoat.status_counts(v.tracking_status), trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id)"
	" FROM trackagoat.campaign_item i"
	" LEFT JOIN trackagoat.video v ON v.id = i.video_id AND v.org_id = i.org_id"
	" WHERE i.project_id = $1 AND i.org_id = $2",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

/* The number of an id, the next free one where it is new. */
static int
number_of(graph_numbers_hash *numbers, const pg_uuid_t *id, int *next)
{
	bool		found;
	GraphNumber *entry = graph_numbers_insert(numbers, *id, &found);

	if (!found)
		entry->number = (*next)++;
	return entry->number;
}

static int
creator_number(Graph *graph, const pg_uuid_t *id)
{
	int			known = graph->creators;
	int			number = number_of(graph->creator_numbers, id, &graph->creators);

	if (number == known)
	{
		graph->creator[number].id = *id;
		graph->creator[number].last_video = -1;
	}
	return number;
}

/* Take in one item of a campaign. */
static void
add_item(Graph *graph, HeapTuple tuple, TupleDesc tupdesc)
{
	Datum		value[7];
	bool		isnull[7];
	int			campaign;
	int			held;

	for (int i = 0; i < 7; i++)
		value[i] = SPI_getbinval(tuple, tupdesc, i + 1, &isnull[i]);
	campaign = graph_campaign(graph, DatumGetUUIDP(value[0]));
	if (campaign < 0)
		return;
	if (!isnull[1])
	{
		held = creator_number(graph, DatumGetUUIDP(value[1]));
		graph->creator[held].holders = bms_add_member(graph->creator[held].holders, campaign);
		graph->campaign[campaign].creators = bms_add_member(graph->campaign[campaign].creators, held);
	}
	else if (!isnull[2])
	{
		held = graph_campaign(graph, DatumGetUUIDP(value[2]));
		if (held < 0)
			return;
		graph->campaign[held].parents = bms_add_member(graph->campaign[held].parents, campaign);
		graph->campaign[campaign].children = bms_add_member(graph->campaign[campaign].children, held);
	}
	else if (!isnull[3] && !isnull[5])
	{
		int			known = graph->videos;
		GraphVideo *video;

		held = number_of(graph->video_numbers, DatumGetUUIDP(value[3]), &graph->videos);
		video = &graph->video[held];
		video->id = *DatumGetUUIDP(value[3]);
		video->is_counted = DatumGetBool(value[5]);
		video->posted_at = DatumGetTimestampTz(value[6]);
		video->creator = isnull[4] ? -1 : creator_number(graph, DatumGetUUIDP(value[4]));
		if (held == known)
		{
			video->next_video = -1;
			if (video->creator >= 0)
			{
				video->next_video = graph->creator[video->creator].last_video;
				graph->creator[video->creator].last_video = held;
			}
		}
		video->holders = bms_add_member(video->holders, campaign);
		graph->campaign[campaign].videos = bms_add_member(graph->campaign[campaign].videos, held);
	}
}

/* Read the graph of a project, into the current memory context; SPI must be connected. */
Graph *
graph_load(Datum project, Datum org)
{
	Graph	   *graph = palloc0(sizeof(Graph));
	Datum		values[2] = {project, org};
	SPITupleTable *table;
	uint64		rows;
	bool		isnull;

	saved_query_run(&campaigns_query, values, NULL);
	table = SPI_tuptable;
	rows = SPI_processed;
	graph->campaign_numbers = graph_numbers_create(CurrentMemoryContext, 64, NULL);
	graph->creator_numbers = graph_numbers_create(CurrentMemoryContext, 64, NULL);
	graph->video_numbers = graph_numbers_create(CurrentMemoryContext, 64, NULL);
	graph->campaign = palloc_extended(sizeof(GraphCampaign) * Max(rows, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 i = 0; i < rows; i++)
	{
		pg_uuid_t  *id = DatumGetUUIDP(SPI_getbinval(table->vals[i], table->tupdesc, 1, &isnull));

		graph->campaign[number_of(graph->campaign_numbers, id, &graph->campaigns)].id = *id;
	}
	SPI_freetuptable(table);

	saved_query_run(&items_query, values, NULL);
	table = SPI_tuptable;
	rows = SPI_processed;
	/* at most a creator and a video an item */
	graph->creator = palloc_extended(sizeof(GraphCreator) * Max(rows, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	graph->video = palloc_extended(sizeof(GraphVideo) * Max(rows, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 i = 0; i < rows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_item(graph, table->vals[i], table->tupdesc);
	}
	SPI_freetuptable(table);
	return graph;
}

static int
look_up(graph_numbers_hash *numbers, const pg_uuid_t *id)
{
	GraphNumber *entry = graph_numbers_lookup(numbers, *id);

	return entry == NULL ? -1 : entry->number;
}

/* The number of a campaign, -1 where the project has none of that id. */
int
graph_campaign(const Graph *graph, const pg_uuid_t *id)
{
	return look_up(graph->campaign_numbers, id);
}

/* The number of a creator, -1 where no campaign has to do with it. */
int
graph_creator(const Graph *graph, const pg_uuid_t *id)
{
	return look_up(graph->creator_numbers, id);
}

/* The number of a video, -1 where no campaign holds it itself. */
int
graph_video(const Graph *graph, const pg_uuid_t *id)
{
	return look_up(graph->video_numbers, id);
}

/* Take the first member out of a set; -1 where it is empty. */
static int
take_member(Bitmapset **set)
{
	int			member = bms_next_member(*set, -1);

	if (member >= 0)
		*set = bms_del_member(*set, member);
	return member;
}

/* A campaign and all above it; kept with the graph. */
static Bitmapset *
above_one(Graph *graph, int campaign)
{
	GraphCampaign *node = &graph->campaign[campaign];
	Bitmapset  *above;
	Bitmapset  *next;
	int			parent;

	if (node->above != NULL)
		return node->above;
	above = bms_make_singleton(campaign);
	next = bms_copy(node->parents);
	/* no recursion, so that neither depth nor a stray cycle does harm */
	while ((parent = take_member(&next)) >= 0)
	{
		if (bms_is_member(parent, above))
			continue;
		above = bms_add_member(above, parent);
		next = bms_add_members(next, bms_difference(graph->campaign[parent].parents, above));
	}
	node->above = above;
	return above;
}

/* Campaigns and all that are above them; the caller's to change. */
Bitmapset *
graph_above(Graph *graph, Bitmapset *campaigns)
{
	Bitmapset  *above = NULL;
	int			campaign = -1;

	while ((campaign = bms_next_member(campaigns, campaign)) >= 0)
	{
		if (!bms_is_member(campaign, above))
			above = bms_add_members(above, above_one(graph, campaign));
	}
	return above;
}

/* A campaign and all below it; the caller's to change. */
Bitmapset *
graph_below(const Graph *graph, int campaign)
{
	Bitmapset  *below = bms_make_singleton(campaign);
	Bitmapset  *next = bms_copy(graph->campaign[campaign].children);
	int			child;

	while ((child = take_member(&next)) >= 0)
	{
		if (bms_is_member(child, below))
			continue;
		below = bms_add_member(below, child);
		next = bms_add_members(next, bms_difference(graph->campaign[child].children, below));
	}
	return below;
}
