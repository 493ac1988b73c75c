/*
 * goal.c
 *	  The goals of a project in the period of a day: goal_states() answers where
 *	  each stands, goal_counts() how many stand where.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "goal.h"
#include "saved_query.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(goal_states);
PG_FUNCTION_INFO_V1(goal_counts);

/* Columns of the answers. */
#define STATE_COLUMNS 12
#define COUNT_COLUMNS (2 + GOAL_STATUSES + 2)

/* What is asked about; NULL and false for all, today and now. */
typedef struct Request
{
	Datum		project;
	ArrayType  *creators;
	ArrayType  *goals;
	bool		has_day;
	DateADT		day;
	bool		has_at;
	TimestampTz at;
	const char *period;
	bool		active_only;
} Request;

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
	"  AND ($6 IS NULL OR g.period = $6::trackagoat.goal_period)",
	.read_only = true, .custom = true, .nargs = 6, .types = {UUIDOID, UUIDOID, BOOLOID, UUIDARRAYOID, UUIDARRAYOID, TEXTOID}
};

/* Values of an enum in the order of names. */
static void
enum_values(const char *name, const char *const *names, int count, Datum *values)
{
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
									   ObjectIdGetDatum(get_namespace_oid("trackagoat", false)));

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

/* First and last day. */
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

/* The three periods that hold a day. */
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

/* The number of a creator, which may be a new one. */
static int
number_creator(Goals *goals, const pg_uuid_t *id)
{
	bool		found;
	CreatorNumber *entry = creator_numbers_insert(goals->number_of, *id, &found);

	if (!found)
	{
		memset(&goals->creator[goals->creator_count], 0, sizeof(GoalCreator));
		goals->creator[goals->creator_count].id = *id;
		entry->number = goals->creator_count++;
	}
	return entry->number;
}

/* Put the goals of each creator together. */
static void
gather_goals(Goals *goals)
{
	Goal	   *gathered = palloc_extended(sizeof(Goal) * Max(goals->count, 1), MCXT_ALLOC_HUGE);
	int			first = 0;

	for (int i = 0; i < goals->creator_count; i++)
	{
		goals->creator[i].first = first;
		first += goals->creator[i].count;
		goals->creator[i].count = 0;
	}
	for (int i = 0; i < goals->count; i++)
	{
		GoalCreator *creator = &goals->creator[goals->goal[i].creator];

		gathered[creator->first + creator->count++] = goals->goal[i];
	}
	pfree(goals->goal);
	goals->goal = gathered;
}

/* The goals that the query answered. */
static void
load_goals(Goals *goals, const Period *periods)
{
	SPITupleTable *table = SPI_tuptable;
	uint64		rows = SPI_processed;
	Datum		types[GOAL_TYPES];
	Datum		period_values[PERIODS];

	enum_values("goal_type", type_names, GOAL_TYPES, types);
	enum_values("goal_period", period_names, PERIODS, period_values);
	goals->goal = palloc_extended(sizeof(Goal) * Max(rows, 1), MCXT_ALLOC_HUGE);
	goals->creator = palloc_extended(sizeof(GoalCreator) * Max(rows, 1), MCXT_ALLOC_HUGE);
	goals->number_of = creator_numbers_create(CurrentMemoryContext, Max(rows / 2, 16), NULL);
	for (uint64 i = 0; i < rows; i++)
	{
		Goal	   *goal = &goals->goal[goals->count];
		Datum		value[9];
		bool		isnull[9];
		const Period *period;
		GoalCreator *creator;

		heap_deform_tuple(table->vals[i], table->tupdesc, value, isnull);
		memset(goal, 0, sizeof(*goal));
		goal->id = *DatumGetUUIDP(value[0]);
		goal->type = index_of(types, GOAL_TYPES, value[2]);
		goal->type_value = value[2];
		goal->has_period = !isnull[3];
		goal->period_value = value[3];
		goal->target = DatumGetNumeric(value[4]);
		if (goal->type != GOAL_ENGAGEMENT)
			goal->whole_target = DatumGetInt64(DirectFunctionCall1(numeric_int8, value[4]));
		period = isnull[3] ? NULL : &periods[index_of(period_values, PERIODS, value[3])];
		if (!fill_goal(goals, goal, period, Max(DatumGetDateADT(value[5]), CALENDAR_FIRST_DAY), !isnull[6],
					   isnull[6] ? 0 : DatumGetDateADT(value[6])))
			continue;
		goal->creator = number_creator(goals, DatumGetUUIDP(value[1]));
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
	gather_goals(goals);
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
reference_day(const Goals *goals, const Request *request)
{
	DateADT		date = request->day;

	if (!request->has_day)
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
set_clock(Goals *goals, const Request *request)
{
	goals->now = request->has_at ? request->at : GetCurrentTransactionStartTimestamp();
	goals->until = request->has_at ? request->at : DT_NOEND;
	if (TIMESTAMP_NOT_FINITE(goals->now) || goals->now < SERIES_EARLIEST + 366 * USECS_PER_DAY ||
		goals->now > SERIES_LATEST - 366 * USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_BAD_REQUEST),
				 errmsg("invalid_at"),
				 errdetail("Nothing can be observed at %s.",
						   DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(request->at)))),
				 errhint("Name a moment of the years 2 to 9998.")));
}

