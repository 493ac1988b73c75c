/*
 * goal.h
 *	  Goals of creators while they are computed: goal.c loads them, goal_read.c
 *	  and goal_followers.c gather what was observed, goal_judge.c says where
 *	  they stand.
 */
#ifndef TRACKAGOAT_GOAL_H
#define TRACKAGOAT_GOAL_H

#include "postgres.h"

#include "utils/numeric.h"
#include "utils/uuid.h"

#include "amounts.h"
#include "calendar.h"

typedef enum GoalType
{
	GOAL_POSTS,
	GOAL_VIEWS,
	GOAL_VIEWS_PER_POST,
	GOAL_ENGAGEMENT,
	GOAL_FOLLOWERS
} GoalType;

#define GOAL_TYPES (GOAL_FOLLOWERS + 1)

typedef enum GoalStatus
{
	GOAL_ON_TRACK,
	GOAL_BEHIND_PACE,
	GOAL_AT_RISK,
	GOAL_COMPLETED,
	GOAL_MISSED,
	GOAL_NOT_YET_STARTED,
	GOAL_NO_DATA
} GoalStatus;

#define GOAL_STATUSES (GOAL_NO_DATA + 1)

/* A goal in the period at hand. */
typedef struct Goal
{
	pg_uuid_t	id;
	int			creator;		/* its number */
	GoalType	type;
	Datum		type_value;		/* as the table has them */
	Datum		period_value;
	bool		has_period;		/* else it is a milestone */
	Numeric		target;
	int64		whole_target;	/* the same, but of engagement */
	int32		period_start;	/* days */
	int32		period_end;
	int32		first_day;		/* of the part in force */
	int32		last_day;
	bool		has_end;
	TimestampTz from;			/* the same in time: from <= t < to */
	TimestampTz to;

	/* what was observed in it */
	int64		posts;
	int64		gain[VIDEO_COUNTERS];
	int64		baselines[VIDEO_COUNTERS];	/* how many videos were first known */
	int64		later_posts;	/* of all days from its beginning on: posts, and how many were first known */
	int64		later_known[VIDEO_COUNTERS];
	bool		has_level;
	int64		level;			/* followers, or the lowest views of a post */
	int64		base;			/* followers at the beginning */
	TimestampTz base_at;
	int64		peak;			/* most followers since */
} Goal;

typedef struct GoalCreator
{
	pg_uuid_t	id;
	int			first;			/* its goals */
	int			count;
	bool		is_live;		/* its posts and their histories are to be read */
	bool		is_observed;	/* it or one of its videos */
	bool		has_observed_at;
	TimestampTz observed_at;	/* when it was last observed itself */
	TimestampTz created_at;
	int64		life_posts;		/* of all days, the same */
	int64		life_known[VIDEO_COUNTERS];
} GoalCreator;

typedef struct CreatorNumber
{
	pg_uuid_t	id;
	char		status;
	int			number;
} CreatorNumber;

#define UUID_MAP_PREFIX creator_numbers
#define UUID_MAP_ENTRY CreatorNumber
#include "uuid_set.h"

typedef struct Goals
{
	Datum		project;
	Datum		org;
	char	   *timezone;
	Calendar   *calendar;
	TimestampTz now;
	TimestampTz until;			/* observations count until then; DT_NOEND for all */
	TimestampTz stale_before;	/* an observation older than that is stale */
	int			week_start;		/* 1 is Monday */
	int			count;
	Goal	   *goal;			/* of one creator after another */
	int			creator_count;
	GoalCreator *creator;
	creator_numbers_hash *number_of;	/* of a creator */
	bool		are_most;		/* of the creators of their organization */
} Goals;

/* Where a goal stands. */
typedef struct GoalState
{
	GoalStatus	status;
	double		share;			/* of the target that is reached or forecast, to put goals in order by */
	int			advisory;		/* of ADVISORY_... */
} GoalState;

/* The same in numbers; NULL where there is none. */
typedef struct GoalNumbers
{
	Numeric		actual;
	Numeric		projected;
} GoalNumbers;

#define ADVISORY_IN_PROGRESS		1
#define ADVISORY_RECENTLY_ENDED		2
#define ADVISORY_STALE				4
#define ADVISORY_NOT_YET_STARTED	8
#define ADVISORIES					16

/* How long after its end a period's numbers may move. */
#define GOAL_SETTLING (INT64CONST(48) * USECS_PER_HOUR)
/* How long a post must have been up for its views to say something. */
#define POST_SETTLING (INT64CONST(24) * USECS_PER_HOUR)

static inline GoalCreator *
goal_creator(const Goals *goals, const pg_uuid_t *id)
{
	CreatorNumber *entry = creator_numbers_lookup(goals->number_of, *id);

	return entry == NULL ? NULL : &goals->creator[entry->number];
}

extern void goals_read(Goals *goals);
extern GoalState goal_judge(const Goals *goals, const Goal *goal);
extern GoalNumbers goal_numbers(const Goals *goals, const Goal *goal, GoalStatus status);
extern Datum goal_advisory(int flags);

#endif							/* TRACKAGOAT_GOAL_H */
