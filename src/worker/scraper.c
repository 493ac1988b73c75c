/*
 * scraper.c
 *	  The scraping loop: what is due is claimed, fetched at a gentle pace and
 *	  stored, a sliding window of requests at a time.
 *
 * The same loop runs in a worker process, for ever, and in a session that
 * calls run_scrapes(), until nothing is due.  While anything is waited for, a
 * worker has no transaction open; the procedure has one that holds nothing.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/pg_prng.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "page.h"
#include "read_page.h"
#include "trackagoat.h"
#include "url.h"
#include "worker/worker.h"

PG_FUNCTION_INFO_V1(run_scrapes);

#define MAX_PARALLEL 64			/* as the setting's range */

/* The queue is looked at this often even if nobody wakes us (milliseconds). */
#define SAFETY_POLL 30000
/* Requests that could not begin in time are caught up on for so long only (microseconds). */
#define CATCH_UP INT64CONST(100000)
/* What is due but held by somebody is tried again after this (milliseconds). */
#define RETRY_HELD 1000
/* After a page is stored, totals are folded within this (milliseconds). */
#define FOLD_SPACING 5000
/* Projects folded at a time. */
#define FOLD_BATCH 10
/* Where extension or tables are absent, look this often. */
#define IDLE_POLL 10000

typedef struct Scraper
{
	bool		in_procedure;
	int			remaining;		/* claims that run_scrapes() may still make; -1: no limit */
	ScrapeClaim claims[MAX_PARALLEL];
	bool		in_use[MAX_PARALLEL];
	TimestampTz next_start;		/* pace: no request before then */
	TimestampTz paused_until;	/* the host wants to be left alone; 0: to be asked */
	TimestampTz next_due;		/* when the queue has something again; 0: now */
	TimestampTz next_release;	/* when lost leases are looked for */
	TimestampTz next_fold;		/* when totals are folded */
	uint64		device_id;		/* what the video list is told we are */
	MemoryContext scratch;		/* reset after each page */
} Scraper;

static pg_prng_state jitter;

/* The video list repeats itself for some devices, so another one is drawn then. */
static uint64
draw_device_id(void)
{
	return pg_prng_uint64_range(&jitter, UINT64CONST(7250000000000000000),
								UINT64CONST(7325099899999994577));
}

static void
scraper_init(Scraper *scraper, bool in_procedure, int max_jobs)
{
	memset(scraper, 0, sizeof(Scraper));
	pg_prng_strong_seed(&jitter);
	scraper->in_procedure = in_procedure;
	scraper->remaining = max_jobs;
	scraper->device_id = draw_device_id();
	scraper->scratch = AllocSetContextCreate(CurrentMemoryContext, "trackagoat page",
											 ALLOCSET_DEFAULT_SIZES);
}

