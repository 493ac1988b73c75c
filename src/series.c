/*
 * series.c
 *	  Reads a run of observations, packed to a few bytes a point as
 *	  series_format.h says.
 *
 * Free of backend state; nothing here trusts the bytes it reads.
 */
#include "pure.h"

#include "series_format.h"

static inline uint64
load64(const uint8 *bytes)
{
	uint64		value;

	memcpy(&value, bytes, sizeof(value));
#ifdef WORDS_BIGENDIAN
	value = __builtin_bswap64(value);
#endif
	return value;
}

/* Whether a time can be in a series: the years 1 to 9999. */
bool
series_time_is_valid(int64 time)
{
	return time >= SERIES_EARLIEST && time < SERIES_LATEST;
}

static bool
get_byte(SeriesReader *reader, uint8 *value)
{
	if (reader->at >= reader->end)
		return false;
	*value = *reader->at++;
	return true;
}

static bool
get_varint(SeriesReader *reader, uint64 *value)
{
	*value = 0;
	for (int shift = 0; shift < 64; shift += 7)
	{
		uint8		byte;

		if (!get_byte(reader, &byte))
			return false;
		*value |= (uint64) (byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return shift < 63 || byte <= 1;
	}
	return false;
}

/* A time: whole seconds are even, what has microseconds is odd. */
static bool
get_time(SeriesReader *reader, int64 *time)
{
	uint64		raw;
	int64		value;

	if (!get_varint(reader, &raw))
		return false;
	value = unzigzag(raw);
	if (value & 1)
		*time = (value - 1) / 2;
	else if (value / 2 < SERIES_EARLIEST / SECOND || value / 2 > SERIES_LATEST / SECOND)
		return false;
	else
		*time = value / 2 * SECOND;
	return series_time_is_valid(*time);
}

static bool
get_state(SeriesReader *reader, SeriesState *state)
{
	uint64		known;

	memset(state, 0, sizeof(*state));
	if (!get_varint(reader, &known) || known >> 1 >= UINT64_C(1) << reader->counters ||
		!get_time(reader, &state->time))
		return false;
	state->has_time = known & 1;
	state->known = (uint32) (known >> 1);
	if (state->known != 0 && !state->has_time)
		return false;
	for (int c = 0; c < reader->counters; c++)
	{
		uint64		level;

		if ((state->known >> c & 1) == 0)
			continue;
		if (!get_varint(reader, &level))
			return false;
		state->level[c] = unzigzag(level);
	}
	return true;
}

/* A bitmap of the points of a block. */
static bool
get_bitmap(SeriesReader *reader, int count, uint32 *bitmap)
{
	int			length = count > 8 ? 2 : 1;

	if (reader->end - reader->at < length)
		return false;
	*bitmap = reader->at[0] | (length > 1 ? (uint32) reader->at[1] << 8 : 0);
	reader->at += length;
	return *bitmap <= ALL_POINTS(count);
}

/*
 * A column: a byte of its width, then as many bits for each value.  The
 * fast path reads eight bytes at a time, up to seven beyond the column.
 */
static bool
get_column(SeriesReader *reader, int width, int count, uint64 *values)
{
	int			length = (width * count + 7) / 8;
	uint8		copy[SERIES_BLOCK * 8 + 8];
	const uint8 *from = reader->at;
	uint64		mask = width == 64 ? ~UINT64CONST(0) : (UINT64CONST(1) << width) - 1;

	if (reader->end - reader->at < length)
		return false;
	reader->at += length;
	if (reader->end - from < length + 8)
	{
		memcpy(copy, from, length);
		memset(copy + length, 0, 8);
		from = copy;
	}
	if (width <= 56)
	{
		for (unsigned i = 0, bit = 0; i < (unsigned) count; i++, bit += width)
			values[i] = load64(from + bit / 8) >> (bit % 8) & mask;
	}
	else
	{
		for (unsigned i = 0, bit = 0; i < (unsigned) count; i++, bit += width)
		{
			uint64		value = load64(from + bit / 8) >> (bit % 8);

			if (bit % 8 != 0)
				value |= (uint64) from[bit / 8 + 8] << (64 - bit % 8);
			values[i] = value & mask;
		}
	}
	return true;
}

/*
 * Begin to read.  False where the bytes are no series; what follows the
 * header is only looked at as it is read.  The bytes must stay in place.
 */
bool
series_read(SeriesReader *reader, const void *bytes, size_t length)
{
	uint8		version;
	uint8		counters;
	uint64		points;

	memset(reader, 0, offsetof(SeriesReader, state));
	reader->at = bytes;
	reader->end = reader->at + length;
	if (!get_byte(reader, &version) || version != SERIES_VERSION ||
		!get_byte(reader, &counters) || counters < 1 || counters > SERIES_MAX_COUNTERS ||
		!get_varint(reader, &points) || points > SERIES_MAX_POINTS)
		return false;
	reader->counters = counters;
	reader->wanted = UINT32_MAX;
	reader->points = reader->left = (int) points;
	if (!get_state(reader, &reader->start))
		return false;
	if (points > SERIES_BLOCK)
	{
		uint64		offset;

		if (!get_varint(reader, &offset) || !get_state(reader, &reader->carry) ||
			offset > (uint64) (reader->end - reader->at))
			return false;
		reader->last_block = reader->at + offset;
	}
	else
	{
		reader->carry = reader->start;
		reader->last_block = reader->at;
	}
	reader->blocks = reader->at;
	reader->state = reader->start;
	return true;
}

/* The times of a block, from those before it. */
static bool
get_times(SeriesReader *reader, bool microseconds, SeriesBlock *block)
{
	uint64		distance[SERIES_BLOCK];
	uint64		least;
	uint8		width;
	int64		time = reader->state.time;
	int64		unit = microseconds ? 1 : SECOND;
	uint64		longest = microseconds ? SERIES_LATEST - SERIES_EARLIEST :
		(SERIES_LATEST - SERIES_EARLIEST) / SECOND;

	if (!get_varint(reader, &least) || !get_byte(reader, &width) || width > 64 ||
		!get_column(reader, width, block->count, distance))
		return false;
	for (int i = 0; i < block->count; i++)
	{
		/* the first point of all stands where the header says */
		if (i > 0 || reader->state.has_time)
		{
			uint64		step = least + distance[i];

			if (step < distance[i] || step == 0 || step > longest ||
				SERIES_LATEST - time <= (int64) step * unit)
				return false;
			time += (int64) step * unit;
		}
		else if (distance[i] != 0)
			return false;
		block->time[i] = time;
	}
	return true;
}

static bool
get_sources(SeriesReader *reader, SeriesBlock *block)
{
	uint64		source[SERIES_BLOCK];
	uint64		least;
	uint8		width;

	if (!get_varint(reader, &least) || least > PG_INT16_MAX ||
		!get_byte(reader, &width) || width > 16 ||
		!get_column(reader, width, block->count, source))
		return false;
	for (int i = 0; i < block->count; i++)
		block->source[i] = (int32) Min(least + source[i], PG_INT16_MAX);
	return true;
}

/* The changes of the counters: a bitmap of those that changed, then their columns. */
static bool
get_changes(SeriesReader *reader, SeriesBlock *block)
{
	uint32		left;

	if (!get_bitmap(reader, reader->counters, &block->changed))
		return false;
	for (left = block->changed; left != 0; left &= left - 1)
	{
		int			c = __builtin_ctz(left);
		uint8		width;
		bool		is_signed;

		if (!get_byte(reader, &width))
			return false;
		is_signed = width & 0x80;
		width &= 0x7f;
		if (width < 1 || width > 64)
			return false;
		if ((reader->wanted >> c & 1) == 0)
		{
			int			length = (width * block->count + 7) / 8;

			if (reader->end - reader->at < length)
				return false;
			reader->at += length;
			continue;
		}
		if (!get_column(reader, width, block->count, (uint64 *) block->change[c]))
			return false;
		if (is_signed)
		{
			for (int i = 0; i < block->count; i++)
				block->change[c][i] = unzigzag((uint64) block->change[c][i]);
		}
	}
	block->changed &= reader->wanted;
	return true;
}

/*
 * Read the next block; reader->state stays that before it until
 * series_state_advance(), which the caller owes.  Answers 1, 0 at the end, or
 * -1 where the bytes are no series.
 */
int
series_read_block(SeriesReader *reader, SeriesBlock *block)
{
	uint8		has;

	if (reader->left == 0)
		return reader->at == reader->end ? 0 : -1;
	block->count = Min(reader->left, SERIES_BLOCK);
	if (reader->left <= SERIES_BLOCK && reader->at != reader->last_block)
		return -1;
	if (!get_byte(reader, &has) || (has & ~BLOCK_ALL) != 0)
		return -1;

	block->rounded = has & BLOCK_ALL_ROUNDED ? ALL_POINTS(block->count) : 0;
	block->broken = 0;
	for (int c = 0; c < reader->counters; c++)
		block->known[c] = ALL_POINTS(block->count);
	if ((has & BLOCK_ROUNDED && !get_bitmap(reader, block->count, &block->rounded)) ||
		(has & BLOCK_BREAK && !get_bitmap(reader, block->count, &block->broken)))
		return -1;
	if (has & BLOCK_UNKNOWN)
	{
		for (int c = 0; c < reader->counters; c++)
		{
			if (!get_bitmap(reader, block->count, &block->known[c]))
				return -1;
		}
	}
	if (has & BLOCK_SOURCE)
	{
		if (!get_sources(reader, block))
			return -1;
	}
	else
		memset(block->source, 0, sizeof(block->source));
	if (!get_times(reader, has & BLOCK_MICROSECONDS, block) || !get_changes(reader, block))
		return -1;
	reader->left -= block->count;
	return 1;
}

/* Take a block, or the counters of it that were wanted, into the state. */
void
series_state_advance(SeriesState *state, const SeriesBlock *block, int counters)
{
	int			from = 0;

	if (block->broken != 0)
	{
		from = 31 - __builtin_clz(block->broken);
		memset(state->level, 0, sizeof(state->level));
		state->known = 0;
	}
	for (int c = 0; c < counters; c++)
	{
		uint32		known = block->known[c] >> from << from;
		uint64		level = (uint64) state->level[c];

		if (known == 0)
			continue;
		/* what is not known has no change */
		for (int i = from; block->changed >> c & 1 && i < block->count; i++)
			level += (uint64) block->change[c][i];
		state->level[c] = (int64) level;
		state->known |= UINT32_C(1) << c;
	}
	state->has_time = true;
	state->time = block->time[block->count - 1];
}

/* One more point. */
void
series_state_apply(SeriesState *state, const SeriesPoint *point, int counters)
{
	if (point->flags & SERIES_BREAK)
	{
		memset(state->level, 0, sizeof(state->level));
		state->known = 0;
	}
	for (int c = 0; c < counters; c++)
	{
		if (point->known >> c & 1)
			state->level[c] = point->level[c];
	}
	state->known |= point->known;
	state->has_time = true;
	state->time = point->time;
}

static bool
same_state(const SeriesState *a, const SeriesState *b)
{
	return a->has_time == b->has_time && a->time == b->time && a->known == b->known &&
		memcmp(a->level, b->level, sizeof(a->level)) == 0;
}

/* What is not known does not change: else appending would go wrong. */
static bool
sound_block(const SeriesBlock *block, int counters)
{
	for (int c = 0; c < counters; c++)
	{
		for (int i = 0; i < block->count; i++)
		{
			if ((block->known[c] >> i & 1) == 0 && series_change(block, c, i) != 0)
				return false;
		}
	}
	return true;
}

/*
 * Read all there is.  False where the bytes are no series: what comes from
 * outside goes through here before it is kept.
 */
bool
series_read_to_end(SeriesReader *reader)
{
	SeriesBlock block;
	int			result;

	while ((result = series_read_block(reader, &block)) > 0)
	{
		if (!sound_block(&block, reader->counters) ||
			(reader->left == 0 && !same_state(&reader->state, &reader->carry)))
			return false;
		series_state_advance(&reader->state, &block, reader->counters);
	}
	return result == 0;
}

/* The points of a block, each with its levels. */
void
series_block_points(const SeriesBlock *block, const SeriesState *before, int counters, SeriesPoint *points)
{
	SeriesState state = *before;

	for (int i = 0; i < block->count; i++)
	{
		SeriesPoint *point = &points[i];
		bool		broken = block->broken >> i & 1;

		memset(point, 0, sizeof(*point));
		point->time = block->time[i];
		point->source = block->source[i];
		point->flags = (block->rounded >> i & 1 ? SERIES_ROUNDED : 0) | (broken ? SERIES_BREAK : 0);
		for (int c = 0; c < counters; c++)
		{
			if (block->known[c] >> i & 1)
			{
				point->known |= UINT32_C(1) << c;
				point->level[c] = (int64) ((broken ? 0 : (uint64) state.level[c]) +
										   (uint64) series_change(block, c, i));
			}
		}
		series_state_apply(&state, point, counters);
	}
}

/*
 * All points not read yet, reader->left of them at the call: palloc'd.  NULL
 * where the bytes are no series.
 */
SeriesPoint *
series_read_points(SeriesReader *reader)
{
	int			capacity = SERIES_BLOCK;
	int			count = 0;
	SeriesPoint *points = palloc(sizeof(SeriesPoint) * capacity);
	SeriesBlock block;
	int			result;

	/* room grows with what is there, not with what the header promises */
	while ((result = series_read_block(reader, &block)) > 0)
	{
		if (count + block.count > capacity)
		{
			capacity *= 2;
			points = repalloc(points, sizeof(SeriesPoint) * capacity);
		}
		series_block_points(&block, &reader->state, reader->counters, points + count);
		series_state_advance(&reader->state, &block, reader->counters);
		count += block.count;
	}
	return result == 0 ? points : NULL;
}

/* Skip to the last block, as far as it was not read. */
void
series_skip_to_last_block(SeriesReader *reader)
{
	reader->at = reader->last_block;
	reader->left = reader->points == 0 ? 0 : (reader->points - 1) % SERIES_BLOCK + 1;
	reader->state = reader->carry;
}

/* The state after the last point, from the last block alone. */
bool
series_last_state(const SeriesReader *reader, SeriesState *state)
{
	SeriesReader last = *reader;
	SeriesBlock block;
	int			result;

	series_skip_to_last_block(&last);
	while ((result = series_read_block(&last, &block)) > 0)
		series_state_advance(&last.state, &block, last.counters);
	*state = last.state;
	return result == 0;
}
