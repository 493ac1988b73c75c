/*
 * goal_read.c
 *	  What was observed for the goals of many creators.
 *
 * What was posted and gained comes from the folded days of creators and the
 * differences not folded yet, where these can tell.  The totals count videos
 * whose tracking is disabled by hand, which goals do not; and of a day's
 * baselines a goal wants those of posts of its part alone.  There are no
 * others where every post of before was known before.  (A post observed before
 * it was published could hide one that was not; only an import can bring such.)
 * For other creators, and as of past moments, posts and histories of videos are
 * read: they are live.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "goal_rows.h"
#include "read_totals.h"

#define POSTS_GOALS			(1 << GOAL_POSTS)
#define GAINS_GOALS			(1 << GOAL_VIEWS | 1 << GOAL_ENGAGEMENT)
#define LEVEL_GOALS			(1 << GOAL_VIEWS_PER_POST)
#define VIDEO_GOALS			(POSTS_GOALS | GAINS_GOALS | LEVEL_GOALS)

#define NEEDS_VIDEOS(type) (VIDEO_GOALS >> (type) & 1)
#define NEEDS_GAINS(type) (GAINS_GOALS >> (type) & 1)
#define NEEDS_DAYS(type) ((POSTS_GOALS | GAINS_GOALS) >> (type) & 1)

/* A post published in the part of a goal in force. */
typedef struct Post
{
	pg_uuid_t	id;
	char		status;
	TimestampTz posted_at;
} Post;

#define UUID_MAP_PREFIX posts
#define UUID_MAP_ENTRY Post
#include "uuid_set.h"

/* The posts of a time.  Creators are joined, as arrays of thousands are slow to plan. */
#define POSTS_QUERY(from, condition) \
	"SELECT v.creator_id, v.id, trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id), v.view_count" \
	" FROM " from "trackagoat.video v WHERE " condition " AND v.org_id = $2 AND v.creator_id IS NOT NULL" \
	"  AND trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id) >= $3" \
	"  AND trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id) < $4" \
	"  AND trackagoat.video_counts_for_goals(v.tracking_status, NULL, v.tracking_disabled_at)"

static SavedQuery project_posts_query = {
	.text = POSTS_QUERY("", "v.project_id = $1"),
	.read_only = true, .custom = true, .nargs = 4, .types = {UUIDOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID}
};

static SavedQuery creators_posts_query = {
	.text = POSTS_QUERY("unnest($1) c (id), ", "v.creator_id = c.id"),
	.read_only = true, .custom = true, .nargs = 4, .types = {UUIDARRAYOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID}
};

static SavedQuery disabled_query = {
	.text = "SELECT v.creator_id FROM unnest($1) c (id), trackagoat.video v WHERE v.creator_id = c.id AND v.org_id = $2"
	" AND v.tracking_disabled_at IS NOT NULL AND trackagoat.video_counts(v.tracking_status, NULL)"
	" AND NOT trackagoat.video_counts_for_goals(v.tracking_status, NULL, v.tracking_disabled_at)",
	.read_only = true, .custom = true, .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}
};

static CreatorsQuery lives_query = CREATORS_QUERY(
	"t.entity_id, t.videos, t.known_views, t.known_likes, t.known_comments, t.known_shares, t.known_saves",
	"trackagoat.total t", "t.entity_id", "t.org_id = $2 AND t.entity = 'creator'", 2, UUIDOID);

static CreatorsQuery days_query = CREATORS_QUERY(
	"m.entity_id, m.days", "trackagoat.total_month m", "m.entity_id",
	"m.org_id = $2 AND m.entity = 'creator' AND m.month >= $3", 3, UUIDOID, DATEOID);

