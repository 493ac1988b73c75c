/*
 * scrape_target.c
 *	  Making and changing the standing jobs of accounts and videos, for the
 *	  triggers that want them fetched.
 *
 * Jobs are everybody's, so nobody waits for the end of another's transaction:
 * what is held by another one becomes a request, which is folded in later.
 * Queries name their schemas, whatever the caller's search_path is.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "handle.h"
#include "saved_query.h"
#include "scrape_target.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(lock_scrape_target);
PG_FUNCTION_INFO_V1(queue_target);
PG_FUNCTION_INFO_V1(creator_scrape);
PG_FUNCTION_INFO_V1(scrape_slot);

/* 64 locks for all targets, so that ten thousand creators in one transaction do not fill the lock table */
#define TARGET_LOCKS 64

/* A job that is there, dead or not: a request that comes while it is in flight is for after that. */
#define CHANGED_JOB(renew) \
	"  due_at = CASE WHEN excluded.due_at IS NULL OR j.leased_until IS NULL" \
	"   THEN least(j.due_at, excluded.due_at) ELSE greatest(excluded.due_at, pg_catalog.clock_timestamp()) END," \
	"  next_at = least(j.next_at, excluded.next_at)," \
	"  priority = greatest(j.priority, excluded.priority)," \
	"  attempts = CASE WHEN j.dead_at IS NULL THEN j.attempts ELSE 0 END," \
	"  failures = CASE WHEN j.dead_at IS NULL THEN j.failures END, dead_at = NULL, dead_reason = NULL," \
	"  source_place = CASE WHEN " renew " THEN 1 ELSE j.source_place END," \
	"  sec_uid = CASE WHEN NOT " renew " THEN j.sec_uid END"

/* What comes without any time is left to the schedule. */
#define WANTED \
	" SELECT k::trackagoat.scrape_kind, $2::trackagoat.handle, $3, $4, COALESCE($5, CASE WHEN $4 IS NULL" \
	"  THEN trackagoat.first_scrape_slot(k::trackagoat.scrape_kind, $2::trackagoat.handle, $3) END), $6::pg_catalog.int2, $8"

static SavedQuery job_query = {
	.text = "INSERT INTO trackagoat.scrape_job AS j (kind, tiktok_handle, tiktok_video_id, due_at, next_at, priority, link)"
	WANTED " FROM pg_catalog.unnest($1) k"
	" ON CONFLICT ON CONSTRAINT scrape_job_target_key DO UPDATE SET"
	CHANGED_JOB("$7")
	" RETURNING id",
	.nargs = 8, .types = {TEXTARRAYOID, TEXTOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID, BOOLOID, TEXTOID}
};

static SavedQuery request_query = {
	.text = "INSERT INTO trackagoat.scrape_request (kind, tiktok_handle, tiktok_video_id, due_at, next_at, priority, link, renew)"
	WANTED ", $7 FROM pg_catalog.unnest($1) k",
	.nargs = 8, .types = {TEXTARRAYOID, TEXTOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID, BOOLOID, TEXTOID}
};

/* The job of one kind, by what its target is: an account, a video or a link. */
static SavedQuery find_query[] = {
	{
		.text = "SELECT j.id FROM trackagoat.scrape_job j WHERE j.kind OPERATOR(pg_catalog.=) ($1)[1]::trackagoat.scrape_kind"
		" AND j.tiktok_handle OPERATOR(trackagoat.=) $2::trackagoat.handle",
		.nargs = 2, .types = {TEXTARRAYOID, TEXTOID}
	},
	{
		.text = "SELECT j.id FROM trackagoat.scrape_job j WHERE j.kind OPERATOR(pg_catalog.=) ($1)[1]::trackagoat.scrape_kind"
		" AND j.tiktok_handle IS NULL AND j.tiktok_video_id OPERATOR(pg_catalog.=) $2",
		.nargs = 2, .types = {TEXTARRAYOID, INT8OID}
	},
	{
		.text = "SELECT j.id FROM trackagoat.scrape_job j WHERE j.kind OPERATOR(pg_catalog.=) ($1)[1]::trackagoat.scrape_kind"
		" AND j.tiktok_handle IS NULL AND j.tiktok_video_id IS NULL AND j.link OPERATOR(pg_catalog.=) $2",
		.nargs = 2, .types = {TEXTARRAYOID, TEXTOID}
	}
};

