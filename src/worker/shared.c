/*
 * shared.c
 *	  The workers' state in shared memory: a slot for each worker of each served
 *	  database, its latch for waking, its figures for worker_status().
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "mb/pg_wchar.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "quota.h"
#include "trackagoat.h"
#include "worker/worker.h"

PG_FUNCTION_INFO_V1(wake_worker);
PG_FUNCTION_INFO_V1(worker_status);
PG_FUNCTION_INFO_V1(worker_problem);

typedef struct SharedState
{
	LWLock	   *lock;			/* guards all of it */
	int			slot_count;
	WorkerSlot	slots[FLEXIBLE_ARRAY_MEMBER];
} SharedState;

static shmem_request_hook_type previous_shmem_request_hook = NULL;
static shmem_startup_hook_type previous_shmem_startup_hook = NULL;

static SharedState *shared = NULL;
static WorkerSlot *my_slot = NULL;	/* in a worker: its own */
static bool wake_at_commit = false;

/* The names in trackagoat.database, each once: a list of palloc'd strings. */
static List *
database_names(void)
{
	List	   *names = NIL;
	List	   *result = NIL;
	ListCell   *lc;

	/* the setting's check has seen to the syntax */
	(void) SplitIdentifierString(pstrdup(trackagoat_database), ',', &names);
	foreach(lc, names)
	{
		char	   *name = lfirst(lc);
		ListCell   *other;
		bool		known = false;

		foreach(other, result)
			known |= strcmp(lfirst(other), name) == 0;
		if (!known)
			result = lappend(result, name);
	}
	return result;
}

static Size
shared_size(int slot_count)
{
	return add_size(offsetof(SharedState, slots), mul_size(sizeof(WorkerSlot), slot_count));
}

static void
request_shared_memory(void)
{
	if (previous_shmem_request_hook)
		previous_shmem_request_hook();
	RequestAddinShmemSpace(add_size(shared_size(list_length(database_names()) * trackagoat_workers),
									add_size(pace_shared_size(), quota_shared_size())));
	RequestNamedLWLockTranche("trackagoat", 3);
}

/* Runs again after a crash: every slot then begins empty. */
static void
startup_shared_memory(void)
{
	List	   *names = database_names();
	Size		size = shared_size(list_length(names) * trackagoat_workers);
	bool		found;

	if (previous_shmem_startup_hook)
		previous_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("trackagoat", size, &found);
	if (!found)
	{
		ListCell   *lc;

		memset(shared, 0, size);
		shared->lock = &GetNamedLWLockTranche("trackagoat")[0].lock;
		foreach(lc, names)
		{
			for (int i = 0; i < trackagoat_workers; i++)
				strlcpy(shared->slots[shared->slot_count++].database, lfirst(lc), NAMEDATALEN);
		}
	}
	pace_share(&GetNamedLWLockTranche("trackagoat")[1].lock);
	quota_share(&GetNamedLWLockTranche("trackagoat")[2].lock);
	LWLockRelease(AddinShmemInitLock);
}

/* Called while the library is preloaded. */
void
shared_request(void)
{
	previous_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_shared_memory;
	previous_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shared_memory;
}

int
shared_slot_count(void)
{
	return shared->slot_count;
}

/* A copy of a slot as it is now. */
WorkerSlot
shared_slot(int index)
{
	WorkerSlot	copy;

	LWLockAcquire(shared->lock, LW_SHARED);
	copy = shared->slots[index];
	LWLockRelease(shared->lock);
	return copy;
}

/* At exit of a worker: undo what this process has put into its slot. */
static void
leave_slot(int code, Datum arg)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (my_slot->pid == MyProcPid)
	{
		my_slot->pid = 0;
		my_slot->latch = NULL;
		my_slot->in_flight = 0;
		strlcpy(my_slot->state, "stopped", NAMEDATALEN);
	}
	LWLockRelease(shared->lock);
	my_slot = NULL;
}

/*
 * Make this process the worker of a slot; false if another one is, which may
 * be so when the launcher was restarted.
 */
bool
shared_slot_take(int index)
{
	WorkerSlot *slot = &shared->slots[index];
	bool		free;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	free = slot->pid == 0;
	if (free)
	{
		slot->pid = MyProcPid;
		slot->latch = MyLatch;
		slot->database_oid = MyDatabaseId;
		slot->started_at = GetCurrentTimestamp();
		slot->paused_until = 0;
		slot->in_flight = 0;
		strlcpy(slot->state, "starting", NAMEDATALEN);
	}
	LWLockRelease(shared->lock);
	if (free)
	{
		my_slot = slot;
		before_shmem_exit(leave_slot, (Datum) 0);
	}
	return free;
}

