/*
 * campaign.c
 *	  Campaigns are a directed acyclic graph: what is below one, each once, and
 *	  the trigger that keeps cycles out.
 *
 * The graph is walked breadth first, one query per depth over SPI, so that
 * rights, row-level security and plans are the server's own.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "campaign.h"
#include "saved_query.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(campaign_tree);
PG_FUNCTION_INFO_V1(campaign_videos);
PG_FUNCTION_INFO_V1(campaign_item_cycle);

/* A campaign reached by a walk. */
typedef struct CampaignNode
{
	pg_uuid_t	id;
	char		status;			/* for simplehash */
	int32		depth;
} CampaignNode;

#define UUID_MAP_PREFIX campaigns
#define UUID_MAP_ENTRY CampaignNode
#include "uuid_set.h"

static SavedQuery organization_query = {
	.text = "SELECT org_id FROM trackagoat.campaign WHERE id = $1",
	.read_only = true, .nargs = 1, .types = {UUIDOID}
};

static SavedQuery lock_query = {
	.text = "SELECT FROM trackagoat.project WHERE id = $1 AND org_id = $2 FOR NO KEY UPDATE",
	.nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery children_query = {
	.text = "SELECT DISTINCT child_campaign_id FROM trackagoat.campaign_item"
	" WHERE campaign_id = ANY ($1) AND org_id = $2 AND child_campaign_id IS NOT NULL",
	.read_only = true, .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}
};

static SavedQuery videos_query = {
	.text = COUNTED_VIDEOS,
	.read_only = true, .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}
};

/*
 * The uuids of a list of nodes as a uuid[], palloc'd in the current context.
 */
static ArrayType *
uuid_array(const pg_uuid_t *ids, int count)
{
	Datum	   *datums = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		datums[i] = UUIDPGetDatum(&ids[i]);
	return construct_array(datums, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
}

static char *
uuid_text(const pg_uuid_t *id)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id)));
}

/*
 * Everything at or below a campaign of an organization, in breadth-first order: a palloc'd array
 * of nodes, *count long.  Reads under the snapshot (NULL: the active one);
 * SPI must be connected.  Ends even if the stored graph had a cycle.
 */
static CampaignNode *
walk_down(const pg_uuid_t *root, const pg_uuid_t *org, Snapshot snapshot, int *count)
{
	campaigns_hash *seen = campaigns_create(CurrentMemoryContext, 64, NULL);
	CampaignNode *nodes;
	pg_uuid_t  *frontier = palloc(sizeof(pg_uuid_t));
	int			capacity = 64;
	int			frontier_count = 1;
	int			depth = 0;
	bool		found;

	nodes = palloc(sizeof(CampaignNode) * capacity);
	frontier[0] = *root;
	campaigns_insert(seen, *root, &found);
	nodes[0].id = *root;
	nodes[0].depth = 0;
	*count = 1;

	while (frontier_count > 0)
	{
		Datum		values[2];
		int			rows;

		CHECK_FOR_INTERRUPTS();
		values[0] = PointerGetDatum(uuid_array(frontier, frontier_count));
		values[1] = UUIDPGetDatum(org);
		if (snapshot != NULL)
			saved_query_run_at(&children_query, values, snapshot);
		else
			saved_query_run(&children_query, values, NULL);
		rows = (int) SPI_processed;
		frontier = repalloc_huge(frontier, sizeof(pg_uuid_t) * Max(rows, 1));
		frontier_count = 0;
		depth++;

		for (int i = 0; i < rows; i++)
		{
			bool		isnull;
			pg_uuid_t  *child = DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[i],
															SPI_tuptable->tupdesc, 1, &isnull));

			campaigns_insert(seen, *child, &found);
			if (found)
				continue;
			if (*count == capacity)
			{
				capacity *= 2;
				nodes = repalloc_huge(nodes, sizeof(CampaignNode) * capacity);
			}
			nodes[*count].id = *child;
			nodes[*count].depth = depth;
			(*count)++;
			frontier[frontier_count++] = *child;
		}
		SPI_freetuptable(SPI_tuptable);
	}
	campaigns_destroy(seen);
	return nodes;
}

/* The organization of a campaign, palloc'd; NULL where there is no campaign. */
static pg_uuid_t *
campaign_organization(const pg_uuid_t *id)
{
	Datum		value = UUIDPGetDatum(id);
	bool		isnull;

	saved_query_run(&organization_query, &value, NULL);
	if (SPI_processed == 0)
		return NULL;
	if (SPI_processed > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("campaign %s is in several organizations", uuid_text(id)),
				 errhint("Give campaigns ids that trackagoat.uuidv7() makes.")));
	return DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* The tree of a campaign as a uuid[]; SPI must be connected. */
