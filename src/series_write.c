/*
 * series_write.c
 *	  Writes a run of observations, or goes on with one: the last block is
 *	  read and written anew, those before it are copied as they are.
 *
 * Free of backend state.
 */
#include "pure.h"

#include "series_format.h"

static void
put_varint(uint8 **at, uint64 value)
{
	while (value >= 0x80)
	{
		*(*at)++ = (uint8) (value | 0x80);
		value >>= 7;
	}
	*(*at)++ = (uint8) value;
}

static void
put_time(uint8 **at, int64 time)
{
	/* an odd number of microseconds is no less exact than an even one */
	if (time % SECOND == 0)
		put_varint(at, zigzag(time / SECOND * 2));
	else
		put_varint(at, zigzag(time * 2 + 1));
}

static void
put_state(uint8 **at, const SeriesState *state, int counters)
{
	put_varint(at, (uint64) state->known << 1 | state->has_time);
	put_time(at, state->time);
	for (int c = 0; c < counters; c++)
	{
		if (state->known >> c & 1)
			put_varint(at, zigzag(state->level[c]));
	}
}

static void
put_bitmap(uint8 **at, int count, uint32 bitmap)
{
	*(*at)++ = (uint8) bitmap;
	if (count > 8)
		*(*at)++ = (uint8) (bitmap >> 8);
}

static void
put_column(uint8 **at, int width, int count, const uint64 *values)
{
	uint8	   *start = *at;

	*at += (width * count + 7) / 8;
	memset(start, 0, *at - start);
	for (int i = 0, bit = 0; i < count; i++)
	{
		uint64		value = values[i];

		/* as many bits as fit into the byte at hand */
		for (int left = width; left > 0;)
		{
			int			taken = Min(8 - bit % 8, left);

			start[bit / 8] |= (uint8) ((value & ((1 << taken) - 1)) << (bit % 8));
			value >>= taken;
			bit += taken;
			left -= taken;
		}
	}
}

/* Values less their least: the least, the width, the rest. */
static void
put_offsets(uint8 **at, int count, uint64 *values, uint64 least)
{
	uint64		all = 0;

	for (int i = 0; i < count; i++)
	{
		values[i] -= least;
		all |= values[i];
	}
	put_varint(at, least);
	*(*at)++ = (uint8) bits_of(all);
	put_column(at, bits_of(all), count, values);
}

static void
put_times(uint8 **at, const SeriesWriter *writer, bool microseconds)
{
	uint64		distance[SERIES_BLOCK];
	uint64		least = UINT64_MAX;
	int			first = writer->carry.has_time ? 0 : 1;
	int64		time = writer->carry.time;

	for (int i = 0; i < writer->pending; i++)
	{
		distance[i] = (uint64) (writer->point[i].time - time) / (microseconds ? 1 : SECOND);
		time = writer->point[i].time;
		if (i >= first)
			least = Min(least, distance[i]);
	}
	if (writer->pending <= first)
		least = 1;
	if (first == 1)
		distance[0] = least;
	put_offsets(at, writer->pending, distance, least);
}

static void
put_changes(uint8 **at, const SeriesWriter *writer)
{
	SeriesState state = writer->carry;
	uint64		change[SERIES_MAX_COUNTERS][SERIES_BLOCK];
	uint64		all[SERIES_MAX_COUNTERS] = {0};
	uint64		all_signed[SERIES_MAX_COUNTERS] = {0};
	uint32		changed = 0;

	for (int i = 0; i < writer->pending; i++)
	{
		const SeriesPoint *point = &writer->point[i];

		for (int c = 0; c < writer->counters; c++)
		{
			uint64		before = point->flags & SERIES_BREAK ? 0 : (uint64) state.level[c];

			change[c][i] = point->known >> c & 1 ? (uint64) point->level[c] - before : 0;
			all[c] |= change[c][i];
			all_signed[c] |= zigzag((int64) change[c][i]);
		}
		series_state_apply(&state, point, writer->counters);
	}
	for (int c = 0; c < writer->counters; c++)
	{
		if (all[c] != 0)
			changed |= UINT32_C(1) << c;
	}
	put_bitmap(at, writer->counters, changed);
	for (int c = 0; c < writer->counters; c++)
	{
		bool		is_signed = bits_of(all_signed[c]) < bits_of(all[c]);
		int			width = bits_of(is_signed ? all_signed[c] : all[c]);

		if ((changed >> c & 1) == 0)
			continue;
		if (is_signed)
		{
			for (int i = 0; i < writer->pending; i++)
				change[c][i] = zigzag((int64) change[c][i]);
		}
		*(*at)++ = (uint8) (width | (is_signed ? 0x80 : 0));
		put_column(at, width, writer->pending, change[c]);
	}
}

/* A block can be no longer: each column full, and what goes before it. */
#define LONGEST_BLOCK (64 + (SERIES_MAX_COUNTERS + 2) * (SERIES_BLOCK * 8 + 16))
/* A header neither. */
#define LONGEST_HEADER (64 + 2 * (16 + (SERIES_MAX_COUNTERS + 1) * 10))

