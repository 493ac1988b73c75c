/*
 * bulk.h
 *	  Statements whose triggers stand back: see bulk.c.
 */
#ifndef TRACKAGOAT_BULK_H
#define TRACKAGOAT_BULK_H

#include "saved_query.h"

extern void run_in_bulk(SavedQuery *query, Datum *values, const char *nulls);

#endif							/* TRACKAGOAT_BULK_H */
