/*
 * limits.c
 *	  What an organization's plan allows.
 *
 * Whoever adds something that is limited holds a lock of the organization
 * from before the first row until the transaction ends, so that a count under
 * the latest snapshot stays true.  An organization without a plan takes no
 * lock, and different organizations do not meet.  Queries name their schemas,
 * whatever the caller's search_path is.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "saved_query.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(limit_lock);
PG_FUNCTION_INFO_V1(limit_check);
PG_FUNCTION_INFO_V1(limit_room);

static SavedQuery plan_query = {
	.text = "SELECT FROM trackagoat.organization WHERE id OPERATOR(pg_catalog.=) $1 AND plan IS NOT NULL",
	.nargs = 1, .types = {UUIDOID}
};

static SavedQuery max_query = {
	.text = "SELECT trackagoat.plan_limit(o.plan, $2) FROM trackagoat.organization o"
	" WHERE o.id OPERATOR(pg_catalog.=) $1 AND o.plan IS NOT NULL",
	.nargs = 2, .types = {UUIDOID, TEXTOID}
};

/*
 * How each limit counts: all, and those that the command which wrote a row
 * has not written.
 */
#define COUNT(table, condition) \
	{ \
		.text = "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER" \
		" (WHERE NOT (xmin OPERATOR(pg_catalog.=) $3 AND cmin OPERATOR(pg_catalog.=) $4))" \
		" FROM trackagoat." table " WHERE org_id OPERATOR(pg_catalog.=) $1 AND " condition, \
		.nargs = 4, .types = {UUIDOID, UUIDOID, XIDOID, CIDOID} \
	}

typedef struct PlanLimit
{
	const char *key;
	const char *scope;			/* column that it is of, or NULL for the organization */
	SavedQuery	count;
} PlanLimit;

static PlanLimit limits[] = {
	{"max_creators_per_org", NULL, COUNT("creator", "removed_at IS NULL AND $2 IS NULL")},
	{"max_tracked_videos_per_org", NULL, COUNT("video", "tracking_status OPERATOR(pg_catalog.=) 'direct_add' AND $2 IS NULL")},
	{"max_projects_per_org", NULL, COUNT("project", "$2 IS NULL")},
	{"max_members_per_org", NULL, COUNT("member", "$2 IS NULL")},
	{"max_api_keys_per_org", NULL, COUNT("api_key", "revoked_at IS NULL AND $2 IS NULL")},
	{"max_campaigns_per_project", "project_id", COUNT("campaign", "project_id OPERATOR(pg_catalog.=) $2")},
	{"max_campaign_items_per_campaign", "campaign_id", COUNT("campaign_item", "campaign_id OPERATOR(pg_catalog.=) $2")},
};

/* What was checked last: all rows of one command are checked with its first. */
static struct
{
	PlanLimit  *limit;
	pg_uuid_t	org;
	pg_uuid_t	scope;
	TransactionId xmin;
	CommandId	cmin;
}			checked;

static PlanLimit *
find_limit(const char *key)
{
	for (int i = 0; i < (int) lengthof(limits); i++)
	{
		if (strcmp(limits[i].key, key) == 0)
			return &limits[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is no limit that is counted", key)));
}

/* Hold an organization that has a plan; SPI must be connected. */
static void
lock_organization(Datum org)
{
	LOCKTAG		tag;

	saved_query_run(&plan_query, &org, NULL);
	if (SPI_processed == 0)
		return;
	/* the key space of two integers, as pg_advisory_xact_lock(int, int) has it */
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0x6c696d74, hash_bytes(DatumGetUUIDP(org)->data, UUID_LEN), 2);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

/* The maximum, or false for none. */
static bool
load_max(const PlanLimit *limit, Datum org, int64 *max)
{
	Datum		values[2] = {org, CStringGetTextDatum(limit->key)};
	bool		isnull;

	saved_query_run(&max_query, values, NULL);
	if (SPI_processed == 0)
		return false;
	*max = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	return !isnull;
}

/* Count what is there now, and what was before a command. */
static int64
count_now(PlanLimit *limit, Datum org, Datum scope, TransactionId xmin, CommandId cmin, int64 *before)
{
	Datum		values[4] = {org, scope, TransactionIdGetDatum(xmin), CommandIdGetDatum(cmin)};
	char		nulls[4] = {' ', limit->scope == NULL ? 'n' : ' ', ' ', ' '};
	Snapshot	latest;
	int64		count;
	bool		isnull;

	CommandCounterIncrement();
	latest = RegisterSnapshot(GetLatestSnapshot());
	PushActiveSnapshot(latest);
	limit->count.read_only = true;
	saved_query_run(&limit->count, values, nulls);
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	*before = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	PopActiveSnapshot();
	UnregisterSnapshot(latest);
	return count;
}

/* A column of the trigger's new row. */
static Datum
new_value(const TriggerData *trigger, const char *column)
{
	HeapTuple	tuple = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	TupleDesc	tupdesc = RelationGetDescr(trigger->tg_relation);
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, tupdesc, SPI_fnumber(tupdesc, column), &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("%s of %s is missing", column, RelationGetRelationName(trigger->tg_relation))));
	return value;
}

