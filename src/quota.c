/*
 * quota.c
 *	  Counts of requests to the API in shared memory, so that requests do not
 *	  queue for one row.  A session of a server that does not preload the
 *	  library has its own.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/hsearch.h"

#include "quota.h"

/* Keys and organizations that are counted at a time. */
#define QUOTA_ENTRIES 4096

typedef struct QuotaKey
{
	Oid			database;
	pg_uuid_t	id;				/* of a key or an organization */
} QuotaKey;

typedef struct QuotaEntry
{
	QuotaKey	key;
	int64		window;			/* which minute, or day, the count is of */
	bool		is_day;
	int64		count;
} QuotaEntry;

static HTAB *entries = NULL;
static LWLock *entries_lock = NULL; /* NULL: of this process alone */

static HASHCTL
table_shape(void)
{
	HASHCTL		shape = {.keysize = sizeof(QuotaKey), .entrysize = sizeof(QuotaEntry)};

	return shape;
}

/* How much shared memory this needs. */
Size
quota_shared_size(void)
{
	return hash_estimate_size(QUOTA_ENTRIES, sizeof(QuotaEntry));
}

/* Begin to use it, with its lock; AddinShmemInitLock is held. */
void
quota_share(LWLock *lock)
{
	HASHCTL		shape = table_shape();

	entries = ShmemInitHash("trackagoat quota", QUOTA_ENTRIES, QUOTA_ENTRIES, &shape, HASH_ELEM | HASH_BLOBS | HASH_FIXED_SIZE);
	entries_lock = lock;
}

static void
lock_entries(void)
{
	if (entries_lock != NULL)
		LWLockAcquire(entries_lock, LW_EXCLUSIVE);
	else if (entries == NULL)
	{
		HASHCTL		shape = table_shape();

		entries = hash_create("trackagoat quota", 64, &shape, HASH_ELEM | HASH_BLOBS);
	}
}

static void
unlock_entries(void)
{
	if (entries_lock != NULL)
		LWLockRelease(entries_lock);
}

/* Windows that are over count nothing any more. */
static void
drop_old(TimestampTz now)
{
	HASH_SEQ_STATUS scan;
	QuotaEntry *entry;

	hash_seq_init(&scan, entries);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->window < now / (entry->is_day ? USECS_PER_DAY : USECS_PER_MINUTE))
			hash_search(entries, &entry->key, HASH_REMOVE, NULL);
	}
}

/* An entry's count of a window; NULL where there is no room, and so no count. */
static QuotaEntry *
find_entry(const pg_uuid_t *id, bool is_day, int64 window, bool *is_new)
{
	QuotaKey	key;
	QuotaEntry *entry;
	bool		found;

	memset(&key, 0, sizeof(key));
	key.database = MyDatabaseId;
	key.id = *id;
	entry = hash_search(entries, &key, HASH_FIND, NULL);
	if (entry == NULL)
	{
		if (entries_lock != NULL && hash_get_num_entries(entries) >= QUOTA_ENTRIES)
			drop_old(GetCurrentTimestamp());
		if (entries_lock != NULL && hash_get_num_entries(entries) >= QUOTA_ENTRIES)
			return NULL;
		entry = hash_search(entries, &key, HASH_ENTER, &found);
		entry->window = -1;
	}
	*is_new = entry->window != window;
	if (*is_new)
	{
		entry->is_day = is_day;
		entry->window = window;
		entry->count = 0;
	}
	return entry;
}

/* May a key ask once more in this minute?  If not, *seconds are left of it. */
bool
quota_take_minute(const pg_uuid_t *key, TimestampTz now, int *seconds)
{
	QuotaEntry *entry;
	bool		is_new;
	bool		may;

	lock_entries();
	entry = find_entry(key, false, now / USECS_PER_MINUTE, &is_new);
	may = entry == NULL || entry->count < QUOTA_PER_MINUTE;
	if (may && entry != NULL)
		entry->count++;
	unlock_entries();
	*seconds = (int) ((USECS_PER_MINUTE - now % USECS_PER_MINUTE + USECS_PER_SEC - 1) / USECS_PER_SEC);
	return may;
}

/* Is an organization's day being counted? */
bool
quota_knows_day(const pg_uuid_t *org, DateADT day)
{
	QuotaEntry *entry;
	QuotaKey	key;
	bool		known;

	memset(&key, 0, sizeof(key));
	key.database = MyDatabaseId;
	key.id = *org;
	lock_entries();
	entry = hash_search(entries, &key, HASH_FIND, NULL);
	known = entry != NULL && entry->window == day;
	unlock_entries();
	return known;
}

/* Begin to count it, with what was asked before. */
void
quota_begin_day(const pg_uuid_t *org, DateADT day, int64 requests)
{
	QuotaEntry *entry;
	bool		is_new;

	lock_entries();
	entry = find_entry(org, true, day, &is_new);
	if (entry != NULL && is_new)
		entry->count = requests;
	unlock_entries();
}

/* One request more of an organization today: how many that makes, or -1 where it is too many. */
int64
quota_take_day(const pg_uuid_t *org, DateADT day, int64 limit)
{
	QuotaEntry *entry;
	bool		is_new;
	int64		count = 0;

	lock_entries();
	entry = find_entry(org, true, day, &is_new);
	if (entry != NULL)
		count = entry->count < limit ? ++entry->count : -1;
	else if (limit <= 0)
		count = -1;
	unlock_entries();
	return count;
}
