/*
 * goal_judge.c
 *	  Where a goal stands, from what was observed: the formulas of docs/goals.md.
 *
 * Shares are compared by multiplying both sides, so none is decided by how a
 * quotient is rounded; only what people read is.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "goal.h"

/* Digits after the point of what is answered. */
#define SHOWN_DIGITS 4

static Numeric
multiply(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_mul, NumericGetDatum(a), NumericGetDatum(b)));
}

static Numeric
number(int64 value)
{
	return int64_to_numeric(value);
}

static Numeric
subtract(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_sub, NumericGetDatum(a), NumericGetDatum(b)));
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

/* What part of a whole, neither of which need be positive: 100 %, 70 %, or less. */
static GoalStatus
status_of_share(Numeric part, Numeric whole)
{
	if (reaches(part, whole))
		return GOAL_ON_TRACK;
	return reaches(multiply(part, number(10)), multiply(whole, number(7))) ? GOAL_BEHIND_PACE : GOAL_AT_RISK;
}

static bool
is_over(const Goals *goals, const Goal *goal)
{
	return goal->has_end && goals->now >= goal->to;
}

/* An amount of posts or views: the pace goes on as it is. */
static void
judge_pace(const Goals *goals, const Goal *goal, int64 amount, GoalState *state)
{
	Numeric		elapsed = number(Max(goals->now - goal->from, 1));
	Numeric		forecast;

	if (!goals->creator[goal->creator].is_observed && goal->posts == 0)
		return;
	state->has_actual = state->has_projected = true;
	state->actual = state->projected = number(amount);
	if (is_over(goals, goal))
	{
		state->status = reaches(state->actual, goal->target) ? GOAL_COMPLETED : GOAL_MISSED;
		return;
	}
	forecast = multiply(state->actual, number(goal->to - goal->from));
	state->projected = quotient(forecast, elapsed);
	state->status = status_of_share(forecast, multiply(goal->target, elapsed));
}

/* A level that is part / whole, as it is. */
static void
judge_level(const Goals *goals, const Goal *goal, Numeric part, Numeric whole, GoalState *state)
{
	state->has_actual = state->has_projected = true;
	state->actual = state->projected = quotient(part, whole);
	state->status = status_of_share(part, multiply(goal->target, whole));
	if (is_over(goals, goal))
		state->status = state->status == GOAL_ON_TRACK ? GOAL_COMPLETED : GOAL_MISSED;
}

static void
judge_engagement(const Goals *goals, const Goal *goal, GoalState *state)
{
	Numeric		interactions = number(0);

	if (goal->gain[0] <= 0)
		return;
	for (int c = 1; c < VIDEO_COUNTERS; c++)
		interactions = DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(interactions),
														   NumericGetDatum(number(goal->gain[c]))));
	judge_level(goals, goal, multiply(interactions, number(100)), number(goal->gain[0]), state);
}

/* A level to reach, on the straight line from where it began. */
static void
judge_followers(const Goals *goals, const Goal *goal, GoalState *state)
{
	Numeric		gain = subtract(number(goal->level), number(goal->base));
	int64		elapsed = goals->now - goal->base_at;

	if (!goal->has_level)
		return;
	state->has_actual = true;
	state->actual = number(goal->level);
	if (!goal->has_period && reaches(number(goal->peak), goal->target))
		state->status = GOAL_COMPLETED;
	else if (is_over(goals, goal))
		state->status = reaches(state->actual, goal->target) ? GOAL_COMPLETED : GOAL_MISSED;
	else if (!goal->has_end || reaches(state->actual, goal->target))
		state->status = GOAL_ON_TRACK;
	else
		state->status = status_of_share(multiply(gain, number(goal->to - goal->base_at)),
										multiply(subtract(goal->target, number(goal->base)), number(elapsed)));
	if (is_over(goals, goal))
	{
		state->has_projected = true;
		state->projected = state->actual;
	}
	else if (goal->has_end && elapsed > 0)
	{
		/* base + gain * length / elapsed, over one denominator */
		Numeric		sum = DatumGetNumeric(DirectFunctionCall2(numeric_add,
															 NumericGetDatum(multiply(number(goal->base), number(elapsed))),
															 NumericGetDatum(multiply(gain, number(goal->to - goal->base_at)))));

		state->has_projected = true;
		state->projected = quotient(sum, number(elapsed));
	}
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

/* Where a goal stands; numerics are palloc'd in the current context. */
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
			if (goal->has_level)
				judge_level(goals, goal, number(goal->level), number(1), &state);
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
