/*
 * fold.c
 *	  Brings the totals of a project up to date: applies the differences of
 *	  the log to creators, project and campaigns, computes anew the campaigns
 *	  whose items changed, and deletes what it has applied.
 *
 * All is read under one snapshot, taken once nobody else can fold the same
 * project: what the snapshot shows of the log is applied and deleted, what it
 * does not show stays.  The totals of creators do not depend on whether a
 * creator is removed, so that no observation has to know; project and
 * campaigns count a creator by what the snapshot says, and total.is_counted
 * keeps what they said last.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "fold.h"

PG_FUNCTION_INFO_V1(fold_project);

/* For sorting the log. */
#define SORT_MEMORY "1MB"

static SavedQuery project_query = {
	.text = "SELECT o.timezone FROM trackagoat.project p JOIN trackagoat.organization o ON o.id = p.org_id"
	" WHERE p.id = $1 AND p.org_id = $2",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

/* Whoever deletes the project deletes its totals, and may take his time. */
static SavedQuery hold_project_query = {
	.text = "SELECT FROM trackagoat.project p WHERE p.id = $1 AND p.org_id = $2 FOR KEY SHARE",
	.nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery try_project_query = {
	.text = "SELECT FROM trackagoat.project p WHERE p.id = $1 AND p.org_id = $2 FOR KEY SHARE SKIP LOCKED",
	.nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery counted_query = {
	.text = "SELECT id FROM trackagoat.creator WHERE project_id = $1 AND org_id = $2 AND removed_at IS NULL",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery waiting_query = {
	.text = "SELECT FROM trackagoat.total_difference WHERE project_id = $1 AND org_id = $2 LIMIT 1",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

/* Everything of a project, for computing it anew. */
static SavedQuery remove_project_query = {
	.text = "DELETE FROM trackagoat.total WHERE project_id = $1 AND org_id = $2",
	.nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery creators_query = {
	.text = "SELECT id FROM trackagoat.creator WHERE project_id = $1 AND org_id = $2",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery creator_videos_query = {
	.text = CONTRIBUTION("v.creator_id = $1 AND v.org_id = $2"),
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery lone_videos_query = {
	.text = CONTRIBUTION("v.project_id = $1 AND v.org_id = $2 AND v.creator_id IS NULL"),
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

/* Compute the creators of a project and the project itself from their histories. */
static void
rebuild_creators(Fold *fold)
{
	Datum		values[2] = {fold->project, fold->org};
	SPITupleTable *table;
	uint64		rows;

	saved_query_write(&remove_project_query, values, NULL);
	fold->project_days = day_sums_of_all(TOTAL_WIDTH);
	totals_add_videos(&lone_videos_query, values, fold->calendar, DT_NOEND, fold->project_days);
	saved_query_run(&creators_query, values, NULL);
	table = SPI_tuptable;
	rows = SPI_processed;
	for (uint64 i = 0; i < rows; i++)
	{
		bool		isnull;
		Datum		id = SPI_getbinval(table->vals[i], table->tupdesc, 1, &isnull);
		Datum		creator_values[2] = {id, fold->org};
		Total		total = {.is_counted = id_set_has(fold->counted, DatumGetUUIDP(id)), .timezone = fold->timezone};
		MemoryContext old_context = MemoryContextSwitchTo(fold->scratch);
		DaySums    *days = day_sums_of_all(TOTAL_WIDTH);

		CHECK_FOR_INTERRUPTS();
		totals_add_videos(&creator_videos_query, creator_values, fold->calendar, DT_NOEND, days);
		total_add_life(total.life, days);
		total_store("creator", id, fold->org, fold->project, &total);
		total_store_days("creator", id, fold->org, days, true);
		if (total.is_counted)
			day_sums_merge(fold->project_days, days);
		MemoryContextSwitchTo(old_context);
		MemoryContextReset(fold->scratch);
	}
	SPI_freetuptable(table);
}

static void
finish_project(Fold *fold)
{
	Total		total = total_load("project", fold->project, fold->org, true);

	total.is_counted = true;
	total.timezone = fold->timezone;
	total_add_life(total.life, fold->project_days);
	total_store("project", fold->project, fold->org, fold->project, &total);
	total_store_days("project", fold->project, fold->org, fold->project_days, false);
}

/* Is there anything to fold? */
static bool
has_work(Fold *fold)
{
	Datum		values[2] = {fold->project, fold->org};

	if (fold->rebuild)
		return true;
	saved_query_run(&waiting_query, values, NULL);
	if (SPI_processed > 0)
		return true;
	return fold_has_unfolded(fold);
}

/* Load what is there and apply the log; answers how many rows of it. */
static int64
fold_all(Fold *fold)
{
	Total		total = total_load("project", fold->project, fold->org, true);
	Datum		values[2] = {fold->project, fold->org};

	fold->calendar = calendar_of(fold->timezone);
	fold->scratch = AllocSetContextCreate(CurrentMemoryContext, "trackagoat creator", ALLOCSET_DEFAULT_SIZES);
	fold->rebuild = total.exists && strcmp(total.timezone, fold->timezone) != 0;
	if (total.exists && !has_work(fold))
		return 0;
	saved_query_run(&counted_query, values, NULL);
	fold->counted = id_set_answered();
	fold->graph = graph_load(fold->project, fold->org);
	fold->campaign = palloc0(sizeof(DaySums *) * Max(fold->graph->campaigns, 1));
	fold->project_days = day_sums_of_all(TOTAL_WIDTH);
	fold_mark_unfolded(fold);
	fold_take_differences(fold);
	if (fold->rebuild)
	{
		rebuild_creators(fold);
		for (int i = 0; i < fold->graph->campaigns; i++)
			fold->stale = bms_add_member(fold->stale, i);
	}
	finish_project(fold);
	fold_finish_campaigns(fold);
	return fold->applied;
}

/*
 * Let nobody else fold the project until this transaction ends.  False where
 * somebody does and we are not to wait.
 */
static bool
lock_project(const pg_uuid_t *project, bool wait)
{
	LOCKTAG		tag;
	uint32		key = hash_bytes(project->data, UUID_LEN);

	/* the key space of two integers, as pg_advisory_xact_lock(int, int) has it */
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0x7461676f, key, 2);
	return LockAcquire(&tag, ExclusiveLock, false, !wait) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * fold_project(project_id, org_id, wait): how many rows of the log were
 * applied; NULL where somebody else folds the project, or deletes it.
 */
Datum
fold_project(PG_FUNCTION_ARGS)
{
	Fold		fold = {.project = PG_GETARG_DATUM(0), .org = PG_GETARG_DATUM(1)};
	Datum		values[2] = {fold.project, fold.org};
	bool		known;
	int64		applied = 0;
	int			nest_level;

	/* the log is read as it is now, and must be deleted as it is now */
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("totals cannot be folded in a transaction whose snapshot is fixed"),
				 errhint("Fold in a transaction of isolation level READ COMMITTED; totals are exact without as well.")));
	if (!lock_project(PG_GETARG_UUID_P(0), PG_GETARG_BOOL(2)))
		PG_RETURN_NULL();
	SPI_connect();
	saved_query_run(PG_GETARG_BOOL(2) ? &hold_project_query : &try_project_query, values, NULL);
	known = SPI_processed == 1;
	if (known)
	{
		CommandCounterIncrement();
		PushActiveSnapshot(GetLatestSnapshot());
		saved_query_run(&project_query, values, NULL);
		known = SPI_processed == 1;
		if (known)
		{
			fold.timezone = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
			/* no plan for tables that are small now and grow as we go */
			nest_level = NewGUCNestLevel();
			(void) set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION,
									 GUC_ACTION_SAVE, true, 0, false);
			/* a long log is sorted on disk: a worker stays as small as it is */
			(void) set_config_option("work_mem", SORT_MEMORY, PGC_USERSET, PGC_S_SESSION,
									 GUC_ACTION_SAVE, true, 0, false);
			totals_forget_plans();
			applied = fold_all(&fold);
			totals_forget_plans();
			AtEOXact_GUC(true, nest_level);
		}
		PopActiveSnapshot();
	}
	SPI_finish();
	if (!known)
		PG_RETURN_NULL();
	PG_RETURN_INT64(applied);
}