/* Of all creators: who is not asked about is passed over. */
static SavedQuery differences_query = {
	.text = "SELECT d.creator_id, d.differences FROM trackagoat.total_difference d WHERE d.project_id = $1 AND d.org_id = $2"
	" AND d.creator_id IS NOT NULL AND d.differences IS NOT NULL",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery rebuild_query = {
	.text = "SELECT FROM trackagoat.total_difference d WHERE d.project_id = $1 AND d.org_id = $2"
	" AND d.creator_id IS NULL AND d.video_id IS NULL AND d.campaign_id IS NULL LIMIT 1",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

static SavedQuery histories_query = {
	.text = "SELECT v.creator_id, h.video_id, h.points FROM unnest($1) c (id) JOIN trackagoat.video v ON v.creator_id = c.id"
	" JOIN trackagoat.video_history h ON h.video_id = v.id AND h.org_id = v.org_id WHERE v.org_id = $2"
	"  AND trackagoat.video_counts_for_goals(v.tracking_status, NULL, v.tracking_disabled_at)"
	" ORDER BY h.video_id, h.started_at",
	.read_only = true, .custom = true, .nargs = 2, .types = {UUIDARRAYOID, UUIDOID}
};

static bool
needs_days(const Goals *goals, const GoalCreator *creator)
{
	return has_goal_of(goals, creator, POSTS_GOALS | GAINS_GOALS);
}

static bool
needs_levels(const Goals *goals, const GoalCreator *creator)
{
	return !creator->is_live && has_goal_of(goals, creator, LEVEL_GOALS);
}

static bool
needs_posts(const Goals *goals, const GoalCreator *creator)
{
	return creator->is_live && has_goal_of(goals, creator, VIDEO_GOALS);
}

/* Posts alone need no history, unless nobody has observed the creator. */
static bool
needs_histories(const Goals *goals, const GoalCreator *creator)
{
	return creator->is_live &&
		has_goal_of(goals, creator, creator->is_observed ? GAINS_GOALS | LEVEL_GOALS : VIDEO_GOALS);
}

/* Of how many counters a goal wants the gains. */
static int
counters_of(const Goal *goal)
{
	return goal->type == GOAL_VIEWS ? 1 : goal->type == GOAL_ENGAGEMENT ? VIDEO_COUNTERS : 0;
}

/* The last moment whose levels a goal of posts looks at. */
static TimestampTz
levels_until(const Goals *goals, const Goal *goal)
{
	return goal->to >= DT_NOEND - GOAL_SETTLING ? goals->until : Min(goals->until, goal->to + GOAL_SETTLING);
}

/* ---- posts ---- */

/* A post whose views may be the lowest. */
static void
take_level(Goals *goals, void *state, const Datum *value, const bool *isnull)
{
	GoalCreator *creator = goal_creator(goals, DatumGetUUIDP(value[0]));
	TimestampTz posted_at = DatumGetTimestampTz(value[2]);

	if (creator == NULL || creator->is_live || isnull[3] || posted_at > goals->now - POST_SETTLING)
		return;
	for (int i = 0; i < creator->count; i++)
	{
		Goal	   *goal = &goals->goal[creator->first + i];

		if (goal->type != GOAL_VIEWS_PER_POST || posted_at < goal->from || posted_at >= goal->to)
			continue;
		if (!goal->has_level || DatumGetInt64(value[3]) < goal->level)
			goal->level = DatumGetInt64(value[3]);
		goal->has_level = true;
	}
}

/* A post of a live creator, which is counted and kept. */
static void
take_post(Goals *goals, void *state, const Datum *value, const bool *isnull)
{
	posts_hash *posts = state;
	GoalCreator *creator = goal_creator(goals, DatumGetUUIDP(value[0]));
	TimestampTz posted_at = DatumGetTimestampTz(value[2]);
	bool		found;

	if (creator == NULL || !creator->is_live)
		return;
	posts_insert(posts, *DatumGetUUIDP(value[1]), &found)->posted_at = posted_at;
	for (int i = 0; i < creator->count; i++)
	{
		Goal	   *goal = &goals->goal[creator->first + i];

		goal->posts += posted_at >= goal->from && posted_at < goal->to;
	}
}

/* The posts of chosen creators, of all parts that their goals of these types are in force in. */
static void
read_posts(Goals *goals, ChooseCreator choose, int types, TakeRow take, void *state)
{
	ArrayType  *creators = chosen_creators(goals, choose);
	Datum		values[4] = {PointerGetDatum(creators), goals->org};
	TimestampTz from = DT_NOEND;
	TimestampTz to = DT_NOBEGIN;
	SavedQuery *query = &creators_posts_query;

	if (creators == NULL)
		return;
	for (int i = 0; i < goals->count; i++)
	{
		const Goal *goal = &goals->goal[i];

		if ((types >> goal->type & 1) == 0 || !has_begun(goals, goal) ||
			!choose(goals, &goals->creator[goal->creator]))
			continue;
		from = Min(from, goal->from);
		to = Max(to, goal->to);
	}
	if (!TIMESTAMP_IS_NOEND(goals->until))
		to = Min(to, goals->until + 1);
	if (from >= to)
		return;
	values[2] = TimestampTzGetDatum(from);
	values[3] = TimestampTzGetDatum(to);
	/* of many creators, all of the project */
	if (ArrayGetNItems(ARR_NDIM(creators), ARR_DIMS(creators)) > Max(MANY_CREATORS, goals->creator_count / 8))
	{
		values[0] = goals->project;
		query = &project_posts_query;
	}
	for_each_row(goals, query, values, take, state);
}

/* ---- folded days, and what is not folded yet ---- */

/* The numbers of a day, or moment, that lies in the part of some of a creator's goals. */
static void
take_amounts(Goals *goals, const GoalCreator *creator, int32 day, const int64 *number)
{
	for (int i = 0; i < creator->count; i++)
	{
		Goal	   *goal = &goals->goal[creator->first + i];

		if (!NEEDS_DAYS(goal->type) || day < goal->first_day)
			continue;
		add_wrapping(&goal->later_posts, number[TOTAL_POSTS]);
		for (int c = 0; c < counters_of(goal); c++)
			add_wrapping(&goal->later_known[c], number[TOTAL_KNOWN(c)]);
		if (day > goal->last_day)
			continue;
		add_wrapping(&goal->posts, number[TOTAL_POSTS]);
		for (int c = 0; c < VIDEO_COUNTERS; c++)
		{
			add_wrapping(&goal->gain[c], number[TOTAL_GAIN(c)]);
			add_wrapping(&goal->gain[c], number[TOTAL_BASELINE(c)]);
			add_wrapping(&goal->baselines[c], number[TOTAL_KNOWN(c)]);
		}
	}
}

/* The lifetime of a creator. */
static void
take_life(Goals *goals, void *state, const Datum *value, const bool *isnull)
{
	GoalCreator *creator = goal_creator(goals, DatumGetUUIDP(value[0]));

	if (creator == NULL)
		return;
	add_wrapping(&creator->life_posts, DatumGetInt64(value[1]));
	for (int c = 0; c < VIDEO_COUNTERS; c++)
		add_wrapping(&creator->life_known[c], DatumGetInt64(value[2 + c]));
}

/* A month of folded days. */
static void
take_month(Goals *goals, void *state, const Datum *value, const bool *isnull)
{
	GoalCreator *creator = goal_creator(goals, DatumGetUUIDP(value[0]));
	SeriesReader reader;
	SeriesBlock block;
	int64		number[TOTAL_WIDTH];

	if (creator == NULL)
		return;
	series_open(&reader, (Series *) PG_DETOAST_DATUM_PACKED(value[1]));
	if (reader.counters != TOTAL_WIDTH)
		series_malformed();
	if (!has_goal_of(goals, creator, 1 << GOAL_ENGAGEMENT))
		reader.wanted = 1 << TOTAL_POSTS | 1 << TOTAL_GAIN(0) | 1 << TOTAL_BASELINE(0) | 1 << TOTAL_KNOWN(0);
	memcpy(number, reader.state.level, sizeof(number));
	while (series_next_block(&reader, &block))
	{
		for (int i = 0; i < block.count; i++)
		{
			for (uint32 left = block.changed; left != 0; left &= left - 1)
				add_wrapping(&number[__builtin_ctz(left)], block.change[__builtin_ctz(left)][i]);
			take_amounts(goals, creator, (int32) (block.time[i] / USECS_PER_DAY), number);
		}
		series_state_advance(&reader.state, &block, reader.counters);
	}
}

/* A row of the log. */
static void
take_difference(Goals *goals, void *state, const Datum *value, const bool *isnull)
{
	GoalCreator *creator = goal_creator(goals, DatumGetUUIDP(value[0]));
	SeriesReader reader;
	SeriesPoint *points;

	if (creator == NULL)
		return;
	series_open(&reader, (Series *) PG_DETOAST_DATUM_PACKED(value[1]));
	if (reader.counters != TOTAL_WIDTH)
		series_malformed();
	points = series_all_points(&reader);
	for (int i = 0; i < reader.points; i++)
	{
		add_wrapping(&creator->life_posts, points[i].level[TOTAL_POSTS]);
		for (int c = 0; c < VIDEO_COUNTERS; c++)
			add_wrapping(&creator->life_known[c], points[i].level[TOTAL_KNOWN(c)]);
		take_amounts(goals, creator, calendar_day(goals->calendar, points[i].time), points[i].level);
	}
	pfree(points);
}

/* Can the totals tell what the creators' videos gained? */
static bool
totals_tell(const Goals *goals)
{
	Datum		values[2] = {goals->project, goals->org};
	Total		total;

	if (!TIMESTAMP_IS_NOEND(goals->until) || !may_read_totals())
		return false;
	total = total_load("project", goals->project, goals->org, false);
	if (!total.exists || strcmp(total.timezone, goals->timezone) != 0)
		return false;
	saved_query_run(&rebuild_query, values, NULL);
	return SPI_processed == 0;
}

static void
mark_live(Goals *goals, void *state, const Datum *value, const bool *isnull)
{
	GoalCreator *creator = goal_creator(goals, DatumGetUUIDP(value[0]));

	if (creator != NULL)
		creator->is_live = true;
}

/* Of how many posts of before a goal's part a counter was not known by then. */
static int64
unknown_before(const Goals *goals, const Goal *goal, int c)
{
	const GoalCreator *creator = &goals->creator[goal->creator];

	return creator->life_posts - goal->later_posts - (creator->life_known[c] - goal->later_known[c]);
}

static void
read_totals(Goals *goals)
{
	ArrayType  *creators = chosen_creators(goals, needs_days);
	Datum		values[3] = {PointerGetDatum(creators), goals->org};
	int32		from = CALENDAR_LAST_DAY;

	if (creators == NULL)
		return;
	for_each_row(goals, &disabled_query, values, mark_live, NULL);
	for (int i = 0; i < goals->count; i++)
	{
		if (!NEEDS_DAYS(goals->goal[i].type) || !has_begun(goals, &goals->goal[i]))
			continue;
		from = Min(from, goals->goal[i].first_day);
	}
	if (from == CALENDAR_LAST_DAY)
		return;
	values[2] = DateADTGetDatum(calendar_bucket(GRANULARITY_MONTH, from));
	for_each_creator_row(goals, &lives_query, creators, values, take_life);
	for_each_creator_row(goals, &days_query, creators, values, take_month);
	values[0] = goals->project;
	for_each_row(goals, &differences_query, values, take_difference, NULL);

	for (int i = 0; i < goals->count; i++)
	{
		const Goal *goal = &goals->goal[i];

		for (int c = 0; c < counters_of(goal); c++)
		{
			int64		unknown = unknown_before(goals, goal, c);

			goals->creator[goal->creator].is_live |= unknown < 0 || (unknown > 0 && goal->baselines[c] != 0);
		}
	}
}

/* ---- histories of videos ---- */

/* The history of a video, row by row. */
typedef struct HistoryState
{
	posts_hash *posts;
	pg_uuid_t	video;
	GoalCreator *creator;		/* NULL before the first */
	bool		is_post;		/* published in the part of some goal */
	bool		is_first;		/* its first row */
	TimestampTz posted_at;
	bool	   *level_known;	/* of each goal of the creator, the views that it looks at */
	int64	   *level;
	int			capacity;
} HistoryState;

/* A video done: its views may be the lowest. */
static void
finish_history(Goals *goals, HistoryState *state)
{
	if (state->creator == NULL || !state->is_post || state->posted_at > goals->now - POST_SETTLING)
		return;
	for (int i = 0; i < state->creator->count; i++)
	{
		Goal	   *goal = &goals->goal[state->creator->first + i];

		if (goal->type != GOAL_VIEWS_PER_POST || !state->level_known[i] ||
			state->posted_at < goal->from || state->posted_at >= goal->to)
			continue;
		if (!goal->has_level || state->level[i] < goal->level)
			goal->level = state->level[i];
		goal->has_level = true;
	}
}

static void
begin_history(HistoryState *state, const pg_uuid_t *video, GoalCreator *creator)
{
	Post	   *post = posts_lookup(state->posts, *video);

	state->video = *video;
	state->creator = creator;
	state->is_post = post != NULL;
	state->is_first = true;
	state->posted_at = post == NULL ? 0 : post->posted_at;
	if (creator->count > state->capacity)
	{
		MemoryContext old_context = MemoryContextSwitchTo(GetMemoryChunkContext(state->posts));

		state->capacity = creator->count * 2;
		state->level_known = palloc(sizeof(bool) * state->capacity);
		state->level = palloc(sizeof(int64) * state->capacity);
		MemoryContextSwitchTo(old_context);
	}
	memset(state->level_known, 0, sizeof(bool) * creator->count);
}

/* What a goal sees of the points of a row: gains in its part, and of a post of the part all that it has. */
static void
take_points(const Goals *goals, HistoryState *state, int number, const SeriesState *before,
			const SeriesPoint *points, int count)
{
	Goal	   *goal = &goals->goal[state->creator->first + number];
	SeriesState at = *before;
	bool		is_new = state->is_post && state->posted_at >= goal->from && state->posted_at < goal->to;
	TimestampTz end = goal->type == GOAL_VIEWS_PER_POST ? levels_until(goals, goal) : Min(goals->until, goal->to - 1);

	if (goal->type == GOAL_VIEWS_PER_POST && !is_new)
		return;
	/* what was cut away before the first row has left its levels */
	for (int c = 0; c < counters_of(goal) && is_new && state->is_first; c++)
		add_wrapping(&goal->gain[c], before->level[c]);
	if (goal->type == GOAL_VIEWS_PER_POST && state->is_first && (before->known & 1) && before->time <= end)
	{
		state->level_known[number] = true;
		state->level[number] = before->level[0];
	}
	for (int i = 0; i < count && points[i].time <= end; i++)
	{
		const SeriesPoint *point = &points[i];
		uint32		had = point->flags & SERIES_BREAK ? 0 : at.known;

		for (int c = 0; c < counters_of(goal); c++)
		{
			if ((point->known >> c & 1) == 0 || (!is_new && ((had >> c & 1) == 0 || point->time < goal->from)))
				continue;
			add_wrapping(&goal->gain[c], (int64) ((uint64) point->level[c] - (had >> c & 1 ? (uint64) at.level[c] : 0)));
		}
		if (goal->type == GOAL_VIEWS_PER_POST && (point->known & 1))
		{
			state->level_known[number] = true;
			state->level[number] = point->level[0];
		}
		series_state_apply(&at, point, VIDEO_COUNTERS);
	}
}

static void
take_history(Goals *goals, void *arg, const Datum *value, const bool *isnull)
{
	HistoryState *state = arg;
	GoalCreator *creator = goal_creator(goals, DatumGetUUIDP(value[0]));
	pg_uuid_t  *video = DatumGetUUIDP(value[1]);
	SeriesReader reader;
	SeriesPoint *points;

	if (creator == NULL)
		return;
	if (state->creator == NULL || memcmp(&state->video, video, UUID_LEN) != 0)
	{
		finish_history(goals, state);
		begin_history(state, video, creator);
	}
	series_open(&reader, (Series *) PG_DETOAST_DATUM_PACKED(value[2]));
	if (reader.counters != VIDEO_COUNTERS)
		series_malformed();
	points = series_all_points(&reader);
	if ((reader.points > 0 && points[0].time <= goals->until) || (reader.start.has_time && reader.start.time <= goals->until))
		creator->is_observed = true;
	for (int i = 0; i < creator->count; i++)
	{
		Goal	   *goal = &goals->goal[creator->first + i];

		if ((NEEDS_GAINS(goal->type) || goal->type == GOAL_VIEWS_PER_POST) && has_begun(goals, goal))
			take_points(goals, state, i, &reader.start, points, reader.points);
	}
	state->is_first = false;
	pfree(points);
}

/* The videos of the creators that are live. */
static void
read_live(Goals *goals)
{
	HistoryState state = {.posts = posts_create(CurrentMemoryContext, 1024, NULL)};
	ArrayType  *creators;
	Datum		values[2];

	for (int i = 0; i < goals->count; i++)
	{
		Goal	   *goal = &goals->goal[i];

		if (!goals->creator[goal->creator].is_live || !NEEDS_VIDEOS(goal->type))
			continue;
		goal->posts = 0;
		memset(goal->gain, 0, sizeof(goal->gain));
	}
	read_posts(goals, needs_posts, VIDEO_GOALS, take_post, state.posts);
	creators = chosen_creators(goals, needs_histories);
	if (creators == NULL)
		return;
	values[0] = PointerGetDatum(creators);
	values[1] = goals->org;
	for_each_row(goals, &histories_query, values, take_history, &state);
	finish_history(goals, &state);
}

/* ---- all of it ---- */

/* Gather what was observed for goals that are loaded; SPI must be connected. */
void
goals_read(Goals *goals)
{
	bool		told = totals_tell(goals);

	goals_find_most(goals);
	goals_read_followers(goals);
	for (int i = 0; i < goals->creator_count; i++)
	{
		GoalCreator *creator = &goals->creator[i];

		/* where nobody has observed it, its videos may have been all the same; and observations may be a day ahead */
		creator->is_live = !told || !creator->is_observed;
		for (int n = 0; n < creator->count && !creator->is_live; n++)
		{
			const Goal *goal = &goals->goal[creator->first + n];

			creator->is_live = goal->type == GOAL_VIEWS_PER_POST && levels_until(goals, goal) < goals->now + USECS_PER_DAY;
		}
	}
	if (told)
		read_totals(goals);
	read_posts(goals, needs_levels, LEVEL_GOALS, take_level, NULL);
	read_live(goals);
}
