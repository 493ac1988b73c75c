/*
 * read_totals.h
 *	  What an entity's numbers are now, or were: see read_totals.c.
 */
#ifndef TRACKAGOAT_READ_TOTALS_H
#define TRACKAGOAT_READ_TOTALS_H

#include "totals.h"

/* What is asked about. */
typedef struct Scope
{
	const char *kind;			/* video, creator, campaign or project */
	Datum		id;
	Datum		org;
	Datum		project;
	char	   *timezone;		/* the organization's */
	bool		is_removed;		/* a creator that is out of the program */
} Scope;

/* Followers: gain, baseline and number of baselines. */
#define FOLLOWER_WIDTH AMOUNTS(1)

extern bool may_read_totals(void);
extern Scope scope_find(const char *kind, Datum id);
extern int64 scope_read(const Scope *scope, const char *timezone, TimestampTz until, bool live,
						DaySums *days, int32 from);
extern void scope_read_followers(const Scope *scope, Calendar *calendar, TimestampTz until, DaySums *days);

#endif							/* TRACKAGOAT_READ_TOTALS_H */
