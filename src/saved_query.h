/*
 * saved_query.h
 *	  A query over SPI whose plan lives as long as the process.
 */
#ifndef TRACKAGOAT_SAVED_QUERY_H
#define TRACKAGOAT_SAVED_QUERY_H

#include "executor/spi.h"
#include "utils/snapshot.h"

#define SAVED_QUERY_MAX_ARGS 9

typedef struct SavedQuery
{
	const char *text;
	bool		read_only;		/* under the active snapshot, and no writing */
	bool		custom;			/* planned for each run, as long arrays want it */
	int			nargs;
	Oid			types[SAVED_QUERY_MAX_ARGS];
	SPIPlanPtr	plan;			/* made at first use */
} SavedQuery;

extern void saved_query_run(SavedQuery *query, Datum *values, const char *nulls);
extern void saved_query_run_at(SavedQuery *query, Datum *values, Snapshot snapshot);
extern void saved_query_write(SavedQuery *query, Datum *values, const char *nulls);
extern Datum saved_query_value(bool *isnull);
extern Portal saved_query_cursor(SavedQuery *query, Datum *values);
extern void saved_query_forget(SavedQuery *query);
extern Datum saved_query_array(Datum *values, bool *nulls, int count, Oid type, int length,
							   bool by_value, char align);
extern void saved_query_set_type(SavedQuery *query, int argument, Oid type);

#endif							/* TRACKAGOAT_SAVED_QUERY_H */
