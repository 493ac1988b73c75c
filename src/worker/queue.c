/*
 * queue.c
 *	  The queue's SQL functions as the scraper calls them, and the
 *	  transactions around them.
 *
 * In a worker each unit of work is a transaction of its own, run as the owner
 * of the tables.  In run_scrapes() it is a transaction of the procedure,
 * run as the caller.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "saved_query.h"
#include "trackagoat.h"
#include "worker/worker.h"

/* A lease outlives the longest request by this much (milliseconds). */
#define LEASE_SLACK 60000

static bool procedure_mode;
static Oid	caller;				/* a worker's own user, between its transactions */
static int	caller_context;
static MemoryContext caller_memory; /* the context that was current before them */

static SavedQuery versions = {
	.text = "SELECT (SELECT extversion FROM pg_catalog.pg_extension"
	" WHERE extname OPERATOR(pg_catalog.=) 'trackagoat'),"
	" (SELECT pg_catalog.max(version) FROM trackagoat.setup_version)"
};
static SavedQuery claim_scrapes = {
	.text = "SELECT attempt_id, kind::pg_catalog.text, tiktok_handle::pg_catalog.text,"
	" tiktok_video_id, sec_uid, list_cursor"
	" FROM trackagoat.claim_scrapes($1, pg_catalog.make_interval(secs => $2))",
	.nargs = 2,
	.types = {INT4OID, FLOAT8OID}
};
static SavedQuery next_due = {.text = "SELECT trackagoat.next_scrape_due()"};
static SavedQuery release_scrapes = {.text = "SELECT trackagoat.release_scrapes()"};
static SavedQuery targets = {
	.text = "SELECT org_id FROM trackagoat.scrape_targets($1::trackagoat.scrape_kind,"
	" $2::pg_catalog.text::trackagoat.handle, $3) ORDER BY org_id",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, INT8OID}
};
static SavedQuery store_scrape = {
	.text = "SELECT trackagoat.store_scrape($1, $2::trackagoat.scrape_kind,"
	" $3::pg_catalog.text::trackagoat.handle, $4, $5, $6)",
	.nargs = 6,
	.types = {UUIDOID, TEXTOID, TEXTOID, INT8OID, TIMESTAMPTZOID, JSONBOID}
};
static SavedQuery finish_scrape = {
	.text = "SELECT pg_catalog.trunc(extract(epoch FROM trackagoat.finish_scrape("
	"$1, $2, $3, $4, $5, pg_catalog.make_interval(secs => $6), $7)))::bigint",
	.nargs = 7,
	.types = {INT8OID, TEXTOID, INT4OID, INT8OID, TEXTOID, FLOAT8OID, JSONBOID}
};

/* The only value of the only row of the last query. */
static Datum
single_value(bool *isnull)
{
	if (SPI_processed != 1)
		elog(ERROR, "expected one row, got " UINT64_FORMAT, SPI_processed);
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
}

/*
 * Say whose transactions these are.  In a procedure SPI must be connected
 * already, and the answer is whether the caller may run the queue: only who
 * has the rights of the tables' owner may.
 */
bool
queue_open(bool in_procedure)
{
	procedure_mode = in_procedure;
	if (in_procedure)
	{
		Oid			schema = get_namespace_oid("trackagoat", true);
		Oid			table = get_relname_relid("scrape_job", schema);

		if (!OidIsValid(table))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the tables of trackagoat are not there"),
					 errhint("CALL trackagoat.setup();")));
#if PG_VERSION_NUM >= 160000
		return object_ownercheck(RelationRelationId, table, GetUserId());
#else
		return pg_class_ownercheck(table, GetUserId());
#endif
	}
	return true;
}

/* The owner of the tables, or InvalidOid where extension or tables are absent. */
static Oid
tables_owner(void)
{
	Oid			extension = get_extension_oid("trackagoat", true);
	Oid			schema;
	Oid			table;
	HeapTuple	tuple;
	Oid			owner;

	if (!OidIsValid(extension))
		return InvalidOid;

	/* whoever drops the extension waits for this transaction, not we for them */
	if (!ConditionalLockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock))
		return InvalidOid;
	if (get_extension_oid("trackagoat", true) != extension)
		return InvalidOid;

	schema = get_namespace_oid("trackagoat", true);
	table = OidIsValid(schema) ? get_relname_relid("setup_version", schema) : InvalidOid;
	/* the view goes with DROP EXTENSION CASCADE, which leaves torsos of tables */
	if (!OidIsValid(table) || !OidIsValid(get_relname_relid("scrape_queue", schema)))
		return InvalidOid;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Do extension, tables and this library belong together? */