/* Where a claim's page is; palloc'd. */
static char *
claim_url(const Scraper *scraper, const ScrapeClaim *claim)
{
	if (strcmp(claim->kind, "creator_profile") == 0)
		return psprintf("%s/@%s", trackagoat_base_url, claim->tiktok_handle);
	if (strcmp(claim->kind, "video_stats") == 0)
		return psprintf("%s/@_/video/" INT64_FORMAT, trackagoat_base_url, claim->tiktok_video_id);
	/* short links have hosts of their own, unless another host stands in for TikTok's */
	if (strcmp(claim->kind, "video_link") == 0)
		return strcmp(trackagoat_base_url, TIKTOK_URL) == 0 ? psprintf("https://%s", claim->link) :
			psprintf("%s/t/%s", trackagoat_base_url, strrchr(claim->link, '/') + 1);

	/* what a browser's page asks for; a shorter query is answered by 10201 */
	return psprintf("%s/api/creator/item_list/?aid=1988&app_language=en&app_name=tiktok_web"
					"&browser_language=en-US&browser_name=Mozilla&browser_online=true"
					"&browser_platform=Win32&browser_version=5.0%%20%%28Windows%%29"
					"&channel=tiktok_web&cookie_enabled=true&count=15&cursor=" INT64_FORMAT
					"&device_id=" UINT64_FORMAT "&device_platform=web_pc&focus_state=true"
					"&from_page=user&history_len=2&is_fullscreen=false&is_page_visible=true"
					"&language=en&os=windows&priority_region=&referer=&region=US"
					"&screen_height=1080&screen_width=1920&secUid=%s&type=1&tz_name=UTC"
					"&verifyFp=verify_%07x&webcast_language=en",
					trackagoat_base_url,
					claim->list_cursor != 0 ? claim->list_cursor :
					(int64) (GetCurrentTimestamp() / 1000) +
					(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * INT64CONST(1000),
					scraper->device_id, claim->sec_uid,
					(unsigned int) (scraper->device_id & 0xfffffff));
}

/*
 * Does the page that was read answer the claim?  A page of another account or
 * video, or of another kind, must not be stored as if it did.
 */
static bool
answers_claim(const WebPage *page, const ScrapeClaim *claim)
{
	if (strcmp(claim->kind, "creator_profile") == 0)
		return page->account.seen && page->account.id != PAGE_ABSENT &&
			page->account.tiktok_handle != NULL &&
			handle_compare(page->account.tiktok_handle, strlen(page->account.tiktok_handle),
						   claim->tiktok_handle, strlen(claim->tiktok_handle)) == 0;
	if (strcmp(claim->kind, "video_link") == 0)
		return false;
	if (strcmp(claim->kind, "video_stats") == 0)
		return page->nvideos == 1 && page->videos[0].tiktok_video_id == claim->tiktok_video_id;
	/* a list without items names nobody */
	return strcmp(page->source, "item_list") == 0 &&
		(page->account.sec_uid == NULL || strcmp(page->account.sec_uid, claim->sec_uid) == 0);
}

/* What a short link's redirect says: the video that it leads to. */
static void
judge_link(ScrapeResult *result, const FetchAnswer *answer, const ScrapeClaim *claim)
{
	TiktokUrl	url = url_parse(answer->location, strlen(answer->location));
	StringInfoData page;

	if ((url.kind != URL_VIDEO && url.kind != URL_PHOTO) || url.tiktok_video_id == 0)
	{
		/* a link that is dead leads to the front page */
		result->outcome = "not_found";
		result->detail = "The link leads to no video.";
		return;
	}
	/* a link, a handle and an id have nothing to escape */
	initStringInfo(&page);
	appendStringInfo(&page, "{\"link\": \"%s\", \"tiktok_video_id\": \"" INT64_FORMAT "\", \"kind\": \"%s\"",
					 claim->link, url.tiktok_video_id, url.kind == URL_PHOTO ? "photo" : "video");
	if (url.handle != NULL)
		appendStringInfo(&page, ", \"tiktok_handle\": \"%.*s\"", (int) url.handle_length, url.handle);
	appendStringInfoChar(&page, '}');
	result->outcome = "ok";
	result->page = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(page.data)));
}

/*
 * What came of a request, in the scratch context.  The HTTP status speaks
 * first where it alone says something; a refusal's page may still name it
 * more closely (a captcha comes with 403, too).
 */
static ScrapeResult
judge(const FetchAnswer *answer, const ScrapeClaim *claim)
{
	static const char *const failures[] = {
		[FETCH_TIMEOUT] = "timeout",
		[FETCH_UNREACHABLE] = "unreachable",
		[FETCH_TLS_FAILED] = "tls_failed",
		[FETCH_TOO_LARGE] = "too_large",
		[FETCH_ADDRESS_REFUSED] = "address_refused"
	};
	ScrapeResult result = {0};
	WebPage	   *page;

	result.fetched_at = GetCurrentTimestamp();
	result.http_status = answer->status;
	result.body_bytes = (int64) answer->body_length;
	result.retry_after = answer->retry_after;
	result.detail = answer->detail;
	if (answer->failure != FETCH_ANSWERED)
	{
		result.outcome = failures[answer->failure];
		return result;
	}

	page = page_read(answer->body, answer->body_length);
	result.detail = page->status_message;
	if (answer->status >= 500)
		result.outcome = "server_error";
	else if (answer->status == 429)
		result.outcome = "rate_limited";
	else if (answer->status >= 300 && answer->status < 400)
	{
		/* its query may hold what is nobody's business */
		char	   *path = answer->location ?
			pnstrdup(answer->location, strcspn(answer->location, "?#")) : NULL;

		result.outcome = path && strstr(path, "/login") ? "login_required" : "redirected";
		result.detail = path;
		if (strcmp(claim->kind, "video_link") == 0 && path != NULL && strcmp(result.outcome, "redirected") == 0)
			judge_link(&result, answer, claim);
		return result;
	}
	else if (answer->status != 200)
	{
		if (strcmp(page->outcome, "captcha") == 0 || strcmp(page->outcome, "challenged") == 0)
			result.outcome = page->outcome;
		else if (answer->status == 404 || answer->status == 410)
			result.outcome = "not_found";
		else if (answer->status == 451)
			result.outcome = "regional";
		else if (answer->status == 401 || answer->status == 403)
			result.outcome = "blocked";
		else
			result.outcome = "unreadable";
	}
	else if (strcmp(page->outcome, "ok") == 0 && !answers_claim(page, claim))
	{
		result.outcome = "unreadable";
		result.detail = "The page is of another account, video or kind than was asked for.";
	}
	else
		result.outcome = page->outcome;

	if (strcmp(result.outcome, "ok") == 0)
		result.page = page_to_jsonb(page);
	return result;
}

