/*
 * history.h
 *	  Histories: the rows that keep what was observed of a video or creator.
 */
#ifndef TRACKAGOAT_HISTORY_H
#define TRACKAGOAT_HISTORY_H

#include "postgres.h"

#include "utils/uuid.h"

#include "amounts.h"
#include "saved_query.h"
#include "series_datum.h"

/* The two kinds of entity that have histories. */
typedef struct HistoryKind
{
	const char *entity;
	int			counters;
	bool		has_totals;		/* what is observed goes into totals */
	SavedQuery	lock;			/* ids, org: the rows, locked, in order */
	SavedQuery	load_open;		/* ids, org: open rows, in order */
	SavedQuery	find;			/* ids, org: those that have any row */
	SavedQuery	load_from;		/* id, org, time: rows that reach into that time or are later */
	SavedQuery	load_last;		/* id, org: the last sealed row */
	SavedQuery	delete_from;	/* id, org, time: rows that begin then or later */
	SavedQuery	insert;			/* ids, orgs, starts, series */
	SavedQuery	update;			/* ids, orgs, starts, series */
	SavedQuery	update_entity;	/* ids, orgs, times, whether to write what is the same, levels of each counter */
} HistoryKind;

/* An entity being observed. */
typedef struct HistoryEntity
{
	pg_uuid_t	id;
	pg_uuid_t	org;
	pg_uuid_t	project;
	pg_uuid_t	creator;
	bool		has_creator;
	bool		is_counted;		/* its differences go into totals */
	Series	   *open;			/* its open row, or NULL */
	bool		has_rows;
} HistoryEntity;

/* Arrays for one statement, gathered over many entities. */
typedef struct RowList
{
	int			count;
	int			capacity;
	Datum	   *id;
	Datum	   *org;
	Datum	   *start;
	Datum	   *series;
} RowList;

/* What is to be written for a number of entities. */
typedef struct HistoryWrites
{
	RowList		inserted;
	RowList		updated;
} HistoryWrites;

extern HistoryKind *history_kind(const char *entity);
extern void row_list_add(RowList *list, const HistoryEntity *entity, TimestampTz start, Series *series);
extern void history_append(HistoryKind *kind, HistoryEntity *entity,
						   const SeriesPoint *points, int count,
						   HistoryWrites *writes, Amounts *amounts, SeriesState *state);
extern void history_rewrite(HistoryKind *kind, HistoryEntity *entity,
							const SeriesPoint *points, int count,
							TimestampTz drop_from, TimestampTz drop_to, TimestampTz mend_from,
							HistoryWrites *writes, Amounts *amounts, SeriesState *state);
extern void history_write(HistoryKind *kind, HistoryWrites *writes);
extern Oid	series_type(bool array);

#endif							/* TRACKAGOAT_HISTORY_H */
