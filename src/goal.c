/*
 * goal.c
 *	  goal_states(): the goals of a project in the period of a day, and where
 *	  each stands.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "goal.h"
#include "saved_query.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(goal_states);

/* Columns of the answer. */
#define COLUMNS 12

static SavedQuery project_query = {
	.text = "SELECT p.org_id, o.timezone, o.week_starts_on, o.creator_profile_interval"
	" FROM trackagoat.project p JOIN trackagoat.organization o ON o.id = p.org_id WHERE p.id = $1",
	.read_only = true, .nargs = 1, .types = {UUIDOID}
};

/* Of creators of the program; of those that are fetched alone, of some, of some goals. */
static SavedQuery goals_query = {
	.text = "SELECT g.id, g.creator_id, g.goal_type, g.period, g.target, g.starts_on, g.ends_on, c.last_observed_at, c.created_at"
	" FROM trackagoat.goal g JOIN trackagoat.creator c ON c.id = g.creator_id AND c.org_id = g.org_id"
	" WHERE g.project_id = $1 AND g.org_id = $2 AND c.removed_at IS NULL AND (c.is_active OR NOT $3)"
	"  AND ($4 IS NULL OR g.creator_id = ANY ($4)) AND ($5 IS NULL OR g.id = ANY ($5))"
	"  AND ($6 IS NULL OR g.period = $6::trackagoat.goal_period)"
	" ORDER BY g.creator_id, g.id",
	.read_only = true, .custom = true, .nargs = 6, .types = {UUIDOID, UUIDOID, BOOLOID, UUIDARRAYOID, UUIDARRAYOID, TEXTOID}
};

/* Values of an enum in the order of names. */
static void
enum_values(Oid type, const char *const *names, int count, Datum *values)
{
	for (int i = 0; i < count; i++)
		values[i] = OidFunctionCall2(F_ENUM_IN, CStringGetDatum(names[i]), ObjectIdGetDatum(type));
}

static int
index_of(const Datum *values, int count, Datum value)
{
	for (int i = 0; i < count; i++)
	{
		if (values[i] == value)
			return i;
	}
	elog(ERROR, "unknown value %u of an enum", DatumGetObjectId(value));
	return -1;
}

/* The three periods that hold a day. */
typedef struct Period
{
	int32		start;
	int32		end;
} Period;

typedef enum PeriodKind
{
	PERIOD_DAILY,
	PERIOD_WEEKLY,
	PERIOD_MONTHLY
} PeriodKind;

#define PERIODS (PERIOD_MONTHLY + 1)

static const char *const type_names[] = {"posts", "views", "views_per_post", "engagement", "followers"};
static const char *const period_names[] = {"daily", "weekly", "monthly"};
static const char *const status_names[] = {"on_track", "behind_pace", "at_risk", "completed", "missed",
"not_yet_started", "no_data"};

static void
find_periods(int32 day, int week_start, Period *periods)
{
	int32		shift = week_start - 1;

	periods[PERIOD_DAILY] = (Period) {day, day};
	periods[PERIOD_WEEKLY].start = calendar_bucket(GRANULARITY_WEEK, day - shift) + shift;
	periods[PERIOD_WEEKLY].end = periods[PERIOD_WEEKLY].start + 6;
	periods[PERIOD_MONTHLY].start = calendar_bucket(GRANULARITY_MONTH, day);
	periods[PERIOD_MONTHLY].end = calendar_bucket(GRANULARITY_MONTH, periods[PERIOD_MONTHLY].start + 31) - 1;
}

/* When a day begins; those asked for last are remembered. */
static TimestampTz
day_start(const Goals *goals, int32 day)
{
	static Calendar *known_calendar;
	static struct
	{
		bool		is_known;
		int32		day;
		TimestampTz start;
	}			known[64];
	int			slot = day & 63;

	if (known_calendar != goals->calendar)
		memset(known, 0, sizeof(known));
	known_calendar = goals->calendar;
	if (!known[slot].is_known || known[slot].day != day)
	{
		known[slot].start = calendar_start(goals->calendar, day);
		known[slot].day = day;
		known[slot].is_known = true;
	}
	return known[slot].start;
}

/*
 * A row as a goal in its period; false where it ended before that.  What has
 * no end, or one that no calendar reaches, is as long as the calendar.
 */
static bool
fill_goal(Goals *goals, Goal *goal, const Period *period, int32 starts_on, bool has_end, int32 ends_on)
{
	ends_on = has_end ? Min(ends_on, CALENDAR_LAST_DAY - 1) : CALENDAR_LAST_DAY - 1;
	if (period == NULL)
	{
		goal->has_end = has_end;
		goal->period_start = goal->first_day = starts_on;
		goal->period_end = goal->last_day = ends_on;
	}
	else
	{
		goal->has_end = true;
		goal->period_start = period->start;
		goal->period_end = period->end;
		goal->first_day = Max(period->start, starts_on);
		goal->last_day = Min(period->end, ends_on);
		if (goal->first_day > goal->last_day)
			return starts_on > period->end;
	}
	goal->from = day_start(goals, goal->first_day);
	goal->to = goal->has_end ? day_start(goals, goal->last_day + 1) : DT_NOEND;
	return true;
}

