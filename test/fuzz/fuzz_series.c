/*
 * fuzz_series.c
 *	  Feeds any bytes to the reader of series, and whatever it accepts to the
 *	  writer and back; then takes the same bytes for a list of points.
 */
#include "pure.h"

#include "arena.h"
#include "series.h"

#define SECOND INT64CONST(1000000)

/* Points made of one input: enough for a dozen blocks. */
#define MADE_POINTS 200

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Bytes
{
	uint8	   *data;
	size_t		length;
} Bytes;

static void
check(bool fine)
{
	if (!fine)
		abort();
}

static void
check_same_state(const SeriesState *a, const SeriesState *b)
{
	check(a->has_time == b->has_time);
	check(a->known == b->known);
	check(!a->has_time || a->time == b->time);
	check(memcmp(a->level, b->level, sizeof(a->level)) == 0);
}

static void
check_same_points(const SeriesPoint *a, const SeriesPoint *b, int count)
{
	for (int i = 0; i < count; i++)
	{
		check(a[i].time == b[i].time);
		check(a[i].known == b[i].known);
		check(a[i].source == b[i].source);
		check(a[i].flags == b[i].flags);
		check(memcmp(a[i].level, b[i].level, sizeof(a[i].level)) == 0);
	}
}

/* What every series promises of its points. */
static void
check_points(const SeriesPoint *points, int count, int counters, const SeriesState *start)
{
	int64		before = start->has_time ? start->time : SERIES_EARLIEST - 1;

	for (int i = 0; i < count; i++)
	{
		check(series_time_is_valid(points[i].time));
		check(points[i].time > before);
		check(points[i].source >= 0 && points[i].source <= PG_INT16_MAX);
		check((points[i].flags & ~(uint32) (SERIES_ROUNDED | SERIES_BREAK)) == 0);
		check(points[i].known >> counters == 0);
		for (int c = 0; c < SERIES_MAX_COUNTERS; c++)
			check(points[i].known >> c & 1 || points[i].level[c] == 0);
		before = points[i].time;
	}
}

/* The bytes end in memory of their own, so that each overrun is seen. */
static Bytes
finish(SeriesWriter *writer)
{
	Bytes		bytes;
	uint8	   *written = series_write_end(writer, 4, &bytes.length);

	bytes.length -= 4;
	bytes.data = palloc(bytes.length);
	memcpy(bytes.data, written + 4, bytes.length);
	return bytes;
}

static Bytes
write_points(int counters, const SeriesState *start, const SeriesPoint *points, int count)
{
	SeriesWriter writer;

	series_write_begin(&writer, counters, start->has_time ? start : NULL);
	for (int i = 0; i < count; i++)
		series_write(&writer, &points[i]);
	return finish(&writer);
}

static void
check_same_bytes(Bytes a, Bytes b)
{
	check(a.length == b.length && memcmp(a.data, b.data, a.length) == 0);
}

/* Bytes that hold these points, after this state. */
static void
check_holds(Bytes bytes, int counters, const SeriesState *start, const SeriesPoint *points, int count)
{
	SeriesReader reader;
	SeriesState state = *start;
	SeriesState last;
	SeriesPoint *read;

	check(series_read(&reader, bytes.data, bytes.length));
	check(reader.counters == counters && reader.points == count);
	check_same_state(&reader.start, start);
	check(series_last_state(&reader, &last));
	check((read = series_read_points(&reader)) != NULL);
	check_same_points(read, points, count);
	for (int i = 0; i < count; i++)
		series_state_apply(&state, &points[i], counters);
	check_same_state(&reader.state, &state);
	check_same_state(&last, &state);
	check(series_read(&reader, bytes.data, bytes.length) && series_read_to_end(&reader));
}

/* Read to the end, or to what is broken, but for counters that are not wanted. */
static void
read_wanted(SeriesReader *reader, uint32 wanted)
{
	SeriesBlock block;

	reader->wanted = wanted;
	while (series_read_block(reader, &block) > 0)
		series_state_advance(&reader->state, &block, reader->counters);
}

/* Counters that are not wanted change nothing about those that are. */
static void
check_wanted(const uint8_t *data, size_t size, uint32 wanted, const SeriesState *state)
{
	SeriesReader reader;

	check(series_read(&reader, data, size));
	read_wanted(&reader, wanted);
	check(reader.left == 0 && reader.state.known == state->known);
	for (int c = 0; c < reader.counters; c++)
		check((wanted >> c & 1) == 0 || reader.state.level[c] == state->level[c]);
}

/* Go on with bytes: as if all had been written at once. */
static void
check_resumed(Bytes bytes, int counters, const SeriesState *start, SeriesPoint *points, int count, bool is_ours)
{
	SeriesWriter writer;
	SeriesPoint *more = &points[count];
	Bytes		longer;

	check(series_write_resume(&writer, bytes.data, bytes.length));
	check(writer.counters == counters && writer.points == count);
	if (is_ours)
		check_same_bytes(finish(&writer), bytes);

	memset(more, 0, sizeof(*more));
	more->time = writer.state.has_time ? writer.state.time + 1 + count % 2 * (SECOND - 1) : SERIES_EARLIEST;
	more->known = 1;
	more->level[0] = PG_INT64_MIN + count;
	more->flags = count % 3 == 0 ? SERIES_BREAK : 0;
	if (!series_time_is_valid(more->time) || count == SERIES_MAX_POINTS)
		return;
	series_write(&writer, more);
	longer = finish(&writer);
	check_holds(longer, counters, start, points, count + 1);
	if (is_ours)
		check_same_bytes(longer, write_points(counters, start, points, count + 1));
}