static SavedQuery videos_query = {
	.text = "SELECT v.tiktok_video_id FROM trackagoat.video v"
	" WHERE v.creator_id OPERATOR(pg_catalog.=) $1 AND v.org_id OPERATOR(pg_catalog.=) $2"
	"  AND trackagoat.video_is_fetched(v.tracking_status, v.tracking_disabled_at, v.refresh_stopped_at)"
	" ORDER BY v.tiktok_video_id",
	.nargs = 2, .types = {UUIDOID, UUIDOID}
};

/* Who or what is to be fetched, and when. */
typedef struct Target
{
	Datum		kinds;			/* text[] */
	text	   *handle;			/* of an account, or NULL */
	bool		has_video;
	int64		video;
	text	   *link;			/* or NULL */
	bool		is_due;			/* queued at once, not left to the schedule */
	TimestampTz due_at;
	bool		has_next;
	TimestampTz next_at;
	int			priority;
	bool		renew;			/* a list waits for a fresh profile */
} Target;

/* The hash of a handle, whose case does not matter, a link or, without these, a video. */
static uint64
hash_target(const text *name, int64 video, uint64 seed)
{
	char		folded[64];
	size_t		length;

	if (name == NULL)
		return hash_bytes_extended((const unsigned char *) &video, sizeof(video), seed);
	length = handle_fold(VARDATA_ANY(name), Min(VARSIZE_ANY_EXHDR(name), sizeof(folded)), folded);
	return hash_bytes_extended((unsigned char *) folded, (int) length, seed);
}

/* May this transaction make or change the job of a handle, a link or a video?  Not while another one, still open, may have. */
static bool
lock_target(const text *name, int64 video)
{
	LOCKTAG		tag;

	/* the key space of two integers, as pg_advisory_xact_lock(int, int) has it */
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0x71756575, hash_target(name, video, 0) % TARGET_LOCKS, 2);
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

/* lock_scrape_target(handle, video_id, link) */
Datum
lock_scrape_target(PG_FUNCTION_ARGS)
{
	const text *name = PG_ARGISNULL(0) ? (PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2)) : PG_GETARG_TEXT_PP(0);

	if (name == NULL && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(lock_target(name, PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1)));
}

/*
 * Make the jobs of a target, or bring them forward.  True where the id of one
 * of them is known.  SPI must be connected.
 */
static bool
queue(const Target *target, pg_uuid_t *id)
{
	Datum		values[8] = {target->kinds, PointerGetDatum(target->handle), Int64GetDatum(target->video),
		TimestampTzGetDatum(target->due_at), TimestampTzGetDatum(target->next_at),
		Int32GetDatum(target->priority), BoolGetDatum(target->renew), PointerGetDatum(target->link)};
	char		nulls[8] = {' ', target->handle == NULL ? 'n' : ' ', target->has_video ? ' ' : 'n',
		target->is_due ? ' ' : 'n', target->has_next ? ' ' : 'n', ' ', ' ',
		target->link == NULL ? 'n' : ' '};
	bool		isnull;
	bool		found;

	if (lock_target(target->handle != NULL ? target->handle : target->link, target->video))
		saved_query_write(&job_query, values, nulls);
	else
	{
		saved_query_write(&request_query, values, nulls);
		if (target->handle == NULL)
			values[1] = target->has_video ? values[2] : values[7];
		saved_query_run(&find_query[target->handle != NULL ? 0 : target->has_video ? 1 : 2], values, NULL);
	}
	found = SPI_processed > 0;
	if (found)
		*id = *DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return found;
}