/* limit_lock(): before a row that may be limited comes in. */
Datum
limit_lock(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "limit_lock was not called as a trigger");
	SPI_connect();
	lock_organization(new_value(trigger, "org_id"));
	SPI_finish();
	PG_RETURN_POINTER(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple);
}

/* limit_check(key): after it came in. */
Datum
limit_check(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTupleHeader header;
	PlanLimit  *limit;
	Datum		org;
	Datum		scope;
	int64		max;
	int64		before;

	if (!CALLED_AS_TRIGGER(fcinfo) || trigger->tg_trigger->tgnargs != 1)
		elog(ERROR, "limit_check was not called as a trigger of one limit");
	limit = find_limit(trigger->tg_trigger->tgargs[0]);
	header = (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple)->t_data;
	org = new_value(trigger, "org_id");
	scope = limit->scope == NULL ? org : new_value(trigger, limit->scope);
	if (checked.limit == limit && checked.xmin == HeapTupleHeaderGetRawXmin(header) &&
		checked.cmin == HeapTupleHeaderGetCmin(header) &&
		memcmp(&checked.org, DatumGetUUIDP(org), UUID_LEN) == 0 &&
		memcmp(&checked.scope, DatumGetUUIDP(scope), UUID_LEN) == 0)
		PG_RETURN_POINTER(NULL);

	SPI_connect();
	if (load_max(limit, org, &max) &&
		count_now(limit, org, scope, HeapTupleHeaderGetRawXmin(header), HeapTupleHeaderGetCmin(header), &before) > max)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_LIMIT),
				 errmsg("limit_reached"),
				 errdetail("{\"limitKey\": \"%s\", \"current\": " INT64_FORMAT ", \"max\": " INT64_FORMAT "}",
						   limit->key, before, max),
				 errhint("Make room, or choose a plan that allows more.")));
	SPI_finish();
	checked.limit = limit;
	checked.org = *DatumGetUUIDP(org);
	checked.scope = *DatumGetUUIDP(scope);
	checked.xmin = HeapTupleHeaderGetRawXmin(header);
	checked.cmin = HeapTupleHeaderGetCmin(header);
	PG_RETURN_POINTER(NULL);
}

/* limit_room(key, org_id, scope): how many more are allowed; NULL for any number. */
Datum
limit_room(PG_FUNCTION_ARGS)
{
	PlanLimit  *limit;
	int64		max;
	int64		room = 0;
	int64		before;
	bool		has_max;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	limit = find_limit(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (limit->scope != NULL && PG_ARGISNULL(2))
		PG_RETURN_NULL();
	SPI_connect();
	lock_organization(PG_GETARG_DATUM(1));
	has_max = load_max(limit, PG_GETARG_DATUM(1), &max);
	if (has_max)
		room = Max(max - count_now(limit, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), InvalidTransactionId, 0, &before), 0);
	SPI_finish();
	if (!has_max)
		PG_RETURN_NULL();
	PG_RETURN_INT64(room);
}