/* A new creator for the goals to come. */
static int
add_creator(Goals *goals, const pg_uuid_t *id)
{
	bool		found;
	GoalCreator *creator = &goals->creator[goals->creator_count];

	memset(creator, 0, sizeof(*creator));
	creator->id = *id;
	creator->first = goals->count;
	goal_numbers_insert(goals->number_of, *id, &found)->number = goals->creator_count;
	return goals->creator_count++;
}

/* The goals that the query answered. */
static void
load_goals(Goals *goals, const Datum *types, const Datum *period_values, const Period *periods)
{
	SPITupleTable *table = SPI_tuptable;
	uint64		rows = SPI_processed;

	goals->goal = palloc_extended(sizeof(Goal) * Max(rows, 1), MCXT_ALLOC_HUGE);
	goals->creator = palloc_extended(sizeof(GoalCreator) * Max(rows, 1), MCXT_ALLOC_HUGE);
	goals->number_of = goal_numbers_create(CurrentMemoryContext, Max(rows / 2, 16), NULL);
	for (uint64 i = 0; i < rows; i++)
	{
		Goal	   *goal = &goals->goal[goals->count];
		Datum		value[9];
		bool		isnull[9];
		const Period *period;
		GoalCreator *creator;

		for (int n = 0; n < (int) lengthof(value); n++)
			value[n] = SPI_getbinval(table->vals[i], table->tupdesc, n + 1, &isnull[n]);
		memset(goal, 0, sizeof(*goal));
		goal->id = *DatumGetUUIDP(value[0]);
		goal->type = index_of(types, GOAL_TYPES, value[2]);
		goal->type_value = value[2];
		goal->has_period = !isnull[3];
		goal->period_value = value[3];
		goal->target = DatumGetNumeric(value[4]);
		period = isnull[3] ? NULL : &periods[index_of(period_values, PERIODS, value[3])];
		if (!fill_goal(goals, goal, period, Max(DatumGetDateADT(value[5]), CALENDAR_FIRST_DAY), !isnull[6],
					   isnull[6] ? 0 : DatumGetDateADT(value[6])))
			continue;
		if (goals->creator_count == 0 ||
			memcmp(&goals->creator[goals->creator_count - 1].id, DatumGetUUIDP(value[1]), UUID_LEN) != 0)
			add_creator(goals, DatumGetUUIDP(value[1]));
		goal->creator = goals->creator_count - 1;
		creator = &goals->creator[goal->creator];
		creator->count++;
		creator->created_at = DatumGetTimestampTz(value[8]);
		/* as of a past moment the history tells */
		if (!isnull[7] && TIMESTAMP_IS_NOEND(goals->until))
		{
			creator->is_observed = creator->has_observed_at = true;
			creator->observed_at = DatumGetTimestampTz(value[7]);
		}
		goals->count++;
	}
}

/* Find the project; false where there is not exactly one. */
static bool
find_project(Goals *goals)
{
	HeapTuple	tuple;
	TupleDesc	tupdesc;
	Datum		stale;
	bool		isnull;

	saved_query_run(&project_query, &goals->project, NULL);
	if (SPI_processed != 1)
		return false;
	tuple = SPI_tuptable->vals[0];
	tupdesc = SPI_tuptable->tupdesc;
	/* the row stays in SPI's memory until SPI_finish() */
	goals->org = SPI_getbinval(tuple, tupdesc, 1, &isnull);
	goals->timezone = SPI_getvalue(tuple, tupdesc, 2);
	goals->week_start = DatumGetInt16(SPI_getbinval(tuple, tupdesc, 3, &isnull));
	goals->calendar = calendar_of(goals->timezone);
	stale = TimestampTzGetDatum(goals->now);
	for (int i = 0; i < 2; i++)
		stale = DirectFunctionCall2(timestamptz_mi_interval, stale, SPI_getbinval(tuple, tupdesc, 4, &isnull));
	goals->stale_before = DatumGetTimestampTz(stale);
	return true;
}

/* The reference date, or the day of now; PT400 for one that no calendar has. */
static int32
reference_day(const Goals *goals, bool isnull, DateADT date)
{
	if (isnull)
		return calendar_day(goals->calendar, goals->now);
	/* a year from the ends, so that every period is whole */
	if (DATE_NOT_FINITE(date) || date < CALENDAR_FIRST_DAY + 366 || date > CALENDAR_LAST_DAY - 366)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_BAD_REQUEST),
				 errmsg("invalid_reference_date"),
				 errdetail("The reference date %s is in no period.",
						   DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(date)))),
				 errhint("Name a day of the years 2 to 9998.")));
	return date;
}