/* Tell pg_stat_activity; a session has its own statement to show. */
static void
report_activity(const Scraper *scraper, const char *activity)
{
	if (!scraper->in_procedure)
		pgstat_report_activity(STATE_RUNNING, activity);
}

/* Deal with every request that has finished. */
static void
store_finished(Scraper *scraper)
{
	FetchAnswer answer;
	Fetch	   *fetch;

	while ((fetch = transfer_finished(&answer)) != NULL)
	{
		MemoryContext old_context = MemoryContextSwitchTo(scraper->scratch);
		ScrapeClaim *claim = &scraper->claims[answer.claim_index];
		ScrapeResult result;

		report_activity(scraper, "storing a page");
		result = judge(&answer, claim);
		queue_store_and_finish(claim, &result);
		if (strcmp(result.outcome, "repeated_page") == 0)
			scraper->device_id = draw_device_id();
		shared_report("fetching", transfer_in_flight(), 1,
					  strcmp(result.outcome, "ok") != 0, scraper->paused_until);

		transfer_release(fetch);
		scraper->in_use[answer.claim_index] = false;
		scraper->next_fold = Min(scraper->next_fold,
								 TimestampTzPlusMilliseconds(GetCurrentTimestamp(), FOLD_SPACING));
		/* a page can make another one due, or have us sent away */
		scraper->next_due = 0;
		scraper->paused_until = 0;
		MemoryContextSwitchTo(old_context);
		MemoryContextReset(scraper->scratch);
		CHECK_FOR_INTERRUPTS();
		/* while pages are stored, the time of the other requests runs */
		transfer_drive();
	}
}

/* How many requests the pace lets begin now. */
static int
allowed_now(Scraper *scraper, TimestampTz now)
{
	int64		spacing = INT64CONST(60000000) / trackagoat_requests_per_minute;
	int			slots = trackagoat_max_parallel - transfer_in_flight();

	if (!trackagoat_enabled || now < scraper->paused_until || now < scraper->next_start ||
		scraper->remaining == 0 || slots <= 0)
		return 0;
	if (scraper->remaining > 0)
		slots = Min(slots, scraper->remaining);
	/* a pause earns no burst */
	return (int) Min((int64) slots, 1 + Min(now - scraper->next_start, CATCH_UP) / spacing);
}

/*
 * No time that we wait for may be further away than it can have been when it
 * was set: neither a clock that was set back nor a pace that was slower keeps
 * us waiting.  A longer pause of the host is asked for again meanwhile.
 */
static void
mind_clock(Scraper *scraper, TimestampTz now)
{
	int64		spacing = INT64CONST(60000000) / trackagoat_requests_per_minute;
	TimestampTz poll = TimestampTzPlusMilliseconds(now, SAFETY_POLL);

	scraper->next_start = Min(scraper->next_start, now + (spacing + CATCH_UP) * 3 / 2);
	scraper->next_due = Min(scraper->next_due, poll);
	scraper->next_release = Min(scraper->next_release, poll);
	scraper->next_fold = Min(scraper->next_fold, poll);
	if (now >= scraper->next_release)
		scraper->paused_until = 0;
}