static bool
versions_match(void)
{
	bool		isnull;
	char	   *extension;
	Datum		tables;

	saved_query_run(&versions, NULL, NULL);
	extension = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	tables = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
	return extension != NULL && strcmp(extension, TRACKAGOAT_VERSION) == 0 &&
		!isnull && DatumGetInt32(tables) == TRACKAGOAT_TABLES_VERSION;
}

/*
 * Begin a unit of work; allocations are the transaction's until
 * queue_commit(), which goes back to the memory of before.  False, with no transaction begun, where there is
 * nothing to work on: no extension, no tables, another version than the
 * library's, or a database that cannot be written.
 */
bool
queue_begin(void)
{
	Oid			owner;

	if (procedure_mode)
	{
		/* a new transaction, for its own now() */
		SPI_commit();
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
		if (versions_match())
			return true;
	}
	AbortCurrentTransaction();
	MemoryContextSwitchTo(caller_memory);
	return false;
}

/* End it; deferred triggers of the owner still run as the owner. */
void
queue_commit(void)
{
	if (procedure_mode)
	{
		SPI_commit();
		return;
	}
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	SetUserIdAndSecContext(caller, caller_context);
	MemoryContextSwitchTo(caller_memory);
	pgstat_report_stat(false);
}

static void
copy_text(HeapTuple tuple, int column, char *target, size_t size)
{
	char	   *value = SPI_getvalue(tuple, SPI_tuptable->tupdesc, column);

	strlcpy(target, value ? value : "", size);
}

static int64
get_bigint(HeapTuple tuple, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* Lease up to max_jobs due jobs; answers how many claims were filled in. */
int
queue_claim(int max_jobs, ScrapeClaim *claims)
{
	Datum		values[2];
	int			count;

	values[0] = Int32GetDatum(max_jobs);
	values[1] = Float8GetDatum((trackagoat_request_timeout + LEASE_SLACK) / 1000.0);
	saved_query_run(&claim_scrapes, values, NULL);
	count = (int) SPI_processed;
	for (int i = 0; i < count; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		ScrapeClaim *claim = &claims[i];

		claim->attempt_id = get_bigint(tuple, 1);
		copy_text(tuple, 2, claim->kind, sizeof(claim->kind));
		copy_text(tuple, 3, claim->tiktok_handle, sizeof(claim->tiktok_handle));
		claim->tiktok_video_id = get_bigint(tuple, 4);
		copy_text(tuple, 5, claim->sec_uid, sizeof(claim->sec_uid));
		claim->list_cursor = get_bigint(tuple, 6);
	}
	return count;
}

/* When the next job becomes due; 0 for never. */
TimestampTz
queue_next_due(void)
{
	bool		isnull;
	Datum		value;

	saved_query_run(&next_due, NULL, NULL);
	value = single_value(&isnull);
	return isnull ? 0 : DatumGetTimestampTz(value);
}

/* Give back the jobs of workers that are gone; answers how many. */
int
queue_release(void)
{
	bool		isnull;

	saved_query_run(&release_scrapes, NULL, NULL);
	return DatumGetInt32(single_value(&isnull));
}

static Datum
text_or_null(const char *value, char *null)
{
	*null = value == NULL || value[0] == '\0' ? 'n' : ' ';
	return *null == 'n' ? (Datum) 0 : CStringGetTextDatum(value);
}

/*
 * The organizations that want the page: their uuids in the context that is
 * current, *count of them.
 */
static pg_uuid_t *
wanting_organizations(const ScrapeClaim *claim, int *count)
{
	MemoryContext memory = CurrentMemoryContext;
	pg_uuid_t  *orgs = NULL;
	Datum		values[3];
	char		nulls[3] = {' ', ' ', ' '};

	*count = 0;
	if (!queue_begin())
		return NULL;
	values[0] = CStringGetTextDatum(claim->kind);
	values[1] = text_or_null(claim->tiktok_handle, &nulls[1]);
	values[2] = Int64GetDatum(claim->tiktok_video_id);
	saved_query_run(&targets, values, nulls);
	if (SPI_processed > 0)
		orgs = MemoryContextAlloc(memory, sizeof(pg_uuid_t) * SPI_processed);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		orgs[i] = *DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[i],
											   SPI_tuptable->tupdesc, 1, &isnull));
	}
	*count = (int) SPI_processed;
	queue_commit();
	return orgs;
}