/* The moment to answer as of; PT400 for one that no history has. */
static void
set_clock(Goals *goals, bool isnull, TimestampTz at)
{
	goals->now = isnull ? GetCurrentTransactionStartTimestamp() : at;
	goals->until = isnull ? DT_NOEND : at;
	if (TIMESTAMP_NOT_FINITE(goals->now) || goals->now < SERIES_EARLIEST + 366 * USECS_PER_DAY ||
		goals->now > SERIES_LATEST - 366 * USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_BAD_REQUEST),
				 errmsg("invalid_at"),
				 errdetail("Nothing can be observed at %s.",
						   DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(at)))),
				 errhint("Name a moment of the years 2 to 9998.")));
}

/* Does a status comply: yes, no, or neither. */
static bool
is_compliant(GoalStatus status, bool *isnull)
{
	*isnull = status == GOAL_NO_DATA || status == GOAL_NOT_YET_STARTED;
	return status == GOAL_ON_TRACK || status == GOAL_COMPLETED;
}

static void
put_goal(ReturnSetInfo *rsinfo, const Goals *goals, const Goal *goal, const Datum *statuses)
{
	GoalState	state = goal_judge(goals, goal);
	Datum		values[COLUMNS] = {
		UUIDPGetDatum(&goals->creator[goal->creator].id), UUIDPGetDatum(&goal->id), goal->type_value, goal->period_value,
		DateADTGetDatum(goal->period_start), DateADTGetDatum(goal->period_end), NumericGetDatum(goal->target),
		NumericGetDatum(state.actual), NumericGetDatum(state.projected), statuses[state.status]};
	bool		nulls[COLUMNS] = {false, false, false, !goal->has_period, false, !goal->has_end, false,
	!state.has_actual, !state.has_projected};

	values[10] = BoolGetDatum(is_compliant(state.status, &nulls[10]));
	values[11] = goal_advisory(state.advisory);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * goal_states(project_id, creator_ids, goal_ids, reference_date, for_period,
 * at, active_only): a row for each goal in force in the period of the day, or
 * not begun by then.  No row for an id that is no project, so that nobody
 * learns which there are.
 */
Datum
goal_states(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Goals		goals = {.project = PG_GETARG_DATUM(0)};
	Datum		values[6];
	char		nulls[6] = {' ', ' ', ' ', ' ', ' ', ' '};
	Datum		types[GOAL_TYPES];
	Datum		period_values[PERIODS];
	Datum		statuses[GOAL_STATUSES];
	Period		periods[PERIODS];
	MemoryContext memory;
	TupleDesc	tupdesc;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	set_clock(&goals, PG_ARGISNULL(5), PG_ARGISNULL(5) ? 0 : PG_GETARG_TIMESTAMPTZ(5));
	SPI_connect();
	if (!find_project(&goals))
	{
		SPI_finish();
		PG_RETURN_NULL();
	}
	tupdesc = rsinfo->setDesc;
	enum_values(TupleDescAttr(tupdesc, 2)->atttypid, type_names, GOAL_TYPES, types);
	enum_values(TupleDescAttr(tupdesc, 3)->atttypid, period_names, PERIODS, period_values);
	enum_values(TupleDescAttr(tupdesc, 9)->atttypid, status_names, GOAL_STATUSES, statuses);
	find_periods(reference_day(&goals, PG_ARGISNULL(3), PG_ARGISNULL(3) ? 0 : PG_GETARG_DATEADT(3)),
				 goals.week_start, periods);

	values[0] = goals.project;
	values[1] = goals.org;
	values[2] = BoolGetDatum(PG_ARGISNULL(6) || PG_GETARG_BOOL(6));
	values[3] = PG_GETARG_DATUM(1);
	values[4] = PG_GETARG_DATUM(2);
	for (int i = 0; i < 2; i++)
		nulls[3 + i] = PG_ARGISNULL(1 + i) ? 'n' : ' ';
	nulls[5] = PG_ARGISNULL(4) ? 'n' : ' ';
	if (!PG_ARGISNULL(4))
		values[5] = CStringGetTextDatum(period_names[index_of(period_values, PERIODS, PG_GETARG_DATUM(4))]);
	saved_query_run(&goals_query, values, nulls);
	load_goals(&goals, types, period_values, periods);
	if (goals.count > 0)
		goals_read(&goals);

	memory = AllocSetContextCreate(CurrentMemoryContext, "trackagoat goal", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < goals.count; i++)
	{
		MemoryContext old_context = MemoryContextSwitchTo(memory);

		CHECK_FOR_INTERRUPTS();
		put_goal(rsinfo, &goals, &goals.goal[i], statuses);
		MemoryContextSwitchTo(old_context);
		MemoryContextReset(memory);
	}
	SPI_finish();
	PG_RETURN_NULL();
}