/*
 * Claim what is due, as far as pace and window allow, and begin to fetch it.
 * False where there is nothing to work on.
 */
static bool
start_due(Scraper *scraper)
{
	TimestampTz now = GetCurrentTimestamp();
	int			allowed;
	ScrapeClaim claims[MAX_PARALLEL];
	MemoryContext old_context;
	int			claimed;

	mind_clock(scraper, now);
	allowed = allowed_now(scraper, now);
	if (allowed == 0 || (scraper->next_due != 0 && now < scraper->next_due))
		return true;

	report_activity(scraper, "claiming jobs");
	if (!queue_begin())
		return false;
	if (now >= scraper->next_release)
	{
		(void) queue_release();
		scraper->next_release = TimestampTzPlusMilliseconds(now, SAFETY_POLL);
	}
	/* by our own requests, or those of another session or an earlier worker */
	scraper->paused_until = queue_paused_until();
	if (now < scraper->paused_until)
	{
		queue_commit();
		return true;
	}
	claimed = queue_claim(allowed, claims);
	if (claimed < allowed)
	{
		TimestampTz latest = TimestampTzPlusMilliseconds(now, SAFETY_POLL);
		TimestampTz due = queue_next_due();

		scraper->next_due = due == 0 ? latest :
			Min(Max(due, TimestampTzPlusMilliseconds(now, RETRY_HELD)), latest);
	}
	queue_commit();

	old_context = MemoryContextSwitchTo(scraper->scratch);
	for (int i = 0; i < claimed; i++)
	{
		int			index = 0;
		int64		spacing = INT64CONST(60000000) / trackagoat_requests_per_minute;

		while (scraper->in_use[index])
			index++;
		scraper->in_use[index] = true;
		scraper->claims[index] = claims[i];
		transfer_start(claim_url(scraper, &claims[i]), index);
		/* the spacing varies by half, so that requests do not come in step */
		scraper->next_start = Max(scraper->next_start, now - CATCH_UP) +
			spacing / 2 + (int64) (pg_prng_double(&jitter) * spacing);
	}
	if (scraper->remaining > 0)
		scraper->remaining -= claimed;
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(scraper->scratch);
	shared_report(transfer_in_flight() > 0 ? "fetching" : "waiting",
				  transfer_in_flight(), 0, 0, scraper->paused_until);
	return true;
}

/* Fold totals, when it is time. */
static void
fold_due(Scraper *scraper)
{
	TimestampTz now = GetCurrentTimestamp();
	MemoryContext old_context;
	int			folded;

	if (now < scraper->next_fold)
		return;
	report_activity(scraper, "folding totals");
	old_context = MemoryContextSwitchTo(scraper->scratch);
	folded = queue_fold(FOLD_BATCH);
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(scraper->scratch);
	scraper->next_fold = TimestampTzPlusMilliseconds(now, folded == FOLD_BATCH ? FOLD_SPACING : SAFETY_POLL);
}

/* Milliseconds until the loop has something to do by itself. */
static long
time_to_wait(const Scraper *scraper)
{
	TimestampTz now = GetCurrentTimestamp();
	long		wait = SAFETY_POLL;
	long		curl_wait = transfer_timeout();

	if (curl_wait >= 0)
		wait = Min(wait, curl_wait);
	if (!scraper->in_procedure)
		wait = Min(wait, TimestampDifferenceMilliseconds(now, scraper->next_fold));
	if (trackagoat_enabled && transfer_in_flight() < trackagoat_max_parallel &&
		scraper->remaining != 0)
	{
		TimestampTz start = Max(Max(scraper->next_start, scraper->paused_until),
								scraper->next_due);

		wait = Min(wait, TimestampDifferenceMilliseconds(now, start));
	}
	return wait;
}

/* Wait for a request, the latch or the time; true if the latch was set. */
static bool
wait_for_work(Scraper *scraper, long timeout)
{
	int			events = WaitLatchOrSocket(MyLatch,
										   WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
										   transfer_socket(), timeout, PG_WAIT_EXTENSION);

	if (events & WL_LATCH_SET)
		ResetLatch(MyLatch);
	/* a worker runs no query now that could be meant to be cancelled */
	if (!scraper->in_procedure)
		QueryCancelPending = false;
	CHECK_FOR_INTERRUPTS();
	transfer_drive();
	return (events & WL_LATCH_SET) != 0;
}

