/*
 * quota.h
 *	  How much the API is asked: by each key in a minute, by each organization
 *	  in a day.
 */
#ifndef TRACKAGOAT_QUOTA_H
#define TRACKAGOAT_QUOTA_H

#include "storage/lwlock.h"
#include "utils/date.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* What a key may ask in a minute. */
#define QUOTA_PER_MINUTE 60

extern Size quota_shared_size(void);
extern void quota_share(LWLock *lock);
extern bool quota_take_minute(const pg_uuid_t *key, TimestampTz now, int *seconds);
extern bool quota_knows_day(const pg_uuid_t *org, DateADT day);
extern int64 quota_take_day(const pg_uuid_t *org, DateADT day, int64 before, int64 limit, bool *is_counted);

#endif							/* TRACKAGOAT_QUOTA_H */
