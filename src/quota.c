/*
 * quota.c
 *	  Counts of requests to the API in shared memory, so that requests do not
 *	  queue for one row.  A session of a server that does not preload the
 *	  library has its own.  Where there is no room for more, what is counted
 *	  already goes on: a new key is refused until the minute is over, and a new
 *	  organization goes by what is written down of its day.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/hsearch.h"

#include "quota.h"

/* Keys that are counted in a minute, and organizations in a day; either table is a megabyte. */
#define QUOTA_ENTRIES 16384

typedef struct QuotaKey
{
	Oid			database;
	pg_uuid_t	id;				/* of a key or an organization */
} QuotaKey;

typedef struct QuotaEntry
{
	QuotaKey	key;
	int64		window;			/* which minute, or day, the count is of */
	int64		count;
} QuotaEntry;

typedef struct QuotaTable
{
	const char *name;
	HTAB	   *entries;
	int64		swept;			/* the window in which this process last looked for those that are over */
} QuotaTable;

static QuotaTable minutes = {.name = "trackagoat quota of keys"};
static QuotaTable days = {.name = "trackagoat quota of organizations"};
static LWLock *tables_lock = NULL;	/* NULL: of this process alone */

/* How much shared memory this needs. */
Size
quota_shared_size(void)
{
	return mul_size(2, hash_estimate_size(QUOTA_ENTRIES, sizeof(QuotaEntry)));
}

static void
make_table(QuotaTable *table, bool is_shared)
{
	HASHCTL		shape = {.keysize = sizeof(QuotaKey), .entrysize = sizeof(QuotaEntry)};

	if (is_shared)
		table->entries = ShmemInitHash(table->name, QUOTA_ENTRIES, QUOTA_ENTRIES, &shape, HASH_ELEM | HASH_BLOBS | HASH_FIXED_SIZE);
	else
		table->entries = hash_create(table->name, 64, &shape, HASH_ELEM | HASH_BLOBS);
}

/* Begin to use it, with its lock; AddinShmemInitLock is held. */
void
quota_share(LWLock *lock)
{
	make_table(&minutes, true);
	make_table(&days, true);
	tables_lock = lock;
}

static void
lock_tables(void)
{
	if (tables_lock != NULL)
		LWLockAcquire(tables_lock, LW_EXCLUSIVE);
	else if (minutes.entries == NULL)
	{
		make_table(&minutes, false);
		make_table(&days, false);
	}
}

static void
unlock_tables(void)
{
	if (tables_lock != NULL)
		LWLockRelease(tables_lock);
}

static QuotaEntry *
look_up(QuotaTable *table, const pg_uuid_t *id, HASHACTION action)
{
	QuotaKey	key;

	memset(&key, 0, sizeof(key));
	key.database = MyDatabaseId;
	key.id = *id;
	return hash_search(table->entries, &key, action, NULL);
}

/* Is there room for one more?  Windows that are over count nothing any more. */
static bool
make_room(QuotaTable *table, int64 window)
{
	HASH_SEQ_STATUS scan;
	QuotaEntry *entry;

	if (hash_get_num_entries(table->entries) >= QUOTA_ENTRIES && table->swept != window)
	{
		hash_seq_init(&scan, table->entries);
		while ((entry = hash_seq_search(&scan)) != NULL)
		{
			if (entry->window < window)
				hash_search(table->entries, &entry->key, HASH_REMOVE, NULL);
		}
		table->swept = window;
	}
	return hash_get_num_entries(table->entries) < QUOTA_ENTRIES;
}

/* The count of a window, which begins with what was asked before; NULL where there is no room. */
static int64 *
find_count(QuotaTable *table, const pg_uuid_t *id, int64 window, int64 before)
{
	QuotaEntry *entry = look_up(table, id, HASH_FIND);

	if (entry == NULL)
	{
		if (!make_room(table, window))
			return NULL;
		entry = look_up(table, id, HASH_ENTER);
		entry->window = -1;
	}
	/* who has looked at the clock just before others did is counted with them */
	if (entry->window != window && entry->window != window + 1)
	{
		entry->window = window;
		entry->count = before;
	}
	return &entry->count;
}

/* May a key ask once more in this minute?  If not, *seconds are left of it. */
bool
quota_take_minute(const pg_uuid_t *key, TimestampTz now, int *seconds)
{
	int64	   *count;
	bool		may;

	lock_tables();
	count = find_count(&minutes, key, now / USECS_PER_MINUTE, 0);
	may = count != NULL && *count < QUOTA_PER_MINUTE;
	if (may)
		++*count;
	unlock_tables();
	*seconds = (int) ((USECS_PER_MINUTE - now % USECS_PER_MINUTE + USECS_PER_SEC - 1) / USECS_PER_SEC);
	return may;
}

/* Is an organization's day being counted? */
bool
quota_knows_day(const pg_uuid_t *org, DateADT day)
{
	QuotaEntry *entry;
	bool		known;

	lock_tables();
	entry = look_up(&days, org, HASH_FIND);
	known = entry != NULL && entry->window == day;
	unlock_tables();
	return known;
}

/*
 * One request more of an organization today, after those before where its day
 * is not being counted: how many that makes, or -1 where it is too many.
 * *is_counted says whether it is from now on.
 */
int64
quota_take_day(const pg_uuid_t *org, DateADT day, int64 before, int64 limit, bool *is_counted)
{
	int64	   *count;
	int64		taken;

	lock_tables();
	count = find_count(&days, org, day, before);
	*is_counted = count != NULL;
	if (count == NULL)
		count = &before;
	taken = *count < limit ? ++*count : -1;
	unlock_tables();
	return taken;
}
