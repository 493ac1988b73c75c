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

#include <malloc.h>
#include <unistd.h>

#include "access/xact.h"
#include "common/pg_prng.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "trackagoat.h"
#include "worker/worker.h"

PG_FUNCTION_INFO_V1(run_scrapes);

/* The queue is looked at this often even if nobody wakes us (milliseconds). */
#define SAFETY_POLL 30000
/* Where others have all requests open that the host may be asked, look this often. */
#define SLOT_POLL 100
/* What is due but held by somebody is tried again after this (milliseconds). */
#define RETRY_HELD 1000
/* After a page is stored, totals are folded within this (milliseconds). */
#define FOLD_SPACING 5000
/* Projects folded at a time. */
#define FOLD_BATCH 10
/* While pages are stored, tables that grow are looked at this often (milliseconds). */
#define ANALYZE_SPACING 100
/* Where extension or tables are absent, look this often. */
#define IDLE_POLL 10000

typedef struct Scraper
{
	bool		in_procedure;
	int			remaining;		/* claims that run_scrapes() may still make; -1: no limit */
	ScrapeClaim claims[MAX_PARALLEL];
	bool		in_use[MAX_PARALLEL];
	int			host[MAX_PARALLEL]; /* as pace.c counts them */
	TimestampTz next_start;		/* pace: no request before then */
	TimestampTz paused_until;	/* the host wants to be left alone; 0: to be asked */
	TimestampTz next_due;		/* when the queue has something again; 0: now */
	TimestampTz next_release;	/* when lost leases are looked for */
	TimestampTz next_fold;		/* when totals are folded */
	TimestampTz next_analyze;	/* when tables are analyzed that have grown */
	uint64		device_id;		/* what the video list is told we are */
	MemoryContext scratch;		/* reset after each page */
} Scraper;

/* The video list repeats itself for some devices, so another one is drawn then. */
static uint64
draw_device_id(void)
{
	return pg_prng_uint64_range(&pg_global_prng_state, UINT64CONST(7250000000000000000),
								UINT64CONST(7325099899999994577));
}

static void
scraper_init(Scraper *scraper, bool in_procedure, int max_jobs)
{
	memset(scraper, 0, sizeof(Scraper));
	scraper->in_procedure = in_procedure;
	scraper->remaining = max_jobs;
	scraper->device_id = draw_device_id();
	scraper->scratch = AllocSetContextCreate(CurrentMemoryContext, "trackagoat page",
											 ALLOCSET_DEFAULT_SIZES);
}

/* Tell pg_stat_activity; a session has its own statement to show. */
static void
report_activity(const Scraper *scraper, const char *activity)
{
	if (!scraper->in_procedure)
		pgstat_report_activity(STATE_RUNNING, activity);
}

/* A claim has been dealt with. */
static void
free_claim(Scraper *scraper, int index)
{
	pace_end(scraper->host[index]);
	scraper->in_use[index] = false;
	scraper->next_start = 0;
}

/* Pages have been stored: are plans still made for tables of this size? */
static void
analyze_due(Scraper *scraper)
{
	TimestampTz now = GetCurrentTimestamp();

	if (now < scraper->next_analyze)
		return;
	report_activity(scraper, "analyzing tables");
	/* what fails will fail again */
	scraper->next_analyze = TimestampTzPlusMilliseconds(now, queue_analyze() ? ANALYZE_SPACING : SAFETY_POLL);
	MemoryContextReset(scraper->scratch);
}

/* Deal with every request that has finished. */
static void
store_finished(Scraper *scraper)
{
	FetchAnswer answer;
	Fetch	   *fetch;

	while ((fetch = transfer_finished(&answer)) != NULL)
	{
		ScrapeClaim *claim = &scraper->claims[answer.claim_index];
		ScrapeResult result;

		report_activity(scraper, "storing a page");
		free_claim(scraper, answer.claim_index);
		crash_mark_set(claim->attempt_id);
		result = judge_answer(&answer, claim);
		queue_store_and_finish(claim, &result);
		crash_mark_set(0);
		if (strcmp(result.outcome, "repeated_page") == 0)
			scraper->device_id = draw_device_id();
		shared_report("fetching", transfer_in_flight(), 1,
					  strcmp(result.outcome, "ok") != 0, scraper->paused_until);

		transfer_release(fetch);
		scraper->next_fold = Min(scraper->next_fold,
								 TimestampTzPlusMilliseconds(GetCurrentTimestamp(), FOLD_SPACING));
		/* a page can make another one due, or have us sent away */
		scraper->next_due = 0;
		scraper->paused_until = 0;
		MemoryContextReset(scraper->scratch);
		analyze_due(scraper);
		CHECK_FOR_INTERRUPTS();
		/* while pages are stored, the time of the other requests runs */
		transfer_drive();
	}
}