/* Does a status comply: yes, no, or neither. */
static bool
is_compliant(GoalStatus status, bool *isnull)
{
	*isnull = status == GOAL_NO_DATA || status == GOAL_NOT_YET_STARTED;
	return status == GOAL_ON_TRACK || status == GOAL_COMPLETED;
}

/*
 * The goals asked about, and what was observed for them; none for an id that is
 * no project, so that nobody learns which there are.  SPI must be connected.
 */
static Goals
find_goals(const Request *request)
{
	Goals		goals = {.project = request->project};
	Period		periods[PERIODS];
	Datum		values[6];
	char		nulls[6] = {' ', ' ', ' ', request->creators == NULL ? 'n' : ' ', request->goals == NULL ? 'n' : ' ',
		request->period == NULL ? 'n' : ' '};

	set_clock(&goals, request);
	if (!find_project(&goals))
		return goals;
	find_periods(reference_day(&goals, request), goals.week_start, periods);
	values[0] = goals.project;
	values[1] = goals.org;
	values[2] = BoolGetDatum(request->active_only);
	values[3] = PointerGetDatum(request->creators);
	values[4] = PointerGetDatum(request->goals);
	values[5] = request->period == NULL ? (Datum) 0 : CStringGetTextDatum(request->period);
	saved_query_run(&goals_query, values, nulls);
	load_goals(&goals, periods);
	if (goals.count > 0)
		goals_read(&goals);
	return goals;
}