/* Any bytes: refused, or what they hold can be written and read again. */
static void
try_bytes(const uint8_t *data, size_t size)
{
	SeriesReader reader;
	SeriesReader whole;
	SeriesReader part;
	SeriesWriter writer;
	SeriesState last;
	SeriesPoint *read;
	SeriesPoint *points;
	Bytes		given = {(uint8 *) data, size};
	Bytes		written;
	int			count;

	if (!series_read(&reader, data, size))
	{
		check(!series_write_resume(&writer, data, size));
		return;
	}
	/* these must stand whatever comes */
	whole = part = reader;
	read = series_read_points(&whole);
	read_wanted(&part, (uint32) size);
	(void) series_last_state(&reader, &last);
	(void) series_write_resume(&writer, data, size);
	if (!series_read_to_end(&reader))
		return;

	check(read != NULL);
	count = reader.points;
	points = palloc(sizeof(SeriesPoint) * (count + 1));
	memcpy(points, read, sizeof(SeriesPoint) * count);
	check_points(points, count, reader.counters, &reader.start);
	check_same_state(&whole.state, &reader.state);
	check_holds(given, reader.counters, &reader.start, points, count);
	check_wanted(data, size, (uint32) size, &reader.state);
	check_resumed(given, reader.counters, &reader.start, points, count, false);

	written = write_points(reader.counters, &reader.start, points, count);
	check_holds(written, reader.counters, &reader.start, points, count);
	check_resumed(written, reader.counters, &reader.start, points, count, true);
}

/* ---- the input as a list of points ---- */

typedef struct Input
{
	const uint8_t *at;
	const uint8_t *end;
} Input;

static uint64
take(Input *input, int bytes)
{
	uint64		value = 0;

	for (; bytes > 0 && input->at < input->end; bytes--)
		value = value << 8 | *input->at++;
	return value;
}

/* A level: near the one before, any 64 bits, or not known. */
static void
take_level(Input *input, SeriesPoint *point, const SeriesState *state, int c)
{
	uint8		kind = (uint8) take(input, 1);
	uint64		level = (uint64) state->level[c];

	if (kind < 0x20)
		return;
	if (kind >= 0x40)
		level += kind >= 0xf0 ? take(input, 8) : kind >= 0xc0 ? take(input, 2) : (uint64) kind - 0x50;
	point->known |= UINT32_C(1) << c;
	point->level[c] = (int64) level;
}

static bool
take_point(Input *input, SeriesPoint *point, const SeriesState *state, int counters)
{
	static const uint64 units[] = {SECOND, 1, 3600 * SECOND, 86400 * SECOND * 365};
	uint8		kind = (uint8) take(input, 1);
	uint64		step = take(input, 1 + (kind >> 2 & 1)) * units[kind & 3];

	memset(point, 0, sizeof(*point));
	point->flags = (kind & 0x08 ? SERIES_ROUNDED : 0) | ((kind & 0x70) == 0x70 ? SERIES_BREAK : 0);
	if (kind & 0x80)
		point->source = (int32) (take(input, 2) & PG_INT16_MAX);
	/* the first may stand anywhere, each other is later */
	if (!state->has_time)
		point->time = SERIES_EARLIEST + (int64) (take(input, 8) % (uint64) (SERIES_LATEST - SERIES_EARLIEST));
	else
		point->time = state->time + (int64) Max(step, 1);
	for (int c = 0; c < counters; c++)
		take_level(input, point, state, c);
	return series_time_is_valid(point->time);
}

/* Points made of the input: written and read again they are the same. */
static void
try_points(const uint8_t *data, size_t size)
{
	Input		input = {data, data + size};
	uint8		head = (uint8) take(&input, 1);
	int			counters = head % SERIES_MAX_COUNTERS + 1;
	SeriesState start = {0};
	SeriesState state;
	SeriesPoint *points = palloc(sizeof(SeriesPoint) * (MADE_POINTS + 1));
	Bytes		bytes;
	int			count = 0;

	if (head & 0x80 && take_point(&input, &points[0], &start, counters))
		series_state_apply(&start, &points[0], counters);
	state = start;
	bytes = write_points(counters, &start, points, 0);
	while (count < MADE_POINTS && input.at < input.end &&
		   take_point(&input, &points[count], &state, counters))
	{
		SeriesPoint point = points[count];

		/* one at a time is as good as all at once */
		if (count < 3 * SERIES_BLOCK)
		{
			SeriesWriter writer;

			check(series_write_resume(&writer, bytes.data, bytes.length));
			series_write(&writer, &point);
			bytes = finish(&writer);
			check_same_bytes(bytes, write_points(counters, &start, points, count + 1));
		}
		series_state_apply(&state, &point, counters);
		count++;
	}
	bytes = write_points(counters, &start, points, count);
	check_holds(bytes, counters, &start, points, count);
	check_wanted(bytes.data, bytes.length, (uint32) size, &state);
	check_resumed(bytes, counters, &start, points, count, true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_bytes(data, size);
	arena_reset();
	try_points(data, size);
	arena_reset();
	return 0;
}
