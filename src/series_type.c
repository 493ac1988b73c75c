/*
 * series_type.c
 *	  The SQL type series: text and binary form, and the errors of all who
 *	  read values of it.
 *
 * The text form is the number of counters, then a point each after a
 * semicolon: time in UTC, levels separated by commas, "-" for one that is
 * not known, then "~" where the source rounds, "!" at a break, "#" and the
 * number of the source.  A leading "@" point is the anchor:
 *
 *		2; @2026-01-01T00:00:00Z 90,-; 2026-01-02T12:00:00Z 100,7 ~ #3
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "series_datum.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(series_in);
PG_FUNCTION_INFO_V1(series_out);
PG_FUNCTION_INFO_V1(series_recv);
PG_FUNCTION_INFO_V1(series_send);
PG_FUNCTION_INFO_V1(series_is_sound);

/* Raise that stored bytes are no series. */
void
series_malformed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("malformed series"),
			 errdetail("The bytes of a value of type trackagoat.series cannot be read."),
			 errhint("Where it is of a history, SELECT * FROM trackagoat.verify() tells whose; restore the row from a backup.")));
}

/* Begin to read a value, which must stay in place. */
void
series_open(SeriesReader *reader, const Series *series)
{
	if (!series_read(reader, VARDATA_ANY(series), VARSIZE_ANY_EXHDR(series)))
		series_malformed();
}

/* The next block, or false at the end. */
bool
series_next_block(SeriesReader *reader, SeriesBlock *block)
{
	int			result = series_read_block(reader, block);

	if (result < 0)
		series_malformed();
	return result > 0;
}

/* The points not read yet, reader->left of them at the call; palloc'd. */
SeriesPoint *
series_all_points(SeriesReader *reader)
{
	SeriesPoint *points = series_read_points(reader);

	if (points == NULL)
		series_malformed();
	return points;
}

/* Go on with a value. */
void
series_resume(SeriesWriter *writer, const Series *series)
{
	if (!series_write_resume(writer, VARDATA_ANY(series), VARSIZE_ANY_EXHDR(series)))
		series_malformed();
}

/* What was written as a value, palloc'd. */
Series *
series_finish(SeriesWriter *writer)
{
	size_t		length;
	Series	   *series = (Series *) series_write_end(writer, VARHDRSZ, &length);

	SET_VARSIZE(series, length);
	return series;
}

/* Refuse a time that no series can hold. */
void
series_check_time(int64 time)
{
	if (!series_time_is_valid(time))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("time out of range for a series"),
				 errhint("Times are from the years 1 to 9999.")));
}

/* Levels as a bigint[], NULL where not known. */
ArrayType *
series_levels_array(const SeriesState *state, int counters)
{
	Datum		values[SERIES_MAX_COUNTERS];
	bool		nulls[SERIES_MAX_COUNTERS];
	int			lower = 1;

	for (int c = 0; c < counters; c++)
	{
		nulls[c] = (state->known >> c & 1) == 0;
		values[c] = Int64GetDatum(state->level[c]);
	}
	return construct_md_array(values, nulls, 1, &counters, &lower, INT8OID,
							  sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

static void
refuse_text(const char *input, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type series: \"%.*s\"",
					(int) strnlen(input, ERROR_SHOWN_LENGTH), input),
			 errdetail("%s", why),
			 errhint("Write the number of counters, then points: \"2; 2026-01-01T00:00:00Z 10,-\".")));
}

/* Cut the next token, up to a blank, from *text; NULL at the end. */
static char *
next_token(char **text)
{
	char	   *token;

	while (**text == ' ')
		(*text)++;
	if (**text == '\0')
		return NULL;
	token = *text;
	while (**text != ' ' && **text != '\0')
		(*text)++;
	if (**text == ' ')
		*(*text)++ = '\0';
	return token;
}

static void
read_levels(const char *input, char *list, int counters, SeriesPoint *point)
{
	for (int c = 0; c < counters; c++)
	{
		char	   *comma = strchr(list, ',');

		if ((comma == NULL) != (c == counters - 1))
			refuse_text(input, "A point has not one level for each counter.");
		if (comma != NULL)
			*comma = '\0';
		if (strcmp(list, "-") != 0)
		{
			point->level[c] = pg_strtoint64(list);
			point->known |= UINT32_C(1) << c;
		}
		list = comma + 1;
	}
}

/* Read one point; text is destroyed. */
static void
read_point(const char *input, char *text, int counters, SeriesPoint *point)
{
	char	   *time = next_token(&text);
	char	   *levels = next_token(&text);
	char	   *mark;

	memset(point, 0, sizeof(*point));
	if (levels == NULL)
		refuse_text(input, "A point is a time and levels.");
	point->time = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(time),
														  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	series_check_time(point->time);
	read_levels(input, levels, counters, point);
	while ((mark = next_token(&text)) != NULL)
	{
		if (strcmp(mark, "~") == 0)
			point->flags |= SERIES_ROUNDED;
		else if (strcmp(mark, "!") == 0)
			point->flags |= SERIES_BREAK;
		else if (mark[0] == '#' && mark[1] != '\0' && strspn(mark + 1, "0123456789") == strlen(mark + 1) &&
				 strlen(mark) <= 6)
			point->source = pg_strtoint16(mark + 1);
		else
			refuse_text(input, "After its levels a point has only \"~\", \"!\" and \"#\" with a number.");
	}
}

