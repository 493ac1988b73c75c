/*
 * worker.h
 *	  What the files of the worker share.
 *
 * The launcher (launcher.c) keeps the worker processes of each database
 * running; each runs the loop of scraper.c: claim jobs (queue.c) as fast as the
 * host may be asked (pace.c), fetch them (source.c, transfer.c), see what came
 * (judge.c) and store it (queue.c), in the transactions of unit.c.  shared.c
 * holds the little state that other processes see; crash_mark.c tells what a
 * process was at that crashed.
 */
#ifndef TRACKAGOAT_WORKER_H
#define TRACKAGOAT_WORKER_H

#include "postgres.h"

#include <sys/socket.h>

#include "datatype/timestamp.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "utils/jsonb.h"

#include "handle.h"
#include "page.h"

#define MAX_PARALLEL 64			/* as the range of trackagoat.max_parallel */

/* shared.c: the state of the workers in shared memory */

/* One worker of a database of trackagoat.database.  No pointer of a process but its latch. */
typedef struct WorkerSlot
{
	char		database[NAMEDATALEN];
	Oid			database_oid;
	pid_t		pid;			/* 0 while no worker runs */
	Latch	   *latch;			/* in shared memory; valid while pid is set */
	char		state[NAMEDATALEN];
	TimestampTz started_at;
	TimestampTz active_at;
	TimestampTz paused_until;
	int32		in_flight;
	int64		requests;
	int64		failures;
	int64		memory;			/* RssAnon, bytes */
	TimestampTz error_at;
	char		error[256];
} WorkerSlot;

extern void shared_request(void);
extern int	shared_slot_count(void);
extern WorkerSlot shared_slot(int index);
extern bool shared_slot_take(int index);
extern void shared_report(const char *state, int in_flight, int requests, int failures,
						  TimestampTz paused_until);
extern void shared_report_error(const char *error);

/* pace.c: how fast a host is asked, by all processes together */

#define PACE_HOST_LENGTH 256

typedef struct PaceGrant
{
	int			count;			/* requests that may begin */
	int			host;			/* for pace_end() */
	int64		spacing[MAX_PARALLEL];
	TimestampTz next_start;		/* when another may */
} PaceGrant;

extern Size pace_shared_size(void);
extern void pace_share(LWLock *lock);
extern TimestampTz pace_latest(TimestampTz now);
extern PaceGrant pace_take(const char *host, int wanted, TimestampTz now);
extern void pace_untake(const PaceGrant *grant, int count);
extern void pace_end(int host);
extern void pace_end_all(void);

/* crash_mark.c: which page a process was at when it ended */

extern void crash_mark_open(void);
extern void crash_mark_set(int64 attempt_id);
extern void crash_mark_clear(void);
extern void crash_mark_close(void);

/* launcher.c */
extern void launcher_register(void);
extern PGDLLEXPORT void trackagoat_launcher_main(Datum arg);

/* scraper.c */
extern PGDLLEXPORT void trackagoat_worker_main(Datum arg);

/* unit.c: the transactions around the queue's SQL functions */

extern bool unit_open(bool in_procedure);
extern bool unit_in_procedure(void);
extern bool unit_begin(void);
extern void unit_commit(void);
extern void unit_flush(void);

/* queue.c: the queue's SQL functions */

typedef struct Source Source;

typedef struct ScrapeClaim
{
	int64		attempt_id;
	char		kind[NAMEDATALEN];
	const Source *source;
	char		tiktok_handle[HANDLE_MAX_LENGTH + 1];	/* empty but for accounts */
	int64		tiktok_video_id;	/* 0 for accounts */
	char		sec_uid[129];
	int64		list_cursor;	/* Unix milliseconds; 0 for the newest */
	char		link[80];		/* of video_link: host and path */
} ScrapeClaim;

/* What came of a claim. */
typedef struct ScrapeResult
{
	const char *outcome;
	int			http_status;	/* 0: no answer */
	int			curl_code;
	int			milliseconds;
	int64		body_bytes;
	const char *detail;			/* or NULL */
	int64		retry_after;	/* seconds that the host asks for; -1: none */
	TimestampTz fetched_at;
	Jsonb	   *page;			/* or NULL */
} ScrapeResult;

extern int	queue_claim(int max_jobs, ScrapeClaim *claims);
extern TimestampTz queue_next_due(void);
extern TimestampTz queue_paused_until(void);
extern void queue_release(void);
extern int	queue_fold(int max_projects);
extern bool queue_analyze(void);
extern void queue_store_and_finish(const ScrapeClaim *claim, ScrapeResult *result);

/* source.c: what is asked for, and whether it came */

struct Source
{
	const char *name;			/* of scrape_source, and of pages that are it */
	char	   *(*url) (const ScrapeClaim *claim, uint64 device_id);	/* palloc'd */
	bool		(*answers) (const WebPage *page, const ScrapeClaim *claim);
	bool		has_counts;		/* else it only tells what exists */
	bool		knows_gone;		/* else its 404 may mean that it is not offered */
};

extern const Source *source_find(const char *name);

/* transfer.c: HTTP requests in flight */

typedef struct Fetch Fetch;

typedef enum FetchFailure
{
	FETCH_ANSWERED,
	FETCH_TIMEOUT,
	FETCH_UNREACHABLE,
	FETCH_TLS_FAILED,
	FETCH_TOO_LARGE,
	FETCH_ADDRESS_REFUSED
} FetchFailure;

/* A finished request; all strings live until transfer_release(). */
typedef struct FetchAnswer
{
	FetchFailure failure;
	const char *detail;			/* libcurl's words for a failure, or NULL */
	int			status;			/* HTTP status, 0 for none */
	const char *body;
	size_t		body_length;
	const char *location;		/* where a redirect leads, or NULL */
	int64		retry_after;	/* seconds, -1: not said */
	int			curl_code;
	int			milliseconds;	/* that the request took, until its answer was read */
	int			claim_index;	/* as given to transfer_start() */
} FetchAnswer;

extern void transfer_open(void);
extern void transfer_close(void);
extern int	transfer_socket(void);
extern long transfer_timeout(void);
extern int	transfer_in_flight(void);
extern void transfer_start(const char *url, int claim_index);
extern void transfer_drive(void);
extern Fetch *transfer_finished(FetchAnswer *answer);
extern void transfer_release(Fetch *fetch);

/* judge.c */
extern ScrapeResult judge_answer(const FetchAnswer *answer, const ScrapeClaim *claim);

/* address.c */
extern bool address_is_public(const struct sockaddr *address);

#endif							/* TRACKAGOAT_WORKER_H */