/* queue_target(kinds, handle, video_id, due_at, next_at, priority, renew, link): the id of a job, where it is known. */
Datum
queue_target(PG_FUNCTION_ARGS)
{
	Target		target = {.kinds = PG_GETARG_DATUM(0)};
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));
	bool		found;

	if (PG_ARGISNULL(0) || (PG_ARGISNULL(1) && PG_ARGISNULL(2) && PG_ARGISNULL(7)) || PG_ARGISNULL(5) || PG_ARGISNULL(6))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("kinds, the target, priority and renew must not be NULL")));
	target.handle = PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1);
	target.has_video = !PG_ARGISNULL(2);
	target.video = target.has_video ? PG_GETARG_INT64(2) : 0;
	target.link = PG_ARGISNULL(7) ? NULL : PG_GETARG_TEXT_PP(7);
	target.is_due = !PG_ARGISNULL(3);
	target.due_at = target.is_due ? PG_GETARG_TIMESTAMPTZ(3) : 0;
	target.has_next = !PG_ARGISNULL(4);
	target.next_at = target.has_next ? PG_GETARG_TIMESTAMPTZ(4) : 0;
	target.priority = PG_GETARG_INT32(5);
	target.renew = PG_GETARG_BOOL(6);
	SPI_connect();
	found = queue(&target, id);
	SPI_finish();
	if (!found)
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(id);
}

static const char *const account_kinds[] = {"creator_profile", "discover_videos"};

