/*
 * goal_judge.c
 *	  Where a goal stands, from what was observed: the formulas of docs/goals.md.
 *
 * Shares are compared by multiplying both sides, so none is decided by how a
 * quotient is rounded; only what people read is.
 */
#include "postgres.h"

#include <float.h>

#include "common/int128.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "goal.h"

/* Digits after the point of what is answered. */
#define SHOWN_DIGITS 4

static bool
is_over(const Goals *goals, const Goal *goal)
{
	return goal->has_end && goals->now >= goal->to;
}

/* a * b * times */
static INT128
product(int64 a, int64 b, int times)
{
	INT128		result = int64_to_int128(0);

	while (times-- > 0)
		int128_add_int64_mul_int64(&result, a, b);
	return result;
}

/* a * b of c * d, neither of which need be positive: 100 %, 70 %, or less. */
static GoalStatus
status_of_share(int64 a, int64 b, int64 c, int64 d)
{
	if (int128_compare(product(a, b, 1), product(c, d, 1)) >= 0)
		return GOAL_ON_TRACK;
	return int128_compare(product(a, b, 10), product(c, d, 7)) >= 0 ? GOAL_BEHIND_PACE : GOAL_AT_RISK;
}

/* ---- numeric ---- */

static Numeric
number(int64 value)
{
	return int64_to_numeric(value);
}

static Numeric
multiply(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_mul, NumericGetDatum(a), NumericGetDatum(b)));
}

static Numeric
add(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(a), NumericGetDatum(b)));
}

static bool
reaches(Numeric a, Numeric b)
{
	return DatumGetBool(DirectFunctionCall2(numeric_ge, NumericGetDatum(a), NumericGetDatum(b)));
}

/* a / b, for people. */
static Numeric
quotient(Numeric a, Numeric b)
{
	Datum		value = DirectFunctionCall2(numeric_div, NumericGetDatum(a), NumericGetDatum(b));

	value = DirectFunctionCall2(numeric_round, value, Int32GetDatum(SHOWN_DIGITS));
	return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, value));
}

/* ---- status ---- */

/* An amount of posts or views: the pace goes on as it is. */
static void
judge_pace(const Goals *goals, const Goal *goal, int64 amount, GoalState *state)
{
	int64		elapsed = Max(goals->now - goal->from, 1);

	if (!goals->creator[goal->creator].is_observed && goal->posts == 0)
		return;
	state->share = (double) amount / goal->whole_target;
	if (is_over(goals, goal))
	{
		state->status = amount >= goal->whole_target ? GOAL_COMPLETED : GOAL_MISSED;
		return;
	}
	state->share *= (double) (goal->to - goal->from) / elapsed;
	state->status = status_of_share(amount, goal->to - goal->from, goal->whole_target, elapsed);
}

/* A level as it is, from its share of the target. */
static GoalStatus
status_of_level(const Goals *goals, const Goal *goal, GoalStatus status)
{
	if (!is_over(goals, goal))
		return status;
	return status == GOAL_ON_TRACK ? GOAL_COMPLETED : GOAL_MISSED;
}

static Numeric
interactions(const Goal *goal)
{
	Numeric		sum = number(0);

	for (int c = 1; c < VIDEO_COUNTERS; c++)
		sum = add(sum, number(goal->gain[c]));
	return sum;
}

static void
judge_engagement(const Goals *goals, const Goal *goal, GoalState *state)
{
	Numeric		reached = multiply(interactions(goal), number(100));
	Numeric		wanted = multiply(goal->target, number(goal->gain[0]));
	GoalStatus	status = GOAL_AT_RISK;

	if (goal->gain[0] <= 0)
		return;
	if (reaches(reached, wanted))
		status = GOAL_ON_TRACK;
	else if (reaches(multiply(reached, number(10)), multiply(wanted, number(7))))
		status = GOAL_BEHIND_PACE;
	state->status = status_of_level(goals, goal, status);
	state->share = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(reached))) /
		Max(DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(wanted))), DBL_MIN);
}

/* A level to reach, on the straight line from where it began. */
static void
judge_followers(const Goals *goals, const Goal *goal, GoalState *state)
{
	int64		elapsed = goals->now - goal->base_at;
	int64		gain = goal->level - goal->base;

	if (!goal->has_level)
		return;
	state->share = (double) goal->level / goal->whole_target;
	if (!goal->has_period && goal->peak >= goal->whole_target)
		state->status = GOAL_COMPLETED;
	else if (is_over(goals, goal))
		state->status = goal->level >= goal->whole_target ? GOAL_COMPLETED : GOAL_MISSED;
	else if (!goal->has_end || goal->level >= goal->whole_target)
		state->status = GOAL_ON_TRACK;
	else
		state->status = status_of_share(gain, goal->to - goal->base_at, goal->whole_target - goal->base, elapsed);
	if (goal->has_end && !is_over(goals, goal) && elapsed > 0)
		state->share = (goal->base + (double) gain * (goal->to - goal->base_at) / elapsed) / goal->whole_target;
}