/* trackagoat.enabled is off: what is in flight is dropped at once, and its jobs given back. */
static void
drop_requests(Scraper *scraper)
{
	transfer_close();
	transfer_open();
	for (int i = 0; i < MAX_PARALLEL; i++)
	{
		ScrapeResult result = {.outcome = "interrupted", .retry_after = -1, .detail = "trackagoat.enabled is off."};

		if (!scraper->in_use[i])
			continue;
		free_claim(scraper, i);
		queue_store_and_finish(&scraper->claims[i], &result);
	}
}

/*
 * No time that we wait for may be further away than it can have been when it
 * was set: a clock that was set back must not keep us waiting.  A longer pause
 * of the host is asked for again meanwhile.
 */
static void
mind_clock(Scraper *scraper, TimestampTz now)
{
	TimestampTz poll = TimestampTzPlusMilliseconds(now, SAFETY_POLL);

	scraper->next_start = Min(scraper->next_start, pace_latest(now));
	scraper->next_due = Min(scraper->next_due, poll);
	scraper->next_release = Min(scraper->next_release, poll);
	scraper->next_fold = Min(scraper->next_fold, poll);
	scraper->next_analyze = Min(scraper->next_analyze, poll);
	if (now >= scraper->next_release)
		scraper->paused_until = 0;
}

/* What the pace lets begin now. */
static PaceGrant
take_pace(Scraper *scraper, TimestampTz now)
{
	PaceGrant	grant = {0};
	int			wanted = MAX_PARALLEL - transfer_in_flight();

	if (scraper->remaining >= 0)
		wanted = Min(wanted, scraper->remaining);
	if (!trackagoat_enabled || now < scraper->paused_until || now < scraper->next_start ||
		now < scraper->next_due || wanted <= 0)
		return grant;
	grant = pace_take(trackagoat_host(), wanted, now);
	scraper->next_start = grant.next_start;
	if (grant.count == 0 && grant.next_start <= now)
		scraper->next_start = TimestampTzPlusMilliseconds(now, transfer_in_flight() > 0 ? SAFETY_POLL : SLOT_POLL);
	return grant;
}

/*
 * Lease so many due jobs; answers how many there are, or -1 where there is
 * nothing to work on.
 */
static int
claim_due(Scraper *scraper, TimestampTz now, int wanted, ScrapeClaim *claims)
{
	int			claimed = 0;

	report_activity(scraper, "claiming jobs");
	if (!unit_begin())
		return -1;
	if (now >= scraper->next_release)
	{
		queue_release();
		scraper->next_release = TimestampTzPlusMilliseconds(now, SAFETY_POLL);
	}
	/* by our own requests, or those of another session or an earlier worker */
	scraper->paused_until = queue_paused_until();
	if (now >= scraper->paused_until)
	{
		claimed = queue_claim(wanted, claims);
		if (claimed < wanted)
		{
			TimestampTz latest = TimestampTzPlusMilliseconds(now, SAFETY_POLL);
			TimestampTz due = queue_next_due();

			scraper->next_due = due == 0 ? latest :
				Min(Max(due, TimestampTzPlusMilliseconds(now, RETRY_HELD)), latest);
		}
	}
	unit_commit();
	return claimed;
}

/*
 * Claim what is due, as far as pace and window allow, and begin to fetch it.
 * False where there is nothing to work on.
 */
