/*
 * read_log.c
 *	  The log of differences as readers see it: the rows of a project that
 *	  nobody has folded yet, and what they add to days.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"

#include "read_parts.h"

static SavedQuery differences_query = {
	.text = "SELECT creator_id, video_id, campaign_id, differences FROM trackagoat.total_difference"
	" WHERE project_id = $1 AND org_id = $2",
	.read_only = true, .nargs = 2, .types = {UUIDOID, UUIDOID}
};

/* The log of a project; the rows stay in SPI's memory. */
Differences
log_load(const Scope *scope)
{
	Differences log = {0};
	Datum		values[2] = {scope->project, scope->org};

	saved_query_run(&differences_query, values, NULL);
	log.count = (int) SPI_processed;
	log.row = palloc_extended(sizeof(Difference) * Max(log.count, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < log.count; i++)
	{
		Difference *row = &log.row[i];
		Datum		value[4];
		bool		isnull[4];

		for (int n = 0; n < 4; n++)
			value[n] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, n + 1, &isnull[n]);
		row->creator = isnull[0] ? NULL : DatumGetUUIDP(value[0]);
		row->video = isnull[1] ? NULL : DatumGetUUIDP(value[1]);
		row->campaign = isnull[2] ? NULL : DatumGetUUIDP(value[2]);
		CHECK_FOR_INTERRUPTS();
		row->amounts = isnull[3] ? NULL : (Series *) PG_DETOAST_DATUM_PACKED(value[3]);
		if (row->campaign != NULL)
			log.marked++;
		else if (row->creator == NULL && row->video == NULL)
			log.rebuild = true;
		else if (row->video == NULL)
			log.flipped++;
	}
	return log;
}

/* Add a row of the log, and see whether a video enters or leaves with it. */
void
log_add(Differences *log, const Difference *row, Calendar *calendar, DaySums *days)
{
	SeriesReader reader;
	SeriesPoint *points;

	if (row->amounts == NULL)
		return;
	CHECK_FOR_INTERRUPTS();
	series_open(&reader, row->amounts);
	if (reader.counters != TOTAL_WIDTH)
		series_malformed();
	points = series_all_points(&reader);
	for (int i = 0; i < reader.points; i++)
	{
		int64	   *sums = day_sums_row(days, calendar_day(calendar, points[i].time));

		for (int n = 0; n < TOTAL_WIDTH; n++)
			add_wrapping(&sums[n], points[i].level[n]);
		log->has_posts |= points[i].level[TOTAL_POSTS] != 0;
	}
	pfree(points);
}

/* The creators that the log says were removed, restored or deleted. */
IdSet *
log_flipped(const Differences *log)
{
	IdSet	   *set = id_set_new();

	for (int i = 0; i < log->count; i++)
	{
		if (log->row[i].creator != NULL && log->row[i].video == NULL)
			id_set_add(set, log->row[i].creator);
	}
	return set;
}
