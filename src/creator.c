/*
 * creator.c
 *	  What the triggers of creators need that SQL cannot see.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "saved_query.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(creator_no_change);
PG_FUNCTION_INFO_V1(creator_added);
PG_FUNCTION_INFO_V1(creator_ban);
PG_FUNCTION_INFO_V1(lock_bans);

static SavedQuery added_query = {
	.text = "INSERT INTO trackagoat.creator_event (org_id, project_id, creator_id, kind, detail)"
	" VALUES ($1, $2, $3, 'added', pg_catalog.jsonb_build_object('tiktok_handle', $4::pg_catalog.text, 'tracking_mode', $5::pg_catalog.text))",
	.nargs = 5, .types = {UUIDOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID}
};

static SavedQuery any_ban_query = {
	.text = "SELECT FROM trackagoat.banned_handle LIMIT 1",
	.read_only = true
};

/* The row may have been disabled, renamed or deleted since. */
static SavedQuery ban_query = {
	.text = "SELECT c.tiktok_handle, b.reason FROM trackagoat.creator c"
	" JOIN trackagoat.banned_handle b ON b.tiktok_handle OPERATOR(trackagoat.=) c.tiktok_handle"
	" WHERE c.id OPERATOR(pg_catalog.=) $1 AND c.org_id OPERATOR(pg_catalog.=) $2"
	"  AND c.removed_at IS NULL AND c.disabled_at IS NULL",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

/* In which command of which (sub)transaction bans were looked for last, and there were none. */
static TransactionId no_bans_in;
static SubTransactionId no_bans_in_sub;
static CommandId no_bans_at;

/*
 * creator_no_change(): before an UPDATE that leaves the handle as it is.
 * Refuses it where the statement sets the handle alone; whoever writes whole
 * rows back sets other columns too.
 */
Datum
creator_no_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	tupdesc;
	int			handle;
	int			column = -1;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		elog(ERROR, "creator_no_change was not called before an update");
	tupdesc = RelationGetDescr(trigger->tg_relation);
	handle = SPI_fnumber(tupdesc, "tiktok_handle");
	while ((column = bms_next_member(trigger->tg_updatedcols, column)) >= 0)
	{
		int			number = column + FirstLowInvalidHeapAttributeNumber;

		/* generated columns are among them, whatever is set */
		if (number != handle && TupleDescAttr(tupdesc, number - 1)->attgenerated == '\0')
			PG_RETURN_POINTER(trigger->tg_newtuple);
	}
	ereport(ERROR,
			(errcode(ERRCODE_TRACKAGOAT_CONFLICT),
			 errmsg("no_change"),
			 errdetail("The creator has the handle %s already.",
					   SPI_getvalue(trigger->tg_newtuple, tupdesc, handle)),
			 errhint("Name another handle.")));
}

/* creator_added(): after a creator was added, the change log says so. */
Datum
creator_added(PG_FUNCTION_ARGS)
{
	static const char *const columns[] = {"org_id", "project_id", "id", "tiktok_handle"};
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	tupdesc;
	Datum		values[5];
	bool		isnull;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		elog(ERROR, "creator_added was not called after an insert");
	tupdesc = RelationGetDescr(trigger->tg_relation);
	SPI_connect();
	/* a handle is stored as a text is */
	for (int i = 0; i < 4; i++)
		values[i] = SPI_getbinval(trigger->tg_trigtuple, tupdesc, SPI_fnumber(tupdesc, columns[i]), &isnull);
	values[4] = CStringGetTextDatum(SPI_getvalue(trigger->tg_trigtuple, tupdesc, SPI_fnumber(tupdesc, "tracking_mode")));
	saved_query_write(&added_query, values, NULL);
	SPI_finish();
	PG_RETURN_POINTER(NULL);
}

static void
acquire_ban_lock(LOCKMODE mode)
{
	LOCKTAG		tag;

	/* the key space of two integers, as pg_advisory_xact_lock(int, int) has it */
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0x62616e73, 0, 2);
	(void) LockAcquire(&tag, mode, false, false);
}

/* lock_bans(): whoever bans waits here for those who are committing creators. */
Datum
lock_bans(PG_FUNCTION_ARGS)
{
	acquire_ban_lock(ExclusiveLock);
	PG_RETURN_VOID();
}

/*
 * creator_ban(): at commit, where the lock is held no longer than that
 * takes.  Refuses a creator whose handle was banned since it was added.
 */
Datum
creator_ban(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple	tuple;
	TupleDesc	tupdesc;
	Datum		values[2];
	Snapshot	latest;
	bool		isnull;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "creator_ban was not called as a trigger");
	if (no_bans_in == GetTopTransactionId() && no_bans_in_sub == GetCurrentSubTransactionId() &&
		no_bans_at == GetCurrentCommandId(false))
		PG_RETURN_POINTER(NULL);
	acquire_ban_lock(ShareLock);

	SPI_connect();
	latest = RegisterSnapshot(GetLatestSnapshot());
	PushActiveSnapshot(latest);
	saved_query_run(&any_ban_query, NULL, NULL);
	if (SPI_processed == 0)
	{
		no_bans_in = GetTopTransactionId();
		no_bans_in_sub = GetCurrentSubTransactionId();
		no_bans_at = GetCurrentCommandId(false);
	}
	else
	{
		tuple = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
		tupdesc = RelationGetDescr(trigger->tg_relation);
		values[0] = SPI_getbinval(tuple, tupdesc, SPI_fnumber(tupdesc, "id"), &isnull);
		values[1] = SPI_getbinval(tuple, tupdesc, SPI_fnumber(tupdesc, "org_id"), &isnull);
		saved_query_run(&ban_query, values, NULL);
		/* as check_ban() says it, which would look under an older snapshot */
		if (SPI_processed > 0)
			ereport(ERROR,
					(errcode(ERRCODE_TRACKAGOAT_CONFLICT),
					 errmsg("creator_banned"),
					 errdetail("The handle %s is banned on this platform: %s.",
							   SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1),
							   SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2)),
					 errhint("Ask the operators of the platform, who keep trackagoat.banned_handle.")));
	}
	PopActiveSnapshot();
	UnregisterSnapshot(latest);
	SPI_finish();
	PG_RETURN_POINTER(NULL);
}