/*
 * A background worker's main function; its argument is the slot of shared
 * memory that names the database.
 */
void
trackagoat_worker_main(Datum arg)
{
	int			slot = DatumGetInt32(arg);
	Scraper    *scraper = MemoryContextAlloc(TopMemoryContext, sizeof(Scraper));
	WorkerSlot	description = shared_slot(slot);

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(description.database, NULL, 0);
	if (!shared_slot_take(slot))
		proc_exit(0);

	/* whatever the database or its roles may have set */
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("statement_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);

	MemoryContextSwitchTo(TopMemoryContext);
	scraper_init(scraper, false, -1);
	(void) queue_open(false);
	transfer_open();

	for (;;)
	{
		bool		ready;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}

		store_finished(scraper);
		ready = start_due(scraper);
		if (ready)
			fold_due(scraper);
		if (!ready)
			shared_report("idle", transfer_in_flight(), 0, 0, scraper->paused_until);
		else if (!trackagoat_enabled)
			shared_report("disabled", transfer_in_flight(), 0, 0, scraper->paused_until);
		else if (transfer_in_flight() == 0)
			shared_report(GetCurrentTimestamp() < scraper->paused_until ? "paused" : "waiting",
						  0, 0, 0, scraper->paused_until);
		pgstat_report_activity(STATE_IDLE, NULL);

		if (wait_for_work(scraper, ready ? time_to_wait(scraper) : IDLE_POLL))
		{
			scraper->next_due = 0;
			scraper->paused_until = 0;
		}
	}
}

/* However run_scrapes() ends, its requests end with it. */
static void
close_transfers(void *arg)
{
	transfer_close();
}

/*
 * run_scrapes(max_jobs): the loop in the calling session, until nothing is
 * due or so many jobs were claimed.  For the owner of the tables; commits.
 */
Datum
run_scrapes(PG_FUNCTION_ARGS)
{
	int			max_jobs = PG_ARGISNULL(0) ? 100 : PG_GETARG_INT32(0);
	CallContext *call = (CallContext *) fcinfo->context;
	MemoryContextCallback *callback;
	MemoryContext memory;
	MemoryContext old_context;
	Scraper    *scraper;

	if (call == NULL || !IsA(call, CallContext) || call->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("run_scrapes commits as it goes, so it cannot run inside a transaction block"),
				 errhint("CALL trackagoat.run_scrapes() by itself.")));
	if (max_jobs < 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_BAD_REQUEST),
				 errmsg("invalid_max_jobs"),
				 errdetail("run_scrapes was asked for %d jobs.", max_jobs),
				 errhint("Give a number of 1 or more.")));

	if (!queue_open(true))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only the owner of the tables may call run_scrapes"),
				 errhint("SET ROLE to the owner of trackagoat.scrape_job.")));
	if (!trackagoat_enabled)
		ereport(NOTICE, (errmsg("trackagoat.enabled is off: nothing is fetched")));

	/* what outlives the transactions, but not the call, however it ends */
	memory = AllocSetContextCreate(PortalContext, "trackagoat run_scrapes",
								   ALLOCSET_DEFAULT_SIZES);
	old_context = MemoryContextSwitchTo(memory);
	callback = palloc0(sizeof(MemoryContextCallback));
	callback->func = close_transfers;
	MemoryContextRegisterResetCallback(memory, callback);
	transfer_open();
	scraper = palloc(sizeof(Scraper));
	scraper_init(scraper, true, max_jobs);

	for (;;)
	{
		TimestampTz now;

		store_finished(scraper);
		(void) start_due(scraper);
		now = GetCurrentTimestamp();
		if (transfer_in_flight() == 0)
		{
			if (!trackagoat_enabled || scraper->remaining == 0 || scraper->next_due > now)
				break;
			if (scraper->paused_until > now)
			{
				ereport(NOTICE,
						(errmsg("the host is to be left alone until %s",
								timestamptz_to_str(scraper->paused_until))));
				break;
			}
		}
		(void) wait_for_work(scraper, time_to_wait(scraper));
	}
	(void) queue_fold(FOLD_BATCH);

	MemoryContextSwitchTo(old_context);
	MemoryContextDelete(memory);
	PG_RETURN_VOID();
}