/* The text form as a value; 22P02 for anything else. */
Datum
series_in(PG_FUNCTION_ARGS)
{
	char	   *input = PG_GETARG_CSTRING(0);
	char	   *text = pstrdup(input);
	char	   *end;
	long		counters = strtol(text, &end, 10);
	SeriesWriter writer;
	char	   *item;
	bool		first = true;

	if (counters < 1 || counters > SERIES_MAX_COUNTERS ||
		(*(end += strspn(end, " ")) != ';' && *end != '\0'))
		refuse_text(input, "It must begin with the number of counters, 1 to 16.");
	series_write_begin(&writer, (int) counters, NULL);
	if (*end == ';')
		end++;
	while ((item = strsep(&end, ";")) != NULL)
	{
		SeriesPoint point;
		char	   *at = item + strspn(item, " ");

		CHECK_FOR_INTERRUPTS();
		if (*at == '\0')
		{
			if (end == NULL)
				break;
			refuse_text(input, "There is nothing between two semicolons.");
		}
		read_point(input, *at == '@' ? at + 1 : at, (int) counters, &point);
		if (*at == '@')
		{
			SeriesState start = {0};

			if (!first || point.flags != 0 || point.source != 0)
				refuse_text(input, "The anchor comes first and has only levels.");
			series_state_apply(&start, &point, (int) counters);
			series_write_begin(&writer, (int) counters, &start);
		}
		else
		{
			if (writer.state.has_time && point.time <= writer.state.time)
				refuse_text(input, "The times do not rise.");
			if (writer.points == SERIES_MAX_POINTS)
				refuse_text(input, "A series has at most a million points.");
			series_write(&writer, &point);
		}
		first = false;
	}
	PG_RETURN_POINTER(series_finish(&writer));
}

static void
write_time(StringInfo text, int64 time)
{
	struct pg_tm tm;
	fsec_t		fsec;
	char		buffer[MAXDATELEN + 1];

	if (timestamp2tm(time, NULL, &tm, &fsec, NULL, NULL) != 0)
		series_malformed();
	EncodeDateTime(&tm, fsec, false, 0, NULL, USE_XSD_DATES, buffer);
	appendStringInfo(text, "%sZ ", buffer);
}

static void
write_levels(StringInfo text, uint32 known, const int64 *level, int counters)
{
	for (int c = 0; c < counters; c++)
	{
		if (c > 0)
			appendStringInfoChar(text, ',');
		if (known >> c & 1)
			appendStringInfo(text, INT64_FORMAT, level[c]);
		else
			appendStringInfoChar(text, '-');
	}
}

/* The text form, the same under any setting. */
Datum
series_out(PG_FUNCTION_ARGS)
{
	Series	   *series = PG_GETARG_SERIES_PP(0);
	SeriesReader reader;
	SeriesPoint *points;
	StringInfoData text;

	series_open(&reader, series);
	points = series_all_points(&reader);
	initStringInfo(&text);
	appendStringInfo(&text, "%d", reader.counters);
	if (reader.start.has_time)
	{
		appendStringInfoString(&text, "; @");
		write_time(&text, reader.start.time);
		write_levels(&text, reader.start.known, reader.start.level, reader.counters);
	}
	for (int i = 0; i < reader.points; i++)
	{
		appendStringInfoString(&text, "; ");
		write_time(&text, points[i].time);
		write_levels(&text, points[i].known, points[i].level, reader.counters);
		if (points[i].flags & SERIES_ROUNDED)
			appendStringInfoString(&text, " ~");
		if (points[i].flags & SERIES_BREAK)
			appendStringInfoString(&text, " !");
		if (points[i].source != 0)
			appendStringInfo(&text, " #%d", points[i].source);
	}
	PG_RETURN_CSTRING(text.data);
}

/* Bytes from outside: kept as they are once every one of them makes sense. */
Datum
series_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int			length = buffer->len - buffer->cursor;
	const char *bytes = pq_getmsgbytes(buffer, length);
	SeriesReader reader;
	Series	   *series;

	if (!series_read(&reader, bytes, length) || !series_read_to_end(&reader))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary form of type series")));
	series = palloc(VARHDRSZ + length);
	SET_VARSIZE(series, VARHDRSZ + length);
	memcpy(VARDATA(series), bytes, length);
	PG_RETURN_POINTER(series);
}

Datum
series_send(PG_FUNCTION_ARGS)
{
	Series	   *series = PG_GETARG_SERIES_PP(0);
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendbytes(&buffer, VARDATA_ANY(series), VARSIZE_ANY_EXHDR(series));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* series_is_sound(series): whether all of its bytes make sense. */
Datum
series_is_sound(PG_FUNCTION_ARGS)
{
	Series	   *series = PG_GETARG_SERIES_PP(0);
	SeriesReader reader;

	PG_RETURN_BOOL(series_read(&reader, VARDATA_ANY(series), VARSIZE_ANY_EXHDR(series)) &&
				   series_read_to_end(&reader));
}
