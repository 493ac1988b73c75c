/*
 * goal_rows.h
 *	  Rows of the creators whose goals are computed: see goal_rows.c.
 */
#ifndef TRACKAGOAT_GOAL_ROWS_H
#define TRACKAGOAT_GOAL_ROWS_H

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "goal.h"
#include "saved_query.h"

/* So many creators are asked for one by one. */
#define MANY_CREATORS 100

/*
 * Rows of creators: of those asked about, or where these are most of their
 * organization's, of all, who are then passed over.
 */
typedef struct CreatorsQuery
{
	SavedQuery	some;
	SavedQuery	all;
} CreatorsQuery;

#define CREATORS_QUERY(columns, from, creator, conditions, count, ...) { \
	.some = {.text = "SELECT " columns " FROM unnest($1) c (id) JOIN " from " ON " creator " = c.id WHERE " conditions, \
		.read_only = true, .custom = true, .nargs = count, .types = {UUIDARRAYOID, __VA_ARGS__}}, \
	.all = {.text = "SELECT " columns " FROM " from " WHERE $1 IS NOT NULL AND " conditions, \
		.read_only = true, .custom = true, .nargs = count, .types = {UUIDARRAYOID, __VA_ARGS__}}}

/* What a row of a query is given to. */
typedef void (*TakeRow) (Goals *goals, void *state, const Datum *value, const bool *isnull);

/* Which creators a statement is about. */
typedef bool (*ChooseCreator) (const Goals *goals, const GoalCreator *creator);

/* Has the part begun that a goal is in force in? */
static inline bool
has_begun(const Goals *goals, const Goal *goal)
{
	return goal->first_day <= goal->last_day && goal->from <= goals->now;
}

extern bool has_goal_of(const Goals *goals, const GoalCreator *creator, int types);
extern ArrayType *chosen_creators(const Goals *goals, ChooseCreator choose);
extern void for_each_row(Goals *goals, SavedQuery *query, Datum *values, TakeRow take, void *state);
extern void for_each_creator_row(Goals *goals, CreatorsQuery *query, ArrayType *creators, Datum *values, TakeRow take);
extern void goals_find_most(Goals *goals);

/* goal_followers.c */
extern void goals_read_followers(Goals *goals);

#endif							/* TRACKAGOAT_GOAL_ROWS_H */