/* What to keep in mind about it. */
static int
advisory_flags(const Goals *goals, const Goal *goal)
{
	const GoalCreator *creator = &goals->creator[goal->creator];
	TimestampTz last = creator->has_observed_at ? creator->observed_at : creator->created_at;
	int			flags = last < goals->stale_before ? ADVISORY_STALE : 0;

	if (goal->first_day > goal->last_day || goals->now < goal->from)
		return flags | ADVISORY_NOT_YET_STARTED;
	if (!is_over(goals, goal))
		return flags | ADVISORY_IN_PROGRESS;
	if (goals->now - goal->to < GOAL_SETTLING)
		flags |= ADVISORY_RECENTLY_ENDED;
	return flags;
}

/* Where a goal stands. */
GoalState
goal_judge(const Goals *goals, const Goal *goal)
{
	GoalState	state = {.status = GOAL_NO_DATA, .advisory = advisory_flags(goals, goal)};

	if (state.advisory & ADVISORY_NOT_YET_STARTED)
	{
		state.status = GOAL_NOT_YET_STARTED;
		return state;
	}
	switch (goal->type)
	{
		case GOAL_POSTS:
			judge_pace(goals, goal, goal->posts, &state);
			break;
		case GOAL_VIEWS:
			judge_pace(goals, goal, goal->gain[0], &state);
			break;
		case GOAL_VIEWS_PER_POST:
			if (!goal->has_level)
				break;
			state.status = status_of_level(goals, goal, status_of_share(goal->level, 1, goal->whole_target, 1));
			state.share = (double) goal->level / goal->whole_target;
			break;
		case GOAL_ENGAGEMENT:
			judge_engagement(goals, goal, &state);
			break;
		case GOAL_FOLLOWERS:
			judge_followers(goals, goal, &state);
			break;
	}
	return state;
}

/* ---- numbers ---- */

static Numeric
forecast_followers(const Goals *goals, const Goal *goal, Numeric actual)
{
	int64		elapsed = goals->now - goal->base_at;

	if (is_over(goals, goal))
		return actual;
	if (!goal->has_end || elapsed <= 0)
		return NULL;
	/* base + gain * length / elapsed, over one denominator */
	return quotient(add(multiply(number(goal->base), number(elapsed)),
						multiply(number(goal->level - goal->base), number(goal->to - goal->base_at))),
					number(elapsed));
}

/* What people read of a goal that was judged; numerics are palloc'd in the current context. */
GoalNumbers
goal_numbers(const Goals *goals, const Goal *goal, GoalStatus status)
{
	GoalNumbers numbers = {NULL, NULL};

	if (status == GOAL_NO_DATA || status == GOAL_NOT_YET_STARTED)
		return numbers;
	if (goal->type == GOAL_ENGAGEMENT)
		numbers.actual = quotient(multiply(interactions(goal), number(100)), number(goal->gain[0]));
	else
		numbers.actual = number(goal->type == GOAL_POSTS ? goal->posts :
								goal->type == GOAL_VIEWS ? goal->gain[0] : goal->level);
	numbers.projected = numbers.actual;
	if (goal->type == GOAL_FOLLOWERS)
		numbers.projected = forecast_followers(goals, goal, numbers.actual);
	else if ((goal->type == GOAL_POSTS || goal->type == GOAL_VIEWS) && !is_over(goals, goal))
		numbers.projected = quotient(multiply(numbers.actual, number(goal->to - goal->from)),
									 number(Max(goals->now - goal->from, 1)));
	return numbers;
}

/* The advisory of these flags as jsonb, made once in the process and kept. */
Datum
goal_advisory(int flags)
{
	static Datum made[ADVISORIES];
	static const struct
	{
		const char *name;
		const char *message;
	}			kinds[] = {
		{"period_in_progress", "The period is not over, so the numbers go on moving."},
		{"period_recently_ended", "The period ended less than 48 hours ago, so the numbers may still move."},
		{"scrape_stale", "The creator was last observed longer ago than twice its scrape interval."},
		{"not_yet_started", "The goal has not begun."}
	};
	StringInfoData json;
	MemoryContext old_context;

	if (made[flags] != 0)
		return made[flags];
	initStringInfo(&json);
	appendStringInfo(&json, "{\"has_advisory\": %s", flags != 0 ? "true" : "false");
	for (int i = 0; i < (int) lengthof(kinds); i++)
		appendStringInfo(&json, ", \"%s\": %s", kinds[i].name, flags >> i & 1 ? "true" : "false");
	appendStringInfoString(&json, ", \"messages\": [");
	for (int i = 0, told = 0; i < (int) lengthof(kinds); i++)
	{
		if (flags >> i & 1)
			appendStringInfo(&json, "%s\"%s\"", told++ > 0 ? ", " : "", kinds[i].message);
	}
	appendStringInfoString(&json, "]}");
	old_context = MemoryContextSwitchTo(TopMemoryContext);
	made[flags] = DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
	MemoryContextSwitchTo(old_context);
	pfree(json.data);
	return made[flags];
}
