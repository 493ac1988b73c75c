/*
 * queue.c
 *	  The queue's SQL functions as the scraper calls them.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "saved_query.h"
#include "trackagoat.h"
#include "worker/worker.h"

/* A lease outlives the longest request by this much (milliseconds). */
#define LEASE_SLACK 60000
/* What is noted of a failure is no longer than this (bytes). */
#define LONGEST_DETAIL 1000

static SavedQuery claim_scrapes = {
	.text = "SELECT attempt_id, kind::pg_catalog.text, source, tiktok_handle::pg_catalog.text,"
	" tiktok_video_id, sec_uid, list_cursor, link"
	" FROM trackagoat.claim_scrapes($1, pg_catalog.make_interval(secs => $2))",
	.nargs = 2,
	.types = {INT4OID, FLOAT8OID}
};
static SavedQuery next_due = {.text = "SELECT trackagoat.next_scrape_due()"};
static SavedQuery host_paused_until = {.text = "SELECT trackagoat.host_paused_until()"};
static SavedQuery fold_waiting = {.text = "SELECT trackagoat.fold_waiting($1)", .nargs = 1, .types = {INT4OID}};
static SavedQuery analyze_grown = {.text = "SELECT trackagoat.analyze_grown()"};
static SavedQuery release_scrapes = {.text = "SELECT trackagoat.release_scrapes()"};
static SavedQuery targets = {
	.text = "SELECT org_id FROM trackagoat.scrape_targets($1::trackagoat.scrape_kind,"
	" $2::pg_catalog.text::trackagoat.handle, $3, $4) ORDER BY org_id",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, INT8OID, TEXTOID}
};
static SavedQuery store_scrape = {
	.text = "SELECT trackagoat.store_scrape($1, $2::trackagoat.scrape_kind,"
	" $3::pg_catalog.text::trackagoat.handle, $4, $5, $6)",
	.nargs = 6,
	.types = {UUIDOID, TEXTOID, TEXTOID, INT8OID, TIMESTAMPTZOID, JSONBOID}
};
static SavedQuery finish_scrape = {
	.text = "SELECT trackagoat.finish_scrape($1, $2, $3, $4, $5, pg_catalog.make_interval(secs => $6), $7, $8, $9)",
	.nargs = 9,
	.types = {INT8OID, TEXTOID, INT4OID, INT8OID, TEXTOID, FLOAT8OID, JSONBOID, INT4OID, INT4OID}
};

/* The job of an attempt, if nobody else holds it. */
static SavedQuery lock_job = {
	.text = "SELECT FROM trackagoat.scrape_job j WHERE j.id OPERATOR(pg_catalog.=)"
	" (SELECT a.job_id FROM trackagoat.scrape_attempt a WHERE a.id OPERATOR(pg_catalog.=) $1)"
	" FOR NO KEY UPDATE SKIP LOCKED",
	.nargs = 1,
	.types = {INT8OID}
};

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
		char		source[NAMEDATALEN];

		claim->attempt_id = get_bigint(tuple, 1);
		copy_text(tuple, 2, claim->kind, sizeof(claim->kind));
		copy_text(tuple, 3, source, sizeof(source));
		copy_text(tuple, 4, claim->tiktok_handle, sizeof(claim->tiktok_handle));
		claim->tiktok_video_id = get_bigint(tuple, 5);
		copy_text(tuple, 6, claim->sec_uid, sizeof(claim->sec_uid));
		claim->list_cursor = get_bigint(tuple, 7);
		copy_text(tuple, 8, claim->link, sizeof(claim->link));
		claim->source = source_find(source);
		if (claim->source == NULL)
			elog(ERROR, "unknown source \"%s\"", source);
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
	value = saved_query_value(&isnull);
	return isnull ? 0 : DatumGetTimestampTz(value);
}

/* Until when the host is to be left alone, by what has come before; 0: free. */
TimestampTz
queue_paused_until(void)
{
	bool		isnull;
	Datum		value;

	saved_query_run(&host_paused_until, NULL, NULL);
	value = saved_query_value(&isnull);
	return isnull ? 0 : DatumGetTimestampTz(value);
}

/* Give back the jobs of workers that are gone. */
void
queue_release(void)
{
	saved_query_run(&release_scrapes, NULL, NULL);
}

static Datum
text_or_null(const char *value, char *null)
{
	*null = value == NULL || value[0] == '\0' ? 'n' : ' ';
	return *null == 'n' ? (Datum) 0 : CStringGetTextDatum(value);
}

