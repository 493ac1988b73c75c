/*
 * uuid.c
 *	  uuidv7(): ids whose order is the order of their creation.
 */
#include "postgres.h"

#include <time.h>

#include "fmgr.h"
#include "utils/uuid.h"

PG_FUNCTION_INFO_V1(trackagoat_uuidv7);

/* One step of the 12-bit fraction of a millisecond, in nanoseconds (rounded up). */
#define FRACTION_STEP 245
#define NS_PER_MS INT64CONST(1000000)

/*
 * The time of the next id in nanoseconds: the clock's, but at least one step
 * after the last one that this process gave out, so that ids of one session
 * rise strictly even when the clock stands still or falls back.
 */
static int64
next_time(void)
{
	static int64 last = 0;
	struct timespec now;
	int64		ns;

	clock_gettime(CLOCK_REALTIME, &now);
	ns = (int64) now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
	last = Max(ns, last + FRACTION_STEP);
	return last;
}

/* Random bytes for an id, of which many are fetched at a time. */
static void
random_bytes(unsigned char *bytes)
{
	static unsigned char pool[512];
	static size_t used = sizeof(pool);

	if (used == sizeof(pool))
	{
		if (!pg_strong_random(pool, sizeof(pool)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate random values")));
		used = 0;
	}
	memcpy(bytes, pool + used, UUID_LEN - 8);
	used += UUID_LEN - 8;
}

/*
 * A UUID of version 7 (RFC 9562, method 3): 48 bits of Unix milliseconds, 12
 * bits of their fraction, 62 random bits.
 */
Datum
trackagoat_uuidv7(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));
	int64		ns = next_time();
	uint64		ms = ns / NS_PER_MS;
	uint32		fraction = (uint32) ((ns % NS_PER_MS) * 4096 / NS_PER_MS);

	random_bytes(&uuid->data[8]);
	for (int i = 0; i < 6; i++)
		uuid->data[i] = (unsigned char) (ms >> (40 - 8 * i));
	uuid->data[6] = (unsigned char) (0x70 | (fraction >> 8));
	uuid->data[7] = (unsigned char) fraction;
	uuid->data[8] = (uuid->data[8] & 0x3f) | 0x80;

	PG_RETURN_UUID_P(uuid);
}
