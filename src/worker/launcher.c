/*
 * launcher.c
 *	  The launcher: one static background worker that keeps trackagoat.workers
 *	  workers running for each database of trackagoat.database.
 *
 * It looks at shared catalogues only.  A database that does not exist is
 * waited for; a worker that ends is started again, at growing distances when
 * it does not live long.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "worker/worker.h"

/* How often the launcher looks, and its limits for restarts (milliseconds). */
#define LOOK_WHILE_MISSING 1000
#define LOOK_WHILE_RUNNING 60000
#define FIRST_DELAY 1000
#define LONGEST_DELAY 60000
#define LONG_LIFE 60000

/* What the launcher remembers of a slot. */
typedef struct Supervised
{
	BackgroundWorkerHandle *handle; /* NULL while none was started */
	TimestampTz started_at;
	TimestampTz start_after;
	int			delay;			/* milliseconds */
} Supervised;

static BackgroundWorker
worker_description(const char *name, const char *type, const char *function)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "trackagoat", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, function, sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, name, BGW_MAXLEN);
	strlcpy(worker.bgw_type, type, BGW_MAXLEN);
	return worker;
}

/* Called while the library is preloaded. */
void
launcher_register(void)
{
	BackgroundWorker worker = worker_description("trackagoat launcher", "trackagoat launcher",
												 "trackagoat_launcher_main");

	worker.bgw_restart_time = 5;
	RegisterBackgroundWorker(&worker);
}

/* Is there a database of this name that takes connections? */
static bool
database_is_there(const char *name)
{
	Relation	relation;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		there;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_database_datname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(name));
	scan = systable_beginscan(relation, DatabaseNameIndexId, criticalSharedRelcachesBuilt,
							  NULL, 1, &key);
	tuple = systable_getnext(scan);
	there = HeapTupleIsValid(tuple) && ((Form_pg_database) GETSTRUCT(tuple))->datallowconn;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	return there;
}

/* Start the next worker later, and still later if that does not live long. */
static void
put_off(Supervised *supervised, TimestampTz now)
{
	if (supervised->delay == 0 ||
		TimestampDifferenceExceeds(supervised->started_at, now, LONG_LIFE))
		supervised->delay = FIRST_DELAY;
	else
		supervised->delay = Min(supervised->delay * 2, LONGEST_DELAY);
	supervised->start_after = TimestampTzPlusMilliseconds(now, supervised->delay);
}

static void
start_worker(int index, const char *database, Supervised *supervised)
{
	char		name[BGW_MAXLEN];
	BackgroundWorker worker;

	snprintf(name, sizeof(name), "trackagoat worker for %s", database);
	worker = worker_description(name, "trackagoat worker", "trackagoat_worker_main");
	worker.bgw_main_arg = Int32GetDatum(index);
	worker.bgw_notify_pid = MyProcPid;

	supervised->started_at = GetCurrentTimestamp();
	if (!RegisterDynamicBackgroundWorker(&worker, &supervised->handle))
	{
		supervised->handle = NULL;
		put_off(supervised, supervised->started_at);
		ereport(WARNING,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not start the trackagoat worker for database \"%s\"", database),
				 errhint("Raise max_worker_processes.")));
	}
}

/*
 * Look at one slot: notice that its worker has ended, start one where none
 * runs.  Every decision is taken anew from what is there.  Answers whether a
 * worker runs whose end we shall be told of.
 */
static bool
supervise(int index, Supervised *supervised)
{
	WorkerSlot	slot = shared_slot(index);
	TimestampTz now = GetCurrentTimestamp();
	pid_t		pid;

	if (supervised->handle != NULL)
	{
		if (GetBackgroundWorkerPid(supervised->handle, &pid) != BGWH_STOPPED)
			return true;
		pfree(supervised->handle);
		supervised->handle = NULL;
		put_off(supervised, now);
	}

	/* a clock that was set back must not keep us waiting */
	if (supervised->start_after > TimestampTzPlusMilliseconds(now, LONGEST_DELAY))
		supervised->start_after = now;
	if (slot.pid == 0 && now >= supervised->start_after && database_is_there(slot.database))
		start_worker(index, slot.database, supervised);
	/* what an earlier launcher has started does not tell us when it ends */
	return false;
}

void
trackagoat_launcher_main(Datum arg)
{
	Supervised *supervised;

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);

	supervised = palloc0(sizeof(Supervised) * Max(shared_slot_count(), 1));
	for (;;)
	{
		bool		all_running = true;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		for (int i = 0; i < shared_slot_count(); i++)
			all_running &= supervise(i, &supervised[i]);

		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 all_running ? LOOK_WHILE_RUNNING : LOOK_WHILE_MISSING,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}