/*
 * The organizations that want the page: their uuids in a memory context,
 * *count of them.
 */
static pg_uuid_t *
wanting_organizations(const ScrapeClaim *claim, MemoryContext memory, int *count)
{
	pg_uuid_t  *orgs = NULL;
	Datum		values[4];
	char		nulls[4] = {' ', ' ', ' ', ' '};

	values[0] = CStringGetTextDatum(claim->kind);
	values[1] = text_or_null(claim->tiktok_handle, &nulls[1]);
	values[2] = Int64GetDatum(claim->tiktok_video_id);
	values[3] = text_or_null(claim->link, &nulls[3]);
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
	return orgs;
}

/*
 * Run a query of one value in a subtransaction, and the deferred triggers of
 * what it did: an error is the query's alone, not the worker's.  Answers the
 * value, which must not be null, as text, or NULL after an error, whose
 * message is then in *error.  Both live in the memory context given.
 */
static const char *
run_guarded(SavedQuery *query, Datum *values, const char *nulls,
			MemoryContext memory, const char **error)
{
	MemoryContext old_context = CurrentMemoryContext;
	ResourceOwner old_owner = CurrentResourceOwner;
	const char *volatile answer = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(old_context);
	PG_TRY();
	{
		const char *value;

		saved_query_run(query, values, nulls);
		value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		if (value == NULL)
			elog(ERROR, "unexpected null");
		answer = MemoryContextStrdup(memory, value);
		/* whoever bans a handle may take his time */
		(void) set_config_option("lock_timeout", "2s", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
		/* SET CONSTRAINTS ALL IMMEDIATE */
		AfterTriggerSetState(makeNode(ConstraintsSetStmt));
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(old_context);
		CurrentResourceOwner = old_owner;
	}
	PG_CATCH();
	{
		ErrorData  *data;

		MemoryContextSwitchTo(memory);
		data = CopyErrorData();
		/* who cancels run_scrapes() means all of it */
		if (unit_in_procedure() && data->sqlerrcode == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(old_context);
		CurrentResourceOwner = old_owner;
		*error = data->message;
		answer = NULL;
	}
	PG_END_TRY();
	return answer;
}

/* Note in the server's log what kept a claim from being dealt with. */
static void
log_failure(const char *what, const ScrapeClaim *claim, const char *error)
{
	ereport(LOG,
			(errmsg("trackagoat could not %s: %s", what, error),
			 claim->tiktok_handle[0] ?
			 errdetail("%s of @%s", claim->kind, claim->tiktok_handle) :
			 claim->link[0] ?
			 errdetail("%s of %s", claim->kind, claim->link) :
			 errdetail("%s of video " INT64_FORMAT, claim->kind, claim->tiktok_video_id)));
	shared_report_error(error);
}

/*
 * Store the page for one organization.  Answers the outcome; *detail then
 * says what an error was.  Both live in memory.
 */
static const char *
store_for(const pg_uuid_t *org, const ScrapeClaim *claim, const ScrapeResult *result,
		  MemoryContext memory, const char **detail)
{
	Datum		values[6];
	char		nulls[6] = {' ', ' ', ' ', ' ', ' ', ' '};
	const char *outcome;

	values[0] = UUIDPGetDatum(org);
	values[1] = CStringGetTextDatum(claim->kind);
	values[2] = text_or_null(claim->tiktok_handle, &nulls[2]);
	values[3] = Int64GetDatum(claim->tiktok_video_id);
	values[4] = TimestampTzGetDatum(result->fetched_at);
	values[5] = JsonbPGetDatum(result->page);
	outcome = run_guarded(&store_scrape, values, nulls, memory, detail);
	if (outcome == NULL)
	{
		log_failure("store a page", claim, *detail);
		outcome = "store_failed";
	}
	return outcome;
}

/*
 * Store the page for everyone who wants it, one transaction each, and put
 * what came of it into the result: that somebody could not store it weighs
 * more than that it is nobody's account.  A transaction has begun, which ends
 * with the last one's; false where there is nothing to work on any more.
 */
static bool
store_for_all(const ScrapeClaim *claim, ScrapeResult *result, MemoryContext memory)
{
	int			count;
	pg_uuid_t  *orgs = wanting_organizations(claim, memory, &count);
	bool		stored = false;
	const char *worst = "ok";

	for (int i = 0; i < count; i++)
	{
		const char *outcome;

		CHECK_FOR_INTERRUPTS();
		if (i > 0)
		{
			unit_commit();
			if (!unit_begin())
				return false;
		}
		outcome = store_for(&orgs[i], claim, result, memory, &result->detail);
		if (strcmp(outcome, "ok") == 0)
			stored = true;
		else if (strcmp(worst, "store_failed") != 0)
			worst = outcome;
	}
	if (strcmp(worst, "store_failed") == 0)
		result->outcome = stored ? "partly_stored" : "store_failed";
	else if (!stored)
		result->outcome = worst;
	return true;
}

/*
 * The attempt is finished in the transaction that has stored its page, unless
 * somebody holds the job: he is not waited for with rows of an organization
 * in hand.  False where there is nothing to work on any more.
 */
static bool
lock_job_or_commit(const ScrapeClaim *claim)
{
	Datum		value = Int64GetDatum(claim->attempt_id);

	saved_query_run(&lock_job, &value, NULL);
	if (SPI_processed > 0)
		return true;
	unit_commit();
	return unit_begin();
}

/*
 * What a host, libcurl or the database says of a failure, as a text of the
 * database: valid in its encoding, of bounded length; palloc'd.
 */
static char *
clean_detail(const char *detail)
{
	int			length = (int) strlen(detail);
	bool		valid = pg_verifymbstr(detail, length, true);
	char	   *clean = pnstrdup(detail, valid ? pg_mbcliplen(detail, length, LONGEST_DETAIL) :
								 Min(length, LONGEST_DETAIL));

	for (char *at = clean; !valid && *at; at++)
	{
		if (IS_HIGHBIT_SET(*at))
			*at = '?';
	}
	return clean;
}

/*
 * A transaction that scraping can do without: an error is logged, and is that
 * transaction's alone.  Answers the query's number, -1 after an error, 0 where
 * there is nothing to work on.  Allocates in the current context, which the
 * caller resets.
 */
static int
run_chore(SavedQuery *query, Datum *values, const char *what)
{
	MemoryContext memory = CurrentMemoryContext;
	const char *error = NULL;
	const char *answer;

	if (!unit_begin())
		return 0;
	answer = run_guarded(query, values, NULL, memory, &error);
	unit_commit();
	if (answer == NULL)
	{
		ereport(LOG, (errmsg("trackagoat could not %s: %s", what, error)));
		shared_report_error(error);
	}
	return answer == NULL ? -1 : atoi(answer);
}

/* Fold the totals of up to so many projects; answers how many. */
int
queue_fold(int max_projects)
{
	Datum		value = Int32GetDatum(max_projects);

	return run_chore(&fold_waiting, &value, "fold totals");
}

/* Analyze tables that have outgrown what plans believe of them; false where that fails. */
bool
queue_analyze(void)
{
	return run_chore(&analyze_grown, NULL, "analyze tables") >= 0;
}

/*
 * Deal with what came of a claim: store the page if there is one, and finish
 * the attempt in the transaction of the organization that is the last to store
 * it; the result then has the final outcome.  Where the attempt cannot be finished, because
 * somebody holds the job, its lease runs out and the job is done again.
 * Allocates in the current context, which the caller resets.
 */
void
queue_store_and_finish(const ScrapeClaim *claim, ScrapeResult *result)
{
	MemoryContext memory = CurrentMemoryContext;
	Datum		values[9];
	char		nulls[9] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
	const char *outcome;
	const char *error = NULL;

	if (!unit_begin())
		return;
	if (strcmp(result->outcome, "ok") == 0 && (!store_for_all(claim, result, memory) || !lock_job_or_commit(claim)))
		return;
	values[0] = Int64GetDatum(claim->attempt_id);
	values[1] = CStringGetTextDatum(result->outcome);
	values[2] = Int32GetDatum(result->http_status);
	nulls[2] = result->http_status == 0 ? 'n' : ' ';
	values[3] = Int64GetDatum(result->body_bytes);
	values[4] = text_or_null(result->detail ? clean_detail(result->detail) : NULL, &nulls[4]);
	values[5] = Float8GetDatum((double) result->retry_after);
	nulls[5] = result->retry_after < 0 ? 'n' : ' ';
	values[6] = JsonbPGetDatum(result->page);
	nulls[6] = result->page == NULL ? 'n' : ' ';
	values[7] = Int32GetDatum(result->curl_code);
	values[8] = Int32GetDatum(result->milliseconds);
	outcome = run_guarded(&finish_scrape, values, nulls, memory, &error);
	if (outcome != NULL)
		result->outcome = outcome;
	else
		log_failure("finish an attempt", claim, error);
	unit_commit();
}
