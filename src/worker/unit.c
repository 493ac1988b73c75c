/*
 * unit.c
 *	  Units of work: the transactions around the queue's SQL functions.
 *
 * In a worker each is a transaction of its own, run as the owner of the
 * tables, where these are complete and belong to the library.  In
 * run_scrapes() it is a transaction of the procedure, run as the caller.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "saved_query.h"
#include "trackagoat.h"
#include "worker/worker.h"

/* Tables that were ready are looked at again after this long (microseconds), or when one has changed. */
#define READY_FOR INT64CONST(1000000)

static bool procedure_mode;
static Oid	caller;				/* a worker's own user, between its transactions */
static int	caller_context;
static MemoryContext caller_memory; /* the context that was current before them */
static TimestampTz ready_until;	/* till then the tables need not be looked at again; 0 as soon as any has changed */
static int32 ready_version;		/* nor while they say that they are of this version */

static SavedQuery versions = {
	.text = "SELECT e.extversion, (SELECT pg_catalog.max(v.version) FROM trackagoat.setup_version v)"
	" FROM pg_catalog.pg_extension e WHERE e.extname OPERATOR(pg_catalog.=) 'trackagoat'"
};
static SavedQuery tables_are_ready = {.text = "SELECT trackagoat.tables_are_ready()"};

/* A relation has changed: are the tables still what they were? */
static void
forget_ready(Datum arg, Oid relation)
{
	ready_until = 0;
}

/*
 * Say whose transactions these are.  In a procedure the answer is whether the
 * caller owns the tables: anybody else, a superuser too, would run the
 * owner's triggers with rights that the owner does not have.
 */
bool
unit_open(bool in_procedure)
{
	HeapTuple	tuple;
	bool		owned;

	procedure_mode = in_procedure;
	if (!in_procedure)
	{
		CacheRegisterRelcacheCallback(forget_ready, (Datum) 0);
		return true;
	}

	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(get_relname_relid("scrape_job",
																	   get_namespace_oid("trackagoat", true))));
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the tables of trackagoat are not there"),
				 errhint("CALL trackagoat.setup();")));
	owned = ((Form_pg_class) GETSTRUCT(tuple))->relowner == GetUserId();
	ReleaseSysCache(tuple);
	return owned;
}

/* Are these transactions of a procedure? */
bool
unit_in_procedure(void)
{
	return procedure_mode;
}

/* The owner of the tables, or InvalidOid where extension or tables are absent. */
static Oid
tables_owner(void)
{
	Oid			extension = get_extension_oid("trackagoat", true);
	Oid			schema;
	HeapTuple	tuple;
	Oid			owner;

	if (!OidIsValid(extension))
		return InvalidOid;

	/* whoever drops the extension waits for this transaction, not we for them */
	if (!ConditionalLockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock))
		return InvalidOid;
	if (get_extension_oid("trackagoat", true) != extension)
		return InvalidOid;

	/* the view goes with DROP EXTENSION CASCADE, which leaves torsos of tables */
	schema = get_namespace_oid("trackagoat", true);
	if (!OidIsValid(schema) || !OidIsValid(get_relname_relid("scrape_status", schema)))
		return InvalidOid;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(get_relname_relid("setup_version", schema)));
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * Do extension, tables and this library belong together, and are the tables
 * complete?  The extension comes first: another version's functions need not
 * be what the rest expects.
 */
static bool
versions_match(void)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	bool		isnull;
	int32		version;

	saved_query_run(&versions, NULL, NULL);
	if (SPI_processed != 1 ||
		strcmp(SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1), TRACKAGOAT_VERSION) != 0)
		return false;
	version = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	if (isnull)
		return false;
	/* a clock that was set back does not keep us from looking */
	if (version == ready_version && now < ready_until && now >= ready_until - READY_FOR)
		return true;
	ready_until = now + READY_FOR;
	ready_version = version;
	saved_query_run(&tables_are_ready, NULL, NULL);
	if (DatumGetBool(saved_query_value(&isnull)) && !isnull)
		return true;
	ready_until = 0;
	return false;
}

/* This transaction's commit does not wait for the disk: unit_flush() does, for many. */
static void
flush_later(void)
{
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

/* Wait until all that was committed is on disk. */
void
unit_flush(void)
{
	XLogFlush(XactLastCommitEnd);
}

/*
 * Begin a unit of work; allocations are the transaction's until
 * unit_commit(), which goes back to the memory of before.  False, with no
 * transaction begun, where there is nothing to work on: no extension, no
 * tables or incomplete ones, another version than the library's, or a
 * database that cannot be written.
 */
bool
unit_begin(void)
{
	Oid			owner;

	if (procedure_mode)
	{
		/* a connection of its own, to free what its queries leave; a new now() */
		SPI_connect_ext(SPI_OPT_NONATOMIC);
		SPI_commit();
		flush_later();
		return true;
	}

	caller_memory = CurrentMemoryContext;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	GetUserIdAndSecContext(&caller, &caller_context);
	owner = XactReadOnly ? InvalidOid : tables_owner();
	if (OidIsValid(owner))
	{
		/* as a SECURITY DEFINER function of the owner: no way back to ourselves */
		SetUserIdAndSecContext(owner, caller_context | SECURITY_LOCAL_USERID_CHANGE);
		SPI_connect();
		flush_later();
		if (versions_match())
			return true;
	}
	AbortCurrentTransaction();
	MemoryContextSwitchTo(caller_memory);
	return false;
}

/* End it; deferred triggers of the owner still run as the owner. */
void
unit_commit(void)
{
	if (procedure_mode)
	{
		SPI_commit();
		SPI_finish();
		return;
	}
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	SetUserIdAndSecContext(caller, caller_context);
	MemoryContextSwitchTo(caller_memory);
	pgstat_report_stat(false);
}