static Datum
text_array(const char *const *texts, int count)
{
	Datum		elements[2];

	for (int i = 0; i < count; i++)
		elements[i] = CStringGetTextDatum(texts[i]);
	return PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* A column of a row of a trigger's relation. */
static Datum
column(const TriggerData *trigger, HeapTuple tuple, const char *name)
{
	TupleDesc	tupdesc = RelationGetDescr(trigger->tg_relation);
	bool		isnull;

	return SPI_getbinval(tuple, tupdesc, SPI_fnumber(tupdesc, name), &isnull);
}

/* While a creator was not active, the jobs of its videos may have been deleted. */
static void
queue_videos(const TriggerData *trigger)
{
	static const char *const kind[] = {"video_stats"};
	Datum		values[2] = {column(trigger, trigger->tg_newtuple, "id"), column(trigger, trigger->tg_newtuple, "org_id")};
	Target		target = {.kinds = text_array(kind, 1), .has_video = true};
	SPITupleTable *videos;
	uint64		count;
	pg_uuid_t	id;
	bool		isnull;

	saved_query_run(&videos_query, values, NULL);
	videos = SPI_tuptable;
	count = SPI_processed;
	for (uint64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		target.video = DatumGetInt64(SPI_getbinval(videos->vals[i], videos->tupdesc, 1, &isnull));
		(void) queue(&target, &id);
	}
}

#define ACCOUNT_KINDS "'{creator_profile,discover_videos}'::trackagoat.scrape_kind[]"
#define FOR_ACCOUNTS "pg_catalog.unnest(" ACCOUNT_KINDS ") k, pg_catalog.unnest($1) h"
#define ACCOUNT_JOBS \
	"INSERT INTO trackagoat.scrape_job AS j (kind, tiktok_handle, due_at, next_at, priority)" \
	" SELECT k, h, $2, $2, 1 FROM " FOR_ACCOUNTS

/* Of each account, whether it has a job. */
static SavedQuery known_query = {
	.text = "SELECT EXISTS (SELECT FROM trackagoat.scrape_job j WHERE j.kind OPERATOR(pg_catalog.=) ANY (" ACCOUNT_KINDS ")"
	" AND j.tiktok_handle OPERATOR(trackagoat.=) h.handle)"
	" FROM pg_catalog.unnest($1) WITH ORDINALITY h (handle, place) ORDER BY h.place",
	.custom = true, .nargs = 1, .types = {InvalidOid}
};

static SavedQuery new_jobs_query = {
	.text = ACCOUNT_JOBS,
	.custom = true, .nargs = 2, .types = {InvalidOid, TIMESTAMPTZOID}
};

/* Twice as slow, as each is looked for before it is written. */
static SavedQuery jobs_query = {
	.text = ACCOUNT_JOBS " ON CONFLICT ON CONSTRAINT scrape_job_target_key DO UPDATE SET" CHANGED_JOB("true"),
	.custom = true, .nargs = 2, .types = {InvalidOid, TIMESTAMPTZOID}
};

static SavedQuery requests_query = {
	.text = "INSERT INTO trackagoat.scrape_request (kind, tiktok_handle, due_at, next_at, priority, renew)"
	" SELECT k, h, $2, $2, 1, true FROM " FOR_ACCOUNTS,
	.custom = true, .nargs = 2, .types = {InvalidOid, TIMESTAMPTZOID}
};

/* Handles on their way to a statement. */
typedef struct Handles
{
	Datum	   *values;
	int			count;
} Handles;

static Datum
handle_array(const Handles *handles, Oid type)
{
	return PointerGetDatum(construct_array(handles->values, handles->count, type, -1, false, TYPALIGN_INT));
}

static void
queue_accounts_by(SavedQuery *query, const Handles *handles, Oid type)
{
	Datum		values[2] = {handle_array(handles, type), TimestampTzGetDatum(GetCurrentTransactionStartTimestamp())};

	if (handles->count == 0)
		return;
	saved_query_set_type(query, 0, get_array_type(type));
	saved_query_write(query, values, NULL);
}

/*
 * What creator_scrape() does of each new creator, for many: their handles, of
 * that type.  Jobs may come meanwhile under a snapshot that does not show them;
 * then this raises unique_violation, unless it is told to be careful.  SPI must
 * be connected.
 */
void
queue_accounts(Datum *handles, int count, Oid type, bool careful)
{
	size_t		size = sizeof(Datum) * Max(count, 1);
	Handles		locked = {palloc(size), 0};
	Handles		requested = {palloc(size), 0};
	Handles		new = {palloc(size), 0};
	Handles		known = {palloc(size), 0};
	Datum		value;
	bool		isnull;

	for (int i = 0; i < count; i++)
	{
		Handles    *to = lock_target(DatumGetTextPP(handles[i]), 0) ? &locked : &requested;

		to->values[to->count++] = handles[i];
	}
	if (careful)
		known = locked;
	else
	{
		value = handle_array(&locked, type);
		saved_query_set_type(&known_query, 0, get_array_type(type));
		saved_query_run(&known_query, &value, NULL);
		for (int i = 0; i < locked.count; i++)
		{
			Handles    *to = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)) ? &known : &new;

			to->values[to->count++] = locked.values[i];
		}
	}
	queue_accounts_by(&new_jobs_query, &new, type);
	queue_accounts_by(&jobs_query, &known, type);
	queue_accounts_by(&requests_query, &requested, type);
}

/* The jobs of videos that a list brought in. */
static SavedQuery found_jobs_query = {
	.text = "INSERT INTO trackagoat.scrape_job AS j (kind, tiktok_video_id, next_at, last_success_at)"
	" SELECT 'video_stats', v.tiktok_video_id, v.next_at, CASE WHEN $2 THEN pg_catalog.now() END"
	" FROM trackagoat.video_slots($1, $2) v"
	" ON CONFLICT ON CONSTRAINT scrape_job_target_key DO UPDATE SET" CHANGED_JOB("false"),
	.nargs = 2, .types = {INT8ARRAYOID, BOOLOID}
};

static SavedQuery found_requests_query = {
	.text = "INSERT INTO trackagoat.scrape_request (kind, tiktok_video_id, next_at, priority, renew)"
	" SELECT 'video_stats', v.tiktok_video_id, v.next_at, 0, false FROM trackagoat.video_slots($1, $2) v",
	.nargs = 2, .types = {INT8ARRAYOID, BOOLOID}
};