static bool
start_due(Scraper *scraper)
{
	TimestampTz now = GetCurrentTimestamp();
	PaceGrant	grant;
	ScrapeClaim claims[MAX_PARALLEL];
	int			claimed;

	mind_clock(scraper, now);
	grant = take_pace(scraper, now);
	if (grant.count == 0)
		return true;
	claimed = claim_due(scraper, now, grant.count, claims);
	if (claimed < grant.count)
	{
		pace_untake(&grant, grant.count - Max(claimed, 0));
		scraper->next_start = 0;
	}
	if (claimed < 0)
		return false;

	for (int i = 0; i < claimed; i++)
	{
		int			index = 0;

		while (scraper->in_use[index])
			index++;
		scraper->in_use[index] = true;
		scraper->host[index] = grant.host;
		scraper->claims[index] = claims[i];
		transfer_start(claims[i].source->url(&claims[i], scraper->device_id), index);
	}
	if (scraper->remaining > 0)
		scraper->remaining -= claimed;
	shared_report(transfer_in_flight() > 0 ? "fetching" : "waiting",
				  transfer_in_flight(), 0, 0, scraper->paused_until);
	return true;
}

/*
 * One round: store what has come, begin what is due.  What was committed is
 * then on disk, at once for all of it.
 */
static bool
work(Scraper *scraper)
{
	MemoryContext old_context = MemoryContextSwitchTo(scraper->scratch);
	bool		ready;

	store_finished(scraper);
	if (!trackagoat_enabled && transfer_in_flight() > 0)
		drop_requests(scraper);
	ready = start_due(scraper);
	unit_flush();
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(scraper->scratch);
	return ready;
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
	if (trackagoat_enabled && transfer_in_flight() < MAX_PARALLEL && scraper->remaining != 0)
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

/* Settings that were reloaded hold from here on, in a session before its next statement, too. */
static void
mind_settings(void)
{
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

static volatile sig_atomic_t requested_to_end = false;

/* SIGTERM */
static void
end_on_request(SIGNAL_ARGS)
{
	requested_to_end = true;
	die(postgres_signal_arg);
}

/* SIGQUIT: the server ends us, as somebody else has crashed. */
static void
end_blameless(SIGNAL_ARGS)
{
	crash_mark_clear();
	_exit(2);
}

/* The same in a session that runs run_scrapes(), or has run it. */
static void
end_session_blameless(SIGNAL_ARGS)
{
	crash_mark_clear();
	quickdie(postgres_signal_arg);
}

/* An error that ends the worker is the fault of the page that it was at. */
static void
end_worker(int code, Datum arg)
{
	pace_end_all();
	if (code == 0 || requested_to_end)
		crash_mark_close();
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

	pqsignal(SIGTERM, end_on_request);
	pqsignal(SIGQUIT, end_blameless);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
#ifdef M_MMAP_THRESHOLD
	/* large blocks go back to the system when they are freed, where glibc would soon keep them in its heap */
	mallopt(M_MMAP_THRESHOLD, 512 * 1024);
#endif
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(description.database, NULL, 0);
	if (!shared_slot_take(slot))
		proc_exit(0);
	crash_mark_open();
	before_shmem_exit(end_worker, (Datum) 0);

	/* whatever the database or its roles may have set */
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("statement_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);

	MemoryContextSwitchTo(TopMemoryContext);
	scraper_init(scraper, false, -1);
	(void) unit_open(false);
	transfer_open();

	for (;;)
	{
		bool		ready;

		CHECK_FOR_INTERRUPTS();
		mind_settings();
		ready = work(scraper);
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

/* However run_scrapes() ends, its requests end with it, and nothing has crashed. */
static void
end_session(void *arg)
{
	transfer_close();
	pace_end_all();
	crash_mark_close();
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

	if (!unit_open(true))
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
	callback->func = end_session;
	MemoryContextRegisterResetCallback(memory, callback);
	transfer_open();
	crash_mark_open();
	if (IsUnderPostmaster)
		pqsignal(SIGQUIT, end_session_blameless);
	scraper = palloc(sizeof(Scraper));
	scraper_init(scraper, true, max_jobs);

	for (;;)
	{
		TimestampTz now;

		mind_settings();
		(void) work(scraper);
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
	unit_flush();

	MemoryContextSwitchTo(old_context);
	MemoryContextDelete(memory);
	PG_RETURN_VOID();
}
