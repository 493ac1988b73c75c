/*
 * pace.c
 *	  How fast a host is asked, by all processes of the server together: a token
 *	  bucket and a count of open requests for each host, in shared memory.  A
 *	  session of a server that does not preload the library has its own.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "trackagoat.h"
#include "worker/worker.h"

/* Requests that could not begin in time are caught up on for so long only (microseconds). */
#define CATCH_UP INT64CONST(100000)
/* Hosts that are asked at a time; the one asked longest ago makes room for another. */
#define PACE_HOSTS 8

typedef struct HostPace
{
	char		host[PACE_HOST_LENGTH];
	TimestampTz next_start;		/* no request before then */
	int			open;			/* requests, of all processes */
} HostPace;

typedef struct PaceState
{
	LWLock	   *lock;			/* NULL: of this process alone */
	HostPace	hosts[PACE_HOSTS];
} PaceState;

static PaceState own_state;
static PaceState *pace = &own_state;

/* What this process has open, to be given back however it ends. */
static int	my_open[PACE_HOSTS];

/* How much shared memory this needs. */
Size
pace_shared_size(void)
{
	return MAXALIGN(sizeof(PaceState));
}

/* Begin to use it, with its lock; AddinShmemInitLock is held. */
void
pace_share(LWLock *lock)
{
	bool		found;

	pace = ShmemInitStruct("trackagoat pace", pace_shared_size(), &found);
	if (!found)
	{
		memset(pace, 0, sizeof(PaceState));
		pace->lock = lock;
	}
}

static void
lock_pace(void)
{
	if (pace->lock != NULL)
		LWLockAcquire(pace->lock, LW_EXCLUSIVE);
}

static void
unlock_pace(void)
{
	if (pace->lock != NULL)
		LWLockRelease(pace->lock);
}

/* The host's entry, made where there is none: of those without open requests, the one idle longest goes. */
static int
find_host(const char *host)
{
	int			free = -1;

	for (int i = 0; i < PACE_HOSTS; i++)
	{
		if (strcmp(pace->hosts[i].host, host) == 0)
			return i;
		if (pace->hosts[i].open == 0 &&
			(free < 0 || pace->hosts[i].next_start < pace->hosts[free].next_start))
			free = i;
	}
	/* all are in use: two hosts share an entry, which only slows them */
	if (free < 0)
		return 0;
	memset(&pace->hosts[free], 0, sizeof(HostPace));
	strlcpy(pace->hosts[free].host, host, PACE_HOST_LENGTH);
	return free;
}

/*
 * No request has to wait for longer than this: neither a clock that was set
 * back nor a pace that was slower keeps us waiting.
 */
TimestampTz
pace_latest(TimestampTz now)
{
	return now + (INT64CONST(60000000) / trackagoat_requests_per_minute + CATCH_UP) * 3 / 2;
}

/*
 * Take up to so many requests that may begin now: the answer tells how many.
 * Each is given back by pace_end() once it has ended, or by pace_untake()
 * where there was nothing to ask.  The spacing varies by half, so that
 * requests do not come in step.
 */
PaceGrant
pace_take(const char *host, int wanted, TimestampTz now)
{
	int64		spacing = INT64CONST(60000000) / trackagoat_requests_per_minute;
	PaceGrant	grant = {0};
	HostPace   *entry;

	lock_pace();
	grant.host = find_host(host);
	entry = &pace->hosts[grant.host];
	entry->next_start = Min(entry->next_start, pace_latest(now));
	entry->next_start = Max(entry->next_start, now - CATCH_UP);
	wanted = Min(wanted, trackagoat_max_parallel - entry->open);
	while (grant.count < wanted && entry->next_start <= now)
	{
		grant.spacing[grant.count] = spacing / 2 + (int64) (pg_prng_double(&pg_global_prng_state) * spacing);
		entry->next_start += grant.spacing[grant.count++];
	}
	entry->open += grant.count;
	grant.next_start = entry->next_start;
	unlock_pace();
	my_open[grant.host] += grant.count;
	return grant;
}

/* Nothing was asked for the last so many of a grant. */
void
pace_untake(const PaceGrant *grant, int count)
{
	lock_pace();
	for (int i = grant->count - count; i < grant->count; i++)
		pace->hosts[grant->host].next_start -= grant->spacing[i];
	pace->hosts[grant->host].open -= count;
	unlock_pace();
	my_open[grant->host] -= count;
}

/* A request of that entry has ended. */
void
pace_end(int host)
{
	lock_pace();
	pace->hosts[host].open--;
	unlock_pace();
	my_open[host]--;
}

/* All requests of this process have ended. */
void
pace_end_all(void)
{
	lock_pace();
	for (int i = 0; i < PACE_HOSTS; i++)
	{
		pace->hosts[i].open -= my_open[i];
		my_open[i] = 0;
	}
	unlock_pace();
}
