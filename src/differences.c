/*
 * differences.c
 *	  The log of differences: rows of it, and all that a video adds to totals
 *	  when it enters or leaves.
 *
 * Whoever changes what a video adds writes the video's row.  So who holds the
 * row reads what the video adds now, even under a snapshot that is fixed: one
 * that does not show it cannot hold the row.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "differences.h"
#include "history.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(video_amounts);
PG_FUNCTION_INFO_V1(post_amounts);

static SavedQuery insert_query = {
	.text = "INSERT INTO trackagoat.total_difference (org_id, project_id, creator_id, video_id, differences)"
	" SELECT * FROM unnest($1, $2, $3, $4, $5)",
	.nargs = 5, .types = {UUIDARRAYOID, UUIDARRAYOID, UUIDARRAYOID, UUIDARRAYOID}
};

static SavedQuery history_query = {
	.text = "SELECT points FROM trackagoat.video_history"
	" WHERE video_id OPERATOR(pg_catalog.=) $1 AND org_id OPERATOR(pg_catalog.=) $2 ORDER BY started_at",
	.nargs = 2, .types = {UUIDOID, UUIDOID}
};

/* Those of many videos of one organization. */
static SavedQuery histories_query = {
	.text = "SELECT video_id, points FROM trackagoat.video_history WHERE video_id = ANY ($1) AND org_id = $2"
	" ORDER BY video_id, started_at",
	.nargs = 2, .types = {UUIDARRAYOID, UUIDOID}
};

/* Add a row for a video's project; without a difference one that has it computed anew. */
void
differences_add(DifferenceColumns *columns, const pg_uuid_t *video, const pg_uuid_t *org,
				const pg_uuid_t *project, const pg_uuid_t *creator, Series *difference)
{
	int			n = columns->count++;

	columns->org[n] = UUIDPGetDatum(org);
	columns->project[n] = UUIDPGetDatum(project);
	columns->creator[n] = UUIDPGetDatum(creator);
	columns->no_creator[n] = creator == NULL || difference == NULL;
	columns->video[n] = UUIDPGetDatum(video);
	columns->no_video[n] = difference == NULL;
	columns->difference[n] = PointerGetDatum(difference);
}

/* Write the rows gathered, and begin anew; SPI must be connected. */
void
differences_write(DifferenceColumns *columns)
{
	Datum		values[5];
	int			n = columns->count;

	if (n == 0)
		return;
	saved_query_set_type(&insert_query, 4, series_type(true));
	values[0] = saved_query_array(columns->org, NULL, n, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
	values[1] = saved_query_array(columns->project, NULL, n, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
	values[2] = saved_query_array(columns->creator, columns->no_creator, n, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
	values[3] = saved_query_array(columns->video, columns->no_video, n, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
	values[4] = saved_query_array(columns->difference, columns->no_video, n, series_type(false), -1, false, TYPALIGN_INT);
	saved_query_write(&insert_query, values, NULL);
	columns->count = 0;
}

/* Add what a row of a history contributes, or take it away. */
static void
add_history(Amounts *amounts, Datum points, int sign)
{
	SeriesReader reader;
	SeriesState start;
	SeriesPoint *read;

	series_open(&reader, (Series *) PG_DETOAST_DATUM_PACKED(points));
	if (reader.counters != VIDEO_COUNTERS)
		series_malformed();
	start = reader.start;
	read = series_all_points(&reader);
	amounts_add_points(amounts, &start, read, reader.points, sign);
	pfree(read);
}

/* post_amounts(posted_at): what a video adds of which nothing was observed. */
Datum
post_amounts(PG_FUNCTION_ARGS)
{
	Amounts		amounts = {0};
	bool		too_many = false;

	amounts_add_post(&amounts, PG_GETARG_TIMESTAMPTZ(0), 1);
	PG_RETURN_POINTER(amounts_finish(&amounts, &too_many));
}

/*
 * video_amounts(video_id, org_id, posted_at, sign): all that the video adds
 * to totals, or with a sign of -1 what they lose with it; NULL for more moments
 * than a series holds.  The caller holds the video's row.
 */
Datum
video_amounts(PG_FUNCTION_ARGS)
{
	int			sign = PG_GETARG_INT32(3) < 0 ? -1 : 1;
	Datum		values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	MemoryContext memory = CurrentMemoryContext;
	MemoryContext old_context;
	Amounts		amounts = {0};
	bool		too_many = false;
	Series	   *result;

	SPI_connect();
	saved_query_run(&history_query, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		add_history(&amounts, SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull), sign);
	}
	amounts_add_post(&amounts, PG_GETARG_TIMESTAMPTZ(2), sign);
	old_context = MemoryContextSwitchTo(memory);
	result = amounts_finish(&amounts, &too_many);
	MemoryContextSwitchTo(old_context);
	SPI_finish();
	if (too_many)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(result);
}

static int
compare_flipped(const void *a, const void *b)
{
	const FlippedVideo *left = a;
	const FlippedVideo *right = b;
	int			order = memcmp(&left->org, &right->org, UUID_LEN);

	return order != 0 ? order : memcmp(&left->id, &right->id, UUID_LEN);
}

/* Log a slice of videos of one organization, in the order of ids. */
static void
log_slice(const FlippedVideo *videos, int count, DifferenceColumns *columns)
{
	Datum		ids[DIFFERENCE_SLICE];
	Datum		values[2];
	SPITupleTable *histories;
	uint64		rows;
	uint64		row = 0;
	bool		isnull;

	for (int i = 0; i < count; i++)
		ids[i] = UUIDPGetDatum(&videos[i].id);
	values[0] = saved_query_array(ids, NULL, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
	values[1] = UUIDPGetDatum(&videos[0].org);
	saved_query_run(&histories_query, values, NULL);
	histories = SPI_tuptable;
	rows = SPI_processed;
	for (int i = 0; i < count; i++)
	{
		const FlippedVideo *video = &videos[i];
		Amounts		amounts = {0};
		bool		too_many = false;
		Series	   *difference;

		CHECK_FOR_INTERRUPTS();
		for (; row < rows; row++)
		{
			pg_uuid_t  *id = DatumGetUUIDP(SPI_getbinval(histories->vals[row], histories->tupdesc, 1, &isnull));

			if (memcmp(id, &video->id, UUID_LEN) != 0)
				break;
			add_history(&amounts, SPI_getbinval(histories->vals[row], histories->tupdesc, 2, &isnull), video->sign);
		}
		amounts_add_post(&amounts, video->posted_at, video->sign);
		difference = amounts_finish(&amounts, &too_many);
		differences_add(columns, &video->id, &video->org, &video->project,
						video->has_creator ? &video->creator : NULL, difference);
	}
	SPI_freetuptable(histories);
	differences_write(columns);
}

/*
 * Log that videos begin or cease to count, which the caller has locked; sorts
 * them.  SPI must be connected.
 */
void
differences_log_flipped(FlippedVideo *videos, int count)
{
	DifferenceColumns *columns = palloc0(sizeof(DifferenceColumns));

	qsort(videos, count, sizeof(FlippedVideo), compare_flipped);
	for (int from = 0; from < count;)
	{
		int			n = 1;

		while (from + n < count && n < DIFFERENCE_SLICE &&
			   memcmp(&videos[from].org, &videos[from + n].org, UUID_LEN) == 0)
			n++;
		log_slice(videos + from, n, columns);
		from += n;
	}
	pfree(columns);
}
