/*
 * goal_followers.c
 *	  The followers of creators for their goals, from their histories: where a
 *	  goal begins, where it stands, the most since.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "goal_rows.h"

/* Followers, following, likes and videos. */
#define CREATOR_COUNTERS 4

static CreatorsQuery followers_query = CREATORS_QUERY(
	"h.creator_id, h.points", "trackagoat.creator_history h", "h.creator_id",
	"h.org_id = $2 ORDER BY h.creator_id, h.started_at", 2, UUIDOID);

static bool
is_any(const Goals *goals, const GoalCreator *creator)
{
	return true;
}

static bool
needs_followers(const Goals *goals, const GoalCreator *creator)
{
	return has_goal_of(goals, creator, 1 << GOAL_FOLLOWERS);
}

/* A level that becomes known: where a goal begins, or where it stands. */
static void
take_followers(Goal *goal, TimestampTz time, int64 level)
{
	if (time <= goal->from || !goal->has_level)
	{
		goal->base = level;
		goal->base_at = Max(time, goal->from);
		goal->peak = level;
	}
	goal->has_level = true;
	goal->level = level;
	goal->peak = Max(goal->peak, level);
}

/* What a moment of a creator's history says of its goals. */
static void
take_moment(Goals *goals, GoalCreator *creator, TimestampTz time, bool is_break, bool is_known, int64 level)
{
	for (int i = 0; i < creator->count; i++)
	{
		Goal	   *goal = &goals->goal[creator->first + i];

		if (goal->type != GOAL_FOLLOWERS || !has_begun(goals, goal) || time >= goal->to)
			continue;
		if (is_break)
			goal->has_level = false;
		if (is_known)
			take_followers(goal, time, level);
	}
}

/* As of a past moment, the history tells when the creator was observed last: not before a break. */
static void
note_observed(const Goals *goals, GoalCreator *creator, TimestampTz time, bool is_break, bool any_known)
{
	if (TIMESTAMP_IS_NOEND(goals->until))
		return;
	if (any_known)
		creator->observed_at = time;
	if (any_known || is_break)
		creator->is_observed = creator->has_observed_at = any_known;
}

static bool
knows_any(const SeriesBlock *block, int i)
{
	bool		any = false;

	for (int c = 0; c < CREATOR_COUNTERS; c++)
		any |= block->known[c] >> i & 1;
	return any;
}

/* A row of a creator's history, in the order of time. */
static void
take_creator_history(Goals *goals, void *state, const Datum *value, const bool *isnull)
{
	GoalCreator *creator = goal_creator(goals, DatumGetUUIDP(value[0]));
	SeriesReader reader;
	SeriesBlock block;
	int64		level;

	if (creator == NULL)
		return;
	series_open(&reader, (Series *) PG_DETOAST_DATUM_PACKED(value[1]));
	if (reader.counters != CREATOR_COUNTERS)
		series_malformed();
	/* what was cut away before the first row has left its levels; later rows repeat what is known */
	if (reader.start.has_time && reader.start.time <= goals->until)
	{
		note_observed(goals, creator, reader.start.time, false, reader.start.known != 0);
		take_moment(goals, creator, reader.start.time, false, reader.start.known & 1, reader.start.level[0]);
	}
	reader.wanted = 1;
	level = reader.state.level[0];
	while (series_next_block(&reader, &block))
	{
		for (int i = 0; i < block.count; i++)
		{
			bool		is_break = block.broken >> i & 1;
			bool		is_known = block.known[0] >> i & 1;

			if (block.time[i] > goals->until)
				return;
			note_observed(goals, creator, block.time[i], is_break, knows_any(&block, i));
			if (is_break)
				level = 0;
			if (is_known)
				add_wrapping(&level, series_change(&block, 0, i));
			take_moment(goals, creator, block.time[i], is_break, is_known, level);
		}
		series_state_advance(&reader.state, &block, reader.counters);
	}
}

/* Read them; as of a past moment, of all creators, for when they were observed. */
void
goals_read_followers(Goals *goals)
{
	ArrayType  *creators = chosen_creators(goals, TIMESTAMP_IS_NOEND(goals->until) ? needs_followers : is_any);
	Datum		values[2] = {PointerGetDatum(creators), goals->org};

	if (creators != NULL)
		for_each_creator_row(goals, &followers_query, creators, values, take_creator_history);
}