ArrayType *
campaign_tree_array(const pg_uuid_t *root, const pg_uuid_t *org)
{
	int			count;
	CampaignNode *nodes = walk_down(root, org, NULL, &count);
	pg_uuid_t  *ids = palloc_extended(sizeof(pg_uuid_t) * count, MCXT_ALLOC_HUGE);

	for (int i = 0; i < count; i++)
		ids[i] = nodes[i].id;
	return uuid_array(ids, count);
}

/*
 * campaign_tree(campaign_id): the campaign and all below it, with depths.
 */
Datum
campaign_tree(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	pg_uuid_t  *root = PG_GETARG_UUID_P(0);
	pg_uuid_t  *org;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	org = campaign_organization(root);
	if (org != NULL)
	{
		int			count;
		CampaignNode *nodes = walk_down(root, org, NULL, &count);

		for (int i = 0; i < count; i++)
		{
			Datum		values[2] = {UUIDPGetDatum(&nodes[i].id), Int32GetDatum(nodes[i].depth)};
			bool		nulls[2] = {false, false};

			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	}
	SPI_finish();
	return (Datum) 0;
}

/*
 * campaign_videos(campaign_id): the ids of the counted videos below it.
 */
Datum
campaign_videos(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	pg_uuid_t  *root = PG_GETARG_UUID_P(0);
	pg_uuid_t  *org;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	SPI_connect();
	org = campaign_organization(root);
	if (org != NULL)
	{
		Datum		values[2];

		values[0] = PointerGetDatum(campaign_tree_array(root, org));
		values[1] = UUIDPGetDatum(org);
		saved_query_run(&videos_query, values, NULL);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			Datum		value;
			bool		isnull;

			value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
		}
	}
	SPI_finish();
	return (Datum) 0;
}

/*
 * The campaign_item trigger: refuse an item by which a campaign would hold
 * itself.  Two sessions could each add one half of a cycle, so the check
 * first locks the project's row, which the other then waits for, and looks
 * at what is committed by now, whatever the transaction's own snapshot says.
 */
Datum
campaign_item_cycle(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	HeapTuple	tuple;
	TupleDesc	tupdesc;
	Datum		parameters[2];
	pg_uuid_t	parent;
	pg_uuid_t	child;
	bool		isnull;
	Snapshot	latest;
	CampaignNode *below;
	int			count;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("campaign_item_cycle must be called as a trigger")));

	tuple = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
		trigdata->tg_newtuple : trigdata->tg_trigtuple;
	tupdesc = RelationGetDescr(trigdata->tg_relation);

	SPI_connect();
	parameters[0] = SPI_getbinval(tuple, tupdesc, SPI_fnumber(tupdesc, "project_id"), &isnull);
	parameters[1] = SPI_getbinval(tuple, tupdesc, SPI_fnumber(tupdesc, "org_id"), &isnull);
	saved_query_run(&lock_query, parameters, NULL);
	/* row-level security may hide it; without the lock, a cycle could slip in */
	if (SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot lock project %s", uuid_text(DatumGetUUIDP(parameters[0]))),
				 errdetail("Adding a campaign to another locks their project's row."),
				 errhint("The role must see the row and have the right to update it.")));

	parent = *DatumGetUUIDP(SPI_getbinval(tuple, tupdesc,
										  SPI_fnumber(tupdesc, "campaign_id"), &isnull));
	child = *DatumGetUUIDP(SPI_getbinval(tuple, tupdesc,
										 SPI_fnumber(tupdesc, "child_campaign_id"), &isnull));

	CommandCounterIncrement();
	latest = RegisterSnapshot(GetLatestSnapshot());
	below = walk_down(&child, DatumGetUUIDP(parameters[1]), latest, &count);
	UnregisterSnapshot(latest);
	for (int i = 0; i < count; i++)
	{
		if (memcmp(below[i].id.data, parent.data, UUID_LEN) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_TRACKAGOAT_CONFLICT),
					 errmsg("campaign_cycle"),
					 i == 0 ? errdetail("Campaign %s cannot hold itself.", uuid_text(&child)) :
					 errdetail("Campaign %s already holds campaign %s, directly or through others.",
							   uuid_text(&child), uuid_text(&parent)),
					 errhint("Remove the item that leads back, or add the campaign elsewhere.")));
	}
	SPI_finish();
	return PointerGetDatum(NULL);
}