/*
 * Store the page for one organization, in a subtransaction: an error is that
 * organization's alone.  Answers the outcome; *detail then says what the
 * error was.  Both live in memory.
 */
static const char *
store_for(const pg_uuid_t *org, const ScrapeClaim *claim, const ScrapeResult *result,
		  MemoryContext memory, const char **detail)
{
	MemoryContext old_context = CurrentMemoryContext;
	ResourceOwner old_owner = CurrentResourceOwner;
	const char *volatile outcome = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(old_context);
	PG_TRY();
	{
		Datum		values[6];
		char		nulls[6] = {' ', ' ', ' ', ' ', ' ', ' '};

		values[0] = UUIDPGetDatum(org);
		values[1] = CStringGetTextDatum(claim->kind);
		values[2] = text_or_null(claim->tiktok_handle, &nulls[2]);
		values[3] = Int64GetDatum(claim->tiktok_video_id);
		values[4] = TimestampTzGetDatum(result->fetched_at);
		values[5] = JsonbPGetDatum(result->page);
		saved_query_run(&store_scrape, values, nulls);
		outcome = MemoryContextStrdup(memory, SPI_getvalue(SPI_tuptable->vals[0],
														   SPI_tuptable->tupdesc, 1));
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(old_context);
		CurrentResourceOwner = old_owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(memory);
		error = CopyErrorData();
		/* who cancels run_scrapes() means all of it */
		if (procedure_mode && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(old_context);
		CurrentResourceOwner = old_owner;

		outcome = "store_failed";
		*detail = error->message;
		ereport(LOG,
				(errmsg("trackagoat could not store a page: %s", error->message),
				 errdetail("%s of %s%s", claim->kind,
						   claim->tiktok_handle[0] ? "@" : "video ",
						   claim->tiktok_handle[0] ? claim->tiktok_handle :
						   psprintf(INT64_FORMAT, claim->tiktok_video_id))));
	}
	PG_END_TRY();
	return outcome;
}

/*
 * Store the page for everyone who wants it, one transaction each, and put the
 * worst of their outcomes into the result: a failure to store before another
 * account, and that only where nobody's account it is.
 */
static void
store_for_all(const ScrapeClaim *claim, ScrapeResult *result)
{
	int			count;
	pg_uuid_t  *orgs = wanting_organizations(claim, &count);
	MemoryContext memory = CurrentMemoryContext;
	bool		stored = false;
	const char *worst = "ok";

	for (int i = 0; i < count; i++)
	{
		const char *outcome;

		CHECK_FOR_INTERRUPTS();
		if (!queue_begin())
			return;
		outcome = store_for(&orgs[i], claim, result, memory, &result->detail);
		queue_commit();

		if (strcmp(outcome, "ok") == 0)
			stored = true;
		else if (strcmp(worst, "store_failed") != 0)
			worst = outcome;
	}
	if (strcmp(worst, "store_failed") == 0 || !stored)
		result->outcome = worst;
}

/*
 * Deal with what came of a claim: store the page if there is one, and finish
 * the attempt.  Answers for how many seconds the host is to be left alone,
 * 0 for not at all.  Allocates in the current context, which the caller
 * resets.
 */
int64
queue_store_and_finish(const ScrapeClaim *claim, ScrapeResult *result)
{
	Datum		values[7];
	char		nulls[7] = {' ', ' ', ' ', ' ', ' ', ' ', ' '};
	bool		isnull;
	Datum		pause;
	int64		seconds;

	if (strcmp(result->outcome, "ok") == 0)
		store_for_all(claim, result);

	if (!queue_begin())
		return 0;
	values[0] = Int64GetDatum(claim->attempt_id);
	values[1] = CStringGetTextDatum(result->outcome);
	values[2] = Int32GetDatum(result->http_status);
	nulls[2] = result->http_status == 0 ? 'n' : ' ';
	values[3] = Int64GetDatum(result->body_bytes);
	values[4] = text_or_null(result->detail, &nulls[4]);
	values[5] = Float8GetDatum((double) result->retry_after);
	nulls[5] = result->retry_after < 0 ? 'n' : ' ';
	values[6] = JsonbPGetDatum(result->page);
	nulls[6] = result->page == NULL ? 'n' : ' ';
	saved_query_run(&finish_scrape, values, nulls);
	pause = single_value(&isnull);
	seconds = isnull ? 0 : DatumGetInt64(pause);
	queue_commit();
	return seconds;
}
