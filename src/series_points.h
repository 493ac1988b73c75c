/*
 * series_points.h
 *	  Runs of points outside of a series.
 */
#ifndef TRACKAGOAT_SERIES_POINTS_H
#define TRACKAGOAT_SERIES_POINTS_H

#include "series.h"

extern int	series_points_unify(SeriesPoint *points, int count, int counters);
extern SeriesPoint *series_points_merge(const SeriesPoint *first, int first_count,
										const SeriesPoint *second, int second_count,
										int counters, int *count);

#endif							/* TRACKAGOAT_SERIES_POINTS_H */