static void
queue_found_by(SavedQuery *query, Datum *videos, int count, bool is_served)
{
	Datum		values[2] = {saved_query_array(videos, NULL, count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE),
	BoolGetDatum(is_served)};

	if (count > 0)
		saved_query_write(query, values, NULL);
}

/*
 * What video_scrape() does of each new video, for those that a list brought
 * in: they wait for an interval where the list has served them.  SPI must be
 * connected.
 */
void
queue_found_videos(Datum *videos, int count, bool is_served)
{
	Datum	   *requested = palloc(sizeof(Datum) * Max(count, 1));
	int			locked = 0;
	int			others = 0;

	for (int i = 0; i < count; i++)
	{
		if (lock_target(NULL, DatumGetInt64(videos[i])))
			videos[locked++] = videos[i];
		else
			requested[others++] = videos[i];
	}
	queue_found_by(&found_jobs_query, videos, locked, is_served);
	queue_found_by(&found_requests_query, requested, others, is_served);
}

/*
 * creator_scrape(): profile and discovery of a creator that is new, renamed,
 * active again or wants older videos.
 */
Datum
creator_scrape(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	bool		is_update = CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	HeapTuple	creator;
	Target		target = {.next_at = now, .due_at = now, .priority = 1, .renew = true};
	pg_uuid_t	id;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "creator_scrape was not called as a trigger");
	creator = is_update ? trigger->tg_newtuple : trigger->tg_trigtuple;
	if (is_update && DatumGetTimestampTz(column(trigger, trigger->tg_trigtuple, "listing_wanted_at")) ==
		DatumGetTimestampTz(column(trigger, creator, "listing_wanted_at")))
		PG_RETURN_POINTER(NULL);

	/* what a backup or import brings is left to the schedule: the rule of happens_now() */
	target.is_due = is_update ||
		DatumGetTimestampTz(column(trigger, creator, "created_at")) > now - INT64CONST(3600) * USECS_PER_SEC;
	target.has_next = target.is_due;
	SPI_connect();
	target.kinds = text_array(account_kinds, 2);
	target.handle = DatumGetTextPP(column(trigger, creator, "tiktok_handle"));
	(void) queue(&target, &id);
	if (is_update && !DatumGetBool(column(trigger, trigger->tg_trigtuple, "is_active")))
		queue_videos(trigger);
	SPI_finish();
	PG_RETURN_POINTER(NULL);
}

/*
 * scrape_slot(kind, handle, video_id, every, after): slots are an interval
 * apart; their phase is a hash of the target modulo the interval, so that the
 * slots of a long interval are also slots of one that divides it.
 */
Datum
scrape_slot(PG_FUNCTION_ARGS)
{
	const char *kind;
	const Interval *every;
	TimestampTz after;
	TimestampTz slot;
	int64		step;
	int64		phase;
	int64		past;

	if (PG_ARGISNULL(0) || (PG_ARGISNULL(1) && PG_ARGISNULL(2)) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		PG_RETURN_NULL();
	kind = DatumGetCString(DirectFunctionCall1(enum_out, PG_GETARG_DATUM(0)));
	every = PG_GETARG_INTERVAL_P(3);
	after = PG_GETARG_TIMESTAMPTZ(4);
	if (TIMESTAMP_NOT_FINITE(after))
		PG_RETURN_TIMESTAMPTZ(after);
	/* a month has thirty days, as where intervals are compared */
	if (pg_mul_s64_overflow(every->month * INT64CONST(30) + every->day, USECS_PER_DAY, &step) ||
		pg_add_s64_overflow(step, every->time, &step) || step > PG_INT64_MAX / 4 ||
		pg_add_s64_overflow(after, step, &slot) || !IS_VALID_TIMESTAMP(slot))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("interval out of range")));
	if (step <= 0)
		PG_RETURN_TIMESTAMPTZ(after);
	phase = hash_target(PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1), PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2),
						hash_bytes((const unsigned char *) kind, strlen(kind))) % step;
	past = (after - phase) % step;
	PG_RETURN_TIMESTAMPTZ(slot - (past < 0 ? past + step : past));
}