/* Write the pending points as a block to *at. */
static void
put_block(uint8 **at, const SeriesWriter *writer)
{
	int			count = writer->pending;
	uint64		source[SERIES_BLOCK];
	uint64		least_source = UINT64_MAX;
	uint32		known[SERIES_MAX_COUNTERS] = {0};
	uint32		rounded = 0;
	uint32		broken = 0;
	uint8		has = 0;
	int64		time = writer->carry.time;

	for (int i = 0; i < count; i++)
	{
		const SeriesPoint *point = &writer->point[i];

		rounded |= (uint32) ((point->flags & SERIES_ROUNDED) != 0) << i;
		broken |= (uint32) ((point->flags & SERIES_BREAK) != 0) << i;
		for (int c = 0; c < writer->counters; c++)
			known[c] |= (point->known >> c & 1) << i;
		source[i] = (uint64) point->source;
		least_source = Min(least_source, source[i]);
		if (source[i] != 0)
			has |= BLOCK_SOURCE;
		if ((point->time - time) % SECOND != 0)
			has |= BLOCK_MICROSECONDS;
		time = point->time;
	}
	if (rounded == ALL_POINTS(count))
		has |= BLOCK_ALL_ROUNDED;
	else if (rounded != 0)
		has |= BLOCK_ROUNDED;
	if (broken != 0)
		has |= BLOCK_BREAK;
	for (int c = 0; c < writer->counters; c++)
	{
		if (known[c] != ALL_POINTS(count))
			has |= BLOCK_UNKNOWN;
	}

	*(*at)++ = has;
	if (has & BLOCK_ROUNDED)
		put_bitmap(at, count, rounded);
	if (has & BLOCK_BREAK)
		put_bitmap(at, count, broken);
	for (int c = 0; has & BLOCK_UNKNOWN && c < writer->counters; c++)
		put_bitmap(at, count, known[c]);
	if (has & BLOCK_SOURCE)
		put_offsets(at, count, source, least_source);
	put_times(at, writer, has & BLOCK_MICROSECONDS);
	put_changes(at, writer);
}

/* Begin a series of so many counters, with an anchor, or NULL for none. */
void
series_write_begin(SeriesWriter *writer, int counters, const SeriesState *start)
{
	/* the points are set as they come */
	memset(writer, 0, offsetof(SeriesWriter, point));
	writer->counters = counters;
	if (start != NULL)
		writer->start = *start;
	writer->carry = writer->state = writer->start;
}

/* Go on with a series that is there: reads its last block.  False where the bytes are none. */
bool
series_write_resume(SeriesWriter *writer, const void *bytes, size_t length)
{
	SeriesReader reader;
	SeriesBlock block;

	if (!series_read(&reader, bytes, length))
		return false;
	series_write_begin(writer, reader.counters, &reader.start);
	writer->blocks_length = (int) (reader.last_block - reader.blocks);
	if (writer->blocks_length > 0)
	{
		writer->blocks_capacity = writer->blocks_length + LONGEST_BLOCK;
		writer->blocks = palloc(writer->blocks_capacity);
		memcpy(writer->blocks, reader.blocks, writer->blocks_length);
	}
	writer->carry = reader.carry;
	writer->points = reader.points;

	series_skip_to_last_block(&reader);
	if (reader.left > 0)
	{
		writer->pending = reader.left;
		if (series_read_block(&reader, &block) != 1)
			return false;
		series_block_points(&block, &reader.state, reader.counters, writer->point);
		series_state_advance(&reader.state, &block, reader.counters);
	}
	writer->state = reader.state;
	return reader.at == reader.end;
}

/* Make room for one more block. */
static void
reserve_block(SeriesWriter *writer)
{
	if (writer->blocks == NULL)
	{
		writer->blocks_capacity = LONGEST_BLOCK;
		writer->blocks = palloc(writer->blocks_capacity);
	}
	else if (writer->blocks_capacity - writer->blocks_length < LONGEST_BLOCK)
	{
		writer->blocks_capacity = writer->blocks_length * 2 + LONGEST_BLOCK;
		writer->blocks = repalloc(writer->blocks, writer->blocks_capacity);
	}
}

/* Add a point, which must be later than all before it. */
void
series_write(SeriesWriter *writer, const SeriesPoint *point)
{
	if (writer->pending == SERIES_BLOCK)
	{
		uint8	   *at;

		reserve_block(writer);
		at = writer->blocks + writer->blocks_length;
		put_block(&at, writer);
		writer->blocks_length = (int) (at - writer->blocks);
		writer->carry = writer->state;
		writer->pending = 0;
	}
	if (writer->points == 0 && !writer->start.has_time)
		writer->start.time = writer->carry.time = point->time;
	writer->point[writer->pending++] = *point;
	writer->points++;
	series_state_apply(&writer->state, point, writer->counters);
}

/*
 * The bytes, palloc'd as long as they are, after so many bytes left free for
 * the caller's header; *length counts both.  The writer may go on.
 */
uint8 *
series_write_end(SeriesWriter *writer, size_t header, size_t *length)
{
	uint8		start[LONGEST_HEADER];
	uint8		block[LONGEST_BLOCK];
	uint8	   *start_end = start;
	uint8	   *block_end = block;
	uint8	   *bytes;
	uint8	   *at;

	*start_end++ = SERIES_VERSION;
	*start_end++ = (uint8) writer->counters;
	put_varint(&start_end, writer->points);
	put_state(&start_end, &writer->start, writer->counters);
	if (writer->points > SERIES_BLOCK)
	{
		put_varint(&start_end, writer->blocks_length);
		put_state(&start_end, &writer->carry, writer->counters);
	}
	if (writer->pending > 0)
		put_block(&block_end, writer);

	*length = header + (start_end - start) + writer->blocks_length + (block_end - block);
	bytes = palloc(*length);
	at = bytes + header;
	memcpy(at, start, start_end - start);
	at += start_end - start;
	if (writer->blocks_length > 0)
		memcpy(at, writer->blocks, writer->blocks_length);
	memcpy(at + writer->blocks_length, block, block_end - block);
	return bytes;
}
