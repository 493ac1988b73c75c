/*
 * series_datum.h
 *	  The type series in the backend: values of it, and errors about them.
 */
#ifndef TRACKAGOAT_SERIES_DATUM_H
#define TRACKAGOAT_SERIES_DATUM_H

#include "postgres.h"
#include "fmgr.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "series.h"

typedef struct varlena Series;

#define PG_GETARG_SERIES_PP(n) ((Series *) PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(n)))

extern void series_malformed(void) __attribute__((noreturn));
extern void series_open(SeriesReader *reader, const Series *series);
extern bool series_next_block(SeriesReader *reader, SeriesBlock *block);
extern SeriesPoint *series_all_points(SeriesReader *reader);
extern void series_resume(SeriesWriter *writer, const Series *series);
extern Series *series_finish(SeriesWriter *writer);
extern void series_check_time(int64 time);
extern struct ArrayType *series_levels_array(const SeriesState *state, int counters);

#endif							/* TRACKAGOAT_SERIES_DATUM_H */