/* This process's own memory in bytes, as RssAnon has it; looked up once a second. */
static int64
own_memory(TimestampTz now)
{
	static TimestampTz looked_at = 0;
	static int64 memory = 0;
	FILE	   *file;
	long		resident;
	long		shared_pages;

	if (!TimestampDifferenceExceeds(looked_at, now, 1000))
		return memory;
	looked_at = now;
	file = AllocateFile("/proc/self/statm", "r");
	if (file == NULL)
		return memory;
	if (fscanf(file, "%*s %ld %ld", &resident, &shared_pages) == 2)
		memory = (int64) (resident - shared_pages) * sysconf(_SC_PAGESIZE);
	FreeFile(file);
	return memory;
}

/*
 * Put a worker's figures into its slot; requests and failures are added.
 * Does nothing in a session that runs run_scrapes().
 */
void
shared_report(const char *state, int in_flight, int requests, int failures,
			  TimestampTz paused_until)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		memory;

	if (my_slot == NULL)
		return;
	memory = own_memory(now);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	strlcpy(my_slot->state, state, NAMEDATALEN);
	my_slot->in_flight = in_flight;
	my_slot->requests += requests;
	my_slot->failures += failures;
	my_slot->paused_until = paused_until;
	my_slot->active_at = now;
	my_slot->memory = memory;
	LWLockRelease(shared->lock);
}

/* The worker has met an error, which it has logged. */
void
shared_report_error(const char *error)
{
	if (my_slot == NULL)
		return;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	my_slot->error_at = GetCurrentTimestamp();
	strlcpy(my_slot->error, error, pg_mbcliplen(error, strlen(error), sizeof(my_slot->error) - 1) + 1);
	LWLockRelease(shared->lock);
}

/* Wake the workers of this database, if any run. */
static void
wake(void)
{
	LWLockAcquire(shared->lock, LW_SHARED);
	for (int i = 0; i < shared->slot_count; i++)
	{
		WorkerSlot *slot = &shared->slots[i];

		if (slot->pid != 0 && slot->database_oid == MyDatabaseId)
			SetLatch(slot->latch);
	}
	LWLockRelease(shared->lock);
}

/*
 * Jobs become visible at commit, so that is when the worker is to look.  What
 * is prepared for two-phase commit is found by the worker's safety poll.
 */
static void
wake_at_commit_callback(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT && wake_at_commit)
		wake();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		wake_at_commit = false;
}

/* The scrape_job trigger: something may have become due. */
Datum
wake_worker(PG_FUNCTION_ARGS)
{
	static bool registered = false;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("wake_worker must be called as a trigger")));

	/* the worker looks at its own jobs by itself */
	if (shared != NULL && my_slot == NULL)
	{
		if (!registered)
		{
			RegisterXactCallback(wake_at_commit_callback, NULL);
			registered = true;
		}
		wake_at_commit = true;
	}
	return PointerGetDatum(NULL);
}

static Datum
timestamp_or_null(TimestampTz value, bool *isnull)
{
	*isnull = value == 0;
	return TimestampTzGetDatum(value);
}

/* worker_status(): a row per slot. */
Datum
worker_status(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; shared != NULL && i < shared->slot_count; i++)
	{
		WorkerSlot	slot = shared_slot(i);
		NameData	database;
		Datum		values[12];
		bool		nulls[12] = {false};

		namestrcpy(&database, slot.database);
		values[0] = NameGetDatum(&database);
		values[1] = Int32GetDatum(slot.pid);
		nulls[1] = slot.pid == 0;
		values[2] = CStringGetTextDatum(slot.state[0] ? slot.state : "stopped");
		values[3] = timestamp_or_null(slot.started_at, &nulls[3]);
		values[4] = timestamp_or_null(slot.active_at, &nulls[4]);
		values[5] = Int32GetDatum(slot.in_flight);
		values[6] = Int64GetDatum(slot.requests);
		values[7] = Int64GetDatum(slot.failures);
		values[8] = timestamp_or_null(slot.paused_until, &nulls[8]);
		values[9] = Int64GetDatum(slot.memory);
		nulls[9] = slot.pid == 0;
		values[10] = timestamp_or_null(slot.error_at, &nulls[10]);
		values[11] = CStringGetTextDatum(slot.error);
		nulls[11] = slot.error_at == 0;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* worker_problem(): what keeps a worker from serving this database. */
Datum
worker_problem(PG_FUNCTION_ARGS)
{
	char	   *database = get_database_name(MyDatabaseId);

	if (shared == NULL)
		PG_RETURN_TEXT_P(cstring_to_text("trackagoat is not in shared_preload_libraries, so no worker runs"));
	for (int i = 0; i < shared->slot_count; i++)
	{
		if (strcmp(shared->slots[i].database, database) == 0)
			PG_RETURN_NULL();
	}
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("database \"%s\" is not in trackagoat.database (\"%s\"), so no worker serves it",
											  database, trackagoat_database)));
}