static void
put_goal(ReturnSetInfo *rsinfo, const Goals *goals, const Goal *goal, const Datum *statuses)
{
	GoalState	state = goal_judge(goals, goal);
	GoalNumbers numbers = goal_numbers(goals, goal, state.status);
	Datum		values[STATE_COLUMNS] = {
		UUIDPGetDatum(&goals->creator[goal->creator].id), UUIDPGetDatum(&goal->id), goal->type_value, goal->period_value,
		DateADTGetDatum(goal->period_start), DateADTGetDatum(goal->period_end), NumericGetDatum(goal->target),
		NumericGetDatum(numbers.actual), NumericGetDatum(numbers.projected), statuses[state.status]};
	bool		nulls[STATE_COLUMNS] = {false, false, false, !goal->has_period, false, !goal->has_end, false,
	numbers.actual == NULL, numbers.projected == NULL};

	values[10] = BoolGetDatum(is_compliant(state.status, &nulls[10]));
	values[11] = goal_advisory(state.advisory);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * goal_states(project_id, creator_ids, goal_ids, reference_date, for_period,
 * at, active_only): a row for each goal in force in the period of the day, or
 * not begun by then.
 */
Datum
goal_states(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Request		request = {
		.creators = PG_ARGISNULL(1) ? NULL : PG_GETARG_ARRAYTYPE_P(1),
		.goals = PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2),
		.has_day = !PG_ARGISNULL(3),
		.day = PG_ARGISNULL(3) ? 0 : PG_GETARG_DATEADT(3),
		.period = PG_ARGISNULL(4) ? NULL : DatumGetCString(OidFunctionCall1(F_ENUM_OUT, PG_GETARG_DATUM(4))),
		.has_at = !PG_ARGISNULL(5),
		.at = PG_ARGISNULL(5) ? 0 : PG_GETARG_TIMESTAMPTZ(5),
		.active_only = PG_ARGISNULL(6) || PG_GETARG_BOOL(6)
	};
	Datum		statuses[GOAL_STATUSES];
	MemoryContext memory;
	Goals		goals;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	request.project = PG_GETARG_DATUM(0);
	SPI_connect();
	goals = find_goals(&request);
	enum_values("goal_status", status_names, GOAL_STATUSES, statuses);
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

/* A creator some of whose goals are not met. */
typedef struct Attention
{
	const pg_uuid_t *id;
	GoalStatus	worst;			/* of those that are not met */
	double		share;			/* the least of theirs */
} Attention;

/* Missed comes before at risk, and that before behind pace. */
static int
compare_attention(const void *a, const void *b)
{
	const Attention *left = a;
	const Attention *right = b;

	if (left->worst != right->worst)
		return left->worst > right->worst ? -1 : 1;
	if (left->share != right->share)
		return left->share < right->share ? -1 : 1;
	return memcmp(left->id, right->id, UUID_LEN);
}

/* Count the goals of a creator by status; does it need attention? */
static bool
count_goals(const Goals *goals, const GoalCreator *creator, int64 *counts, Attention *attention)
{
	bool		found = false;

	for (int i = 0; i < creator->count; i++)
	{
		GoalState	state = goal_judge(goals, &goals->goal[creator->first + i]);
		bool		isnull;

		counts[state.status]++;
		if (is_compliant(state.status, &isnull) || isnull)
			continue;
		attention->worst = found ? Max(attention->worst, state.status) : state.status;
		attention->share = found ? Min(attention->share, state.share) : state.share;
		found = true;
	}
	attention->id = &creator->id;
	return found;
}

/*
 * goal_counts(project_id, reference_date, at, shown): how many creators have
 * how many goals, how many goals have each status, how many creators need
 * attention, and so many of these, worst first.
 */
Datum
goal_counts(PG_FUNCTION_ARGS)
{
	Request		request = {
		.project = PG_GETARG_DATUM(0),
		.has_day = !PG_ARGISNULL(1),
		.day = PG_ARGISNULL(1) ? 0 : PG_GETARG_DATEADT(1),
		.has_at = !PG_ARGISNULL(2),
		.at = PG_ARGISNULL(2) ? 0 : PG_GETARG_TIMESTAMPTZ(2),
		.active_only = true
	};
	int64		counts[GOAL_STATUSES] = {0};
	Attention  *attention;
	int			attentions = 0;
	int			shown;
	Datum	   *ids;
	TupleDesc	tupdesc;
	Datum		values[COUNT_COLUMNS];
	bool		nulls[COUNT_COLUMNS] = {0};
	MemoryContext memory;
	Datum		result;
	Goals		goals;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE || tupdesc->natts != COUNT_COLUMNS)
		elog(ERROR, "goal_counts must be declared to return %d columns", COUNT_COLUMNS);
	tupdesc = BlessTupleDesc(tupdesc);
	SPI_connect();
	goals = find_goals(&request);
	attention = palloc_extended(sizeof(Attention) * Max(goals.creator_count, 1), MCXT_ALLOC_HUGE);
	memory = AllocSetContextCreate(CurrentMemoryContext, "trackagoat goal", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < goals.creator_count; i++)
	{
		MemoryContext old_context = MemoryContextSwitchTo(memory);

		CHECK_FOR_INTERRUPTS();
		attentions += count_goals(&goals, &goals.creator[i], counts, &attention[attentions]);
		MemoryContextSwitchTo(old_context);
		MemoryContextReset(memory);
	}
	qsort(attention, attentions, sizeof(Attention), compare_attention);

	shown = PG_ARGISNULL(3) ? attentions : Min(Max(PG_GETARG_INT32(3), 0), attentions);
	ids = palloc(sizeof(Datum) * Max(shown, 1));
	for (int i = 0; i < shown; i++)
		ids[i] = UUIDPGetDatum(attention[i].id);
	values[0] = Int64GetDatum(goals.creator_count);
	values[1] = Int64GetDatum(goals.count);
	for (int i = 0; i < GOAL_STATUSES; i++)
		values[2 + i] = Int64GetDatum(counts[i]);
	values[2 + GOAL_STATUSES] = Int64GetDatum(attentions);
	values[3 + GOAL_STATUSES] = PointerGetDatum(construct_array(ids, shown, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	result = PointerGetDatum(SPI_returntuple(heap_form_tuple(tupdesc, values, nulls), tupdesc));
	SPI_finish();
	PG_RETURN_DATUM(result);
}
