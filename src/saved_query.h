/*
 * saved_query.h
 *	  A query over SPI whose plan lives as long as the process.
 */
#ifndef TRACKAGOAT_SAVED_QUERY_H
#define TRACKAGOAT_SAVED_QUERY_H

#include "executor/spi.h"
#include "utils/snapshot.h"

#define SAVED_QUERY_MAX_ARGS 7

typedef struct SavedQuery
{
	const char *text;
	bool		read_only;		/* under the active snapshot, and no writing */
	int			nargs;
	Oid			types[SAVED_QUERY_MAX_ARGS];
	SPIPlanPtr	plan;			/* made at first use */
} SavedQuery;

extern void saved_query_run(SavedQuery *query, Datum *values, const char *nulls);
extern void saved_query_run_at(SavedQuery *query, Datum *values, Snapshot snapshot);

#endif							/* TRACKAGOAT_SAVED_QUERY_H */
